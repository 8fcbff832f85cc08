"""The rendering of an invoice that legacy Chorus Pro expects, which the reform's rules forbid (BR-FR-32).

Chorus wants both SIRETs as legal identifiers under scheme 0002, the service code in BT-10 and the engagement in
BT-13; EN 16931 leaves room for one BT-46 only; a gross price goes with its discount. What Chorus refuses even so,
`rules.chorus` says. Source: french_contracts §1.4, "Identifier trap".
"""

import dataclasses
import re

from faitfoi.einvoice.model import Identifier, Invoice, InvoiceLine

_SIRET = re.compile(r"[0-9]{14}")
_LEGAL_SCHEME = "0002"
_SIRET_SCHEME = "0009"
_ROUTING_SCHEME = "0224"


def for_chorus(
    invoice: Invoice, *, seller_siret: str, buyer_siret: str, service_code: str = "", engagement: str = ""
) -> Invoice:
    """`invoice` with the identifiers legacy Chorus wants; amounts, lines' totals and number are untouched.

    An empty `service_code` or `engagement` keeps what the invoice says in BT-10 or BT-13; a routing code found in
    BT-46 (scheme 0224) serves as service code. A credit note loses its payment instructions, which Chorus refuses. A
    gross price without its discount gets it (gross - net), or goes where it says no more than the net price does.
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
        lines=tuple(_with_whole_price(line) for line in invoice.lines),
    )


def _with_whole_price(line: InvoiceLine) -> InvoiceLine:
    """The line whose gross price (BT-148) has its discount (BT-147): Chorus refuses one without the other."""
    price = line.price
    if price is None or price.gross is None or price.net is None or price.discount is not None:
        return line
    if price.gross < price.net:
        return line  # no discount leads there: `FF-CHORUS-GROSS-PRICE` says so
    whole = price.gross > price.net
    mended = dataclasses.replace(
        price, gross=price.gross if whole else None, discount=price.gross - price.net if whole else None
    )
    return dataclasses.replace(line, price=mended)


def routing_code(invoice: Invoice) -> str:
    """The buyer's routing code (code service) in BT-46 under scheme 0224, empty when there is none."""
    return next((found.value for found in invoice.buyer.identifiers if found.scheme == _ROUTING_SCHEME), "")


def _without(identifiers: tuple[Identifier, ...], siret: str) -> tuple[Identifier, ...]:
    return tuple(
        found for found in identifiers if found.scheme not in {_SIRET_SCHEME, _ROUTING_SCHEME} and found.value != siret
    )
