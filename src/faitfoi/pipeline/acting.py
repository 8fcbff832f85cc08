"""Tells the other side something about a document that it has: asked once, one touch of the wire per attempt (law 4).

It leaves as deliveries do: claimed and witnessed before, settled after; a lost answer leads to a question
(`pipeline.acting_questions`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from faitfoi.accounts.tenancy import acting_for, require_organisation
from faitfoi.channels.contract import (
    Act as ActToTell,
)
from faitfoi.channels.contract import (
    Acting,
    Attachment,
    NotSent,
    OutcomeUnknown,
    Parcel,
    Receipt,
    Refused,
)
from faitfoi.evidence.shelf import ObjectAltered, ObjectMissing
from faitfoi.pipeline import archive
from faitfoi.pipeline.announcing import announce
from faitfoi.pipeline.connections import noted_failure, noted_good
from faitfoi.pipeline.doubting import ACTS_LEAVING
from faitfoi.pipeline.due import act_later, poll_later
from faitfoi.pipeline.following import keep_receipt, pack_answer
from faitfoi.pipeline.open_channels import Channels
from faitfoi.pipeline.parcels import build_parcel
from faitfoi.pipeline.rollback import stopped
from faitfoi.pipeline.tries import FIRST_WAIT, LEASE_MARGIN, WORKER, after_failure
from faitfoi.records.journal import write_entry
from faitfoi.records.models import Act, ActAttempt, ActFile, Attempt, Delivery
from faitfoi.records.stages import Stage
from faitfoi.records.transitions_act import close_act_attempt, move_act

UNDER_WAY = frozenset({Stage.ROUTED, Stage.SENDING, Stage.TO_FIND})
REPEATED = "Refaite par une personne."
UNABLE = "Ce canal ne sait rien dire d’un document déjà déposé."


class CannotAct(Exception):
    """The act cannot be asked for now; the message is a French sentence saying why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A file of an act: an object that the archive holds already (`archive.pack`, then `claim`), and its name there."""

    filename: str
    media_type: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActClaim:
    """An act that this worker alone may do now: with what, or why it cannot even be tried."""

    attempt: ActAttempt
    act_id: UUID
    delivery_id: UUID
    number: int
    start_by: datetime
    cargo: tuple[Parcel, ActToTell] | NotSent


def ask_act(
    delivery: Delivery,
    *,
    kind: str,
    values: Mapping[str, str] | None = None,
    files: Sequence[Part] = (),
    actor: str,
    intent: str = "",
    again: bool = False,
) -> Act:
    """Write an act down and make it due, in the running transaction; asking twice for the same intent is asking once.

    `again` is a person's deliberate repeat: it raises the sequence, and is refused while the former one may still end
    by itself. Raises CannotAct.
    """
    organisation_id = require_organisation()
    if sentence := stopped():
        raise CannotAct(sentence)
    Delivery.objects.select_for_update().get(id=delivery.id)  # two who ask at once ask in turn
    last = Act.objects.filter(delivery=delivery, kind=kind, intent=intent).order_by("-sequence").first()
    if last is not None and not again:
        return last
    rows: list[Act | ActFile] = []
    if last is not None:
        if last.stage in UNDER_WAY:
            raise CannotAct("Cette demande est encore en cours : attendez sa réponse avant de la refaire.")
        last.settled = last.settled or REPEATED
        last.save(update_fields=["settled"])
        rows.append(last)
    sequence = last.sequence + 1 if last else 1
    act = Act.objects.create(
        organisation_id=organisation_id,
        delivery=delivery,
        kind=kind,
        intent=intent,
        sequence=sequence,
        key=f"{delivery.key}:{kind}:{intent}:{sequence}",
        values=dict(values or {}),
        next_attempt_at=timezone.now(),
    )
    rows += [act, *_files(act, files)]
    write_entry(
        "act_asked", actor=actor, document_id=delivery.document_id, rows=rows, act=str(act.id), sequence=sequence
    )
    act_later(organisation_id, [act.id])
    return act


def put_act_back(act_id: UUID, *, actor: str) -> bool:
    """Make an act due again that certainly was not done; False when it is not one. Runs inside `acting_for`."""
    act = Act.objects.filter(id=act_id, stage__in=(Stage.HELD, Stage.TO_FIX), settled="").first()
    if act is None or stopped():
        return False
    moved = move_act(
        act.id,
        source=Stage(act.stage),
        target=Stage.ROUTED,
        actor=actor,
        reason="Relancée par une personne.",
        timetable={"next_attempt_at": timezone.now()},
    )
    if moved:
        act_later(act.organisation_id, [act.id])
    return moved


def settle_act(act: Act, *, sentence: str, actor: str) -> bool:
    """Write how a person ended what could not end by itself (held, to fix, unknown); False when it is not one."""
    found = Act.objects.filter(id=act.id, stage__in=(Stage.HELD, Stage.TO_FIX, Stage.UNKNOWN), settled="")
    kept = found.select_for_update().first()
    if kept is None:
        return False
    kept.settled = sentence
    kept.save(update_fields=["settled"])
    write_entry("act_settled", actor=actor, document_id=act.delivery.document_id, rows=[kept], act=str(act.id))
    return True


def do_acts(organisation_id: UUID, act_ids: Iterable[UUID], *, chunk: Sequence[UUID] = ()) -> None:
    """Do each act that is still to be done, once. Safe to run twice: the claim decides.

    Nothing is told before its witnesses have seen that it was about to be; `chunk` as in `deliver`.
    """
    if not chunk:
        act_ids = chunk = list(act_ids)

    def name() -> list[str]:
        leaving = Act.objects.filter(id__in=chunk, stage=Stage.ROUTED).order_by("id")
        return [str(act_id) for act_id in leaving.values_list("id", flat=True)]

    if not announce(organisation_id, ACTS_LEAVING, "acts", name, actor=WORKER):
        with acting_for(organisation_id):
            act_later(organisation_id, list(act_ids), at=timezone.now() + FIRST_WAIT)
        return
    with Channels(organisation_id) as channels:
        for act_id in act_ids:
            claim = _claim(organisation_id, act_id, channels)
            if claim is not None:
                do_claimed(organisation_id, claim, channels)


def do_claimed(organisation_id: UUID, claim: ActClaim, channels: Channels) -> None:
    """Touch the wire once for a claim, and settle it."""
    try:
        if isinstance(claim.cargo, NotSent):
            raise claim.cargo
        if timezone.now() > claim.start_by:
            raise NotSent("Le programme a été suspendu juste avant l’envoi : rien n’est parti.")
        parcel, told = claim.cargo
        channel = channels.of(claim.delivery_id)
        if not isinstance(channel, Acting):
            raise NotSent(UNABLE, precondition=True)
        receipt = channel.act(parcel, told)
    except NotSent as error:
        _settle_not_sent(organisation_id, claim, error)
    except Refused as error:
        _settle(organisation_id, claim, Stage.TO_FIX, Attempt.Outcome.REFUSED, detail=error.reason)
    except OutcomeUnknown as error:
        question = timezone.now() + channels.of(claim.delivery_id).settles_in
        _settle(organisation_id, claim, Stage.TO_FIND, Attempt.Outcome.UNKNOWN, detail=error.reason, question=question)
    else:
        settle_act_receipt(organisation_id, claim, receipt)


def settle_act_receipt(organisation_id: UUID, claim: ActClaim, receipt: Receipt) -> None:
    """Commit that the other side has taken it."""
    now = timezone.now()
    kept = pack_answer(organisation_id, claim.delivery_id, receipt)
    with acting_for(organisation_id):
        Delivery.objects.select_for_update().get(id=claim.delivery_id)
        act = _held(claim)
        _close(claim, Attempt.Outcome.RECEIPT, receipt.detail)
        source = Stage(act.stage)
        # The sweeper may have asked for a search meanwhile: the receipt settles it.
        if source in {Stage.SENDING, Stage.TO_FIND, Stage.UNKNOWN}:
            end_act(act, source, receipt)
        keep_receipt(act.delivery, receipt, kept, at=now, code=act.kind, identity=receipt_identity(act), held=True)
        noted_good(act.delivery.channel, at=now)


def end_act(act: Act, source: Stage, receipt: Receipt) -> bool:
    """Move an act to where it ends well, and have the delivery's news fetched. Runs inside `acting_for`."""
    moved = move_act(
        act.id,
        source=source,
        target=Stage.SENT,
        actor=WORKER,
        reason=receipt.detail,
        references=receipt.references,
        timetable={"next_question_at": None},
    )
    if moved:
        followed = Delivery.objects.filter(id=act.delivery_id).exclude(next_poll_at=None)
        if followed.update(next_poll_at=timezone.now(), polls_made=0):
            poll_later(act.organisation_id, [act.delivery_id])
    return moved


def receipt_identity(act: Act) -> str:
    """Under which identity the answer to an act is kept among the events of its delivery."""
    return f"act:{act.id}"


def build_act(act: Act) -> ActToTell:
    """Gather what the channel needs of an act. Runs inside `acting_for`. Raises NotSent when a file is damaged."""
    try:
        parts = tuple(
            Attachment(
                filename=file.filename,
                media_type=file.media_type,
                content=archive.fetch(act.organisation_id, file.sha256),
            )
            for file in act.files.order_by("position")
        )
    except (ObjectMissing, ObjectAltered) as error:
        raise NotSent("L’archive ne rend plus un des fichiers à joindre.", precondition=True) from error
    return ActToTell(key=act.key, kind=act.kind, at=act.created_at, values=dict(act.values), attachments=parts)


def _files(act: Act, files: Sequence[Part]) -> list[ActFile]:
    return [
        ActFile.objects.create(
            organisation_id=act.organisation_id,
            act=act,
            position=position,
            filename=file.filename[:150],
            media_type=file.media_type[:80],
            sha256=file.sha256,
        )
        for position, file in enumerate(files, start=1)
    ]


def _claim(organisation_id: UUID, act_id: UUID, channels: Channels) -> ActClaim | None:
    """Commit the intent before the effect. None when another worker has it or it is not due."""
    now = timezone.now()
    with acting_for(organisation_id):
        found = Act.objects.select_related("delivery__document", "delivery__artefact").filter(id=act_id)
        act = found.first()
        if act is None or act.stage != Stage.ROUTED or (act.next_attempt_at or now) > now:
            return None
        cargo: tuple[Parcel, ActToTell] | NotSent
        deadline = now
        try:
            deadline += channels.open(act.delivery).deadline
            cargo = (build_parcel(act.delivery, channels.settings_of(act.delivery.channel)), build_act(act))
        except NotSent as error:
            cargo = error
        number = act.attempts_made + 1
        attempt = ActAttempt(
            organisation_id=organisation_id,
            act=act,
            number=number,
            worker=WORKER,
            deadline=deadline,
            lease_until=deadline + LEASE_MARGIN,
        )
        moved = move_act(
            act.id,
            source=Stage.ROUTED,
            target=Stage.SENDING,
            actor=WORKER,
            timetable={"attempts_made": number, "next_attempt_at": None},
            opening=attempt,
        )
        if not moved:
            return None
        return ActClaim(
            attempt=attempt,
            act_id=act.id,
            delivery_id=act.delivery_id,
            number=number,
            start_by=now + LEASE_MARGIN,
            cargo=cargo,
        )


def _settle_not_sent(organisation_id: UUID, claim: ActClaim, error: NotSent) -> None:
    """Certainly not told: tried again with a growing wait, and before a person after the last."""
    now = timezone.now()
    with acting_for(organisation_id):
        act = _held(claim)
        if _close(claim, Attempt.Outcome.NOT_SENT, error.reason):
            _put_back(act, Stage.SENDING, error, now=now)
        elif act.attempts_made == claim.number:
            _put_back(act, Stage.TO_FIND, error, now=now)  # the sweeper thought that it might have left
        if error.reason != UNABLE and not isinstance(claim.cargo, NotSent):
            noted_failure(act.delivery.channel, error, at=now)


def _put_back(act: Act, source: Stage, error: NotSent, *, now: datetime) -> None:
    """Make an act due again after a while, or hold it for a person."""
    back = after_failure(error, made=act.attempts_made, source=source, now=now)
    moved = move_act(
        act.id, source=source, target=back.target, actor=WORKER, reason=back.reason, timetable=back.timetable
    )
    if moved and back.at:
        act_later(act.organisation_id, [act.id], at=back.at)


def _settle(
    organisation_id: UUID,
    claim: ActClaim,
    target: Stage,
    outcome: Attempt.Outcome,
    *,
    detail: str,
    question: datetime | None = None,
) -> None:
    with acting_for(organisation_id):
        _held(claim)
        if _close(claim, outcome, detail):
            timetable = {"next_question_at": question}
            move_act(
                claim.act_id, source=Stage.SENDING, target=target, actor=WORKER, reason=detail, timetable=timetable
            )


def _held(claim: ActClaim) -> Act:
    """The act as it stands, locked: before its attempt, as whoever settles does."""
    return Act.objects.select_for_update(of=("self",)).select_related("delivery").get(id=claim.act_id)


def _close(claim: ActClaim, outcome: Attempt.Outcome, detail: str) -> bool:
    return close_act_attempt(claim.attempt, outcome=outcome, detail=detail, actor=WORKER)
