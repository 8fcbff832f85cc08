"""Write docs/rules.md: every rule with its terms, severity, source, sentences and remedies, from RULES."""

import re
from collections.abc import Iterable
from pathlib import Path

from faitfoi.einvoice.findings import Severity
from faitfoi.einvoice.rules import RULES, Family, Rule

PAGE = Path(__file__).resolve().parents[1] / "docs" / "rules.md"

_HEAD = """# Rules

Every rule that `faitfoi.einvoice.rules` judges, written by `make rules` from the rules themselves. The ids are the
official ones; the sentences are ours: the official wording is licensed, and read from the official judge at run time.
`faitfoi explain RULE` prints one of them, [conformance.md](conformance.md) says how ours are held to the official ones.

A rule blocks unless it says *warning* or *information*. A sentence in the list says what must hold; the remedy what to
do when it does not.
"""
_FAMILIES = {
    Family.EN16931: ("EN 16931 and its extended profiles", "Always judged, those that the document’s profile holds."),
    Family.FRENCH: ("The French rules (BR-FR)", "For invoices that go by a plateforme agréée; else on demand."),
    Family.CHORUS: ("Chorus Pro", "On demand only: what the French public sector’s portal refuses."),
    Family.OURS: ("Ours (FF)", "Where the official rules are silent and people suffer later; they never block."),
}
_WEIGHTS = {Severity.FATAL: "", Severity.WARNING: " · warning", Severity.INFORMATION: " · information"}


def page() -> str:
    """The whole page."""
    rules = list(RULES.values())
    sections = [_HEAD]
    for family, (title, said) in _FAMILIES.items():
        members = [rule for rule in rules if rule.family is family]
        sections.append(f"## {title}\n\n{said} {len(members)} rules.\n")
        sections += map(_entry, _together(members))
    return "\n".join(sections)


def _together(rules: Iterable[Rule]) -> list[list[Rule]]:
    """The rules by their ids, those that only their ids tell apart together: profiles and syntaxes number some so."""
    groups: dict[tuple[object, ...], list[Rule]] = {}
    for rule in sorted(rules, key=_order):
        said = (rule.sentence, rule.terms, rule.severity, rule.texts)
        groups.setdefault(said, []).append(rule)
    return list(groups.values())


def _order(rule: Rule) -> list[tuple[int, str]]:
    """Ids as people order them: BR-2 before BR-10, words after numbers."""
    return [(int(part), "") if part.isdigit() else (10**9, part) for part in re.findall(r"\d+|[A-Za-z]+", rule.id)]


def _entry(rules: list[Rule]) -> str:
    rule = rules[0]
    ids = ", ".join(f"`{each.id}`" for each in rules)
    sources = "; ".join(dict.fromkeys(each.source for each in rules))
    return (
        f"### {ids}\n\n{', '.join(rule.terms)}{_WEIGHTS[rule.severity]} · {sources}\n\n"
        f"- {rule.texts.fr} *{rule.texts.remedy_fr}*\n- {rule.sentence} *{rule.texts.remedy}*\n"
    )


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
