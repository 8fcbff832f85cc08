"""From a field of the model to its place in the source document; looked up for findings only, never for a check.

The places of each syntax are a data file, `data/source_paths.toml`, tried on every field by the tests.
"""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final, cast

from lxml import etree

from faitfoi.einvoice.cii_values import NAMESPACES as CII_NAMESPACES
from faitfoi.einvoice.model import term_paths

NAMESPACES: Final[Mapping[str, str]] = {
    **CII_NAMESPACES,
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
    "ubl-invoice": "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2",
    "ubl-creditnote": "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2",
}
"""The prefixes of the paths, whatever prefixes the document itself uses."""

_PREFIXES: Final = {uri: prefix for prefix, uri in NAMESPACES.items()}
_FIELD_STEP = re.compile(r"([a-z_]+)(?:\[(\d*)\])?")
_STEPS = re.compile(r"/(?![^\[]*\])")
_ATTRIBUTE = re.compile(r"/?@(\w+)$")


def field_of(term: str) -> str:
    """The field that holds a business term (`BT-106`: `totals.line_net`); empty when it is in a repeated group."""
    path = term_paths().get(term, "")
    return "" if "[]" in path else path


class SourcePaths:
    """The paths in one document; what was looked up once is remembered, so that a thousand findings stay cheap."""

    def __init__(self, root: etree._Element, *, ubl: bool) -> None:
        self._root = root
        self._table = _tables()["ubl" if ubl else "cii"]
        self._found: dict[tuple[etree._Element, str], list[etree._Element]] = {}
        self._names: dict[etree._Element, str] = {}
        self._paths: dict[etree._Element, str] = {}

    def of_field(self, field: str) -> str:
        """The XPath of a field's element or attribute (`lines[2].quantity`), or of the nearest group that is there."""
        here, key = self._root, ""
        for match in _FIELD_STEP.finditer(field):
            name, index = match.groups()
            key = f"{key}.{name}" if key else name
            xpath = _entry(self._table, key)
            if xpath is None:
                continue
            xpath, attribute = _split(xpath)
            found = self._find(here, xpath) if xpath else [here]
            if not found:
                return self.of_element(self._nearest(here, xpath))
            if index is None and len(found) > 1 and key in _REPEATED:
                return self.of_element(here)  # one of several, and nobody says which
            if int(index or 0) >= len(found):
                return self.of_element(here)
            here = found[int(index or 0)]
            if attribute:
                return f"{self.of_element(here)}/@{attribute}"
        return self.of_element(here)

    def of_element(self, element: etree._Element) -> str:
        """The XPath of an element, with the prefixes of `NAMESPACES`, a position where siblings share its name."""
        known = self._paths.get(element)
        if known is None:
            parent = element.getparent()
            above = "" if parent is None else self.of_element(parent)
            known = self._paths[element] = f"{above}/{self._name(element, parent)}"
        return known

    def _find(self, here: etree._Element, xpath: str) -> list[etree._Element]:
        key = (here, xpath)
        if key not in self._found:
            self._found[key] = cast("list[Any]", _compiled(xpath)(here))
        return self._found[key]

    def _nearest(self, here: etree._Element, xpath: str) -> etree._Element:
        """The deepest element there is on the way of `xpath`."""
        steps = [] if "|" in xpath else _STEPS.split(xpath)
        for count in range(len(steps) - 1, 0, -1):
            found = self._find(here, "/".join(steps[:count]))
            if found:
                return found[0]
        return here

    def _name(self, element: etree._Element, parent: etree._Element | None) -> str:
        if element not in self._names:
            # All the children of a parent are named at once: a position is found by counting them.
            siblings: dict[str, list[etree._Element]] = {}
            for each in [element] if parent is None else parent:
                siblings.setdefault(each.tag, []).append(each)
            for tag, alike in siblings.items():
                step = _step(tag)
                for position, each in enumerate(alike, start=1):
                    self._names[each] = step if len(alike) == 1 else f"{step}[{position}]"
        return self._names[element]


_REPEATED: Final = frozenset(path.replace("[]", "") for path in term_paths().values() if path.endswith("[]"))


@cache
def _tables() -> Mapping[str, Mapping[str, str]]:
    text = files(__package__).joinpath("data", "source_paths.toml").read_text(encoding="utf-8")
    tables: dict[str, dict[str, str]] = tomllib.loads(text)
    return {syntax: {key: xpath.format(**table) for key, xpath in table.items()} for syntax, table in tables.items()}


def _entry(table: Mapping[str, str], key: str) -> str | None:
    """The XPath of a field: its own entry, else that of all fields which end alike (`*.address.city`)."""
    found = table.get(key)
    _, dot, rest = key.partition(".")
    while found is None and dot:
        found = table.get(f"*.{rest}")
        _, dot, rest = rest.partition(".")
    return found


def _split(xpath: str) -> tuple[str, str]:
    """An XPath without the attribute at its end, and that attribute's name."""
    found = _ATTRIBUTE.search(xpath)
    return (xpath, "") if found is None else (xpath[: found.start()], found[1])


@cache
def _compiled(xpath: str) -> etree.XPath:
    return etree.XPath(xpath, namespaces=dict(NAMESPACES))


def _step(tag: str) -> str:
    name = etree.QName(tag)
    prefix = _PREFIXES.get(name.namespace or "")
    if prefix:
        return f"{prefix}:{name.localname}"
    return f"*[local-name()='{name.localname}' and namespace-uri()='{name.namespace or ''}']"
