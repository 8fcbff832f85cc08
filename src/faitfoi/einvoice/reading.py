"""From bytes to an invoice: what they are is told from their content, never from a name."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from lxml import etree

from faitfoi.einvoice.cii import CII_ROOT, read_cii
from faitfoi.einvoice.facturx import unpack
from faitfoi.einvoice.facturx_safety import MAX_PDF_BYTES
from faitfoi.einvoice.findings import Finding, Severity
from faitfoi.einvoice.fitting import fit
from faitfoi.einvoice.jsonform import from_json
from faitfoi.einvoice.model import Invoice, term_of
from faitfoi.einvoice.profiles import Profile, profile_of
from faitfoi.einvoice.ubl import CREDIT_NOTE_ROOT, INVOICE_ROOT, read_ubl
from faitfoi.einvoice.xml import MAX_LINES, Unreadable, UnreadableXml, parse_xml

__all__ = ["Format", "Reading", "Unreadable", "UnreadableXml", "read"]

MAX_BYTES = MAX_PDF_BYTES
"""The largest file read, whatever it is; XML and JSON have lower limits of their own."""

_MAX_BEYOND = 50
_ZUGFERD_1 = "urn:ferd:CrossIndustryDocument:invoice:1p0"
_LINES = (
    "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}IncludedSupplyChainTradeLineItem",
    "{urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2}InvoiceLine",
    "{urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2}CreditNoteLine",
)
_UTF16 = (b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<")


class Format(StrEnum):
    """What a file turned out to be."""

    FACTURX = "facturx"
    CII = "cii"
    UBL_INVOICE = "ubl_invoice"
    UBL_CREDIT_NOTE = "ubl_credit_note"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One file that was understood.

    `xml` is the received or embedded XML unchanged (empty for JSON); `pdf` the received PDF unchanged, or None;
    `profile` the name of the profile BT-24 stands for (`EN 16931`, `BASIC WL`…), empty when it is not known;
    `findings` what could not be understood or kept, under rule ids `FF-…`.
    """

    invoice: Invoice
    format: Format
    profile: str
    xml: bytes = field(repr=False)
    pdf: bytes | None = field(default=None, repr=False)
    signed: bool = False
    findings: tuple[Finding, ...] = ()


def read(data: bytes) -> Reading:
    """Read a Factur-X or ZUGFeRD 2 PDF, a CII or UBL XML, or our JSON.

    Raises Unreadable, whose `reason` is one French sentence, for anything else and for what is refused by safety.
    """
    refuse_oversize(data)
    head = data[:1024]
    if b"%PDF-" in head:
        return _read_pdf(data)
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"<") or head.startswith(_UTF16):
        return _read_xml(data)
    if start.startswith(b"{"):
        invoice = from_json(data)
        profile = profile_of(invoice.process.specification)
        return Reading(
            invoice=invoice,
            format=Format.JSON,
            profile=profile.value,
            xml=b"",
            findings=tuple(_beyond(invoice, profile)),
        )
    if not start:
        raise Unreadable("Le fichier est vide : renvoyez la facture.")
    raise Unreadable(
        "Ce fichier n’est pas une facture que nous savons lire : envoyez un Factur-X (PDF), un XML CII ou UBL, "
        "ou notre JSON."
    )


def refuse_oversize(data: bytes) -> None:
    """Raise Unreadable for what is larger than anything we read, before any of it is looked at."""
    if len(data) > MAX_BYTES:
        raise Unreadable(
            f"Ce fichier pèse {len(data)} octets, plus que les {MAX_BYTES} acceptés : allégez-le, puis renvoyez-le."
        )


def _beyond(invoice: Invoice, profile: Profile) -> Iterator[Finding]:
    """What our JSON says and its profile has no place for: the CII it becomes would break its own schema."""
    _, lost = fit(invoice, profile=profile, ubl=False)
    for path in lost[:_MAX_BEYOND]:
        known = term_of(path)
        code = known.code if known is not None else ""
        yield Finding(
            rule="FF-PROFILE",
            severity=Severity.FATAL,
            message=f"The profile {profile.value} has no place for {path} {code}: name another profile (BT-24).",
            message_fr=f"Le profil {profile.value} n’a pas de place pour « {path} » {code} : retirez-le, ou indiquez "
            "un profil étendu dans process.specification (BT-24).",
            term=code,
            path=path,
        )


def _read_pdf(data: bytes) -> Reading:
    contents = unpack(data)
    root = _parse(contents.xml)
    if root.tag != CII_ROOT:
        raise Unreadable(_not_an_invoice(root))
    invoice, findings = read_cii(root)
    return Reading(
        invoice=invoice,
        format=Format.FACTURX,
        profile=profile_of(invoice.process.specification).value,
        xml=contents.xml,
        pdf=data,
        signed=contents.signed,
        findings=(*contents.findings, *findings),
    )


def _read_xml(data: bytes) -> Reading:
    root = _parse(data)
    if root.tag == CII_ROOT:
        kind = Format.CII
        invoice, findings = read_cii(root)
    elif root.tag in {INVOICE_ROOT, CREDIT_NOTE_ROOT}:
        kind = Format.UBL_INVOICE if root.tag == INVOICE_ROOT else Format.UBL_CREDIT_NOTE
        invoice, findings = read_ubl(root)
    else:
        raise Unreadable(_not_an_invoice(root))
    return Reading(
        invoice=invoice,
        format=kind,
        profile=profile_of(invoice.process.specification).value,
        xml=data,
        findings=findings,
    )


def _parse(xml: bytes) -> etree._Element:
    root = parse_xml(xml)
    lines = sum(1 for _ in root.iter(*_LINES))
    if lines > MAX_LINES:
        raise Unreadable(f"Cette facture compte {lines} lignes, plus que les {MAX_LINES} acceptées : scindez-la.")
    return root


def _not_an_invoice(root: etree._Element) -> str:
    name = etree.QName(root)
    if name.namespace == _ZUGFERD_1:
        return (
            "Cette facture suit ZUGFeRD 1.0, un standard antérieur à la norme EN 16931 : "
            "exportez-la en Factur-X ou ZUGFeRD 2."
        )
    return f"Ce XML (« {name.localname[:60]} ») n’est pas une facture : envoyez un CII (Factur-X) ou un UBL."
