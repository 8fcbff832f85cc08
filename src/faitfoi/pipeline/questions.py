"""What became of attempts whose answer was lost: the sweeper finds them, `find` asks, a person decides the rest."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.contract import CannotTell, Found, NotFound, NotSent
from faitfoi.pipeline.connections import noted_answer
from faitfoi.pipeline.due import ask_later, deliver_later, queued_deliveries
from faitfoi.pipeline.following import catch_up, keep_receipt, pack_answer
from faitfoi.pipeline.open_channels import Channels
from faitfoi.pipeline.parcels import build_parcel
from faitfoi.pipeline.rollback import stopped
from faitfoi.pipeline.tries import WORKER, asks_again_at
from faitfoi.records.models import Act, Attempt, Delivery
from faitfoi.records.stages import Stage
from faitfoi.records.transitions import close_attempt, move

Asked = TypeVar("Asked", Delivery, Act)
"""What leaves by claims, and is asked about when its answer is lost."""
MOST_AT_ONCE = 1000
QUESTION_LEASE = timedelta(minutes=5)
UNNOTICED = timedelta(minutes=2)
STOPPED = "Le programme s’est arrêté pendant l’envoi : il est peut-être parti."


def sweep(organisation_id: UUID) -> int:
    """Take back claims whose lease ran out (a killed worker): their outcome is unknown, so a question is due."""
    now = timezone.now()
    swept = 0
    with Channels(organisation_id) as channels, acting_for(organisation_id):
        stalled = Attempt.objects.filter(outcome=Attempt.Outcome.CLAIMED, lease_until__lt=now)
        for attempt in stalled.select_related("delivery"):
            # The delivery first, as whoever settles does; one that is being settled right now is left alone.
            unsettled = Delivery.objects.select_for_update(skip_locked=True).filter(id=attempt.delivery_id)
            if (delivery := unsettled.first()) is None:
                continue
            if not close_attempt(attempt, outcome=Attempt.Outcome.UNKNOWN, detail=STOPPED, actor=WORKER):
                continue
            swept += move(
                delivery.id,
                source=Stage.SENDING,
                target=Stage.TO_FIND,
                actor=WORKER,
                reason=STOPPED,
                timetable={"next_question_at": now + settles_in(delivery, channels)},
                held=delivery,
            )
            catch_up(delivery.id, actor=WORKER, held=delivery)
    return swept


def settles_in(delivery: Delivery, channels: Channels) -> timedelta:
    """Return how long the channel's index lags: before that, "not found" proves nothing."""
    try:
        return channels.open(delivery).settles_in
    except NotSent:
        return timedelta(0)  # the question itself waits until the channel is mended


def due_questions(organisation_id: UUID, *, everything: bool = False) -> int:
    """Have the due questions asked; `everything` does not wait for their hour."""
    with acting_for(organisation_id):
        ids = take_questions(Delivery.objects.all(), everything=everything)
        ask_later(organisation_id, ids)
    return len(ids)


def take_questions(among: QuerySet[Asked], *, everything: bool) -> list[UUID]:
    """Take those about which a question is due; nobody else takes them for a while. Runs inside `acting_for`."""
    now = timezone.now()
    waiting = among.filter(stage=Stage.TO_FIND)
    if not everything:
        waiting = waiting.filter(next_question_at__lte=now)
    ids = list(waiting.values_list("id", flat=True)[:MOST_AT_ONCE])
    among.filter(id__in=ids).update(next_question_at=now + QUESTION_LEASE)
    return ids


def ask(organisation_id: UUID, delivery_ids: Iterable[UUID]) -> None:
    """Ask the other side about deliveries whose answer was lost. Never sends; the steward asks again when stopped."""
    if stopped():
        return
    with Channels(organisation_id) as channels:
        for delivery_id in delivery_ids:
            _ask_one(organisation_id, delivery_id, channels)


def _ask_one(organisation_id: UUID, delivery_id: UUID, channels: Channels) -> None:
    with acting_for(organisation_id):
        delivery = Delivery.objects.select_related("document", "artefact").filter(id=delivery_id).first()
        if delivery is None or delivery.stage != Stage.TO_FIND:
            return
        try:
            channel = channels.open(delivery)
            parcel = build_parcel(delivery, channels.settings_of(delivery.channel))
        except NotSent:
            return  # the question stays; it is asked again once the channel or the archive is mended
        asked = delivery.questions_asked + 1
    answer = channel.find(parcel)
    now = timezone.now()
    kept = pack_answer(organisation_id, delivery_id, answer.receipt) if isinstance(answer, Found) else None
    with acting_for(organisation_id):
        match answer:
            case Found(receipt=receipt):
                moved = move(
                    delivery_id,
                    source=Stage.TO_FIND,
                    target=Stage.SENT,
                    actor=WORKER,
                    reason=receipt.detail or "Retrouvée chez le destinataire : elle était bien partie.",
                    references=receipt.references,
                    timetable={"next_question_at": None, "next_poll_at": now if channel.polls else None},
                )
                if moved:
                    keep_receipt(delivery, receipt, kept, at=now)
                    catch_up(delivery_id, actor=WORKER)
            case NotFound(conclusive=True, detail=detail):
                if move(
                    delivery_id,
                    source=Stage.TO_FIND,
                    target=Stage.ROUTED,
                    actor=WORKER,
                    reason=detail or "Le destinataire ne l’a pas : elle peut partir de nouveau.",
                    timetable={"next_question_at": None, "next_attempt_at": now},
                ):
                    deliver_later(organisation_id, [delivery_id])
            case NotFound() | CannotTell() if again := asks_again_at(answer, asked=asked, now=now):
                waiting = Delivery.objects.filter(id=delivery_id, stage=Stage.TO_FIND)
                waiting.update(questions_asked=asked, next_question_at=again)
            case NotFound(detail=detail) | CannotTell(detail=detail):
                move(
                    delivery_id,
                    source=Stage.TO_FIND,
                    target=Stage.UNKNOWN,
                    actor=WORKER,
                    reason=detail,
                    timetable={"questions_asked": asked, "next_question_at": None},
                )
        noted_answer(delivery.channel, answer, at=now)


def due_deliveries(organisation_id: UUID) -> int:
    """Have deliveries sent whose hour has passed unnoticed: a job lost with its worker, a clock that differs."""
    with acting_for(organisation_id):
        unnoticed = take_unnoticed(Delivery.objects.all(), lambda: queued_deliveries(organisation_id))
        deliver_later(organisation_id, unnoticed)
    return len(unnoticed)


def take_unnoticed(among: QuerySet[Asked], queued: Callable[[], frozenset[UUID]]) -> list[UUID]:
    """Take those whose hour has passed and that no job is about to do. Runs inside `acting_for`."""
    now = timezone.now()
    late = among.filter(stage=Stage.ROUTED, next_attempt_at__lt=now - UNNOTICED)
    ids = list(late.values_list("id", flat=True)[:MOST_AT_ONCE])
    if not ids:
        return []
    among.filter(id__in=ids).update(next_attempt_at=now)
    busy = queued()
    return [each for each in ids if each not in busy]
