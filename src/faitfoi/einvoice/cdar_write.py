"""Writes a CDAR, the twin of `cdar.read_cdar`: what is read of what was written here is what it was made from."""

from datetime import UTC, datetime
from decimal import Decimal

from lxml import etree

from faitfoi.einvoice.cdar import PREFIXES, ROOT, Cdar, CdarAmount, CdarDetail, CdarParty, CdarReference
from faitfoi.einvoice.model import Identifier


def write_cdar(cdar: Cdar) -> bytes:
    """Write one message as UTF-8 XML, in the schema's order. Raises ValueError for characters that XML cannot hold."""
    root = etree.Element(ROOT, nsmap=PREFIXES)
    context = etree.SubElement(root, _name("rsm:ExchangedDocumentContext"))
    if cdar.process:
        _put(
            etree.SubElement(context, _name("ram:BusinessProcessSpecifiedDocumentContextParameter")), "ID", cdar.process
        )
    _put(etree.SubElement(context, _name("ram:GuidelineSpecifiedDocumentContextParameter")), "ID", cdar.guideline)
    exchanged = etree.SubElement(root, _name("rsm:ExchangedDocument"))
    _put(exchanged, "ID", cdar.identifier)
    _put(exchanged, "Name", cdar.name)
    _instant(exchanged, "IssueDateTime", cdar.issued_at)
    _party(exchanged, "SenderTradeParty", cdar.sender)
    _party(exchanged, "IssuerTradeParty", cdar.issuer)
    for party in cdar.recipients:
        _party(exchanged, "RecipientTradeParty", party)
    acknowledgement = etree.SubElement(root, _name("rsm:AcknowledgementDocument"))
    several = etree.SubElement(acknowledgement, _name("ram:MultipleReferencesIndicator"))
    etree.SubElement(several, _name("udt:Indicator")).text = "true" if len(cdar.references) > 1 else "false"
    _put(acknowledgement, "TypeCode", cdar.phase)
    _instant(acknowledgement, "IssueDateTime", cdar.status_at)
    for reference in cdar.references:
        _reference(acknowledgement, reference)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)


def _reference(parent: etree._Element, reference: CdarReference) -> None:
    element = etree.SubElement(parent, _name("ram:ReferenceReferencedDocument"))
    _put(element, "IssuerAssignedID", reference.number)
    _put(element, "StatusCode", reference.status_code)
    _put(element, "TypeCode", reference.type_code)
    _instant(element, "ReceiptDateTime", reference.received_at)
    if reference.issue_date is not None:
        issued = etree.SubElement(element, _name("ram:FormattedIssueDateTime"))
        day = etree.SubElement(issued, _name("qdt:DateTimeString"), format="102")
        day.text = f"{reference.issue_date:%Y%m%d}"
    _put(element, "ProcessConditionCode", reference.code)
    _put(element, "ProcessCondition", reference.label)
    _party(element, "IssuerTradeParty", reference.seller)
    for party in reference.recipients:
        _party(element, "RecipientTradeParty", party)
    for detail in reference.details:
        _detail(element, detail)


def _detail(parent: etree._Element, detail: CdarDetail) -> None:
    element = etree.SubElement(parent, _name("ram:SpecifiedDocumentStatus"))
    _put(element, "ReasonCode", detail.reason_code)
    _put(element, "Reason", detail.reason)
    _put(element, "ProcessConditionCode", detail.code)
    _put(element, "RequestedActionCode", detail.action_code)
    _put(element, "RequestedAction", detail.action)
    if detail.sequence is not None:
        _put(element, "SequenceNumeric", str(detail.sequence))
    for note in detail.notes:
        _put(etree.SubElement(element, _name("ram:IncludedNote")), "Content", note)
    for amount in detail.amounts:
        _amount(element, amount)


def _amount(parent: etree._Element, amount: CdarAmount) -> None:
    element = etree.SubElement(parent, _name("ram:SpecifiedDocumentCharacteristic"))
    _put(element, "TypeCode", amount.type_code)
    if amount.amount is not None:
        value = etree.SubElement(element, _name("ram:ValueAmount"))
        if amount.currency:
            value.set("currencyID", amount.currency)
        value.text = _plain(amount.amount)
    if amount.rate is not None:
        _put(element, "ValuePercent", _plain(amount.rate))


def _party(parent: etree._Element, name: str, party: CdarParty | None) -> None:
    if party is None:
        return
    element = etree.SubElement(parent, _name(f"ram:{name}"))
    _identifier(element, "GlobalID", party.identifier)
    _put(element, "Name", party.name)
    _put(element, "RoleCode", party.role)
    if party.address is not None:
        _identifier(etree.SubElement(element, _name("ram:URIUniversalCommunication")), "URIID", party.address)


def _identifier(parent: etree._Element, name: str, identifier: Identifier | None) -> None:
    if identifier is None:
        return
    element = etree.SubElement(parent, _name(f"ram:{name}"))
    if identifier.scheme:
        element.set("schemeID", identifier.scheme)
    element.text = identifier.value


def _instant(parent: etree._Element, name: str, at: datetime | None) -> None:
    """Write an instant in format 204, in UTC as the norm advises."""
    if at is None:
        return
    element = etree.SubElement(
        etree.SubElement(parent, _name(f"ram:{name}")), _name("udt:DateTimeString"), format="204"
    )
    element.text = f"{at.astimezone(UTC):%Y%m%d%H%M%S}"


def _put(parent: etree._Element, name: str, value: str) -> None:
    if value:
        etree.SubElement(parent, _name(f"ram:{name}")).text = value


def _plain(number: Decimal) -> str:
    return f"{number:f}"


def _name(prefixed: str) -> str:
    prefix, _, local = prefixed.partition(":")
    return f"{{{PREFIXES[prefix]}}}{local}"
