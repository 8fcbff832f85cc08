"""Files that go along with e-mailed invoices, beside the terms of sale: of one customer, or of one batch."""

from django.db.models import Q

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.contract import Attachment
from faitfoi.channels.smtp_mail_message import file_name
from faitfoi.evidence.store import digest_of
from faitfoi.pipeline import archive
from faitfoi.records.journal import write_entry
from faitfoi.records.models import Batch, BatchLine, Customer, Delivery, MailFile

LARGEST = 7_000_000
MOST = 5


class CannotJoin(ValueError):
    """The file cannot go along; a French sentence."""


def join_file(
    organisation: Organisation,
    content: bytes,
    *,
    filename: str,
    customer: Customer | None = None,
    batch: Batch | None = None,
    actor: str,
) -> MailFile:
    """Have a PDF go along with the mails of a customer, or of a batch; outside any transaction. Raises CannotJoin."""
    if not content.startswith(b"%PDF-"):
        raise CannotJoin(f"{filename} n’est pas un PDF : seuls des PDF accompagnent une facture.")
    if len(content) > LARGEST:
        raise CannotJoin(f"{filename} pèse plus de {LARGEST // 1_000_000} Mo : allégez-le.")
    if (customer is None) == (batch is None):
        raise CannotJoin("Dites avec quoi il part : un client, ou un lot.")
    kept = archive.pack(organisation.id, [content], retention=archive.INVOICE)
    with acting_for(organisation.id):
        if MailFile.objects.filter(customer=customer, batch=batch).count() >= MOST:
            raise CannotJoin(f"{MOST} fichiers accompagnent déjà ces envois : retirez-en un d’abord.")
        archive.claim(kept, actor=actor)
        row, _ = MailFile.objects.update_or_create(
            organisation_id=organisation.id,
            customer=customer,
            batch=batch,
            filename=file_name(filename),
            defaults={"media_type": "application/pdf", "sha256": digest_of(content).sha256},
        )
        write_entry("mail_file_joined", actor=actor, rows=[row], sha256=row.sha256)
    return row


def files_along(delivery: Delivery) -> tuple[Attachment, ...]:
    """The files that go along with a delivery, the customer's before the batch's. Runs inside `acting_for`.

    Raises ObjectMissing or ObjectAltered when the archive no longer gives one.
    """
    document = delivery.document
    batches = BatchLine.objects.order_by().filter(document=document, already_done=False).values("batch")
    wanted = Q(batch__in=batches)
    if document.customer_id is not None:
        wanted |= Q(customer=document.customer_id)
    rows = MailFile.objects.filter(wanted).order_by("filename")
    return tuple(
        Attachment(
            filename=each.filename,
            media_type=each.media_type,
            content=archive.fetch(delivery.organisation_id, each.sha256),
        )
        for each in sorted(rows, key=lambda row: row.customer_id is None)
    )
