"""EN 16931: the totals of the document (BG-22) are given, and follow from its lines, allowances, charges and VAT."""

from collections.abc import Iterable
from decimal import Decimal
from itertools import chain

from faitfoi.einvoice.cii_values import RAM, RSM, UDT
from faitfoi.einvoice.model import DocumentAllowanceCharge
from faitfoi.einvoice.rules.case import ZERO, Case, cents, in_cents, total
from faitfoi.einvoice.rules.doubles import double_cents, double_sum, equal
from faitfoi.einvoice.rules.engine import rule
from faitfoi.einvoice.rules.facts import number_in


def _given(case: Case, amount: Decimal | None, term: str) -> bool:
    # Without any totals the sheets do not ask for each of them.
    return "totals" in case.source.missing or case.stated(amount, term)


@rule("BR-12", "BT-106")
def gives_the_sum_of_lines(case: Case) -> bool:
    """The totals give the sum of the lines' net amounts (BT-106)."""
    return _given(case, case.invoice.totals.line_net, "BT-106")


@rule("BR-13", "BT-109")
def gives_the_total_without_vat(case: Case) -> bool:
    """The totals give the amount without VAT (BT-109)."""
    return _given(case, case.invoice.totals.without_vat, "BT-109")


@rule("BR-14", "BT-112")
def gives_the_total_with_vat(case: Case) -> bool:
    """The totals give the amount with VAT (BT-112)."""
    return _given(case, case.invoice.totals.with_vat, "BT-112")


@rule("BR-15", "BT-115")
def gives_the_amount_due(case: Case) -> bool:
    """The totals give the amount due (BT-115)."""
    return _given(case, case.invoice.totals.due, "BT-115")


@rule("BR-CO-10", "BT-106")
def sum_of_line_net_amounts(case: Case) -> bool:
    """The lines' net amounts (BT-131) add up to the total given for them (BT-106)."""
    given = case.invoice.totals.line_net
    if "totals" in case.source.missing:
        return True
    if case.ubl:
        return given == cents(case.line_net_sum)
    # The CII sheet adds in binary floating point, which shows where lines have more than two decimals.
    return given == cents(Decimal(double_sum(line.net_amount for line in case.invoice.lines)))


@rule("BR-CO-11", "BT-107")
def sum_of_allowances(case: Case) -> bool:
    """The document's allowances (BT-92) add up to the total given for them (BT-107)."""
    given, allowances = case.invoice.totals.allowances, case.invoice.allowances
    if "totals" in case.source.missing or (given is None and not allowances):
        return True
    if given is None:
        return False
    if case.ubl:
        return given == cents(total(allowance.amount for allowance in allowances))
    return equal(given, double_cents(double_sum(_counted(case, "false", allowances))))


@rule("BR-CO-12", "BT-108")
def sum_of_charges(case: Case) -> bool:
    """The document's charges (BT-99) add up to the total given for them (BT-108)."""
    given, charges = case.invoice.totals.charges, case.invoice.charges
    if "totals" in case.source.missing or (given is None and not case.charges_proper):
        return True
    if given is None:
        return False
    if case.ubl:
        return given == cents(total(charge.amount for charge in charges))
    return double_cents(float(given)) == double_cents(double_cents(double_sum(_counted(case, "true", charges))))


@rule("BR-CO-13", "BT-109")
def total_without_vat(case: Case) -> bool:
    """The total without VAT (BT-109) is the lines' total less allowances plus charges (BT-106 - BT-107 + BT-108)."""
    totals = case.invoice.totals
    if "totals" in case.source.missing:
        return True
    if totals.without_vat is None or totals.line_net is None:
        return False
    if case.ubl and totals.allowances is None and totals.charges is None:
        return totals.without_vat == totals.line_net
    return totals.without_vat == cents(totals.line_net - (totals.allowances or ZERO) + (totals.charges or ZERO))


@rule("BR-CO-14", "BT-110")
def total_vat(case: Case) -> bool:
    """The VAT amounts of the breakdown (BT-117) add up to the total of VAT (BT-110)."""
    if case.ubl:
        # A total without parts, as the one in the accounting currency, has nothing to add up.
        given = (each for each in case.source.vat_totals if each.parts is not None)
        return all(each.amount == cents(total(each.parts or ())) for each in given)
    expected = double_cents(double_sum(part.tax_amount for part in case.invoice.vat_breakdown))
    return all(equal(each.amount, expected) for each in case.source.vat_totals if each.currency == case.source.currency)


@rule("BR-CO-15", "BT-112")
def total_with_vat(case: Case) -> bool:
    """The total with VAT (BT-112) is the total without it plus the VAT given once (BT-109 + BT-110)."""
    totals, currency = case.invoice.totals, case.source.currency
    if not case.invoice.currency or (not case.ubl and "totals" in case.source.missing):
        return True
    if totals.with_vat is None or totals.without_vat is None:
        return False
    if not case.ubl and totals.with_vat == totals.without_vat:
        return True
    if case.vat_currencies[currency] != 1:
        return False
    vat = next(each.amount for each in case.source.vat_totals if each.currency == currency)
    return vat is not None and totals.with_vat == cents(totals.without_vat + vat)


@rule("BR-CO-16", "BT-115")
def amount_due(case: Case) -> bool:
    """The amount due (BT-115) is the total with VAT less what was paid plus the rounding (BT-112 - BT-113 + BT-114)."""
    totals = case.invoice.totals
    if "totals" in case.source.missing:
        return True
    if totals.due is None or totals.with_vat is None:
        return False
    if not case.ubl:
        return totals.due == totals.with_vat - (totals.paid or ZERO) + (totals.rounding or ZERO)
    to_pay = totals.with_vat if totals.paid is None else cents(totals.with_vat - totals.paid)
    due = totals.due if totals.rounding is None else cents(totals.due - totals.rounding)
    return due == to_pay


@rule("BR-DEC-09", "BT-106")
def sum_of_linesin_cents(case: Case) -> bool:
    """The sum of the lines' net amounts (BT-106) has at most two decimals."""
    return in_cents(case.invoice.totals.line_net)


@rule("BR-DEC-10", "BT-107")
def sum_of_allowancesin_cents(case: Case) -> bool:
    """The total of the document's allowances (BT-107) has at most two decimals."""
    return in_cents(case.invoice.totals.allowances)


@rule("BR-DEC-11", "BT-108")
def sum_of_chargesin_cents(case: Case) -> bool:
    """The total of the document's charges (BT-108) has at most two decimals."""
    return in_cents(case.invoice.totals.charges)


@rule("BR-DEC-12", "BT-109")
def total_without_vatin_cents(case: Case) -> bool:
    """The total without VAT (BT-109) has at most two decimals."""
    return in_cents(case.invoice.totals.without_vat)


@rule("BR-DEC-13", "BT-110")
def total_vatin_cents(case: Case) -> bool:
    """The total of VAT (BT-110) is in whole cents."""
    # The UBL sheet compares the currency with an element that is never there, so that nothing breaks its rule.
    if case.ubl or not case.source.vat_totals:
        return True
    return any(each.currency != case.source.currency or _whole_cents(each.amount) for each in case.source.vat_totals)


@rule("BR-DEC-14", "BT-112")
def total_with_vatin_cents(case: Case) -> bool:
    """The total with VAT (BT-112) has at most two decimals."""
    return in_cents(case.invoice.totals.with_vat)


@rule("BR-DEC-15", "BT-111")
def total_vat_in_accounting_currencyin_cents(case: Case) -> bool:
    """The total of VAT in the accounting currency (BT-111) is in whole cents."""
    named, totals = case.source.vat_currencies, case.source.vat_totals
    if case.ubl or not totals or not named:
        return True
    return any(each.currency in named and _whole_cents(each.amount) for each in totals)


@rule("BR-DEC-16", "BT-113")
def paid_amountin_cents(case: Case) -> bool:
    """The amount already paid (BT-113) has at most two decimals."""
    return in_cents(case.invoice.totals.paid)


@rule("BR-DEC-17", "BT-114")
def roundingin_cents(case: Case) -> bool:
    """The rounding (BT-114) has at most two decimals."""
    return in_cents(case.invoice.totals.rounding)


@rule("BR-DEC-18", "BT-115")
def amount_duein_cents(case: Case) -> bool:
    """The amount due (BT-115) has at most two decimals."""
    return in_cents(case.invoice.totals.due)


def _whole_cents(amount: Decimal | None) -> bool:
    return amount is not None and amount == cents(amount)


def _counted(case: Case, indicator: str, values: tuple[DocumentAllowanceCharge, ...]) -> Iterable[Decimal | None]:
    """The amounts that the sheets for CII add up: those of an indicator in words, whatever 0 and 1 mean elsewhere."""
    if not case.source.odd_indicators or case.source.root is None:
        return (value.amount for value in values)
    services = values[len(values) - case.source.services :] if indicator == "true" and case.source.services else ()
    groups = case.source.root.iterfind(
        f"{RSM}SupplyChainTradeTransaction/{RAM}ApplicableHeaderTradeSettlement/{RAM}SpecifiedTradeAllowanceCharge"
    )
    named = (group for group in groups if group.findtext(f"{RAM}ChargeIndicator/{UDT}Indicator") == indicator)
    return chain(
        (number_in(group.find(RAM + "ActualAmount")) for group in named), (service.amount for service in services)
    )
