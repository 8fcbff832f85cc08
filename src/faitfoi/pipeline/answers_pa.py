"""What a person does about the lifecycle of an invoice at a plateforme agréée: complete it, or settle what it asks."""

from uuid import UUID

from django.utils import timezone

from faitfoi.accounts.identifiers import uuid7
from faitfoi.accounts.tenancy import require_organisation
from faitfoi.pipeline.acting import ask_act
from faitfoi.pipeline.payments import act_values
from faitfoi.records.journal import write_entry
from faitfoi.records.models import Act, DeadLetter, Event
from faitfoi.records.storable import storable

SUSPENDED = "208"
COMPLETED = "209"
HANDLED = "handled"


def handled_identity(event_id: UUID) -> str:
    """Under which identity it is kept that somebody has dealt with an event."""
    return f"{HANDLED}:{event_id}"


def complete(event: Event, *, note: str, actor: str) -> Act:
    """Declare a suspended invoice completed (209), with a sentence. Runs inside `acting_for`. Raises CannotAct."""
    assert event.delivery is not None  # noqa: S101  # every lifecycle event is of a delivery
    values = {**act_values(event.document, event.delivery), "note": note.strip()[:1000]}
    act = ask_act(event.delivery, kind=COMPLETED, intent=str(event.id), values=values, actor=actor)
    handle(event, note=note or "Dite complétée (209).", actor=actor)
    return act


def handle(event: Event, *, note: str, actor: str) -> bool:
    """Write that somebody has dealt with what an event asked; False when it is written already. In `acting_for`."""
    identity = handled_identity(event.id)
    if Event.objects.filter(document_id=event.document_id, delivery=event.delivery, identity=identity).exists():
        return False
    kept = Event.objects.create(
        id=uuid7(),
        organisation_id=require_organisation(),
        document_id=event.document_id,
        delivery=event.delivery,
        axis=Event.Axis.OURS,
        code=HANDLED,
        at=timezone.now(),
        reason=storable(note),
        identity=identity,
    )
    write_entry("status_handled", actor=actor, document_id=event.document_id, rows=[kept], event=str(event.id))
    return True


def settle_letter(letter_id: UUID, *, actor: str) -> bool:
    """Put a piece of news that fits nothing aside; False when it is already. Runs inside `acting_for`."""
    letter = DeadLetter.objects.select_for_update().filter(id=letter_id, settled_at=None).first()
    if letter is None:
        return False
    letter.settled_at, letter.settled_by = timezone.now(), actor[:120]
    letter.save(update_fields=["settled_at", "settled_by"])
    write_entry("news_settled", actor=actor, rows=[letter], letter=str(letter.id))
    return True
