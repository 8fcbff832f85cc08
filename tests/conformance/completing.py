"""Fragments of the official unit tests completed into whole documents, as their rules expect one around them."""

import copy
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from faitfoi.einvoice.cii import CII_ROOT, write_cii
from faitfoi.einvoice.ubl import CREDIT_NOTE_ROOT, INVOICE_ROOT, write_ubl
from faitfoi.einvoice.xml import parse_xml
from tests.conformance.plain_bases import credit_note, plain
from tests.conformance.tree import Element, name_of, remove

# What only frames others in CII: a fragment has it without all that stands beside.
_FRAMES = frozenset(
    {"SupplyChainTradeTransaction", "ApplicableHeaderTradeAgreement", "ApplicableHeaderTradeSettlement"}
)


def unit_tests(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every document of the unit tests in a folder as (file#number, XML), completed where it is a fragment."""
    bases = {
        CII_ROOT: parse_xml(write_cii(plain())),
        INVOICE_ROOT: parse_xml(write_ubl(plain())),
        CREDIT_NOTE_ROOT: parse_xml(write_ubl(credit_note())),
    }
    for path in sorted(folder.rglob("*.xml")):
        root = parse_xml(path.read_bytes())
        fragments = list(root.iter(*bases))
        for number, fragment in enumerate(fragments, start=1):
            alone = fragment.getparent() is None
            whole = fragment if alone else completed(fragment, bases[fragment.tag])
            yield f"{path.relative_to(folder)}#{number}", etree.tostring(whole, with_tail=False)


def completed(fragment: Element, base: Element) -> Element:
    """The base with what the fragment says instead of what the base says of the same things."""
    whole = copy.deepcopy(base)
    _take_over(fragment, whole)
    return whole


def _take_over(fragment: Element, whole: Element) -> None:
    whole.attrib.update(fragment.attrib)
    for tag in dict.fromkeys(child.tag for child in fragment):
        given, there = list(fragment.iterchildren(tag)), list(whole.iterchildren(tag))
        if there and name_of(there[0]) in _FRAMES:
            _take_over(given[0], there[0])
            continue
        place = whole.index(there[0]) if there else len(whole)
        for each in there:
            remove(each)
        for offset, each in enumerate(given):
            whole.insert(place + offset, copy.deepcopy(each))
