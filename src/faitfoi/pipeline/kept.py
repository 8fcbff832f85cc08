"""What is kept and never sent: credit notes for an invoice refused (210) or rejected (213), and what says so itself.

French contracts §3.3: after either, no further message about the invoice goes out; the seller cancels it in the books
by an internal credit note. The buyer, who does not have the invoice, must not be given one (complaint B24).
"""

import json

from faitfoi.accounts.models import ChannelKey
from faitfoi.channels.contract import Refused
from faitfoi.einvoice.jsonform import from_json
from faitfoi.einvoice.model import Invoice
from faitfoi.pipeline.collecting import told_of
from faitfoi.pipeline.lifecycle import is_refused, present
from faitfoi.pipeline.processing_rules import ARCHIVE_ONLY, BAR
from faitfoi.records.journal import write_entry
from faitfoi.records.models import Delivery, Document
from faitfoi.records.models_document import DocumentKind
from faitfoi.records.stages import Purpose

ACTOR = "plateforme_agreee"


def why_kept(invoice: Invoice, *, seller_siren: str) -> str:
    """Say why a document is sealed and kept, and sent to nobody; empty when it is sent. Runs inside `acting_for`."""
    if any(note.subject_code == BAR and note.text.strip().upper() == ARCHIVE_ONLY for note in invoice.notes):
        return (
            f"La facture {invoice.number} dit elle-même qu’elle n’est qu’à archiver (note BAR : {ARCHIVE_ONLY}) : elle "
            "est scellée et gardée, et n’est envoyée à personne."
        )
    return cancels_refused(invoice, seller_siren=seller_siren)


def refuse_if_kept(delivery: Delivery) -> None:
    """Keep a credit note whose invoice was refused after it was prepared: nobody is asked to do anything about it.

    Runs inside `acting_for`, on a delivery that is locked. Raises Refused.
    """
    document = delivery.document
    if document.kind != DocumentKind.CREDIT_NOTE:
        return
    invoice = from_json(json.dumps(document.invoice).encode())
    if reason := cancels_refused(invoice, seller_siren=document.seller_siren):
        document.kept_because = delivery.settled = reason
        document.save(update_fields=["kept_because"])
        delivery.save(update_fields=["settled"])
        write_entry(
            "kept_unsent", actor=ACTOR, document_id=document.id, rows=[document, delivery], delivery=str(delivery.id)
        )
        raise Refused(reason)


def cancels_refused(invoice: Invoice, *, seller_siren: str) -> str:
    """Say why a credit note is kept and not sent; empty when it may be. Runs inside `acting_for`."""
    if not invoice.is_credit_note:
        return ""
    for named in invoice.preceding_invoices:
        known = Document.objects.filter(
            number=named.number,
            seller_siren=seller_siren,
            kind=DocumentKind.INVOICE,
            deliveries__channel=ChannelKey.PLATEFORME_AGREEE,
            deliveries__purpose=Purpose.LEGAL,
        )
        if named.issue_date is not None:
            known = known.filter(issue_date=named.issue_date)
        for document in known.distinct():
            told = told_of(document.id)
            if is_refused(told) and (status := present(told)) is not None:
                word = "refusée par l’acheteur" if status.code == "210" else "rejetée"
                return (
                    f"L’avoir {invoice.number} annule la facture {document.number}, {word} ({status.code}) : il est "
                    "scellé et gardé pour vos comptes, et n’est envoyé à personne. L’acheteur n’a pas cette facture à "
                    "annuler."
                )
    return ""
