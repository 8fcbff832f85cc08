"""The extended profiles: totals follow from what they add up, within one cent for each amount added."""

from decimal import Decimal

from faitfoi.einvoice.rules.case import ZERO, Case, cents, total
from faitfoi.einvoice.rules.doubles import double_cents, double_sum
from faitfoi.einvoice.rules.engine import rule
from faitfoi.einvoice.rules.extended import Kind
from faitfoi.einvoice.rules.extended_rule import both_profiles

_CENT = Decimal("0.01")


def _sum(case: Case, *kinds: Kind) -> Decimal:
    """What the document's amounts of these kinds add up to, each kind rounded by itself."""
    amounts = {kind: [each.amount for each in case.extended.charges if each.kind is kind] for kind in kinds}
    if case.ubl:
        # The UBL sheet adds in binary floating point, and only then goes back to decimals.
        return sum((Decimal(double_cents(double_sum(each))) for each in amounts.values()), ZERO)
    return sum((cents(total(each)) for each in amounts.values()), ZERO)


def _count(case: Case, *kinds: Kind) -> int:
    return sum(each.kind in kinds for each in case.extended.charges)


def _within(case: Case, difference: Decimal, amounts: int) -> bool:
    # The UBL sheet rounds the difference before it looks at it.
    return (cents(abs(difference)) if case.ubl else abs(difference)) <= amounts * _CENT


def _no_totals(case: Case) -> bool:
    return "totals" in case.source.missing


@both_profiles("CO-10", "BT-106")
def sum_of_lines(case: Case) -> bool:
    """The net amounts of the lines in the totals (BT-131) add up to their total (BT-106), within one cent a line."""
    given, lines = case.invoice.totals.line_net, case.extended.lines
    if _no_totals(case) or given is None:
        return _no_totals(case)
    counted = sum(line.net is not None for line in lines if line.counted) if case.ubl else len(lines)
    return _within(case, given - cents(total(line.net for line in lines if line.counted)), counted)


@both_profiles("CO-11", "BT-107")
def sum_of_allowances(case: Case) -> bool:
    """The document's allowances (BT-92) add up to their total (BT-107), within one cent each."""
    given, allowances = case.invoice.totals.allowances, _count(case, Kind.ALLOWANCE)
    if _no_totals(case) or (given is None and not allowances):
        return True
    return given is not None and abs(given - _sum(case, Kind.ALLOWANCE)) <= allowances * _CENT


@both_profiles("CO-12", "BT-108")
def sum_of_charges(case: Case) -> bool:
    """The document's charges (BT-99), logistics included, add up to their total (BT-108), within one cent each."""
    given = case.invoice.totals.charges
    if _no_totals(case) or (given is None and not _count(case, Kind.CHARGE)):
        return True
    amounts = _count(case, Kind.CHARGE, Kind.LOGISTICS)
    return given is not None and abs(given - _sum(case, Kind.CHARGE, Kind.LOGISTICS)) <= amounts * _CENT


def _amounts(case: Case) -> int:
    lines = case.extended.lines
    counted = sum(line.counted and (not case.ubl or line.net is not None) for line in lines)
    return counted + len(case.extended.charges)


@both_profiles("CO-13", "BT-109")
def total_without_vat(case: Case) -> bool:
    """The total without VAT (BT-109) is lines less allowances plus charges, within one cent for each of them."""
    given = case.invoice.totals.without_vat
    if _no_totals(case) or given is None:
        return _no_totals(case)
    lines = cents(total(line.net for line in case.extended.lines if line.counted))
    difference = given - lines + _sum(case, Kind.ALLOWANCE) - _sum(case, Kind.CHARGE, Kind.LOGISTICS)
    return _within(case, difference, _amounts(case))


@both_profiles("CO-15", "BT-112")
def total_with_vat(case: Case) -> bool:
    """The total with VAT (BT-112) is the total without it plus the VAT (BT-109 + BT-110), within one cent an amount."""
    totals, currency = case.invoice.totals, case.source.currency
    if _no_totals(case):
        return True
    given = [each.amount for each in case.source.vat_totals if each.currency == currency]
    if case.ubl and not given:
        return True
    if not given or given[0] is None or totals.with_vat is None or totals.without_vat is None:
        return False
    if not case.ubl and len(given) != 1:
        return totals.without_vat == totals.with_vat
    return abs(totals.with_vat - given[0] - totals.without_vat) <= _amounts(case) * _CENT


@rule("BR-FXEXT-CO-16", "BT-115", source="Factur-X EXTENDED")
def amount_due(case: Case) -> bool:
    """The amount due (BT-115) is the total with VAT less what was paid, plus rounding and financial adjustments."""
    totals = case.invoice.totals
    if _no_totals(case) or totals.due is None:
        return _no_totals(case)
    adjusted = (totals.rounding or ZERO) + case.extended.adjustments
    return totals.due == (totals.with_vat or ZERO) - (totals.paid or ZERO) + adjusted


@rule("BR-CO-25", "BT-9", source="Factur-X EXTENDED, EXTENDED-CTC-FR")
def what_is_due_says_when(case: Case) -> bool:
    """When there is something to pay (BT-115), a due date (BT-9) or payment terms (BT-20) say when."""
    due = case.invoice.totals.due
    # The UBL sheet only asks it of an invoice.
    if due is None or due <= 0 or (case.ubl and case.invoice.is_credit_note):
        return True
    return case.extended.terms
