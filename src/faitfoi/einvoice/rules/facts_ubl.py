"""The facts of a UBL document."""

from lxml import etree

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
    rename,
    vat_currency,
    write,
)
from faitfoi.einvoice.rules.marks import BLANK
from faitfoi.einvoice.rules.source import Means, VatTotal
from faitfoi.einvoice.ubl import CREDIT_NOTE_ROOT, INVOICE_ROOT
from faitfoi.einvoice.xml_groups import clean

_CBC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"
_CAC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2}"

_ID = _CBC + "ID"
_ROOTS_OF = {_CAC + "InvoiceLine": INVOICE_ROOT, _CAC + "CreditNoteLine": CREDIT_NOTE_ROOT}
_ROOTS = frozenset(_ROOTS_OF.values())

UBL_LOOKED_FOR = frozenset({"totals", "seller", "seller's legal entity", "issue date"})


def _legal_entity(facts: Facts, element: etree._Element) -> None:
    party = element.getparent()
    supplier = None if party is None else party.getparent()
    if supplier is not None and supplier.tag == _CAC + "AccountingSupplierParty":
        facts.present.add("seller's legal entity")


def _foreign_line(line: str, quantity: str) -> Handler:
    """A handler that renames the lines and quantities of the other kind of document: the sheets take both."""

    def handle(facts: Facts, element: etree._Element) -> None:
        parent = element.getparent()
        if parent is None or parent.tag not in _ROOTS or parent.tag == _ROOTS_OF[element.tag]:
            return
        facts.edit(element, rename(_CAC + line))
        for found in element.iterchildren(_CBC + "InvoicedQuantity", _CBC + "CreditedQuantity"):
            facts.edit(found, rename(_CBC + quantity))

    return handle


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
    scheme = _scheme(element)
    if scheme is not None and (scheme.text or "").strip().upper() == "VAT":
        if next(element.iterchildren(_ID), None) is None:
            facts.uncoded.add(_place_of(element))
        return
    code = element.find(_CBC + "ID")
    if code is not None:
        facts.edit(code, not_vat)


def _place_of(category: etree._Element) -> str:
    """What a VAT category is that of."""
    parent = category.getparent()
    if parent is None or parent.tag != _CAC + "AllowanceCharge":
        return "parts" if category.tag == _CAC + "TaxCategory" else "lines"
    return "charges" if parent.findtext(_CBC + "ChargeIndicator", "").strip() in {"true", "1"} else "allowances"


def _line_tax_category(facts: Facts, element: etree._Element) -> None:
    _tax_category(facts, element)
    # UBL lets lines hold lines, as XRechnung's extension does.
    item = element.getparent()
    line = None if item is None else item.getparent()
    if line is None or line.getparent() is not element.getroottree().getroot():
        facts.inner_codes.update(filter(None, (clean(code.text) for code in element.iterchildren(_CBC + "ID"))))


def _scheme(element: etree._Element) -> etree._Element | None:
    """Which tax it is."""
    return next((found for tax in element.iterchildren(_CAC + "TaxScheme") for found in tax.iterchildren(_ID)), None)


def _party_tax(facts: Facts, element: etree._Element) -> None:
    scheme = _scheme(element)
    if scheme is None or (scheme.text or "").strip().upper() != "VAT":
        return
    if scheme.text != "VAT":
        facts.edit(scheme, write("VAT"))
    for identifier in element.iterchildren(_CBC + "CompanyID"):
        # The sheet looks at the first two characters as they are written, white space included.
        facts.vat_identifiers.add(identifier.text or "")


def _allowance(facts: Facts, element: etree._Element) -> None:
    indicator = element.findtext(_CBC + "ChargeIndicator", "").strip()
    parent = element.getparent()
    inside_price = parent is not None and parent.tag == _CAC + "Price"
    if indicator not in {"true", "false", "0", "1"} and not inside_price:
        facts.edit(element, drop)
        codes = (clean(code.text) for code in element.iterfind(f"{_CAC}TaxCategory/{_CBC}ID"))
        facts.loose_codes.update(filter(None, codes))


def _issue_date(facts: Facts, element: etree._Element) -> None:
    if (element.text or "").strip() and element.getparent() is element.getroottree().getroot():
        facts.present.add("issue date")


def _supporting(facts: Facts, element: etree._Element) -> None:
    if element.find(_CBC + "ID") is None:
        facts.faults.setdefault("BR-52", element)


def _preceding(facts: Facts, element: etree._Element) -> None:
    if element.find(f"{_CAC}InvoiceDocumentReference/{_CBC}ID") is None:
        header = element.getparent() is element.getroottree().getroot()
        facts.faults.setdefault("BR-55" if header else "BR-55 on a line", element)


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

UBL_HANDLERS: dict[str, Handler] = {
    **dict.fromkeys([_CBC + name for name in _AMOUNTS], _amount),
    _CAC + "TaxTotal": _tax_total,
    _CAC + "PaymentMeans": _payment_means,
    _CAC + "TaxCategory": _tax_category,
    _CAC + "ClassifiedTaxCategory": _line_tax_category,
    _CAC + "AllowanceCharge": _allowance,
    _CAC + "PartyTaxScheme": _party_tax,
    _CBC + "IssueDate": _issue_date,
    _CBC + "DocumentCurrencyCode": currency,
    _CBC + "TaxCurrencyCode": vat_currency,
    _CAC + "LegalMonetaryTotal": is_present("totals"),
    _CAC + "AccountingSupplierParty": is_present("seller"),
    _CAC + "AdditionalDocumentReference": _supporting,
    _CAC + "BillingReference": _preceding,
    _CAC + "PartyLegalEntity": _legal_entity,
    _CBC + "EmbeddedDocumentBinaryObject": empty_attribute("mimeCode"),
    _CAC + "InvoiceLine": _foreign_line("CreditNoteLine", "CreditedQuantity"),
    _CAC + "CreditNoteLine": _foreign_line("InvoiceLine", "InvoicedQuantity"),
    **dict.fromkeys([_CBC + name for name in ("EndpointID", "ID", "CompanyID")], empty_attribute("schemeID")),
    _CBC + "ItemClassificationCode": empty_attribute("listID"),
    **dict.fromkeys([_CBC + name for name in ("InvoicedQuantity", "CreditedQuantity", "BaseQuantity")], quantity),
}
