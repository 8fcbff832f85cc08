"""What a seal adds to a PDF: changed objects and their cross-references, one incremental update (ISO 32000-1 §7.5.6).

The file is read by qpdf (through pikepdf), never rewritten: objects are edited in memory and written after the original
bytes. Whatever it has to repair or guess on the way is refused: two readers could see two documents under one seal.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from itertools import groupby

import pikepdf
from pikepdf import Array, Dictionary, Name, Object, Pdf, String

from faitfoi.evidence.pdf_stamp import Stamp, objects_of, show_on

FIELD = "Faitfoi"
LABEL = "Cachet électronique"
# Print set, hidden and the others clear (ISO 19005-3 §6.3.2); locked, since nobody should move it.
WIDGET_FLAGS = 4 | 128
SIGNATURES_EXIST = 1
APPEND_ONLY = 2
NOTHING_TO_SEE = b"<</Type/XObject/Subtype/Form/BBox[0 0 0 0]/Length 0>>\nstream\n\nendstream"
DEEPEST = 64
# A tree that refers to itself has no end.
MOST_NODES = 10_000
# startxref is sought by readers in the last kilobyte (ISO 32000-1 annex H.3, note 18).
TAIL = 1024
_STARTXREF = re.compile(rb"startxref\s+(\d+)\s+%%EOF")
_STREAM_OBJECT = re.compile(rb"\d+\s+\d+\s+obj")
# What is listed in the second table is seen by some readers and not by others (ISO 32000-1 §7.5.8.4).
_HYBRID = re.compile(rb"/XRefStm\s+\d")
# Where qpdf and a signature disagree about what a ByteRange is, the bytes decide: in doubt the file counts as signed.
_BYTE_RANGE = re.compile(rb"/ByteRange\s*\[")

# Room for /ByteRange's value, whose digits are known only once everything has its place.
BYTE_RANGE_WIDTH = 48
# What pikepdf raises when an object is not of the type that its place asks for.
_MISSHAPEN = (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError)

ALREADY_SIGNED = (
    "Ce PDF porte déjà une signature : le modifier la casserait. "
    "Envoyez-le tel quel, ou demandez l’original sans signature."
)
DAMAGED = (
    "La structure de ce PDF est endommagée : il ne peut pas être scellé. Produisez-le à nouveau, puis renvoyez-le."
)
ENCRYPTED = "Ce PDF est protégé par un mot de passe : il ne peut pas être scellé. Renvoyez-le sans protection."
DYNAMIC_FORM = "Ce PDF est un formulaire XFA : son contenu peut changer. Imprimez-le en PDF simple, puis renvoyez-le."
HYBRID = (
    "Ce PDF a deux tables de références : selon le lecteur, il ne montre pas la même chose. "
    "Enregistrez-le en PDF/A, puis renvoyez-le."
)
NOT_A_PDF = "Ce fichier ne commence pas comme un PDF : il ne peut pas être scellé. Renvoyez le PDF lui-même."


class SealRefused(Exception):
    """The PDF cannot be sealed; `reason` is a French sentence for whoever sent it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """The objects to write after the original bytes, and what its cross-reference section must say.

    `objects` maps (number, generation) to bytes; `signature` is the number kept for the signature dictionary;
    `size` is one more than the highest number in use; `trailer` has /Root, /Info and /ID; `previous` is the offset
    of the last section, `as_stream` its form.
    """

    objects: dict[tuple[int, int], bytes]
    signature: int
    size: int
    trailer: bytes
    previous: int
    as_stream: bool


def prepare(pdf: bytes, *, at: datetime, stamp: Stamp | None = None) -> Update:
    """The update that gives a PDF a signature field, a point; `SealRefused` with its reason when it cannot be.

    `stamp` is drawn on the first page.
    """
    if not pdf.startswith(b"%PDF-"):
        raise SealRefused(NOT_A_PDF)
    # The plain searches first: they are ten times as fast, and nearly no file has either word.
    if b"/ByteRange" in pdf and _BYTE_RANGE.search(pdf):
        raise SealRefused(ALREADY_SIGNED)
    if b"/XRefStm" in pdf and _HYBRID.search(pdf):
        raise SealRefused(HYBRID)
    try:
        with _opened(pdf) as document:
            update = _update(document, pdf, at=at, stamp=stamp)
            if document.get_warnings():
                raise SealRefused(DAMAGED)
            return update
    except pikepdf.PasswordError as error:
        raise SealRefused(ENCRYPTED) from error
    except (pikepdf.PdfError, *_MISSHAPEN) as error:
        raise SealRefused(DAMAGED) from error


def lay_out(pdf: bytes, room: int, at: datetime, stamp: Stamp | None = None) -> tuple[bytes, bytes]:
    """Everything before and after the hex string that will hold the seal: together, exactly what is sealed.

    `room` is the seal's size in bytes, `stamp` what a visible one shows. Raises SealRefused.
    """
    update = prepare(pdf, at=at, stamp=stamp)
    parts = [pdf if pdf.endswith(b"\n") else pdf + b"\n"]
    position = len(parts[0])
    offsets = {}
    for place, content in update.objects.items():
        offsets[place] = position
        parts.append(b"%d %d obj\n%s\nendobj\n" % (*place, content))
        position += len(parts[-1])
    offsets[update.signature, 0] = position
    opening = b"%d 0 obj\n<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/M(%s)/ByteRange" % (
        update.signature,
        pdf_date(at),
    )
    closing = b">>\nendobj\n"
    gap_start = position + len(opening) + BYTE_RANGE_WIDTH + len(b"/Contents")
    gap_end = gap_start + 2 * room + len(b"<>")
    after = closing + cross_references(update, offsets, start=gap_end + len(closing))
    byte_range = b"[0 %d %d %d]" % (gap_start, gap_end, len(after))
    parts.extend((opening, byte_range.ljust(BYTE_RANGE_WIDTH), b"/Contents"))
    return b"".join(parts), after


def is_signed(pdf: bytes) -> bool:
    """True when the PDF carries a signature, ours or another's, valid or not; what cannot be read carries none."""
    if _BYTE_RANGE.search(pdf):
        return True
    try:
        with _opened(pdf) as document:
            return _has_signature(_held(document.Root))
    except (pikepdf.PdfError, pikepdf.PasswordError, SealRefused, *_MISSHAPEN):
        return False


def cross_references(update: Update, offsets: dict[tuple[int, int], int], *, start: int) -> bytes:
    """The section that lists the written objects, in the form of the section before it, down to %%EOF."""
    if update.as_stream:
        return _section_as_stream(update, offsets, start=start)
    rows = {number: b"%010d %05d n \n" % (offset, generation) for (number, generation), offset in offsets.items()}
    lines = [b"xref\n"]
    for run in _runs(rows):
        lines.append(b"%d %d\n" % (run[0], len(run)))
        lines.extend(rows[number] for number in run)
    trailer = b"trailer\n<</Size %d/Prev %d%s>>\n" % (update.size, update.previous, update.trailer)
    return b"".join(lines) + trailer + _end(start)


def _opened(pdf: bytes) -> Pdf:
    """The file as it is: nothing repaired, nothing moved.

    Inherited page attributes, moved to the page as qpdf would, would be in objects that no update writes.
    """
    return pikepdf.open(BytesIO(pdf), attempt_recovery=False, inherit_page_attributes=False)


def _held(item: Object) -> Dictionary:
    """The entries of one dictionary, whatever happens to the object itself.

    qpdf reads objects when their place is looked at. One that lies about its number takes the place of another, and
    ends the process when that one is being looked through; so only copies are.
    """
    if not isinstance(item, Dictionary):
        raise SealRefused(DAMAGED)
    return copy(item)


def _update(document: Pdf, pdf: bytes, *, at: datetime, stamp: Stamp | None) -> Update:
    if document.is_encrypted:
        raise SealRefused(ENCRYPTED)
    root = _held(document.Root)
    if _has_signature(root):
        raise SealRefused(ALREADY_SIGNED)
    previous, as_stream = _last_section(pdf)
    page = _first_page(root.Pages)
    if page is None or not page.is_indirect:
        raise SealRefused(DAMAGED)
    # The three objects we add follow the last one. Asking qpdf for their numbers would make it read the whole file
    # (3 ms for a page of 200 objects), so names that no file can hold, its own digest, stand for them until written.
    digest = hashlib.sha256(pdf).hexdigest()
    names = [Name(f"/{digest}{place}") for place in range(6 if stamp else 3)]
    signature, appearance, field, *drawing = names
    widget = _field(page, signature, appearance, taken=_names(root))
    place, changed = _with_field(document, root, field)
    sheet = _held(page)
    sheet.Annots = Array([*sheet.get("/Annots", Array()), field])
    if "/StructTreeRoot" in root:
        # PDF/UA-1 §7.18.3: a page with an annotation says that tabs follow the structure.
        sheet.Tabs = Name.S
    if stamp:
        show_on(sheet, _inherited(page, "/Resources"), drawing)
    first = int(document.trailer.Size)
    numbers = {str(name).encode(): b"%d 0 R" % (first + place) for place, name in enumerate(names)}
    return Update(
        objects={
            (first + 1, 0): NOTHING_TO_SEE,
            (first + 2, 0): _numbered(widget, numbers),
            page.objgen: _numbered(sheet, numbers),
            place: _numbered(changed, numbers),
            **({(first + 3 + n, 0): content for n, content in enumerate(objects_of(stamp))} if stamp else {}),
        },
        signature=first,
        # A cross-reference stream has a number too.
        size=first + len(names) + int(as_stream),
        trailer=_trailer(document, digest, at=at),
        previous=previous,
        as_stream=as_stream,
    )


def _numbered(item: Object, numbers: dict[bytes, bytes]) -> bytes:
    """The object as it is written, with the numbers in place of the names that stood for them."""
    content = item.unparse(resolved=True)
    for name, number in numbers.items():
        content = content.replace(name, number)
    return content


def _field(page: Object, signature: Name, appearance: Name, *, taken: set[str]) -> Dictionary:
    name = next(name for name in _candidates() if name not in taken)
    left, bottom = _corner(page)
    # A point in the corner of the page: PDF/UA-1 §7.18.1 asks a place in the structure tree of what lies within the
    # page only. PDF/A-3 asks no appearance of a point (ISO 19005-3 §6.3.3); PDF/A-1 does, so it has an empty one.
    return Dictionary(
        Type=Name.Annot,
        Subtype=Name.Widget,
        FT=Name.Sig,
        T=String(name),
        TU=String(LABEL),
        F=WIDGET_FLAGS,
        AP=Dictionary(N=appearance),
        Rect=Array([left, bottom, left, bottom]),
        P=page,
        V=signature,
    )


def _with_field(document: Pdf, root: Dictionary, field: Name) -> tuple[tuple[int, int], Dictionary]:
    """The object that must be written for the form to have the field, and its number: the form, or the catalogue."""
    given = root.get("/AcroForm")
    form = _held(given) if given is not None else Dictionary()
    if "/XFA" in form:
        raise SealRefused(DYNAMIC_FORM)
    form.Fields = Array([*form.get("/Fields", Array()), field])
    form.SigFlags = int(form.get("/SigFlags", 0)) | SIGNATURES_EXIST | APPEND_ONLY
    if given is not None and given.is_indirect:
        return given.objgen, form
    root.AcroForm = form
    return document.Root.objgen, root


def _has_signature(root: Dictionary) -> bool:
    # Only a signature field's value is a dictionary (ISO 32000-1 §12.7.4), wherever its type comes from.
    return "/Perms" in root or any(isinstance(field.get("/V"), Dictionary) for field in _fields(root))


def _fields(root: Dictionary) -> Iterator[Dictionary]:
    """Every field of the form, nested ones too."""
    form = root.get("/AcroForm")
    waiting = [] if form is None else [_held(form).get("/Fields", Array())]
    seen = 0
    while waiting:
        for item in waiting.pop():
            seen += 1
            if seen > MOST_NODES:
                raise SealRefused(DAMAGED)
            if isinstance(item, Dictionary):
                field = _held(item)
                yield field
                if "/Kids" in field:
                    waiting.append(field.Kids)


def _names(root: Dictionary) -> set[str]:
    return {str(field.get("/T", "")) for field in _fields(root)}


def _candidates() -> Iterator[str]:
    yield FIELD
    number = 1
    while True:
        number += 1
        yield f"{FIELD}{number}"


def _first_page(tree: Object) -> Object | None:
    waiting = [tree]
    for _ in range(MOST_NODES):
        if not waiting:
            break
        item = waiting.pop()
        node = _held(item)
        if "/Kids" in node:
            waiting.extend(reversed(list(node.Kids)))
        elif node.get("/Type", Name.Page) == Name.Page:
            return item
    return None


def _corner(page: Object) -> tuple[Object | int, Object | int]:
    box = _inherited(page, "/CropBox", "/MediaBox")
    return (0, 0) if box is None else (box[0], box[1])


def _inherited(page: Object, *names: str) -> Object | None:
    """The first of these entries that the page has, or its parents for it; None when there is none."""
    item: Object | None = page
    for _ in range(DEEPEST):
        if item is None:
            break
        node = _held(item)
        for name in names:
            if name in node:
                return node[name]
        item = node.get("/Parent")
    return None


def _last_section(pdf: bytes) -> tuple[int, bool]:
    found = _STARTXREF.findall(pdf[-TAIL:])
    if not found:
        raise SealRefused(DAMAGED)
    offset = int(found[-1])
    if pdf.startswith(b"xref", offset):
        return offset, False
    if _STREAM_OBJECT.match(pdf, offset):
        return offset, True
    raise SealRefused(DAMAGED)


def _trailer(document: Pdf, digest: str, *, at: datetime) -> bytes:
    given = document.trailer
    changed = hashlib.sha256(f"{digest} {at.isoformat()}".encode()).hexdigest()[:32].encode()
    identifiers = given.get("/ID")
    first = identifiers[0].unparse() if identifiers is not None else b"<" + changed + b">"
    info = b"/Info " + given.Info.unparse() if "/Info" in given else b""
    return b"/Root %s%s/ID[%s<%s>]" % (document.Root.unparse(), info, first, changed)


def _section_as_stream(update: Update, offsets: dict[tuple[int, int], int], *, start: int) -> bytes:
    itself = update.size - 1
    rows = {number: _row(1, offset, generation) for (number, generation), offset in offsets.items()}
    rows[itself] = _row(1, start, 0)
    index = b" ".join(b"%d %d" % (run[0], len(run)) for run in _runs(rows))
    content = b"".join(rows[number] for number in sorted(rows))
    head = b"%d 0 obj\n<</Type/XRef/Size %d/Prev %d%s/W[1 4 2]/Index[%s]/Length %d>>\nstream\n" % (
        itself,
        update.size,
        update.previous,
        update.trailer,
        index,
        len(content),
    )
    return head + content + b"\nendstream\nendobj\n" + _end(start)


def _row(kind: int, offset: int, generation: int) -> bytes:
    return bytes((kind,)) + offset.to_bytes(4, "big") + generation.to_bytes(2, "big")


def _runs(rows: Iterable[int]) -> list[list[int]]:
    """The numbers in runs of consecutive ones, as sections list them."""
    numbered = enumerate(sorted(rows))
    return [[number for _, number in run] for _, run in groupby(numbered, key=lambda item: item[1] - item[0])]


def _end(start: int) -> bytes:
    return b"startxref\n%d\n%%%%EOF\n" % start


def pdf_date(at: datetime) -> bytes:
    """An instant as PDF writes it (ISO 32000-1 §7.9.4), in UTC."""
    return at.astimezone(UTC).strftime("D:%Y%m%d%H%M%S+00'00'").encode()
