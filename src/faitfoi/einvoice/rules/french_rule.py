"""How a French rule is written: one function, registered under the id that each syntax gives it.

The French rules (BR-FR-Flux2, FNFE) are two sheets, one for CII and one for UBL, which now and then number or word
the same rule differently: a finding carries the id of the sheet that would judge the document.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from operator import attrgetter
from typing import Final

from faitfoi.einvoice.model import Identifier
from faitfoi.einvoice.rules.case import Case
from faitfoi.einvoice.rules.engine import Check, CheckT, Family, Offence, Verdict, rule
from faitfoi.einvoice.rules.french_writing import Holds, first_after
from faitfoi.einvoice.rules.sheets import Sheet

SOURCE: Final = "BR-FR-Flux2 V1.4.0"
UBL_SHEETS: Final = frozenset({Sheet.UBL, Sheet.UBL_CTC_FR})
CII_SHEETS: Final = frozenset(Sheet) - UBL_SHEETS

_UBL_NOTE = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}Note"
_CENT = Decimal("0.01")
_LARGE = Decimal(10**16)

Place = tuple[str, Decimal | None]
"""Where a number stands: its path in the model, and the number."""


def french(*terms: str, both: str = "", cii: str = "", ubl: str = "", sentence: str = "") -> Callable[[CheckT], CheckT]:
    """Register the decorated function under the ids of the two sheets: `both` when they agree, else `cii` and `ubl`.

    A syntax that is given no id has no such rule. The sentence is the docstring's first paragraph unless given.
    """

    def register(check: CheckT) -> CheckT:
        said = sentence or inspect.cleandoc(check.__doc__ or "")
        for rule_id, sheets in ((both, ()), (cii, CII_SHEETS), (ubl, UBL_SHEETS)):
            if rule_id:
                rule(rule_id, *terms, family=Family.FRENCH, source=SOURCE, sentence=said, sheets=frozenset(sheets))(
                    _on_document(rule_id, check)
                )
        return check

    return register


def _on_document(rule_id: str, check: Check) -> Check:
    """`check`, unless the document itself was judged, and breaks the rule: then `check` only tells where."""

    def judge(case: Case) -> Verdict:
        found = check(case)
        judgement = case.judgement
        if judgement is None or rule_id not in judgement.broken:
            return found
        offences = () if isinstance(found, bool) else tuple(found)
        value, element = judgement.broken[rule_id]
        return iter(offences or (Offence(value=value, at=element),))

    return judge


def beyond_the_model(*terms: str, both: str = "", cii: str = "", ubl: str = "", sentence: str) -> None:
    """Register a rule about what only a document can hold: no model breaks it."""
    french(*terms, both=both, cii=cii, ubl=ubl, sentence=sentence)(lambda _case: True)


def siren_of(registration: Identifier | None) -> str:
    """The SIREN in a legal identifier (scheme 0002), empty when it is of another scheme or absent."""
    return registration.value if registration is not None and registration.scheme == "0002" else ""


def joined_notes(case: Case) -> str:
    """All notes as UBL writes them, one after another."""
    return "#".join(written_notes(case))


def written_notes(case: Case) -> list[str]:
    """The notes as UBL writes them, subject code inside (`#PMT#…`); in a document white space and all."""
    root = case.source.root
    if root is not None and case.ubl:
        return [each.text or "" for each in root.iterchildren(_UBL_NOTE)]
    return [f"#{note.subject_code}#{note.text}" if note.subject_code else note.text for note in case.invoice.notes]


def is_between_companies(case: Case) -> bool:
    """Whether a note of subject BAR says that the invoice is between two companies of France (B2B)."""
    if case.ubl:
        return first_after(joined_notes(case), "BAR") == "B2B"
    return any(note.subject_code == "BAR" and note.text == "B2B" for note in case.invoice.notes)


def wrong_numbers(places: Iterable[Place], holds: Holds) -> Iterator[Offence]:
    """One offence for each number given there that does not hold, judged as it is written."""
    for path, number in places:
        if number is not None and not holds(text := format(number, "f")):
            yield Offence(path=path, value=text)


def wrong_in_lines(field: str, holds: Holds, *, fine_below: Decimal = _LARGE) -> Check:
    """A check that the number in a field of each line (`price.net`) holds, judged as it is written.

    Any with two decimals between nought and `fine_below` does.
    """
    number_of = attrgetter(field)

    def check(case: Case) -> Iterator[Offence]:
        for index, line in enumerate(case.invoice.lines):
            number = number_of(line)
            if number is None or (number.same_quantum(_CENT) and _CENT < number < fine_below):
                continue
            if not holds(text := format(number, "f")):
                yield Offence(path=f"lines[{index}].{field}", value=text, line=line.identifier)

    return check
