"""Files that go along with mails, beside the terms of sale: of one customer, or of one batch before it leaves."""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Q

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.contract import Attachment
from faitfoi.channels.smtp_mail_message import file_name
from faitfoi.einvoice.reading import Unreadable
from faitfoi.evidence.store import Pack, digest_of
from faitfoi.pipeline import archive
from faitfoi.pipeline.installation import sandbox
from faitfoi.records.journal import write_entry
from faitfoi.records.models import Batch, BatchLine, Customer, Delivery, MailFile
from faitfoi.records.stages import Stage

LARGEST = 7 * 1024 * 1024
MOST = 5
MOST_TOGETHER = 10 * 1024 * 1024
"""Bytes of all the files of one batch or customer: with the invoice, many mailboxes refuse much more."""
PDF = "application/pdf"
TYPES = ((b"%PDF-", PDF), (b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"))
_NOT_LEFT = (Stage.ROUTED, Stage.TO_FIX, Stage.HELD)

Given = tuple[str, bytes]
"""A file's name and its bytes."""


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
    """Have a file go along with the mails of a customer, or of a batch; outside any transaction. Raises CannotJoin."""
    given = [(filename, content)]
    check_files(given)
    if (customer is None) == (batch is None):
        raise CannotJoin("Dites avec quoi il part : un client, ou un lot.")
    kept = pack_files(organisation, given)
    with acting_for(organisation.id):
        return keep_files(organisation, given, kept, customer=customer, batch=batch, actor=actor)[0]


def check_files(given: Sequence[Given]) -> None:
    """Raise CannotJoin for what can never go along: its type, its size, or an invoice that everybody would get."""
    if len(given) > MOST:
        raise CannotJoin(f"Vous joignez {len(given)} fichiers ; un courriel en porte au plus {MOST} : retirez-en.")
    for filename, content in given:
        named = f"« {file_name(filename)} »"
        if not content:
            raise CannotJoin(f"{named} est vide : choisissez un autre fichier.")
        if _type_of(content) is None:
            raise CannotJoin(
                f"{named} n’est ni un PDF ni une image (PNG, JPEG) : enregistrez-le en PDF, puis joignez-le."
            )
        if len(content) > LARGEST:
            raise CannotJoin(
                f"{named} pèse {_written(len(content))} ; un fichier joint pèse au plus {_written(LARGEST)} : "
                "allégez-le."
            )
        if _type_of(content) == PDF and (number := _invoice_in(content)):
            raise CannotJoin(
                f"{named} est la facture {number} : jointe, elle irait à d’autres que son client. Envoyez-la comme une "
                "facture."
            )
    _check_together(given, [])


def pack_files(organisation: Organisation, given: Sequence[Given]) -> Pack | None:
    """Make files durable, before the transaction that joins them."""
    contents = [content for _, content in given]
    return archive.pack(organisation.id, contents, retention=archive.INVOICE) if contents else None


def keep_files(
    organisation: Organisation,
    given: Sequence[Given],
    kept: Pack | None,
    *,
    customer: Customer | None = None,
    batch: Batch | None = None,
    actor: str,
) -> list[MailFile]:
    """Write down files that were made durable; the same name again takes the other's place. Inside `acting_for`.

    Raises CannotJoin when there are too many with those before, or when the batch's first mail has left.
    """
    if batch is not None:
        Batch.objects.select_for_update(of=("self",)).get(id=batch.id)
        if has_left(batch):
            raise CannotJoin(
                f"Le premier courriel du lot « {batch.name} » est déjà parti : un fichier joint maintenant n’irait pas "
                "à tous ses clients. Envoyez-le à part, ou avec un prochain lot."
            )
    named = {file_name(filename): content for filename, content in given}
    others = list(MailFile.objects.filter(customer=customer, batch=batch).exclude(filename__in=named))
    if len(others) + len(named) > MOST:
        raise CannotJoin(
            f"{len(others)} fichiers accompagnent déjà ces envois, et {MOST} au plus : retirez-en d’abord."
        )
    _check_together(given, others)
    if kept is not None:
        archive.claim(kept, actor=actor)
    rows = [
        MailFile.objects.update_or_create(
            organisation_id=organisation.id,
            customer=customer,
            batch=batch,
            filename=filename,
            defaults={
                "media_type": _type_of(content) or PDF,
                "sha256": digest_of(content).sha256,
                "size": len(content),
            },
        )[0]
        for filename, content in named.items()
    ]
    for row in rows:
        write_entry("mail_file_joined", actor=actor, rows=[row], sha256=row.sha256)
    return rows


def drop_file(file_id: UUID, *, actor: str) -> bool:
    """Join a file no longer: what leaves from now on goes without it; False when it was gone. Inside `acting_for`."""
    row = MailFile.objects.select_for_update(of=("self",)).filter(id=file_id).first()
    if row is None:
        return False
    write_entry("mail_file_dropped", actor=actor, gone=[row], sha256=row.sha256)
    row.delete()
    return True


def files_of(batch: Batch) -> list[MailFile]:
    """The files that go along with a batch's mails. Runs inside `acting_for`."""
    return list(MailFile.objects.filter(batch=batch).order_by("filename"))


def has_left(batch: Batch) -> bool:
    """Whether a mail of this batch has left, or may have. Runs inside `acting_for`."""
    own = Delivery.objects.filter(
        channel=ChannelKey.EMAIL, document__lines__batch=batch, document__lines__already_done=False
    )
    return own.exclude(stage__in=_NOT_LEFT).exists()


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


def _check_together(given: Sequence[Given], others: Sequence[MailFile]) -> None:
    weight = sum(len(content) for _, content in given) + sum(other.size for other in others)
    if weight > MOST_TOGETHER:
        raise CannotJoin(
            f"Ensemble, les fichiers joints pèseraient {_written(weight)} ; beaucoup de boîtes refusent plus de "
            f"{_written(MOST_TOGETHER)}. Allégez-les, ou retirez-en."
        )


def _written(size: int) -> str:
    """Write a number of bytes as the pages do: « 7,0 Mo », 1,024 times 1,024 bytes each."""
    return f"{size / 1024 / 1024:.1f} Mo".replace(".", ",")


def _type_of(content: bytes) -> str | None:
    return next((media_type for start, media_type in TYPES if content.startswith(start)), None)


def _invoice_in(content: bytes) -> str:
    """Return the number of the invoice that a PDF carries; empty when it carries none that reads."""
    try:
        return sandbox().read(content).invoice.number or "qu’il porte"
    except Unreadable:
        return ""
