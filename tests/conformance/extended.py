"""Mutations of what the extended profiles judge: lines inside lines, notes, reasons, registrations, other charges."""

from collections.abc import Callable

from lxml import etree

from tests.conformance.mutation import mutation, register
from tests.conformance.tree import CBC, RAM, UDT, Element, Tree, after, name_of, parent_of, remove

_SETTLEMENT = "SupplyChainTradeTransaction/ApplicableHeaderTradeSettlement"


def _child(name: str, text: str, **attributes: str) -> Element:
    made = etree.Element(RAM + name, attributes)
    made.text = text
    return made


def _of(parents: str, name: str) -> Callable[[Element], bool]:
    return lambda element: name_of(element) == name and parent_of(element) in parents.split()


def _add(name: str, beside: Callable[[Element], bool], make: Callable[[Tree], list[Element]]) -> None:
    def change(tree: Tree) -> bool:
        element = tree.pick(beside) if tree.is_cii else None
        if element is None:
            return False
        after(element, *make(tree))
        return True

    register(name, change)


def _chosen(name: str, values: str, **attributes: str) -> Callable[[Tree], list[Element]]:
    return lambda tree: [_child(name, tree.dice.choice(values.split()), **attributes)]


_add(
    "a status of a line",
    _of("AssociatedDocumentLineDocument", "LineID"),
    _chosen("LineStatusReasonCode", "DETAIL GROUP INFORMATION X"),
)
_add(
    "a line inside another",
    _of("AssociatedDocumentLineDocument", "LineID"),
    lambda tree: [
        _child("ParentLineID", tree.dice.choice(["1", "2", "7"])),
        _child("LineStatusReasonCode", tree.dice.choice(["DETAIL", "GROUP", "INFORMATION"])),
    ],
)
_add("a code for a discount", _of("AppliedTradeAllowanceCharge", "ActualAmount"), _chosen("ReasonCode", "95 41 FC ZZZ"))
_add("an exemption reason of a line", _of("ApplicableTradeTax", "TypeCode"), _chosen("ExemptionReason", "Motif Autre"))
_add(
    "a kind of contract",
    _of("ContractReferencedDocument", "IssuerAssignedID"),
    _chosen("ReferenceTypeCode", "CT AFL ZZZ9"),
)
_add(
    "a code for an attribute",
    _of("ApplicableProductCharacteristic", "Description"),
    _chosen("TypeCode", "ABC A 1 XXXX"),
)


@mutation
def a_note_of_no_words(tree: Tree) -> bool:
    """A subject, and nothing to say about it."""
    element = tree.pick(lambda element: name_of(element) == "Content" and parent_of(element) == "IncludedNote")
    if element is None:
        return False
    if element.getnext() is None:
        after(element, _child("SubjectCode", "AAI"))
    remove(element)
    return True


@mutation
def another_tax_registration(tree: Tree) -> bool:
    """A fiscal number of somebody else than the seller."""
    element = tree.pick(lambda element: name_of(element) == "SpecifiedTaxRegistration" and len(element) > 0)
    if element is None or not tree.is_cii:
        return False
    element[0].set("schemeID", tree.dice.choice(["FC", "VA", "XX"]))
    return True


@mutation
def a_day_with_its_time(tree: Tree) -> bool:
    """Format 205: a day, a time, a zone, or not all of them."""
    element = tree.pick(lambda element: name_of(element) == "DateTimeString" and "format" in element.attrib)
    if element is None:
        return False
    element.set("format", "205")
    element.text = (element.text or "") + tree.dice.choice(["1200+0100", "1200", "", "120000"])
    return True


@mutation
def a_list_for_a_reason(tree: Tree) -> bool:
    """The code of a charge says from which list it comes."""
    names = {"ReasonCode", "AllowanceChargeReasonCode"}
    element = tree.pick(lambda element: name_of(element) in names)
    if element is None:
        return False
    element.set("listID", tree.dice.choice(["7161", "5153", "5189", "X"]))
    element.text = tree.dice.choice(["FC", "VAT", "AAA", "ENV", "ZZZ", element.text or ""])
    return True


@mutation
def a_charge_of_logistics(tree: Tree) -> bool:
    """A cost of transport, which counts among the charges."""
    element = tree.at(f"{_SETTLEMENT}/SpecifiedTradePaymentTerms", "-")
    if element is None:
        return False
    charge = etree.Element(RAM + "SpecifiedLogisticsServiceCharge")
    charge.extend([_child("Description", "Port"), _child("AppliedAmount", tree.dice.choice(["0.00", "5.00", "-1.00"]))])
    tax = etree.SubElement(charge, RAM + "AppliedTradeTax")
    tax.extend(
        [
            _child("TypeCode", "VAT"),
            _child("CategoryCode", tree.dice.choice(["S", "E", "Z", "O"])),
            _child("RateApplicablePercent", tree.dice.choice(["20", "0"])),
        ]
    )
    element.addprevious(charge)
    return True


@mutation
def an_adjustment(tree: Tree) -> bool:
    """A financial adjustment, which counts in the amount due."""
    element = tree.at(f"{_SETTLEMENT}/SpecifiedTradeSettlementHeaderMonetarySummation", "-")
    if element is None:
        return False
    adjustment = etree.Element(RAM + "SpecifiedFinancialAdjustment")
    adjustment.append(_child("ActualAmount", tree.dice.choice(["1.00", "-2.00", "0"])))
    after(element, adjustment)
    return True


@mutation
def terms_of_delivery(tree: Tree) -> bool:
    """An Incoterm, or none."""
    element = tree.at("SupplyChainTradeTransaction/ApplicableHeaderTradeAgreement/BuyerTradeParty", "-")
    if element is None:
        return False
    terms = etree.Element(RAM + "ApplicableTradeDeliveryTerms")
    terms.append(_child("DeliveryTypeCode", tree.dice.choice(["DAP", "EXW", "1", "XXX", ""])))
    after(element, terms)
    return True


@mutation
def a_measure_beside_a_value(tree: Tree) -> bool:
    """An attribute of an item with a measure: alone, without its unit, or beside a value."""
    element = tree.pick(
        lambda element: name_of(element) == "Value" and parent_of(element).endswith(("Characteristic", "Property"))
    )
    if element is None:
        return False
    name = RAM + "ValueMeasure" if tree.is_cii else CBC + "ValueQuantity"
    measure = etree.Element(name, tree.dice.choice([{"unitCode": "KGM"}, {}]))
    measure.text = "3"
    if tree.is_cii:
        element.addprevious(measure)
    else:
        after(element, measure)
    if tree.dice.random() < 0.5:
        remove(element)
    return True


@mutation
def an_indicator_that_says_nothing(tree: Tree) -> bool:
    """Neither an allowance nor a charge."""
    names = {"Indicator"} if tree.is_cii else {"ChargeIndicator"}
    element = tree.pick(
        lambda element: name_of(element) in names and element.tag in {UDT + "Indicator", CBC + "ChargeIndicator"}
    )
    if element is None:
        return False
    element.text = tree.dice.choice(["", "yes", "1", "0", "TRUE"])
    return True
