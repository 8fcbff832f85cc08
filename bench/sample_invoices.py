"""The invoices both pipelines are timed on: one seller, one buyer a number, every amount adding up."""

from datetime import date, timedelta
from decimal import Decimal

from faitfoi.einvoice.model import (
    Address,
    Buyer,
    CreditTransfer,
    Delivery,
    Identifier,
    Invoice,
    InvoiceLine,
    Item,
    LineVat,
    Note,
    PaymentInstructions,
    Price,
    ProcessControl,
    Seller,
    Totals,
    VatBreakdown,
)

DAY = date(2026, 11, 2)
RATE = Decimal("20.00")
CENT = Decimal("0.01")
NOTES = {
    "PMT": "Indemnité forfaitaire de recouvrement : 40 €",
    "PMD": "Pénalités : trois fois le taux d'intérêt légal",
    "AAB": "Pas d'escompte pour paiement anticipé",
}


def sample_invoice(number: int, *, lines: int) -> Invoice:
    """The `number`-th invoice, of `lines` lines: the same terms and values as the peer's `number`-th."""
    items = tuple(_line(position, number) for position in range(1, lines + 1))
    net = sum((line.net_amount or Decimal(0) for line in items), Decimal(0))
    vat = (net * RATE / 100).quantize(CENT)
    return Invoice(
        number=f"F2026-{number:06}",
        issue_date=DAY,
        type_code="380",
        currency="EUR",
        due_date=DAY + timedelta(days=30),
        payment_terms="30 jours net",
        notes=tuple(Note(subject_code=code, text=text) for code, text in NOTES.items()),
        process=ProcessControl(business_process="S1", specification="urn:cen.eu:en16931:2017"),
        seller=Seller(
            name="CUMA des Trois Vallées",
            legal_registration=Identifier(value="000000018", scheme="0002"),
            vat_identifier="FR66000000018",
            electronic_address=Identifier(value="000000018", scheme="0225"),
            address=Address(line_one="4 route du Silo", postcode="56800", city="Ploërmel", country="FR"),
        ),
        buyer=Buyer(
            name=f"GAEC du Chêne {number}",
            legal_registration=Identifier(value="000000034", scheme="0002"),
            vat_identifier="FR17000000034",
            electronic_address=Identifier(value="000000034", scheme="0225"),
            address=Address(line_one="Le Chêne", postcode="56120", city="Josselin", country="FR"),
        ),
        delivery=Delivery(actual_date=DAY),
        payment=PaymentInstructions(
            means_code="30", credit_transfers=(CreditTransfer(account="FR1420041010050500013M02606"),)
        ),
        totals=Totals(line_net=net, without_vat=net, vat=vat, with_vat=net + vat, due=net + vat),
        vat_breakdown=(VatBreakdown(taxable_amount=net, tax_amount=vat, category="S", rate=RATE),),
        lines=items,
    )


def _line(position: int, number: int) -> InvoiceLine:
    quantity, price = Decimal(1 + position % 7), Decimal("12.50") + position
    return InvoiceLine(
        identifier=str(position),
        quantity=quantity,
        unit="HUR",
        net_amount=(quantity * price).quantize(CENT),
        price=Price(net=price),
        vat=LineVat(category="S", rate=RATE),
        item=Item(name=f"Moissonnage parcelle {position} - ilot {number}"),
    )
