"""Valid French invoices of the common kinds, by model: what mutations start from."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from faitfoi.einvoice.amounts import complete
from faitfoi.einvoice.model import (
    Address,
    Buyer,
    CreditTransfer,
    Delivery,
    DocumentAllowanceCharge,
    Identifier,
    Invoice,
    InvoiceLine,
    Item,
    LineAllowanceCharge,
    LineVat,
    Note,
    PaymentInstructions,
    Period,
    PrecedingInvoice,
    Price,
    ProcessControl,
    Seller,
    Totals,
    VatBreakdown,
)
from faitfoi.einvoice.profiles import EN16931

NOTES = (
    Note(text="Indemnité forfaitaire pour frais de recouvrement : 40 EUR.", subject_code="PMT"),
    Note(text="Pénalités de retard : trois fois le taux d’intérêt légal.", subject_code="PMD"),
    Note(text="Pas d’escompte pour paiement anticipé.", subject_code="AAB"),
)


def plain() -> Invoice:
    """Two lines at 20 % between two French companies, paid by credit transfer."""
    return complete(
        Invoice(
            number="F-2026-117",
            issue_date=date(2026, 11, 20),
            type_code="380",
            currency="EUR",
            due_date=date(2026, 12, 20),
            notes=(*NOTES, Note(text="B2B", subject_code="BAR")),
            process=ProcessControl(business_process="M1", specification=EN16931),
            seller=Seller(
                name="Coopérative des Aulnes",
                identifiers=(Identifier(value="00000001800010", scheme="0009"),),
                legal_registration=Identifier(value="000000018", scheme="0002"),
                vat_identifier="FR66000000018",
                electronic_address=Identifier(value="000000018_STATUTS", scheme="0225"),
                address=address("Essai-sur-Loire", "FR"),
            ),
            buyer=Buyer(
                name="Société d’Essai",
                identifiers=(Identifier(value="00000003400017", scheme="0009"),),
                legal_registration=Identifier(value="000000034", scheme="0002"),
                vat_identifier="FR17000000034",
                electronic_address=Identifier(value="000000034", scheme="0225"),
                address=address("Essai", "FR"),
            ),
            delivery=Delivery(actual_date=date(2026, 11, 18)),
            payment=PaymentInstructions(
                means_code="30", credit_transfers=(CreditTransfer(account="FR7630006000011234567890189"),)
            ),
            totals=Totals(),
            lines=(line("1", quantity="10", price="12.50"), line("2", quantity="2.5", price="100.00", unit="HUR")),
        )
    )


def line(
    identifier: str, *, quantity: str, price: str, unit: str = "C62", category: str = "S", rate: str | None = "20"
) -> InvoiceLine:
    """One line, without its net amount."""
    return InvoiceLine(
        identifier=identifier,
        quantity=Decimal(quantity),
        unit=unit,
        price=Price(net=Decimal(price)),
        vat=LineVat(category=category, rate=None if rate is None else Decimal(rate)),
        item=Item(name=f"Article {identifier}"),
    )


def address(city: str, country: str) -> Address:
    """A complete address."""
    return Address(line_one="1 place de l’Essai", city=city, postcode="00001", country=country)


def again(invoice: Invoice, **changes: object) -> Invoice:
    """`invoice` with other parts, its sums computed anew."""
    blank = replace(
        invoice,
        totals=Totals(),
        vat_breakdown=(),
        lines=tuple(replace(line, net_amount=None) for line in invoice.lines),
    )
    return complete(replace(blank, **changes))  # type: ignore[arg-type]  # the fields are checked by their own tests


def two_rates() -> Invoice:
    """Three French rates, one line without quantity of one, a period on a line."""
    return again(
        plain(),
        number="F-2026/118",
        lines=(
            line("1", quantity="3", price="9.99"),
            line("2", quantity="7", price="4.05", rate="5.5"),
            replace(
                line("3", quantity="1", price="250", rate="10"),
                period=Period(start=date(2026, 11, 1), end=date(2026, 11, 15)),
                note="Lot 2026-11",
            ),
        ),
        period=Period(start=date(2026, 11, 1), end=date(2026, 11, 30)),
    )


def two_categories() -> Invoice:
    """Taxed goods and exempt services on one invoice."""
    reason, code = _REASONS["E"]
    return again(
        plain(),
        lines=(
            line("1", quantity="3", price="9.99"),
            line("2", quantity="1", price="80.00", category="E", rate="0"),
            line("3", quantity="2", price="15.00", category="Z", rate="0"),
        ),
        vat_breakdown=(
            VatBreakdown(
                taxable_amount=None,
                tax_amount=None,
                category="E",
                rate=Decimal(0),
                exemption_reason=reason,
                exemption_reason_code=code,
            ),
        ),
    )


def with_allowances() -> Invoice:
    """Allowances and charges on the document and on its lines."""
    return again(
        plain(),
        allowances=(
            DocumentAllowanceCharge(
                amount=None,
                base_amount=Decimal("375.00"),
                percentage=Decimal("10"),
                vat_category="S",
                vat_rate=Decimal("20"),
                reason="Remise de fidélité",
                reason_code="95",
            ),
        ),
        charges=(
            DocumentAllowanceCharge(
                amount=Decimal("15.00"), vat_category="S", vat_rate=Decimal("20"), reason="Port", reason_code="FC"
            ),
        ),
        lines=(
            replace(
                line("1", quantity="10", price="12.50"),
                allowances=(LineAllowanceCharge(amount=Decimal("5.00"), reason="Emballage abîmé", reason_code="95"),),
                charges=(
                    LineAllowanceCharge(
                        amount=None,
                        base_amount=Decimal("125.00"),
                        percentage=Decimal("2"),
                        reason="Éco-contribution",
                        reason_code="AEO",
                    ),
                ),
            ),
            line("2", quantity="2.5", price="100.00", unit="HUR"),
        ),
        delivery=Delivery(
            name="Dépôt", location=Identifier(value="DEPOT-1", scheme="0088"), address=address("Essai-Port", "FR")
        ),
    )


def credit_note() -> Invoice:
    """A credit note for an earlier invoice."""
    return replace(
        plain(),
        number="A-2026-9",
        type_code="381",
        preceding_invoices=(PrecedingInvoice(number="F-2026-100", issue_date=date(2026, 10, 1)),),
    )


def corrective() -> Invoice:
    """A corrective invoice (384), with the one reference that it must have."""
    return replace(credit_note(), number="F-2026-119", type_code="384")


def global_rebate() -> Invoice:
    """A rebate over a period, under a contract (262)."""
    return replace(
        credit_note(),
        type_code="262",
        contract_reference="MARCHE-2026-3",
        period=Period(start=date(2026, 1, 1), end=date(2026, 6, 30)),
    )


def paid() -> Invoice:
    """An invoice already paid (cadre de facturation S2)."""
    base = plain()
    return replace(
        base,
        process=replace(base.process, business_process="S2"),
        due_date=date(2026, 11, 2),
        totals=replace(base.totals, paid=base.totals.with_vat, due=Decimal("0.00")),
    )


_REASONS = {
    "E": ("Exonéré", "VATEX-EU-132"),
    "AE": ("Autoliquidation", "VATEX-EU-AE"),
    "K": ("Livraison intracommunautaire", "VATEX-EU-IC"),
    "G": ("Exportation", "VATEX-EU-G"),
    "O": ("Hors champ", "VATEX-EU-O"),
    "Z": ("", ""),
}


def untaxed(category: str) -> Invoice:
    """Everything in one VAT category without tax, an allowance and a charge too."""
    base = plain()
    rate = None if category == "O" else Decimal(0)
    reason, code = _REASONS[category]
    country = {"K": "BE", "G": "CH"}.get(category, "FR")
    part = DocumentAllowanceCharge(
        amount=Decimal("5.00"), vat_category=category, vat_rate=rate, reason="Remise", reason_code="95"
    )
    changed = again(
        base,
        lines=tuple(replace(line, net_amount=None, vat=LineVat(category=category, rate=rate)) for line in base.lines),
        allowances=(part,),
        charges=(replace(part, amount=Decimal("7.50"), reason="Port", reason_code="FC"),),
        vat_breakdown=(
            VatBreakdown(
                taxable_amount=None,
                tax_amount=None,
                category=category,
                rate=rate,
                exemption_reason=reason,
                exemption_reason_code=code,
            ),
        ),
        delivery=Delivery(actual_date=date(2026, 11, 18), address=address("Essai", country)),
    )
    vat_identifier = {"K": "BE0000000097", "G": "", "O": ""}.get(category, base.buyer.vat_identifier)
    seller = replace(base.seller, vat_identifier="") if category == "O" else base.seller
    return replace(
        changed,
        seller=seller,
        buyer=replace(base.buyer, vat_identifier=vat_identifier, address=address("Essai", country)),
    )
