"""A finding is told in the page's language, with its remedy, and announced in the language it is really in."""

from dataclasses import replace
from decimal import Decimal
from html import escape

import pytest
from django.template.loader import render_to_string
from django.utils import translation

from faitfoi.einvoice.rules import RULES, check_rules
from faitfoi.pipeline.sandbox import finding_from, finding_to
from faitfoi.web.templatetags.faitfoi_pages import typeset
from tests.einvoice.material import full_invoice

BROKEN = RULES["BR-CO-16"]


def findings() -> list[dict[str, str]]:
    invoice = full_invoice()
    wrong = replace(invoice, totals=replace(invoice.totals, due=Decimal("999.00")))
    return [finding_to(finding) for finding in check_rules(wrong)]


def shown(language: str) -> str:
    with translation.override(language):
        return render_to_string("parts/findings.html", {"findings": findings()})


@pytest.mark.parametrize(
    ("language", "sentence", "remedy"),
    [
        ("fr", BROKEN.texts.fr, BROKEN.texts.remedy_fr),
        ("en", BROKEN.sentence, BROKEN.texts.remedy),
    ],
)
def test_a_broken_rule_is_told_in_the_page_s_language(language: str, sentence: str, remedy: str) -> None:
    page = shown(language)
    assert f'<span lang="{language}">{escape(typeset(sentence))}</span>' in page
    assert escape(typeset(remedy)) in page
    assert "<code>BR-CO-16</code> <code>BT-115</code>" in page


def test_what_is_only_said_in_one_language_is_announced_in_it() -> None:
    only_french = {"rule": "FF-VALUE", "severity": "fatal", "message": "La valeur « x » n’est pas un nombre."}
    with translation.override("en"):
        page = render_to_string("parts/findings.html", {"findings": [only_french]})
    assert '<span lang="fr">La valeur' in page


def test_a_finding_loses_nothing_on_its_way_to_the_page() -> None:
    invoice = full_invoice()
    line = replace(invoice.lines[0], net_amount=None)
    found = check_rules(replace(invoice, lines=(line, *invoice.lines[1:])))
    assert any(finding.line for finding in found)
    assert tuple(finding_from(finding_to(finding)) for finding in found) == found
