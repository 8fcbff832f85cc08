"""What the French sheet for CII judges on the document itself: texts, parties, items, VAT categories."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from lxml import etree

from faitfoi.einvoice.cii_values import RAM, RSM, UDT
from faitfoi.einvoice.rules.french_beyond import SELF_BILLED
from faitfoi.einvoice.rules.french_table import Identified, Party, Table, Text
from faitfoi.einvoice.rules.french_writing import (
    DOCUMENT_CODES,
    LONGEST_ADDRESS,
    LONGEST_NUMBER,
    LONGEST_ROUTING_CODE,
    PAID,
    PREPAYMENT,
    TREATMENTS,
    Holds,
    at_most,
    has_allowed_signs,
    is_amount,
    is_category,
    is_compact_day,
    is_document_number,
    is_exact_siren,
    is_framework,
    is_french_rate,
    is_no_island,
    is_price,
    is_quantity,
    is_rate,
    is_signed_price,
    is_siren,
    is_type_code,
    is_worded,
    normal,
)

_SHORT: Final = {
    "SupplyChainTradeTransaction": "T",
    "ApplicableHeaderTradeAgreement": "A",
    "ApplicableHeaderTradeDelivery": "D",
    "ApplicableHeaderTradeSettlement": "S",
    "IncludedSupplyChainTradeLineItem": "Line",
    "SpecifiedTradeSettlementHeaderMonetarySummation": "Totals",
    "SpecifiedLineTradeSettlement": "LS",
    "SpecifiedLineTradeAgreement": "LA",
    "SpecifiedLineTradeDelivery": "LD",
}


def _one(rule: str, holds: Holds, *schemes: str) -> Text:
    return Text(rules={rule: holds}, schemes=frozenset(schemes))


def _number(term: str) -> tuple[Text, ...]:
    return (Text(rules={f"BR-FR-01_{term}": at_most(LONGEST_NUMBER), f"BR-FR-02_{term}": is_document_number}),)


def _routing(term: str) -> tuple[Text, ...]:
    rules = {f"BR-FR-24_{term}": has_allowed_signs, f"BR-FR-26_{term}": at_most(LONGEST_ROUTING_CODE)}
    siren = _one("BR-FR-32-GLOBALID", is_siren, "0002", "0231")
    return (Text(rules=rules, schemes=frozenset({"0224"})), siren)


_DAYS: Final = {
    "ExchangedDocument/IssueDateTime/DateTimeString": "BT-2",
    "T/S/ApplicableTradeTax/TaxPointDate/DateString": "BT-7",
    "T/S/SpecifiedTradePaymentTerms/DueDateDateTime/DateTimeString": "BT-9",
    "T/S/InvoiceReferencedDocument/FormattedIssueDateTime/DateTimeString": "BT-26",
    "T/D/ActualDeliverySupplyChainEvent/OccurrenceDateTime/DateTimeString": "BT-72",
    "T/S/BillingSpecifiedPeriod/StartDateTime/DateTimeString": "BT-73",
    "T/S/BillingSpecifiedPeriod/EndDateTime/DateTimeString": "BT-74",
    "T/Line/LS/InvoiceReferencedDocument/FormattedIssueDateTime/DateTimeString": "EXT-FR-FE-138",
    "T/Line/LD/ActualDeliverySupplyChainEvent/OccurrenceDateTime/DateTimeString": "EXT-FR-FE-158",
    "T/Line/LS/BillingSpecifiedPeriod/StartDateTime/DateTimeString": "EXT-FR-FE-134",
    "T/Line/LS/BillingSpecifiedPeriod/EndDateTime/DateTimeString": "EXT-FR-FE-135",
}
_ADDRESSES: Final = {
    "T/A/SellerTradeParty": "BT-34",
    "T/A/BuyerTradeParty": "BT-49",
    "T/A/BuyerAgentTradeParty": "EXT-FR-FE-12",
    "T/S/PayeeTradeParty": "EXT-FR-FE-29",
    "T/S/PayerTradeParty": "EXT-FR-FE-52",
    "T/A/SalesAgentTradeParty": "EXT-FR-FE-75",
    "T/S/InvoiceeTradeParty": "EXT-FR-FE-98",
    "T/S/InvoicerTradeParty": "EXT-FR-FE-121",
}
_AMOUNTS: Final = {
    "T/S/SpecifiedTradeAllowanceCharge/ActualAmount": "BT-92_BT-99",
    "T/S/SpecifiedTradeAllowanceCharge/BasisAmount": "BT-93_BT-100",
    "T/S/Totals/LineTotalAmount": "BT-106",
    "T/S/Totals/AllowanceTotalAmount": "BT-107",
    "T/S/Totals/ChargeTotalAmount": "BT-108",
    "T/S/Totals/TaxBasisTotalAmount": "BT-109",
    "T/S/Totals/TaxTotalAmount": "BT-110",
    "T/S/Totals/GrandTotalAmount": "BT-112",
    "T/S/Totals/TotalPrepaidAmount": "BT-113",
    "T/S/Totals/RoundingAmount": "BT-114",
    "T/S/Totals/DuePayableAmount": "BT-115",
    "T/S/ApplicableTradeTax/BasisAmount": "BT-116",
    "T/S/ApplicableTradeTax/CalculatedAmount": "BT-117",
    "T/Line/LS/SpecifiedTradeSettlementLineMonetarySummation/LineTotalAmount": "BT-131",
    "T/Line/LS/SpecifiedTradeAllowanceCharge/ActualAmount": "BT-136_BT-141",
    "T/Line/LS/SpecifiedTradeAllowanceCharge/BasisAmount": "BT-137_BT-142",
}


def _rate(first: str, second: str) -> tuple[Text, ...]:
    # The sheet takes an empty rate for none in one rule, not in the other.
    return (Text(rules={first: lambda text: not text or is_french_rate(text), second: is_rate}),)


_PRICES: Final = {
    "T/Line/LA/NetPriceProductTradePrice/ChargeAmount": "BT-146",
    "T/Line/LA/GrossPriceProductTradePrice/AppliedTradeAllowanceCharge/ActualAmount": "BT-147",
    "T/Line/LA/GrossPriceProductTradePrice/ChargeAmount": "BT-148",
}


def _texts(price: Holds) -> dict[str, tuple[Text, ...]]:
    texts: dict[str, tuple[Text, ...]] = {
        "ExchangedDocument/ID": _number("BT-1"),
        "ExchangedDocument/TypeCode": (_one("BR-FR-04_BT-3", is_type_code),),
        "T/S/InvoiceReferencedDocument/IssuerAssignedID": _number("BT-25"),
        "T/S/InvoiceReferencedDocument/TypeCode": (_one("BR-FR-04_EXT-FR-FE-02", is_type_code),),
        "T/Line/LS/InvoiceReferencedDocument/IssuerAssignedID": _number("EXT-FR-FE-136"),
        "T/Line/LS/InvoiceReferencedDocument/TypeCode": (_one("BR-FR-04_EXT-FR-FE-137", is_type_code),),
        "T/A/SellerTradeParty/GlobalID": _routing("BT-29"),
        "T/A/BuyerTradeParty/GlobalID": _routing("BT-46"),
        "T/Line/LD/BilledQuantity": (_one("BR-FR-DEC-02_BT-129", is_quantity),),
        "T/Line/LA/NetPriceProductTradePrice/BasisQuantity": (_one("BR-FR-DEC-02_BT-149", is_quantity),),
        "T/Line/SpecifiedTradeProduct/ApplicableProductCharacteristic/Description": (
            _one("BR-FR-27_BT-160", is_worded),
        ),
        "T/Line/SpecifiedTradeProduct/ApplicableProductCharacteristic/TypeCode": (
            _one("BR-FR-27_EXT-FR-FE-159", is_worded),
        ),
        "T/S/SpecifiedTradeAllowanceCharge/CategoryTradeTax/RateApplicablePercent": _rate(
            "BR-FR-16_BT-96_BT-103", "BR-FR-DEC-04_BT-96_BT-103"
        ),
        "T/S/ApplicableTradeTax/RateApplicablePercent": _rate("BR-FR-16_BT-119", "BR-FR-DEC-04_BT-119"),
        "T/Line/LS/ApplicableTradeTax/RateApplicablePercent": _rate("BR-FR-16_BT-152", "BR-FR-DEC-04_BT-152"),
    }
    for path, term in _DAYS.items():
        texts[path] = (_one(f"BR-FR-03_{term}", is_compact_day),)
    for path, term in _AMOUNTS.items():
        texts[path] = (_one(f"BR-FR-DEC-01_{term}", is_amount),)
    for path, term in _PRICES.items():
        texts[path] = (_one(f"BR-FR-DEC-03_{term}", price),)
    for path, term in _ADDRESSES.items():
        texts[f"{path}/URIUniversalCommunication/URIID"] = (
            _one(f"BR-FR-25_{term}", at_most(LONGEST_ADDRESS)),
            _one(f"BR-FR-23_{term}", has_allowed_signs, "0225"),
        )
    return texts


def _party(term: str, *, may_lack_siren: bool = True) -> Party:
    return Party(
        siret=f"BR-FR-09_{term}",
        schemes=f"BR-FR-CO-10_{term}-1",
        once=f"BR-FR-CO-10_{term}-2",
        may_lack_siren=may_lack_siren,
    )


_PARTIES: Final = {
    "T/A/SellerTradeParty": _party("BT-29", may_lack_siren=False),
    "T/A/BuyerTradeParty": _party("BT-46", may_lack_siren=False),
    "T/S/PayeeTradeParty": _party("BT-60"),
    "T/A/BuyerAgentTradeParty": _party("EXT-FR-FE-06"),
    "T/S/PayerTradeParty": _party("EXT-FR-FE-46"),
    "T/A/SalesAgentTradeParty": _party("EXT-FR-FE-69"),
    "T/S/InvoiceeTradeParty": _party("EXT-FR-FE-92"),
    "T/S/InvoicerTradeParty": _party("EXT-FR-FE-115"),
    "T/D/ShipToTradeParty": _party("BT-71"),
    "T/Line/LD/ShipToTradeParty": _party("EXT-FR-FE-146"),
}


def _identify(party: etree._Element) -> Identified:
    siren = party.find(f"{RAM}SpecifiedLegalOrganization/{RAM}ID[@schemeID='0002']")
    identifiers = [(each.text or "", each.get("schemeID")) for each in party.iterchildren(RAM + "GlobalID")]
    return "" if siren is None else siren.text or "", identifiers


def _characteristic(element: etree._Element) -> Iterator[str]:
    """An attribute of an item has a name or a code, and a value or a measure with its unit, not both."""
    if element.find(RAM + "Description") is None and element.find(RAM + "TypeCode") is None:
        yield "BR-FR-27_BG-32"
    has_value = element.find(RAM + "Value") is not None
    measures = element.findall(RAM + "ValueMeasure")
    if has_value == bool(measures) or (measures and not any(each.get("unitCode") for each in measures)):
        yield "BR-FR-28-Value"


def _document(root: etree._Element) -> Iterator[str]:
    """The framework is known, a French buyer has its SIREN, no due date is before the issue date, nor without one."""
    framework = root.findtext(CII_FRAMEWORK) or ""
    if root.find(RSM + "ExchangedDocumentContext") is not None and not is_framework(framework):
        yield "BR-FR-08_BT-23"
    kind = root.findtext(f"{RSM}ExchangedDocument/{RAM}TypeCode")
    if any(each.text == "B2B" for each in root.iterfind(_TREATMENT)):
        sirens = [each.text or "" for each in root.iterfind(_SIREN_OF_THE_BUYER)]
        if not any(map(is_exact_siren, sirens)):
            yield "BR-FR-11_BT-47"
        if kind not in SELF_BILLED and not _begins_with_its_identifier(root.find(_AGREEMENT + RAM + "BuyerTradeParty")):
            yield "BR-FR-21_BT-49"
        if kind in SELF_BILLED and not _begins_with_its_identifier(root.find(_AGREEMENT + RAM + "SellerTradeParty")):
            yield "BR-FR-22_BT-34"
    issued = root.findtext(f"{RSM}ExchangedDocument/{RAM}IssueDateTime/{UDT}DateTimeString")
    due = [each.text or "" for each in root.iterfind(_DUE_DATES)]
    if kind in PREPAYMENT or framework in PAID:
        return
    if any(is_worded(day) for day in due) and (issued is None or any(day < issued for day in due)):
        yield "BR-FR-CO-07_BT-9"


def _begins_with_its_identifier(party: etree._Element | None) -> bool:
    """Whether a party's electronic address is of scheme 0225 and begins with its legal identifier, of any scheme."""
    if party is None:
        return False
    address = party.find(f"{RAM}URIUniversalCommunication/{RAM}URIID")
    start = party.findtext(f"{RAM}SpecifiedLegalOrganization/{RAM}ID") or ""
    return address is not None and address.get("schemeID") == "0225" and (address.text or "").startswith(start)


_AGREEMENT: Final = f"{RSM}SupplyChainTradeTransaction/{RAM}ApplicableHeaderTradeAgreement/"
_TREATMENT: Final = f"{RSM}ExchangedDocument/{RAM}IncludedNote[{RAM}SubjectCode='BAR']/{RAM}Content"
_SIREN_OF_THE_BUYER: Final = (
    f"{_AGREEMENT}{RAM}BuyerTradeParty/{RAM}SpecifiedLegalOrganization/{RAM}ID[@schemeID='0002']"
)
CII_FRAMEWORK: Final = f"{RSM}ExchangedDocumentContext/{RAM}BusinessProcessSpecifiedDocumentContextParameter/{RAM}ID"
_DUE_DATES: Final = (
    f"{RSM}SupplyChainTradeTransaction/{RAM}ApplicableHeaderTradeSettlement/{RAM}SpecifiedTradePaymentTerms/"
    f"{RAM}DueDateDateTime/{UDT}DateTimeString"
)


def _note(note: etree._Element) -> Iterator[str]:
    if note.findtext(RAM + "SubjectCode") == "BAR" and note.findtext(RAM + "Content") not in TREATMENTS:
        yield "BR-FR-20_BT-21"


def _objects(element: etree._Element) -> Iterator[str]:
    """Of the header's references, one at most is of kind AFL and one of kind AVV, and neither is empty."""
    for kind in ("AFL", "AVV"):
        found = [
            each.findtext(RAM + "IssuerAssignedID")
            for each in element.iterchildren(RAM + "AdditionalReferencedDocument")
            if each.findtext(RAM + "ReferenceTypeCode") == kind
        ]
        if len(found) > 1:
            yield "BR-FR-29_BT-18"
        if any(each is not None and not is_worded(each) for each in found):
            yield f"BR-FR-29_{kind}"


def _supporting(document: etree._Element) -> Iterator[str]:
    name = normal(document.findtext(RAM + "Name") or "")
    if document.findtext(RAM + "TypeCode") == "916" and name and name not in DOCUMENT_CODES:
        yield "BR-FR-17_BT-123"


def _categories(start: str) -> frozenset[str]:
    return frozenset({start, f"{start}_LM"})


def _category(element: etree._Element, start: str) -> tuple[str, ...]:
    found = next(element.iterchildren(_CATEGORY), None)
    if found is None:
        return (start,)
    code = found.text or ""
    if is_category(code):
        return ()
    return (start,) if is_no_island(code) else (start, f"{start}_LM")


def _line_tax(element: etree._Element) -> tuple[str, ...]:
    """The category of a line's tax; a line that heads a group or only informs needs none."""
    broken = _category(element, "BR-FR-15_BT-95_BT-151")
    if broken and element.find(_CATEGORY) is None:
        line = element.getparent()
        line = None if line is None else line.getparent()
        path = f"{RAM}AssociatedDocumentLineDocument/{RAM}LineStatusReasonCode"
        if line is not None and line.findtext(path) in {"GROUP", "INFORMATION"}:
            return ()
    return broken


_CATEGORY: Final = RAM + "CategoryCode"


CII_TABLE: Final = Table(
    short=_SHORT,
    texts=_texts(is_price),
    endings={
        "SpecifiedLegalOrganization/ID": (_one("BR-FR-32-LEGALID", is_siren, "0002"),),
        **{
            f"{parent}/GlobalID": (_one("BR-FR-32-GLOBALID", is_siren, "0002", "0231"),)
            for parent in (
                *(path.rpartition("/")[2] for path in _PARTIES),
                "SellerTaxRepresentativeTradeParty",
                "SpecifiedTradeProduct",
                "ItemSellerTradeParty",
                "ShipFromTradeParty",
                "UltimateShipToTradeParty",
                "ProductEndUserTradeParty",
                "IncludedReferencedProduct",
            )
        },
    },
    parties=_PARTIES,
    groups={
        "": _document,
        "ExchangedDocument/IncludedNote": _note,
        "T/A": _objects,
        "T/A/AdditionalReferencedDocument": _supporting,
        "T/Line/SpecifiedTradeProduct/ApplicableProductCharacteristic": _characteristic,
        "T/S/SpecifiedTradeAllowanceCharge/CategoryTradeTax": lambda element: _category(
            element, "BR-FR-15_BT-95_BT-102"
        ),
        "T/S/ApplicableTradeTax": lambda element: _category(element, "BR-FR-15_BT-95_BT-118"),
        "T/Line/LS/ApplicableTradeTax": _line_tax,
    },
    judged_in_groups=frozenset(
        {
            "BR-FR-08_BT-23",
            "BR-FR-11_BT-47",
            "BR-FR-17_BT-123",
            "BR-FR-20_BT-21",
            "BR-FR-21_BT-49",
            "BR-FR-22_BT-34",
            "BR-FR-CO-07_BT-9",
            "BR-FR-27_BG-32",
            "BR-FR-28-Value",
            "BR-FR-29_BT-18",
            "BR-FR-29_AFL",
            "BR-FR-29_AVV",
        }
    )
    | _categories("BR-FR-15_BT-95_BT-102")
    | _categories("BR-FR-15_BT-95_BT-118")
    | _categories("BR-FR-15_BT-95_BT-151"),
    identify=_identify,
)
CII_TABLE_ON_BEHALF: Final = replace(CII_TABLE, texts=_texts(is_signed_price))
"""For invoices on behalf of a third party (BT-23: S9, B9, M9), where prices may be negative."""
CII_JUDGED: Final = CII_TABLE.rules()
