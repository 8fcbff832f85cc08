"""Credit notes that are kept and never sent: those that cancel an invoice which was refused (210) or rejected (213).

French contracts §3.3: after either, no further message about the invoice goes out; the seller cancels it in the books
by an internal credit note. The buyer, who does not have the invoice, must not be given one (complaint B24).
"""

from faitfoi.accounts.models import ChannelKey
from faitfoi.einvoice.model import Invoice
from faitfoi.pipeline.collecting import told_of
from faitfoi.pipeline.lifecycle import is_refused, present
from faitfoi.records.models import Document
from faitfoi.records.models_document import DocumentKind
from faitfoi.records.stages import Purpose


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
