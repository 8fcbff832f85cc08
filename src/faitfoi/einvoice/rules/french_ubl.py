"""What the French sheet for UBL judges on the document itself: texts, parties, items."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from lxml import etree

from faitfoi.einvoice.rules.french_beyond import SELF_BILLED
from faitfoi.einvoice.rules.french_table import Identified, Party, Table, Text
from faitfoi.einvoice.rules.french_writing import (
    LONGEST_ADDRESS,
    LONGEST_NUMBER,
    LONGEST_ROUTING_CODE,
    PAID,
    PREPAYMENT,
    Holds,
    at_most,
    first_after,
    has_allowed_signs,
    is_amount,
    is_category,
    is_day,
    is_document_number,
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
)

_CBC: Final = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"
_CAC: Final = "{urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2}"
_LINES: Final = ("InvoiceLine", "CreditNoteLine")
_EARLIER = "BillingReference/InvoiceDocumentReference"


def _one(rule: str, holds: Holds, *schemes: str) -> Text:
    return Text(rules={rule: holds}, schemes=frozenset(schemes))


def _number(term: str) -> tuple[Text, ...]:
    return (
        Text(
            rules={
                f"BR-FR-01_{term}-1": at_most(LONGEST_NUMBER),
                f"BR-FR-01_{term}-2": is_document_number,
                f"BR-FR-02_{term}": is_document_number,
            }
        ),
    )


def _address(term: str) -> tuple[Text, ...]:
    return (
        _one(f"BR-FR-25_{term}", at_most(LONGEST_ADDRESS)),
        _one(f"BR-FR-23_{term}", has_allowed_signs, "0225"),
    )


def _routing(term: str) -> tuple[Text, ...]:
    rules = {f"BR-FR-24_{term}": has_allowed_signs, f"BR-FR-26_{term}": at_most(LONGEST_ROUTING_CODE)}
    siren = _one("BR-FR-32-ID", is_siren, "0002", "0231")
    return (Text(rules=rules, schemes=frozenset({"0224"})), siren)


def _texts(price: Holds) -> dict[str, tuple[Text, ...]]:
    texts: dict[str, tuple[Text, ...]] = {
        "ID": _number("BT-1"),
        f"{_EARLIER}/ID": _number("BT-25"),
        f"{_EARLIER}/DocumentTypeCode": (_one("BR-FR-04_EXT-FR-FE-02", is_type_code),),
        "InvoiceTypeCode": (_one("BR-FR-04_BT-3", is_type_code),),
        "CreditNoteTypeCode": (_one("BR-FR-04_BT-3", is_type_code),),
        "AccountingSupplierParty/Party/PartyIdentification/ID": _routing("BT-29"),
        "AccountingCustomerParty/Party/PartyIdentification/ID": _routing("BT-46"),
        "AdditionalDocumentReference/ID": (
            _one("BR-FR-29_AFL", is_worded, "AFL"),
            _one("BR-FR-29_AVV", is_worded, "AVV"),
        ),
        "AllowanceCharge/BaseAmount": (_one("BR-FR-DEC-01_BT-93_BT-100", is_amount),),
        "AllowanceCharge/Amount": (_one("BR-FR-DEC-01_BT-92_BT-99", is_amount),),
    }
    days = {
        "IssueDate": "BT-2", "TaxPointDate": "BT-7", "DueDate": "BT-9", f"{_EARLIER}/IssueDate": "BT-26",
        "Delivery/ActualDeliveryDate": "BT-72", "InvoicePeriod/StartDate": "BT-73", "InvoicePeriod/EndDate": "BT-74",
    }  # fmt: skip
    for path, term in days.items():
        texts[path] = (_one(f"BR-FR-03_{term}", is_day),)
    for path, term in _ADDRESSES.items():
        texts[f"{path}/EndpointID"] = _address(term)
    for line in _LINES:
        texts.update({f"{line}/{path}": value for path, value in _line_texts(line, price).items()})
    return texts


_ADDRESSES: Final = {
    "AccountingSupplierParty/Party": "BT-34",
    "AccountingCustomerParty/Party": "BT-49",
    "AccountingCustomerParty/Party/AgentParty": "EXT-FR-FE-12",
    "PayeeParty": "EXT-FR-FE-29",
    "PaymentMeans/PaymentMandate/PayerParty": "EXT-FR-FE-52",
    "AccountingSupplierParty/Party/AgentParty": "EXT-FR-FE-75",
    "AccountingCustomerParty/Party/ServiceProviderParty/Party": "EXT-FR-FE-98",
    "AccountingSupplierParty/Party/ServiceProviderParty/Party": "EXT-FR-FE-121",
}


def _line_texts(line: str, price: Holds) -> dict[str, tuple[Text, ...]]:
    texts: dict[str, tuple[Text, ...]] = {
        f"{_EARLIER}/ID": _number("EXT-FR-FE-136"),
        f"{_EARLIER}/IssueDate": (_one("BR-FR-03_EXT-FR-FE-138", is_day),),
        f"{_EARLIER}/DocumentTypeCode": (_one("BR-FR-04_EXT-FR-FE-137", is_type_code),),
        "Delivery/ActualDeliveryDate": (_one("BR-FR-03_EXT-FR-FE-158", is_day),),
        "InvoicePeriod/StartDate": (_one("BR-FR-03_BT-134", is_day),),
        "InvoicePeriod/EndDate": (_one("BR-FR-03_BT-135", is_day),),
        "DocumentReference/ID": (_one("BR-FR-30_AFL", is_worded, "AFL"), _one("BR-FR-30_AVV", is_worded, "AVV")),
        "LineExtensionAmount": (_one("BR-FR-DEC-01_BT-131", is_amount),),
        "AllowanceCharge/Amount": (_one("BR-FR-DEC-01_BT-136_BT-141", is_amount),),
        "AllowanceCharge/BaseAmount": (_one("BR-FR-DEC-01_BT-137_BT-142", is_amount),),
        "InvoicedQuantity" if line == "InvoiceLine" else "CreditedQuantity": (
            _one("BR-FR-DEC-02_BT-129", is_quantity),
        ),
        "Price/BaseQuantity": (_one("BR-FR-DEC-02_BT-149", lambda text: not is_worded(text) or is_quantity(text)),),
    }
    prices = {"PriceAmount": "BT-146", "AllowanceCharge/Amount": "BT-147", "AllowanceCharge/BaseAmount": "BT-148"}
    for path, term in prices.items():
        texts[f"Price/{path}"] = (_one(f"BR-FR-DEC-03_{term}", lambda text: not is_worded(text) or price(text)),)
    rates = {"BR-FR-DEC-04_BT-152": is_rate}
    if line == "InvoiceLine":  # the sheet forgets the lines of credit notes
        rates["BR-FR-16_BT-152"] = is_french_rate
    texts["Item/ClassifiedTaxCategory/Percent"] = (Text(rules=rates),)
    return texts


_TOTALS: Final = {
    "LineExtensionAmount": "BT-106",
    "AllowanceTotalAmount": "BT-107",
    "ChargeTotalAmount": "BT-108",
    "TaxExclusiveAmount": "BT-109",
    "TaxInclusiveAmount": "BT-112",
    "PrepaidAmount": "BT-113",
    "PayableRoundingAmount": "BT-114",
    "PayableAmount": "BT-115",
}


def _endings() -> dict[str, tuple[Text, ...]]:
    endings: dict[str, tuple[Text, ...]] = {
        f"LegalMonetaryTotal/{name}": (_one(f"BR-FR-DEC-01_{term}", is_amount),) for name, term in _TOTALS.items()
    }
    endings["TaxTotal/TaxAmount"] = (_one("BR-FR-DEC-01_BT-110", is_amount),)
    endings["TaxSubtotal/TaxableAmount"] = (_one("BR-FR-DEC-01_BT-116", is_amount),)
    endings["TaxSubtotal/TaxAmount"] = (_one("BR-FR-DEC-01_BT-117", is_amount),)
    for parent, categories, percents in (
        (
            "AllowanceCharge/TaxCategory",
            ("BR-FR-15_BT-95_BT-102-1", "BR-FR-15_BT-95_BT-102-2"),
            ("BR-FR-16_BT-96", "BR-FR-DEC-04_BT-96_BT-103"),
        ),
        (
            "TaxSubtotal/TaxCategory",
            ("BR-FR-15_BT-118-1", "BR-FR-15_BT-118-2"),
            ("BR-FR-16_BT-119", "BR-FR-DEC-04_BT-119"),
        ),
    ):
        endings[f"{parent}/ID"] = (Text(rules={categories[0]: is_category, categories[1]: is_no_island}),)
        endings[f"{parent}/Percent"] = (Text(rules={percents[0]: is_french_rate, percents[1]: is_rate}),)
    endings["Item/ClassifiedTaxCategory/ID"] = (
        Text(rules={"BR-FR-15_BT-151-1": is_category, "BR-FR-08_BT-151-2": is_no_island}),
    )
    endings["Item/ClassifiedTaxCategory/Percent"] = (_one("BR-FR-DEC-04_BT-152", is_rate),)
    endings["PartyLegalEntity/CompanyID"] = (_one("BR-FR-32-LEGALID", is_siren, "0002"),)
    endings["PartyIdentification/ID"] = (_one("BR-FR-32-ID", is_siren, "0002", "0231"),)
    return endings


def _party(term: str, *, siret: bool = True, may_lack_siren: bool = True) -> Party:
    return Party(
        siret=f"BR-FR-09_{term}" if siret else "",
        schemes=f"BR-FR-CO-10_{term}-1",
        once=f"BR-FR-CO-10_{term}-2",
        may_lack_siren=may_lack_siren,
    )


_PARTIES: Final = {
    "AccountingSupplierParty/Party": _party("BT-29", may_lack_siren=False),
    "AccountingCustomerParty/Party": _party("BT-46", may_lack_siren=False),
    "PayeeParty": _party("BT-60"),
    "AccountingCustomerParty/Party/AgentParty": _party("EXT-FR-FE-06"),
    "PaymentMeans/PaymentMandate/PayerParty": _party("EXT-FR-FE-46"),
    "AccountingSupplierParty/Party/AgentParty": _party("EXT-FR-FE-69"),
    "AccountingCustomerParty/Party/ServiceProviderParty/Party": _party("EXT-FR-FE-92"),
    "AccountingSupplierParty/Party/ServiceProviderParty/Party": _party("EXT-FR-FE-115"),
    "Delivery": Party(siret="BR-FR-09_BT-71"),
    "Delivery/DeliveryLocation": _party("BT-71", siret=False),
    # The sheet looks for the SIRET of a line's place of delivery where it cannot stand.
    **{f"{line}/Delivery/DeliveryLocation": _party("EXT-FR-FE-146", siret=False) for line in _LINES},
}


def _identify(party: etree._Element) -> Identified:
    """A party's SIREN and identifiers; those of a delivery or of its place stand elsewhere."""
    holder = party.find(_CAC + "DeliveryParty") if party.tag == _CAC + "Delivery" else party
    siren = None if holder is None else holder.find(f"{_CAC}PartyLegalEntity/{_CBC}CompanyID[@schemeID='0002']")
    if party.tag == _CAC + "Delivery":
        found = party.iterfind(f"{_CAC}DeliveryLocation/{_CBC}ID")
    elif party.tag == _CAC + "DeliveryLocation":
        found = party.iterfind(_CBC + "ID")
    else:
        found = party.iterfind(f"{_CAC}PartyIdentification/{_CBC}ID")
    identifiers = [(each.text or "", each.get("schemeID")) for each in found]
    return "" if siren is None else siren.text or "", identifiers


def _document(root: etree._Element) -> Iterator[str]:
    """The framework is known, and the due date, wherever it stands, not before the issue date."""
    framework = root.findtext(UBL_FRAMEWORK) or ""
    if not is_framework(framework):
        yield "BR-FR-08_BT-23"
    kind = root.findtext(_CBC + "InvoiceTypeCode") or root.findtext(_CBC + "CreditNoteTypeCode")
    if first_after("#".join(note.text or "" for note in root.iterchildren(_CBC + "Note")), "BAR") == "B2B":
        yield from _between_companies(root, self_billed=kind in SELF_BILLED)
    issued = root.findtext(_CBC + "IssueDate")
    due = [each.text or "" for path in _DUE_DATES for each in root.iterfind(path)]
    if kind not in PREPAYMENT and framework not in PAID and issued is not None and any(day < issued for day in due):
        yield "BR-FR-CO-07_BT-9"


def _between_companies(root: etree._Element, *, self_billed: bool) -> Iterator[str]:
    """The buyer has its SIREN, and the address of who does not issue the invoice begins with its own."""
    buyer, seller = (root.find(f"{_CAC}{each}/{_CAC}Party") for each in _SIDES)
    if not is_siren(_siren(buyer)):
        yield "BR-FR-11_BT-47"
    party = seller if self_billed else buyer
    address = None if party is None else party.find(_CBC + "EndpointID")
    fits = address is not None and (address.text or "").startswith(_siren(party))
    if address is None or address.get("schemeID") != "0225" or not fits:
        yield "BR-FR-22_BT-34" if self_billed else "BR-FR-21_BT-49"


def _siren(party: etree._Element | None) -> str:
    path = f"{_CAC}PartyLegalEntity/{_CBC}CompanyID[@schemeID='0002']"
    return "" if party is None else party.findtext(path) or ""


_SIDES: Final = ("AccountingCustomerParty", "AccountingSupplierParty")
UBL_FRAMEWORK: Final = _CBC + "ProfileID"
_DUE_DATES: Final = (_CBC + "DueDate", f"{_CAC}PaymentMeans/{_CBC}PaymentDueDate")


def _attribute(element: etree._Element) -> Iterator[str]:
    """An attribute of an item has a value, or a quantity with its unit, and not both."""
    has_value = element.find(_CBC + "Value") is not None
    quantities = element.findall(_CBC + "ValueQuantity")
    if has_value == bool(quantities) or (quantities and not any(each.get("unitCode") for each in quantities)):
        yield "BR-FR-28-Value"


UBL_TABLE: Final = Table(
    short={},
    texts=_texts(is_price),
    endings=_endings(),
    parties=_PARTIES,
    groups={"": _document, **{f"{line}/Item/AdditionalItemProperty": _attribute for line in _LINES}},
    judged_in_groups=frozenset(
        {
            "BR-FR-08_BT-23",
            "BR-FR-11_BT-47",
            "BR-FR-21_BT-49",
            "BR-FR-22_BT-34",
            "BR-FR-28-Value",
            "BR-FR-CO-07_BT-9",
        }
    ),
    identify=_identify,
)
UBL_TABLE_ON_BEHALF: Final = replace(UBL_TABLE, texts=_texts(is_signed_price))
"""For invoices on behalf of a third party (BT-23: S9, B9, M9), where prices may be negative."""
UBL_JUDGED: Final = UBL_TABLE.rules()
