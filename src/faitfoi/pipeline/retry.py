"""Puts back on its way a delivery that certainly has not left, once a person has mended what held it."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from faitfoi.accounts.models import ChannelKey
from faitfoi.accounts.tenancy import acting_for, require_organisation
from faitfoi.pipeline.acting import put_act_back
from faitfoi.pipeline.due import deliver_later
from faitfoi.pipeline.rollback import stopped
from faitfoi.records.journal import write_entry
from faitfoi.records.models import Act, Alarm, Batch, Delivery
from faitfoi.records.stages import Stage
from faitfoi.records.transitions import move

DAILY = "Tentée de nouveau, comme chaque jour."
CHANGED = "Tentée de nouveau : les réglages du canal ont changé."
NOT_SENT = "not_sent"
"""The cause of the alarm of the day."""
PREPARED_NOT_SENT = (
    "Des factures préparées depuis plus d’un jour ne sont pas parties. Elles ne partiront pas d’elles-mêmes si "
    "l’ouvrier est arrêté : vérifiez que « faitfoi run » tourne, puis regardez « À faire » dans chaque organisation."
)
TOO_LONG = timedelta(days=1)
GIVEN_UP_AFTER = timedelta(days=30)
MOST_AT_ONCE = 1000

MENDABLE = frozenset({Stage.HELD, Stage.TO_FIX})


def put_back(delivery_id: UUID, *, actor: str, reason: str = "Relancée par une personne.") -> bool:
    """Make a held or refused delivery due again; False when it is not one. Runs inside `acting_for`.

    Both stages mean that nothing has left, so the sequence stays: it is still the same sending. A mail goes
    to the customer's present address, since a wrong one is what most often held it.
    """
    organisation_id = require_organisation()
    if stopped():
        return False
    found = Delivery.objects.select_related("document__customer").filter(id=delivery_id, stage__in=MENDABLE)
    delivery = found.select_for_update(of=("self",)).first()
    if delivery is None:
        return False
    _readdress(delivery, actor=actor)
    moved = move(
        delivery.id,
        source=Stage(delivery.stage),
        target=Stage.ROUTED,
        actor=actor,
        reason=reason,
        timetable={"next_attempt_at": timezone.now(), "attempts_made": delivery.attempts_made},
    )
    if moved:
        deliver_later(organisation_id, [delivery.id])
    return moved


def hurry(batch: Batch) -> int:
    """Have the batch's deliveries that wait for their next try go now; returns how many. Runs inside `acting_for`."""
    if stopped():
        return 0
    waiting = Delivery.objects.filter(stage=Stage.ROUTED, document__lines__batch=batch).order_by("id")
    ids = list(waiting.values_list("id", flat=True).distinct())
    Delivery.objects.filter(id__in=ids, stage=Stage.ROUTED).update(next_attempt_at=timezone.now())
    deliver_later(batch.organisation_id, ids)
    return len(ids)


def try_held_again(organisation_id: UUID, *, channel: str = "", actor: str) -> int:
    """Put back what is held: each day, and at once when a setting of its channel changes; returns how many.

    Nothing of it has left, so nothing can be doubled; what nobody mended for a month waits for a person alone.
    """
    if stopped():
        return 0
    with acting_for(organisation_id):
        held = Delivery.objects.filter(stage=Stage.HELD, settled="")
        held = held.filter(channel=channel) if channel else held.filter(created_at__gt=timezone.now() - GIVEN_UP_AFTER)
        ids = list(held.order_by("id").values_list("id", flat=True)[:MOST_AT_ONCE])
        put = [each for each in ids if put_back(each, actor=actor, reason=CHANGED if channel else DAILY)]
        acts = Act.objects.filter(stage=Stage.HELD, settled="")
        acts = acts.filter(delivery__channel=channel) if channel else acts
        acts_put = [
            act_id for act_id in acts.values_list("id", flat=True)[:MOST_AT_ONCE] if put_act_back(act_id, actor=actor)
        ]
    return len(put) + len(acts_put)


def tell_not_sent(organisation_ids: Iterable[UUID]) -> bool:
    """Raise the daily alarm when something prepared more than a day ago has not left, else take it down (A10)."""
    found = False
    for organisation_id in organisation_ids:
        with acting_for(organisation_id):
            old = Delivery.objects.filter(stage=Stage.ROUTED, created_at__lt=timezone.now() - TOO_LONG)
            found = found or old.exists()
    if found:
        Alarm.objects.update_or_create(cause=NOT_SENT, defaults={"sentence": PREPARED_NOT_SENT})
    else:
        Alarm.objects.filter(cause=NOT_SENT).delete()
    return found


def _readdress(delivery: Delivery, *, actor: str) -> None:
    """Follow the customer's e-mail address. A Chorus artefact names its SIRET inside: that one keeps its address."""
    customer = delivery.document.customer
    if delivery.channel != ChannelKey.EMAIL or customer is None or customer.billing_email in {"", delivery.address}:
        return
    delivery.address = customer.billing_email
    delivery.save(update_fields=["address"])
    write_entry(
        "delivery_readdressed",
        actor=actor,
        document_id=delivery.document_id,
        rows=[delivery],
        delivery=str(delivery.id),
    )
