"""Factur-X inside a PDF that Typst has just written: the XML's bytes and the XMP that announces them.

Typst attaches a placeholder, which gives the file its names, relationship and associated-files entry; here the
placeholder's stream and the XMP are replaced and the cross-reference table written anew. The result has one revision,
as if it had been written so, and costs a fraction of what opening and saving the document would.
"""

import hashlib
import re
import zlib
from dataclasses import dataclass
from functools import cache

from faitfoi.einvoice.facturx_xmp import FacturXProperties, fragments
from faitfoi.einvoice.facturx_xmp import with_facturx as declare_facturx

_STARTXREF = re.compile(rb"startxref\s+(\d+)\s+%%EOF\s*$")
_XREF = re.compile(rb"xref\s+0 (\d+)\s+")
_ENTRY_BYTES = 20
_ID = re.compile(rb"/ID\[.*\]")

# Where Typst's XMP ends its list of extension schemas, and its descriptions.
_BAG_END = b"</rdf:Bag></pdfaExtension:schemas>"
_RDF_END = b"</rdf:RDF>"


@dataclass(slots=True, kw_only=True)
class _Parts:
    """A PDF with a plain cross-reference table, cut into its header, its objects (by number) and its trailer."""

    header: bytes
    objects: dict[int, bytes]
    trailer: bytes


def with_facturx(pdf: bytes, xml: bytes, *, level: str) -> bytes:
    """The PDF with its placeholder replaced by `xml`, and Factur-X `level` ("EN 16931"…) declared in its XMP.

    `pdf` is Typst's output with `factur-x.xml` attached. Raises ValueError when it is not of that form.
    """
    parts = _cut(pdf)
    catalog = parts.objects[_reference(parts.trailer, rb"/Root (\d+) 0 R")]
    metadata = _reference(catalog, rb"/Metadata (\d+) 0 R")
    filespec = parts.objects[_reference(catalog, rb"/Names\[\(factur-x\.xml\)(\d+) 0 R\]")]
    embedded = _reference(filespec, rb"/EF<</F (\d+) 0 R")
    properties = FacturXProperties(filename="factur-x.xml", conformance_level=level)
    parts.objects[metadata] = _with_xmp(parts.objects[metadata], properties)
    parts.objects[embedded] = _with_content(parts.objects[embedded], xml)
    # The identifier Typst derives from the page alone would be the same for two different XML.
    identifier = hashlib.sha256(pdf + xml).digest()[:16].hex().encode()
    parts.trailer = _ID.sub(b"/ID[<%s><%s>]" % (identifier, identifier), parts.trailer, count=1)
    return _join(parts)


def page_count(pdf: bytes) -> int:
    """How many pages Typst has written."""
    return _reference(pdf, rb"<</Type/Pages/Count (\d+)")


def _cut(pdf: bytes) -> _Parts:
    start = _STARTXREF.search(pdf)
    table = start and _XREF.match(pdf, int(start[1]))
    if not (start and table):
        raise ValueError("This PDF has no plain cross-reference table.")
    size, entries, xref_at = int(table[1]), table.end(), int(start[1])
    offsets = sorted(
        (int(pdf[at : at + 10]), number)
        for number in range(1, size)
        for at in (entries + number * _ENTRY_BYTES,)
        if pdf[at + 17 : at + 18] == b"n"
    )
    ends = [offset for offset, _ in offsets[1:]] + [xref_at]
    return _Parts(
        header=pdf[: offsets[0][0]],
        objects={number: pdf[at:end] for (at, number), end in zip(offsets, ends, strict=True)},
        trailer=pdf[entries + size * _ENTRY_BYTES : start.start()],
    )


def _join(parts: _Parts) -> bytes:
    pieces, at, offsets = [parts.header], len(parts.header), {}
    for number, body in parts.objects.items():
        offsets[number] = at
        pieces.append(body)
        at += len(body)
    size = max(offsets) + 1
    table = b"".join(b"%010d 00000 n \n" % offsets[number] for number in range(1, size))
    pieces.append(b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table))
    pieces.append(b"%sstartxref\n%d\n%%%%EOF\n" % (parts.trailer, at))
    return b"".join(pieces)


def _reference(text: bytes, pattern: bytes) -> int:
    found = re.search(pattern, text)
    if found is None:
        raise ValueError(f"This PDF lacks {pattern.decode()}.")
    return int(found[1])


def _with_xmp(metadata: bytes, properties: FacturXProperties) -> bytes:
    head, xmp = _stream(metadata)
    if xmp.count(_BAG_END) != 1 or xmp.count(_RDF_END) != 1:
        return _object(head, declare_facturx(xmp, properties))
    entry, description = _fragments(properties)
    return _object(head, xmp.replace(_BAG_END, entry + _BAG_END).replace(_RDF_END, description + _RDF_END))


@cache
def _fragments(properties: FacturXProperties) -> tuple[bytes, bytes]:
    return fragments(properties)


def _with_content(embedded: bytes, xml: bytes) -> bytes:
    head, _ = _stream(embedded)
    head = re.sub(rb"/Filter/FlateDecode", b"", head)
    head = re.sub(rb"/Size \d+", b"/Size %d" % len(xml), head)
    return _object(head.replace(b"/Type", b"/Filter/FlateDecode/Type", 1), zlib.compress(xml, 6))


def _stream(body: bytes) -> tuple[bytes, bytes]:
    head, _, rest = body.partition(b"stream\n")
    return head, rest.rpartition(b"\nendstream")[0]


def _object(head: bytes, content: bytes) -> bytes:
    sized = re.sub(rb"/Length \d+", b"/Length %d" % len(content), head, count=1)
    return b"%sstream\n%s\nendstream\nendobj\n" % (sized, content)
