"""Whatever a real invoice says is in the model, or in a finding: changing it changes one of the two."""

import re
from collections.abc import Iterator

from lxml import etree

from faitfoi.einvoice.cii import CII_ROOT, read_cii, write_cii
from faitfoi.einvoice.facturx import unpack
from faitfoi.einvoice.findings import Finding
from faitfoi.einvoice.model import Invoice
from faitfoi.einvoice.reading import read as read_bytes
from faitfoi.einvoice.ubl import read_ubl, write_ubl
from faitfoi.einvoice.xml import Unreadable, parse_xml
from tests.einvoice.material import CORPORA, full_invoice, needs_corpora

_SUFFIXES = {".xml", ".pdf"}


def documents() -> Iterator[tuple[str, etree._Element]]:
    """The XML of every invoice of the corpora, by its path."""
    for path in sorted(CORPORA.rglob("*")):
        if path.suffix.lower() not in _SUFFIXES or "unit-tests" in str(path):
            continue
        data = path.read_bytes()
        try:
            root = parse_xml(unpack(data).xml if data[:1024].find(b"%PDF-") >= 0 else data)
        except Unreadable:
            continue
        if root.tag == CII_ROOT or etree.QName(root).localname in {"Invoice", "CreditNote"}:
            yield str(path.relative_to(CORPORA)), root


def read(root: etree._Element) -> tuple[Invoice, tuple[Finding, ...]]:
    return read_cii(root) if root.tag == CII_ROOT else read_ubl(root)


def kind(element: etree._Element) -> str:
    """The path of an element by names alone."""
    names = [etree.QName(each).localname for each in (element, *element.iterancestors())]
    return "/".join(reversed(names))


@needs_corpora
def test_no_text_of_a_real_invoice_is_dropped_in_silence() -> None:
    seen: set[str] = set()
    silent: dict[str, str] = {}
    for name, root in documents():
        before = read(root)
        reported = [each.path for each in before[1]]
        for element in root.iter():
            text = element.text
            here = kind(element)
            if len(element) or not text or not text.strip() or here in seen:
                continue
            seen.add(here)
            path = root.getroottree().getpath(element)
            if any(path == each or path.startswith(each + "/") for each in reported):
                continue
            element.text = re.sub(r"\w", "7", text.strip()) + "7"
            if read(root) == before:
                silent[here] = name
            element.text = text
    assert len(seen) > 400
    assert silent == {}


def _texts(pair: tuple[object, object]) -> tuple[str, str]:
    return str(pair[0]), str(pair[1])


_OF_CODE_LISTS = {"schemeID", "listID", "unitCode"}
"""Attributes that the norm fixes on some elements (the list of a code, the scheme of an e-mail address)."""


@needs_corpora
def test_no_attribute_of_a_real_invoice_is_dropped_in_silence() -> None:
    seen: set[str] = set()
    silent: dict[str, str] = {}
    for name, root in documents():
        before = read(root)
        reported = [each.path for each in before[1]]
        for element in root.iter():
            for attribute, value in map(_texts, element.items()):
                here = f"{kind(element)}/@{etree.QName(attribute).localname}"
                path = root.getroottree().getpath(element)
                if here in seen or any(path == each or path.startswith(each + "/") for each in reported):
                    continue
                seen.add(here)
                element.set(attribute, "777")
                if read(root) == before and not attribute.startswith("{"):
                    silent[here] = name
                element.set(attribute, value)
    assert len(seen) > 80
    assert {here: name for here, name in silent.items() if here.rpartition("@")[2] not in _OF_CODE_LISTS} == {}


def test_an_attribute_that_no_norm_knows_is_reported_once_for_each_kind() -> None:
    source = write_cii(full_invoice()).replace(b"<ram:Name>", b'<ram:Name mood="good">')
    reading = read_bytes(source)
    assert {(each.rule, each.path.rpartition("/")[2]) for each in reading.findings} == {("FF-NOT-KEPT", "ram:Name")}
    assert len(reading.findings) == 1
    assert reading.invoice == full_invoice()


def test_an_amount_in_another_currency_is_reported() -> None:
    line = b'<cbc:LineExtensionAmount currencyID="EUR">105.00'
    source = write_ubl(full_invoice())
    assert line in source
    reading = read_bytes(source.replace(line, line.replace(b"EUR", b"USD")))
    (found,) = reading.findings
    assert "USD" in found.message
    assert found.path.endswith("LineExtensionAmount")
