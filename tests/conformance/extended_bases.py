"""Documents of the profile EXTENDED-CTC-FR: parties, earlier invoices and groups of lines that the model cannot hold.

They are written as text around what our writers make of a plain invoice. No French rule has anything to say of them.
"""

import copy
from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import Final

from lxml import etree

from faitfoi.einvoice.cii import write_cii
from faitfoi.einvoice.cii_values import NAMESPACES
from faitfoi.einvoice.model import Invoice, ProcessControl, Totals
from faitfoi.einvoice.ubl import write_ubl
from faitfoi.einvoice.xml import parse_xml
from tests.conformance.plain_bases import again, line, plain
from tests.conformance.tree import CAC, CBC, Element, name_of

EXTENDED_CTC_FR = "urn:cen.eu:en16931:2017#conformant#urn.cpro.gouv.fr:1p0:extended-ctc-fr"
_UBL_NAMESPACES = {"cac": CAC[1:-1], "cbc": CBC[1:-1]}

_ORDER: Final = {
    "ApplicableHeaderTradeAgreement": ["SellerTradeParty", "BuyerTradeParty", "SalesAgentTradeParty", "*"],
    "ApplicableHeaderTradeSettlement": [
        "InvoiceCurrencyCode", "InvoicerTradeParty", "InvoiceeTradeParty", "PayeeTradeParty", "PayerTradeParty", "*",
    ],
    "AssociatedDocumentLineDocument": ["LineID", "ParentLineID", "LineStatusReasonCode", "*"],
    "SpecifiedTradeSettlementLineMonetarySummation": ["LineTotalAmount", "TaxTotalAmount", "GrandTotalAmount", "*"],
    "ApplicableTradeTax": ["CalculatedAmount", "TypeCode", "ExemptionReason", "*"],
    "TaxCategory": ["ID", "Percent", "TaxExemptionReason", "*"],
    "ClassifiedTaxCategory": ["ID", "Percent", "TaxExemptionReason", "*"],
    "InvoiceLine": ["ID", "InvoicedQuantity", "LineExtensionAmount", "BillingReference", "DocumentReference",
                    "Delivery", "TaxTotal", "*"],
    "PaymentMeans": ["PaymentMeansCode", "PayeeFinancialAccount", "PaymentMandate", "*"],
}  # fmt: skip
"""The order of the schemas, as far as needed; `*` is everything else."""


@cache
def extended_documents() -> tuple[tuple[str, bytes], ...]:
    """Every extended base as (`name.cii` or `name.ubl`, its XML)."""
    return (
        ("agents.cii", agents_cii()),
        ("agents.ubl", agents_ubl()),
        ("grouped_M8.cii", grouped_cii("M8", "380")),
        ("grouped_M8.ubl", grouped_ubl("M8", "380")),
        ("corrective_M8.cii", grouped_cii("M8", "384")),
        ("grouped_S9.cii", grouped_cii("S9", "389")),
        ("grouped_S9.ubl", grouped_ubl("S9", "389")),
        ("corrective_S9.cii", grouped_cii("S9", "471")),
    )


def _extended(invoice: Invoice, framework: str, kind: str) -> Invoice:
    process = ProcessControl(business_process=framework, specification=EXTENDED_CTC_FR)
    return replace(invoice, process=process, type_code=kind)


def parse(fragment: str, *, cii: bool) -> Element:
    """One element from text with the usual prefixes."""
    namespaces = NAMESPACES if cii else _UBL_NAMESPACES
    declared = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in namespaces.items())
    return etree.fromstring(f"<x {declared}>{fragment}</x>")[0]


def put(parent: Element, child: Element) -> None:
    """Insert `child` where the schema wants it."""
    order = _ORDER.get(name_of(parent), ["*"])
    last = order.index("*") if "*" in order else len(order)

    def rank(element: Element) -> int:
        name = name_of(element)
        return order.index(name) if name in order else last

    before = [each for each in parent if rank(each) > rank(child)]
    if before and name_of(child) in order:
        before[0].addprevious(child)
    else:
        parent.append(child)


def _find(root: Element, *path: str) -> Element:
    node = root
    for name in path:
        node = next(child for child in node if name_of(child) == name)
    return node


def _cii_party(name: str, siren: str) -> str:
    return (
        f'<ram:{name}><ram:GlobalID schemeID="0009">{siren}00010</ram:GlobalID><ram:Name>Partie {siren}</ram:Name>'
        f'<ram:SpecifiedLegalOrganization><ram:ID schemeID="0002">{siren}</ram:ID></ram:SpecifiedLegalOrganization>'
        "<ram:PostalTradeAddress><ram:CountryID>FR</ram:CountryID></ram:PostalTradeAddress>"
        f'<ram:URIUniversalCommunication><ram:URIID schemeID="0225">{siren}</ram:URIID>'
        f"</ram:URIUniversalCommunication></ram:{name}>"
    )


def _cii_earlier(number: str) -> str:
    return (
        f"<ram:InvoiceReferencedDocument><ram:IssuerAssignedID>{number}</ram:IssuerAssignedID>"
        "<ram:TypeCode>380</ram:TypeCode><ram:FormattedIssueDateTime>"
        '<qdt:DateTimeString format="102">20261001</qdt:DateTimeString></ram:FormattedIssueDateTime>'
        "</ram:InvoiceReferencedDocument>"
    )


def agents_cii() -> bytes:
    """Every party that the extension adds, a line delivered elsewhere, a line that names an earlier invoice."""
    root = parse_xml(write_cii(_extended(plain(), "M1", "380")))
    trade = _find(root, "SupplyChainTradeTransaction")
    agreement = _find(trade, "ApplicableHeaderTradeAgreement")
    put(agreement, parse(_cii_party("SalesAgentTradeParty", "000000042"), cii=True))
    agreement.append(parse(_cii_party("BuyerAgentTradeParty", "000000059"), cii=True))
    settlement = _find(trade, "ApplicableHeaderTradeSettlement")
    for name in ("InvoicerTradeParty", "InvoiceeTradeParty", "PayeeTradeParty", "PayerTradeParty"):
        put(settlement, parse(_cii_party(name, "000000067"), cii=True))
    settlement.append(parse(_cii_earlier("F-2026-90"), cii=True))
    first = _find(trade, "IncludedSupplyChainTradeLineItem")
    ship_to = _cii_party("ShipToTradeParty", "000000034").partition("<ram:URIUniversal")[0] + "</ram:ShipToTradeParty>"
    delivery = _find(first, "SpecifiedLineTradeDelivery")
    delivery.append(parse(ship_to, cii=True))
    event = (
        "<ram:ActualDeliverySupplyChainEvent><ram:OccurrenceDateTime>"
        '<udt:DateTimeString format="102">20261118</udt:DateTimeString></ram:OccurrenceDateTime>'
        "</ram:ActualDeliverySupplyChainEvent>"
    )
    delivery.append(parse(event, cii=True))
    _find(first, "SpecifiedLineTradeSettlement").append(parse(_cii_earlier("F-2026-91"), cii=True))
    return etree.tostring(root, encoding="UTF-8")


def _ubl_party(name: str, siren: str) -> str:
    return (
        f'<cac:{name}><cbc:EndpointID schemeID="0225">{siren}</cbc:EndpointID><cac:PartyIdentification>'
        f'<cbc:ID schemeID="0009">{siren}00010</cbc:ID></cac:PartyIdentification><cac:PartyLegalEntity>'
        f"<cbc:RegistrationName>Partie {siren}</cbc:RegistrationName>"
        f'<cbc:CompanyID schemeID="0002">{siren}</cbc:CompanyID></cac:PartyLegalEntity></cac:{name}>'
    )


def _ubl_earlier(number: str, inside: str = "", after: str = "") -> str:
    return (
        f"<cac:BillingReference><cac:InvoiceDocumentReference><cbc:ID>{number}</cbc:ID>"
        f"<cbc:IssueDate>2026-10-01</cbc:IssueDate>{inside}</cac:InvoiceDocumentReference>{after}"
        "</cac:BillingReference>"
    )


def agents_ubl() -> bytes:
    """Every party that the extension adds, a line delivered elsewhere, a line that names an earlier invoice."""
    root = parse_xml(write_ubl(_extended(plain(), "M1", "380")))
    for role, agent in (("AccountingSupplierParty", "000000042"), ("AccountingCustomerParty", "000000059")):
        party = _find(root, role, "Party")
        party.append(parse(_ubl_party("AgentParty", agent), cii=False))
        provider = parse(_ubl_party("Party", "000000067"), cii=False)
        wrapper = parse("<cac:ServiceProviderParty/>", cii=False)
        wrapper.append(provider)
        party.append(wrapper)
    means = _find(root, "PaymentMeans")
    mandate = parse("<cac:PaymentMandate/>", cii=False)
    mandate.append(parse(_ubl_party("PayerParty", "000000067"), cii=False))
    put(means, mandate)
    root.insert(
        root.index(_find(root, "AccountingSupplierParty")),
        parse(_ubl_earlier("F-2026-90", "<cbc:DocumentTypeCode>380</cbc:DocumentTypeCode>"), cii=False),
    )
    first = _find(root, "InvoiceLine")
    inside = "<cbc:DocumentTypeCode>380</cbc:DocumentTypeCode>"
    put(first, parse(_ubl_earlier("F-2026-91", inside), cii=False))
    delivered = (
        "<cac:Delivery><cbc:ActualDeliveryDate>2026-11-18</cbc:ActualDeliveryDate><cac:DeliveryLocation>"
        '<cbc:ID schemeID="0009">00000003400010</cbc:ID></cac:DeliveryLocation></cac:Delivery>'
    )
    put(first, parse(delivered, cii=False))
    return etree.tostring(root, encoding="UTF-8")


_GROUPS: Final = (("1", "000000018", "ORIGINE-1"), ("3", "000000034", "ORIGINE-2"))
"""The lines that head a group: identifier, its seller's SIREN, the number of its invoice of origin."""


def _grouped(framework: str, kind: str) -> Invoice:
    """Four lines: two that head a group of one line each."""
    lines = (
        line("1", quantity="1", price="100.00"),
        line("2", quantity="1", price="100.00"),
        line("3", quantity="1", price="40.00"),
        line("4", quantity="1", price="40.00"),
    )
    # Only the lines inside groups count in the totals.
    net, vat, gross = Decimal("140.00"), Decimal("28.00"), Decimal("168.00")
    totals = Totals(line_net=net, without_vat=net, vat=vat, with_vat=gross, due=gross)
    return replace(_extended(again(plain(), lines=lines), framework, kind), totals=totals)


def _group_of(position: int) -> tuple[str, str, str]:
    return _GROUPS[position // 2]


def grouped_cii(framework: str, kind: str) -> bytes:
    """Two groups of lines, the first sold by the seller, the second by the buyer."""
    root = parse_xml(write_cii(_grouped(framework, kind)))
    trade = _find(root, "SupplyChainTradeTransaction")
    lines = [child for child in trade if name_of(child) == "IncludedSupplyChainTradeLineItem"]
    for position, element in enumerate(lines):
        head, siren, origin = _group_of(position)
        heads = position % 2 == 0
        document = _find(element, "AssociatedDocumentLineDocument")
        if not heads:
            put(document, parse(f"<ram:ParentLineID>{head}</ram:ParentLineID>", cii=True))
        status = "GROUP" if heads else "DETAIL"
        put(document, parse(f"<ram:LineStatusReasonCode>{status}</ram:LineStatusReasonCode>", cii=True))
        seller = _cii_party("ItemSellerTradeParty", siren)
        _find(element, "SpecifiedLineTradeAgreement").append(parse(seller, cii=True))
        settlement = _find(element, "SpecifiedLineTradeSettlement")
        tax = _find(settlement, "ApplicableTradeTax")
        put(tax, parse(f"<ram:ExemptionReason>#{origin}#</ram:ExemptionReason>", cii=True))
        totals = _find(settlement, "SpecifiedTradeSettlementLineMonetarySummation")
        if heads:
            vat, gross = ("20.00", "120.00") if head == "1" else ("8.00", "48.00")
            put(totals, parse(f'<ram:TaxTotalAmount currencyID="EUR">{vat}</ram:TaxTotalAmount>', cii=True))
            put(totals, parse(f"<ram:GrandTotalAmount>{gross}</ram:GrandTotalAmount>", cii=True))
        if kind in {"384", "471"}:
            settlement.append(parse(_cii_earlier(f"ANCIENNE-{head}"), cii=True))
        for value, scheme in ((origin, "AFL"), ("M1", "AVV")) if heads else ((origin, "AFL"),):
            reference = (
                f"<ram:AdditionalReferencedDocument><ram:IssuerAssignedID>{value}</ram:IssuerAssignedID>"
                f"<ram:TypeCode>130</ram:TypeCode><ram:ReferenceTypeCode>{scheme}</ram:ReferenceTypeCode>"
                "</ram:AdditionalReferencedDocument>"
            )
            settlement.append(parse(reference, cii=True))
    if kind in {"384", "471"}:
        _find(trade, "ApplicableHeaderTradeSettlement").append(parse(_cii_earlier("ANCIENNE-0"), cii=True))
    _number_the_first_group(root, "ORIGINE-1", "F-2026-117")
    _split_breakdown(_find(trade, "ApplicableHeaderTradeSettlement"), cii=True)
    return etree.tostring(root, encoding="UTF-8")


def _number_the_first_group(root: Element, old: str, new: str) -> None:
    """The seller's own group has the number of the invoice itself."""
    for element in root.iter():
        if element.text and old in element.text:
            element.text = element.text.replace(old, new)


def _split_breakdown(parent: Element, *, cii: bool) -> None:
    """One part of the breakdown for each group, which its exemption reason names."""
    names = {"ApplicableTradeTax"} if cii else {"TaxSubtotal"}
    whole = next(child for child in parent if name_of(child) in names)
    for origin, base, vat in (("ORIGINE-2", "40.00", "8.00"), ("F-2026-117", "100.00", "20.00")):
        part = copy.deepcopy(whole)
        for leaf in part.iter():
            if name_of(leaf) in {"BasisAmount", "TaxableAmount"}:
                leaf.text = base
            elif name_of(leaf) in {"CalculatedAmount", "TaxAmount"}:
                leaf.text = vat
        prefix, holder = ("ram", part) if cii else ("cbc", _find(part, "TaxCategory"))
        name = "ExemptionReason" if cii else "TaxExemptionReason"
        put(holder, parse(f"<{prefix}:{name}>#{origin}#</{prefix}:{name}>", cii=cii))
        whole.addnext(part)
    parent.remove(whole)


def grouped_ubl(framework: str, kind: str) -> bytes:
    """Two groups of lines, the first sold by the seller, the second by the buyer."""
    root = parse_xml(write_ubl(_grouped(framework, kind)))
    lines = [child for child in root if name_of(child) == "InvoiceLine"]
    for position, element in enumerate(lines):
        head, siren, origin = _group_of(position)
        heads = position % 2 == 0
        status = f"<cbc:DocumentStatusCode>{'GROUP' if heads else 'DETAIL'}</cbc:DocumentStatusCode>"
        parent = "" if heads else f"<cac:BillingReferenceLine><cbc:ID>{head}</cbc:ID></cac:BillingReferenceLine>"
        put(element, parse(_ubl_earlier("F-2026-117", status, parent), cii=False))
        for value, scheme in ((origin, "AFL"), ("M1", "AVV")) if heads else ((origin, "AFL"),):
            reference = (
                f'<cac:DocumentReference><cbc:ID schemeID="{scheme}">{value}</cbc:ID>'
                "<cbc:DocumentTypeCode>130</cbc:DocumentTypeCode></cac:DocumentReference>"
            )
            put(element, parse(reference, cii=False))
        if heads:
            vat = "20.00" if head == "1" else "8.00"
            amount = f'<cac:TaxTotal><cbc:TaxAmount currencyID="EUR">{vat}</cbc:TaxAmount></cac:TaxTotal>'
            put(element, parse(amount, cii=False))
        item = _find(element, "Item")
        tax = _find(item, "ClassifiedTaxCategory")
        put(tax, parse(f"<cbc:TaxExemptionReason>#{origin}#</cbc:TaxExemptionReason>", cii=False))
        seller = (
            "<cac:ManufacturerParty><cac:PostalAddress><cac:Country><cbc:IdentificationCode>FR</cbc:IdentificationCode>"
            "</cac:Country></cac:PostalAddress><cac:PartyLegalEntity>"
            f"<cbc:RegistrationName>Partie {siren}</cbc:RegistrationName>"
            f'<cbc:CompanyID schemeID="0002">{siren}</cbc:CompanyID></cac:PartyLegalEntity></cac:ManufacturerParty>'
        )
        item.append(parse(seller, cii=False))
    _number_the_first_group(root, "ORIGINE-1", "F-2026-117")
    _split_breakdown(_find(root, "TaxTotal"), cii=False)
    return etree.tostring(root, encoding="UTF-8")
