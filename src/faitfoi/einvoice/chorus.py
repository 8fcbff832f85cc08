"""The rendering of an invoice that legacy Chorus Pro expects, which the reform's rules forbid (BR-FR-32).

Chorus wants both SIRETs as legal identifiers under scheme 0002, the service code in BT-10 and the engagement in
BT-13; EN 16931 leaves room for one BT-46 only. Source: french_contracts §1.4, "Identifier trap".
"""

import dataclasses
import re

from faitfoi.einvoice.findings import Finding, Severity
from faitfoi.einvoice.model import Identifier, Invoice

_SIRET = re.compile(r"[0-9]{14}")
_LEGAL_SCHEME = "0002"
_SIRET_SCHEME = "0009"
_ROUTING_SCHEME = "0224"
_TRANSFERS = frozenset({"30", "31", "42"})
_MAX_NUMBER = 20
_MAX_REFERENCE = 50
_MAX_FILENAME = 50
_ADMITTED = re.compile(
    r".*\.(bmp|bz2|csv|docx?|fax|gif|gz|gzip|html?|jpe?g|od[pst]|p7s|pdf|png|pp[st]|pptx|rtf|svg|tgz|tiff?|txt"
    r"|xhtml|xl[cms]|xlsx|xml|zip)",
    re.IGNORECASE,
)


def for_chorus(
    invoice: Invoice, *, seller_siret: str, buyer_siret: str, service_code: str = "", engagement: str = ""
) -> Invoice:
    """`invoice` with the identifiers legacy Chorus wants; amounts, lines and number are untouched.

    An empty `service_code` or `engagement` keeps what the invoice says in BT-10 or BT-13; a routing code found in
    BT-46 (scheme 0224) serves as service code. A credit note loses its payment instructions, which Chorus refuses.
    Raises ValueError when a SIRET is not 14 digits.
    """
    for who, siret in (("vendeur", seller_siret), ("destinataire", buyer_siret)):
        if not _SIRET.fullmatch(siret):
            raise ValueError(f"Le SIRET du {who} « {siret} » doit compter 14 chiffres pour Chorus Pro.")
    seller = dataclasses.replace(
        invoice.seller,
        legal_registration=Identifier(value=seller_siret, scheme=_LEGAL_SCHEME),
        identifiers=_without(invoice.seller.identifiers, seller_siret),
    )
    buyer = dataclasses.replace(
        invoice.buyer,
        legal_registration=Identifier(value=buyer_siret, scheme=_LEGAL_SCHEME),
        identifiers=_without(invoice.buyer.identifiers, buyer_siret)[:1],
    )
    return dataclasses.replace(
        invoice,
        seller=seller,
        buyer=buyer,
        buyer_reference=service_code or routing_code(invoice) or invoice.buyer_reference,
        purchase_order_reference=engagement or invoice.purchase_order_reference,
        payment=None if invoice.is_credit_note else invoice.payment,
    )


def routing_code(invoice: Invoice) -> str:
    """The buyer's routing code (code service) in BT-46 under scheme 0224, empty when there is none."""
    return next((found.value for found in invoice.buyer.identifiers if found.scheme == _ROUTING_SCHEME), "")


def _without(identifiers: tuple[Identifier, ...], siret: str) -> tuple[Identifier, ...]:
    return tuple(
        found for found in identifiers if found.scheme not in {_SIRET_SCHEME, _ROUTING_SCHEME} and found.value != siret
    )


def check_for_chorus(invoice: Invoice) -> tuple[Finding, ...]:
    """What Chorus Pro would refuse in an invoice already made by `for_chorus`, each as a fatal finding."""
    findings: list[Finding] = []

    def fatal(rule: str, term: str, value: str, message: str) -> None:
        findings.append(Finding(rule=rule, severity=Severity.FATAL, message=message, term=term, value=value))

    number, order, contract = invoice.number, invoice.purchase_order_reference, invoice.contract_reference
    if len(number) > _MAX_NUMBER:
        message = f"Le numéro {number} dépasse les 20 caractères de Chorus Pro : raccourcissez la série de numéros."
        fatal("FF-CHORUS-NUMBER", "BT-1", number, message)
    for term, value, name in (("BT-13", order, "numéro d’engagement"), ("BT-12", contract, "numéro de marché")):
        if len(value) > _MAX_REFERENCE:
            message = f"Le {name} {value} dépasse les 50 caractères de Chorus Pro : corrigez-le."
            fatal("FF-CHORUS-REFERENCE", term, value, message)
    if not invoice.is_credit_note:
        payment = invoice.payment
        if payment is None or not payment.means_code:
            message = "Chorus Pro veut un moyen de paiement (BT-81) sur une facture : ajoutez par exemple le virement."
            fatal("FF-CHORUS-PAYMENT", "BT-81", "", message)
        elif payment.means_code in _TRANSFERS and not payment.credit_transfers:
            message = f"Le virement (code {payment.means_code}) veut un IBAN (BT-84) : ajoutez-le."
            fatal("FF-CHORUS-IBAN", "BT-84", payment.means_code, message)
    for document in invoice.supporting_documents:
        if document.attachment is None:
            continue
        name = document.attachment.filename
        if len(name) > _MAX_FILENAME or not _ADMITTED.fullmatch(name):
            message = f"La pièce jointe « {name} » doit avoir un nom de 50 caractères au plus et une extension admise."
            fatal("FF-CHORUS-ATTACHMENT", "BT-125", name, message)
    return tuple(findings)
