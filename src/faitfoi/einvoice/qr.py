"""The QR code that banking applications read to prepare a transfer (EPC069-12, version 002)."""

import re
from decimal import Decimal
from functools import cache

from faitfoi.einvoice.model import Invoice
from faitfoi.einvoice.page_numbers import checks_modulo_97, is_iban
from faitfoi.einvoice.qr_code import qr_code

# UNTDID 4461: credit transfer, debit transfer as many programs write it, SEPA credit transfer.
_TRANSFERS = frozenset({"30", "31", "58"})
_MOST = Decimal("999999999.99")
_MOST_BYTES = 331
_QUIET_ZONE = 4
_DARK = re.compile(rb"\x01+")


def epc_payload(invoice: Invoice) -> str | None:
    """The text a banking application expects, or None when no SEPA transfer in euros is due by the buyer.

    Asked for: an amount due (BT-115) of 0.01 to 999,999,999.99 euros on an invoice, payment by transfer (BT-81) and
    a valid IBAN (BT-84). A creditor reference of ISO 11649 in BT-83 goes to its own field, another one, or else the
    invoice's number, to the free text.
    """
    payment, due = invoice.payment, invoice.totals.due
    if payment is None or payment.means_code not in _TRANSFERS or invoice.is_credit_note:
        return None
    if invoice.currency != "EUR" or due is None or not Decimal("0.01") <= due <= _MOST:
        return None
    transfer = next((each for each in payment.credit_transfers if is_iban(_compact(each.account))), None)
    if transfer is None:
        return None
    payee = invoice.payee.name if invoice.payee else transfer.account_name or invoice.seller.name
    reference = _compact(payment.remittance_information)
    structured = reference if _is_creditor_reference(reference) else ""
    free = "" if structured else payment.remittance_information or invoice.number
    bic = _compact(transfer.service_provider)
    fields = (
        "BCD",
        "002",
        "1",  # UTF-8
        "SCT",
        bic if bic.isalnum() and len(bic) in (8, 11) else "",
        _one_line(payee)[:70],
        _compact(transfer.account),
        f"EUR{due:.2f}",
        "",
        structured,
        _one_line(free)[:140],
    )
    payload = "\n".join(fields).rstrip("\n")
    return payload if len(payload.encode()) <= _MOST_BYTES else None


def qr_svg(payload: str) -> str:
    """A QR code as an SVG drawing: level M as EPC069-12 asks, with its quiet zone, one black path on nothing."""
    rows = qr_code(payload.encode())
    size = len(rows) + 2 * _QUIET_ZONE
    runs = "".join(
        f"M{run.start() + _QUIET_ZONE} {y}{_outline(len(run[0]))}"
        for y, row in enumerate(rows, start=_QUIET_ZONE)
        for run in _DARK.finditer(row)
    )
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}"><path d="{runs}"/></svg>'


@cache
def _outline(modules: int) -> str:
    return f"h{modules}v1h-{modules}z"


def _is_creditor_reference(text: str) -> bool:
    usable = 5 <= len(text) <= 25 and text.startswith("RF") and text.isascii() and text.isalnum()
    return usable and checks_modulo_97(text)


def _compact(text: str) -> str:
    return "".join(text.split()).upper()


def _one_line(text: str) -> str:
    return " ".join(text.split())
