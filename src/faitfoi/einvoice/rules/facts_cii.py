"""The facts of a CII document."""

from lxml import etree

from faitfoi.einvoice.cii_values import RAM, RSM, UDT
from faitfoi.einvoice.rules.facts import (
    Facts,
    Handler,
    currency,
    drop,
    empty_attribute,
    is_present,
    not_vat,
    number_in,
    quantity,
    vat_currency,
)
from faitfoi.einvoice.rules.marks import BLANK, SPACE
from faitfoi.einvoice.rules.source import Means, VatTotal
from faitfoi.einvoice.xml_groups import clean

CII_LOOKED_FOR = frozenset({"header", "totals", "seller", "settlement", "issue date"})

CII_GROUPS = frozenset(
    RAM + name
    for name in ("ApplicableHeaderTradeDelivery", "SpecifiedLineTradeDelivery", "SpecifiedLineTradeAgreement")
)
"""Groups that the schemas require even when they have nothing to say."""


def _header(facts: Facts, element: etree._Element) -> None:
    facts.present.add("header")
    for day in element.iterfind(f"{RAM}IssueDateTime/{UDT}DateTimeString"):
        if day.get("format") == "102" and day.text:
            facts.present.add("issue date")


def _vat_total(facts: Facts, element: etree._Element) -> None:
    if currency_id := element.get("currencyID"):
        facts.currency_ids.add(currency_id)
    parent = element.getparent()
    if parent is None or parent.tag != RAM + "SpecifiedTradeSettlementHeaderMonetarySummation":
        return  # the lines of a grouped invoice (EXTENDED-CTC-FR) have totals of VAT too
    facts.vat_totals.append(VatTotal(amount=number_in(element), currency=element.get("currencyID", "")))


def _payment_means(facts: Facts, element: etree._Element) -> None:
    code, account, kinds = "", None, set()
    for child in element:
        if child.tag == RAM + "TypeCode":
            code = clean(child.text) or BLANK
        elif child.tag == RAM + "PayeePartyCreditorFinancialAccount":
            account = ""
            for found in child.iterchildren(RAM + "IBANID", RAM + "ProprietaryID"):
                account = (clean(found.text) or BLANK) if account in {"", BLANK} else account
                kinds.add(found.tag)
    facts.means.append(Means(code=code, account=account, two_accounts=len(kinds) > 1))


def _tax(facts: Facts, element: etree._Element) -> None:
    stated = next(element.iterchildren(RAM + "TypeCode"), None)
    kind = "" if stated is None else (stated.text or "").upper()
    if kind == "VAT":
        return
    parent = element.getparent()
    header = parent is not None and parent.tag == RAM + "ApplicableHeaderTradeSettlement"
    # Only for the breakdown do Factur-X's sheets look past white space, and the French one never does.
    if (kind.strip() if header and facts.spaces == SPACE else kind) == "VAT":
        return
    code = element.find(RAM + "CategoryCode")
    if code is not None:
        facts.edit(code, not_vat)


def _registration(facts: Facts, element: etree._Element) -> None:
    for identifier in element.iterchildren(RAM + "ID"):
        if identifier.get("schemeID") == "VA":
            facts.vat_identifiers.add(identifier.text or BLANK)


def _allowance(facts: Facts, element: etree._Element) -> None:
    indicator = element.findtext(f"{RAM}ChargeIndicator/{UDT}Indicator", "")
    if indicator.strip() not in {"true", "false", "0", "1"}:
        facts.edit(element, drop)
    elif indicator not in {"true", "false"}:
        facts.odd_indicators = True


def _service(facts: Facts, _element: etree._Element) -> None:
    facts.services += 1


def _reference(facts: Facts, element: etree._Element) -> None:
    number = element.find(RAM + "IssuerAssignedID")
    # The French sheet takes white space for nothing.
    if number is None or (facts.spaces == BLANK and not (number.text or "").strip()):
        facts.faults.setdefault("BR-52", element)


def _period(facts: Facts, element: etree._Element) -> None:
    """Note a period that ends before it starts: the sheets compare texts in format 102, and want both in it."""
    start, end = (element.find(RAM + name) for name in ("StartDateTime", "EndDateTime"))
    if start is None or end is None:
        return
    first, last = (day.findtext(f"{UDT}DateTimeString[@format='102']") for day in (start, end))
    if first is not None and last is not None and last >= first:
        return
    parent = element.getparent()
    header = parent is not None and parent.tag == RAM + "ApplicableHeaderTradeSettlement"
    facts.faults.setdefault("BR-29" if header else "BR-30", element)


def _electronic_address(facts: Facts, element: etree._Element) -> None:
    parent = element.getparent()
    if parent is not None and element.find(RAM + "URIID") is None:
        rule = {RAM + "SellerTradeParty": "BR-62", RAM + "BuyerTradeParty": "BR-63"}.get(parent.tag, "")
        facts.faults.setdefault(rule, element)


CII_HANDLERS: dict[str, Handler] = {
    RSM + "ExchangedDocument": _header,
    RAM + "TaxTotalAmount": _vat_total,
    RAM + "SpecifiedTradeSettlementPaymentMeans": _payment_means,
    RAM + "SpecifiedTradeAllowanceCharge": _allowance,
    RAM + "SpecifiedTaxRegistration": _registration,
    RAM + "InvoiceCurrencyCode": currency,
    RAM + "TaxCurrencyCode": vat_currency,
    RAM + "ApplicableTradeTax": _tax,
    RAM + "CategoryTradeTax": _tax,
    RAM + "SpecifiedTradeSettlementHeaderMonetarySummation": is_present("totals"),
    RAM + "SellerTradeParty": is_present("seller"),
    RAM + "ApplicableHeaderTradeSettlement": is_present("settlement"),
    RAM + "AdditionalReferencedDocument": _reference,
    RAM + "BillingSpecifiedPeriod": _period,
    RAM + "URIUniversalCommunication": _electronic_address,
    **dict.fromkeys([RAM + name for name in ("URIID", "GlobalID")], empty_attribute("schemeID")),
    RAM + "ClassCode": empty_attribute("listID"),
    RAM + "AttachmentBinaryObject": empty_attribute("mimeCode"),
    RAM + "BilledQuantity": quantity,
    RAM + "BasisQuantity": quantity,
    RAM + "SpecifiedLogisticsServiceCharge": _service,
}
