"""EN 16931: the VAT breakdown (BG-23), the day VAT falls due and the invoicing period, whatever the category."""

from collections.abc import Iterator
from decimal import Decimal

from faitfoi.einvoice.model import Period, VatBreakdown
from faitfoi.einvoice.rules.case import Case, cents, in_cents, whole
from faitfoi.einvoice.rules.engine import Offence, rule
from faitfoi.einvoice.rules.marks import NOT_VAT, shown

_HUNDRED = Decimal(100)
_ONE = Decimal(1)


@rule("BR-29", "BT-74")
def period_runs_forward(case: Case) -> bool:
    """The invoicing period does not end (BT-74) before it starts (BT-73)."""
    period = case.invoice.period
    if "BR-29" in case.source.faults:
        return False
    return period is None or period.start is None or period.end is None or period.start <= period.end


@rule("BR-45", "BT-116")
def parts_have_a_taxable_amount(case: Case) -> Iterator[Offence]:
    """Each part of the VAT breakdown (BG-23) gives its taxable amount (BT-116)."""
    return (
        _offence(place, part, "taxable_amount")
        for place, part in enumerate(case.invoice.vat_breakdown)
        if not case.stated(part.taxable_amount, "BT-116")
    )


@rule("BR-46", "BT-117")
def parts_have_a_tax_amount(case: Case) -> Iterator[Offence]:
    """Each part of the VAT breakdown (BG-23) gives its tax amount (BT-117)."""
    return (
        _offence(place, part, "tax_amount")
        for place, part in enumerate(case.invoice.vat_breakdown)
        if not case.stated(part.tax_amount, "BT-117")
    )


@rule("BR-47", "BT-118")
def parts_have_a_category(case: Case) -> Iterator[Offence]:
    """Each part of the VAT breakdown (BG-23) gives its VAT category (BT-118)."""
    return (
        _offence(place, part, "category")
        for place, part in enumerate(case.invoice.vat_breakdown)
        if not case.code(part.category)
    )


@rule("BR-48", "BT-119")
def parts_have_a_rate(case: Case) -> Iterator[Offence]:
    """Each part of the VAT breakdown (BG-23) gives its rate (BT-119), unless it is outside the scope of VAT (O)."""
    for place, part in enumerate(case.invoice.vat_breakdown):
        rated = case.stated(part.rate, "BT-119") and not (case.ubl and part.category.startswith(NOT_VAT))
        if not rated and case.code(part.category) != "O":
            yield _offence(place, part, "rate")


@rule("BR-CO-03", "BT-7")
def tax_point_is_given_once(case: Case) -> bool:
    """The day VAT falls due is given as a date (BT-7) or by a code (BT-8), not both."""
    dated = case.stated(case.invoice.vat_point_date, "BT-7")
    return not (dated and case.invoice.vat_point_date_code)


@rule("BR-CO-17", "BT-117")
def tax_amounts_follow_from_rates(case: Case) -> Iterator[Offence]:
    """The tax of each part of the breakdown (BT-117) is its taxable amount times its rate (BT-116 x BT-119)."""
    for place, part in enumerate(case.invoice.vat_breakdown):
        if not _tax_follows(case, part):
            yield Offence(path=f"vat_breakdown[{place}].tax_amount", value=str(part.tax_amount or ""))


@rule("BR-CO-18", "BG-23")
def has_a_vat_breakdown(case: Case) -> bool:
    """The invoice breaks its VAT down into at least one part (BG-23)."""
    return bool(case.invoice.vat_breakdown) or "settlement" in case.source.missing


@rule("BR-CO-19", "BG-14")
def period_has_a_day(case: Case) -> bool:
    """An invoicing period (BG-14) has a first day (BT-73), a last day (BT-74), or both."""
    period = case.invoice.period
    if period != Period() or (case.ubl and case.invoice.vat_point_date_code):
        return True
    return bool(case.source.stated & {"BT-73", "BT-74"})


@rule("BR-DEC-19", "BT-116")
def taxable_amounts_in_cents(case: Case) -> Iterator[Offence]:
    """The taxable amounts of the VAT breakdown (BT-116) have at most two decimals."""
    for place, part in enumerate(case.invoice.vat_breakdown):
        if not in_cents(part.taxable_amount):
            yield Offence(path=f"vat_breakdown[{place}].taxable_amount", value=str(part.taxable_amount))


@rule("BR-DEC-20", "BT-117")
def tax_amounts_in_cents(case: Case) -> Iterator[Offence]:
    """The tax amounts of the VAT breakdown (BT-117) have at most two decimals."""
    for place, part in enumerate(case.invoice.vat_breakdown):
        if not in_cents(part.tax_amount):
            yield Offence(path=f"vat_breakdown[{place}].tax_amount", value=str(part.tax_amount))


def within_one(case: Case, part: VatBreakdown, rate: Decimal) -> bool:
    """Whether the tax differs from the taxable amount times `rate` by less than 1; the CII sheet allows 1 itself."""
    if part.taxable_amount is None or part.tax_amount is None:
        return False
    difference = abs(abs(part.tax_amount) - cents(abs(part.taxable_amount) * (rate / _HUNDRED)))
    return difference < _ONE if case.ubl else difference <= _ONE


def _tax_follows(case: Case, part: VatBreakdown) -> bool:
    # Not a percentage of nothing: the sheets then want no tax, within half a unit.
    rate = None if part.category.startswith(NOT_VAT) else part.rate
    if rate is not None and whole(rate) != 0:
        return within_one(case, part, rate)
    return part.tax_amount is not None and whole(part.tax_amount) == 0


def _offence(place: int, part: VatBreakdown, field: str) -> Offence:
    return Offence(path=f"vat_breakdown[{place}].{field}", value=shown(part.category))
