"""Files made to harm, each by its own function: some small, some as large as the file limits let in."""

import gzip
import io
import zlib
from collections.abc import Callable

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, String

from faitfoi.einvoice.cii import write_cii
from tests.einvoice.material import full_invoice
from tests.einvoice.plain_pdfs import changed, stream

MEBIBYTE = 1024 * 1024
CII = write_cii(full_invoice())
_ROOT, _END = CII[: CII.index(b"<rsm:ExchangedDocument>")], b"</rsm:CrossIndustryInvoice>"
_BLANK = b""


def _blank() -> bytes:
    pdf = pikepdf.new()
    pdf.add_blank_page()
    out = io.BytesIO()
    pdf.save(out, deterministic_id=True)
    return out.getvalue()


def _with(change: Callable[[Pdf], object]) -> Callable[[], bytes]:
    return lambda: changed(_blank(), change)


def _attached(content: bytes, name: str = "factur-x.xml", **words: object) -> Callable[[], bytes]:
    def change(pdf: Pdf) -> None:
        file = stream(pdf, content, Type=Name.EmbeddedFile, **words)
        specification = Dictionary(Type=Name.Filespec, F=String(name), UF=String(name), EF=Dictionary(F=file))
        tree = Array([String(name), pdf.make_indirect(specification)])
        pdf.Root.Names = Dictionary(EmbeddedFiles=Dictionary(Names=tree))

    return _with(change)


def _raw(*objects: bytes, root: int = 1, trailer: bytes = b"", version: bytes = b"1.7") -> bytes:
    """A PDF written by hand, so that it may be as wrong as one likes."""
    made, offsets = bytearray(b"%PDF-" + version + b"\n"), []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(made)
    made += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    made += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    made += b"trailer\n<</Size %d/Root %d 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, root, trailer, start)
    return bytes(made)


def _packed(content: bytes, words: bytes = b"", times: int = 1) -> bytes:
    for _ in range(times):
        content = zlib.compress(content, 9)
    filters = b"[" + b"/FlateDecode" * times + b"]"
    return b"<<%s/Filter%s/Length %d>>stream\n%s\nendstream" % (words, filters, len(content), content)


_CATALOG = b"<</Type/Catalog/Pages 2 0 R>>"
_PAGES = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
_PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>"


def _object_stream_bomb() -> bytes:
    packed = _packed(bytes(400 * MEBIBYTE), b"/Type/ObjStm/N 1/First 4")
    made = bytearray(b"%PDF-1.7\n")
    offsets = []
    for number, content in enumerate((_CATALOG, _PAGES, _PAGE, packed), start=1):
        offsets.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    rows = [bytes(7)] + [b"\x01" + offset.to_bytes(4, "big") + b"\0\0" for offset in offsets]
    rows.append(b"\x02" + (4).to_bytes(4, "big") + b"\0\0")  # object 5 is in the bomb, and the catalogue asks for it
    start = len(made)
    rows.append(b"\x01" + start.to_bytes(4, "big") + b"\0\0")
    table = b"".join(rows)
    words = b"/Type/XRef/Size %d/W[1 4 2]/Root 1 0 R/Info 5 0 R" % len(rows)
    made += b"6 0 obj\n<<%s/Length %d>>stream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % (
        words, len(table), table, start,
    )  # fmt: skip
    return bytes(made)


def _reference_stream_bomb() -> bytes:
    packed = _packed(bytes(400 * MEBIBYTE), b"/Type/XRef/Size 60000000/W[1 4 2]/Root 1 0 R")
    made = b"%PDF-1.7\n1 0 obj\n" + _CATALOG + b"\nendobj\n"
    return made + b"9 0 obj\n" + packed + b"\nendobj\nstartxref\n%d\n%%%%EOF\n" % len(made)


def _many_lines(count: int) -> bytes:
    line = b"<ram:IncludedSupplyChainTradeLineItem/>"
    head = CII[: CII.index(b"<ram:IncludedSupplyChainTradeLineItem>")]
    return head + line * count + b"</rsm:SupplyChainTradeTransaction>" + _END


def _repeated(after: bytes, part: bytes, count: int) -> bytes:
    """Our invoice with `part` many times more, `%d` numbering them, behind the first `after`."""
    cut = CII.index(after) + len(after)
    more = b"".join(part.replace(b"%d", b"%d" % number) for number in range(count))
    return CII[:cut] + more + CII[cut:]


_TAX = (
    b"<ram:ApplicableTradeTax><ram:CalculatedAmount>1</ram:CalculatedAmount><ram:TypeCode>VAT</ram:TypeCode>"
    b"<ram:BasisAmount>%d</ram:BasisAmount><ram:CategoryCode>S</ram:CategoryCode>"
    b"<ram:RateApplicablePercent>%d.5</ram:RateApplicablePercent></ram:ApplicableTradeTax>"
)
_CHARGE = (
    b"<ram:SpecifiedTradeAllowanceCharge><ram:ChargeIndicator><udt:Indicator>true</udt:Indicator></ram:ChargeIndicator>"
    b"<ram:ActualAmount>%d</ram:ActualAmount><ram:CategoryTradeTax><ram:TypeCode>VAT</ram:TypeCode>"
    b"<ram:CategoryCode>S</ram:CategoryCode><ram:RateApplicablePercent>%d.5</ram:RateApplicablePercent>"
    b"</ram:CategoryTradeTax></ram:SpecifiedTradeAllowanceCharge>"
)
_TAXED_LINE = (
    b"<ram:IncludedSupplyChainTradeLineItem><ram:SpecifiedLineTradeSettlement><ram:ApplicableTradeTax>"
    b"<ram:TypeCode>VAT</ram:TypeCode><ram:CategoryCode>S</ram:CategoryCode>"
    b"<ram:RateApplicablePercent>%d.5</ram:RateApplicablePercent></ram:ApplicableTradeTax>"
    b"</ram:SpecifiedLineTradeSettlement></ram:IncludedSupplyChainTradeLineItem>"
)


def _crossed(count: int) -> bytes:
    """Lines, charges and VAT breakdowns, each of another rate: what compares all with all has much to do."""
    made = CII
    settlement = made.index(b"<ram:ApplicableHeaderTradeSettlement>")
    tax = made.index(b"<ram:ApplicableTradeTax>", settlement)
    begin = made.index(b"<ram:IncludedSupplyChainTradeLineItem>")
    many = [b"".join(part.replace(b"%d", b"%d" % n) for n in range(count)) for part in (_TAXED_LINE, _TAX, _CHARGE)]
    totals = made.index(b"<ram:SpecifiedTradePaymentTerms>", tax)
    return made[:begin] + many[0] + made[begin:tax] + many[1] + made[tax:totals] + many[2] + made[totals:]


SMALL: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "blanks": lambda: b" \n\t" * 900,
    "zeros": lambda: bytes(5000),
    "a billion laughs": lambda: (
        b'<!DOCTYPE a [<!ENTITY x0 "ha">'
        + b"".join(b'<!ENTITY x%d "%s">' % (n, b"&x%d;" % (n - 1) * 10) for n in range(1, 12))
        + b"]><a>&x11;</a>"
    ),
    "quadratic entities": lambda: b'<!DOCTYPE a [<!ENTITY x "' + b"y" * 50_000 + b'">]><a>' + b"&x;" * 50_000 + b"</a>",
    "an outer entity": lambda: b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    "a parameter entity": lambda: b'<!DOCTYPE a [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]><a/>',
    "XML 300,000 deep": lambda: b"<a>" * 300_000 + b"</a>" * 300_000,
    "an invoice 300,000 deep": lambda: _ROOT + b"<a>" * 300_000 + b"</a>" * 300_000 + _END,
    "a truncated invoice": lambda: CII[: len(CII) // 2],
    "an encoding that lies": lambda: b'<?xml version="1.0" encoding="UTF-16"?>' + CII.partition(b"?>")[2],
    "an encoding unheard of": lambda: b'<?xml version="1.0" encoding="x-none"?><a/>',
    "UTF-7": lambda: b'<?xml version="1.0" encoding="UTF-7"?>+ADw-a/+AD4-',
    "EBCDIC": lambda: '<?xml version="1.0" encoding="cp037"?><a/>'.encode("cp037"),
    "half of UTF-16": lambda: CII.decode().replace("UTF-8", "UTF-16").encode("utf-16")[:-1],
    "Latin-1 said to be UTF-8": lambda: b'<?xml version="1.0" encoding="UTF-8"?><a>\xe9\xe8</a>',
    "a picture": lambda: b"\x89PNG\r\n\x1a\n" + bytes(500),
    "a zip": lambda: b"PK\x03\x04" + bytes(500),
    "JSON 300,000 deep": lambda: b'{"a":' * 300_000,
    "lists 300,000 deep": lambda: b'{"lines":' + b"[" * 300_000,
    "a number of a million digits": lambda: b'{"number":' + b"9" * 1_000_000 + b"}",
    "a text of a million digits": lambda: b'{"totals":{"due":"' + b"9" * 1_000_000 + b'"}}',
    "an exponent out of this world": lambda: b'{"totals":{"due":"1e999999999"}}',
    "NaN": lambda: b'{"number":"F-1","totals":{"due":NaN}}',
    "Infinity": lambda: b'{"number":"F-1","totals":{"due":-Infinity}}',
    "keys given twice": lambda: b'{"number":"F-1","number":"F-2"}',
    "half a surrogate": lambda: b'{"number":"\\ud800"}',
    "JSON in UTF-16": lambda: '{"number":"F-1"}'.encode("utf-16-le"),
    "a JSON cut": lambda: b'{"number":"F-1","lines":[{"net_',
    "only a PDF's beginning": lambda: b"%PDF-1.7\n",
    "a PDF cut in the middle": lambda: _attached(CII)()[:900],
    "a PDF of noise": lambda: b"%PDF-1.7\n" + bytes(range(256)) * 200,
    "pages that are their own children": lambda: _raw(_CATALOG, b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2>>"),
    "pages that are each other's children": lambda: _raw(
        _CATALOG, b"<</Type/Pages/Kids[3 0 R]/Count 1>>", b"<</Type/Pages/Kids[2 0 R]/Count 1/Parent 2 0 R>>"
    ),
    "no page at all": lambda: _raw(_CATALOG, b"<</Type/Pages/Kids[]/Count 2147483647>>"),
    "a table of references that follows itself": lambda: _raw(_CATALOG, _PAGES, _PAGE, trailer=b"/Prev 212"),
    "a table of references for two thousand million objects": lambda: _raw(_CATALOG, _PAGES, _PAGE).replace(
        b"0 4\n", b"0 2147483647\n"
    ),
    "a length that is itself": lambda: _raw(_CATALOG, _PAGES, _PAGE, b"<</Length 4 0 R>>stream\nx\nendstream"),
    "arrays 300,000 deep": lambda: _raw(_CATALOG, _PAGES, _PAGE, b"[" * 300_000 + b"]" * 300_000),
    "dictionaries 300,000 deep": lambda: _raw(_CATALOG, _PAGES, _PAGE, b"<</A" * 300_000 + b">>" * 300_000),
    "a chain of 100,000 references": lambda: _raw(
        _CATALOG, _PAGES, _PAGE, *(b"[%d 0 R]" % (n + 1) for n in range(4, 100_004)), b"null"
    ),
    "a name tree without end": _with(
        lambda pdf: pdf.Root.__setattr__("Names", Dictionary(EmbeddedFiles=_loop(pdf)))
    ),
    "no invoice inside": _blank,
    "an attachment that is a picture": _attached(b"\xff\xd8\xff\xe0" + bytes(900), Subtype=Name("/text/xml")),
    "an attachment that is a PDF": _attached(_blank()),
    "an attachment that is compressed": _attached(gzip.compress(CII, mtime=0)),
    "an attachment that is a page": _attached(b"<!DOCTYPE html><html><body>facture</body></html>"),
    "an attachment that is empty": _attached(b""),
    "an attachment that is a bomb of entities": _attached(
        b'<!DOCTYPE a [<!ENTITY x "y"><!ENTITY z "&x;&x;">]><a>&z;</a>'
    ),
    "an attachment that is JSON": _attached(b'{"number":"F-1"}'),
    "an attachment coded as a picture": _attached(b"\xff\xd8\xff\xd9", Filter=Name.DCTDecode),
    "an attachment coded in no known way": _attached(CII, Filter=Name("/Nope")),
    "an attachment that does not inflate": _attached(b"not deflate", Filter=Name.FlateDecode),
}  # fmt: skip
"""Each is refused by the library itself, in words."""

LARGE: dict[str, Callable[[], bytes]] = {
    "200 MB of text": lambda: b"<a>" + b"x" * (200 * MEBIBYTE) + b"</a>",
    "31 MB of text": lambda: b"<a>" + b"x" * (31 * MEBIBYTE) + b"</a>",
    "31 MB in one attribute": lambda: b'<a x="' + b"x" * (31 * MEBIBYTE) + b'"/>',
    "eight million elements": lambda: b"<a>" + b"<b/>" * (7 * MEBIBYTE) + b"</a>",
    "a million attributes": lambda: b"<a " + b" ".join(b'x%d=""' % n for n in range(1_000_000)) + b"/>",
    "a million namespaces": lambda: b"<a " + b" ".join(b'xmlns:x%d="u%d"' % (n, n) for n in range(1_000_000)) + b"/>",
    "200 MB of JSON": lambda: b'{"number":"' + b"9" * (200 * MEBIBYTE) + b'"}',
    "ten million empty lists": lambda: b'{"lines":[' + b"[]," * (10 * MEBIBYTE) + b"[]]}",
    "five million keys": lambda: b"{" + b",".join(b'"%d":0' % n for n in range(3_000_000)) + b"}",
    "a PDF of 200 MB": lambda: b"%PDF-1.7\n" + bytes(200 * MEBIBYTE),
    "a PDF of a million objects": lambda: _raw(_CATALOG, _PAGES, _PAGE, *([b"null"] * 1_000_000)),
    "a stream of 400 MB in 400 KB": lambda: _raw(_CATALOG, _PAGES, _PAGE, _packed(bytes(400 * MEBIBYTE))),
    "a stream of 400 MB in a few bytes": lambda: _raw(_CATALOG, _PAGES, _PAGE, _packed(bytes(400 * MEBIBYTE), times=2)),
    "many streams of 100 MB": lambda: _raw(_CATALOG, _PAGES, _PAGE, *([_packed(bytes(100 * MEBIBYTE))] * 9)),
    "objects of 400 MB in 400 KB": _object_stream_bomb,
    "a table of references of 400 MB in 400 KB": _reference_stream_bomb,
    "an attachment of 60 MB in 60 KB": _attached(
        zlib.compress(b"<a>" + bytes(60 * MEBIBYTE), 9), Filter=Name.FlateDecode
    ),
    "200,000 empty lines": lambda: _many_lines(200_000),
}
"""As much as the limits on files let in, or as little as swells to that."""

HEAVY: dict[str, Callable[[], bytes]] = {
    "3,000 lines of as many rates of VAT": lambda: _crossed(3_000),
    "50,000 notes": lambda: _repeated(
        b"<rsm:ExchangedDocument>", b"<ram:IncludedNote><ram:Content>x</ram:Content></ram:IncludedNote>", 50_000
    ),
    "20,000 empty lines": lambda: _many_lines(20_000),
    "an invoice with a million strange elements": lambda: _ROOT + b"<b>x</b>" * 400_000 + _END,
}
"""Invoices all the same, wrong in as many ways as fit in: they are judged, at a bounded cost."""


def _loop(pdf: Pdf) -> pikepdf.Object:
    node = pdf.make_indirect(Dictionary())
    node.Kids = Array([node, node])
    return node
