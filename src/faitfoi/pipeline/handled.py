"""That somebody has dealt with what was said of a document: an event of ours, beside theirs, whatever the channel."""

from uuid import UUID

from django.db.models import CharField, Exists, OuterRef, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from faitfoi.accounts.identifiers import uuid7
from faitfoi.accounts.tenancy import require_organisation
from faitfoi.records.journal import write_entry
from faitfoi.records.models import Event
from faitfoi.records.storable import storable

HANDLED = "handled"


def handle(event: Event, *, note: str, actor: str) -> bool:
    """Write that somebody has dealt with what an event asked; False when it is written already. In `acting_for`."""
    identity = _identity(event.id)
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


def is_handled() -> Exists:
    """Whether somebody has dealt with an event: a condition on events, for a query."""
    named = Concat(Value(f"{HANDLED}:"), Cast(OuterRef("id"), CharField()))
    return Exists(Event.objects.filter(delivery_id=OuterRef("delivery_id"), identity=named))


def _identity(event_id: UUID) -> str:
    """Under which identity it is kept that somebody has dealt with an event."""
    return f"{HANDLED}:{event_id}"
