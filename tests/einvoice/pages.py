"""Fictitious invoices to lay out, and what can be read back from the pages."""

import dataclasses
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pikepdf
import pypdfium2

from faitfoi.einvoice.model import (
    Address,
    Buyer,
    CreditTransfer,
    Delivery,
    Identifier,
    Invoice,
    InvoiceLine,
    Item,
    LineAllowanceCharge,
    LineVat,
    Note,
    PaymentInstructions,
    Price,
    ProcessControl,
    Seller,
    Totals,
    VatBreakdown,
)
from faitfoi.einvoice.page import Look

CREATED = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
LOOK = Look(name="CUMA des Trois Vallées", footer="CUMA des Trois Vallées – capital variable", accent="#1f6b4f")
CENT = Decimal("0.01")
IBAN = "FR7630006000011234567890189"

_WORK = (
    ("Moissonnage du blé", "HAR", Decimal("12.5"), Decimal(95)),
    ("Location de presse", "H87", Decimal(3), Decimal("42.50")),
    ("Transport de grain", "TNE", Decimal("48.25"), Decimal("7.80")),
    ("Main-d’œuvre", "HUR", Decimal("6.75"), Decimal(38)),
)


def cii(guideline: str = "urn:cen.eu:en16931:2017") -> bytes:
    """The smallest CII that states its guideline; the page does not ask for more."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<rsm:CrossIndustryInvoice xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"'
        ' xmlns:ram="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100">'
        "<rsm:ExchangedDocumentContext><ram:GuidelineSpecifiedDocumentContextParameter>"
        f"<ram:ID>{guideline}</ram:ID></ram:GuidelineSpecifiedDocumentContextParameter>"
        "</rsm:ExchangedDocumentContext></rsm:CrossIndustryInvoice>\n"
    ).encode()


def invoice(lines: int = 3, **changes: Any) -> Invoice:
    """An invoice whose amounts add up, with as many lines as asked for."""
    made = tuple(_line(number) for number in range(1, lines + 1))
    net = sum((line.net_amount or Decimal(0) for line in made), Decimal(0))
    vat = (net / 5).quantize(CENT)
    terms: dict[str, Any] = {
        "number": "F-2026-117",
        "issue_date": date(2026, 11, 21),
        "type_code": "380",
        "currency": "EUR",
        "due_date": date(2026, 12, 21),
        "purchase_order_reference": "BC-482",
        "payment_terms": "Paiement à 30 jours.",
        "notes": (Note(subject_code="PMT", text="Indemnité forfaitaire de recouvrement : 40 €."),),
        "process": ProcessControl(business_process="S1", specification="urn:cen.eu:en16931:2017"),
        "seller": Seller(
            name="CUMA des Trois Vallées",
            identifiers=(Identifier(value="00000001800010", scheme="0009"),),
            legal_registration=Identifier(value="000000018", scheme="0002"),
            vat_identifier="FR66000000018",
            address=Address(line_one="4 route du Silo", postcode="56800", city="Ploërmel", country="FR"),
        ),
        "buyer": Buyer(
            name="GAEC du Chêne Rond",
            legal_registration=Identifier(value="000000034", scheme="0002"),
            address=Address(line_one="Le Chêne Rond", postcode="56120", city="Josselin", country="FR"),
        ),
        "delivery": Delivery(actual_date=date(2026, 11, 18)),
        "payment": PaymentInstructions(
            means_code="58", remittance_information="F-2026-117", credit_transfers=(CreditTransfer(account=IBAN),)
        ),
        "totals": Totals(line_net=net, without_vat=net, vat=vat, with_vat=net + vat, due=net + vat),
        "vat_breakdown": (VatBreakdown(taxable_amount=net, tax_amount=vat, category="S", rate=Decimal(20)),),
        "lines": made,
    }
    return Invoice(**(terms | changes))


def _line(number: int) -> InvoiceLine:
    name, unit, quantity, price = _WORK[(number - 1) % len(_WORK)]
    gross = (quantity * price).quantize(CENT)
    allowances: tuple[LineAllowanceCharge, ...] = ()
    if number % 5 == 0:
        amount = (gross / 10).quantize(CENT)
        allowances = (
            LineAllowanceCharge(amount=amount, base_amount=gross, percentage=Decimal(10), reason="Remise adhérent"),
        )
    return InvoiceLine(
        identifier=str(number),
        quantity=quantity,
        unit=unit,
        net_amount=gross - sum((each.amount or Decimal(0) for each in allowances), Decimal(0)),
        price=Price(net=price),
        vat=LineVat(category="S", rate=Decimal(20)),
        allowances=allowances,
        item=Item(
            name=f"{name}, bon {number:04}", description="Chantier du 12 novembre, chauffeur compris. " * (number % 4)
        ),
    )


class Everything:
    """Builds an invoice in which every term is filled, each with a value found nowhere else."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.amounts: list[Decimal] = []
        self.dates: list[date] = []
        self._above: list[Any] = []

    def build(self, kind: Any) -> Any:
        """A value of any type of the model."""
        if kind is str:
            self.texts.append(f"Zx{len(self.texts)}q")
            return self.texts[-1]
        if kind is Decimal:
            self.amounts.append(Decimal(7001 + 13 * len(self.amounts)) + Decimal("0.37"))
            return self.amounts[-1]
        if kind is date:
            self.dates.append(date(2031, 1, 1) + timedelta(days=17 * len(self.dates)))
            return self.dates[-1]
        if kind is bytes:
            return b"attached"
        if kind is bool:
            return True
        if get_origin(kind) is tuple:
            (inner, _) = get_args(kind)
            return (self.build(inner),) if self._above.count(inner) < 2 else ()
        if get_origin(kind) in (UnionType, Union):
            return self.build(next(each for each in get_args(kind) if each is not NoneType))
        hints = get_type_hints(kind)
        self._above.append(kind)
        built = kind(**{field.name: self.build(hints[field.name]) for field in dataclasses.fields(kind)})
        self._above.pop()
        return built


def page_texts(pdf: bytes) -> list[str]:
    """The text of each page in reading order, as a viewer extracts it."""
    with pypdfium2.PdfDocument(pdf) as document:
        return [page.get_textpage().get_text_range() for page in document]


def plain(text: str) -> str:
    """Text without white space or soft break, for comparisons that lines must not disturb."""
    return "".join(text.split()).replace("\u200b", "").replace("\ufffe", "").replace("\xad", "")


def attachments(pdf: bytes) -> dict[str, tuple[bytes, str]]:
    """Attached files: name → content and AFRelationship, from the document's associated files (PDF/A-3)."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        return {
            str(spec.UF): (spec.EF.UF.read_bytes(), str(spec.AFRelationship)) for spec in document.Root.get("/AF", [])
        }


def xmp(pdf: bytes) -> str:
    """The document's XMP packet."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        return document.Root.Metadata.read_bytes().decode()
