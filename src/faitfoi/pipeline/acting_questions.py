"""What became of acts whose answer was lost: the sweeper finds them, `acted` asks, a person decides the rest."""

from collections.abc import Iterable
from uuid import UUID

from django.utils import timezone

from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.contract import Acting, CannotTell, Found, NotFound, NotSent
from faitfoi.pipeline.acting import build_act, end_act, receipt_identity
from faitfoi.pipeline.connections import noted_answer
from faitfoi.pipeline.due import act_later, ask_act_later, queued_acts
from faitfoi.pipeline.following import keep_receipt, pack_answer
from faitfoi.pipeline.open_channels import Channels
from faitfoi.pipeline.parcels import build_parcel
from faitfoi.pipeline.questions import STOPPED, settles_in, take_questions, take_unnoticed
from faitfoi.pipeline.rollback import stopped
from faitfoi.pipeline.tries import WORKER, asks_again_at
from faitfoi.records.models import Act, ActAttempt, Attempt, Delivery
from faitfoi.records.stages import Stage
from faitfoi.records.transitions_act import close_act_attempt, move_act

ASKED_ABOUT = frozenset({Stage.TO_FIND, Stage.UNKNOWN})


def sweep_acts(organisation_id: UUID) -> int:
    """Take back claims whose lease ran out (a killed worker): their outcome is unknown, so a question is due."""
    now = timezone.now()
    swept = 0
    with Channels(organisation_id) as channels, acting_for(organisation_id):
        stalled = ActAttempt.objects.filter(outcome=Attempt.Outcome.CLAIMED, lease_until__lt=now)
        for attempt in stalled.select_related("act__delivery"):
            # The act first, as whoever settles does; one that is being settled right now is left alone.
            if Act.objects.select_for_update(skip_locked=True).filter(id=attempt.act_id).first() is None:
                continue
            if not close_act_attempt(attempt, outcome=Attempt.Outcome.UNKNOWN, detail=STOPPED, actor=WORKER):
                continue
            swept += move_act(
                attempt.act_id,
                source=Stage.SENDING,
                target=Stage.TO_FIND,
                actor=WORKER,
                reason=STOPPED,
                timetable={"next_question_at": now + settles_in(attempt.act.delivery, channels)},
            )
    return swept


def due_act_questions(organisation_id: UUID, *, everything: bool = False) -> int:
    """Have the due questions about acts asked; `everything` does not wait for their hour."""
    with acting_for(organisation_id):
        ids = take_questions(Act.objects.all(), everything=everything)
        ask_act_later(organisation_id, ids)
    return len(ids)


def due_acts(organisation_id: UUID) -> int:
    """Have acts done whose hour has passed unnoticed: a job lost with its worker, a clock that differs."""
    with acting_for(organisation_id):
        unnoticed = take_unnoticed(Act.objects.all(), lambda: queued_acts(organisation_id))
        act_later(organisation_id, unnoticed)
    return len(unnoticed)


def ask_about_acts(organisation_id: UUID, act_ids: Iterable[UUID]) -> None:
    """Ask the other side about acts whose answer was lost, and again about what it left unknown. Never acts."""
    if stopped():
        return
    with Channels(organisation_id) as channels:
        for act_id in act_ids:
            _ask_one(organisation_id, act_id, channels)


def _ask_one(organisation_id: UUID, act_id: UUID, channels: Channels) -> None:
    with acting_for(organisation_id):
        found = Act.objects.select_related("delivery__document", "delivery__artefact").filter(id=act_id)
        act = found.first()
        if act is None or act.stage not in ASKED_ABOUT or act.settled:
            return
        source = Stage(act.stage)
        try:
            channel = channels.open(act.delivery)
            parcel, told = build_parcel(act.delivery, channels.settings_of(act.delivery.channel)), build_act(act)
        except NotSent:
            return  # the question stays; it is asked again once the channel or the archive is mended
        asked = act.questions_asked + 1
    answer = channel.acted(parcel, told) if isinstance(channel, Acting) else CannotTell(ask_again=False)
    now = timezone.now()
    kept = pack_answer(organisation_id, act.delivery_id, answer.receipt) if isinstance(answer, Found) else None
    with acting_for(organisation_id):
        Delivery.objects.select_for_update().get(id=act.delivery_id)
        if Act.objects.select_for_update().get(id=act_id).settled:
            return  # a person has said meanwhile how it ended
        match answer:
            case Found(receipt=receipt):
                if end_act(act, source, receipt):
                    identity = receipt_identity(act)
                    keep_receipt(act.delivery, receipt, kept, at=now, code=act.kind, identity=identity, held=True)
            case _ if source is Stage.UNKNOWN:
                pass  # what the news leaves in doubt stays with the person who has it
            case NotFound(conclusive=True, detail=detail):
                timetable = {"next_question_at": None, "next_attempt_at": now}
                if move_act(
                    act_id, source=Stage.TO_FIND, target=Stage.ROUTED, actor=WORKER, reason=detail, timetable=timetable
                ):
                    act_later(organisation_id, [act_id])
            case NotFound() | CannotTell() if again := asks_again_at(answer, asked=asked, now=now):
                waiting = Act.objects.filter(id=act_id, stage=Stage.TO_FIND)
                waiting.update(questions_asked=asked, next_question_at=again)
            case NotFound(detail=detail) | CannotTell(detail=detail):
                move_act(
                    act_id,
                    source=Stage.TO_FIND,
                    target=Stage.UNKNOWN,
                    actor=WORKER,
                    reason=detail,
                    timetable={"questions_asked": asked, "next_question_at": None},
                )
        noted_answer(act.delivery.channel, answer, at=now)
