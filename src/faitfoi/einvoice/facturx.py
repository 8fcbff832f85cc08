"""The PDF side of Factur-X and ZUGFeRD 2: find the XML inside, judge the envelope, swap the XML.

A signed PDF is never rewritten. Source: Factur-X 1.07; ISO 32000-2, 7.11 (embedded files); ISO 19005-3.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pikepdf

from faitfoi.einvoice.facturx_safety import (
    BROKEN_PDF,
    Inspection,
    inspect,
    inspect_opened,
    open_pdf,
    read_stream,
)
from faitfoi.einvoice.facturx_xmp import FacturXProperties, with_facturx
from faitfoi.einvoice.profiles import Profile, conformance_level, profile_of
from faitfoi.einvoice.xml import MAX_XML_BYTES, Unreadable, UnreadableXml

__all__ = ["FACTURX_FILENAME", "Contents", "Inspection", "SignedPdf", "attach", "extract", "inspect", "unpack"]

FACTURX_FILENAME = "factur-x.xml"

# In order of preference, compared in lower case. "ZUGFeRD-invoice.xml" was the name in ZUGFeRD 1.
_KNOWN_NAMES = (FACTURX_FILENAME, "xrechnung.xml", "zugferd-invoice.xml")
_MARKS = (b"CrossIndustryInvoice", b"CrossIndustryDocument")
_MAX_FILES = 500
_MAX_XMP_BYTES = 4 * 1024 * 1024
_NOTHING_INSIDE = (
    "Ce PDF ne contient pas de facture électronique (factur-x.xml) : "
    "envoyez un Factur-X, ou le fichier XML de la facture."
)


class SignedPdf(Exception):
    """The PDF is signed: changing it would break its signature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The XML a PDF carries, byte for byte, and whether the PDF is signed."""

    xml: bytes
    signed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Embedded:
    name: str
    key: str
    specification: pikepdf.Object


def extract(pdf: bytes) -> bytes:
    """The embedded invoice XML, byte for byte. Raises Unreadable when there is none or the PDF cannot be opened."""
    with open_pdf(pdf) as opened:
        return _extract(opened)


def unpack(pdf: bytes) -> Contents:
    """`inspect` and `extract` in one opening. Raises Unreadable as they do."""
    with open_pdf(pdf) as opened:
        inspection = inspect_opened(opened)
        return Contents(xml=_extract(opened), signed=inspection.signed)


def attach(pdf: bytes, xml: bytes, *, at: datetime, specification: str) -> bytes:
    """A PDF with `xml` as its Factur-X invoice instead of the one it had; pages, fonts and other files stay.

    `at` is the modification time written for the file; `specification` the XML's BT-24, which gives the profile.
    Raises SignedPdf when the PDF is signed, Unreadable when it cannot be opened or is refused by `inspect`.
    """
    with open_pdf(pdf) as opened:
        if inspect_opened(opened).signed:
            raise SignedPdf("Ce PDF est signé : son XML ne peut plus être remplacé.")
        try:
            return _attach(opened, xml, at=at, specification=specification)
        except UnreadableXml as error:
            raise Unreadable("Les métadonnées XMP de ce PDF sont illisibles : exportez-le de nouveau.") from error
        except BROKEN_PDF as error:
            raise Unreadable("Ce PDF est endommagé : son XML ne peut pas être remplacé.") from error


def _extract(pdf: pikepdf.Pdf) -> bytes:
    try:
        embedded = list(_embedded_files(pdf))
        found = _known(embedded) or _recognised(embedded)
        if found is None:
            raise Unreadable(_NOTHING_INSIDE)
        stream = _stream(found.specification)
        if stream is None:
            raise Unreadable(_NOTHING_INSIDE)
        return read_stream(stream, max_bytes=MAX_XML_BYTES)
    except BROKEN_PDF as error:
        raise Unreadable("Le fichier joint à ce PDF est endommagé : exportez-le de nouveau.") from error


def _known(embedded: list[_Embedded]) -> _Embedded | None:
    for name in _KNOWN_NAMES:
        for candidate in embedded:
            if candidate.name.lower() == name and _stream(candidate.specification) is not None:
                return candidate
    return None


def _recognised(embedded: list[_Embedded]) -> _Embedded | None:
    """The only XML file that begins like a CII invoice, when none has a usual name."""
    found = []
    for candidate in embedded:
        stream = _stream(candidate.specification)
        if stream is None or not candidate.name.lower().endswith(".xml"):
            continue
        beginning = read_stream(stream, max_bytes=MAX_XML_BYTES)[:4096]
        if any(mark in beginning for mark in _MARKS):
            found.append(candidate)
    return found[0] if len(found) == 1 else None


def _embedded_files(pdf: pikepdf.Pdf) -> Iterator[_Embedded]:
    """Every file specification of the name tree, then those that only the associated files (AF) mention."""
    names = pdf.Root.get("/Names")
    tree = names.get("/EmbeddedFiles") if isinstance(names, pikepdf.Dictionary) else None
    pairs = list(_tree(tree)) + [("", specification) for specification in _associated(pdf)]
    seen: set[tuple[int, int]] = set()
    for key, specification in pairs[:_MAX_FILES]:
        if not isinstance(specification, pikepdf.Dictionary):
            continue
        if specification.is_indirect:
            if specification.objgen in seen:
                continue
            seen.add(specification.objgen)
        given = specification.get("/UF") or specification.get("/F") or key
        yield _Embedded(name=str(given).strip(), key=key, specification=specification)


def _tree(root: pikepdf.Object | None) -> Iterator[tuple[str, pikepdf.Object]]:
    """Keys and values of a name tree, whatever its shape; a loop in it ends at the number of files we read."""
    waiting = [root]
    visited = 0
    while waiting and visited < _MAX_FILES:
        node = waiting.pop()
        visited += 1
        if not isinstance(node, pikepdf.Dictionary):
            continue
        entries = node.get("/Names")
        if isinstance(entries, pikepdf.Array):
            flat = entries.as_list()
            yield from ((str(key), value) for key, value in zip(flat[::2], flat[1::2], strict=False))
        children = node.get("/Kids")
        if isinstance(children, pikepdf.Array):
            waiting.extend(reversed(children.as_list()))


def _associated(pdf: pikepdf.Pdf) -> list[pikepdf.Object]:
    files = pdf.Root.get("/AF")
    if isinstance(files, pikepdf.Array):
        return list(files.as_list())
    return [files] if isinstance(files, pikepdf.Dictionary) else []


def _stream(specification: pikepdf.Object) -> pikepdf.Object | None:
    forms = specification.get("/EF")
    if not isinstance(forms, pikepdf.Dictionary):
        return None
    for name in ("/F", "/UF"):
        stream = forms.get(name)
        if isinstance(stream, pikepdf.Stream):
            return stream
    return None


def _attach(pdf: pikepdf.Pdf, xml: bytes, *, at: datetime, specification: str) -> bytes:
    embedded = list(_embedded_files(pdf))
    replaced = [file for file in embedded if file.name.lower() in _KNOWN_NAMES] or [
        file for file in (_recognised(embedded),) if file is not None
    ]
    kept = [file for file in embedded if file not in replaced]
    relationship = next(
        (found for file in replaced if (found := file.specification.get("/AFRelationship")) is not None),
        _relationship(specification),
    )
    new = _specification(pdf, xml, at=at, relationship=relationship)
    pairs = sorted([(file.key or file.name, file.specification) for file in kept] + [(FACTURX_FILENAME, new)], key=_key)
    if not isinstance(pdf.Root.get("/Names"), pikepdf.Dictionary):
        pdf.Root.Names = pikepdf.Dictionary()
    flat = [value for key, file in pairs for value in (pikepdf.String(key), file)]
    pdf.Root.Names.EmbeddedFiles = pikepdf.Dictionary(Names=pikepdf.Array(flat))
    gone = {file.specification.objgen for file in replaced}
    others = [file for file in _associated(pdf) if file.objgen not in gone or not file.is_indirect]
    pdf.Root.AF = pikepdf.Array([*(file for file in others if not _is_known(file)), new])
    _write_xmp(pdf, specification)
    saved = io.BytesIO()
    pdf.save(saved, deterministic_id=True, fix_metadata_version=False)
    return saved.getvalue()


def _key(pair: tuple[str, pikepdf.Object]) -> bytes:
    return pair[0].encode("utf-16-be")  # a name tree is sorted by its keys


def _is_known(specification: pikepdf.Object) -> bool:
    return str(specification.get("/UF") or specification.get("/F") or "").strip().lower() in _KNOWN_NAMES


def _relationship(specification: str) -> pikepdf.Name:
    """Data when the XML says less than the page (MINIMUM, BASIC WL), else Alternative: Factur-X 1.07, 6.2.2."""
    partial = profile_of(specification) in {Profile.MINIMUM, Profile.BASIC_WL}
    return pikepdf.Name.Data if partial else pikepdf.Name.Alternative


def _specification(pdf: pikepdf.Pdf, xml: bytes, *, at: datetime, relationship: pikepdf.Object) -> pikepdf.Object:
    stream = pdf.make_stream(xml)
    stream.stream_dict.Type = pikepdf.Name.EmbeddedFile
    stream.stream_dict.Subtype = pikepdf.Name("/text/xml")
    stream.stream_dict.Params = pikepdf.Dictionary(
        Size=len(xml), ModDate=pikepdf.String(pikepdf.models.metadata.encode_pdf_date(at))
    )
    return pdf.make_indirect(
        pikepdf.Dictionary(
            Type=pikepdf.Name.Filespec,
            F=pikepdf.String(FACTURX_FILENAME),
            UF=pikepdf.String(FACTURX_FILENAME),
            Desc=pikepdf.String("Factur-X"),
            AFRelationship=relationship,
            EF=pikepdf.Dictionary(F=stream, UF=stream),
        )
    )


def _write_xmp(pdf: pikepdf.Pdf, specification: str) -> None:
    metadata = pdf.Root.get("/Metadata")
    present = isinstance(metadata, pikepdf.Stream)
    xmp = read_stream(metadata, max_bytes=_MAX_XMP_BYTES) if metadata is not None and present else b""
    properties = FacturXProperties(filename=FACTURX_FILENAME, conformance_level=conformance_level(specification))
    stream = pdf.make_stream(with_facturx(xmp, properties))
    stream.stream_dict.Type = pikepdf.Name.Metadata
    stream.stream_dict.Subtype = pikepdf.Name.XML
    pdf.Root.Metadata = stream
