"""Mutations of what only grouped invoices and other documents of EXTENDED-CTC-FR hold."""

from collections.abc import Callable

from tests.conformance.mutation import register
from tests.conformance.tree import Element, Tree, name_of, parent_of, remove


def _change(name: str, wanted: Callable[[Element], bool], values: list[str]) -> None:
    def change(tree: Tree) -> bool:
        element = tree.pick(wanted)
        if element is None:
            return False
        value = tree.dice.choice([*values, ""])
        if value:
            element.text = value
        else:
            remove(element)
        return True

    register(name, change)


def _is_status(element: Element) -> bool:
    return name_of(element) in {"LineStatusReasonCode", "DocumentStatusCode"}


def _is_parent(element: Element) -> bool:
    return name_of(element) == "ParentLineID" or parent_of(element) == "BillingReferenceLine"


def _is_origin(element: Element) -> bool:
    in_cii = name_of(element) == "IssuerAssignedID" and parent_of(element) == "AdditionalReferencedDocument"
    return in_cii or element.get("schemeID") in {"AFL", "AVV"}


def _is_of_sellers(element: Element) -> bool:
    node = element.getparent()
    while node is not None:
        if name_of(node) in {"ItemSellerTradeParty", "ManufacturerParty"}:
            return len(element) == 0
        node = node.getparent()
    return False


def _is_line_total(element: Element) -> bool:
    in_cii = parent_of(element) == "SpecifiedTradeSettlementLineMonetarySummation"
    return in_cii or (name_of(element) in {"TaxAmount", "LineExtensionAmount"} and parent_of(element) != "TaxSubtotal")


def _is_exemption(element: Element) -> bool:
    return name_of(element) in {"ExemptionReason", "TaxExemptionReason"}


def _is_type(element: Element) -> bool:
    return name_of(element) in {"TypeCode", "DocumentTypeCode"} and parent_of(element).endswith("Document")


_change("another status of a line", _is_status, ["GROUP", "DETAIL", "INFORMATION", "X", " "])
_change("another parent of a line", _is_parent, ["1", "2", "3", "9"])
_change("another invoice of origin", _is_origin, ["ORIGINE-2", "F-2026-117", "M8", "S1", "ORIGINE-9", " "])
_change("another seller of a line", _is_of_sellers, ["000000018", "000000034", "x", " ", "BE"])
_change("another total of a line", _is_line_total, ["20.01", "20.02", "100.02", "8.00", "48.00", "-1"])
_change("another exemption reason", _is_exemption, ["#F-2026-117#", "#ORIGINE-2#suite", "ORIGINE-2", " "])
_change("another type of a reference", _is_type, ["130", "916", "50", "380", "999"])
