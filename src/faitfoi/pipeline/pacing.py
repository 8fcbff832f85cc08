"""When each mail may leave: turns taken from one sender and to one domain, shared by all workers through PostgreSQL.

A domain whose server asks for patience (450, 421) is sent to ever more slowly, and faster again as time passes.

A delivery takes its turn once, and keeps it: the end of a batch is known as soon as all have theirs. Whoever waited
for a slow domain passes the sender's gate again, so that turns that come together still leave one after the other.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, Max, QuerySet
from django.utils import timezone

from faitfoi.accounts.models import ChannelKey
from faitfoi.accounts.tenancy import acting_for, require_organisation
from faitfoi.channels.smtp_mail_pace import (
    FORGIVEN_AFTER,
    MOST_SLOWED,
    Pace,
    read_pace,
    slow_between,
    still_slowed,
)
from faitfoi.pipeline.due import deliver_later, queued_deliveries
from faitfoi.records.models import Batch, Delivery, MailPace, PaceSlot
from faitfoi.records.stages import Stage
from faitfoi.records.vault import channel_settings

AT_ONCE = timedelta(seconds=1)
"""A turn as near as this is now: waiting for it would cost more than it spares."""
LOOKS_EVERY = timedelta(seconds=10)
SLACK = 3
"""Messages that may follow each other closely at the sender's gate, after turns that came late."""
MOST_WOKEN = 1000


def held_until(delivery: Delivery, settings: dict[str, str], *, now: datetime) -> datetime | None:
    """Return when this delivery may leave, its turn being taken; None when it may leave now. Runs inside `acting_for`.

    The caller has locked the delivery's row in this transaction and found it still to be sent: nobody else takes a
    turn for it.
    The settings were judged when they were saved; those that do not read hold nothing up.
    """
    if delivery.channel != ChannelKey.EMAIL:
        return None
    try:
        pace = read_pace(settings)
    except ValueError:
        return None
    domain = _domain_of(delivery.address)
    slowed = _slowed(domain, now=now)
    if pace.sender is None and pace.to(domain) is None and not slowed:
        return None
    sender = settings.get("sender_address", "").lower()
    known = PaceSlot.objects.filter(delivery_id=delivery.id).first()
    between = _between(pace, domain, slowed)
    at = known.at if known else _turn(pace, sender=sender, domain=domain, between=between, now=now)
    if at <= now + AT_ONCE and (gate := _gate(pace, sender=sender, now=now)) is not None:
        at = gate
    if at <= now + AT_ONCE:
        PaceSlot.objects.filter(delivery_id=delivery.id).delete()
        return None
    PaceSlot.objects.update_or_create(
        delivery_id=delivery.id, defaults={"organisation_id": delivery.organisation_id, "at": at}
    )
    return at


def slow_down(organisation_id: UUID, address: str, settings: dict[str, str], *, now: datetime) -> None:
    """Send more slowly to an address's domain, whose server asked for it; those who wait there get later turns."""
    with acting_for(organisation_id):
        row = _row(MailPace(scope="domain", name=_domain_of(address)), now=now)
        row.slowed = min(still_slowed(row.slowed, row.slowed_at, now=now) + 1, MOST_SLOWED)
        row.slowed_at = now
        _space_again(row, settings, now=now)


def due_paced(organisation_id: UUID) -> int:
    """Have the deliveries sent whose turn comes before the next look; those whose delivery is settled are forgotten."""
    _ease(organisation_id, now=timezone.now())
    with acting_for(organisation_id):
        soon = PaceSlot.objects.filter(at__lte=timezone.now() + LOOKS_EVERY).order_by("at")
        ids = list(soon.values_list("delivery_id", flat=True)[:MOST_WOKEN])
        if not ids:
            return 0
        routed = set(Delivery.objects.filter(id__in=ids, stage=Stage.ROUTED).values_list("id", flat=True))
        PaceSlot.objects.filter(delivery_id__in=[each for each in ids if each not in routed]).delete()
        queued = queued_deliveries(organisation_id)
        woken = [each for each in ids if each in routed and each not in queued]
        # A turn that was brought forward: what was written on the delivery no longer counts.
        late = Delivery.objects.filter(
            id__in=woken, stage=Stage.ROUTED, next_attempt_at__gt=timezone.now() + LOOKS_EVERY
        )
        late.update(next_attempt_at=timezone.now())
        deliver_later(organisation_id, woken)
    return len(woken)


def expected_end(batch: Batch) -> datetime | None:
    """Return when the last mail of the batch should leave, as far as turns are taken. Runs inside `acting_for`."""
    own = Delivery.objects.filter(document__lines__batch=batch, stage=Stage.ROUTED, channel=ChannelKey.EMAIL)
    end: datetime | None = PaceSlot.objects.filter(delivery_id__in=own.values("id")).aggregate(end=Max("at"))["end"]
    return end


@dataclass(frozen=True, slots=True, kw_only=True)
class Slowed:
    """A domain that is sent to more slowly: the seconds between two messages, how many wait, when the last leaves."""

    domain: str
    seconds: int
    waiting: int
    end: datetime | None

    @property
    def minutes(self) -> int:
        """The same in minutes; 0 below two of them."""
        return self.seconds // 60 if self.seconds >= 120 else 0


def slowed_domains(batch: Batch | None = None, *, now: datetime) -> list[Slowed]:
    """Return the domains whose servers asked for patience and that mails wait for (of a batch). Inside `acting_for`."""
    found = []
    for row in MailPace.objects.filter(scope="domain", slowed__gt=0).order_by("name"):
        slowed = still_slowed(row.slowed, row.slowed_at, now=now)
        slots = _waiting_for(row.name)
        if batch is not None:
            own = Delivery.objects.filter(document__lines__batch=batch).values("id")
            slots = slots.filter(delivery_id__in=own)
        told = slots.aggregate(end=Max("at"), waiting=Count("id"))
        if slowed and (told["waiting"] or batch is None):
            seconds = round(slow_between(slowed).total_seconds())
            found.append(Slowed(domain=row.name, seconds=seconds, waiting=told["waiting"], end=told["end"]))
    return found


def _ease(organisation_id: UUID, *, now: datetime) -> None:
    """Take back the degrees of slowness that time has forgiven, and bring the turns of those who wait forward."""
    with acting_for(organisation_id):
        names = [
            row.name
            for row in MailPace.objects.filter(scope="domain", slowed__gt=0)
            if still_slowed(row.slowed, row.slowed_at, now=now) < row.slowed
        ]
        settings = (channel_settings(ChannelKey.EMAIL) or {}) if names else {}
        for name in sorted(names):
            row = _row(MailPace(scope="domain", name=name), now=now)
            left = still_slowed(row.slowed, row.slowed_at, now=now)
            if row.slowed_at is not None:
                row.slowed_at += (row.slowed - left) * FORGIVEN_AFTER
            row.slowed = left
            _space_again(row, settings, now=now)


def _space_again(row: MailPace, settings: dict[str, str], *, now: datetime) -> None:
    """Give those who wait for this domain their turns anew, in the same order, as slowly as it now wants them."""
    try:
        pace = read_pace(settings)
    except ValueError:
        pace = Pace()
    between = _between(pace, row.name, row.slowed) or timedelta(0)
    at = now + between
    slots = list(_waiting_for(row.name).order_by("at", "id"))
    for slot in slots:
        slot.at = at
        at += between
    PaceSlot.objects.bulk_update(slots, ["at"], batch_size=500)
    row.free_at = at
    row.save(update_fields=["free_at", "slowed", "slowed_at"])


def _waiting_for(domain: str) -> QuerySet[PaceSlot]:
    there = Delivery.objects.filter(channel=ChannelKey.EMAIL, stage=Stage.ROUTED, address__iendswith=f"@{domain}")
    return PaceSlot.objects.filter(delivery_id__in=there.values("id"))


def _domain_of(address: str) -> str:
    return address.rpartition("@")[2].lower()[:254]


def _slowed(domain: str, *, now: datetime) -> int:
    row = MailPace.objects.filter(scope="domain", name=domain, slowed__gt=0).first()
    return still_slowed(row.slowed, row.slowed_at, now=now) if row else 0


def _between(pace: Pace, domain: str, slowed: int) -> timedelta | None:
    """The time between two messages to a domain: what is asked for or, when that is more, what its server wants."""
    asked = pace.to(domain)
    return max(asked or timedelta(0), slow_between(slowed)) if slowed else asked


def _turn(pace: Pace, *, sender: str, domain: str, between: timedelta | None, now: datetime) -> datetime:
    at = now
    if pace.sender is not None:
        at = _take(MailPace(scope="sender", name=sender), after=at, between=pace.sender)
    if between is not None:
        at = _take(MailPace(scope="domain", name=domain), after=at, between=between)
    return at


def _gate(pace: Pace, *, sender: str, now: datetime) -> datetime | None:
    """Pass the sender's gate now, or learn when to come again."""
    if pace.sender is None:
        return None
    row = _row(MailPace(scope="gate", name=sender), now=now)
    if row.free_at > now + AT_ONCE:
        return row.free_at
    row.free_at = max(row.free_at, now - SLACK * pace.sender) + pace.sender
    row.save(update_fields=["free_at"])
    return None


def _take(wanted: MailPace, *, after: datetime, between: timedelta) -> datetime:
    row = _row(wanted, now=after)
    at = max(row.free_at, after)
    row.free_at = at + between
    row.save(update_fields=["free_at"])
    return at


def _row(wanted: MailPace, *, now: datetime) -> MailPace:
    """The row of a turn, locked: sender before domain before gate, so that two workers never wait for each other."""
    own = MailPace.objects.select_for_update().filter(scope=wanted.scope, name=wanted.name)
    row = own.first()
    if row is None:
        wanted.organisation_id, wanted.free_at = require_organisation(), now
        MailPace.objects.bulk_create([wanted], ignore_conflicts=True)  # two workers may be the first
        row = own.get()
    return row
