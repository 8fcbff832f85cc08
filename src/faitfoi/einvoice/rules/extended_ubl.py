"""What a UBL document of the extended French profile says, read from its tree.

A line tells its place among the others by a BillingReference to the invoice itself: its status, and its parent.
"""

from collections.abc import Iterator

from lxml import etree

from faitfoi.einvoice.rules.extended import Attribute, Extended, ExtendedCharge, ExtendedLine, Kind, Tax
from faitfoi.einvoice.rules.facts import number_in
from faitfoi.einvoice.xml_groups import clean

_CBC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"
_CAC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2}"


def extended_ubl(root: etree._Element) -> Extended:
    """What a UBL Invoice or CreditNote says beyond EN 16931."""
    number = root.findtext(_CBC + "ID", "")
    return Extended(
        lines=tuple(_line(line, number) for line in root.iter(_CAC + "InvoiceLine", _CAC + "CreditNoteLine")),
        charges=tuple(_charges(root)),
        attributes=tuple(_attribute(each) for each in root.iter(_CAC + "AdditionalItemProperty")),
        terms=next(root.iter(_CBC + "DueDate"), None) is not None
        or next(root.iterfind(f".//{_CAC}PaymentTerms/{_CBC}Note"), None) is not None,
        charge_reasons=tuple(_charge_reasons(root)),
        delivery_terms=tuple(clean(each.text) for each in root.iterfind(f".//{_CAC}DeliveryTerms/{_CBC}ID")),
    )


def _line(line: etree._Element, number: str) -> ExtendedLine:
    own = [
        reference
        for reference in line.iterchildren(_CAC + "BillingReference")
        if reference.findtext(f"{_CAC}InvoiceDocumentReference/{_CBC}ID", "") == number
    ]
    statuses = [
        status.text or ""
        for reference in own
        for status in reference.iterfind(f"{_CAC}InvoiceDocumentReference/{_CBC}DocumentStatusCode")
    ]
    parents = [reference.findtext(f"{_CAC}BillingReferenceLine/{_CBC}ID") for reference in own]
    quantities = list(line.iterchildren(_CBC + "InvoicedQuantity", _CBC + "CreditedQuantity"))
    taxes = line.findall(f"{_CAC}Item/{_CAC}ClassifiedTaxCategory")
    return ExtendedLine(
        identifier=line.findtext(_CBC + "ID", ""),
        status=statuses[0] if statuses else "",
        parent=next((parent for parent in parents if parent is not None), ""),
        counted=not own or "DETAIL" in statuses,
        net=number_in(line.find(_CBC + "LineExtensionAmount")),
        taxes=tuple(_tax(tax) for tax in taxes),
        has_quantity=bool(quantities),
        has_unit=any(quantity.get("unitCode") is not None for quantity in quantities),
        has_price=line.find(f"{_CAC}Price/{_CBC}PriceAmount") is not None,
        has_vat=any(
            tax.findtext(f"{_CAC}TaxScheme/{_CBC}ID", "").strip().upper() == "VAT" and tax.find(_CBC + "ID") is not None
            for tax in taxes
        ),
    )


def _tax(tax: etree._Element) -> Tax:
    return Tax(
        category=clean(tax.findtext(_CBC + "ID")),
        rate=number_in(tax.find(_CBC + "Percent")),
        reason=_words(tax.findtext(_CBC + "TaxExemptionReason")),
        reason_code=_words(tax.findtext(_CBC + "TaxExemptionReasonCode")),
    )


def _words(text: str | None) -> str:
    return " ".join((text or "").split())


def _charges(root: etree._Element) -> Iterator[ExtendedCharge]:
    kinds = {"false": Kind.ALLOWANCE, "0": Kind.ALLOWANCE, "true": Kind.CHARGE, "1": Kind.CHARGE}
    for group in root.iterchildren(_CAC + "AllowanceCharge"):
        kind = kinds.get(clean(group.findtext(_CBC + "ChargeIndicator")))
        if kind is not None:
            taxes = tuple(_tax(tax) for tax in group.iterchildren(_CAC + "TaxCategory"))
            yield ExtendedCharge(kind=kind, amount=number_in(group.find(_CBC + "Amount")), taxes=taxes)


def _attribute(group: etree._Element) -> Attribute:
    value, measure = group.find(_CBC + "Value"), group.find(_CBC + "ValueQuantity")
    return Attribute(
        named=group.find(_CBC + "Name") is not None or group.find(_CBC + "NameCode") is not None,
        valued=(value is not None) if measure is None else (value is None and bool(measure.get("unitCode"))),
        code=clean(group.findtext(_CBC + "NameCode")),
    )


def _charge_reasons(root: etree._Element) -> Iterator[tuple[str, str | None]]:
    for group in root.iter(_CAC + "AllowanceCharge"):
        if clean(group.findtext(_CBC + "ChargeIndicator")) in {"true", "1"}:
            for code in group.iterchildren(_CBC + "AllowanceChargeReasonCode"):
                yield clean(code.text), code.get("listID")
