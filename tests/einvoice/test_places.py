"""Every term has a name that people use, and a finding its place in the invoice."""

from decimal import Decimal

import pytest

from faitfoi.einvoice.findings import Finding, Severity
from faitfoi.einvoice.model import (
    Buyer,
    DocumentAllowanceCharge,
    Invoice,
    InvoiceLine,
    Item,
    Seller,
    Totals,
    VatBreakdown,
    term_paths,
)
from faitfoi.einvoice.places import place_of, term_name, value_of

INVOICE = Invoice(
    number="F-1",
    issue_date=None,
    type_code="380",
    currency="EUR",
    seller=Seller(name="S"),
    buyer=Buyer(name="B"),
    allowances=(DocumentAllowanceCharge(amount=Decimal(1), reason="Fidélité"),),
    vat_breakdown=(VatBreakdown(taxable_amount=None, tax_amount=None, category="S", rate=Decimal("20.00")),),
    totals=Totals(due=Decimal("12.50")),
    lines=(InvoiceLine(identifier="10", item=Item(name="Gazole")), InvoiceLine(identifier="", net_amount=Decimal(7))),
)


def finding(path: str = "", term: str = "", line: str = "") -> Finding:
    return Finding(rule="X", severity=Severity.FATAL, message="…", path=path, term=term, line=line)


def test_every_term_of_the_model_has_a_name_in_both_languages() -> None:
    nameless = [code for code in term_paths() if not (term_name(code) and term_name(code, language="en"))]
    assert nameless == []
    assert term_name("BT-131") == "montant net de la ligne"
    assert term_name("BT-000") == ""


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("lines[0].price.net", "ligne 10 « Gazole »"),
        ("lines[1].price.net", "ligne 2"),
        ("/Invoice[1]/cac:InvoiceLine[1]/cac:Item[1]", "ligne 10 « Gazole »"),
        ("/rsm:CrossIndustryInvoice/rsm:X/ram:IncludedSupplyChainTradeLineItem/ram:Y", "ligne 10 « Gazole »"),
        ("/rsm:CrossIndustryInvoice/rsm:X/ram:IncludedSupplyChainTradeLineItem[2]", "ligne 2"),
        ("/Invoice/cac:InvoiceLine[99]", "ligne 99"),
        ("vat_breakdown[0].tax_amount", "TVA S 20 %"),
        ("allowances[0]", "remise 1 « Fidélité »"),
        ("totals.due", ""),
        ("", ""),
    ],
)
def test_a_place_is_said_as_people_know_it(path: str, words: str) -> None:
    assert place_of(finding(path), INVOICE).words == words


def test_a_line_is_found_by_its_own_identifier() -> None:
    assert place_of(finding(line="10"), INVOICE, language="en").words == "line 10 “Gazole”"


def test_the_value_is_that_of_the_term_where_the_finding_is() -> None:
    assert value_of(finding(term="BT-115"), INVOICE) == "12.50"
    assert value_of(finding("lines[1]", "BT-131"), INVOICE) == "7"
    assert value_of(finding(term="BT-131"), INVOICE) == ""
    assert value_of(finding(term="BG-22"), INVOICE) == ""
