"""The arithmetic of an invoice, as EN 16931 defines it: line, document, VAT and what is due.

Rounded half up to the cent, once per amount that is written (BR-DEC-…).
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from faitfoi.einvoice.model import DocumentAllowanceCharge, InvoiceLine, LineAllowanceCharge, Totals, VatBreakdown

ZERO = Decimal("0.00")
CENT = Decimal("0.01")


def cents(amount: Decimal) -> Decimal:
    """Round to the cent, half up."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def share(base: Decimal, percentage: Decimal | int) -> Decimal:
    """So many percent of an amount, to the cent."""
    return cents(base * Decimal(percentage) / 100)


def line_net(quantity: Decimal, price: Decimal, allowances: Iterable[LineAllowanceCharge]) -> Decimal:
    """Net amount of a line (BT-131) from its quantity, net price and allowances."""
    return cents(quantity * price) - added(one.amount for one in allowances)


def breakdown(
    lines: Sequence[InvoiceLine],
    allowances: Sequence[DocumentAllowanceCharge],
    charges: Sequence[DocumentAllowanceCharge],
    *,
    reasons: Mapping[str, Mapping[str, Any]],
) -> tuple[VatBreakdown, ...]:
    """VAT per category and rate (BG-23), highest rate first; `reasons` gives why a category has no VAT."""
    bases: dict[tuple[str, Decimal], Decimal] = {}
    for category, rate, amount in (
        *((line.vat.category, line.vat.rate, line.net_amount) for line in lines),
        *((one.vat_category, one.vat_rate, -(one.amount or ZERO)) for one in allowances),
        *((one.vat_category, one.vat_rate, one.amount) for one in charges),
    ):
        key = (category, Decimal(0) if rate is None else rate)
        bases[key] = bases.get(key, ZERO) + (amount or ZERO)
    return tuple(
        VatBreakdown(
            taxable_amount=base,
            tax_amount=share(base, rate),
            category=category,
            rate=rate,
            exemption_reason=reasons[category].get("reason", ""),
            exemption_reason_code=reasons[category].get("code", ""),
        )
        for (category, rate), base in sorted(bases.items(), key=lambda item: (-item[0][1], item[0][0]))
    )


def totals(
    lines: Sequence[InvoiceLine],
    allowances: Sequence[DocumentAllowanceCharge],
    charges: Sequence[DocumentAllowanceCharge],
    parts: Sequence[VatBreakdown],
    *,
    paid: Decimal | str | None,
) -> Totals:
    """The document's totals (BG-22); `paid` is an amount, "all", or None."""
    net = added(line.net_amount for line in lines)
    less = added(one.amount for one in allowances)
    more = added(one.amount for one in charges)
    vat = added(part.tax_amount for part in parts)
    whole = net - less + more + vat
    already = whole if paid == "all" else Decimal(paid or 0)
    return Totals(
        line_net=net,
        allowances=less if allowances else None,
        charges=more if charges else None,
        without_vat=net - less + more,
        vat=vat,
        with_vat=whole,
        paid=already if paid else None,
        due=whole - already,
    )


def added(amounts: Iterable[Decimal | None]) -> Decimal:
    """Sum of amounts, an absent one counting for nothing."""
    return sum((amount for amount in amounts if amount is not None), ZERO)
