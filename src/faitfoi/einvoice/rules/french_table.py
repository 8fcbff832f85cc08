"""Judges a document itself where the French rules look at more than the model keeps of it.

That is: texts exactly as they are written (white space, noughts in front), days that are none, and the parties that
only the profile EXTENDED-CTC-FR has. Each syntax says in a table which rules judge what stands at which path.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
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
    groups: Mapping[str, Callable[[etree._Element], Iterable[str]]]
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


@dataclass(slots=True)
class Step:
    """What a table judges at one path, found once for all the documents that have it."""

    path: str
    texts: tuple[Text, ...]
    party: Party | None
    judge: Callable[[etree._Element], Iterable[str]] | None
    next: dict[str, "Step"] = field(default_factory=dict)


# No invoice has so many different paths; a document that does is hostile, and its other paths are not remembered.
_MOST_STEPS = 5_000


class Plan:
    """A table made ready for walks."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.root = self._step("")
        self._steps = 1

    def after(self, step: Step, tag: str) -> Step:
        """The step from `step` to a child of that name."""
        found = step.next.get(tag)
        if found is None:
            name = tag.rpartition("}")[2]
            name = self.table.short.get(name, name)
            found = self._step(f"{step.path}/{name}" if step.path else name)
            if self._steps < _MOST_STEPS:
                self._steps += 1
                step.next[tag] = found
        return found

    def _step(self, path: str) -> Step:
        table = self.table
        texts = table.texts.get(path)
        if texts is None:
            last = path.rsplit("/", 3)
            texts = (*table.endings.get("/".join(last[-2:]), ()), *table.endings.get("/".join(last[-3:]), ()))
        return Step(path=path, texts=texts, party=table.parties.get(path), judge=table.groups.get(path))


@dataclass(slots=True)
class Walk:
    """One pass over a document; `broken` are the rules found broken, each with an offending value."""

    plan: Plan
    broken: dict[str, str] = field(default_factory=dict)

    def visit(self, element: etree._Element, step: Step) -> None:
        """Judge an element and all it holds."""
        if step.party is not None:
            self._judge_party(element, step.party)
        if step.judge is not None:
            for rule in step.judge(element):
                self.broken.setdefault(rule, "")
        leaf = True
        for child in element:
            leaf = False
            self.visit(child, step.next.get(child.tag) or self.plan.after(step, child.tag))
        if leaf and step.texts:
            self._judge(element, step.texts)

    def _judge(self, element: etree._Element, texts: Iterable[Text]) -> None:
        for text in texts:
            if text.schemes and element.get("schemeID") not in text.schemes:
                continue
            said = element.text or ""
            for rule, holds in text.rules.items():
                if not holds(said):
                    self.broken.setdefault(rule, said)

    def _judge_party(self, element: etree._Element, party: Party) -> None:
        siren, identifiers = self.plan.table.identify(element)
        schemes = [scheme for _, scheme in identifiers if scheme is not None]
        if party.schemes and len(schemes) < len(identifiers):
            self.broken.setdefault(party.schemes, "")
        if party.once and len(set(schemes)) < len(schemes):
            self.broken.setdefault(party.once, "")
        siret = next((value for value, scheme in identifiers if scheme == SIRET), None)
        if party.siret and siret is not None:
            wanted = siren or (siret[:9] if party.may_lack_siren else "")
            if not is_siret(siret) or siret[:9] != wanted:
                self.broken.setdefault(party.siret, siret)
