"""One change of a document for each French rule that no model can break, and the rules it breaks: these, no other."""

import copy
from collections.abc import Callable

from tests.conformance.extended_bases import parse
from tests.conformance.tree import Element, name_of, remove

Change = Callable[[Element], None]


def at(root: Element, path: str) -> Element:
    """The element at a path of local names from the root, with a position (`Line:2`) where it is not the first."""
    node = root
    for step in path.split("/"):
        name, _, position = step.partition(":")
        node = [child for child in node if name_of(child) == name][int(position or 1) - 1]
    return node


def says(path: str, text: str) -> Change:
    """Another text at `path`."""

    def change(root: Element) -> None:
        at(root, path).text = text

    return change


def lacks(path: str) -> Change:
    """Nothing at `path`."""
    return lambda root: remove(at(root, path))


def twice(path: str) -> Change:
    """The same again at `path`."""

    def change(root: Element) -> None:
        element = at(root, path)
        element.addnext(copy.deepcopy(element))

    return change


def without_scheme(path: str) -> Change:
    """No scheme at `path`."""

    def change(root: Element) -> None:
        del at(root, path).attrib["schemeID"]

    return change


def followed_by(path: str, fragment: str, *, cii: bool = True) -> Change:
    """`fragment` after the element at `path`."""
    return lambda root: at(root, path).addnext(parse(fragment, cii=cii))


_A = "SupplyChainTradeTransaction/ApplicableHeaderTradeAgreement"
_S = "SupplyChainTradeTransaction/ApplicableHeaderTradeSettlement"
_LINE = "SupplyChainTradeTransaction/IncludedSupplyChainTradeLineItem"
_LS = f"{_LINE}/SpecifiedLineTradeSettlement"
_LD = f"{_LINE}/SpecifiedLineTradeDelivery"
_SELLER = "AccountingSupplierParty/Party"
_BUYER = "AccountingCustomerParty/Party"
_LONG = "F" * 36
_CII_PARTIES = {
    f"{_A}/BuyerAgentTradeParty": ("EXT-FR-FE-06", "EXT-FR-FE-12"),
    f"{_S}/PayerTradeParty": ("EXT-FR-FE-46", "EXT-FR-FE-52"),
    f"{_A}/SalesAgentTradeParty": ("EXT-FR-FE-69", "EXT-FR-FE-75"),
    f"{_S}/InvoiceeTradeParty": ("EXT-FR-FE-92", "EXT-FR-FE-98"),
    f"{_S}/InvoicerTradeParty": ("EXT-FR-FE-115", "EXT-FR-FE-121"),
    f"{_S}/PayeeTradeParty": ("BT-60", "EXT-FR-FE-29"),
}
_UBL_PARTIES = {
    f"{_BUYER}/AgentParty": ("EXT-FR-FE-06", "EXT-FR-FE-12"),
    "PaymentMeans/PaymentMandate/PayerParty": ("EXT-FR-FE-46", "EXT-FR-FE-52"),
    f"{_SELLER}/AgentParty": ("EXT-FR-FE-69", "EXT-FR-FE-75"),
    f"{_BUYER}/ServiceProviderParty/Party": ("EXT-FR-FE-92", "EXT-FR-FE-98"),
    f"{_SELLER}/ServiceProviderParty/Party": ("EXT-FR-FE-115", "EXT-FR-FE-121"),
}

DOCUMENT_TRIPS: list[tuple[str, Change, set[str]]] = []
"""(base, change, ids of the rules broken)."""


def _trip(base: str, change: Change, *rules: str) -> None:
    DOCUMENT_TRIPS.append((base, change, set(rules)))


for _path, (_term, _address) in _CII_PARTIES.items():
    _trip("agents.cii", says(f"{_path}/GlobalID", "1"), f"BR-FR-09_{_term}")
    _trip("agents.cii", says(f"{_path}/URIUniversalCommunication/URIID", "a b"), f"BR-FR-23_{_address}")
    _trip("agents.cii", says(f"{_path}/URIUniversalCommunication/URIID", "0" * 126), f"BR-FR-25_{_address}")
    _trip("agents.cii", without_scheme(f"{_path}/GlobalID"), f"BR-FR-CO-10_{_term}-1")
    _trip("agents.cii", twice(f"{_path}/GlobalID"), f"BR-FR-CO-10_{_term}-2")
for _path, (_term, _address) in _UBL_PARTIES.items():
    _trip("agents.ubl", says(f"{_path}/PartyIdentification/ID", "1"), f"BR-FR-09_{_term}")
    _trip("agents.ubl", says(f"{_path}/EndpointID", "a b"), f"BR-FR-23_{_address}")
    _trip("agents.ubl", says(f"{_path}/EndpointID", "0" * 126), f"BR-FR-25_{_address}")
    _trip("agents.ubl", without_scheme(f"{_path}/PartyIdentification/ID"), f"BR-FR-CO-10_{_term}-1")
    _trip("agents.ubl", twice(f"{_path}/PartyIdentification"), f"BR-FR-CO-10_{_term}-2")

_PLACE = "SupplyChainTradeTransaction/ApplicableHeaderTradeDelivery/ShipToTradeParty/GlobalID"
for _path, _term in ((f"{_A}/SellerTradeParty/GlobalID", "BT-29"), (f"{_A}/BuyerTradeParty/GlobalID", "BT-46")):
    _trip("agents.cii", without_scheme(_path), f"BR-FR-CO-10_{_term}-1")
_trip("parties.cii", without_scheme(_PLACE), "BR-FR-CO-10_BT-71-1")
_trip("allowances.cii", twice(_PLACE), "BR-FR-CO-10_BT-71-2")
_trip("agents.cii", says(f"{_LD}/ShipToTradeParty/GlobalID", "x"), "BR-FR-09_EXT-FR-FE-146")
_trip("agents.cii", without_scheme(f"{_LD}/ShipToTradeParty/GlobalID"), "BR-FR-CO-10_EXT-FR-FE-146-1")
_trip("agents.cii", twice(f"{_LD}/ShipToTradeParty/GlobalID"), "BR-FR-CO-10_EXT-FR-FE-146-2")
_trip("agents.ubl", without_scheme("InvoiceLine/Delivery/DeliveryLocation/ID"), "BR-FR-CO-10_EXT-FR-FE-146-1")

_EARLIER = f"{_LS}/InvoiceReferencedDocument"
_trip("agents.cii", says(f"{_EARLIER}/IssuerAssignedID", _LONG), "BR-FR-01_EXT-FR-FE-136")
_trip("agents.cii", says(f"{_EARLIER}/IssuerAssignedID", "F 1"), "BR-FR-02_EXT-FR-FE-136")
_trip("agents.cii", says(f"{_EARLIER}/FormattedIssueDateTime/DateTimeString", "20260229"), "BR-FR-03_EXT-FR-FE-138")
_trip("agents.cii", says(f"{_EARLIER}/TypeCode", "325"), "BR-FR-04_EXT-FR-FE-137")
_trip("agents.cii", says(f"{_S}/InvoiceReferencedDocument/TypeCode", "325"), "BR-FR-04_EXT-FR-FE-02")
_DAY = f"{_LD}/ActualDeliverySupplyChainEvent/OccurrenceDateTime/DateTimeString"
_trip("agents.cii", says(_DAY, "19991231"), "BR-FR-03_EXT-FR-FE-158")
_EARLIER = "InvoiceLine/BillingReference/InvoiceDocumentReference"
_trip("agents.ubl", says(f"{_EARLIER}/ID", _LONG), "BR-FR-01_EXT-FR-FE-136-1")
_trip("agents.ubl", says(f"{_EARLIER}/ID", "F 1"), "BR-FR-01_EXT-FR-FE-136-2", "BR-FR-02_EXT-FR-FE-136")
_trip("agents.ubl", says(f"{_EARLIER}/IssueDate", "2100-01-01"), "BR-FR-03_EXT-FR-FE-138")
_trip("agents.ubl", says(f"{_EARLIER}/DocumentTypeCode", "325"), "BR-FR-04_EXT-FR-FE-137")
_trip("agents.ubl", says(f"{_EARLIER[12:]}/DocumentTypeCode", "325"), "BR-FR-04_EXT-FR-FE-02")
_trip("agents.ubl", says("InvoiceLine/Delivery/ActualDeliveryDate", "1999-12-31"), "BR-FR-03_EXT-FR-FE-158")

_PRODUCT = f"{_LINE}/SpecifiedTradeProduct/ApplicableProductCharacteristic"
_trip("prices.cii", says(f"{_PRODUCT}/Description", " "), "BR-FR-27_BT-160")
_trip("prices.cii", followed_by(f"{_PRODUCT}/Description", "<ram:TypeCode/>"), "BR-FR-27_EXT-FR-FE-159")


def _object(scheme: str, value: str) -> str:
    return (
        f"<ram:AdditionalReferencedDocument><ram:IssuerAssignedID>{value}</ram:IssuerAssignedID>"
        f"<ram:TypeCode>130</ram:TypeCode><ram:ReferenceTypeCode>{scheme}</ram:ReferenceTypeCode>"
        "</ram:AdditionalReferencedDocument>"
    )


def _two_objects(root: Element) -> None:
    for value in "ab":
        followed_by(f"{_A}/BuyerTradeParty", _object("AFL", value))(root)


_trip("agents.cii", _two_objects, "BR-FR-29_BT-18")
for _scheme in ("AFL", "AVV"):
    _trip("agents.cii", followed_by(f"{_A}/BuyerTradeParty", _object(_scheme, " ")), f"BR-FR-29_{_scheme}")
    _id = f'<cbc:ID schemeID="{_scheme}"> </cbc:ID><cbc:DocumentTypeCode>130</cbc:DocumentTypeCode>'
    _trip(
        "agents.ubl",
        followed_by(
            "BillingReference",
            f"<cac:AdditionalDocumentReference>{_id}</cac:AdditionalDocumentReference>",
            cii=False,
        ),
        f"BR-FR-29_{_scheme}",
    )
    _trip(
        "agents.ubl",
        followed_by("InvoiceLine/BillingReference", f"<cac:DocumentReference>{_id}</cac:DocumentReference>", cii=False),
        f"BR-FR-30_{_scheme}",
    )

_TOTALS = f"{_LS}/SpecifiedTradeSettlementLineMonetarySummation"
_OWN = f"{_LINE}/SpecifiedLineTradeAgreement/ItemSellerTradeParty"
_SECOND = f"{_LINE}:2/SpecifiedLineTradeSettlement"
_M8 = "grouped_M8.cii"
_trip(
    _M8,
    says(f"{_LINE}:2/AssociatedDocumentLineDocument/LineStatusReasonCode", " "),
    "BR-FR-MV-01_EXT-FR-FE-163",
)
_trip(_M8, says(f"{_OWN}/Name", " "), "BR-FR-MV-03_EXT-FR-FE-164")
_trip(_M8, says(f"{_OWN}/PostalTradeAddress/CountryID", " "), "BR-FR-MV-03_EXT-FR-FE-177")
_trip(
    _M8,
    lacks(f"{_LINE}:3/SpecifiedLineTradeAgreement/ItemSellerTradeParty/SpecifiedLegalOrganization"),
    "BR-FR-MV-03_EXT-FR-FE-167",
    "BR-FR-MV-06_EXT-FR-FE-167",
)
_VAT_OF_GROUP = ("BR-FR-MV-09_EXT-FR-FE-181", "BR-FR-MV-10_EXT-FR-FE-184")
_trip(_M8, lacks(f"{_TOTALS}/TaxTotalAmount"), "BR-FR-MV-03_EXT-FR-FE-181", *_VAT_OF_GROUP)
_trip(_M8, says(f"{_TOTALS}/TaxTotalAmount", "20.02"), *_VAT_OF_GROUP)
_trip(_M8, says(f"{_TOTALS}/GrandTotalAmount", "120.02"), "BR-FR-MV-10_EXT-FR-FE-184")
_trip(_M8, says(f"{_TOTALS}/LineTotalAmount", "100.02"), "BR-FR-MV-05_EXT-FR-FE-BG-12", "BR-FR-MV-10_EXT-FR-FE-184")
_trip(
    _M8,
    says(f"{_LINE}:3/SpecifiedLineTradeSettlement/AdditionalReferencedDocument/TypeCode", "50"),
    "BR-FR-MV-03_BT-128_AFL",
    "BR-FR-MV-07_BT-128",
    "BR-FR-MV-09_EXT-FR-FE-181",
)
_trip(_M8, says(f"{_LS}/AdditionalReferencedDocument:2/IssuerAssignedID", "S8"), "BR-FR-MV-03_BT-128_AVV")
_trip(_M8, says(f"{_SECOND}/ApplicableTradeTax/ExemptionReason", "ORIGINE"), "BR-FR-MV-08_BT-128")
_trip(
    _M8,
    followed_by(f"{_S}/InvoiceCurrencyCode", "<ram:TaxCurrencyCode>CHF</ram:TaxCurrencyCode>"),
    "BR-FR-MV-03_EXT-FR-FE-182",
)
_trip(
    _M8,
    says(f"{_LINE}:3/SpecifiedLineTradeSettlement/AdditionalReferencedDocument/IssuerAssignedID", "F-2026-117"),
    "BR-FR-MV-07_BT-128",
    "BR-FR-MV-09_EXT-FR-FE-181",
    "BR-FR-MV-12_BT-128",
)
_trip(
    "grouped_S9.cii",
    says(f"{_LINE}:3/SpecifiedLineTradeAgreement/ItemSellerTradeParty/SpecifiedLegalOrganization/ID", "000000018"),
    "BR-FR-BD-02_BT-31",
    "BR-FR-BD-02_BT-47",
    "BR-FR-MV-06_EXT-FR-FE-167",
)
for _base, _kind in (("corrective_M8.cii", "MV"), ("corrective_S9.cii", "BD")):
    _trip(_base, lacks(f"{_LS}/InvoiceReferencedDocument/IssuerAssignedID"), f"BR-FR-{_kind}-14-EXT-FR-FE-136")
    _trip(_base, lacks(f"{_LS}/InvoiceReferencedDocument/FormattedIssueDateTime"), f"BR-FR-{_kind}-14-EXT-FR-FE-138")


def _two_groups_of_the_seller(root: Element) -> None:
    """Both groups are sold by the seller, and both have the number of the invoice."""
    for position in (3, 4):
        line = f"{_LINE}:{position}"
        seller = f"{line}/SpecifiedLineTradeAgreement/ItemSellerTradeParty/SpecifiedLegalOrganization/ID"
        says(seller, "000000018")(root)
    says("ExchangedDocument/ID", "F-2026-118")(root)


_trip(_M8, says("ExchangedDocument/ID", "F-2026-118"), "BR-FR-MV-11_BT-128")
_trip(_M8, _two_groups_of_the_seller, "BR-FR-MV-11_BT-128")
