"""The answer to a suspension at a plateforme agréée: the invoice is declared completed (209), once."""

from faitfoi.pipeline.acting import ask_act
from faitfoi.pipeline.handled import handle
from faitfoi.pipeline.payments import act_values
from faitfoi.records.models import Act, Event

SUSPENDED = "208"
COMPLETED = "209"


def complete(event: Event, *, note: str, actor: str) -> Act:
    """Declare a suspended invoice completed (209), with a sentence. Runs inside `acting_for`. Raises CannotAct."""
    assert event.delivery is not None  # noqa: S101  # every lifecycle event is of a delivery
    values = {**act_values(event.document, event.delivery), "note": note.strip()[:1000]}
    act = ask_act(event.delivery, kind=COMPLETED, intent=str(event.id), values=values, actor=actor)
    handle(event, note=note or "Dite complétée (209).", actor=actor)
    return act
