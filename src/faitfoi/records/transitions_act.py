"""The only door to a change of an act's stage: stage, attempt and journal entry in one transaction, or nothing."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from faitfoi.accounts.tenancy import require_organisation
from faitfoi.records.journal import write_entry
from faitfoi.records.models_act import Act, ActAttempt
from faitfoi.records.models_delivery import Attempt
from faitfoi.records.stages import ALLOWED, Stage
from faitfoi.records.storable import storable
from faitfoi.records.transitions import ELSEWHERE, NOT_ENDED, ForbiddenMove, end_attempt, save_with_stage

ENDS_OF_AN_ACT = frozenset({Stage.ROUTED, Stage.SENDING, Stage.SENT, Stage.TO_FIND, Stage.UNKNOWN})
WAITS_FOR_A_PERSON = frozenset({Stage.TO_FIX, Stage.HELD})


def move_act(
    act_id: UUID,
    *,
    source: Stage,
    target: Stage,
    actor: str,
    reason: str = "",
    timetable: Mapping[str, datetime | int | None] | None = None,
    references: Mapping[str, str] | None = None,
    opening: ActAttempt | None = None,
) -> bool:
    """Move an act from `source` to `target`, as `transitions.move` does a delivery; False when it is no longer there.

    An act ends at SENT: what the other side makes of it comes as news of the delivery. Raises ForbiddenMove.
    """
    if target not in ALLOWED[source] or target not in ENDS_OF_AN_ACT | WAITS_FOR_A_PERSON:
        raise ForbiddenMove(f"act: {source} → {target}")
    organisation_id = require_organisation()
    found = Act.objects.select_related("delivery").filter(id=act_id, organisation_id=organisation_id, stage=source)
    act = found.select_for_update(of=("self",)).first()
    if act is None:
        return False
    act.reason = storable(reason) or act.reason
    act.stage = target
    save_with_stage(act, timetable=timetable or {}, references=references or {}, more=["reason"])
    if opening is not None:
        opening.save(force_insert=True)
    write_entry(
        "act_moved",
        actor=actor,
        document_id=act.delivery.document_id,
        rows=[act, *([opening] if opening else [])],
        act=str(act_id),
        source=source,
        target=target,
    )
    return True


def close_act_attempt(attempt: ActAttempt, *, outcome: Attempt.Outcome, detail: str, actor: str) -> bool:
    """Write how an attempt ended, with its entry, as `transitions.close_attempt` does. Runs inside `acting_for`."""
    if not end_attempt(attempt, outcome=outcome, detail=detail):
        return False
    write_entry(
        "act_attempt_closed",
        actor=actor,
        document_id=attempt.act.delivery.document_id,
        rows=[attempt],
        attempt=str(attempt.id),
        act=str(attempt.act_id),
        outcome=outcome.value,
    )
    return True


def close_act(act: Act) -> None:
    """Leave nothing to be done to an act of another installation, before it is written here."""
    if act.stage in NOT_ENDED:
        act.stage = Stage.UNKNOWN
    act.settled = act.settled or ELSEWHERE
    act.next_attempt_at = act.next_question_at = None
