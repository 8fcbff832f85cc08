"""The extended profiles: each VAT category's part of the breakdown, by rate and reason, within one cent an amount.

Demand 08 is made three times: a warning when the sums by category and rate differ (`ini`), a warning when those that
also look at the exemption reason differ (`rev`), and an error when both do.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from faitfoi.einvoice.findings import Severity
from faitfoi.einvoice.model import VatBreakdown
from faitfoi.einvoice.rules.case import Case, cents, total
from faitfoi.einvoice.rules.doubles import double_cents, double_sum
from faitfoi.einvoice.rules.engine import Offence, Verdict, rule
from faitfoi.einvoice.rules.extended import Kind, Tax
from faitfoi.einvoice.rules.extended_rule import both_profiles
from faitfoi.einvoice.rules.marks import shown
from faitfoi.einvoice.rules.sheets import Sheet

_CENT = Decimal("0.01")
_HUNDRED = Decimal(100)
_PREFIXES = {"S": "S", "Z": "Z", "E": "E", "AE": "AE", "K": "IC", "G": "G", "O": "O", "L": "AF", "M": "AG"}

_Fits: TypeAlias = Callable[[Tax], bool]


@dataclass(frozen=True, slots=True)
class _Added:
    """What fits one part of the breakdown: the sums of lines, allowances and charges, and how many amounts they are."""

    lines: list[Decimal | None]
    allowances: list[Decimal | None]
    charges: list[Decimal | None]
    services: list[Decimal | None]

    def count(self, *, ubl: bool) -> int:
        """How many amounts were added; UBL does not count what has none."""
        amounts = (*self.lines, *self.allowances, *self.charges, *self.services)
        return sum(amount is not None for amount in amounts) if ubl else len(amounts)

    def is_about(self, taxable: Decimal, *, ubl: bool) -> bool:
        """Whether it is `taxable`, within one cent for each amount added."""
        tolerance = self.count(ubl=ubl) * _CENT
        if ubl:
            # The UBL sheet adds in binary floating point.
            rounded = [double_cents(double_sum(each)) for each in (self.lines, self.allowances, self.charges)]
            return abs(float(taxable) - rounded[0] + rounded[1] - rounded[2]) <= float(tolerance)
        added = cents(total(self.lines)) - cents(total(self.allowances))
        added += cents(total(self.charges)) + cents(total(self.services))
        return abs(taxable - added) <= tolerance


def _added(case: Case, fits: _Fits) -> _Added:
    def of(kind: Kind) -> list[Decimal | None]:
        return [each.amount for each in case.extended.charges if each.kind is kind and any(map(fits, each.taxes))]

    return _Added(
        lines=[line.net for line in case.extended.lines if line.counted and any(map(fits, line.taxes))],
        allowances=of(Kind.ALLOWANCE),
        charges=of(Kind.CHARGE),
        services=of(Kind.LOGISTICS),
    )


def _fits(part: VatBreakdown, code: str, *, with_reason: bool) -> _Fits:
    reason, reason_code = (
        " ".join(shown(text).split()) for text in (part.exemption_reason, part.exemption_reason_code)
    )

    def fits(tax: Tax) -> bool:
        if tax.category != code or (code != "O" and (tax.rate is None or tax.rate != part.rate)):
            return False
        return not with_reason or (tax.reason, tax.reason_code) == (reason, reason_code)

    return fits


def _is_sum(case: Case, part: VatBreakdown, code: str, *, with_reason: bool) -> bool:
    added = _added(case, _fits(part, code, with_reason=with_reason))
    return part.taxable_amount is not None and added.is_about(part.taxable_amount, ubl=case.ubl)


def _ini(case: Case, part: VatBreakdown, code: str) -> bool:
    return _judged(case, part, code) and _is_sum(case, part, code, with_reason=False)


def _rev(case: Case, part: VatBreakdown, code: str) -> bool:
    return _judged(case, part, code) and _is_sum(case, part, code, with_reason=True)


def _either(case: Case, part: VatBreakdown, code: str) -> bool:
    return _ini(case, part, code) or _rev(case, part, code)


def _judged(case: Case, part: VatBreakdown, code: str) -> bool:
    # The EXTENDED sheet has no verdict without a rate, which counts as a failure; the French ones then find no sums.
    return code == "O" or part.rate is not None or case.sheet is not Sheet.EXTENDED


def _tax_is_right(case: Case, part: VatBreakdown, code: str) -> bool:
    if part.rate is None or part.taxable_amount is None or part.tax_amount is None:
        return False
    difference = abs(part.tax_amount - cents(part.taxable_amount * part.rate / _HUNDRED))
    choices = (True,) if case.ubl else (True, False)
    return any(
        difference <= _added(case, _fits(part, code, with_reason=with_reason)).count(ubl=case.ubl) * _CENT
        for with_reason in choices
    )


def _wrong(case: Case, code: str, holds: Callable[[Case, VatBreakdown, str], bool]) -> Iterator[Offence]:
    for place, part in enumerate(case.invoice.vat_breakdown):
        if part.category == code and not holds(case, part, code):
            value = "" if part.taxable_amount is None else str(part.taxable_amount)
            yield Offence(path=f"vat_breakdown[{place}].taxable_amount", value=value)


def _write(code: str) -> None:
    prefix = _PREFIXES[code]

    @both_profiles(
        f"{prefix}-01",
        "BT-118",
        sentence=f"The VAT breakdown (BG-23) has a part for category {code} when, and only when, a line in the totals, "
        "an allowance or a charge is of that category.",
    )
    def breakdown(case: Case) -> bool:
        parts = any(_raw(part.category) == code for part in case.invoice.vat_breakdown)
        used = any(tax.category == code for line in case.extended.lines if line.counted for tax in line.taxes)
        kinds = set(Kind) if case.sheet is Sheet.EXTENDED else {Kind.ALLOWANCE, Kind.CHARGE}
        used = used or any(
            tax.category == code for each in case.extended.charges if each.kind in kinds for tax in each.taxes
        )
        return parts == used

    same = f"The taxable amount of category {code} (BT-116) is what its lines, charges and allowances add up to"
    for ids, severity, holds, sentence in (
        (
            (f"BR-FXEXT-{prefix}-08ini", f"BR-FREXT-{prefix}-08ini"),
            Severity.WARNING,
            _ini,
            f"{same}, whatever the exemption reason, within one cent an amount.",
        ),
        (
            (f"BR-FXEXT-{prefix}-08rev", f"BR-FREXT-{prefix}-08rev"),
            Severity.WARNING,
            _rev,
            f"{same} for its exemption reason, within one cent an amount.",
        ),
        (
            (
                "BR-FXEXT-S08b" if code == "S" else f"BR-FXEXT-{prefix}-08b",
                f"BR-FXEXT-{prefix}-08",
                f"BR-FREXT-{prefix}-08",
            ),
            Severity.FATAL,
            _either,
            f"{same}, with or without regard to the exemption reason, within one cent an amount.",
        ),
    ):
        _write_sum(code, ids, severity, holds, sentence)


def _write_sum(
    code: str,
    ids: tuple[str, ...],
    severity: Severity,
    holds: Callable[[Case, VatBreakdown, str], bool],
    sentence: str,
) -> None:
    for rule_id in ids:

        @rule(rule_id, "BT-116", severity=severity, source="Factur-X EXTENDED, EXTENDED-CTC-FR", sentence=sentence)
        def sums(case: Case) -> Verdict:
            return _wrong(case, code, holds)


def _raw(category: str) -> str:
    return shown(category)


for _code in _PREFIXES:
    _write(_code)

for _rule_id in ("BR-FXEXT-S-09b", "BR-FXEXT-S-09", "BR-FREXT-S-09"):

    @rule(_rule_id, "BT-117", source="Factur-X EXTENDED, EXTENDED-CTC-FR")
    def standard_tax(case: Case) -> Verdict:
        """The tax of standard rate (BT-117) is its taxable amount times its rate, within one cent for each amount."""
        return _wrong(case, "S", _tax_is_right)
