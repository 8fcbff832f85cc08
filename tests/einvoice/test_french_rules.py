"""Each French rule passes on valid invoices and is broken by what it is about; each speaks both languages."""

from collections.abc import Iterator

import pytest
from lxml import etree

from faitfoi.einvoice.cii import write_cii
from faitfoi.einvoice.findings import Severity
from faitfoi.einvoice.model import Invoice
from faitfoi.einvoice.reading import read
from faitfoi.einvoice.rules import RULES, Family, Syntax, check_rules
from faitfoi.einvoice.rules.french_rule import CII_SHEETS, UBL_SHEETS
from faitfoi.einvoice.rules.judging import check_reading
from faitfoi.einvoice.ubl import write_ubl
from faitfoi.einvoice.xml import parse_xml
from tests.conformance.bases import documents, invoices
from tests.conformance.extended_bases import extended_documents
from tests.einvoice.french_document_trips import DOCUMENT_TRIPS, Change
from tests.einvoice.french_grouped_trips import TRIPS
from tests.einvoice.french_trips import Trip

FRENCH = {rule.id: rule for rule in RULES.values() if rule.family is Family.FRENCH}


def broken(invoice: Invoice, syntax: Syntax) -> set[str]:
    """The French rules that a model breaks."""
    return {finding.rule for finding in check_rules(invoice, syntax=syntax, families=(Family.FRENCH,))}


def broken_in(xml: bytes) -> set[str]:
    """The French rules that a document breaks."""
    return {finding.rule for finding in check_reading(read(xml), families=(Family.FRENCH,))}


def ubl_syntax(invoice: Invoice) -> Syntax:
    return Syntax.UBL_CREDIT_NOTE if invoice.is_credit_note else Syntax.UBL_INVOICE


@pytest.mark.parametrize(("name", "invoice"), tuple(invoices()), ids=[name for name, _ in invoices()])
def test_a_valid_invoice_breaks_no_french_rule(name: str, invoice: Invoice) -> None:
    assert broken(invoice, Syntax.CII) == set()
    assert broken(invoice, ubl_syntax(invoice)) == set()


@pytest.mark.parametrize(("name", "xml"), extended_documents(), ids=[name for name, _ in extended_documents()])
def test_a_valid_extended_document_breaks_no_french_rule(name: str, xml: bytes) -> None:
    assert broken_in(xml) == set()


@pytest.mark.parametrize("trip", TRIPS.values(), ids=list(TRIPS))
def test_a_change_breaks_its_rule_alone(trip: Trip) -> None:
    changed = trip.change(trip.base())
    assert broken(changed, Syntax.CII) == trip.cii
    assert broken(changed, ubl_syntax(changed)) == trip.ubl


@pytest.mark.parametrize("trip", TRIPS.values(), ids=list(TRIPS))
def test_a_document_is_judged_as_its_model(trip: Trip) -> None:
    changed = trip.change(trip.base())
    assert broken_in(write_cii(changed)) == trip.cii
    assert broken_in(write_ubl(changed)) == trip.ubl


@pytest.mark.parametrize(("base", "change", "rules"), DOCUMENT_TRIPS)
def test_a_change_of_a_document_breaks_its_rule_alone(base: str, change: Change, rules: set[str]) -> None:
    root = parse_xml(dict(documents())[base])
    change(root)
    assert broken_in(etree.tostring(root)) == rules


def test_every_french_rule_is_broken_by_some_change() -> None:
    tripped: set[str] = set()
    for trip in TRIPS.values():
        tripped |= trip.cii | trip.ubl
    for _, _, rules in DOCUMENT_TRIPS:
        tripped |= rules
    assert sorted(set(FRENCH) - tripped) == []


@pytest.mark.parametrize("rule_id", FRENCH)
def test_a_french_rule_speaks_both_languages_and_says_what_to_do(rule_id: str) -> None:
    rule = FRENCH[rule_id]
    assert rule.sentence.endswith(".")
    assert rule.texts.fr.endswith((".", "_ ."))
    assert rule.texts.remedy.endswith(".")
    assert rule.texts.remedy_fr.endswith(".")
    assert rule.severity is Severity.FATAL
    assert rule.terms


def test_a_rule_is_named_as_the_sheet_of_the_syntax_names_it() -> None:
    too_long = TRIPS["long number"].change(TRIPS["long number"].base())
    assert broken(too_long, Syntax.CII) == {"BR-FR-01_BT-1"}
    assert broken(too_long, Syntax.UBL_INVOICE) == {"BR-FR-01_BT-1-1"}


def _places(rule_id: str) -> Iterator[str]:
    sheets = FRENCH[rule_id].sheets
    if not sheets or sheets & CII_SHEETS:
        yield "CII"
    if not sheets or sheets & UBL_SHEETS:
        yield "UBL"


def test_a_finding_says_where_and_which_line() -> None:
    change = TRIPS["negative BT-146"]
    (finding,) = check_rules(change.change(change.base()), families=(Family.FRENCH,))
    assert (finding.term, finding.path, finding.value, finding.line) == ("BT-146", "lines[0].price.net", "-1", "1")
    assert finding.message_fr.startswith("Le prix net (BT-146)")
    assert "quantité en négatif" in finding.remedy_fr


def test_the_catalogue_holds_every_rule_that_a_document_can_break() -> None:
    assert sum("CII" in set(_places(rule_id)) for rule_id in FRENCH) == 167
    assert sum("UBL" in set(_places(rule_id)) for rule_id in FRENCH) == 167
