"""Ways to spoil a file: as bytes, as XML, as JSON, as a PDF. The same random generator spoils it the same way."""

import io
import json
import random
from collections.abc import Callable
from typing import Any

import pikepdf
from lxml import etree

Spoil = Callable[[bytes, random.Random], bytes]

_TEXTS = (
    "", " ", "0", "-0", "-1", "1e999", "1E5", "NaN", "Infinity", "9" * 400, "0." + "3" * 400, "1,5", "١٢", "½",
    "20260231", "2026-02-31", "99999999", "0000-00-00", "2026-11-21T25:61:61Z", "EUR", "XXX", "S", "380", "FR",
    "\u202e", "é" * 3000, "a\u0001b", "]]>", "<a>", "&amp;", "BT-1", "0002", "%s%n", "../../etc/passwd",
    "VATEX-EU-O", "urn:cen.eu:en16931:2017", "urn:factur-x.eu:1p0:minimum", "Zm9v", "====", "12.345678901234567890",
)  # fmt: skip
_TOKENS = (
    b"", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"<", b">", b"&", b"<!--", b"<![CDATA[", b"<!DOCTYPE a>", b"&x;",
    b"&#0;", b"&#xD800;", b"]]>", b"{", b"}", b"[", b"\"", b":", b"null", b"1e400", b"\\ud800", b"endobj", b"stream\n",
    b"endstream", b"startxref", b"xref", b"trailer", b"<<", b">>", b"0 R", b"/Length", b"/Filter", b"/Kids", b"/Prev",
    b"-1", b"99999999999999999999", b"%PDF-", b"%%EOF", b"\x80\x81", b"\r",
)  # fmt: skip
_VALUES: tuple[object, ...] = (
    None, True, False, 0, -1, 1.5, 10**400, "", "x", "NaN", "1e999", "9" * 400, "2026-02-31", [], {}, [[]], [None],
    {"": 0}, "\ud800", "\x00", "é",
)  # fmt: skip
_KEYS = ("/Kids", "/AF", "/EF", "/Names", "/Annots", "/AA", "/Filter", "/Resources", "/Metadata", "/OCProperties")
_MOST_XML = 400_000


def spoil_bytes(data: bytes, chance: random.Random) -> bytes:
    """One to six small accidents anywhere."""
    made = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(made) + 1)
        length = chance.choice((1, 1, 2, 4, 16, 64, 512))
        match chance.randrange(7):
            case 0:
                del made[at : at + length]
            case 1:
                made[at:at] = chance.choice(_TOKENS)
            case 2:
                made[at : at + length] = chance.randbytes(length)
            case 3:
                start = chance.randrange(len(made) + 1)
                made[at:at] = made[start : start + length * 4]
            case 4 if at < len(made):
                made[at] ^= 1 << chance.randrange(8)
            case 5:
                made[at : at + length] = chance.choice(_TOKENS)
            case _:
                del made[max(at, len(made) // 4) :]
    return bytes(made)


def noise(data: bytes, chance: random.Random) -> bytes:
    """No file at all, but perhaps its beginning."""
    start = data[: chance.choice((0, 0, 5, 9, 40, 200))]
    return start + chance.randbytes(chance.choice((0, 1, 7, 100, 5000)))


def spoil_xml(data: bytes, chance: random.Random) -> bytes:
    """An XML that is still one, with elements gone, doubled, moved, renamed, emptied or filled with strange values."""
    root = etree.fromstring(data[:_MOST_XML])
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        _spoil_element(root, chance)
    encoding = chance.choice(("UTF-8", "UTF-8", "UTF-8", "UTF-16", "ISO-8859-1", "US-ASCII"))
    made: bytes = etree.tostring(root.getroottree(), encoding=encoding, xml_declaration=True)  # type: ignore[assignment]
    return made


def _spoil_element(root: etree._Element, chance: random.Random) -> None:
    elements = [each for each in root.iter() if isinstance(each.tag, str)]
    one, other = chance.choice(elements), chance.choice(elements)
    parent = one.getparent()
    match chance.randrange(9):
        case 0 if parent is not None:
            parent.remove(one)
        case 1 if parent is not None and len(elements) < 3000:
            parent.insert(chance.randrange(len(parent) + 1), _copy(one))
        case 2 if not _holds(one, other):
            other.append(one)
        case 3:
            one.text = _safe(chance.choice(_TEXTS))
        case 4:
            name = chance.choice(("schemeID", "currencyID", "unitCode", "format", "mimeCode", "listID", "filename"))
            one.set(name, _safe(chance.choice(_TEXTS)))
        case 5:
            one.attrib.clear()
        case 6:
            one.tag = other.tag
        case 7:
            one.tag = etree.QName(chance.choice(("", "urn:x", "http://x.example/")) or None, "strange").text
        case _ if len(elements) < 3000 and sum(1 for _ in other.iter()) < 50:
            again = _copy(other)
            for _ in range(chance.choice((2, 40))):
                one.append(_copy(again))


def _copy(element: etree._Element) -> etree._Element:
    return etree.fromstring(etree.tostring(element, with_tail=False))


def _holds(element: etree._Element, other: etree._Element) -> bool:
    return other is element or element in other.iterancestors()


def _safe(text: str) -> str:
    return "".join(each for each in text if each >= " " and not "\ud800" <= each <= "\udfff")


def spoil_json(data: bytes, chance: random.Random) -> bytes:
    """A JSON that is still one, with values of other kinds, keys gone, and figures of every size."""
    document = json.loads(data)
    for _ in range(chance.choice((1, 1, 2, 5))):
        places = list(_places(document))
        if not places:
            break
        holder, key = chance.choice(places)
        match chance.randrange(4):
            case 0:
                del holder[key]
            case 1:
                holder[key] = chance.choice(_TEXTS)
            case 2:
                there, other = chance.choice(places)
                holder[key] = json.loads(json.dumps(there[other])) if other in there or isinstance(there, list) else 0
            case _:
                holder[key] = chance.choice(_VALUES)
    return json.dumps(document, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")


def _places(value: object) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    waiting: list[Any] = [value]
    while waiting:
        each = waiting.pop()
        keys: list[Any] = list(each) if isinstance(each, dict) else []
        if isinstance(each, list):
            keys = list(range(len(each)))
        for key in keys:
            found.append((each, key))
            waiting.append(each[key])
    return found


def spoil_pdf(data: bytes, chance: random.Random) -> bytes:
    """A PDF whose objects point elsewhere, have lost entries, or are of another kind."""
    with pikepdf.open(io.BytesIO(data)) as pdf:
        for _ in range(chance.choice((1, 1, 2, 4, 12))):
            _spoil_object(pdf, chance)
        out = io.BytesIO()
        mode = chance.choice((pikepdf.ObjectStreamMode.disable, pikepdf.ObjectStreamMode.generate))
        pdf.save(
            out,
            object_stream_mode=mode,
            stream_decode_level=pikepdf.StreamDecodeLevel.none,
            fix_metadata_version=False,
            static_id=True,
        )
    made = out.getvalue()
    return spoil_bytes(made, chance) if chance.random() < 0.3 else made


def _spoil_object(pdf: pikepdf.Pdf, chance: random.Random) -> None:
    objects: list[Any] = [
        each for each in pdf.objects if isinstance(each, pikepdf.Dictionary | pikepdf.Stream | pikepdf.Array)
    ]
    if not objects:
        return
    one: Any = chance.choice(objects)
    value = _strange(pdf, objects, chance)
    if isinstance(one, pikepdf.Array):
        if len(one) and chance.random() < 0.5:
            one[chance.randrange(len(one))] = value
        else:
            one.append(value)
        return
    if isinstance(one, pikepdf.Stream) and chance.random() < 0.3:
        raw = spoil_bytes(one.read_raw_bytes(), chance)
        coded: dict[str, Any] = {"filter": one.get("/Filter"), "decode_parms": one.get("/DecodeParms")}
        one.write(raw, **coded)
        return
    keys: list[str] = list(one.keys())
    key = chance.choice(
        [*keys, "/Kids", "/AF", "/EF", "/Names", "/Annots", "/AA", "/Filter", "/Resources", "/Metadata"]
    )
    if key in keys and chance.random() < 0.4:
        del one[key]
    elif key != "/Length":
        one[key] = value


def _strange(pdf: pikepdf.Pdf, objects: list[Any], chance: random.Random) -> Any:
    made: list[Any] = [
        0, -1, 2**31 - 1, True, pikepdf.Name("/Strange"), pikepdf.Name("/FlateDecode"), pikepdf.String("x"),
        pikepdf.String("\xe9\u4e2d"), pikepdf.Array([]), pikepdf.Dictionary(), pikepdf.Array([0, 0, 1, 1]),
        pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=pikepdf.String("x")), chance.choice(objects),
        chance.choice(objects), chance.choice(objects),
    ]  # fmt: skip
    given = chance.choice(made)
    return pdf.make_indirect(given) if chance.random() < 0.1 else given
