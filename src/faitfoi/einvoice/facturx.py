"""The PDF side of Factur-X and ZUGFeRD 2: find the XML inside, attach one to a PDF/A, swap the one that is there.

A signed PDF is never rewritten. Source: Factur-X 1.07; ISO 32000-2, 7.11 (embedded files); ISO 19005-3.
"""

import io
import re
from dataclasses import dataclass
from datetime import datetime

import pikepdf

from faitfoi.einvoice.facturx_embedded import Embedded, associated, embedded_files, media_type
from faitfoi.einvoice.facturx_safety import (
    BROKEN_PDF,
    Inspection,
    examine_opened,
    inspect,
    inspect_opened,
    open_pdf,
    read_stream,
)
from faitfoi.einvoice.facturx_xmp import FacturXProperties, PdfAClaim, with_claim, with_facturx
from faitfoi.einvoice.findings import Finding, Severity
from faitfoi.einvoice.pdfa import MAX_XMP_BYTES, NotPdfA, look_into_opened
from faitfoi.einvoice.pdfa_fonts import forget_optional_sets
from faitfoi.einvoice.profiles import Profile, conformance_level, profile_of
from faitfoi.einvoice.xml import MAX_XML_BYTES, Unreadable, UnreadableXml

__all__ = [
    "FACTURX_FILENAME", "Contents", "Inspection", "NotPdfA", "SignedPdf", "attach", "extract", "inspect", "replace",
    "unpack",
]  # fmt: skip

FACTURX_FILENAME = "factur-x.xml"

# In order of preference, compared in lower case. "ZUGFeRD-invoice.xml" was the name in ZUGFeRD 1.
_KNOWN_NAMES = (FACTURX_FILENAME, "xrechnung.xml", "zugferd-invoice.xml")
_MARKS = (b"CrossIndustryInvoice", b"CrossIndustryDocument")
_BEGINS_LIKE_XML = re.compile(rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?[\s\x00]*<")
_XML_TYPES = frozenset({"/text/xml", "/application/xml", ""})
_NOTHING_INSIDE = (
    "Ce PDF ne contient pas de facture électronique (factur-x.xml) : "
    "envoyez un Factur-X, ou le fichier XML de la facture."
)


class SignedPdf(Exception):
    """The PDF is signed: changing it would break its signature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The XML a PDF carries, byte for byte, whether the PDF is signed, and what it says wrongly of its attachment."""

    xml: bytes
    signed: bool
    findings: tuple[Finding, ...] = ()


def extract(pdf: bytes) -> bytes:
    """The embedded invoice XML, byte for byte. Raises Unreadable when there is none or the PDF cannot be opened."""
    with open_pdf(pdf) as opened:
        return _extract(opened)[0]


def unpack(pdf: bytes) -> Contents:
    """`inspect` and `extract` in one opening. Raises Unreadable as they do."""
    with open_pdf(pdf) as opened:
        inspection = inspect_opened(opened)
        xml, findings = _extract(opened)
        return Contents(xml=xml, signed=inspection.signed, findings=findings)


def attach(pdf: bytes, xml: bytes, *, at: datetime, specification: str) -> bytes:
    """A Factur-X: the PDF/A `pdf` with `xml` (CII) as its invoice, in place of the one it may have had.

    PDF/A-1 and PDF/A-2 are raised to PDF/A-3, level kept (A, B, U); pages, fonts and other files stay. `at` is the
    modification time written for the file; `specification` the XML's BT-24, which gives the profile.
    Raises NotPdfA with every reason when the PDF is not a PDF/A (`pdfa_wrap.wrap` may make one of it), SignedPdf when
    it is signed, Unreadable when it cannot be opened.
    """
    with open_pdf(pdf) as opened:
        inspection = examine_opened(opened)  # what acts by itself is one reason among the others
        if inspection.signed:
            raise SignedPdf("Ce PDF est signé : y joindre une facture casserait sa signature.")
        conformity = look_into_opened(opened, inspection)
        if conformity.findings or conformity.claim is None:
            raise NotPdfA(conformity.findings)
        claim = PdfAClaim(part=3, level=conformity.claim.level)
        forget_optional_sets(opened)
        return _saved(opened, xml, at=at, specification=specification, claim=claim)


def replace(pdf: bytes, xml: bytes, *, at: datetime, specification: str) -> bytes:
    """A received Factur-X with `xml` instead of its own; what the PDF is or is not besides, it stays.

    For an artefact made of somebody else's PDF, whose conformity is not ours to judge; else use `attach`. Arguments
    and errors are those of `attach`, without NotPdfA.
    """
    with open_pdf(pdf) as opened:
        if inspect_opened(opened).signed:
            raise SignedPdf("Ce PDF est signé : son XML ne peut plus être remplacé.")
        return _saved(opened, xml, at=at, specification=specification, claim=None)


def _extract(pdf: pikepdf.Pdf) -> tuple[bytes, tuple[Finding, ...]]:
    try:
        embedded = embedded_files(pdf)
        found = _known(embedded) or _recognised(embedded)
        if found is None or found.stream is None:
            raise Unreadable(_NOTHING_INSIDE)
        xml = read_stream(found.stream, max_bytes=MAX_XML_BYTES)
        if not _BEGINS_LIKE_XML.match(xml[:100]):
            named = f"Le fichier joint à ce PDF sous le nom « {found.name[:60]} »"
            raise Unreadable(f"{named} n’est pas du XML, quoi qu’en dise le PDF : exportez-le de nouveau.")
        return xml, _lies(found.stream, xml)
    except BROKEN_PDF as error:
        raise Unreadable("Le fichier joint à ce PDF est endommagé : exportez-le de nouveau.") from error


def _known(embedded: list[Embedded]) -> Embedded | None:
    for name in _KNOWN_NAMES:
        for candidate in embedded:
            if candidate.stream is not None and candidate.is_called(name):
                return candidate
    return None


def _recognised(embedded: list[Embedded]) -> Embedded | None:
    """The only XML file that begins like a CII invoice, when none has a usual name."""
    found = []
    for candidate in embedded:
        if candidate.stream is None or not any(name.lower().endswith(".xml") for name in candidate.names):
            continue
        beginning = read_stream(candidate.stream, max_bytes=MAX_XML_BYTES)[:4096].replace(b"\x00", b"")
        if any(mark in beginning for mark in _MARKS):
            found.append(candidate)
    return found[0] if len(found) == 1 else None


def _lies(stream: pikepdf.Object, xml: bytes) -> tuple[Finding, ...]:
    """What the PDF says of its attachment that is not so. The bytes themselves decide what they are."""
    words = stream.stream_dict
    kind = str(words.get("/Subtype", ""))
    parameters = words.get("/Params")
    size = parameters.get("/Size") if isinstance(parameters, pikepdf.Dictionary) else None
    found = []
    if kind not in _XML_TYPES:
        found.append(
            Finding(
                rule="FF-PDF-ATTACHED-TYPE",
                severity=Severity.WARNING,
                message="The PDF says that its invoice is something else than XML.",
                message_fr=f"Le PDF dit que sa facture jointe est du type « {kind[1:40]} » : c’est du XML.",
                value=kind[1:40],
                remedy="Have the type text/xml written by the program that makes the PDF.",
                remedy_fr="Faites écrire le type text/xml par le logiciel qui produit le PDF.",
            )
        )
    if size is not None and size != len(xml):
        found.append(
            Finding(
                rule="FF-PDF-ATTACHED-SIZE",
                severity=Severity.WARNING,
                message=f"The PDF gives its invoice another size than its {len(xml)} bytes.",
                message_fr=f"Le PDF annonce pour sa facture jointe une autre taille que ses {len(xml)} octets.",
                value=str(size)[:40],
                remedy="Export the PDF again: its attachment may have been changed afterwards.",
                remedy_fr="Exportez de nouveau le PDF : sa pièce jointe a pu être changée après coup.",
            )
        )
    return tuple(found)


def _saved(pdf: pikepdf.Pdf, xml: bytes, *, at: datetime, specification: str, claim: PdfAClaim | None) -> bytes:
    try:
        _put(pdf, xml, at=at, specification=specification, strictly=claim is not None)
        _write_xmp(pdf, specification, claim)
        saved = io.BytesIO()
        pdf.save(saved, deterministic_id=True, fix_metadata_version=False)
    except UnreadableXml as error:
        raise Unreadable("Les métadonnées XMP de ce PDF sont illisibles : exportez-le de nouveau.") from error
    except BROKEN_PDF as error:
        raise Unreadable("Ce PDF est endommagé : son XML ne peut pas être remplacé.") from error
    return saved.getvalue()


def _put(pdf: pikepdf.Pdf, xml: bytes, *, at: datetime, specification: str, strictly: bool) -> None:
    embedded = embedded_files(pdf)
    replaced = [file for file in embedded if any(file.is_called(name) for name in _KNOWN_NAMES)] or [
        file for file in (_recognised(embedded),) if file is not None
    ]
    kept = [file for file in embedded if file not in replaced]
    relationship = next(
        (found for file in replaced if (found := file.specification.get("/AFRelationship")) is not None),
        _relationship(specification),
    )
    new = _specification(pdf, xml, at=at, relationship=relationship)
    in_tree = [(file.key or file.name, file.specification) for file in kept if file.in_tree]
    pairs = sorted([*in_tree, (FACTURX_FILENAME, new)], key=lambda pair: pair[0].encode("utf-16-be"))
    if not isinstance(pdf.Root.get("/Names"), pikepdf.Dictionary):
        pdf.Root.Names = pikepdf.Dictionary()
    flat = [value for key, file in pairs for value in (pikepdf.String(key), file)]
    pdf.Root.Names.EmbeddedFiles = pikepdf.Dictionary(Names=pikepdf.Array(flat))
    others = [file for file in associated(pdf.Root) if not _is_among(file, replaced)]
    pdf.Root.AF = pikepdf.Array([*others, *(_to_associate(kept, others) if strictly else ()), new])
    _forget_elsewhere(pdf, replaced)


def _to_associate(kept: list[Embedded], others: list[pikepdf.Object]) -> list[pikepdf.Object]:
    """The files kept that a PDF/A-3 must associate with something: PDF/A-2 did not ask for it (ISO 19005-3, 6.8)."""
    added = []
    for file in kept:
        words = file.specification
        if not file.in_tree or not words.is_indirect or any(words.objgen == other.objgen for other in others):
            continue
        if "/AFRelationship" not in words:
            words.AFRelationship = pikepdf.Name.Unspecified
            words.F = words.UF = pikepdf.String(file.name)
            if file.stream is not None and "/Subtype" not in file.stream:
                file.stream.Subtype = pikepdf.Name("/" + media_type(file.name))
            added.append(words)
    return added


def _forget_elsewhere(pdf: pikepdf.Pdf, replaced: list[Embedded]) -> None:
    """No page may go on showing the invoice that is no longer the document's."""
    for page in pdf.pages:
        if "/AF" in page.obj:
            page.obj.AF = pikepdf.Array([each for each in associated(page.obj) if not _is_among(each, replaced)])
        listed = page.obj.get("/Annots")
        if isinstance(listed, pikepdf.Array):
            shown = listed.as_list()
            left = [
                each
                for each in shown
                if not (isinstance(each, pikepdf.Dictionary) and _is_among(each.get("/FS"), replaced))
            ]
            if len(left) < len(shown):
                page.obj.Annots = pikepdf.Array(left)


def _is_among(specification: object, files: list[Embedded]) -> bool:
    if not isinstance(specification, pikepdf.Dictionary):
        return False
    if specification.is_indirect:
        return any(specification.objgen == file.specification.objgen for file in files)
    return any(not file.specification.is_indirect and file.specification == specification for file in files)


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


def _write_xmp(pdf: pikepdf.Pdf, specification: str, claim: PdfAClaim | None) -> None:
    metadata = pdf.Root.get("/Metadata")
    present = isinstance(metadata, pikepdf.Stream)
    xmp = read_stream(metadata, max_bytes=MAX_XMP_BYTES) if metadata is not None and present else b""
    properties = FacturXProperties(filename=FACTURX_FILENAME, conformance_level=conformance_level(specification))
    declared = with_facturx(xmp if claim is None else with_claim(xmp, claim), properties)
    stream = pdf.make_stream(declared)
    stream.stream_dict.Type = pikepdf.Name.Metadata
    stream.stream_dict.Subtype = pikepdf.Name.XML
    pdf.Root.Metadata = stream
