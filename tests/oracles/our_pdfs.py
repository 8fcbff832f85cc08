"""One PDF of every kind that we write, by the flavours of PDF/A and PDF/UA that it claims."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from faitfoi.einvoice.cii import write_cii
from faitfoi.einvoice.facturx import SignedPdf, attach, replace
from faitfoi.einvoice.model import Invoice
from faitfoi.einvoice.page import Look, render_page
from faitfoi.einvoice.pdfa_wrap import wrap
from faitfoi.einvoice.profiles import EN16931
from faitfoi.einvoice.xml import Unreadable
from faitfoi.evidence.seal import SealKey, seal
from tests.conformance.plain_bases import plain
from tests.einvoice import pages, plain_pdfs
from tests.einvoice.plain_pdfs import AT, Standard, by_typst, changed, with_file
from tests.einvoice.test_pdfa import WRAPPED
from tests.evidence.conftest import real_pdfs

PROFILES = {
    "minimum": "urn:factur-x.eu:1p0:minimum",
    "basic_wl": "urn:factur-x.eu:1p0:basicwl",
    "basic": "urn:cen.eu:en16931:2017#compliant#urn:factur-x.eu:1p0:basic",
    "en16931": EN16931,
    "extended": "urn:cen.eu:en16931:2017#conformant#urn:factur-x.eu:1p0:extended",
    "extended_ctc_fr": "urn:cen.eu:en16931:2017#conformant#urn.cpro.gouv.fr:1p0:extended-ctc-fr",
    "xrechnung": "urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0",
}
SOURCES: tuple[Standard, ...] = ("a-1b", "a-2a", "a-2b", "a-2u", "a-3a", "a-3b")

Kind = tuple[str, frozenset[str], bytes]


def every_kind(key: SealKey, folder: Path) -> Iterator[Kind]:
    """Each as (name, the flavours it claims, its bytes); what is made is yielded once as it is and once sealed."""
    for name, flavours, pdf in _unsealed(folder):
        yield name, flavours, pdf
        yield f"{name}-sealed", flavours, seal(pdf, key, at=AT)


def _unsealed(folder: Path) -> Iterator[Kind]:
    ours = frozenset({"3a", "ua1"})
    for name, specification in PROFILES.items():
        data = _invoice(specification)
        yield f"page-{name}", ours, render_page(data, look=Look(), created=AT, xml=write_cii(data))
    long = pages.invoice(60)
    yield "page-long", ours, render_page(long, look=pages.LOOK, created=AT, xml=write_cii(long))
    yield "page-copy", ours, render_page(long, look=Look(), created=AT, xml=None, mark="COPIE")
    page = render_page(long, look=Look(), created=AT, xml=write_cii(long))
    yield "page-replaced", ours, replace(page, write_cii(_invoice(EN16931)), at=AT, specification=EN16931)
    for standard, (name, specification) in zip(SOURCES, PROFILES.items(), strict=False):
        xml = write_cii(_invoice(specification))
        made = attach(by_typst(standard), xml, at=AT, specification=specification)
        yield f"attached-{standard}-{name}", frozenset({f"3{standard[-1]}"}), made
    with_conditions = changed(by_typst("a-2b"), with_file("conditions.pdf", by_typst("a-2b")))
    made = attach(with_conditions, write_cii(_invoice(EN16931)), at=AT, specification=EN16931)
    yield "attached-beside-another", frozenset({"3b"}), made
    yield from _wrapped(folder)


def _wrapped(folder: Path) -> Iterator[Kind]:
    basic = frozenset({"3b"})
    xml = write_cii(_invoice(EN16931))
    sources = {name.replace(" ", "_").replace("/", ""): make() for name, make in WRAPPED.items()}
    if (printed := plain_pdfs.by_chromium(folder)) is not None:
        sources["browser"] = printed
    for name, source in sources.items():
        wrapped = wrap(source, at=AT)
        yield f"wrapped-{name}", basic, wrapped
        yield f"wrapped-attached-{name}", basic, attach(wrapped, xml, at=AT, specification=EN16931)


def real_ones() -> Iterator[Kind]:
    """Real PDFs of others, given our invoice where they take it and wrapped where they can be."""
    basic = frozenset({"3b"})
    xml = write_cii(_invoice(EN16931))
    for number, path in enumerate(real_pdfs()):
        pdf = path.read_bytes()
        try:
            made = attach(wrap(pdf, at=AT), xml, at=AT, specification=EN16931)
        except (SignedPdf, Unreadable):
            continue
        yield f"real-{number}-{path.stem}", basic, made
        try:
            made = attach(pdf, xml, at=AT, specification=EN16931)
        except Unreadable:
            continue
        yield f"real-{number}-{path.stem}-as-it-is", basic, made


def _invoice(specification: str) -> Invoice:
    """A valid invoice that states a profile (its PDF is judged, not whether the profile holds all its terms)."""
    valid = plain()
    return dataclasses.replace(valid, process=dataclasses.replace(valid.process, specification=specification))
