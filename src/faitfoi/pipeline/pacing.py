"""When each mail may leave: turns taken from one sender and to one domain, shared by all workers through PostgreSQL.

A delivery takes its turn once, and keeps it: the end of a batch is known as soon as all have theirs. Whoever waited
for a slow domain passes the sender's gate again, so that turns that come together still leave one after the other.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Max
from django.utils import timezone

from faitfoi.accounts.models import ChannelKey
from faitfoi.accounts.tenancy import acting_for, require_organisation
from faitfoi.channels.smtp_mail_pace import Pace, read_pace
from faitfoi.pipeline.due import deliver_later, queued_deliveries
from faitfoi.records.models import Batch, Delivery, MailPace, PaceSlot
from faitfoi.records.stages import Stage

AT_ONCE = timedelta(seconds=1)
"""A turn as near as this is now: waiting for it would cost more than it spares."""
LOOKS_EVERY = timedelta(seconds=10)
SLACK = 3
"""Messages that may follow each other closely at the sender's gate, after turns that came late."""
MOST_WOKEN = 1000


def held_until(delivery: Delivery, settings: dict[str, str], *, now: datetime) -> datetime | None:
    """Return when this delivery may leave, its turn being taken; None when it may leave now. Runs inside `acting_for`.

    The settings were judged when they were saved; those that do not read hold nothing up.
    """
    if delivery.channel != ChannelKey.EMAIL:
        return None
    try:
        pace = read_pace(settings)
    except ValueError:
        return None
    domain = delivery.address.rpartition("@")[2].lower()
    if pace.sender is None and pace.to(domain) is None:
        return None
    if not Delivery.objects.select_for_update().filter(id=delivery.id, stage=Stage.ROUTED).exists():
        return None  # another worker has it: it has taken its turn already
    sender = settings.get("sender_address", "").lower()
    known = PaceSlot.objects.filter(delivery_id=delivery.id).first()
    at = known.at if known else _turn(pace, sender=sender, domain=domain, now=now)
    if at <= now + AT_ONCE and (gate := _gate(pace, sender=sender, now=now)) is not None:
        at = gate
    if at <= now + AT_ONCE:
        PaceSlot.objects.filter(delivery_id=delivery.id).delete()
        return None
    PaceSlot.objects.update_or_create(
        delivery_id=delivery.id, defaults={"organisation_id": delivery.organisation_id, "at": at}
    )
    return at


def due_paced(organisation_id: UUID) -> int:
    """Have the deliveries sent whose turn comes before the next look; those whose delivery is settled are forgotten."""
    with acting_for(organisation_id):
        soon = PaceSlot.objects.filter(at__lte=timezone.now() + LOOKS_EVERY).order_by("at")
        ids = list(soon.values_list("delivery_id", flat=True)[:MOST_WOKEN])
        if not ids:
            return 0
        routed = set(Delivery.objects.filter(id__in=ids, stage=Stage.ROUTED).values_list("id", flat=True))
        PaceSlot.objects.filter(delivery_id__in=[each for each in ids if each not in routed]).delete()
        queued = queued_deliveries(organisation_id)
        woken = [each for each in ids if each in routed and each not in queued]
        deliver_later(organisation_id, woken)
    return len(woken)


def expected_end(batch: Batch) -> datetime | None:
    """Return when the last mail of the batch should leave, as far as turns are taken. Runs inside `acting_for`."""
    own = Delivery.objects.filter(document__lines__batch=batch, stage=Stage.ROUTED, channel=ChannelKey.EMAIL)
    end: datetime | None = PaceSlot.objects.filter(delivery_id__in=own.values("id")).aggregate(end=Max("at"))["end"]
    return end


def _turn(pace: Pace, *, sender: str, domain: str, now: datetime) -> datetime:
    at = now
    if pace.sender is not None:
        at = _take(MailPace(scope="sender", name=sender), after=at, between=pace.sender)
    between = pace.to(domain)
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
