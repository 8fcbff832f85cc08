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
class Walk:
    """One pass over a document; `broken` are the rules found broken, each with an offending value."""

    table: Table
    broken: dict[str, str] = field(default_factory=dict)

    def visit(self, element: etree._Element, path: str) -> None:
        """Judge the element at `path` and all it holds."""
        table = self.table
        party = table.parties.get(path)
        if party is not None:
            self._judge_party(element, party)
        judge = table.groups.get(path)
        if judge is not None:
            for rule in judge(element):
                self.broken.setdefault(rule, "")
        if len(element):
            start = f"{path}/" if path else ""
            for child in element:
                name = child.tag.rpartition("}")[2]
                self.visit(child, start + table.short.get(name, name))
        elif (texts := table.texts.get(path)) is not None:
            self._judge(element, texts)
        elif "/" in path:
            last = path.rsplit("/", 3)
            self._judge(element, table.endings.get("/".join(last[-2:]), ()))
            self._judge(element, table.endings.get("/".join(last[-3:]), ()))

    def _judge(self, element: etree._Element, texts: Iterable[Text]) -> None:
        for text in texts:
            if text.schemes and element.get("schemeID") not in text.schemes:
                continue
            said = element.text or ""
            for rule, holds in text.rules.items():
                if not holds(said):
                    self.broken.setdefault(rule, said)

    def _judge_party(self, element: etree._Element, party: Party) -> None:
        siren, identifiers = self.table.identify(element)
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
