"""What the French public sector's portal refuses, as far as it is known: on demand, never for other channels.

They judge the rendering made by `einvoice.chorus.for_chorus`, which holds the identifiers legacy Chorus Pro wants: the
reform's rules forbid them (BR-FR-32). Since when, and where each was learnt: `chorus_pack`.
"""

import re
from collections.abc import Iterator
from functools import partial

from faitfoi.einvoice.model import Identifier
from faitfoi.einvoice.rules.case import Case
from faitfoi.einvoice.rules.engine import Family, Offence, rule

_chorus = partial(rule, family=Family.CHORUS, source="Chorus Pro")

_SIRET = re.compile(r"[0-9]{14}")
_LEGAL_SCHEME = "0002"
_TRANSFERS = frozenset({"30", "31", "42"})
_BETWEEN_PUBLIC_BODIES = "FACTURES_PUBLIQUES"
_MOST_IN_A_NUMBER = 20
_MOST_IN_A_REFERENCE = 50
_MOST_IN_A_FILE_NAME = 50
_MEGABYTE = 1_000_000
_LARGEST_FILE = 10 * _MEGABYTE
_LARGEST_TOTAL = 120 * _MEGABYTE
_ADMITTED = re.compile(
    r".*\.(bmp|bz2|csv|docx?|fax|gif|gz|gzip|html?|jpe?g|od[pst]|p7s|pdf|png|pp[st]|pptx|rtf|svg|tgz|tiff?|txt"
    r"|xhtml|xl[cms]|xlsx|xml|zip)",
    re.IGNORECASE,
)


@_chorus("FF-CHORUS-NUMBER", "BT-1")
def number_is_short(case: Case) -> Iterator[Offence]:
    """Chorus Pro takes invoice numbers (BT-1) of at most 20 characters."""
    if len(case.invoice.number) > _MOST_IN_A_NUMBER:
        yield Offence(path="number", value=case.invoice.number)


@_chorus("FF-CHORUS-SELLER", "BT-30")
def seller_has_its_siret(case: Case) -> Iterator[Offence]:
    """Chorus Pro knows the seller by its SIRET: 14 digits in BT-30, under scheme 0002."""
    return _siret("seller", case.invoice.seller.legal_registration)


@_chorus("FF-CHORUS-BUYER", "BT-47")
def buyer_has_its_siret(case: Case) -> Iterator[Offence]:
    """Chorus Pro knows the recipient by its SIRET: 14 digits in BT-47, under scheme 0002."""
    return _siret("buyer", case.invoice.buyer.legal_registration)


def _siret(who: str, registration: Identifier | None) -> Iterator[Offence]:
    value = "" if registration is None else registration.value
    if registration is None or registration.scheme != _LEGAL_SCHEME or not _SIRET.fullmatch(value):
        yield Offence(path=f"{who}.legal_registration", value=value)


@_chorus("FF-CHORUS-REFERENCE", "BT-13", "BT-12")
def references_are_short(case: Case) -> Iterator[Offence]:
    """Chorus Pro takes engagement (BT-13) and contract (BT-12) numbers of at most 50 characters."""
    for term, path, value in (
        ("BT-13", "purchase_order_reference", case.invoice.purchase_order_reference),
        ("BT-12", "contract_reference", case.invoice.contract_reference),
    ):
        if len(value) > _MOST_IN_A_REFERENCE:
            yield Offence(term=term, path=path, value=value)


@_chorus("FF-CHORUS-SERVICE", "BT-10")
def service_is_open_to_companies(case: Case) -> Iterator[Offence]:
    """The service FACTURES_PUBLIQUES (BT-10) is kept by Chorus Pro for invoices between public bodies."""
    if case.invoice.buyer_reference.upper() == _BETWEEN_PUBLIC_BODIES:
        yield Offence(path="buyer_reference", value=case.invoice.buyer_reference)


@_chorus("FF-CHORUS-PAYMENT", "BT-81")
def invoice_says_how_to_pay(case: Case) -> bool:
    """Chorus Pro wants a means of payment (BT-81) on an invoice."""
    payment = case.invoice.payment
    return case.invoice.is_credit_note or (payment is not None and bool(payment.means_code))


@_chorus("FF-CHORUS-CREDIT-NOTE", "BT-81")
def credit_note_says_no_payment(case: Case) -> bool:
    """Chorus Pro takes no means of payment (BT-81) on a credit note."""
    return not case.invoice.is_credit_note or case.invoice.payment is None


@_chorus("FF-CHORUS-IBAN", "BT-84")
def transfer_has_an_account(case: Case) -> Iterator[Offence]:
    """An invoice to be paid by credit transfer (BT-81: 30, 31, 42) gives Chorus Pro an account (BT-84)."""
    payment = case.invoice.payment
    if case.invoice.is_credit_note or payment is None:
        return
    if payment.means_code in _TRANSFERS and not payment.credit_transfers:
        yield Offence(path="payment.means_code", value=payment.means_code)


@_chorus("FF-CHORUS-GROSS-PRICE", "BT-148")
def gross_price_has_its_discount(case: Case) -> Iterator[Offence]:
    """Chorus Pro takes a gross price (BT-148) only with the discount (BT-147) that leads to the net price."""
    for place, line in enumerate(case.invoice.lines):
        if line.price is not None and line.price.gross is not None and line.price.discount is None:
            yield Offence(path=f"lines[{place}].price.gross", value=str(line.price.gross), line=line.identifier)


@_chorus("FF-CHORUS-ATTACHMENT", "BT-125")
def attachments_have_admitted_names(case: Case) -> Iterator[Offence]:
    """Chorus Pro takes attached files (BT-125) of certain types only, with names of at most 50 characters."""
    for path, name, _ in _files(case):
        if len(name) > _MOST_IN_A_FILE_NAME or not _ADMITTED.fullmatch(name):
            yield Offence(path=path, value=name)


@_chorus("FF-CHORUS-SIZE", "BT-125")
def attachments_are_not_too_big(case: Case) -> Iterator[Offence]:
    """Chorus Pro takes attached files (BT-125) of at most 10 MB each, and 120 MB together."""
    files = list(_files(case))
    for path, name, size in files:
        if size > _LARGEST_FILE:
            yield Offence(path=path, value=name)
    if sum(size for _, _, size in files) > _LARGEST_TOTAL:
        yield Offence(path="supporting_documents")


def _files(case: Case) -> Iterator[tuple[str, str, int]]:
    """Each attached file: its path in the model, its name, its size."""
    for place, document in enumerate(case.invoice.supporting_documents):
        attachment = document.attachment
        if attachment is not None:
            yield f"supporting_documents[{place}].attachment", attachment.filename, len(attachment.content)
