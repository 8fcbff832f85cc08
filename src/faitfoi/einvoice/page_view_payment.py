"""How the invoice is paid: means, accounts, references, terms and the code to scan (BG-16 to BG-19, BT-9, BT-20)."""

from collections.abc import Iterator

from faitfoi.einvoice import page_words
from faitfoi.einvoice.model import Invoice
from faitfoi.einvoice.page_fit import breadth
from faitfoi.einvoice.page_numbers import breakable, grouped
from faitfoi.einvoice.qr import epc_payload, qr_svg

# The longest word, in characters, that the block can hold.
_WORD = 40


def payment_view(invoice: Invoice) -> dict[str, object]:
    """Labelled lines about payment, the terms, and the EPC code as SVG when a transfer in euros is due."""
    payload = epc_payload(invoice)
    facts = [(label, value) for label, value in _facts(invoice) if value]
    return {
        "facts": [{"label": label, "value": breakable(value, _WORD)} for label, value in facts],
        "label_width": round(max((breadth(label, points=7.6) for label, _ in facts), default=0), 1),
        "terms": breakable(invoice.payment_terms, _WORD),
        "qr": qr_svg(payload) if payload else "",
    }


def _facts(invoice: Invoice) -> Iterator[tuple[str, str]]:
    payment = invoice.payment
    if payment is None:
        return
    words = page_words.PAYMENT_MEANS.get(payment.means_code, f"code {payment.means_code}")
    said = payment.means_text
    yield "Mode de paiement", f"{words} – {said}" if said and said.lower() != words.lower() else words
    for transfer in payment.credit_transfers:
        compact = "".join(transfer.account.split())
        shown = grouped(compact)
        yield ("IBAN" if shown != compact else "Compte"), shown
        yield "BIC", transfer.service_provider
        yield "Titulaire", transfer.account_name
    if payment.card:
        yield "Carte", payment.card.account_number
        yield "Porteur", payment.card.holder_name
    if payment.direct_debit:
        yield "Mandat", payment.direct_debit.mandate_reference
        yield "Identifiant créancier (ICS)", payment.direct_debit.creditor_identifier
        yield "Compte débité", grouped("".join(payment.direct_debit.debited_account.split()))
    yield "Référence à rappeler", payment.remittance_information
