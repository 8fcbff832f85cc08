"""What the extended profiles let a document say beyond EN 16931, as far as their rules judge it.

EXTENDED (Factur-X) and EXTENDED-CTC-FR know lines inside lines, logistics services charged apart, and exemption
reasons on lines. Their rules add up with a tolerance of one cent for each amount added.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from faitfoi.einvoice.model import Invoice


class Kind(StrEnum):
    """What an amount on the document is; a logistics service (SpecifiedLogisticsServiceCharge) is a charge apart."""

    ALLOWANCE = "allowance"
    CHARGE = "charge"
    LOGISTICS = "logistics"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tax:
    """A category (whatever the tax says it is), a rate, and why there is no VAT, in words and by a code."""

    category: str = ""
    rate: Decimal | None = None
    reason: str = ""
    reason_code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendedLine:
    """One line. `status` is DETAIL, GROUP, INFORMATION or empty; `counted` those whose amount is in the totals.

    `has_vat`: one of its taxes says it is VAT and has a category; `writes_vat`: it says so in capitals.
    """

    identifier: str
    status: str = ""
    parent: str = ""
    counted: bool = True
    net: Decimal | None = None
    taxes: tuple[Tax, ...] = ()
    has_quantity: bool = True
    has_unit: bool = True
    has_price: bool = True
    has_vat: bool = True
    writes_vat: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendedCharge:
    """One allowance, charge or logistics service on the document."""

    kind: Kind
    amount: Decimal | None
    taxes: tuple[Tax, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One property of an item: whether it has a name and a value, and the code that stands for its name."""

    named: bool
    valued: bool
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extended:
    """One document. `terms`: a due date or payment terms are given; `faults`: rules that the document breaks by itself.

    `charge_reasons` are the codes of charges with the list they say they come from;
    `delivery_terms`, `price_reasons` the codes of what EN 16931 has no term for.
    """

    lines: tuple[ExtendedLine, ...]
    charges: tuple[ExtendedCharge, ...]
    attributes: tuple[Attribute, ...]
    terms: bool
    adjustments: Decimal = Decimal(0)
    faults: frozenset[str] = frozenset()
    charge_reasons: tuple[tuple[str, str | None], ...] = ()
    delivery_terms: tuple[str, ...] = ()
    price_reasons: tuple[str, ...] = ()


def presumed_extended(invoice: Invoice) -> Extended:
    """What the document that our writers would make of `invoice` says: no line inside a line, no logistics service."""
    return Extended(
        lines=tuple(
            ExtendedLine(
                identifier=line.identifier,
                net=line.net_amount,
                taxes=(Tax(category=line.vat.category, rate=line.vat.rate),),
                has_quantity=line.quantity is not None,
                has_unit=bool(line.unit),
                has_price=line.price.net is not None,
                has_vat=bool(line.vat.category),
            )
            for line in invoice.lines
        ),
        charges=tuple(_presumed_charges(invoice)),
        attributes=tuple(
            Attribute(named=bool(attribute.name), valued=bool(attribute.value))
            for line in invoice.lines
            for attribute in line.item.attributes
        ),
        terms=invoice.due_date is not None or bool(invoice.payment_terms),
        charge_reasons=tuple((charge.reason_code, None) for charge in invoice.charges if charge.reason_code),
    )


def _presumed_charges(invoice: Invoice) -> Iterator[ExtendedCharge]:
    for kind, values in ((Kind.ALLOWANCE, invoice.allowances), (Kind.CHARGE, invoice.charges)):
        for value in values:
            tax = Tax(category=value.vat_category, rate=value.vat_rate)
            yield ExtendedCharge(kind=kind, amount=value.amount, taxes=(tax,))
