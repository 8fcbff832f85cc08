"""One XML document under mutation: its leaves and groups, by what they hold, in CII and in UBL alike."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final, cast

from lxml import etree

from faitfoi.einvoice.cii import CII_ROOT

RAM: Final = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"
UDT: Final = "{urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100}"
CBC: Final = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"
CAC: Final = "{urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2}"

Element = etree._Element

TOTALS: Final = frozenset(
    {
        "LineTotalAmount", "ChargeTotalAmount", "AllowanceTotalAmount", "TaxBasisTotalAmount", "TaxTotalAmount",
        "GrandTotalAmount", "TotalPrepaidAmount", "DuePayableAmount", "RoundingAmount",
        "LineExtensionAmount", "TaxExclusiveAmount", "TaxInclusiveAmount", "PrepaidAmount", "PayableRoundingAmount",
        "PayableAmount", "TaxAmount",
    }
)  # fmt: skip
AMOUNTS: Final = TOTALS | {"ActualAmount", "BasisAmount", "CalculatedAmount", "Amount", "BaseAmount", "TaxableAmount"}
PRICES: Final = frozenset({"ChargeAmount", "PriceAmount"})
QUANTITIES: Final = frozenset(
    {"BilledQuantity", "BasisQuantity", "InvoicedQuantity", "CreditedQuantity", "BaseQuantity"}
)
RATES: Final = frozenset({"RateApplicablePercent", "Percent"})
PERCENTAGES: Final = frozenset({"CalculationPercent", "MultiplierFactorNumeric"})
NUMBERS: Final = AMOUNTS | PRICES | QUANTITIES | RATES | PERCENTAGES
DATES: Final = frozenset(
    {
        "DateTimeString", "DateString", "IssueDate", "DueDate", "TaxPointDate", "ActualDeliveryDate", "StartDate",
        "EndDate", "PaymentDueDate",
    }
)  # fmt: skip
CATEGORIES: Final = frozenset({"CategoryCode"})
COUNTRIES: Final = frozenset({"CountryID", "IdentificationCode"})
CURRENCIES: Final = frozenset({"InvoiceCurrencyCode", "TaxCurrencyCode", "DocumentCurrencyCode"})
EXEMPTION: Final = frozenset({"ExemptionReason", "ExemptionReasonCode", "TaxExemptionReason", "TaxExemptionReasonCode"})
REASONS: Final = frozenset({"Reason", "AllowanceChargeReason"})
REASON_CODES: Final = frozenset({"ReasonCode", "AllowanceChargeReasonCode"})
LINES: Final = frozenset({"IncludedSupplyChainTradeLineItem", "InvoiceLine", "CreditNoteLine"})


def name_of(element: Element) -> str:
    """The element's name without its namespace."""
    return etree.QName(element).localname


def parent_of(element: Element) -> str:
    """The name of the element around this one, without its namespace; empty for the root."""
    parent = element.getparent()
    return "" if parent is None else name_of(parent)


@dataclass(frozen=True, slots=True)
class Tree:
    """A document being changed, and the dice that choose where."""

    root: Element
    dice: Random

    @property
    def is_cii(self) -> bool:
        """Whether the document is CII (else it is UBL)."""
        return self.root.tag == CII_ROOT

    def pick(self, wanted: Callable[[Element], bool]) -> Element | None:
        """One of the elements that are `wanted`, None when there is none."""
        found = [element for element in self.root.iter() if wanted(element)]
        return self.dice.choice(found) if found else None

    def leaf(self, names: frozenset[str] | None = None) -> Element | None:
        """One leaf of those names, or of any."""
        return self.pick(lambda element: len(element) == 0 and (names is None or name_of(element) in names))

    def group(self, names: frozenset[str] | None = None) -> Element | None:
        """One element with children of those names, or of any but the root and its direct frame."""
        frame = {self.root, *(self.root if self.is_cii else ())}
        return self.pick(
            lambda element: len(element) > 0 and element not in frame and (names is None or name_of(element) in names)
        )

    def category(self) -> Element | None:
        """One VAT category code (BT-95, BT-102, BT-118, BT-151)."""
        return self.pick(is_category)

    def all(self, wanted: Callable[[Element], bool]) -> list[Element]:
        """All the elements that are `wanted`, in document order."""
        return [element for element in self.root.iter() if wanted(element)]

    def lines(self) -> list[Element]:
        """The invoice lines."""
        return self.all(lambda element: name_of(element) in LINES)

    def at(self, cii: str, ubl: str) -> Element | None:
        """The first element at a path of local names from the root (`a/b`), by syntax; None when absent."""
        node = self.root
        for step in (cii if self.is_cii else ubl).split("/"):
            found = next((child for child in node if name_of(child) == step), None)
            if found is None:
                return None
            node = found
        return node

    def within(self, cii: str, ubl: str, name: str) -> list[Element]:
        """The descendants called `name` of the element at a path."""
        parent = self.at(cii, ubl)
        return [] if parent is None else [child for child in parent.iter() if name_of(child) == name]


def is_category(element: Element) -> bool:
    """Whether a leaf holds a VAT category code."""
    return name_of(element) in CATEGORIES or (
        name_of(element) == "ID" and parent_of(element) in {"TaxCategory", "ClassifiedTaxCategory"}
    )


def remove(element: Element) -> None:
    """Take an element out of its parent."""
    cast("Element", element.getparent()).remove(element)


def after(element: Element, *others: Element) -> None:
    """Insert elements right after `element`."""
    for other in reversed(others):
        element.addnext(other)


def text_of(element: Element) -> str:
    """The element's text, stripped."""
    return (element.text or "").strip()
