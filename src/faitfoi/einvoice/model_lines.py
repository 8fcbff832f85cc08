"""What is invoiced: the lines, their price, VAT and item (BG-25 to BG-32)."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from faitfoi.einvoice.model_extended import Measure
from faitfoi.einvoice.model_extended_lines import LineExtension
from faitfoi.einvoice.model_parties import Identifier
from faitfoi.einvoice.model_terms import term


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """First and last day, both included; BG-14 for the invoice, BG-26 for a line."""

    start: date | None = None
    end: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineAllowanceCharge:
    """One allowance (BG-27) or charge (BG-28) on one line; the amount is without VAT and positive."""

    amount: Decimal | None
    base_amount: Decimal | None = None
    percentage: Decimal | None = None
    reason: str = ""
    reason_code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """BG-29: prices without VAT for `base_quantity` units (1 when absent); net = gross - discount."""

    net: Decimal | None = field(default=None, metadata=term("BT-146"))
    discount: Decimal | None = field(default=None, metadata=term("BT-147"))
    gross: Decimal | None = field(default=None, metadata=term("BT-148"))
    base_quantity: Decimal | None = field(default=None, metadata=term("BT-149"))
    base_quantity_unit: str = field(default="", metadata=term("BT-150"))


@dataclass(frozen=True, slots=True, kw_only=True)
class LineVat:
    """BG-30: the line's VAT category and rate in percent."""

    category: str = field(default="", metadata=term("BT-151"))
    rate: Decimal | None = field(default=None, metadata=term("BT-152"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """BT-158: a class of goods or services (CPV, HS…), its list (UNTDID 7143) and the list's version."""

    code: str
    scheme: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemAttribute:
    """BG-32: one property of the item, as a name and a value.

    In the extended profiles a code of UNTDID 6313 may stand for the name, a measure for the value.
    """

    name: str = field(metadata=term("BT-160"))
    value: str = field(metadata=term("BT-161"))
    code: str = field(default="", metadata=term("BT-X-11/EXT-FR-FE-159"))
    measure: Measure | None = field(
        default=None, metadata=term("BT-X-12/EXT-FR-FE-160", unit="BT-X-12-0/EXT-FR-FE-161")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """BG-31: the goods or service sold."""

    name: str = field(default="", metadata=term("BT-153"))
    description: str = field(default="", metadata=term("BT-154"))
    seller_identifier: str = field(default="", metadata=term("BT-155"))
    buyer_identifier: str = field(default="", metadata=term("BT-156"))
    standard_identifier: Identifier | None = field(default=None, metadata=term("BT-157"))
    classifications: tuple[Classification, ...] = field(default=(), metadata=term("BT-158"))
    origin_country: str = field(default="", metadata=term("BT-159"))
    attributes: tuple[ItemAttribute, ...] = field(default=(), metadata=term("BG-32"))


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLine:
    """BG-25. `unit` is a code of UN/ECE recommendations 20 and 21 (C62 piece, HUR hour, KGM kilogram).

    `sub_lines` are those that UBL writes inside this one, as the extension of XRechnung has them; Factur-X EXTENDED and
    EXTENDED-CTC-FR write all lines side by side, and say of each which one it belongs to (`extended.parent_line`).
    """

    identifier: str = field(metadata=term("BT-126"))
    note: str = field(default="", metadata=term("BT-127"))
    invoiced_object: Identifier | None = field(default=None, metadata=term("BT-128"))
    quantity: Decimal | None = field(default=None, metadata=term("BT-129"))
    unit: str = field(default="", metadata=term("BT-130"))
    net_amount: Decimal | None = field(default=None, metadata=term("BT-131"))
    purchase_order_line_reference: str = field(default="", metadata=term("BT-132"))
    buyer_accounting_reference: str = field(default="", metadata=term("BT-133"))
    period: Period | None = field(default=None, metadata=term("BG-26", start="BT-134", end="BT-135"))
    allowances: tuple[LineAllowanceCharge, ...] = field(
        default=(),
        metadata=term(
            "BG-27",
            amount="BT-136",
            base_amount="BT-137",
            percentage="BT-138",
            reason="BT-139",
            reason_code="BT-140",
        ),
    )
    charges: tuple[LineAllowanceCharge, ...] = field(
        default=(),
        metadata=term(
            "BG-28",
            amount="BT-141",
            base_amount="BT-142",
            percentage="BT-143",
            reason="BT-144",
            reason_code="BT-145",
        ),
    )
    price: Price = field(default=Price(), metadata=term("BG-29"))
    vat: LineVat = field(default=LineVat(), metadata=term("BG-30"))
    item: Item = field(default=Item(), metadata=term("BG-31"))
    extended: LineExtension | None = None
    sub_lines: tuple["InvoiceLine", ...] = field(default=(), metadata=term("BG-DEX-01"))
