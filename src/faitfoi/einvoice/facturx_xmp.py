"""The XMP that makes a PDF a Factur-X: four properties, and the schema that declares them to PDF/A.

Source: Factur-X 1.07, clause 6.3.2; ISO 19005-3, extension schemas.
"""

from dataclasses import dataclass
from typing import Final

from lxml import etree

from faitfoi.einvoice.xml import parse_xml

_RDF: Final = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_X: Final = "{adobe:ns:meta/}"
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
    rdf = root if root.tag == _RDF + "RDF" else root.find(_RDF + "RDF")
    if rdf is None:
        rdf = etree.SubElement(root, _RDF + "RDF")
    _forget(rdf)
    _declare(rdf)
    description = etree.SubElement(rdf, _RDF + "Description", {_RDF + "about": ""}, nsmap={"fx": _FX_URI})
    for name, value in (
        ("DocumentType", properties.document_type),
        ("DocumentFileName", properties.filename),
        ("Version", properties.version),
        ("ConformanceLevel", properties.conformance_level),
    ):
        etree.SubElement(description, _FX + name).text = value
    packet = etree.tostring(root, encoding="UTF-8", xml_declaration=False)
    return b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n' + packet + b'\n<?xpacket end="w"?>\n'


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
        about_only = all(name == _RDF + "about" for name in description.attrib)
        if len(description) == 0 and about_only:
            rdf.remove(description)


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
