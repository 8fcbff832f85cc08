"""Every rule speaks both languages, in our words, and says what to do."""

import re
from pathlib import Path

import pytest
from tools.rules_page import PAGE, page

from faitfoi.einvoice.rules import RULES
from faitfoi.einvoice.rules.sentences import sentences

# A sentence may end with a sign that it is about, or with a list that goes on.
_ENDED = re.compile(r"[.…_]$")


@pytest.mark.parametrize("rule_id", RULES)
def test_a_rule_says_what_must_hold_and_what_to_do_in_both_languages(rule_id: str) -> None:
    rule = RULES[rule_id]
    said = (rule.sentence, rule.texts.fr, rule.texts.remedy, rule.texts.remedy_fr)

    assert all(_ENDED.search(text) for text in said), said
    assert not [text for text in said if "{" in text]
    assert rule.terms
    assert rule.source


def test_nothing_is_said_of_a_rule_that_does_not_exist() -> None:
    assert {rule for rule in sentences() if rule not in RULES} <= NEVER_WRITTEN


# Both come out of patterns that serve every category: some profiles have no such rule for some of them.
NEVER_WRITTEN = {rule for rule in sentences() if re.fullmatch(r"BR-F[XR]EXT-\w+-?0[189]\w*|BR-\w+-\d\d", rule)}


def test_the_page_of_rules_is_up_to_date() -> None:
    assert Path(PAGE).read_text(encoding="utf-8") == page(), "make rules"
