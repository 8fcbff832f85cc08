"""What travels together, in one message or flow: one rule for every channel that carries several documents at once.

The channel says how much, and whether two parcels go together (`channels.contract.Sharing`); who is there to go along
is what only the books tell (`BOOKS`). Whoever goes along is due or waits for nothing but its turn, was announced with
the leader and fits beside it. It was never refused before: in company, nobody would know which of them that is about.
It keeps an attempt of its own, claimed before and settled together with the others.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from faitfoi.accounts.models import ChannelKey
from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.contract import Channel, NotSent, Parcel, Sharing
from faitfoi.pipeline.flows import of_one_flow
from faitfoi.pipeline.grouping import of_one_mail, run_is_read, wish_about_mail
from faitfoi.pipeline.open_channels import Channels
from faitfoi.records.models import Attempt, Delivery, PaceSlot
from faitfoi.records.stages import Stage


def _of_one_channel(delivery: Delivery, settings: Mapping[str, str]) -> QuerySet[Delivery]:  # noqa: ARG001 -- one shape
    return Delivery.objects.filter(channel=delivery.channel, purpose=delivery.purpose)


def _says_nothing(delivery: Delivery) -> bool | None:  # noqa: ARG001 -- one shape
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What the books say of a channel's company. A channel without a row of its own has the defaults.

    `others` selects who may go along with a delivery, which must itself be among them; `wish` is what its customer's
    record wants, None where it says nothing. `whole_run`: company is looked for in every chunk of the run, which is
    waited for until it is read; otherwise in the chunk alone.
    """

    others: Callable[[Delivery, Mapping[str, str]], QuerySet[Delivery]] = _of_one_channel
    wish: Callable[[Delivery], bool | None] = _says_nothing
    whole_run: bool = False


BOOKS: Mapping[str, Books] = {
    ChannelKey.EMAIL: Books(others=of_one_mail, wish=wish_about_mail, whole_run=True),
    ChannelKey.CHORUS_PRO: Books(others=of_one_flow),
}
DEFAULTS = Books()
WHOLE_RUNS = tuple(key for key, books in BOOKS.items() if books.whole_run)


def shares(delivery: Delivery, channel: Channel) -> bool:
    """Whether others may travel with this one: by its customer's record, else by the channel's settings."""
    if not isinstance(channel, Sharing):
        return False
    wish = _books(delivery).wish(delivery)
    return channel.together.asked if wish is None else wish


def fits(channel: Channel, leader: Parcel, other: Parcel) -> bool:
    """Whether a parcel may travel with the leader's, as the channel judges them."""
    return isinstance(channel, Sharing) and channel.goes_with(leader, other)


def waits_for_company(delivery: Delivery, channel: Channel, *, now: datetime) -> datetime | None:
    """Return when to look again while those that will share its message are still being read. Inside `acting_for`."""
    if not _books(delivery).whole_run or not shares(delivery, channel):
        return None
    return run_is_read(delivery, now=now)


def company_of(
    delivery: Delivery, channel: Channel, settings: Mapping[str, str], *, among: Collection[UUID] | None = None
) -> list[UUID]:
    """Return the deliveries that may travel with this one (`among` these), within what one message or flow holds.

    Runs inside `acting_for`.
    """
    if not isinstance(channel, Sharing) or not shares(delivery, channel):
        return []
    now = timezone.now()
    # Who waits after a failure waits on; who waits for a turn gains by sharing another's.
    turn = PaceSlot.objects.filter(delivery_id=OuterRef("pk"))
    free = Q(next_attempt_at=None) | Q(next_attempt_at__lte=now) | Q(Exists(turn))
    refused = Attempt.objects.filter(delivery=OuterRef("pk"), outcome=Attempt.Outcome.REFUSED)
    able = _books(delivery).others(delivery, settings)
    able = able.filter(Q(id=delivery.id) | Q(free, stage=Stage.ROUTED)).exclude(Exists(refused))
    if among is not None:
        able = able.filter(id__in=[*among, delivery.id])
    rows = able.order_by("document__number", "id").values_list("id", "artefact__size", "document__number")
    sizes = {each: size for each, size, _ in rows.distinct()}
    if delivery.id not in sizes:
        return []
    chosen: list[UUID] = []
    room = channel.together.size - sizes.pop(delivery.id)
    for each, size in sizes.items():
        if size <= room and len(chosen) < channel.together.documents - 1:
            chosen.append(each)
            room -= size
    return chosen


def with_company(organisation_id: UUID, chunk: Sequence[UUID], channels: Channels) -> list[UUID]:
    """Add the deliveries of other chunks that will share a message with one of these: they are announced with it."""
    wanted = dict.fromkeys(chunk)
    with acting_for(organisation_id):
        found = Delivery.objects.filter(id__in=chunk, channel__in=WHOLE_RUNS, stage=Stage.ROUTED)
        for delivery in found.select_related("document__customer", "artefact"):
            try:
                channel = channels.open(delivery)
            except NotSent:
                continue  # its claim says why
            wanted.update(dict.fromkeys(company_of(delivery, channel, channels.settings_of(delivery.channel))))
    return list(wanted)


def _books(delivery: Delivery) -> Books:
    return BOOKS.get(delivery.channel, DEFAULTS)
