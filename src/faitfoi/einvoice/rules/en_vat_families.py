"""EN 16931: what each VAT category demands (BR-S, BR-Z, BR-E, BR-AE, BR-IC, BR-G, BR-O, BR-AF, BR-AG, BR-B).

The ten demands are the same for every category, under an id of its own: `BR-S-05` is demand 05 for category S. What
differs between categories is in `_Family`, what differs between the syntaxes is said where it is.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from faitfoi.einvoice.model import DocumentAllowanceCharge, InvoiceLine, VatBreakdown
from faitfoi.einvoice.rules.case import ZERO, Case, cents
from faitfoi.einvoice.rules.doubles import at_least_zero, double_round, equal
from faitfoi.einvoice.rules.en_vat import within_one
from faitfoi.einvoice.rules.engine import Offence, Verdict, rule
from faitfoi.einvoice.rules.marks import NOT_VAT

_ONE = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Family:
    """One category of UNTDID 5305. `rated`: it has a rate of its own; `exempt`: no VAT, and a reason must say why."""

    code: str
    prefix: str
    name: str
    rated: bool = False
    exempt: bool = False


_FAMILIES = (
    _Family(code="S", prefix="BR-S", name="standard rate (S)", rated=True),
    _Family(code="Z", prefix="BR-Z", name="zero rate (Z)"),
    _Family(code="E", prefix="BR-E", name="exempt (E)", exempt=True),
    _Family(code="AE", prefix="BR-AE", name="reverse charge (AE)", exempt=True),
    _Family(code="K", prefix="BR-IC", name="intra-community supply (K)", exempt=True),
    _Family(code="G", prefix="BR-G", name="export (G)", exempt=True),
    _Family(code="O", prefix="BR-O", name="outside the scope of VAT (O)", exempt=True),
    _Family(code="L", prefix="BR-AF", name="Canary Islands tax (L)", rated=True),
    _Family(code="M", prefix="BR-AG", name="Ceuta and Melilla tax (M)", rated=True),
)


def _breakdown(case: Case, family: _Family) -> bool:
    """Demand 01: a category in use has its part in the breakdown."""
    code = family.code
    parts = len(case.parts_by_code.get(code, ()))
    lines = len(case.lines_by_code.get(code, ()))
    others = len(case.allowances_by_code.get(code, ())) + len(case.charges_by_code.get(code, ()))
    if family.rated:
        if case.ubl and code == "S":
            # Of all its rules, this is the one where the UBL sheet does not ask whether the tax is VAT.
            parts = sum(part.category.lstrip(NOT_VAT) == code for part in case.invoice.vat_breakdown)
            return (case.raw_codes[code] > 0) == (parts > 0)
        if case.ubl:
            return (lines + others > 0 or code in case.source.inner_codes) == (parts > 0)
        # The CII sheet counts lines and parts together, so that two lines do for a missing part.
        return (not lines or lines + parts >= 2) and (not others or others + parts >= 2)
    if case.ubl:
        return parts == 1 if parts or lines or others or code in case.source.inner_codes else True
    if parts == 0:
        return code == "O" or not (lines or others)
    return parts == 1 and bool(lines or others)


def _identified(case: Case, family: _Family) -> bool:
    """Demands 02 to 04: who must be registered for VAT when the category is used."""
    buyer = case.invoice.buyer
    match family.code:
        case "O":
            return not case.seller_has_vat and not buyer.vat_identifier
        case "G":
            return case.seller_has_vat
        case "K":
            return case.seller_has_vat and bool(buyer.vat_identifier)
        case "AE":
            return case.seller_is_registered and bool(buyer.vat_identifier or buyer.legal_registration)
        case _:
            return case.seller_is_registered


def _rate_holds(case: Case, family: _Family, rate: Decimal | None, term: str) -> bool:
    """Demands 05 to 07: the rate that goes with the category."""
    if family.code == "O":
        return not case.stated(rate, term)
    if rate is None:
        return False
    match family.code:
        case "S":
            return rate > ZERO
        case "L":
            # Zero is a rate for the UBL sheet, not for the CII sheet.
            return at_least_zero(rate) if case.ubl else rate > ZERO
        case "M":
            return at_least_zero(rate)
        case _:
            return rate == ZERO if case.ubl else equal(rate, 0.0)


def _taxable_holds(case: Case, family: _Family, part: VatBreakdown) -> bool:
    """Demand 08: the taxable amount is what lines, charges and allowances of the category add up to."""
    if not family.rated:
        return _sum_holds(case, family.code, part.taxable_amount)
    rate = part.rate
    # Without a rate, the sheets have nothing to compare.
    if rate is None or (family.code != "S" and not case.ubl):
        return True
    if part.taxable_amount is None:
        return False
    if not case.ubl:
        return equal(part.taxable_amount, float(cents_each(case, family.code, rate)))
    bases = case.bases
    if family.code != "S":
        return bool(case.invoice.lines) and _less_than_one_apart(part.taxable_amount, bases.at(family.code, rate))
    lines, others = bases.lines_are(family.code, rate), bases.others_are(family.code, rate)
    # The UBL sheet tries invoice lines, then credit note lines: beside an allowance, one of the two is none and holds.
    return ((lines or others) and _less_than_one_apart(part.taxable_amount, bases.at(family.code, rate))) or (
        others and _less_than_one_apart(part.taxable_amount, bases.without_lines_at(family.code, rate))
    )


def _sum_holds(case: Case, code: str, taxable: Decimal | None) -> bool:
    bases = case.bases
    if taxable is None:
        return False
    if case.ubl:
        return bool(case.invoice.lines) and taxable == bases.of(code)
    lines, charges, allowances = (
        cents(sums.get(code, ZERO)) for sums in (bases.lines, bases.charges, bases.allowances)
    )
    expected = float(lines + charges - allowances)
    given = float(taxable)
    if code == "O":
        return equal(taxable, expected)
    # The CII sheet gives a whole unit of tolerance here, in floating point.
    return given - 1 <= expected < given + 1


def cents_each(case: Case, code: str, rate: Decimal) -> Decimal:
    """What a category and rate add up to, each of the three sums rounded by itself as the CII sheet does."""
    bases, key = case.bases, (code, rate)
    lines, charges, allowances = (
        cents(sums.get(key, ZERO)) for sums in (bases.lines_at, bases.charges_at, bases.allowances_at)
    )
    return lines + charges - allowances


def _less_than_one_apart(taxable: Decimal, expected: Decimal) -> bool:
    # `xs:decimal(TaxableAmount - 1)`: the sheet subtracts in floating point and only then goes back to decimals.
    given = float(taxable)
    return Decimal(given - 1) < expected < Decimal(given + 1)


def _tax_holds(case: Case, family: _Family, part: VatBreakdown) -> bool:
    """Demand 09: the tax is the taxable amount times the rate, nothing for a category without tax."""
    if not family.rated:
        return part.tax_amount == ZERO if case.ubl else equal(part.tax_amount, 0.0)
    if case.ubl:
        return part.rate is not None and within_one(case, part, part.rate)
    if family.code != "S":
        return True
    if part.rate is None or part.taxable_amount is None or part.tax_amount is None:
        return False
    expected = double_round(float(abs(part.taxable_amount)) * float(part.rate)) / 100
    tax = float(abs(part.tax_amount))
    return tax - 1 < expected < tax + 1


def _reason_holds(_case: Case, family: _Family, part: VatBreakdown) -> bool:
    """Demand 10: a reason says why there is no VAT, and only then."""
    return bool(part.exemption_reason or part.exemption_reason_code) == family.exempt


_PartDemand: TypeAlias = Callable[[Case, _Family, VatBreakdown], bool]


def _write_use(family: _Family) -> None:
    """Demands 01 to 04 of one category, about the invoice as a whole."""
    one = "at least one part" if family.rated else "exactly one part"

    @rule(
        f"{family.prefix}-01",
        "BT-118",
        sentence=f"When {family.name} is used on a line, an allowance or a charge, the VAT breakdown (BG-23) has "
        f"{one} for it.",
    )
    def breakdown(case: Case) -> bool:
        return _breakdown(case, family)

    demanded = {
        "O": "neither seller (BT-31), representative (BT-63) nor buyer (BT-48) gives a VAT identifier",
        "G": "the seller (BT-31) or its tax representative (BT-63) gives a VAT identifier",
        "K": "the seller (BT-31) or its representative (BT-63), and the buyer (BT-48), give VAT identifiers",
        "AE": "the seller (BT-31, BT-32) or its representative (BT-63) gives a tax registration, and the buyer a VAT "
        "identifier (BT-48) or a legal registration (BT-47)",
    }.get(family.code, "the seller (BT-31, BT-32) or its representative (BT-63) gives a tax registration")
    term = "BT-48" if family.code == "O" else "BT-31"
    uses: tuple[tuple[str, str, Callable[[Case], object]], ...] = (
        ("02", "a line", lambda case: case.on_lines(family.code)),
        ("03", "an allowance on the document", lambda case: case.allowances_by_code.get(family.code)),
        ("04", "a charge on the document", lambda case: case.charges_by_code.get(family.code)),
    )
    for number, what, used in uses:

        @rule(f"{family.prefix}-{number}", term, sentence=f"When {what} is of {family.name}, {demanded}.")
        def identified(case: Case, number: str = number, used: Callable[[Case], object] = used) -> bool:
            if used(case):
                return _identified(case, family)
            # The UBL sheet fails a line of standard rate whose tax does not say it is VAT.
            odd = case.ubl and family.code == "S" and number == "02"
            return not (odd and any(line.vat.category == NOT_VAT + "S" for line in case.invoice.lines))


def _write_rates(family: _Family) -> None:
    """Demands 05 to 07 of one category, about each line, allowance and charge."""
    rate = {
        "S": "a rate above zero",
        "L": "a rate of zero or more",
        "M": "a rate of zero or more",
        "O": "no rate at all",
    }.get(family.code, "a rate of zero")

    @rule(f"{family.prefix}-05", "BT-152", sentence=f"A line of {family.name} has {rate} (BT-152).")
    def line_rates(case: Case) -> Verdict:
        lines = case.lines_by_code.get(family.code)
        return _wrong_lines(case, family, lines) if lines else True

    @rule(f"{family.prefix}-06", "BT-96", sentence=f"An allowance on the document of {family.name} has {rate} (BT-96).")
    def allowance_rates(case: Case) -> Verdict:
        found = case.allowances_by_code.get(family.code)
        return _wrong_values(case, family, found, "allowances", "BT-96") if found else True

    @rule(f"{family.prefix}-07", "BT-103", sentence=f"A charge on the document of {family.name} has {rate} (BT-103).")
    def charge_rates(case: Case) -> Verdict:
        found = case.charges_by_code.get(family.code)
        return _wrong_values(case, family, found, "charges", "BT-103") if found else True


def _write_parts(family: _Family) -> None:
    """Demands 08 to 10 of one category, about its part or parts of the VAT breakdown."""
    per_rate = " at its rate" if family.rated else ""
    tax = "its taxable amount (BT-116) times its rate (BT-119)" if family.rated else "zero"
    reason = "has a reason in words (BT-120) or by a code (BT-121)" if family.exempt else "has no exemption reason"
    demands: tuple[tuple[str, str, str, _PartDemand, str], ...] = (
        (
            "08",
            "BT-116",
            "taxable_amount",
            _taxable_holds,
            f"The taxable amount of {family.name} (BT-116) is the sum of its lines and charges less its "
            f"allowances{per_rate}.",
        ),
        ("09", "BT-117", "tax_amount", _tax_holds, f"The tax of {family.name} in the breakdown (BT-117) is {tax}."),
        ("10", "BT-120", "exemption_reason", _reason_holds, f"The part of {family.name} in the breakdown {reason}."),
    )
    for number, term, field, demand, sentence in demands:

        @rule(f"{family.prefix}-{number}", term, sentence=sentence)
        def parts(case: Case, demand: _PartDemand = demand, field: str = field) -> Verdict:
            found = case.parts_by_code.get(family.code)
            return _wrong_parts(case, family, found, demand, field) if found else True


def _wrong_lines(case: Case, family: _Family, lines: list[tuple[int, InvoiceLine]]) -> Iterator[Offence]:
    for place, line in lines:
        if not _rate_holds(case, family, line.vat.rate, "BT-152"):
            yield Offence(path=f"lines[{place}].vat.rate", value=_said(line.vat.rate), line=line.identifier)


def _wrong_values(
    case: Case, family: _Family, values: list[tuple[int, DocumentAllowanceCharge]], field: str, term: str
) -> Iterator[Offence]:
    for place, value in values:
        if not _rate_holds(case, family, value.vat_rate, term):
            yield Offence(path=f"{field}[{place}].vat_rate", value=_said(value.vat_rate))


def _wrong_parts(
    case: Case, family: _Family, parts: list[tuple[int, VatBreakdown]], demand: _PartDemand, field: str
) -> Iterator[Offence]:
    for place, part in parts:
        if not demand(case, family, part):
            yield Offence(path=f"vat_breakdown[{place}].{field}", value=_said(getattr(part, field)))


def _said(value: Decimal | str | None) -> str:
    return "" if value is None else str(value)


for _family in _FAMILIES:
    _write_use(_family)
    _write_rates(_family)
    _write_parts(_family)
