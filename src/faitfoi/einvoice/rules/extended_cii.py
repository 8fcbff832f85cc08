"""What a CII document of an extended profile says, read from its tree."""

import re
from collections.abc import Iterator
from decimal import Decimal

from lxml import etree

from faitfoi.einvoice.cii_values import RAM, RSM, UDT
from faitfoi.einvoice.rules.extended import Attribute, Extended, ExtendedCharge, ExtendedLine, Kind, Tax
from faitfoi.einvoice.rules.facts import number_in
from faitfoi.einvoice.xml_groups import clean

_TRANSACTION = f"{RSM}SupplyChainTradeTransaction"
_LINE_TOTAL = (
    f"{RAM}SpecifiedLineTradeSettlement/{RAM}SpecifiedTradeSettlementLineMonetarySummation/{RAM}LineTotalAmount"
)
_DAY_AND_TIME = re.compile(r"\s*\d{4}(1[0-2]|0[1-9])(3[01]|[12]\d|0[1-9])([01]\d|2[0-3])[0-5]\d\s*")


def extended_cii(root: etree._Element) -> Extended:
    """What a CrossIndustryInvoice says beyond EN 16931."""
    settlement = root.find(f"{_TRANSACTION}/{RAM}ApplicableHeaderTradeSettlement")
    return Extended(
        lines=tuple(_line(line) for line in root.iter(RAM + "IncludedSupplyChainTradeLineItem")),
        charges=() if settlement is None else tuple(_charges(settlement)),
        attributes=tuple(_attribute(each) for each in root.iter(RAM + "ApplicableProductCharacteristic")),
        terms=any(
            terms.find(RAM + "DueDateDateTime") is not None or terms.find(RAM + "Description") is not None
            for terms in root.iter(RAM + "SpecifiedTradePaymentTerms")
        ),
        adjustments=_adjustments(settlement),
        faults=frozenset(_faults(root)),
        charge_reasons=tuple(_charge_reasons(root)),
        delivery_terms=tuple(
            clean(each.text) for each in root.iterfind(f".//{RAM}ApplicableTradeDeliveryTerms/{RAM}DeliveryTypeCode")
        ),
        price_reasons=tuple(_price_reasons(root)),
    )


def _line(line: etree._Element) -> ExtendedLine:
    document = line.find(RAM + "AssociatedDocumentLineDocument")
    status = None if document is None else document.find(RAM + "LineStatusReasonCode")
    said = "" if status is None else status.text or ""
    taxes = line.findall(f"{RAM}SpecifiedLineTradeSettlement/{RAM}ApplicableTradeTax")
    quantity = line.find(f"{RAM}SpecifiedLineTradeDelivery/{RAM}BilledQuantity")
    price = line.find(f"{RAM}SpecifiedLineTradeAgreement/{RAM}NetPriceProductTradePrice/{RAM}ChargeAmount")
    return ExtendedLine(
        identifier="" if document is None else document.findtext(RAM + "LineID", ""),
        status=said,
        parent="" if document is None else clean(document.findtext(RAM + "ParentLineID")),
        counted=status is None or said == "DETAIL",
        net=number_in(line.find(_LINE_TOTAL)),
        taxes=tuple(_tax(tax) for tax in taxes),
        has_quantity=quantity is not None,
        has_unit=quantity is not None and quantity.get("unitCode") is not None,
        has_price=price is not None,
        has_vat=any(
            tax.findtext(RAM + "TypeCode", "").upper() == "VAT" and tax.find(RAM + "CategoryCode") is not None
            for tax in taxes
        ),
        writes_vat=any(tax.findtext(RAM + "TypeCode") == "VAT" for tax in taxes),
    )


def _tax(tax: etree._Element) -> Tax:
    return Tax(
        category=tax.findtext(RAM + "CategoryCode", ""),
        rate=number_in(tax.find(RAM + "RateApplicablePercent")),
        reason=_words(tax.findtext(RAM + "ExemptionReason")),
        reason_code=_words(tax.findtext(RAM + "ExemptionReasonCode")),
    )


def _words(text: str | None) -> str:
    return " ".join((text or "").split())


def _charges(settlement: etree._Element) -> Iterator[ExtendedCharge]:
    kinds = {"false": Kind.ALLOWANCE, "0": Kind.ALLOWANCE, "true": Kind.CHARGE, "1": Kind.CHARGE}
    for group in settlement.iterchildren(RAM + "SpecifiedTradeAllowanceCharge"):
        kind = kinds.get(group.findtext(f"{RAM}ChargeIndicator/{UDT}Indicator", "").strip())
        if kind is not None:
            taxes = tuple(_tax(tax) for tax in group.iterchildren(RAM + "CategoryTradeTax"))
            yield ExtendedCharge(kind=kind, amount=number_in(group.find(RAM + "ActualAmount")), taxes=taxes)
    for group in settlement.iterchildren(RAM + "SpecifiedLogisticsServiceCharge"):
        taxes = tuple(_tax(tax) for tax in group.iterchildren(RAM + "AppliedTradeTax"))
        yield ExtendedCharge(kind=Kind.LOGISTICS, amount=number_in(group.find(RAM + "AppliedAmount")), taxes=taxes)


def _attribute(group: etree._Element) -> Attribute:
    value, measure = group.find(RAM + "Value"), group.find(RAM + "ValueMeasure")
    return Attribute(
        named=group.find(RAM + "Description") is not None or group.find(RAM + "TypeCode") is not None,
        valued=(value is not None) if measure is None else (value is None and bool(measure.get("unitCode"))),
        code=clean(group.findtext(RAM + "TypeCode")),
    )


def _adjustments(settlement: etree._Element | None) -> Decimal:
    if settlement is None:
        return Decimal(0)
    amounts = settlement.iterfind(f"{RAM}SpecifiedFinancialAdjustment/{RAM}ActualAmount")
    return sum((number_in(amount) or Decimal(0) for amount in amounts), Decimal(0))


def _faults(root: etree._Element) -> Iterator[str]:
    for note in root.iter(RAM + "IncludedNote"):
        if note.find(RAM + "SubjectCode") is None or any(
            note.find(RAM + name) is not None for name in ("ContentCode", "Content")
        ):
            continue
        parent = note.getparent()
        header = parent is not None and parent.tag == RSM + "ExchangedDocument"
        yield "BR-FXEXT-01" if header else "BR-FXEXT-02"
    for registration in root.iterfind(f".//{RAM}SpecifiedTaxRegistration/{RAM}ID"):
        of_seller = next(registration.iterancestors(RAM + "SellerTradeParty"), None) is not None
        if not of_seller and registration.get("schemeID") != "VA":
            yield "BR-FXEXT-03"
    for day in root.iter(UDT + "DateTimeString"):
        if day.get("format") == "205" and not _DAY_AND_TIME.fullmatch(day.text or ""):
            yield "BR-FXEXT-CII-DT-097a"


def _charge_reasons(root: etree._Element) -> Iterator[tuple[str, str | None]]:
    for group in root.iter(RAM + "SpecifiedTradeAllowanceCharge"):
        if group.findtext(f"{RAM}ChargeIndicator/{UDT}Indicator", "").strip() in {"true", "1"}:
            for code in group.iterchildren(RAM + "ReasonCode"):
                yield clean(code.text), code.get("listID")


def _price_reasons(root: etree._Element) -> Iterator[str]:
    for group in root.iterfind(f".//{RAM}GrossPriceProductTradePrice/{RAM}AppliedTradeAllowanceCharge"):
        if group.findtext(f"{RAM}ChargeIndicator/{UDT}Indicator", "").strip() in {"false", "0"}:
            for code in group.iterchildren(RAM + "ReasonCode"):
                yield clean(code.text)
