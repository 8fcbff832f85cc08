"""Whether a PDF is a PDF/A that can become a Factur-X, and if not, every reason why.

A static look by pikepdf, not a whole validation: it sees what programs that export ordinary PDFs get wrong (claim,
colours, fonts, transparency, actions, forms, attachments…), and does not judge glyph by glyph, nor the syntax of the
file, which saving writes anew. What passes here and is written by us is submitted to veraPDF by `make conformance`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pikepdf
from lxml import etree

from faitfoi.einvoice.facturx_embedded import embedded_files, is_associated
from faitfoi.einvoice.facturx_safety import (
    BROKEN,
    BROKEN_PDF,
    ENCRYPTED,
    JAVASCRIPT,
    XFA,
    Inspection,
    examine_opened,
    open_pdf,
    read_stream,
    stream_filters,
)
from faitfoi.einvoice.facturx_xmp import PdfAClaim, claim_in, undeclared
from faitfoi.einvoice.findings import Finding
from faitfoi.einvoice.pdfa_content import Used, annotations, is_true, what_is_used
from faitfoi.einvoice.pdfa_findings import NotPdfA, finding, is_mended
from faitfoi.einvoice.pdfa_fonts import badly_encoded, is_embedded, name_of
from faitfoi.einvoice.xml import Unreadable, UnreadableXml

__all__ = ["Conformity", "NotPdfA", "PdfAClaim", "look_into"]

MAX_XMP_BYTES = 4 * 1024 * 1024

_NAMED_ACTIONS = frozenset({"/NextPage", "/PrevPage", "/FirstPage", "/LastPage"})
_ACTIONS = frozenset({"/GoTo", "/GoToR", "/GoToE", "/Thread", "/URI", "/Named", "/SubmitForm"})
_LOOKLESS = frozenset({"/Popup", "/Link"})
_ANNOTATIONS = frozenset(
    f"/{name}"
    for name in (
        "Text", "Link", "FreeText", "Line", "Square", "Circle", "Polygon", "PolyLine", "Highlight", "Underline",
        "Squiggly", "StrikeOut", "Stamp", "Caret", "Ink", "Popup", "FileAttachment", "Widget", "PrinterMark",
        "TrapNet", "Watermark", "Redact",
    )
)  # fmt: skip
_COMPONENTS = {"DeviceGray": 1, "DeviceRGB": 3, "DeviceCMYK": 4}
_SMALLEST, _LARGEST = 3, 14_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Conformity:
    """What a look into a PDF gives: its claim if it makes one, whether it is signed, and what speaks against it."""

    claim: PdfAClaim | None
    signed: bool
    findings: tuple[Finding, ...]

    @property
    def wrappable(self) -> bool:
        """True when `pdfa_wrap.wrap` may be tried: nothing is signed, and nothing speaks against it that it keeps."""
        return not self.signed and all(is_mended(one) for one in self.findings)


def look_into(pdf: bytes) -> Conformity:
    """Every reason why these bytes are not a PDF/A-1, -2 or -3 that can carry an invoice; no findings: they are.

    Raises Unreadable when there is no PDF to look into: damage, a bomb, more than the limits.
    """
    try:
        with open_pdf(pdf) as opened:
            return look_into_opened(opened, examine_opened(opened))
    except Unreadable as error:
        if error.reason != ENCRYPTED:
            raise
        return Conformity(claim=None, signed=False, findings=(finding("FF-PDF-ENCRYPTED"),))


def look_into_opened(pdf: pikepdf.Pdf, inspection: Inspection) -> Conformity:
    """`look_into` for a PDF that is open and inspected already."""
    try:
        claim, faults = _claim(pdf)
        part = claim.part if claim is not None and claim.part in {1, 2, 3} else 3
        used = what_is_used(pdf)
        findings = (
            *faults,
            *_acting(pdf, inspection),
            *_colours(pdf, used),
            *_fonts(used),
            *_graphics(used, part),
            *_objects(pdf),
            *_pages(pdf),
            *_root(pdf, claim, part),
        )
    except BROKEN_PDF as error:
        raise Unreadable(BROKEN) from error
    return Conformity(claim=claim, signed=inspection.signed, findings=findings)


def _claim(pdf: pikepdf.Pdf) -> tuple[PdfAClaim | None, tuple[Finding, ...]]:
    metadata = pdf.Root.get("/Metadata")
    if not isinstance(metadata, pikepdf.Stream):
        return None, (finding("FF-PDF-CLAIM"),)
    try:
        xmp = read_stream(metadata, max_bytes=MAX_XMP_BYTES)
        claim, strange = claim_in(xmp), undeclared(xmp)
    except (UnreadableXml, etree.LxmlError):
        return None, (finding("FF-PDF-XMP"),)
    if claim is None:
        return None, (finding("FF-PDF-CLAIM"),)
    if claim.part not in {1, 2, 3} or claim.level not in {"A", "B", "U"}:
        return claim, (finding("FF-PDF-PART", [f"PDF/A-{claim.part}{claim.level.lower()}"]),)
    return claim, (finding("FF-PDF-XMP-SCHEMA", strange),) if strange else ()


def _acting(pdf: pikepdf.Pdf, inspection: Inspection) -> Iterator[Finding]:
    if JAVASCRIPT in inspection.refusals:
        yield finding("FF-PDF-SCRIPT")
    if XFA in inspection.refusals:
        yield finding("FF-PDF-XFA")
    actions = set(_forbidden_actions(pdf))
    if actions or any(reason not in {JAVASCRIPT, XFA} for reason in inspection.refusals):
        yield finding("FF-PDF-ACTION", actions or {"OpenAction"})


def _forbidden_actions(pdf: pikepdf.Pdf) -> Iterator[str]:
    holders = [pdf.Root, *(page.obj for page in pdf.pages)]
    for holder in holders:
        if "/AA" in holder:
            yield "AA"
    opening = pdf.Root.get("/OpenAction")
    listed = [opening] if isinstance(opening, pikepdf.Dictionary) else []
    for page in pdf.pages:
        for annotation in annotations(page.obj):
            if "/AA" in annotation:
                yield "AA"
            if isinstance(action := annotation.get("/A"), pikepdf.Dictionary):
                listed.append(action)
    for action in listed:
        kind = str(action.get("/S", "/GoTo"))
        if kind == "/JavaScript":
            continue  # said apart
        if kind not in _ACTIONS or (kind == "/Named" and str(action.get("/N", "")) not in _NAMED_ACTIONS):
            yield kind[1:]


def _colours(pdf: pikepdf.Pdf, used: Used) -> Iterator[Finding]:
    components = _output_components(pdf)
    if components is None:
        if used.device:
            yield finding("FF-PDF-OUTPUT-INTENT", used.device)
        return
    if unfit := {name for name in used.device - {"DeviceGray"} if _COMPONENTS[name] != components}:
        yield finding("FF-PDF-COLOUR", unfit)


def _output_components(pdf: pikepdf.Pdf) -> int | None:
    """How many components the profile of PDF/A's output intent has; None without one."""
    for intent in _intents(pdf):
        if str(intent.get("/S", "")) == "/GTS_PDFA1":
            return int(intent.DestOutputProfile.get("/N", 0))
    return None


def fitting_intent(pdf: pikepdf.Pdf) -> pikepdf.Object | None:
    """An output intent of the PDF, whatever standard it was written for, that covers the colours of its pages."""
    used = what_is_used(pdf).device - {"DeviceGray"}
    for intent in _intents(pdf):
        components = intent.DestOutputProfile.get("/N", 0)
        if all(_COMPONENTS[name] == components for name in used):
            return intent
    return None


def _intents(pdf: pikepdf.Pdf) -> Iterator[pikepdf.Object]:
    intents = pdf.Root.get("/OutputIntents")
    for intent in intents.as_list() if isinstance(intents, pikepdf.Array) else []:
        if isinstance(intent, pikepdf.Dictionary) and isinstance(intent.get("/DestOutputProfile"), pikepdf.Stream):
            yield intent


def _fonts(used: Used) -> Iterator[Finding]:
    if missing := {name_of(font) for font in used.fonts.values() if not is_embedded(font)}:
        yield finding("FF-PDF-FONT", missing)
    if odd := {name_of(font) for font in used.fonts.values() if is_embedded(font) and badly_encoded(font)}:
        yield finding("FF-PDF-FONT-ENCODING", odd)


def _graphics(used: Used, part: int) -> Iterator[Finding]:
    if used.transparency and part == 1:
        yield finding("FF-PDF-TRANSPARENCY")
    if used.postscript:
        yield finding("FF-PDF-POSTSCRIPT")
    if used.image_faults:
        yield finding("FF-PDF-IMAGE", used.image_faults)
    if used.state_faults:
        yield finding("FF-PDF-STATE", used.state_faults)


def _objects(pdf: pikepdf.Pdf) -> Iterator[Finding]:
    """What is forbidden in whatever stream holds it."""
    filters: set[str] = set()
    external: set[str] = set()
    for each in pdf.objects:
        if not isinstance(each, pikepdf.Stream):
            continue
        words = each.stream_dict
        filters |= {name[1:] for name in stream_filters(each) if name in {"/LZWDecode", "/LZW", "/Crypt"}}
        if any(name in words for name in ("/F", "/FFilter", "/FDecodeParms")):
            external.add("F")
        if "/Ref" in words and str(words.get("/Subtype", "")) == "/Form":
            external.add("XObject Ref")
    if filters:
        yield finding("FF-PDF-FILTER", filters)
    if external:
        yield finding("FF-PDF-EXTERNAL", external)


def _pages(pdf: pikepdf.Pdf) -> Iterator[Finding]:
    faults: set[str] = set()
    sizes: set[str] = set()
    for number, page in enumerate(pdf.pages, start=1):
        box = page.mediabox
        if not all(_SMALLEST <= abs(float(box[at + 2]) - float(box[at])) <= _LARGEST for at in (0, 1)):
            sizes.add(f"page {number}")
        faults |= {fault for annotation in annotations(page.obj) for fault in _annotation_faults(annotation)}
    if faults:
        yield finding("FF-PDF-ANNOTATION", faults)
    if sizes:
        yield finding("FF-PDF-PAGE", sizes)


def _annotation_faults(annotation: pikepdf.Object) -> Iterator[str]:
    kind = str(annotation.get("/Subtype", ""))
    flags = int(annotation.get("/F", 0))
    # Hidden, invisible or never shown, or not printed: ISO 19005-3, 6.3.2. A popup is but a note's window.
    hidden = flags & 0b10_0011 or not flags & 0b100
    if kind not in _ANNOTATIONS or (kind != "/Popup" and hidden):
        yield kind[1:] or "?"
    elif kind not in _LOOKLESS and not _is_pointlike(annotation):
        looks = annotation.get("/AP")
        if not isinstance(looks, pikepdf.Dictionary) or "/N" not in looks:
            yield kind[1:]


def _is_pointlike(annotation: pikepdf.Object) -> bool:
    """An annotation without surface needs no look: invisible seals are such."""
    rectangle = annotation.get("/Rect")
    if not isinstance(rectangle, pikepdf.Array) or len(rectangle) != 4:
        return False
    left, low, right, high = (float(each) for each in rectangle.as_list())
    return left == right and low == high


def _root(pdf: pikepdf.Pdf, claim: PdfAClaim | None, part: int) -> Iterator[Finding]:
    form = pdf.Root.get("/AcroForm")
    if isinstance(form, pikepdf.Dictionary) and is_true(form, "/NeedAppearances"):
        yield finding("FF-PDF-FORM")
    if faults := set(_layer_faults(pdf, part)):
        yield finding("FF-PDF-LAYERS-USE" if "AS" in faults else "FF-PDF-LAYERS", faults)
    if faults := set(_attachment_faults(pdf, part)):
        yield finding("FF-PDF-ATTACHMENT", faults)
    marks = pdf.Root.get("/MarkInfo")
    tagged = isinstance(marks, pikepdf.Dictionary) and is_true(marks, "/Marked") and "/StructTreeRoot" in pdf.Root
    if claim is not None and claim.level == "A" and not tagged:
        yield finding("FF-PDF-TAGGED")


def _layer_faults(pdf: pikepdf.Pdf, part: int) -> Iterator[str]:
    """ISO 19005-3, 6.9: every configuration is named, and none changes by itself what is shown."""
    layers = pdf.Root.get("/OCProperties")
    if not isinstance(layers, pikepdf.Dictionary):
        return
    if part == 1:
        yield "OCProperties"
    more = layers.get("/Configs")
    for configuration in [layers.get("/D"), *(more.as_list() if isinstance(more, pikepdf.Array) else [])]:
        if isinstance(configuration, pikepdf.Dictionary):
            if not str(configuration.get("/Name", "")):
                yield "Name"
            if "/AS" in configuration:
                yield "AS" if changes_with_use(layers) else "Name"


def changes_with_use(layers: pikepdf.Object) -> bool:
    """True when a layer says where it is shown: on paper, on the screen, at which zoom."""
    groups = layers.get("/OCGs")
    return isinstance(groups, pikepdf.Array) and any(
        isinstance(group, pikepdf.Dictionary) and "/Usage" in group for group in groups.as_list()
    )


def _attachment_faults(pdf: pikepdf.Pdf, part: int) -> Iterator[str]:
    for file in embedded_files(pdf):
        if part == 1:
            yield file.name or "?"
        elif part == 3:
            words = file.specification
            told = all(name in words for name in ("/F", "/UF", "/AFRelationship")) and is_associated(pdf, file)
            stream = file.stream
            if not told or (stream is not None and not _is_media_type(str(stream.stream_dict.get("/Subtype", "")))):
                yield file.name or "?"


def _is_media_type(name: str) -> bool:
    return bool(re.fullmatch(r"/[\w.+-]+/[\w.+-]+", name))
