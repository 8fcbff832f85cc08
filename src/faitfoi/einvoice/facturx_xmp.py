"""The XMP that makes a PDF a Factur-X: four properties, the schema that declares them to PDF/A, and PDF/A's own claim.

Source: Factur-X 1.07, clause 6.3.2; ISO 19005-3, 6.6.4 and extension schemas.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lxml import etree

from faitfoi.einvoice.xml import parse_xml

_RDF: Final = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_DC: Final = "{http://purl.org/dc/elements/1.1/}"
_XMP: Final = "{http://ns.adobe.com/xap/1.0/}"
_PDFAID: Final = "{http://www.aiim.org/pdfa/ns/id/}"
_EXTENSION: Final = "{http://www.aiim.org/pdfa/ns/extension/}"
_SCHEMA: Final = "{http://www.aiim.org/pdfa/ns/schema#}"
_PROPERTY: Final = "{http://www.aiim.org/pdfa/ns/property#}"
_FX_URI: Final = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
_FX: Final = "{" + _FX_URI + "}"
_ALL_URIS: Final = frozenset(
    {
        _FX_URI,
        "urn:zugferd:pdfa:CrossIndustryDocument:invoice:1p0#",
        "urn:zugferd:pdfa:CrossIndustryDocument:invoice:2p0#",
        "urn:ferd:pdfa:CrossIndustryDocument:invoice:1p0#",
    }
)
_PREDEFINED: Final = frozenset(
    {
        _RDF[1:-1],
        _DC[1:-1],
        _XMP[1:-1],
        _PDFAID[1:-1],
        _EXTENSION[1:-1],
        "http://www.w3.org/XML/1998/namespace",
        "http://ns.adobe.com/xap/1.0/rights/",
        "http://ns.adobe.com/xap/1.0/mm/",
        "http://ns.adobe.com/xap/1.0/bj/",
        "http://ns.adobe.com/xap/1.0/t/pg/",
        "http://ns.adobe.com/xmp/1.0/DynamicMedia/",
        "http://ns.adobe.com/xmp/Identifier/qual/1.0/",
        "http://ns.adobe.com/pdf/1.3/",
        "http://ns.adobe.com/photoshop/1.0/",
        "http://ns.adobe.com/camera-raw-settings/1.0/",
        "http://ns.adobe.com/tiff/1.0/",
        "http://ns.adobe.com/exif/1.0/",
        "http://ns.adobe.com/exif/1.0/aux/",
    }
)
_DESCRIPTIONS: Final = {
    "DocumentFileName": "name of the embedded XML invoice file",
    "DocumentType": "INVOICE",
    "Version": "version of the Factur-X standard that the XML follows",
    "ConformanceLevel": "Factur-X profile of the XML",
}
_EMPTY = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta>'


@dataclass(frozen=True, slots=True, kw_only=True)
class FacturXProperties:
    """The four properties of the Factur-X schema."""

    filename: str
    conformance_level: str
    version: str = "1.0"
    document_type: str = "INVOICE"


def with_facturx(xmp: bytes, properties: FacturXProperties) -> bytes:
    """The XMP packet `xmp` (may be empty) that says `properties`, whatever it said about Factur-X or ZUGFeRD before.

    Everything else in the packet stays. Raises UnreadableXml when `xmp` is not XML.
    """
    root = parse_xml(xmp.strip(b"\x00") or _EMPTY)
    rdf = _rdf(root)
    _forget(rdf)
    _declare(rdf)
    _say(rdf, properties)
    return _packet(root)


def fragments(properties: FacturXProperties) -> tuple[bytes, bytes]:
    """What `with_facturx` adds to a packet that knows nothing of it: the schema's entry in the bag, the description.

    For a packet whose form is known, where parsing and writing it again would cost more than all the rest.
    """
    rdf = _rdf(parse_xml(_EMPTY))
    _declare(rdf)
    description = _say(rdf, properties)
    entry = rdf.find(f"{_RDF}Description/{_EXTENSION}schemas/{_RDF}Bag/{_RDF}li")
    return b"" if entry is None else etree.tostring(entry), etree.tostring(description)


@dataclass(frozen=True, slots=True, kw_only=True)
class PdfAClaim:
    """What a PDF says it is: part 1 to 4 of ISO 19005, level A, B or U (E, F or nothing in part 4)."""

    part: int
    level: str


def claim_in(xmp: bytes) -> PdfAClaim | None:
    """The claim that an XMP packet makes (`pdfaid`), None when it makes none. Raises UnreadableXml."""
    root = parse_xml(xmp.strip(b"\x00"))
    part = level = ""
    for description in root.iter(_RDF + "Description"):
        part = part or description.get(_PDFAID + "part") or description.findtext(_PDFAID + "part") or ""
        level = level or description.get(_PDFAID + "conformance") or description.findtext(_PDFAID + "conformance") or ""
    part = part.strip()
    if not part.isascii() or not part.isdigit() or len(part) > 2:
        return None
    return PdfAClaim(part=int(part), level=level.strip().upper())


def undeclared(xmp: bytes) -> set[str]:
    """The prefixes of properties that neither PDF/A knows nor the packet declares. Raises UnreadableXml.

    ISO 19005-3, 6.6.2.3: every other schema is declared in an extension schema.
    """
    root = parse_xml(xmp.strip(b"\x00"))
    known = set(_PREDEFINED)
    for entry in root.iter(_RDF + "li"):
        known.add(_namespace_of(entry))
    found = set()
    for description in _rdf(root).findall(_RDF + "Description"):
        for name in (*map(str, description.attrib), *(str(child.tag) for child in description)):
            namespace = etree.QName(name).namespace or ""
            if namespace not in known:
                found.add(next((prefix or "?" for prefix, uri in description.nsmap.items() if uri == namespace), "?"))
    return found


def with_claim(xmp: bytes, claim: PdfAClaim) -> bytes:
    """The XMP packet `xmp` (may be empty) that makes this claim instead of its own; the rest stays.

    Raises UnreadableXml when `xmp` is not XML.
    """
    root = parse_xml(xmp.strip(b"\x00") or _EMPTY)
    rdf = _rdf(root)
    for description in list(rdf):
        for name in [name for name in description.attrib if str(name).startswith(_PDFAID)]:
            del description.attrib[name]
        for child in [child for child in description if str(child.tag).startswith(_PDFAID)]:
            description.remove(child)
        _drop_if_empty(description)
    description = etree.SubElement(rdf, _RDF + "Description", {_RDF + "about": ""}, nsmap={"pdfaid": _PDFAID[1:-1]})
    etree.SubElement(description, _PDFAID + "part").text = str(claim.part)
    etree.SubElement(description, _PDFAID + "conformance").text = claim.level
    return _packet(root)


def new_packet(claim: PdfAClaim, *, title: str, at: datetime) -> bytes:
    """A packet of our own for a document that we put together: its claim, title and date."""
    root = parse_xml(_EMPTY)
    description = etree.SubElement(
        _rdf(root), _RDF + "Description", {_RDF + "about": ""}, nsmap={"dc": _DC[1:-1], "xmp": _XMP[1:-1]}
    )
    titles = etree.SubElement(etree.SubElement(description, _DC + "title"), _RDF + "Alt")
    etree.SubElement(titles, _RDF + "li", {"{http://www.w3.org/XML/1998/namespace}lang": "x-default"}).text = title
    for name in ("CreateDate", "ModifyDate", "MetadataDate"):
        etree.SubElement(description, _XMP + name).text = at.replace(microsecond=0).isoformat()
    etree.SubElement(description, _XMP + "CreatorTool").text = "Faitfoi"
    return with_claim(etree.tostring(root), claim)


def _say(rdf: etree._Element, properties: FacturXProperties) -> etree._Element:
    description = etree.SubElement(rdf, _RDF + "Description", {_RDF + "about": ""}, nsmap={"fx": _FX_URI})
    for name, value in (
        ("DocumentType", properties.document_type),
        ("DocumentFileName", properties.filename),
        ("Version", properties.version),
        ("ConformanceLevel", properties.conformance_level),
    ):
        etree.SubElement(description, _FX + name).text = value
    return description


def _rdf(root: etree._Element) -> etree._Element:
    rdf = root if root.tag == _RDF + "RDF" else root.find(_RDF + "RDF")
    return etree.SubElement(root, _RDF + "RDF") if rdf is None else rdf


def _packet(root: etree._Element) -> bytes:
    packet = etree.tostring(root, encoding="UTF-8", xml_declaration=False)
    return b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n' + packet + b'\n<?xpacket end="w"?>\n'


def _drop_if_empty(description: etree._Element) -> None:
    parent = description.getparent()
    if parent is not None and len(description) == 0 and all(name == _RDF + "about" for name in description.attrib):
        parent.remove(description)


def _forget(rdf: etree._Element) -> None:
    """Remove every Factur-X and ZUGFeRD property and its declaration."""
    for description in list(rdf):
        for name in list(description.attrib):
            if etree.QName(str(name)).namespace in _ALL_URIS:
                del description.attrib[name]
        for child in list(description):
            if etree.QName(child).namespace in _ALL_URIS:
                description.remove(child)
        for bag in description.findall(f"{_EXTENSION}schemas/{_RDF}Bag"):
            for entry in list(bag):
                if _namespace_of(entry) in _ALL_URIS:
                    bag.remove(entry)
        _drop_if_empty(description)


def _namespace_of(entry: etree._Element) -> str:
    """The namespace a schema entry declares, written as an element or as an attribute, perhaps one level down."""
    for element in (entry, *entry.findall(_RDF + "Description")):
        child = element.find(_SCHEMA + "namespaceURI")
        given = element.get(_SCHEMA + "namespaceURI") if child is None else child.text
        if given:
            return given.strip()
    return ""


def _declare(rdf: etree._Element) -> None:
    """Add the Factur-X schema to the extension schemas, in the one bag PDF/A allows."""
    bag = rdf.find(f"{_RDF}Description/{_EXTENSION}schemas/{_RDF}Bag")
    if bag is None:
        prefixes = {"pdfaExtension": _EXTENSION[1:-1], "pdfaSchema": _SCHEMA[1:-1], "pdfaProperty": _PROPERTY[1:-1]}
        description = etree.SubElement(rdf, _RDF + "Description", {_RDF + "about": ""}, nsmap=prefixes)
        bag = etree.SubElement(etree.SubElement(description, _EXTENSION + "schemas"), _RDF + "Bag")
    resource = {_RDF + "parseType": "Resource"}
    entry = etree.SubElement(bag, _RDF + "li", resource, nsmap={"pdfaSchema": _SCHEMA[1:-1]})
    etree.SubElement(entry, _SCHEMA + "schema").text = "Factur-X PDFA Extension Schema"
    etree.SubElement(entry, _SCHEMA + "namespaceURI").text = _FX_URI
    etree.SubElement(entry, _SCHEMA + "prefix").text = "fx"
    sequence = etree.SubElement(etree.SubElement(entry, _SCHEMA + "property"), _RDF + "Seq")
    for name, description_text in _DESCRIPTIONS.items():
        item = etree.SubElement(sequence, _RDF + "li", resource, nsmap={"pdfaProperty": _PROPERTY[1:-1]})
        etree.SubElement(item, _PROPERTY + "name").text = name
        etree.SubElement(item, _PROPERTY + "valueType").text = "Text"
        etree.SubElement(item, _PROPERTY + "category").text = "external"
        etree.SubElement(item, _PROPERTY + "description").text = description_text
