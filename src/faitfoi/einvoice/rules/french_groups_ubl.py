"""The lines of a UBL document as the rules on grouped invoices see them (EXTENDED-CTC-FR).

UBL has no lines inside lines: a line says its sub-type and its parent in a reference to the invoice itself.
"""

from typing import Final

from lxml import etree

from faitfoi.einvoice.rules.facts import number_in
from faitfoi.einvoice.rules.french_beyond import Grouped, GroupedLine, Origin
from faitfoi.einvoice.rules.french_writing import normal

_CBC: Final = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"
_CAC: Final = "{urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2}"
_EARLIER: Final = _CAC + "InvoiceDocumentReference"
_LEGAL_ID: Final = f"{_CAC}Party/{_CAC}PartyLegalEntity/{_CBC}CompanyID"


def groups_in_ubl(root: etree._Element) -> Grouped:
    """Every line, with the numbers of invoices of origin that stand before it."""
    number = root.findtext(_CBC + "ID") or ""
    numbers: set[str] = set()
    lines = []
    for line in root.iterchildren(_CAC + "InvoiceLine", _CAC + "CreditNoteLine"):
        found = _line(line, number=number, before=numbers)
        numbers.add(found.typed_origin)
        lines.append(found)
    parts = root.iterfind(f"{_CAC}TaxTotal/{_CAC}TaxSubtotal")
    exempted = [
        (part.findtext(f"{_CAC}TaxCategory/{_CBC}TaxExemptionReason", ""), number_in(part.find(_CBC + "TaxAmount")))
        for part in parts
        if part.findtext(f"{_CAC}TaxCategory/{_CAC}TaxScheme/{_CBC}ID") == "VAT"
    ]
    return Grouped(
        lines=tuple(lines),
        seller=root.findtext(f"{_CAC}AccountingSupplierParty/{_LEGAL_ID}") or "",
        buyer=root.findtext(f"{_CAC}AccountingCustomerParty/{_LEGAL_ID}") or "",
        exempted_vat=tuple((reason, amount) for reason, amount in exempted if amount is not None),
    )


def _line(line: etree._Element, *, number: str, before: set[str]) -> GroupedLine:
    references = line.findall(_CAC + "BillingReference")
    own = next((each for each in references if each.findtext(f"{_EARLIER}/{_CBC}ID") == number), None)
    earlier = [each for each in references if each.findtext(f"{_EARLIER}/{_CBC}ID") not in {None, number}]
    seller = f"{_CAC}Item/{_CAC}ManufacturerParty"
    legal = f"{seller}/{_CAC}PartyLegalEntity"
    gross = line.find(_CBC + "TaxInclusiveLineExtensionAmount")
    return GroupedLine(
        identifier=normal(line.findtext(_CBC + "ID") or ""),
        parent=None if own is None else own.findtext(f"{_CAC}BillingReferenceLine/{_CBC}ID"),
        status=None if own is None else own.findtext(f"{_EARLIER}/{_CBC}DocumentStatusCode") or "",
        seller_name=normal(line.findtext(f"{legal}/{_CBC}RegistrationName") or ""),
        seller_identifier=normal(line.findtext(f"{legal}/{_CBC}CompanyID") or ""),
        seller_country=normal(
            line.findtext(f"{seller}/{_CAC}PostalAddress/{_CAC}Country/{_CBC}IdentificationCode") or ""
        ),
        net=number_in(line.find(_CBC + "LineExtensionAmount")),
        gross=number_in(gross),
        has_gross=gross is not None,
        vat=tuple(
            (each.get("currencyID", ""), number_in(each)) for each in line.iterfind(f"{_CAC}TaxTotal/{_CBC}TaxAmount")
        ),
        origin=_origin(line, "AFL"),
        framework=_origin(line, "AVV"),
        exemption=line.findtext(f"{_CAC}Item/{_CAC}ClassifiedTaxCategory/{_CBC}TaxExemptionReason") or "",
        numbers_before=frozenset(before),
        has_earlier_number=bool(earlier),
        has_earlier_date=any(each.find(f"{_EARLIER}/{_CBC}IssueDate") is not None for each in earlier),
        has_dated_earlier=any(each.find(f"{_EARLIER}/{_CBC}IssueDate") is not None for each in earlier),
    )


def _origin(line: etree._Element, kind: str) -> Origin | None:
    for reference in line.iterchildren(_CAC + "DocumentReference"):
        typed = reference.findtext(_CBC + "DocumentTypeCode") == "130"
        found = reference.find(f"{_CBC}ID[@schemeID='{kind}']")
        if found is not None and typed:
            return Origin(text=normal(found.text or ""), is_typed=True)
    return None
