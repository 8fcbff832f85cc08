"""A PDF/A-3b around the pages of a PDF that is not one, when nothing that they show has to change.

What acts (scripts, actions, forms) is taken out, forms and notes are drawn into their page as they look, and the
document is declared anew: output intent, metadata, attached files. What cannot be mended so (fonts that are not
embedded, colours that no sRGB intent covers, a signature) is refused with its reason. Source: ISO 19005-3:2012.
"""

import io
from datetime import datetime

import pikepdf
from pikepdf import Array, Dictionary, Name, String
from pikepdf.models.metadata import encode_pdf_date

from faitfoi.einvoice.facturx import SignedPdf
from faitfoi.einvoice.facturx_embedded import Embedded, embedded_files, media_type
from faitfoi.einvoice.facturx_safety import (
    BROKEN,
    BROKEN_PDF,
    ENCRYPTED,
    MAX_STREAM_BYTES,
    XFA,
    examine_opened,
    inspect_opened,
    open_pdf,
    read_stream,
    stream_filters,
)
from faitfoi.einvoice.facturx_xmp import PdfAClaim, new_packet
from faitfoi.einvoice.pdfa import NotPdfA, changes_with_use, fitting_intent, look_into_opened
from faitfoi.einvoice.pdfa_content import annotations, inherited
from faitfoi.einvoice.pdfa_findings import finding
from faitfoi.einvoice.pdfa_fonts import forget_optional_sets, give_glyph_map
from faitfoi.einvoice.pdfa_icc import srgb_profile
from faitfoi.einvoice.xml import Unreadable

__all__ = ["wrap"]

_PAGE_KEYS = frozenset(
    f"/{name}"
    for name in (
        "Type", "Parent", "MediaBox", "CropBox", "BleedBox", "TrimBox", "ArtBox", "Rotate", "UserUnit", "Resources",
        "Contents", "Group", "Annots",
    )
)  # fmt: skip
_ROOT_KEYS = frozenset({"/Type", "/Pages", "/Lang", "/PageLabels", "/OCProperties"})
_LINK_KEYS = frozenset({"/Type", "/Subtype", "/Rect", "/Border", "/QuadPoints", "/C", "/Contents", "/A"})
_IMAGE_FAULTS = ("/Interpolate", "/Alternates", "/OPI", "/Intent")
_FORBIDDEN_FILTERS = frozenset({"/LZWDecode", "/LZW", "/Crypt"})
_PRINTED = 4
_MOST_PARENTS = 50
_NO_TITLE = "Facture"


def wrap(pdf: bytes, *, at: datetime) -> bytes:
    """A PDF/A-3b that shows the pages of `pdf`; the same arguments give the same bytes.

    `at` (aware) is its date. Kept: pages, links to addresses, attached files, layers, title and language. Given up:
    the tags and bookmarks of the original, and all that acts by itself. `facturx.attach` then puts an invoice in it.
    Raises SignedPdf when the PDF is signed, NotPdfA with what stands in the way, Unreadable when it cannot be opened.
    """
    if at.tzinfo is None:
        raise ValueError("The time of wrapping needs its time zone.")
    try:
        with open_pdf(pdf) as opened:
            return _wrap(opened, at)
    except Unreadable as error:
        if error.reason != ENCRYPTED:
            raise
        raise NotPdfA((finding("FF-PDF-ENCRYPTED"),), wrapping=True) from error
    except BROKEN_PDF as error:
        raise Unreadable(BROKEN) from error


def _wrap(pdf: pikepdf.Pdf, at: datetime) -> bytes:
    inspection = examine_opened(pdf)
    if inspection.signed:
        raise SignedPdf("Ce PDF est signé : l’envelopper casserait sa signature.")
    if XFA in inspection.refusals:
        raise NotPdfA((finding("FF-PDF-XFA"),), wrapping=True)
    title = _title(pdf)
    intent = fitting_intent(pdf)
    files = [file for file in embedded_files(pdf) if file.stream is not None]
    _draw_annotations(pdf)
    for page in pdf.pages:
        _clean_page(page.obj)
    _clean_root(pdf)
    pdf.Root.OutputIntents = Array([_output_intent(pdf, intent)])
    _declare(pdf, title=title, at=at)
    _attach_all(pdf, files, at)
    wrapped = _saved(pdf)
    with open_pdf(wrapped) as again:
        findings = look_into_opened(again, inspect_opened(again)).findings
    if findings:
        raise NotPdfA(findings, wrapping=True)
    return wrapped


def _draw_annotations(pdf: pikepdf.Pdf) -> None:
    """Make the look of forms and notes part of their page, as on paper; links stay."""
    if isinstance(pdf.Root.get("/AcroForm"), Dictionary):
        pdf.generate_appearance_streams()
    pdf.flatten_annotations("all")
    for page in pdf.pages:
        for each in annotations(page.obj):
            if each.get("/Subtype") == Name.Widget and _is_filled(each):
                raise NotPdfA((finding("FF-PDF-FORM"),), wrapping=True)


def _is_filled(field: pikepdf.Object) -> bool:
    """True when a field left on the page, for want of a look, has a value that would be lost with it."""
    node: pikepdf.Object | None = field
    for _ in range(_MOST_PARENTS):
        if not isinstance(node, Dictionary):
            return False
        if "/V" in node:
            return str(node.get("/V")) not in {"", "/Off"}
        node = node.get("/Parent")
    return False


def _clean_page(page: pikepdf.Object) -> None:
    links = [link for each in annotations(page) if (link := _link(each)) is not None]
    resources = inherited(page, "/Resources")
    for name in [name for name in page.keys() if name not in _PAGE_KEYS]:  # noqa: SIM118 -- no mapping
        del page[name]
    if isinstance(resources, Dictionary):
        page.Resources = resources
        _give_resources(resources)
    if links:
        page.Annots = Array(links)
    elif "/Annots" in page:
        del page["/Annots"]


def _give_resources(resources: pikepdf.Object) -> None:
    """Forms that borrow the resources of their page get them as their own, as PDF/A wants (6.2.2)."""
    drawn = resources.get("/XObject")
    for each in drawn.as_dict().values() if isinstance(drawn, Dictionary) else ():
        if isinstance(each, pikepdf.Stream) and each.get("/Subtype") == Name.Form and "/Resources" not in each:
            each.Resources = resources


def _link(annotation: pikepdf.Object) -> pikepdf.Object | None:
    """The link to an address, without anything else; None for what is no such link."""
    action = annotation.get("/A")
    if annotation.get("/Subtype") != Name.Link or not isinstance(action, Dictionary) or action.get("/S") != Name.URI:
        return None
    address = action.get("/URI")
    if not isinstance(address, String):
        return None
    kept = {name: value for name, value in annotation.items() if name in _LINK_KEYS}
    return Dictionary({**kept, "/A": Dictionary(S=Name.URI, URI=address), "/F": _PRINTED})


def _clean_root(pdf: pikepdf.Pdf) -> None:
    for name in [name for name in pdf.Root.keys() if name not in _ROOT_KEYS]:  # noqa: SIM118
        del pdf.Root[name]
    _clean_layers(pdf.Root.get("/OCProperties"))
    for name in list(pdf.trailer.keys()):
        if name == "/Info":
            del pdf.trailer[name]
    forget_optional_sets(pdf)
    for each in pdf.objects:
        if isinstance(each, pikepdf.Stream):
            _clean_stream(each)
        elif isinstance(each, Dictionary):
            give_glyph_map(each)


def _clean_stream(stream: pikepdf.Object) -> None:
    words = stream.stream_dict
    if words.get("/Subtype") in {Name.Image, Name.Form}:
        for name in _IMAGE_FAULTS:
            if name in words:
                del words[name]
        for name in ("/PieceInfo", "/Metadata", "/StructParent", "/StructParents", "/AF"):
            if name in words:
                del words[name]
    if _FORBIDDEN_FILTERS.intersection(stream_filters(stream)):
        stream.write(stream.read_bytes())


def _clean_layers(layers: pikepdf.Object | None) -> None:
    """Name every configuration of the layers, and let none change by itself what is shown (6.9)."""
    if not isinstance(layers, Dictionary):
        return
    more = layers.get("/Configs")
    for number, each in enumerate([layers.get("/D"), *(more.as_list() if isinstance(more, Array) else [])]):
        if not isinstance(each, Dictionary):
            continue
        if "/AS" in each and changes_with_use(layers):
            continue  # printed and shown pages differ: for a person to flatten
        if "/AS" in each:
            del each["/AS"]
        each.Name = String(f"Configuration {number}")
        if "/Order" in each:
            each.Order = layers.get("/OCGs", Array([]))


def _output_intent(pdf: pikepdf.Pdf, known: pikepdf.Object | None) -> pikepdf.Object:
    """The document's own intent when it fits what the pages use (one made for PDF/X too), else sRGB."""
    if known is not None:
        condition = known.get("/OutputConditionIdentifier")
        return Dictionary(
            Type=Name.OutputIntent,
            S=Name.GTS_PDFA1,
            OutputConditionIdentifier=condition if isinstance(condition, String) else String("Custom"),
            DestOutputProfile=known.DestOutputProfile,
        )
    profile = pdf.make_stream(srgb_profile())
    profile.stream_dict.N = 3
    return Dictionary(
        Type=Name.OutputIntent,
        S=Name.GTS_PDFA1,
        OutputConditionIdentifier=String("sRGB"),
        Info=String("sRGB IEC61966-2.1"),
        DestOutputProfile=pdf.make_indirect(profile),
    )


def _declare(pdf: pikepdf.Pdf, *, title: str, at: datetime) -> None:
    metadata = pdf.make_stream(new_packet(PdfAClaim(part=3, level="B"), title=title, at=at))
    metadata.stream_dict.Type = Name.Metadata
    metadata.stream_dict.Subtype = Name.XML
    pdf.Root.Metadata = pdf.make_indirect(metadata)


def _title(pdf: pikepdf.Pdf) -> str:
    information = pdf.trailer.get("/Info")
    given = information.get("/Title") if isinstance(information, Dictionary) else None
    words = "".join(each if each.isprintable() else " " for each in str(given)) if isinstance(given, String) else ""
    return words.strip()[:200] or _NO_TITLE


def _attach_all(pdf: pikepdf.Pdf, files: list[Embedded], at: datetime) -> None:
    kept: dict[str, pikepdf.Object] = {}
    for number, file in enumerate(files, start=1):
        name = file.name or f"fichier-{number}"
        name = f"{number}-{name}" if name in kept else name
        kept[name] = _attached(pdf, file, name, at)
    if kept:
        ordered = sorted(kept, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
        flat = [item for name in ordered for item in (String(name), kept[name])]
        pdf.Root.Names = Dictionary(EmbeddedFiles=Dictionary(Names=Array(flat)))
        pdf.Root.AF = Array(list(kept.values()))


def _attached(pdf: pikepdf.Pdf, file: Embedded, name: str, at: datetime) -> pikepdf.Object:
    """The same file, described as PDF/A-3 wants it (6.8)."""
    assert file.stream is not None  # noqa: S101  # only such files are kept
    content = read_stream(file.stream, max_bytes=MAX_STREAM_BYTES)
    stream = pdf.make_stream(content)
    stream.stream_dict.Type = Name.EmbeddedFile
    stream.stream_dict.Subtype = Name("/" + media_type(name))
    stream.stream_dict.Params = Dictionary(Size=len(content), ModDate=String(encode_pdf_date(at)))
    given = file.specification.get("/AFRelationship")
    return pdf.make_indirect(
        Dictionary(
            Type=Name.Filespec,
            F=String(name),
            UF=String(name),
            AFRelationship=given if isinstance(given, Name) else Name.Unspecified,
            EF=Dictionary(F=stream, UF=stream),
        )
    )


def _saved(pdf: pikepdf.Pdf) -> bytes:
    saved = io.BytesIO()
    pdf.save(saved, deterministic_id=True, fix_metadata_version=False, force_version="1.7")
    return saved.getvalue()
