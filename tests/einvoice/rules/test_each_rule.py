"""For each rule, one invoice that holds and one that breaks it: alone, or with the rules that cannot but break too."""

from typing import Any

import pytest

from faitfoi.einvoice.cii import write_cii
from faitfoi.einvoice.conversion import SPECIFICATIONS
from faitfoi.einvoice.findings import Finding, Severity
from faitfoi.einvoice.model import Invoice, Note
from faitfoi.einvoice.official import check_official
from faitfoi.einvoice.profiles import Profile
from faitfoi.einvoice.rules import RULES, Family, Syntax, check_rules
from faitfoi.einvoice.rules.agreement import compare
from faitfoi.einvoice.ubl import write_ubl
from tests.einvoice.rules.cases import (
    BOTH,
    BREAKERS,
    CII,
    NEVER_BROKEN,
    PREFIXES,
    SPECIAL_BREAKERS,
    UBL,
    changed,
    family_breakers,
    of_category,
    sound,
)

ALONE = [
    pytest.param(rule, syntax, id=f"{rule} {syntax.value}")
    for rule, (_, _, syntaxes) in BREAKERS.items()
    for syntax in syntaxes
]
IN_FAMILY = [
    pytest.param(rule, code, changes, syntax, id=f"{rule} {syntax.value}")
    for code in PREFIXES
    for rule, (changes, syntaxes) in family_breakers(code).items()
    for syntax in syntaxes
]


def broken(invoice: Invoice, syntax: Syntax) -> set[str]:
    return {finding.rule for finding in check_rules(invoice, syntax=syntax)}


@pytest.mark.parametrize("syntax", BOTH)
@pytest.mark.parametrize("invoice", [sound(), *map(of_category, PREFIXES)], ids=["sound", *PREFIXES])
def test_a_sound_invoice_breaks_no_rule(invoice: Invoice, syntax: Syntax) -> None:
    assert check_rules(invoice, syntax=syntax) == ()


@pytest.mark.parametrize(("rule", "syntax"), ALONE)
def test_a_rule_breaks_alone_or_with_those_that_say_the_same(rule: str, syntax: Syntax) -> None:
    changes, others, _ = BREAKERS[rule]

    assert broken(changed(sound(), changes), syntax) == {rule, *others}


@pytest.mark.parametrize(("rule", "code", "changes", "syntax"), IN_FAMILY)
def test_a_rule_of_a_vat_category_breaks_for_that_category(
    rule: str, code: str, changes: dict[str, Any], syntax: Syntax
) -> None:
    found = broken(changed(of_category(code), changes), syntax)

    assert rule in found
    strangers = {other for other in PREFIXES.values() if other != PREFIXES[code]}
    assert not {each for each in found if each.rpartition("-")[0] in strangers}


@pytest.mark.parametrize("syntax", BOTH)
@pytest.mark.parametrize("rule", SPECIAL_BREAKERS)
def test_a_rule_that_is_nobody_elses_breaks(rule: str, syntax: Syntax) -> None:
    invoice, changes = SPECIAL_BREAKERS[rule]

    assert rule not in broken(invoice, syntax)
    assert rule in broken(changed(invoice, changes), syntax)


def test_every_rule_of_the_core_and_ours_is_tried() -> None:
    tried = set(BREAKERS) | set(SPECIAL_BREAKERS) | {rule for code in PREFIXES for rule in family_breakers(code)}
    tried |= {other for _, others, _ in BREAKERS.values() for other in others}
    # A date that is not in the calendar cannot be in a model: test_documents tries it.
    known = {each.id for each in RULES.values() if each.family in {Family.EN16931, Family.OURS}}
    extended = {
        rule for rule in known if rule.startswith(("BR-FXEXT", "BR-FREXT", "BR-CO-25", "BR-CO-27", "BR-FX-EN-04"))
    }

    assert known - tried - extended == NEVER_BROKEN | {"FF-DATE"}


def test_ours_never_block() -> None:
    assert {each.severity for each in RULES.values() if each.family is Family.OURS} <= {
        Severity.WARNING,
        Severity.INFORMATION,
    }


def test_a_finding_says_what_where_and_what_to_do() -> None:
    (finding,) = check_rules(changed(sound(), BREAKERS["BR-27"][0]))

    assert finding == Finding(
        rule="BR-27",
        severity=Severity.FATAL,
        message="The net price of an item (BT-146) is not below zero.",
        term="BT-146",
        path="lines[0].price.net",
        field="lines[0].price.net",
        value="-1",
        line="1",
        message_fr="Le prix net d’un article (BT-146) n’est pas négatif.",
        remedy="Give a positive price, and put the sign on the quantity for a return.",
        remedy_fr="Mettez un prix positif, et le signe sur la quantité s’il s’agit d’un retour.",
    )


def test_the_number_of_a_card_is_not_repeated() -> None:
    number = "4970101234567890"
    (finding,) = check_rules(changed(sound(), {"payment.card.account_number": number}))

    assert finding.rule == "BR-51"
    assert number not in repr(finding)


@pytest.mark.slow
@pytest.mark.parametrize(("rule", "syntax"), ALONE)
def test_the_official_judge_says_the_same_of_a_broken_rule(rule: str, syntax: Syntax) -> None:
    assert_agreement(changed(sound(), BREAKERS[rule][0]), syntax)


@pytest.mark.slow
@pytest.mark.parametrize(("rule", "code", "changes", "syntax"), IN_FAMILY)
def test_the_official_judge_says_the_same_of_a_broken_category(
    rule: str, code: str, changes: dict[str, Any], syntax: Syntax
) -> None:
    assert_agreement(changed(of_category(code), changes), syntax)


@pytest.mark.parametrize("syntax", BOTH)
@pytest.mark.parametrize("code", PREFIXES)
def test_the_official_judge_finds_nothing_in_a_sound_invoice_either(code: str, syntax: Syntax) -> None:
    data = write_ubl(of_category(code)) if syntax is UBL else write_cii(of_category(code))

    blocking = [each for each in check_official(data, br_fr=False) if each.severity is Severity.FATAL]
    # The sound invoice has several accounts and a payee's scheme, which UBL's own rules of syntax judge.
    assert [each.rule for each in blocking if each.rule.startswith("BR-")] == []


def assert_agreement(invoice: Invoice, syntax: Syntax) -> None:
    agreement = compare(write_cii(invoice) if syntax is CII else write_ubl(invoice), br_fr=False)

    assert agreement.differences == frozenset()


def in_basic(country: str, **changes: Any) -> Invoice:
    """The sound invoice between two parties of a country, in the profile BASIC."""
    addressed = {"seller.address.country": country, "buyer.address.country": country}
    return changed(sound(), {"process.specification": SPECIFICATIONS[Profile.BASIC], **addressed, **changes})  # type: ignore[no-any-return]


def test_the_profile_basic_has_two_rules_of_its_own() -> None:
    nowhere: dict[str, Any] = {"delivery": None, "despatch_advice_reference": ""}

    assert broken(in_basic("DE"), CII) == set()
    assert broken(in_basic("DE", **nowhere), CII) == {"BR-FX-EN-04"}
    assert broken(in_basic("FR", **nowhere), CII) == set()
    assert "BR-CO-27" in broken(in_basic("FR", **{"payment.credit_transfers": ()}), CII)


def test_a_mention_of_the_law_that_says_nothing_is_told() -> None:
    (finding,) = check_rules(changed(sound(), {"notes": (Note(text=" . ", subject_code="PMD"),)}))

    assert (finding.rule, finding.term, finding.field) == ("FF-EMPTY", "BT-22", "notes[0].text")
    assert finding.severity is Severity.WARNING
