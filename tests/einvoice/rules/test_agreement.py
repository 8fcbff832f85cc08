"""Comparing both judges: which ids count, which stand apart, and what is agreed."""

import dataclasses
import json
from decimal import Decimal

from faitfoi.einvoice.cii import write_cii
from faitfoi.einvoice.jsonform import to_json
from faitfoi.einvoice.reading import read
from faitfoi.einvoice.rules.agreement import Agreement, compare
from faitfoi.einvoice.ubl import write_ubl
from tests.conformance.plain_bases import plain


def wrong() -> bytes:
    """An invoice whose lines do not add up, due before it is issued, that says nothing of the law's mentions."""
    invoice = plain()
    totals = dataclasses.replace(invoice.totals, line_net=Decimal("1.00"))
    assert invoice.issue_date is not None
    due = invoice.issue_date.replace(year=2020)
    return write_ubl(dataclasses.replace(invoice, totals=totals, due_date=due, notes=()))


def test_a_valid_invoice_breaks_nothing_for_either_judge() -> None:
    found = compare(write_cii(plain()))

    assert (found.ours | found.official | found.differences, found.verdicts) == (frozenset(), 0)
    assert found.ours_ms > 0
    assert found.official_ms > 0


def test_both_judges_name_the_same_rules() -> None:
    found = compare(wrong())

    assert {"BR-CO-10", "BR-FR-05_BT-22-1"} <= found.ours
    assert found.ours == found.official
    assert found.verdicts == found.agreed_verdicts == len(found.ours)


def test_our_own_rules_stand_apart() -> None:
    found = compare(wrong())

    assert "FF-DUE-DATE" in found.extra
    assert not {rule for rule in found.ours if rule.startswith("FF-")}


def test_the_rules_of_the_syntax_stand_apart() -> None:
    found = compare(wrong().replace(b"<cbc:IssueDate>", b"<cbc:UUID>x</cbc:UUID><cbc:IssueDate>", 1))

    assert found.apart == {"UBL-CR-005"}
    assert not {rule for rule in found.official if rule.startswith(("UBL-", "FF-"))}


def test_the_french_rules_are_left_out_on_demand() -> None:
    found = compare(wrong(), br_fr=False)

    assert "BR-CO-10" in found.ours
    assert not {rule for rule in found.ours | found.official if rule.startswith("BR-FR-")}


def test_json_is_judged_as_the_cii_it_would_become() -> None:
    as_json, as_cii = (
        compare(json.dumps(to_json(read(wrong()).invoice)).encode()),
        compare(write_cii(read(wrong()).invoice)),
    )

    assert (as_json.ours, as_json.official) == (as_cii.ours, as_cii.official)


def test_rules_without_a_verdict_are_no_difference() -> None:
    found = Agreement(
        ours=frozenset({"BR-01", "BR-02"}),
        official=frozenset({"BR-02", "BR-03"}),
        extra=frozenset(),
        apart=frozenset({"FF-XSLT"}),
        unjudged=frozenset({"BR-01"}),
        ours_ms=1,
        official_ms=1,
    )

    assert found.only_ours == frozenset()
    assert found.only_official == {"BR-03"}
    assert (found.verdicts, found.agreed_verdicts) == (2, 1)
