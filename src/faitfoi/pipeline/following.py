"""What the other side says: kept as events, verbatim and once each; our stage follows where the evidence allows."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.contract import Grade, NotSent, Receipt, RemoteEvent
from faitfoi.evidence.store import Pack, digest_of, portions
from faitfoi.intake.bounces import Bounce, BounceClass, read_bounce, read_signed, read_verp
from faitfoi.pipeline import addresses, archive
from faitfoi.pipeline.connections import noted_failure, noted_good
from faitfoi.pipeline.due import ask_act_later, poll_later
from faitfoi.pipeline.grouping import carried_with
from faitfoi.pipeline.notices import THEY_HAVE_IT, notify
from faitfoi.pipeline.open_channels import Channels
from faitfoi.pipeline.parcels import build_parcel, return_secret
from faitfoi.pipeline.retention import invoice_class
from faitfoi.pipeline.rollback import stopped
from faitfoi.records.journal import write_entry
from faitfoi.records.models import Act, Delivery, Event, ReturnToken
from faitfoi.records.stages import ALLOWED, Stage
from faitfoi.records.storable import storable
from faitfoi.records.transitions import move

POLL_WAITS = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1))
SLOWEST_POLL = timedelta(hours=6)

STAGE_OF = {
    Grade.TAKEN: Stage.SENT,
    Grade.ACCEPTED: Stage.ACCEPTED,
    Grade.DELIVERED: Stage.DELIVERED,
    Grade.APPROVED: Stage.DELIVERED,
    Grade.PAID: Stage.DELIVERED,
    Grade.RETURNED: Stage.RETURNED,
    Grade.REJECTED: Stage.REJECTED,
}

DUPLICATE = "DOUBLON"
"""The reason by which a plateforme agréée refuses a second deposit (XP Z12-012, motifs of 213)."""
MAY_HAVE_ARRIVED = frozenset({Stage.SENT, Stage.ACCEPTED, Stage.DELIVERED, Stage.TO_FIND, Stage.UNKNOWN})

BOUNCE_GRADE = {
    BounceClass.HARD: Grade.RETURNED,
    BounceClass.FULL: Grade.RETURNED,
    BounceClass.POLICY: Grade.RETURNED,
    BounceClass.TOO_BIG: Grade.RETURNED,
    BounceClass.DELAYED: Grade.DELAYED,
    BounceClass.DELIVERED: Grade.DELIVERED,
    BounceClass.COMPLAINT: Grade.DELIVERED,  # one complains of what one has; the sentence says the rest
}


def due_polls(organisation_id: UUID, *, everything: bool = False) -> int:
    """Have due deliveries asked for news; `everything` does not wait for their hour."""
    now = timezone.now()
    with acting_for(organisation_id):
        followed = Delivery.objects.exclude(next_poll_at=None)
        if not everything:
            followed = followed.filter(next_poll_at__lte=now)
        ids = list(followed.order_by("next_poll_at").values_list("id", flat=True)[:1000])
        Delivery.objects.filter(id__in=ids).update(next_poll_at=now + POLL_WAITS[-1])
        poll_later(organisation_id, ids)
    return len(ids)


def poll(organisation_id: UUID, delivery_ids: Iterable[UUID], *, actor: str) -> None:
    """Ask each delivery's channel what it has to say, and write down what is new."""
    if stopped():
        return  # the steward asks again
    with Channels(organisation_id) as channels:
        for delivery_id in delivery_ids:
            with acting_for(organisation_id):
                delivery = Delivery.objects.select_related("document", "artefact").filter(id=delivery_id).first()
                if delivery is None or delivery.next_poll_at is None:
                    continue
                try:
                    channel = channels.open(delivery)
                    parcel = build_parcel(delivery, channels.settings_of(delivery.channel))
                except NotSent:
                    continue  # due_polls has already set the next hour
            try:
                news = channel.poll(parcel)
            except NotSent as error:
                _poll_again(organisation_id, delivery, failed=error)
                continue
            record(delivery, news, actor=actor)
            _poll_again(organisation_id, delivery, final=any(event.final for event in news))


def _poll_again(
    organisation_id: UUID, delivery: Delivery, *, final: bool = False, failed: NotSent | None = None
) -> None:
    """Set the hour of the next poll; a failed one changes nothing else, so nothing said meanwhile is skipped."""
    made = delivery.polls_made + (1 if failed is None or failed.answered else 0)
    wait = POLL_WAITS[made] if made < len(POLL_WAITS) else SLOWEST_POLL
    now = timezone.now()
    with acting_for(organisation_id):
        Delivery.objects.filter(id=delivery.id).update(
            polls_made=min(made, 10_000), next_poll_at=None if final else now + wait
        )
        if failed is None:
            noted_good(delivery.channel, at=now)
        else:
            noted_failure(delivery.channel, failed, at=now)


def pack_answer(organisation_id: UUID, delivery_id: UUID, receipt: Receipt) -> Pack | None:
    """Make the other side's answer durable, before the transaction that writes it down."""
    if not receipt.raw:
        return None
    return archive.pack(organisation_id, [receipt.raw], retention=_class_of(organisation_id, delivery_id))


def _class_of(organisation_id: UUID, delivery_id: UUID) -> str:
    """Return the retention class of what is said of a delivery: that of its document."""
    with acting_for(organisation_id):
        delivery = Delivery.objects.select_related("document", "organisation").get(id=delivery_id)
        return invoice_class(delivery.organisation, delivery.document.issue_date)


def keep_receipt(
    delivery: Delivery,
    receipt: Receipt,
    kept: Pack | None,
    *,
    at: datetime,
    code: str = "receipt",
    identity: str = "",
    held: bool = False,
) -> None:
    """Write the other side's answer to the sending down as the first piece of evidence. Runs inside `acting_for`.

    `code` and `identity` are those of an act, when that is what has been answered. `held`: the caller has locked the
    delivery in this transaction.
    """
    if kept is not None:
        archive.claim(kept, actor="channel")
    event = RemoteEvent(
        identity=identity or f"receipt:{delivery.attempts_made}",
        code=code,
        grade=receipt.grade,
        at=at,
        reason=receipt.detail,
        who=receipt.references.get("relay", "") or delivery.get_channel_display(),
        raw=receipt.raw,
    )
    _keep(delivery, event, actor="channel", held=held)


def record(delivery: Delivery, news: Sequence[RemoteEvent], *, actor: str) -> int:
    """Write down what the other side said, each thing once, and let our stage follow; returns how much was new.

    Call it outside any transaction: what is new is made durable before it is written down.
    """
    with acting_for(delivery.organisation_id):
        known = set(Event.objects.filter(delivery=delivery).values_list("identity", flat=True))
    raws = [event.raw for event in news if event.raw and _identity(delivery, event) not in known]
    retention = _class_of(delivery.organisation_id, delivery.id)
    kept = [
        archive.pack(delivery.organisation_id, portion, retention=retention)
        for portion in portions(dict.fromkeys(raws))
    ]
    fresh = 0
    with acting_for(delivery.organisation_id):
        for pack in kept:
            archive.claim(pack, actor=actor)
        for event in news:
            fresh += keep_news(delivery, event, actor=actor)
    return fresh


def keep_news(delivery: Delivery, event: RemoteEvent, *, actor: str) -> bool:
    """Write one thing down, unless it was said before, and let our stage follow. Runs inside `acting_for`.

    What the event says (`raw`) is made durable before, by the caller.
    """
    if not _keep(delivery, event, actor=actor):
        return False
    _follow(delivery.id, grade_of(event), event.reason, actor=actor)
    addresses.learn(delivery, event, actor=actor)
    ask_act_later(delivery.organisation_id, unknown_acts(delivery))
    return True


def unknown_acts(delivery: Delivery) -> list[UUID]:
    """The acts whose outcome waits for a person: news of the document may tell it, so they are asked about again."""
    waiting = Act.objects.filter(delivery=delivery, stage=Stage.UNKNOWN, settled="")
    return list(waiting.order_by("id").values_list("id", flat=True))


def _identity(delivery: Delivery, event: RemoteEvent) -> str:
    return storable(f"{delivery.channel}:{event.identity}")[:200]


def catch_up(delivery_id: UUID, *, actor: str, held: Delivery | None = None) -> None:
    """Apply news that came while the sending was not yet settled: a bounce can be faster than our own commit.

    `held` is the delivery itself, where the caller has read and locked its row in this transaction.
    """
    told = Event.objects.filter(delivery_id=delivery_id, axis=Event.Axis.THEIRS).order_by("at", "id")
    for grade, reason in told.values_list("grade", "reason"):
        _follow(delivery_id, Grade(grade), reason, actor=actor, held=held)


def grade_of(event: RemoteEvent) -> Grade:
    """Grade news: a rejection for a duplicate (213 with DOUBLON) is no verdict on the document (complaint B13)."""
    if event.grade is Grade.REJECTED and DUPLICATE in f"{event.code} {event.reason}".upper():
        return Grade.DUPLICATE
    return event.grade


def _follow(delivery_id: UUID, grade: Grade, reason: str, *, actor: str, held: Delivery | None = None) -> None:
    if grade is not Grade.DUPLICATE:
        _advance(delivery_id, grade, reason, actor=actor, held=held)
        return
    _have_it_already(delivery_id, reason, actor=actor)
    if held is not None:
        held.refresh_from_db()


def _have_it_already(delivery_id: UUID, reason: str, *, actor: str) -> None:
    """They refuse it because they have it: what was accepted stays so, what could have arrived before has.

    An earlier sending of the same document explains it: this one then stands where that one does, and is followed by
    its references. Nothing explains it: another document may bear the number, and a person is asked.
    """
    delivery = Delivery.objects.get(id=delivery_id)
    earlier = delivery.earlier().filter(stage__in=MAY_HAVE_ARRIVED).order_by("-sequence").first()
    source = Stage(delivery.stage)
    if earlier is not None and source in MAY_HAVE_ARRIVED:
        if earlier.stage in {Stage.TO_FIND, Stage.UNKNOWN}:
            found = {"next_question_at": None, "next_poll_at": timezone.now()}
            move(
                earlier.id, source=Stage(earlier.stage), target=Stage.SENT, actor=actor, reason=reason, timetable=found
            )
        if source in {Stage.TO_FIND, Stage.UNKNOWN}:
            move(delivery_id, source=source, target=Stage.SENT, actor=actor, reason=reason)
        earlier.refresh_from_db()
        there = Stage(earlier.stage)
        if there in ALLOWED[Stage.SENT]:
            known = {str(name): str(value) for name, value in earlier.references.items()}
            move(delivery_id, source=Stage.SENT, target=there, actor=actor, reason=reason, references=known)
            notify(delivery_id, actor=actor)
    elif source in {Stage.TO_FIND, Stage.UNKNOWN}:
        move(delivery_id, source=source, target=Stage.SENT, actor=actor, reason=reason)
    elif source is Stage.SENT and delivery.attempts_made == 1:
        move(delivery_id, source=source, target=Stage.UNKNOWN, actor=actor, reason=reason)


def _advance(delivery_id: UUID, grade: Grade, reason: str, *, actor: str, held: Delivery | None) -> None:
    """Let our stage follow a piece of evidence, where the order of stages allows it."""
    target = STAGE_OF.get(grade)
    if target is None:
        return
    source = Stage(held.stage if held else Delivery.objects.values_list("stage", flat=True).get(id=delivery_id))
    if target not in ALLOWED[source]:
        return
    moved = move(delivery_id, source=source, target=target, actor=actor, reason=reason, held=held)
    if moved and target in THEY_HAVE_IT:
        notify(delivery_id, actor=actor)


def _keep(delivery: Delivery, event: RemoteEvent, *, actor: str, held: bool = False) -> bool:
    if not held:
        # News of one delivery waits for each other: two workers may hear the same thing at once.
        Delivery.objects.select_for_update().get(id=delivery.id)
    identity = _identity(delivery, event)
    code = storable(event.code)[:80]
    if Event.objects.filter(document_id=delivery.document_id, delivery=delivery, identity=identity).exists():
        return False
    raw = digest_of(event.raw).sha256 if event.raw else ""
    kept = Event.objects.create(
        organisation_id=delivery.organisation_id,
        document_id=delivery.document_id,
        delivery=delivery,
        axis=Event.Axis.THEIRS,
        code=code,
        grade=grade_of(event),
        at=event.at,
        reason=storable(event.reason),
        who=storable(event.who)[:120],
        identity=identity,
        raw_sha256=raw,
    )
    write_entry(
        "remote_event",
        actor=actor,
        document_id=delivery.document_id,
        rows=[kept],
        delivery=str(delivery.id),
        grade=grade_of(event).value,
        code=code,
        sha256=raw or None,
    )
    return True


def returned_mail(raw: bytes, recipients: tuple[str, ...], *, actor: str) -> int:
    """Take in a message that came back; returns how many deliveries it told something new about.

    What it is about is what we signed: the return address, or the envelope identifier that a report quotes where there
    was no such address (contract §2.1). A message that is no bounce, or bears nothing of ours, changes nothing.
    """
    bounce = read_bounce(raw)
    if bounce is None:
        return 0
    known, at, secret = 0, timezone.now(), return_secret()
    named = [read_verp(recipient, secret=secret) for recipient in recipients]
    if not any(named):
        named = [read_signed(bounce.envelope_id, secret=secret)]
    for message_ref in named:
        token = ReturnToken.objects.filter(message_ref=message_ref).first() if message_ref else None
        if token is None:
            continue
        with acting_for(token.organisation_id):
            delivery = Delivery.objects.select_related("document").filter(message_ref=token.message_ref).first()
            carried = carried_with(delivery) if delivery else []  # the token may be of a message to ourselves
        for each in carried:
            told = _events_of(bounce, raw, message_ref=token.message_ref, address=each.address, at=at)
            known += record(each, told, actor=actor)
    return known


def _events_of(bounce: Bounce, raw: bytes, *, message_ref: str, address: str, at: datetime) -> list[RemoteEvent]:
    """One piece of news per recipient that the bounce speaks of."""
    return [
        RemoteEvent(
            identity=f"{message_ref}:{person.kind}:{person.status}:{person.address.lower()}",
            code=person.status or person.kind.value,
            grade=BOUNCE_GRADE.get(person.kind, Grade.UNKNOWN_CODE),
            at=at,
            reason=person.sentence,
            who=bounce.reporter,
            final=person.kind is not BounceClass.DELAYED,
            verdict=addresses.verdict_of(person, address),
            raw=raw,
        )
        for person in bounce.recipients
    ]
