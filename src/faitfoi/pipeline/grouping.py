"""Which mails may be one mail, as far as the books tell: those of one customer and run (`pipeline.company` chooses).

Never another customer's: the same organisation, batch, customer record, address and purpose, or each by itself.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.models import QuerySet

from faitfoi.accounts.models import ChannelKey
from faitfoi.records.models import Batch, BatchLine, Delivery, PaceSlot
from faitfoi.records.stages import GroupingWish, LineOutcome

READS_AGAIN = timedelta(seconds=15)
LONGEST_WAIT = timedelta(hours=1)
"""How long a message waits for the rest of its run to be read; then what is ready leaves."""


def of_one_mail(delivery: Delivery, settings: Mapping[str, str]) -> QuerySet[Delivery]:  # noqa: ARG001 -- one shape
    """Select what may share this one's message, itself included. Runs inside `acting_for`."""
    customer = delivery.document.customer_id
    if customer is None:
        return Delivery.objects.none()
    batches = Batch.objects.filter(lines__document=delivery.document_id, lines__already_done=False)
    return Delivery.objects.filter(
        channel=ChannelKey.EMAIL,
        purpose=delivery.purpose,
        address=delivery.address,
        document__customer_id=customer,
        document__lines__batch__in=list(batches.values_list("id", flat=True)),
        document__lines__already_done=False,
    )


def wish_about_mail(delivery: Delivery) -> bool | None:
    """Whether the customer wants one mail for several documents; None where its record leaves it to the settings."""
    customer = delivery.document.customer
    if customer is None:
        return False
    return customer.grouping == GroupingWish.CUSTOMER if customer.grouping else None


def run_is_read(delivery: Delivery, *, now: datetime) -> datetime | None:
    """Return when to look again while the batch is still being read; None when it may leave. Inside `acting_for`."""
    own = Batch.objects.filter(lines__document=delivery.document_id, lines__already_done=False)
    reading = own.filter(created_at__gt=now - LONGEST_WAIT).values("id")
    if not BatchLine.objects.filter(batch__in=reading, outcome=LineOutcome.WAITING).exists():
        return None
    at = now + READS_AGAIN
    PaceSlot.objects.update_or_create(
        delivery_id=delivery.id, defaults={"organisation_id": delivery.organisation_id, "at": at}
    )
    return at


def carried_with(delivery: Delivery) -> list[Delivery]:
    """Return every delivery that this one's message carried: what comes back concerns them all. Inside `acting_for`."""
    if delivery.document.customer_id is None:
        return [delivery]
    others = Delivery.objects.filter(
        document__customer_id=delivery.document.customer_id, references__carrier=delivery.message_ref
    ).exclude(id=delivery.id)
    return [delivery, *others.select_related("document")]
