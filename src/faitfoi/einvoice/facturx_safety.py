"""What makes a PDF unfit to be taken in: encrypted, acting by itself, swelling when opened. And whether it is signed.

Fast path: each object is written out once and searched for suspicious names; only an object that has one is walked.
"""

import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import pikepdf

from faitfoi.einvoice.xml import Unreadable

MAX_PDF_BYTES = 64 * 1024 * 1024
MAX_STREAM_BYTES = 128 * 1024 * 1024
"""Largest decoded stream: an A4 page scanned at 600 dpi in colour is 104 MB."""
MAX_DECODED_BYTES = 384 * 1024 * 1024
"""Largest sum of all decoded streams."""

MAX_PDF_OBJECTS = 100_000
"""The most objects in a PDF: an invoice of a hundred pages has some thousands."""
_MAX_QPDF_STREAM = 48 * 1024 * 1024

_SUSPICIOUS = re.compile(rb"/(?:JS|JavaScript|Launch|ImportData|SubmitForm|XFA|RichMedia\w*|AA|OpenAction|ByteRange)\b")
_HARMLESS_ACTIONS = frozenset({"/GoTo", "/Named"})
_MAX_DEPTH = 60
_CHUNK = 1024 * 1024

JAVASCRIPT = "Ce PDF contient du JavaScript, refusé par sécurité : exportez-le sans script, puis renvoyez-le."
_LAUNCH = "Ce PDF contient une action qui lance un programme, refusée par sécurité : exportez-le sans elle."
_FORM = "Ce PDF contient une action qui envoie ou importe des données, refusée par sécurité : exportez-le sans elle."
XFA = "Ce PDF contient un formulaire XFA, refusé par sécurité : imprimez-le en PDF simple, puis renvoyez-le."
_MEDIA = "Ce PDF contient un média enrichi (RichMedia), refusé par sécurité : exportez-le sans lui."
_AUTOMATIC = "Ce PDF déclenche une action tout seul, ce qui est refusé par sécurité : exportez-le sans actions."
ENCRYPTED = "Ce PDF est chiffré ou protégé par un mot de passe : enregistrez-le sans protection, puis renvoyez-le."
_TOO_DEEP = "Ce PDF est imbriqué au-delà du raisonnable : exportez-le de nouveau, puis renvoyez-le."
BROKEN = "Ce PDF est endommagé et ne peut pas être lu : exportez-le de nouveau depuis votre logiciel."
_CROWDED = (
    f"Ce PDF compte plus de {MAX_PDF_OBJECTS} objets, ce qui est refusé par sécurité : imprimez-le en PDF de nouveau."
)
_ODD = "Une partie de ce PDF est codée comme aucun texte ne l’est (image, chiffre…) : exportez-le de nouveau."
_BOMB = "Ce PDF gonfle démesurément à l’ouverture, ce qui est refusé par sécurité : exportez-le de nouveau."

BROKEN_PDF = (pikepdf.PdfError, pikepdf.DataDecodingError, ValueError, TypeError, KeyError, RuntimeError)
"""What pikepdf raises about files that are not what they claim (its C++ core reports damage as RuntimeError)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What `inspect` found: a signature, and (where they are not refused at once) why it could not be taken in."""

    signed: bool
    refusals: tuple[str, ...] = ()


def open_pdf(data: bytes) -> pikepdf.Pdf:
    """Open a PDF that is neither too large, nor damaged, nor encrypted; else raise Unreadable."""
    if len(data) > MAX_PDF_BYTES:
        raise Unreadable(f"Ce PDF pèse {len(data)} octets, plus que les {MAX_PDF_BYTES} acceptés : allégez-le.")
    if data.count(b" obj") > MAX_PDF_OBJECTS:
        raise Unreadable(_CROWDED)
    try:
        pdf = pikepdf.open(io.BytesIO(data))
    except pikepdf.PasswordError as error:
        raise Unreadable(ENCRYPTED) from error
    except BROKEN_PDF as error:
        # qpdf calls a security handler that it does not know (certificates…) damage.
        raise Unreadable(ENCRYPTED if b"/Encrypt" in data else BROKEN) from error
    if pdf.is_encrypted:
        pdf.close()
        raise Unreadable(ENCRYPTED)
    if len(pdf.objects) > MAX_PDF_OBJECTS:
        pdf.close()
        raise Unreadable(_CROWDED)
    return pdf


def bound_qpdf() -> None:
    """Bound what qpdf itself inflates or parses when it opens a PDF, for the whole process: the child calls it.

    Object and cross-reference streams are decoded before we see anything; nothing else that we ask qpdf to decode is
    larger than this (images are not decoded).
    """
    pikepdf.settings.set_qpdf_limits(
        flate_max_memory=_MAX_QPDF_STREAM,
        png_max_memory=_MAX_QPDF_STREAM,
        tiff_max_memory=_MAX_QPDF_STREAM,
        run_length_max_memory=_MAX_QPDF_STREAM,
        dct_max_memory=_MAX_QPDF_STREAM,
        parser_max_container_size=4 * MAX_PDF_OBJECTS,
        doc_max_warnings=2_000,
    )


def inspect(data: bytes) -> Inspection:
    """Examine a PDF, or raise Unreadable with the sentence for the person who sent it.

    Refused: encryption, JavaScript, actions that launch, submit or import, XFA, RichMedia, automatic actions other
    than going to a page, streams that decode beyond the limits above.
    """
    with open_pdf(data) as pdf:
        return inspect_opened(pdf)


def inspect_opened(pdf: pikepdf.Pdf) -> Inspection:
    """`inspect` for a PDF that is open already."""
    inspection = examine_opened(pdf)
    if inspection.refusals:
        raise Unreadable(inspection.refusals[0])
    return inspection


def examine_opened(pdf: pikepdf.Pdf) -> Inspection:
    """`inspect` that gathers what acts by itself instead of refusing it; bombs and damage are refused all the same."""
    try:
        return _inspect(pdf)
    except BROKEN_PDF as error:
        raise Unreadable(BROKEN) from error


def read_stream(stream: pikepdf.Object, *, max_bytes: int) -> bytes:
    """The decoded bytes of one stream, or Unreadable when they are more than `max_bytes` or oddly encoded."""
    filters = stream_filters(stream)
    raw = stream.read_raw_bytes()
    if any(name not in {"/FlateDecode", "/Fl", "/ASCII85Decode", "/ASCIIHexDecode"} for name in filters):
        raise Unreadable(_ODD)
    if len(raw) > max_bytes:
        raise Unreadable(_BOMB)
    if _decoded_size(raw, filters, max_bytes) > max_bytes:
        raise Unreadable(_BOMB)
    return stream.read_bytes()


def _inspect(pdf: pikepdf.Pdf) -> Inspection:
    signed, refusals = False, dict[str, None]()
    decoded = 0
    for candidate in pdf.objects:
        if not isinstance(candidate, pikepdf.Object):
            continue  # a bare number or boolean
        value = candidate
        if isinstance(candidate, pikepdf.Stream):
            decoded += _stream_size(candidate)
            if decoded > MAX_DECODED_BYTES:
                raise Unreadable(_BOMB)
            value = candidate.stream_dict
        if _SUSPICIOUS.search(value.unparse(resolved=True)):
            for dictionary in _dictionaries(value, 0):
                try:
                    _refuse_actions(dictionary)
                except Unreadable as error:
                    refusals[error.reason] = None
                signed = signed or ("/ByteRange" in dictionary and "/Contents" in dictionary)
    return Inspection(signed=signed, refusals=tuple(refusals))


def _dictionaries(value: pikepdf.Object, depth: int) -> Iterator[pikepdf.Object]:
    """`value` and every dictionary written directly inside it; what it only refers to has its own turn."""
    if depth > _MAX_DEPTH:
        raise Unreadable(_TOO_DEEP)
    if isinstance(value, pikepdf.Dictionary):
        yield value
        children = [child for _, child in value.items()]
    elif isinstance(value, pikepdf.Array):
        children = list(value.as_list())
    else:
        return
    for child in children:
        if isinstance(child, pikepdf.Object) and not child.is_indirect:
            yield from _dictionaries(child, depth + 1)


def _refuse_actions(dictionary: pikepdf.Object) -> None:
    _refuse_kind(dictionary)
    if "/XFA" in dictionary:
        raise Unreadable(XFA)
    if str(dictionary.get("/Subtype", "")) == "/RichMedia" or "/RichMediaContent" in dictionary:
        raise Unreadable(_MEDIA)
    actions = dictionary.get("/AA")
    if isinstance(actions, pikepdf.Dictionary):
        for action in actions.values():
            _refuse_automatic(action)
    _refuse_automatic(dictionary.get("/OpenAction"))


def _refuse_kind(dictionary: pikepdf.Object) -> None:
    """Refuse what is dangerous even when a person has to click on it."""
    kind = str(dictionary.get("/S", ""))
    if "/JS" in dictionary or "/JavaScript" in dictionary or kind == "/JavaScript":
        raise Unreadable(JAVASCRIPT)
    if kind == "/Launch":
        raise Unreadable(_LAUNCH)
    if kind in {"/SubmitForm", "/ImportData"}:
        raise Unreadable(_FORM)


def _refuse_automatic(action: object) -> None:
    """Refuse an action that happens by itself, and those chained to it, unless it only moves within the document."""
    waiting, seen = [action], 0
    while waiting:
        current = waiting.pop()
        seen += 1
        if seen > _MAX_DEPTH:
            raise Unreadable(_AUTOMATIC)
        if not isinstance(current, pikepdf.Dictionary):
            continue  # a destination is an array or a name
        _refuse_kind(current)
        if str(current.get("/S", "/GoTo")) not in _HARMLESS_ACTIONS:
            raise Unreadable(_AUTOMATIC)
        following = current.get("/Next")
        waiting.extend(following.as_list() if isinstance(following, pikepdf.Array) else [following])


def stream_filters(stream: pikepdf.Object) -> list[str]:
    """The names of a stream's filters, in the order in which they are undone."""
    given = stream.stream_dict.get("/Filter")
    if given is None:
        return []
    if isinstance(given, pikepdf.Array):
        return [str(name) for name in given.as_list()]
    return [str(given)]


def _stream_size(stream: pikepdf.Object) -> int:
    """Decoded size as far as deflate makes it, stopping above the limit (image codecs are left to viewers)."""
    filters = stream_filters(stream)
    if not any(name in {"/FlateDecode", "/Fl"} for name in filters):
        return 0
    size = _decoded_size(stream.read_raw_bytes(), filters, MAX_STREAM_BYTES)
    if size > MAX_STREAM_BYTES:
        raise Unreadable(_BOMB)
    return size


def _decoded_size(raw: bytes, filters: list[str], limit: int) -> int:
    """Size after the deflate filters, in order; counting stops just above `limit`. ASCII filters only shrink."""
    data = raw
    deflates = [name for name in filters if name in {"/FlateDecode", "/Fl"}]
    if not deflates or filters[0] not in {"/FlateDecode", "/Fl"}:
        return len(raw) * (1032 if deflates else 1)  # deflate cannot do better than 1032 to 1
    size = len(raw)
    for position in range(len(deflates)):
        keep = position < len(deflates) - 1
        size, data = _inflate(data, limit, keep=keep)
        if size > limit:
            break
    return size


def _inflate(data: bytes, limit: int, *, keep: bool) -> tuple[int, bytes]:
    """Decoded size of a deflate stream up to just above `limit`, and its bytes if `keep`; damage ends it early."""
    size, parts = 0, []
    inflater = zlib.decompressobj()
    pending = data
    while pending and size <= limit:
        try:
            part = inflater.decompress(pending, _CHUNK)
        except zlib.error:
            break
        if not part and not inflater.unconsumed_tail:
            break
        size += len(part)
        if keep:
            parts.append(part)
        pending = inflater.unconsumed_tail
    return size, b"".join(parts)
