"""The facts of a UBL document."""

from lxml import etree

from faitfoi.einvoice.rules.facts import Facts, Handler, empty_attribute, is_present, number_in
from faitfoi.einvoice.rules.marks import BLANK, NOT_VAT
from faitfoi.einvoice.rules.source import Means, VatTotal
from faitfoi.einvoice.xml_groups import clean

_CBC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"
_CAC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2}"

UBL_LOOKED_FOR = frozenset({"totals", "seller"})


def _amount(facts: Facts, element: etree._Element) -> None:
    facts.currency_ids.add(element.get("currencyID", ""))


def _tax_total(facts: Facts, element: etree._Element) -> None:
    if element.getparent() is not element.getroottree().getroot():
        return
    total = element.find(_CBC + "TaxAmount")
    parts = [number_in(part.find(_CBC + "TaxAmount")) for part in element.iterchildren(_CAC + "TaxSubtotal")]
    facts.vat_totals.append(
        VatTotal(
            amount=number_in(total),
            currency="" if total is None else total.get("currencyID", ""),
            parts=tuple(part for part in parts if part is not None) if parts else None,
        )
    )


def _payment_means(facts: Facts, element: etree._Element) -> None:
    code, account = "", None
    for child in element:
        if child.tag == _CBC + "PaymentMeansCode":
            code = clean(child.text) or BLANK
        elif child.tag == _CAC + "PayeeFinancialAccount":
            found = child.find(_CBC + "ID")
            account = "" if found is None else clean(found.text) or BLANK
    facts.means.append(Means(code=code, account=account))


def _tax_category(facts: Facts, element: etree._Element) -> None:
    scheme = element.find(f"{_CAC}TaxScheme/{_CBC}ID")
    if scheme is not None and (scheme.text or "").strip().upper() == "VAT":
        return
    code = element.find(_CBC + "ID")
    if code is not None:
        facts.mark(code, NOT_VAT)


def _supporting(facts: Facts, element: etree._Element) -> None:
    if element.find(_CBC + "ID") is None:
        facts.faults.add("BR-52")


def _preceding(facts: Facts, element: etree._Element) -> None:
    if element.find(f"{_CAC}InvoiceDocumentReference/{_CBC}ID") is None:
        facts.faults.add("BR-55")


_AMOUNTS = (
    "Amount",
    "BaseAmount",
    "PriceAmount",
    "TaxAmount",
    "TaxableAmount",
    "LineExtensionAmount",
    "TaxExclusiveAmount",
    "TaxInclusiveAmount",
    "AllowanceTotalAmount",
    "ChargeTotalAmount",
    "PrepaidAmount",
    "PayableRoundingAmount",
    "PayableAmount",
)

UBL_HANDLERS: dict[object, Handler] = {
    **dict.fromkeys([_CBC + name for name in _AMOUNTS], _amount),
    _CAC + "TaxTotal": _tax_total,
    _CAC + "PaymentMeans": _payment_means,
    _CAC + "TaxCategory": _tax_category,
    _CAC + "ClassifiedTaxCategory": _tax_category,
    _CAC + "LegalMonetaryTotal": is_present("totals"),
    _CAC + "AccountingSupplierParty": is_present("seller"),
    _CAC + "AdditionalDocumentReference": _supporting,
    _CAC + "BillingReference": _preceding,
    **dict.fromkeys([_CBC + name for name in ("EndpointID", "ID", "CompanyID")], empty_attribute("schemeID")),
    _CBC + "ItemClassificationCode": empty_attribute("listID"),
    **dict.fromkeys(
        [_CBC + name for name in ("InvoicedQuantity", "CreditedQuantity", "BaseQuantity")], empty_attribute("unitCode")
    ),
}
