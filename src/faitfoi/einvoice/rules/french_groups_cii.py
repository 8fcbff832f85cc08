"""The lines of a CII document as the rules on grouped invoices see them (EXTENDED-CTC-FR)."""

from lxml import etree

from faitfoi.einvoice.cii_values import QDT, RAM, RSM
from faitfoi.einvoice.rules.facts import number_in
from faitfoi.einvoice.rules.french_beyond import Grouped, GroupedLine, Origin
from faitfoi.einvoice.rules.french_writing import normal

_TRADE = RSM + "SupplyChainTradeTransaction"
_AGREEMENT = f"{_TRADE}/{RAM}ApplicableHeaderTradeAgreement"
_SETTLEMENT = f"{_TRADE}/{RAM}ApplicableHeaderTradeSettlement"
_LEGAL_ID = f"{RAM}SpecifiedLegalOrganization/{RAM}ID"


def groups_in_cii(root: etree._Element) -> Grouped:
    """Every line, with the numbers of documents that stand before it in the whole document."""
    numbers: set[str] = set()
    lines = []
    for line in root.iterfind(f"{_TRADE}/{RAM}IncludedSupplyChainTradeLineItem"):
        lines.append(_line(line, before=numbers))
        numbers.update(each.text or "" for each in line.iter(RAM + "IssuerAssignedID"))
    taxes = root.iterfind(f"{_SETTLEMENT}/{RAM}ApplicableTradeTax")
    exempted = [
        (tax.findtext(RAM + "ExemptionReason", ""), number_in(tax.find(RAM + "CalculatedAmount")))
        for tax in taxes
        if tax.findtext(RAM + "TypeCode") == "VAT"
    ]
    return Grouped(
        lines=tuple(lines),
        seller=root.findtext(f"{_AGREEMENT}/{RAM}SellerTradeParty/{_LEGAL_ID}") or "",
        buyer=root.findtext(f"{_AGREEMENT}/{RAM}BuyerTradeParty/{_LEGAL_ID}") or "",
        exempted_vat=tuple((reason, amount) for reason, amount in exempted if amount is not None),
    )


def _line(line: etree._Element, *, before: set[str]) -> GroupedLine:
    document = f"{RAM}AssociatedDocumentLineDocument"
    seller = f"{RAM}SpecifiedLineTradeAgreement/{RAM}ItemSellerTradeParty"
    settlement = f"{RAM}SpecifiedLineTradeSettlement"
    totals = f"{settlement}/{RAM}SpecifiedTradeSettlementLineMonetarySummation"
    gross = line.find(f"{totals}/{RAM}GrandTotalAmount")
    earlier = line.findall(f"{settlement}/{RAM}InvoiceReferencedDocument")
    day = f"{RAM}FormattedIssueDateTime/{QDT}DateTimeString"
    return GroupedLine(
        identifier=normal(line.findtext(f"{document}/{RAM}LineID") or ""),
        parent=line.findtext(f"{document}/{RAM}ParentLineID"),
        status=line.findtext(f"{document}/{RAM}LineStatusReasonCode"),
        seller_name=normal(line.findtext(f"{seller}/{RAM}Name") or ""),
        seller_identifier=normal(line.findtext(f"{seller}/{_LEGAL_ID}") or ""),
        seller_country=normal(line.findtext(f"{seller}/{RAM}PostalTradeAddress/{RAM}CountryID") or ""),
        net=number_in(line.find(f"{totals}/{RAM}LineTotalAmount")),
        gross=number_in(gross),
        has_gross=gross is not None,
        vat=tuple(
            (each.get("currencyID", ""), number_in(each)) for each in line.iterfind(f"{totals}/{RAM}TaxTotalAmount")
        ),
        origin=_origin(line, settlement, "AFL"),
        framework=_origin(line, settlement, "AVV"),
        exemption=line.findtext(f"{settlement}/{RAM}ApplicableTradeTax/{RAM}ExemptionReason") or "",
        numbers_before=frozenset(before),
        has_earlier_number=any(each.find(RAM + "IssuerAssignedID") is not None for each in earlier),
        has_earlier_date=any(each.find(day) is not None for each in earlier),
        has_dated_earlier=any(
            each.find(RAM + "IssuerAssignedID") is not None and each.find(day) is not None for each in earlier
        ),
    )


def _origin(line: etree._Element, settlement: str, kind: str) -> Origin | None:
    for reference in line.iterfind(f"{settlement}/{RAM}AdditionalReferencedDocument"):
        if reference.findtext(RAM + "ReferenceTypeCode") == kind:
            return Origin(
                text=normal(reference.findtext(RAM + "IssuerAssignedID") or ""),
                is_typed=reference.findtext(RAM + "TypeCode") == "130",
            )
    return None
