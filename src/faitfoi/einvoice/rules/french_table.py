"""Judges a document itself where the French rules look at more than the model keeps of it.

That is: texts exactly as they are written (white space, noughts in front), days that are none, and the parties that
only the profile EXTENDED-CTC-FR has. Each syntax says in a table which rules judge what stands at which path.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from lxml import etree

from faitfoi.einvoice.rules.french_writing import Holds, is_siret

SIRET: Final = "0009"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Which rules judge one kind of text; `schemes` are those of the identifiers they are about, empty for any."""

    rules: Mapping[str, Holds]
    schemes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Which rules judge the identifiers of one party: its SIRET, that each says its scheme, and each scheme once.

    An id that is empty has no such rule. `may_lack_siren` is for a party whose SIRET may stand alone.
    """

    siret: str = ""
    schemes: str = ""
    once: str = ""
    may_lack_siren: bool = True


Judge = Callable[[etree._Element], Iterable[str]]  # noqa: SLF001 - lxml has no public name for an element
"""A function of a group that returns the ids of the rules it breaks."""

Identified = tuple[str, list[tuple[str, str | None]]]
"""A party's SIREN, empty when it has none, and its identifiers, each with its scheme (None when it says none)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What one syntax judges where, by path: local names from the root (`InvoiceLine/Item/Name`).

    `short` are names that paths make shorter. `endings` are the last two or three names of a path, for what rules find
    anywhere. `groups` are functions of a group that return the ids it breaks, `judged_in_groups` all they may return.
    """

    short: Mapping[str, str]
    texts: Mapping[str, tuple[Text, ...]]
    endings: Mapping[str, tuple[Text, ...]]
    parties: Mapping[str, Party]
    groups: Mapping[str, Judge]
    judged_in_groups: frozenset[str]
    identify: Callable[[etree._Element], Identified]

    def rules(self) -> frozenset[str]:
        """The ids of all the rules judged by this table."""
        found = set(self.judged_in_groups)
        for texts in (*self.texts.values(), *self.endings.values()):
            for text in texts:
                found.update(text.rules)
        for party in self.parties.values():
            found.update({party.siret, party.schemes, party.once} - {""})
        return frozenset(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a table judges at one path, or may judge at any path of one ending."""

    texts: tuple[Text, ...] = ()
    parties: tuple[Party, ...] = ()
    judges: tuple[Judge, ...] = ()


_NOTHING: Final = Step()
ROOTS: Final = frozenset({"CrossIndustryInvoice", "Invoice", "CreditNote"})
# No invoice has so many kinds of elements; a document that does is hostile, and its others are not remembered.
_MOST_KNOWN = 5_000
Broken = dict[str, tuple[str, etree._Element]]  # noqa: SLF001 - lxml has no public name for an element
End = tuple[str, str]
"""The last two names of a path; the first is empty just below the root."""


class Plan:
    """A table made ready to judge documents.

    An element is first judged by all that any path of the same ending asks for. Nearly all of them hold, and only for
    those that do not is their own path looked up: a value met again is not even judged again.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self._ends: dict[End, Step] = {}
        self._known: dict[End, Step] = {}
        for path, texts in (*table.texts.items(), *table.endings.items()):
            self._add(_end(path), Step(texts=texts))
        for path, party in table.parties.items():
            self._add(_end(path), Step(parties=(party,)))
        for path, judge in table.groups.items():
            if path:
                self._add(_end(path), Step(judges=(judge,)))
        long = {short: name for name, short in table.short.items()}
        self._names = [f"{{*}}{long.get(name, name)}" for name in sorted({name for _, name in self._ends})]

    def broken_in(self, root: etree._Element) -> Broken:
        """The rules that a document breaks, each with an offending value and its element, or that of its group."""
        judge = self.table.groups.get("")
        broken: Broken = dict.fromkeys(judge(root), ("", root)) if judge else {}
        fine: set[tuple[str, str, str | None, str | None]] = set()
        for element in root.iter(*self._names):
            parent = element.getparent()
            if parent is None:
                continue
            end = (parent.tag, element.tag)
            key = (*end, element.text, element.get("schemeID"))
            if key in fine:
                continue
            near = self._known.get(end)
            if near is None:
                near = self._near(end)
            if near.parties or [rule for judge in near.judges for rule in judge(element)]:
                self._judge_group(element, broken=broken)
            elif near.texts and not _hold(near.texts, element) and not len(element):
                for rule in _broken_by(self._at(element).texts, element):
                    broken.setdefault(rule, (element.text or "", element))
            elif not near.judges:
                fine.add(key)
        return broken

    def _judge_group(self, element: etree._Element, *, broken: Broken) -> None:
        exact = self._at(element)
        for judge in exact.judges:
            for rule in judge(element):
                broken.setdefault(rule, ("", element))
        for party in exact.parties:
            for rule, value in _broken_by_party(party, *self.table.identify(element)):
                broken.setdefault(rule, (value, element))

    def _near(self, tags: End) -> Step:
        """What may be judged of an element, by the tag of its parent and its own."""
        above, name = map(self._short, tags)
        found = self._ends.get(("" if above in ROOTS else above, name), _NOTHING)
        if len(self._known) < _MOST_KNOWN:
            self._known[tags] = found
        return found

    def _at(self, element: etree._Element) -> Step:
        """What is judged at exactly this element's path."""
        table, names = self.table, [self._short(element.tag)]
        names += [self._short(each.tag) for each in element.iterancestors()]
        names.pop()  # the root
        names.reverse()
        path = "/".join(names)
        texts = table.texts.get(path)
        if texts is None:
            texts = (*table.endings.get("/".join(names[-2:]), ()), *table.endings.get("/".join(names[-3:]), ()))
        return Step(
            texts=texts,
            parties=(table.parties[path],) if path in table.parties else (),
            judges=(table.groups[path],) if path in table.groups else (),
        )

    def _add(self, end: End, step: Step) -> None:
        known = self._ends.get(end, _NOTHING)
        self._ends[end] = Step(
            texts=(*known.texts, *step.texts),
            parties=(*known.parties, *step.parties),
            judges=(*known.judges, *step.judges),
        )

    def _short(self, tag: str) -> str:
        name = _local(tag)
        return self.table.short.get(name, name)


def _end(path: str) -> End:
    above, _, name = path.rpartition("/")
    return above.rpartition("/")[2], name


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _broken_by(texts: Iterable[Text], element: etree._Element) -> Iterator[str]:
    """The ids of the rules that the element's text breaks."""
    said = element.text or ""
    for text in texts:
        if not text.schemes or element.get("schemeID") in text.schemes:
            yield from (rule for rule, holds in text.rules.items() if not holds(said))


def _hold(texts: Iterable[Text], element: etree._Element) -> bool:
    """Whether the element's text holds for all rules that may judge it."""
    said, scheme = element.text or "", element.get("schemeID")
    for text in texts:
        if not text.schemes or scheme in text.schemes:
            for holds in text.rules.values():
                if not holds(said):
                    return False
    return True


def _broken_by_party(party: Party, siren: str, identifiers: list[tuple[str, str | None]]) -> Iterator[tuple[str, str]]:
    schemes = [scheme for _, scheme in identifiers if scheme is not None]
    if party.schemes and len(schemes) < len(identifiers):
        yield party.schemes, ""
    if party.once and len(set(schemes)) < len(schemes):
        yield party.once, ""
    siret = next((value for value, scheme in identifiers if scheme == SIRET), None)
    if party.siret and siret is not None:
        wanted = siren or (siret[:9] if party.may_lack_siren else "")
        if not is_siret(siret) or siret[:9] != wanted:
            yield party.siret, siret
