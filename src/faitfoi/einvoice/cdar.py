"""What a CDAR says: a lifecycle status of one or several invoices (UN/CEFACT D22B). Read here, written by `cdar_write`.

French contracts §3.3 and §3.4, whose MDT numbers the fields name. Nothing is judged: `cdar_rules` does that.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation

from lxml import etree

from faitfoi.einvoice.model import Identifier
from faitfoi.einvoice.xml import UnreadableXml, parse_xml

RSM = "urn:un:unece:uncefact:data:standard:CrossDomainAcknowledgementAndResponse:100"
RAM = "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
QDT = "urn:un:unece:uncefact:data:standard:QualifiedDataType:100"
UDT = "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100"
PREFIXES = {"rsm": RSM, "ram": RAM, "qdt": QDT, "udt": UDT}
ROOT = f"{{{RSM}}}CrossDomainAcknowledgementAndResponse"

TRANSMISSION, PROCESSING = "305", "23"
MOST_BYTES = 8 * 1024 * 1024
MOST_REFERENCES = 10_000


class UnreadableCdar(UnreadableXml):
    """These bytes are no CDAR that we can read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CdarParty:
    """Who sends, issues, receives or sold: MDT-21/40/59/132 (`role`), MDT-38/57/129, and MDT-73 (`address`)."""

    role: str = ""
    identifier: Identifier | None = None
    name: str = ""
    address: Identifier | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CdarAmount:
    """One characteristic (MDG-43): MDT-207 `type_code`, MDT-215 `amount` and currency, MDT-224 `rate` in percent."""

    type_code: str
    amount: Decimal | None = None
    currency: str = ""
    rate: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CdarDetail:
    """One SpecifiedDocumentStatus (MDG-37): why, what is asked for, and the amounts that go with it."""

    reason_code: str = ""  # MDT-113
    reason: str = ""  # MDT-114
    code: str = ""  # MDT-115
    action_code: str = ""  # MDT-121
    action: str = ""
    sequence: int | None = None  # MDT-124-2
    notes: tuple[str, ...] = ()  # MDT-126
    amounts: tuple[CdarAmount, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CdarReference:
    """The invoice that the status is about (MDG-32), and the status: `code` is MDT-105, `label` MDT-106."""

    number: str = ""  # MDT-87
    status_code: str = ""  # MDT-88
    type_code: str = ""  # MDT-91
    received_at: datetime | None = None
    issue_date: date | None = None  # MDT-100
    code: str = ""
    label: str = ""
    seller: CdarParty | None = None  # MDT-129, MDT-132
    recipients: tuple[CdarParty, ...] = ()  # MDT-158
    details: tuple[CdarDetail, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cdar:
    """One message. `phase` is MDT-77: 305 for transmission (a platform speaks), 23 for processing (a party speaks)."""

    identifier: str  # MDT-4
    issued_at: datetime | None  # MDT-8, aware
    phase: str
    status_at: datetime | None  # MDT-78, aware: when the status was reached
    references: tuple[CdarReference, ...]
    process: str = "REGULATED"  # MDT-2
    guideline: str = "urn.cpro.gouv.fr:1p0:CDV:invoice"  # MDT-3
    name: str = ""
    sender: CdarParty | None = None
    issuer: CdarParty | None = None
    recipients: tuple[CdarParty, ...] = ()

    @property
    def at(self) -> datetime | None:
        """When the status was reached, else when the message was made."""
        return self.status_at or self.issued_at


def read_cdar(data: bytes) -> Cdar:
    """Read one CDAR message. Raises UnreadableCdar, or UnreadableXml for what is no XML at all."""
    root = parse_xml(data, max_bytes=MOST_BYTES)
    if root.tag != ROOT:
        raise UnreadableCdar("Ce fichier n’est pas un message de cycle de vie (CDAR) : sa racine est autre.")
    exchanged = root.find("rsm:ExchangedDocument", PREFIXES)
    acknowledgements = root.findall("rsm:AcknowledgementDocument", PREFIXES)
    if exchanged is None or not acknowledgements:
        raise UnreadableCdar("Ce message de cycle de vie (CDAR) est incomplet : il ne parle d’aucun document.")
    first = acknowledgements[0]
    found = [one for each in acknowledgements for one in each.findall("ram:ReferenceReferencedDocument", PREFIXES)]
    if len(found) > MOST_REFERENCES:
        raise UnreadableCdar(f"Ce message de cycle de vie (CDAR) parle de plus de {MOST_REFERENCES} factures.")
    context = "rsm:ExchangedDocumentContext/ram:{}SpecifiedDocumentContextParameter/ram:ID"
    return Cdar(
        identifier=_text(exchanged, "ram:ID"),
        name=_text(exchanged, "ram:Name"),
        issued_at=_instant(exchanged, "ram:IssueDateTime/udt:DateTimeString"),
        process=_text(root, context.format("BusinessProcess")),
        guideline=_text(root, context.format("Guideline")),
        sender=_party(exchanged.find("ram:SenderTradeParty", PREFIXES)),
        issuer=_party(exchanged.find("ram:IssuerTradeParty", PREFIXES)),
        recipients=_parties(exchanged),
        phase=_text(first, "ram:TypeCode"),
        status_at=_instant(first, "ram:IssueDateTime/udt:DateTimeString"),
        references=tuple(_reference(each) for each in found),
    )


def _reference(element: etree._Element) -> CdarReference:
    issued = element.find("ram:FormattedIssueDateTime/qdt:DateTimeString", PREFIXES)
    read = _read_instant(issued)
    return CdarReference(
        number=_text(element, "ram:IssuerAssignedID"),
        status_code=_text(element, "ram:StatusCode"),
        type_code=_text(element, "ram:TypeCode"),
        received_at=_instant(element, "ram:ReceiptDateTime/udt:DateTimeString"),
        issue_date=read.date() if read else None,
        code=_text(element, "ram:ProcessConditionCode"),
        label=_text(element, "ram:ProcessCondition"),
        seller=_party(element.find("ram:IssuerTradeParty", PREFIXES)),
        recipients=_parties(element),
        details=tuple(_detail(each) for each in element.findall("ram:SpecifiedDocumentStatus", PREFIXES)),
    )


def _detail(element: etree._Element) -> CdarDetail:
    sequence = _text(element, "ram:SequenceNumeric")
    return CdarDetail(
        reason_code=_text(element, "ram:ReasonCode"),
        reason=_text(element, "ram:Reason"),
        code=_text(element, "ram:ProcessConditionCode"),
        action_code=_text(element, "ram:RequestedActionCode"),
        action=_text(element, "ram:RequestedAction"),
        sequence=int(sequence) if sequence.isascii() and sequence.isdigit() and len(sequence) < 10 else None,
        notes=tuple(
            (note.text or "").strip() for note in element.findall("ram:IncludedNote/ram:Content", PREFIXES) if note.text
        ),
        amounts=tuple(_amount(each) for each in element.findall("ram:SpecifiedDocumentCharacteristic", PREFIXES)),
    )


def _amount(element: etree._Element) -> CdarAmount:
    value = element.find("ram:ValueAmount", PREFIXES)
    return CdarAmount(
        type_code=_text(element, "ram:TypeCode"),
        amount=_decimal(value.text if value is not None else None),
        currency=(value.get("currencyID") or "") if value is not None else "",
        rate=_decimal(_text(element, "ram:ValuePercent")),
    )


def _parties(element: etree._Element) -> tuple[CdarParty, ...]:
    read = (_party(each) for each in element.findall("ram:RecipientTradeParty", PREFIXES))
    return tuple(party for party in read if party is not None)


def _party(element: etree._Element | None) -> CdarParty | None:
    if element is None:
        return None
    return CdarParty(
        role=_text(element, "ram:RoleCode"),
        identifier=_identifier(element.find("ram:GlobalID", PREFIXES)),
        name=_text(element, "ram:Name"),
        address=_identifier(element.find("ram:URIUniversalCommunication/ram:URIID", PREFIXES)),
    )


def _identifier(element: etree._Element | None) -> Identifier | None:
    value = (element.text or "").strip() if element is not None else ""
    if element is None or not value:
        return None
    return Identifier(value=value, scheme=element.get("schemeID") or "")


def _text(element: etree._Element, path: str) -> str:
    found = element.find(path, PREFIXES)
    return (found.text or "").strip() if found is not None else ""


def _decimal(text: str | None) -> Decimal | None:
    try:
        value = Decimal((text or "").strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value.adjusted()) < 30 else None


def _instant(element: etree._Element, path: str) -> datetime | None:
    return _read_instant(element.find(path, PREFIXES))


def _read_instant(element: etree._Element | None) -> datetime | None:
    """Read formats 102 (day), 203 (minute), 204 (second) and 304 (second and offset); what has no offset is UTC."""
    text = "".join((element.text or "").split()) if element is not None else ""
    shapes = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
    digits, offset = text[:14], text[14:]
    if len(digits) not in shapes or not (digits.isascii() and digits.isdigit()):
        return None
    try:
        read = datetime.strptime(digits, shapes[len(digits)]).replace(tzinfo=_zone(offset))
    except ValueError:
        return None
    return read.astimezone(UTC)


def _zone(offset: str) -> timezone:
    if not offset or offset == "Z":
        return UTC
    sign, hours, minutes = offset[0], offset[1:3], offset[3:].lstrip(":") or "0"
    if sign not in "+-":
        raise ValueError(offset)
    span = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(span if sign == "+" else -span)
