"""The only door to a change of stage: stage, event and journal entry in one transaction, or nothing."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from faitfoi.accounts.identifiers import uuid7
from faitfoi.accounts.tenancy import require_organisation
from faitfoi.records.journal import write_entry
from faitfoi.records.models_act import Act, ActAttempt
from faitfoi.records.models_delivery import Attempt, Delivery, Event
from faitfoi.records.stages import ALLOWED, Stage
from faitfoi.records.storable import storable

NOT_ENDED = frozenset({Stage.ROUTED, Stage.SENDING, Stage.TO_FIND, Stage.TO_FIX, Stage.HELD})
"""Where something is still to be done to a delivery, by us or by a person."""


ELSEWHERE = "Suivie dans l’installation d’où elle vient."


class ForbiddenMove(ValueError):
    """A stage was asked to follow one that it may not follow: a bug, never a user's error."""


def move(
    delivery_id: UUID,
    *,
    source: Stage,
    target: Stage,
    actor: str,
    reason: str = "",
    timetable: Mapping[str, datetime | int | None] | None = None,
    references: Mapping[str, str] | None = None,
    opening: Attempt | None = None,
    held: Delivery | None = None,
) -> bool:
    """Move a delivery from `source` to `target`; False when it was no longer at `source` (another worker has it).

    `timetable` sets the next_* fields and counters in the same write; `references` are added to the other side's
    identifiers; `opening` is the attempt that begins with the move, saved in it. `held` is the delivery itself, where
    the caller has just read and locked its row in this transaction: it says then what the row says. Runs inside
    `acting_for`.
    Raises ForbiddenMove for a step that `stages.ALLOWED` does not have.
    """
    if target not in ALLOWED[source]:
        raise ForbiddenMove(f"{source} → {target}")
    organisation_id = require_organisation()
    delivery = held or (
        Delivery.objects.select_for_update()
        .filter(id=delivery_id, organisation_id=organisation_id, stage=source)
        .first()
    )
    if delivery is None or delivery.stage != source:
        return False
    delivery.stage = target
    save_with_stage(delivery, timetable=timetable or {}, references=references or {})
    entry_id = uuid7()
    event = Event.objects.create(
        organisation_id=organisation_id,
        document_id=delivery.document_id,
        delivery=delivery,
        axis=Event.Axis.OURS,
        code=target,
        at=timezone.now(),
        reason=storable(reason),
        identity=f"entry:{entry_id}",
    )
    if opening is not None:
        opening.save(force_insert=True)
    write_entry(
        "stage_moved",
        actor=actor,
        document_id=delivery.document_id,
        rows=[delivery, event, *([opening] if opening else [])],
        entry_id=entry_id,
        delivery=str(delivery_id),
        source=source,
        target=target,
    )
    return True


def close_attempt(attempt: Attempt, *, outcome: Attempt.Outcome, detail: str, actor: str) -> bool:
    """Write how an attempt ended, with its entry; False when that is written already. Runs inside `acting_for`.

    The attempt is as it was opened, with its delivery: nothing but this ever changes one.
    """
    if not end_attempt(attempt, outcome=outcome, detail=detail):
        return False
    write_entry(
        "attempt_closed",
        actor=actor,
        document_id=attempt.delivery.document_id,
        rows=[attempt],
        attempt=str(attempt.id),
        delivery=str(attempt.delivery_id),
        outcome=outcome.value,
    )
    return True


def save_with_stage(
    row: Delivery | Act,
    *,
    timetable: Mapping[str, datetime | int | None],
    references: Mapping[str, str],
    more: Collection[str] = (),
) -> None:
    """Save the stage that a door has just given to a locked row, with what goes with it."""
    for name, value in timetable.items():
        setattr(row, name, value)
    told = {name: storable(value) for name, value in references.items()}
    row.references = {**row.references, **told}
    row.save(update_fields=["stage", "references", *timetable, *more])


def end_attempt(attempt: Attempt | ActAttempt, *, outcome: Attempt.Outcome, detail: str) -> bool:
    """Write how an attempt ended, on its row and here; False when that is written already."""
    ended = {"outcome": outcome, "finished_at": timezone.now(), "detail": storable(detail)}
    kind = ActAttempt if isinstance(attempt, ActAttempt) else Attempt
    if not kind.objects.filter(id=attempt.id, outcome=Attempt.Outcome.CLAIMED).update(**ended):
        return False
    for name, value in ended.items():
        setattr(attempt, name, value)
    return True


def close(delivery: Delivery) -> bool:
    """Leave nothing to be done to a delivery of another installation, before it is written here; False if it had ended.

    It is the entry of the import that tells of it: its own events are those of the place it came from.
    """
    open_ = delivery.stage in NOT_ENDED
    delivery.settled = delivery.settled or ELSEWHERE
    if open_:
        delivery.stage = Stage.UNKNOWN
    delivery.next_attempt_at = delivery.next_question_at = delivery.next_poll_at = None
    return open_
