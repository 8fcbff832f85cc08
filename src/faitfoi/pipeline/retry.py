"""Puts back on its way a delivery that certainly has not left, once a person has mended what held it."""

from uuid import UUID

from django.utils import timezone

from faitfoi.accounts.tenancy import require_organisation
from faitfoi.pipeline.due import deliver_later
from faitfoi.records.models import Delivery
from faitfoi.records.stages import Stage
from faitfoi.records.transitions import move

MENDABLE = frozenset({Stage.HELD, Stage.TO_FIX})


def put_back(delivery_id: UUID, *, actor: str) -> bool:
    """Make a held or refused delivery due again; False when it is not one. Runs inside `acting_for`.

    Both stages mean that nothing has left, so the sequence stays: it is still the same sending.
    """
    organisation_id = require_organisation()
    delivery = Delivery.objects.filter(id=delivery_id, stage__in=MENDABLE).first()
    if delivery is None:
        return False
    moved = move(
        delivery.id,
        source=Stage(delivery.stage),
        target=Stage.ROUTED,
        actor=actor,
        reason="Relancée par une personne.",
        timetable={"next_attempt_at": timezone.now(), "attempts_made": delivery.attempts_made},
    )
    if moved:
        deliver_later(organisation_id, [delivery.id])
    return moved
