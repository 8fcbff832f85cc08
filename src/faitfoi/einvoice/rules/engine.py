"""The rules' engine: how a rule is written, found and run.

A rule is a function of a `Case`. It returns True when it holds and False when it does not; for a repeated group it
yields one `Offence` for each member at fault. Its docstring is the English sentence that people read.

    @rule("BR-CO-10", "BT-106", family=Family.EN16931)
    def sum_of_line_net_amounts(case: Case) -> bool:
        \"\"\"The lines' net amounts (BT-131) add up to the total given for them (BT-106).\"\"\"
        return case.invoice.totals.line_net == case.line_net_sum
"""

import inspect
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from decimal import Context, localcontext
from enum import StrEnum
from functools import cache
from itertools import islice
from typing import TypeVar

from lxml import etree

from faitfoi.einvoice.findings import Finding, Severity
from faitfoi.einvoice.model import Invoice
from faitfoi.einvoice.rules.case import Case
from faitfoi.einvoice.rules.marks import shown
from faitfoi.einvoice.rules.sentences import Sentences, sentences
from faitfoi.einvoice.rules.sheets import Sheet, Syntax, held_by
from faitfoi.einvoice.rules.source import Source
from faitfoi.einvoice.rules.source_paths import field_of


class Family(StrEnum):
    """Who wrote a rule; those of Chorus Pro are for what goes there, and only run on demand."""

    EN16931 = "EN 16931"
    FRENCH = "BR-FR"
    CHORUS = "Chorus Pro"
    OURS = "FF"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offence:
    """Where and how one member of a repeated group breaks a rule.

    `path` is the field's path in the model (`lines[2].quantity`), `line` the line's own identifier (BT-126);
    `term` and `severity` are only given when they are not the rule's own, `at` when no field holds what is wrong.
    """

    path: str = ""
    value: str = ""
    term: str = ""
    line: str = ""
    severity: Severity | None = None
    at: etree._Element | None = None


Verdict = bool | Iterator[Offence]
Check = Callable[[Case], Verdict]
CheckT = TypeVar("CheckT", bound=Check)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: its id, the business terms it is about, what it says in two languages, and the function that judges.

    `source` names the text it comes from; `sheets` the official sheets that hold it, empty for all of them.
    """

    id: str
    terms: tuple[str, ...]
    severity: Severity
    family: Family
    source: str
    sentence: str
    check: Check = field(repr=False)
    sheets: frozenset[Sheet] = frozenset()

    @property
    def texts(self) -> Sentences:
        """The French sentence and the remedies, empty when nobody has written them."""
        return sentences().get(self.id, _NO_SENTENCES)


_NO_SENTENCES = Sentences()

RULES: dict[str, Rule] = {}
"""Every rule by id, in the order they were written. Complete once `faitfoi.einvoice.rules` is imported."""

MOST_OF_A_RULE = 10_000
"""More findings of one rule say nothing more, and a hostile document could have a hundred thousand."""

DEFAULT_FAMILIES = frozenset({Family.EN16931, Family.OURS})


def rule(
    rule_id: str,
    *terms: str,
    family: Family = Family.EN16931,
    severity: Severity = Severity.FATAL,
    source: str = "",
    sentence: str = "",
    sheets: Collection[Sheet] = (),
) -> Callable[[CheckT], CheckT]:
    """Register the decorated function as the rule `rule_id` about `terms`, the first of which is reported.

    The sentence is the docstring's first paragraph unless given. Raises ValueError for an id already taken, or for
    a rule that says nothing.
    """

    def register(check: CheckT) -> CheckT:
        said = sentence or inspect.cleandoc(check.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
        if rule_id in RULES or not said:
            raise ValueError(f"{rule_id} is already taken, or says nothing.")
        RULES[rule_id] = Rule(
            id=rule_id,
            terms=terms,
            severity=severity,
            family=family,
            source=source or family.value,
            sentence=said,
            check=check,
            sheets=frozenset(sheets),
        )
        _rules_for.cache_clear()
        return check

    return register


def check_rules(
    invoice: Invoice,
    *,
    syntax: Syntax = Syntax.CII,
    families: Collection[Family] = DEFAULT_FAMILIES,
    source: Source | None = None,
) -> tuple[Finding, ...]:
    """Everything our rules have to say about one invoice, in the rules' order; empty when nothing.

    `syntax` is how it is or will be written: the official sheets differ on a few rules. `families` chooses among
    EN 16931, the French rules and our own (never blocking). `source` are the facts of the document it was read from
    (see `look`), presumed when absent: then `path` in a finding is no XPath but the field's path in the model.
    """
    findings: list[Finding] = []
    # Amounts may have 80 digits: their sums must be as exact as XPath's.
    with localcontext(Context(prec=_PRECISION)):
        case = Case(invoice, syntax=syntax, source=source)
        for each in _rules_for(case.sheet, frozenset(families)):
            if each.family is Family.FRENCH and each.id in case.settled:
                continue
            verdict = each.check(case)
            if verdict is True:
                continue
            offences = (_WHOLE,) if verdict is False else tuple(islice(verdict, MOST_OF_A_RULE))
            if offences:  # most rules go through every line and have nothing to say
                findings.extend(_finding(each, offence, case) for offence in offences)
    return tuple(findings)


_WHOLE = Offence()
_PRECISION = 200


@cache
def _rules_for(sheet: Sheet, families: frozenset[Family]) -> tuple[Rule, ...]:
    """The rules to run: those of EN 16931 that the sheet holds, and the code lists, which it holds under other ids."""
    held = held_by(sheet)
    return tuple(
        each
        for each in RULES.values()
        if each.family in families
        and (each.family is not Family.EN16931 or each.id in held or each.id.startswith("BR-CL-"))
        and (not each.sheets or sheet in each.sheets)
    )


def _finding(each: Rule, offence: Offence, case: Case) -> Finding:
    texts, paths = each.texts, case.source_paths
    term = offence.term or (each.terms[0] if each.terms else "")
    place = offence.path or field_of(term)
    at = offence.at if offence.at is not None else case.source.faults.get(each.id)
    path = place
    if paths is not None:
        path = paths.of_field(place) if at is None else paths.of_element(at)
    return Finding(
        rule=each.id,
        severity=offence.severity or each.severity,
        message=each.sentence,
        term=term,
        path=path,
        field=place,
        value=shown(offence.value),
        line=shown(offence.line),
        message_fr=texts.fr,
        remedy=texts.remedy,
        remedy_fr=texts.remedy_fr,
    )
