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


def complete(invoice: Invoice, *, exchange_rate: Decimal | None = None) -> Invoice:
    """The same invoice with every amount that follows from the others, where it states none.

    Computes: net price from gross and discount (BT-146), allowances and charges given as a percentage, line net
    amounts (BT-131), the VAT breakdown (BG-23) by category and rate, and the totals (BG-22) except BT-113 and BT-114,
    which are facts. BT-111 needs `exchange_rate`: what one unit of the invoice's currency (BT-5) is worth in that of
    VAT accounting (BT-6); when it is not given, the rate of BG-X-41 serves. Lines that are groups or information
    (BT-X-8) do not count in the sums; a group that states no amount gets that of the lines right inside it.
    """
    with localcontext(Context(prec=_PRECISION, rounding=ROUND_HALF_UP)):
        lines = _grouped(tuple(_complete_line(line) for line in invoice.lines))
        line_net = _given(invoice.totals.line_net, _sum(line.net_amount for line in lines if _counts(line)))
        allowances = tuple(_complete_document_amount(value, line_net) for value in invoice.allowances)
        charges = tuple(_complete_document_amount(value, line_net) for value in invoice.charges)
        computed = dataclasses.replace(invoice, lines=lines, allowances=allowances, charges=charges)
        breakdown = _breakdown(computed)
        totals = _totals(computed, breakdown=breakdown, line_net=line_net)
        rate = exchange_rate if exchange_rate is not None else _rate_of(invoice)
        if totals.vat_in_accounting_currency is None and invoice.vat_currency and rate is not None:
            totals = dataclasses.replace(totals, vat_in_accounting_currency=cents((totals.vat or _ZERO) * rate))
        return dataclasses.replace(computed, vat_breakdown=breakdown, totals=totals)


def line_gross_amount(line: InvoiceLine) -> Decimal:
    """Quantity times net price for its base quantity, before the line's allowances and charges, not rounded."""
    net = line.price.net
    if net is None or line.quantity is None:
        return Decimal(0)
    base = line.price.base_quantity or Decimal(1)
    with localcontext(Context(prec=_PRECISION)):
        return line.quantity * net / base


def _rate_of(invoice: Invoice) -> Decimal | None:
    """The rate of exchange that the invoice states between its two currencies (BG-X-41)."""
    exchange = invoice.extended.currency_exchange if invoice.extended is not None else None
    if exchange is None or (exchange.source, exchange.target) != (invoice.currency, invoice.vat_currency):
        return None
    return exchange.rate


def _counts(line: InvoiceLine) -> bool:
    """Whether a line is in the totals: all of them in EN 16931, only those of detail where lines have a subtype."""
    return line.extended is None or line.extended.subtype in {"", "DETAIL"}


def _grouped(lines: tuple[InvoiceLine, ...]) -> tuple[InvoiceLine, ...]:
    """The lines with the amount of each group that states none: what the lines right inside it add up to."""
    inside: dict[str, list[InvoiceLine]] = {}
    done: list[InvoiceLine] = []
    for given in reversed(lines):  # a group stands before its lines, a group inside it too
        more, line = given.extended, given
        if more is not None and more.subtype == "GROUP" and given.net_amount is None:
            children = inside.get(given.identifier, ())
            line = dataclasses.replace(given, net_amount=_sum(each.net_amount for each in children))
        if more is not None and more.parent_line and more.subtype != "INFORMATION":
            inside.setdefault(more.parent_line, []).append(line)
        done.append(line)
    return tuple(reversed(done))


def _complete_line(line: InvoiceLine) -> InvoiceLine:
    price = line.price
    if price.net is None and price.gross is not None:
        price = dataclasses.replace(price, net=price.gross - (price.discount or 0))
        line = dataclasses.replace(line, price=price)
    gross = line_gross_amount(line)
    allowances = tuple(_complete_line_amount(value, gross) for value in line.allowances)
    charges = tuple(_complete_line_amount(value, gross) for value in line.charges)
    net = line.net_amount
    if net is None and not (line.extended is not None and line.extended.subtype == "GROUP"):
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
    for line in filter(_counts, invoice.lines):
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
