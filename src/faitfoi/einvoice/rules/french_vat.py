"""French rules on VAT categories and rates (BR-FR-15, BR-FR-16)."""

from collections.abc import Iterator
from decimal import Decimal

from faitfoi.einvoice.model import DocumentAllowanceCharge
from faitfoi.einvoice.rules.case import Case
from faitfoi.einvoice.rules.engine import Offence
from faitfoi.einvoice.rules.french_rule import french, lines
from faitfoi.einvoice.rules.french_writing import CATEGORIES, ISLANDS, RATES
from faitfoi.einvoice.rules.marks import NOT_VAT
from faitfoi.einvoice.rules.sheets import Syntax

Category = tuple[str, str, Decimal | None, str]
"""A category's path in the model, its code, the rate beside it, and the identifier of its line."""


def _of_parts(case: Case) -> Iterator[Category]:
    parts: tuple[tuple[str, tuple[DocumentAllowanceCharge, ...]], ...] = (
        ("allowances", case.invoice.allowances),
        ("charges", case.invoice.charges),
    )
    for name, members in parts:
        for index, part in enumerate(members):
            yield f"{name}[{index}]", part.vat_category.lstrip(NOT_VAT), part.vat_rate, ""


def _of_breakdown(case: Case) -> Iterator[Category]:
    for index, part in enumerate(case.invoice.vat_breakdown):
        yield f"vat_breakdown[{index}]", part.category.lstrip(NOT_VAT), part.rate, ""


def _of_lines(case: Case) -> Iterator[Category]:
    for path, line in lines(case):
        yield f"{path}.vat", line.vat.category.lstrip(NOT_VAT), line.vat.rate, line.identifier


def _unknown(case: Case, found: Iterator[Category], field: str, *, always: bool = False) -> Iterator[Offence]:
    """What is no category of France. One that is missing is an offence in CII alone, where its group is there."""
    for path, code, rate, line in found:
        if code not in CATEGORIES and (code or (not case.ubl and (always or rate is not None))):
            yield Offence(path=f"{path}.{field}", value=code, line=line)


def _island(found: Iterator[Category], field: str) -> Iterator[Offence]:
    for path, code, _, line in found:
        if code in ISLANDS:
            yield Offence(path=f"{path}.{field}", value=code, line=line)


def _foreign_rate(found: Iterator[Category], field: str) -> Iterator[Offence]:
    for path, _, rate, line in found:
        if rate is not None and (text := format(rate, "f")) not in RATES:
            yield Offence(path=f"{path}.{field}", value=text, line=line)


@french("BT-95", "BT-102", cii="BR-FR-15_BT-95_BT-102", ubl="BR-FR-15_BT-95_BT-102-1")
def category_of_an_allowance_is_french(case: Case) -> Iterator[Offence]:
    """The VAT category of an allowance or a charge (BT-95, BT-102) is S, E, AE, K, G, O or Z."""
    return _unknown(case, _of_parts(case), "vat_category")


@french("BT-95", "BT-102", cii="BR-FR-15_BT-95_BT-102_LM", ubl="BR-FR-15_BT-95_BT-102-2")
def category_of_an_allowance_is_not_of_islands(case: Case) -> Iterator[Offence]:
    """The VAT category of an allowance or a charge (BT-95, BT-102) is not L or M, which are Spanish."""
    return _island(_of_parts(case), "vat_category")


@french("BT-118", cii="BR-FR-15_BT-95_BT-118", ubl="BR-FR-15_BT-118-1")
def category_of_the_breakdown_is_french(case: Case) -> Iterator[Offence]:
    """The VAT category of the breakdown (BT-118) is S, E, AE, K, G, O or Z."""
    return _unknown(case, _of_breakdown(case), "category", always=True)


@french("BT-118", cii="BR-FR-15_BT-95_BT-118_LM", ubl="BR-FR-15_BT-118-2")
def category_of_the_breakdown_is_not_of_islands(case: Case) -> Iterator[Offence]:
    """The VAT category of the breakdown (BT-118) is not L or M, which are Spanish."""
    return _island(_of_breakdown(case), "category")


@french("BT-151", cii="BR-FR-15_BT-95_BT-151", ubl="BR-FR-15_BT-151-1")
def category_of_a_line_is_french(case: Case) -> Iterator[Offence]:
    """The VAT category of a line (BT-151) is S, E, AE, K, G, O or Z."""
    return _unknown(case, _of_lines(case), "category")


@french("BT-151", cii="BR-FR-15_BT-95_BT-151_LM", ubl="BR-FR-08_BT-151-2")
def category_of_a_line_is_not_of_islands(case: Case) -> Iterator[Offence]:
    """The VAT category of a line (BT-151) is not L or M, which are Spanish."""
    return _island(_of_lines(case), "category")


# In UBL the rules of allowances and charges have one place between them: BR-FR-16_BT-103 never speaks.
@french("BT-96", "BT-103", cii="BR-FR-16_BT-96_BT-103", ubl="BR-FR-16_BT-96")
def rate_of_an_allowance_is_french(case: Case) -> Iterator[Offence]:
    """The VAT rate of an allowance or a charge (BT-96, BT-103) is one of France, with 2 decimals at most."""
    return _foreign_rate(_of_parts(case), "vat_rate")


@french("BT-119", both="BR-FR-16_BT-119")
def rate_of_the_breakdown_is_french(case: Case) -> Iterator[Offence]:
    """The VAT rate of the breakdown (BT-119) is one of France, with 2 decimals at most."""
    return _foreign_rate(_of_breakdown(case), "rate")


@french("BT-152", both="BR-FR-16_BT-152")
def rate_of_a_line_is_french(case: Case) -> Iterator[Offence]:
    """The VAT rate of a line (BT-152) is one of France, with 2 decimals at most."""
    # The UBL sheet forgets the lines of credit notes.
    return iter(()) if case.syntax is Syntax.UBL_CREDIT_NOTE else _foreign_rate(_of_lines(case), "rate")
