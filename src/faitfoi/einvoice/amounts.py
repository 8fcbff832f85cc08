"""The sums of EN 16931: line net amounts, VAT breakdown, totals, rounded half up to two decimals where the norm does.

Nothing that an invoice already states is changed: only what is None is computed.
Source: EN 16931-1, BR-CO-04 to BR-CO-17, BR-DEC rules; annex on rounding.
"""

import dataclasses
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext

from faitfoi.einvoice.model import (
    DocumentAllowanceCharge,
    Invoice,
    InvoiceLine,
    LineAllowanceCharge,
    Totals,
    VatBreakdown,
)

_CENT = Decimal("0.01")
_ZERO = Decimal("0.00")
_PRECISION = 80  # inputs are bounded to 80 digits, so sums of them stay exact


def cents(amount: Decimal) -> Decimal:
    """`amount` rounded half up, away from zero, to two decimals."""
    with localcontext(Context(prec=_PRECISION)):
        return amount.quantize(_CENT, rounding=ROUND_HALF_UP)


def complete(invoice: Invoice) -> Invoice:
    """The same invoice with every amount that follows from the others, where it states none.

    Computes: net price from gross and discount (BT-146), allowances and charges given as a percentage, line net
    amounts (BT-131), the VAT breakdown (BG-23) by category and rate, and the totals (BG-22) except BT-111, which
    needs a rate of exchange, and BT-113 and BT-114, which are facts.
    """
    with localcontext(Context(prec=_PRECISION, rounding=ROUND_HALF_UP)):
        lines = tuple(_complete_line(line) for line in invoice.lines)
        line_net = _given(invoice.totals.line_net, _sum(line.net_amount for line in lines))
        allowances = tuple(_complete_document_amount(value, line_net) for value in invoice.allowances)
        charges = tuple(_complete_document_amount(value, line_net) for value in invoice.charges)
        computed = dataclasses.replace(invoice, lines=lines, allowances=allowances, charges=charges)
        breakdown = _breakdown(computed)
        return dataclasses.replace(
            computed, vat_breakdown=breakdown, totals=_totals(computed, breakdown=breakdown, line_net=line_net)
        )


def line_gross_amount(line: InvoiceLine) -> Decimal:
    """Quantity times net price for its base quantity, before the line's allowances and charges, not rounded."""
    net = line.price.net
    if net is None or line.quantity is None:
        return Decimal(0)
    base = line.price.base_quantity or Decimal(1)
    with localcontext(Context(prec=_PRECISION)):
        return line.quantity * net / base


def _complete_line(line: InvoiceLine) -> InvoiceLine:
    price = line.price
    if price.net is None and price.gross is not None:
        price = dataclasses.replace(price, net=price.gross - (price.discount or 0))
        line = dataclasses.replace(line, price=price)
    gross = line_gross_amount(line)
    allowances = tuple(_complete_line_amount(value, gross) for value in line.allowances)
    charges = tuple(_complete_line_amount(value, gross) for value in line.charges)
    net = line.net_amount
    if net is None:
        net = cents(gross - _sum(value.amount for value in allowances) + _sum(value.amount for value in charges))
    return dataclasses.replace(line, allowances=allowances, charges=charges, net_amount=net)


def _complete_line_amount(value: LineAllowanceCharge, base: Decimal) -> LineAllowanceCharge:
    if value.amount is not None or value.percentage is None:
        return value
    base_amount = cents(base) if value.base_amount is None else value.base_amount
    return dataclasses.replace(value, base_amount=base_amount, amount=cents(base_amount * value.percentage / 100))


def _complete_document_amount(value: DocumentAllowanceCharge, base: Decimal) -> DocumentAllowanceCharge:
    if value.amount is not None or value.percentage is None:
        return value
    base_amount = base if value.base_amount is None else value.base_amount
    return dataclasses.replace(value, base_amount=base_amount, amount=cents(base_amount * value.percentage / 100))


def _breakdown(invoice: Invoice) -> tuple[VatBreakdown, ...]:
    """The parts that are given, completed, in their order, then one for each other category and rate in use."""
    bases: dict[tuple[str, Decimal | None], Decimal] = {}
    for line in invoice.lines:
        _add(bases, line.vat.category, line.vat.rate, line.net_amount)
    for allowance in invoice.allowances:
        _add(bases, allowance.vat_category, allowance.vat_rate, -(allowance.amount or _ZERO))
    for charge in invoice.charges:
        _add(bases, charge.vat_category, charge.vat_rate, charge.amount)
    parts = [_complete_part(part, bases.pop((part.category, part.rate), _ZERO)) for part in invoice.vat_breakdown]
    for (category, rate), base in bases.items():
        part = VatBreakdown(taxable_amount=None, tax_amount=None, category=category, rate=rate)
        parts.append(_complete_part(part, base))
    return tuple(parts)


def _add(
    bases: dict[tuple[str, Decimal | None], Decimal], category: str, rate: Decimal | None, amount: Decimal | None
) -> None:
    if category:
        bases[category, rate] = bases.get((category, rate), _ZERO) + (amount or _ZERO)


def _complete_part(part: VatBreakdown, base: Decimal) -> VatBreakdown:
    taxable = _given(part.taxable_amount, cents(base))
    return dataclasses.replace(
        part,
        taxable_amount=taxable,
        tax_amount=_given(part.tax_amount, cents(taxable * (part.rate or Decimal(0)) / 100)),
    )


def _totals(invoice: Invoice, *, breakdown: tuple[VatBreakdown, ...], line_net: Decimal) -> Totals:
    given = invoice.totals
    allowances, charges = given.allowances, given.charges
    if allowances is None and invoice.allowances:
        allowances = _sum(value.amount for value in invoice.allowances)
    if charges is None and invoice.charges:
        charges = _sum(value.amount for value in invoice.charges)
    without_vat = _given(given.without_vat, line_net - (allowances or _ZERO) + (charges or _ZERO))
    vat = _given(given.vat, _sum(part.tax_amount for part in breakdown))
    with_vat = _given(given.with_vat, without_vat + vat)
    due = _given(given.due, with_vat - (given.paid or _ZERO) + (given.rounding or _ZERO))
    return dataclasses.replace(
        given,
        line_net=line_net,
        allowances=allowances,
        charges=charges,
        without_vat=without_vat,
        vat=vat,
        with_vat=with_vat,
        due=due,
    )


def _given(stated: Decimal | None, computed: Decimal) -> Decimal:
    return computed if stated is None else stated


def _sum(amounts: Iterable[Decimal | None]) -> Decimal:
    return sum((amount for amount in amounts if amount is not None), _ZERO)
