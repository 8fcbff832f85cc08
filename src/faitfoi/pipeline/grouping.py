"""Which deliveries travel in one message: one mail per invoice, or per customer and run.

The customer's record decides; where it says nothing, the channel's setting.

Never another customer's: the same organisation, batch, customer record, address and purpose, or each by itself. Each
delivery of the message has its own attempt, claimed before and settled together with the others.
"""

from datetime import datetime, timedelta
from uuid import UUID

from faitfoi.accounts.models import ChannelKey
from faitfoi.channels.contract import Parcel
from faitfoi.channels.smtp_mail_pace import read_grouping
from faitfoi.records.models import Batch, BatchLine, Delivery, PaceSlot
from faitfoi.records.stages import GroupingWish, LineOutcome, Stage

MOST_TOGETHER = 20
READS_AGAIN = timedelta(seconds=15)
LONGEST_WAIT = timedelta(hours=1)
"""How long a message waits for the rest of its run to be read; then what is ready leaves."""


def waits_for_its_run(delivery: Delivery, settings: dict[str, str], *, now: datetime) -> datetime | None:
    """Return when to look again while the batch is still being read; None when it may leave. Inside `acting_for`."""
    if not is_grouped(delivery, settings):
        return None
    own = Batch.objects.filter(lines__document=delivery.document_id, lines__already_done=False)
    reading = own.filter(created_at__gt=now - LONGEST_WAIT).values("id")
    if not BatchLine.objects.filter(batch__in=reading, outcome=LineOutcome.WAITING).exists():
        return None
    at = now + READS_AGAIN
    PaceSlot.objects.update_or_create(
        delivery_id=delivery.id, defaults={"organisation_id": delivery.organisation_id, "at": at}
    )
    return at


def companions_of(delivery: Delivery, settings: dict[str, str]) -> list[UUID]:
    """Return the deliveries that may share this one's message, within the size asked for. Runs inside `acting_for`."""
    customer = delivery.document.customer_id
    if customer is None or not is_grouped(delivery, settings):
        return []
    batches = Batch.objects.filter(lines__document=delivery.document_id, lines__already_done=False)
    same = Delivery.objects.filter(
        stage=Stage.ROUTED,
        channel=ChannelKey.EMAIL,
        purpose=delivery.purpose,
        address=delivery.address,
        document__customer_id=customer,
        document__lines__batch__in=list(batches.values_list("id", flat=True)),
        document__lines__already_done=False,
    ).exclude(id=delivery.id)
    chosen: list[UUID] = []
    room = read_grouping(settings).most_bytes - delivery.artefact.size
    for each, size in same.order_by("document__number", "id").values_list("id", "artefact__size").distinct():
        if size <= room and len(chosen) < MOST_TOGETHER - 1:
            chosen.append(each)
            room -= size
    return chosen


def goes_with(leader: Parcel, other: Parcel) -> bool:
    """Whether a parcel may share the leader's message: the same organisation, customer, address and purpose."""
    return (
        bool(leader.customer)
        and leader.customer == other.customer
        and leader.address.lower() == other.address.lower()
        and leader.purpose == other.purpose
        and leader.key.partition(":")[0] == other.key.partition(":")[0]
    )


def carried_with(delivery: Delivery) -> list[Delivery]:
    """Return every delivery that this one's message carried: what comes back concerns them all. Inside `acting_for`."""
    if delivery.document.customer_id is None:
        return [delivery]
    others = Delivery.objects.filter(
        document__customer_id=delivery.document.customer_id, references__carrier=delivery.message_ref
    ).exclude(id=delivery.id)
    return [delivery, *others.select_related("document")]


def is_grouped(delivery: Delivery, settings: dict[str, str]) -> bool:
    """Whether others may share this one's message: by the customer's own wish, else by the organisation's."""
    customer = delivery.document.customer
    if delivery.channel != ChannelKey.EMAIL or customer is None:
        return False
    if customer.grouping:
        return customer.grouping == GroupingWish.CUSTOMER
    return read_grouping(settings).per_customer
