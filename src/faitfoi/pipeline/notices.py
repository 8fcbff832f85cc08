"""Notices: a mail that says that an invoice lies on a platform, and is not the invoice.

One is opened beside the legal delivery once that has been accepted, never before, and then goes by the laws of every
delivery. It counts nowhere as the invoice's own way.
"""

from uuid import UUID

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.pipeline.customers import configured_channels
from faitfoi.pipeline.opening import make_due, open_one
from faitfoi.pipeline.routing import PLATFORMS, notice_leg
from faitfoi.records.journal import write_entry
from faitfoi.records.models import Delivery
from faitfoi.records.stages import Purpose, Stage

THEY_HAVE_IT = frozenset({Stage.ACCEPTED, Stage.DELIVERED})


def notify(delivery_id: UUID, *, actor: str, held: Delivery | None = None) -> Delivery | None:
    """Open the notice of a legal delivery that a platform has accepted, if one is wanted and there is none yet.

    Today's record and settings decide. Runs inside `acting_for`, once the delivery's row is locked; `held` is the
    delivery itself, where the caller has just read it.
    """
    if held is not None and held.channel not in PLATFORMS:
        return None
    found = Delivery.objects.select_related("document__customer", "organisation").filter(
        id=delivery_id, purpose=Purpose.LEGAL, channel__in=PLATFORMS, stage__in=THEY_HAVE_IT
    )
    legal = found.first()
    if legal is None or legal.document.customer is None:
        return None
    customer = legal.document.customer
    if not (customer.notice or legal.organisation.notice_channel):
        return None
    leg = notice_leg(
        asked_by_customer=customer.notice,
        asked_by_organisation=legal.organisation.notice_channel,
        billing_email=customer.billing_email,
        configured=configured_channels(),
        legal=ChannelKey(legal.channel),
    )
    if leg is None or Delivery.objects.filter(document_id=legal.document_id, purpose=Purpose.NOTICE).exists():
        return None
    artefacts = {artefact.role: artefact for artefact in legal.document.artefacts.all()}
    made = open_one(legal.document, artefacts, leg, purpose=Purpose.NOTICE, actor=actor)
    make_due(legal.organisation_id, [made])
    return made


def want_notices(organisation: Organisation, channel: ChannelKey, *, actor: str) -> bool:
    """Say by which channel customers are told (e-mail, or none); False when it was so. Runs inside `acting_for`."""
    if channel not in {ChannelKey.NONE, ChannelKey.EMAIL}:
        raise ValueError(channel)
    kept = Organisation.objects.select_for_update(of=("self",)).get(id=organisation.id)
    if kept.notice_channel == channel:
        return False
    kept.notice_channel = organisation.notice_channel = channel
    kept.save(update_fields=["notice_channel"])
    write_entry("notices_chosen", actor=actor, rows=[kept], channel=channel.value)
    return True


def place_of_invoice(delivery: Delivery) -> str:
    """Return the channel by which the invoice of a notice was deposited. Runs inside `acting_for`."""
    legal = Delivery.objects.filter(document_id=delivery.document_id, purpose=Purpose.LEGAL).order_by("-sequence")
    return legal.values_list("channel", flat=True).first() or ""
