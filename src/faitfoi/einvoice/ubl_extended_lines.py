"""What the extended profiles add to a line in UBL: read in one go, written piece by piece where the schema has it.

UBL has no place for the subtype of a line, nor for the line it belongs to: EXTENDED-CTC-FR writes them in a reference
to the invoice itself (BillingReference with the number BT-1).
"""

import re
from dataclasses import dataclass
from decimal import Decimal

from faitfoi.einvoice.model import (
    DocumentReference,
    Identifier,
    ItemExtension,
    LineDocument,
    LineExtension,
    LineNote,
)
from faitfoi.einvoice.ubl_parties import (
    read_delivery,
    read_delivery_terms,
    read_trade_party,
    write_delivery_terms,
)
from faitfoi.einvoice.xml_groups import Group, clean, identifier
from faitfoi.einvoice.xml_out import Out

_SUBJECT = re.compile(r"#([A-Z]{3})#(.*)", re.DOTALL)
_INVOICED_OBJECT = "130"
_NOT_SAID = "NA"  # what the schema wants where a line is not known, or an order
_NOTHING = LineExtension()
_NO_ITEM = ItemExtension()


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a line must know of its document: number (BT-1), currencies, names of elements, French profile or not."""

    number: str
    currency: str
    vat_currency: str
    line: str
    sub_line: str
    quantity: str
    is_french: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LineGroups:
    """The groups of one line, from which what EN 16931 knows was taken already."""

    line: Group
    order: Group
    item: Group
    tax: Group
    discount: Group


def split_notes(texts: list[str], document: Document) -> tuple[str, tuple[LineNote, ...]]:
    """BT-127, and in the French profile the notes that have a subject, written `#AAI#text`."""
    plain: list[str] = []
    others: list[LineNote] = []
    for text in texts:
        found = _SUBJECT.fullmatch(text) if document.is_french else None
        if found is None:
            plain.append(text)
        else:
            others.append(LineNote(subject_code=found[1], text=found[2].strip()))
    return "\n".join(plain), tuple(others)


def read_line_extension(
    groups: LineGroups,
    document: Document,
    *,
    notes: tuple[LineNote, ...],
    objects: tuple[Identifier, ...],
    documents: tuple[LineDocument, ...],
) -> LineExtension | None:
    """Everything else a line says; None when it says no more. The last three were found on the way."""
    line, order = groups.line, groups.order.group("OrderReference", "BT-X-21")
    subtype, parent, preceding = _read_billing(line, document)
    vat, vat_in_accounting_currency = _read_vat_totals(line, document)
    number, sales_number = order.text("ID", "BT-X-21"), order.text("SalesOrderID", "BT-X-537")
    ordered = order.iso_date("IssueDate", "BT-X-22")
    sales = DocumentReference(number=sales_number, line=groups.order.text("SalesOrderLineID", "BT-X-538"))
    found = LineExtension(
        parent_line=parent,
        subtype=subtype,
        notes=notes,
        item=_read_item(groups.item),
        delivery_terms=read_delivery_terms(line.group("DeliveryTerms", "BG-X-87")),
        sales_order=None if sales == DocumentReference() else sales,
        purchase_order="" if number == _NOT_SAID and (sales_number or ordered) else number,
        purchase_order_date=ordered,
        documents=documents,
        price_discount_percentage=groups.discount.decimal("MultiplierFactorNumeric", "BT-X-34"),
        price_discount_reason=groups.discount.text("AllowanceChargeReason", "BT-X-36"),
        price_discount_reason_code=groups.discount.text("AllowanceChargeReasonCode", "BT-X-313"),
        seller=read_trade_party(groups.item.group("ManufacturerParty", "BG-X-90")),
        delivery=read_delivery(line.group("Delivery", "BG-X-7")),
        despatch_advice=_read_line_of(line.group("DespatchLineReference", "BG-X-13")),
        receiving_advice=_read_line_of(line.group("ReceiptLineReference", "BG-X-82")),
        exemption_reason=groups.tax.text("TaxExemptionReason", "BT-X-96"),
        exemption_reason_code=groups.tax.text("TaxExemptionReasonCode", "BT-X-97"),
        vat_amount=vat,
        vat_in_accounting_currency=vat_in_accounting_currency,
        preceding_invoice=preceding,
        objects=objects,
    )
    return None if found == _NOTHING else found


def _read_billing(line: Group, document: Document) -> tuple[str, str, DocumentReference | None]:
    """The subtype and the parent of a line, and the earlier invoice that it names."""
    subtype = parent = ""
    earlier: DocumentReference | None = None
    for group in line.groups("BillingReference"):
        reference = group.group("InvoiceDocumentReference", "BG-X-48")
        number = reference.text("ID", "BT-X-331")
        place = group.group("BillingReferenceLine").text("ID", "BT-X-540")
        if number == document.number and not (subtype or parent):
            subtype = reference.text("DocumentStatusCode", "BT-X-8")
            parent = place
        elif earlier is None:
            earlier = DocumentReference(
                number=number,
                line=place,
                issue_date=reference.iso_date("IssueDate", "BT-X-333"),
                type_code=reference.text("DocumentTypeCode", "BT-X-332"),
            )
        else:
            group.drop(f"La facture antérieure {number} de la ligne s’ajoute à une autre : pas reprise.", "BT-X-331")
    return subtype, parent, earlier


def _read_vat_totals(line: Group, document: Document) -> tuple[Decimal | None, Decimal | None]:
    vat: Decimal | None = None
    accounting: Decimal | None = None
    for group in line.groups("TaxTotal"):
        element = group.element("TaxAmount", "BT-X-329")
        given = "" if element is None else clean(element.get("currencyID"))
        if element is not None and vat is None and (given in {"", document.currency} or given != document.vat_currency):
            vat = group.number(element, "BT-X-329")
        elif element is not None and accounting is None and given == document.vat_currency:
            accounting = group.number(element, "BT-X-590")
        else:
            group.drop("Ce total de TVA de la ligne s’ajoute à ceux que le profil prévoit : pas repris.", "BT-X-329")
    return vat, accounting


def _read_line_of(group: Group) -> DocumentReference | None:
    if not group:
        return None
    line, other = group.text("LineID"), group.group("DocumentReference")
    found = DocumentReference(
        number=other.text("ID"),
        line="" if line == _NOT_SAID else line,
        issue_date=other.iso_date("IssueDate"),
    )
    return None if found == DocumentReference() else found


def _read_item(item: Group) -> ItemExtension | None:
    if not item.has_more:
        return None
    found = ItemExtension(brand=item.text("BrandName", "BT-X-535"), model=item.text("ModelName", "BT-X-536"))
    return None if found == _NO_ITEM else found


def read_documents(line: Group) -> tuple[tuple[Identifier, ...], tuple[LineDocument, ...]]:
    """The objects that a line invoices (references of type 130), and the other documents it names."""
    objects: list[Identifier] = []
    documents: list[LineDocument] = []
    for group in line.groups("DocumentReference"):
        kind, element = group.text("DocumentTypeCode"), group.element("ID", "BT-128")
        found = None if element is None else identifier(element)
        if kind == _INVOICED_OBJECT:
            objects += [found] if found is not None else []
            continue
        documents.append(
            LineDocument(
                reference="" if found is None else found.value,
                reference_type="" if found is None else found.scheme,
                type_code=kind,
                description=group.text("DocumentDescription", "BT-X-299"),
                issue_date=group.iso_date("IssueDate", "BT-X-33"),
                external_location=group.group("Attachment").group("ExternalReference").text("URI", "BT-X-28"),
            )
        )
    return tuple(objects), tuple(documents)


def write_order(out: Out, line: str, more: LineExtension) -> None:
    """Write OrderLineReference with the orders that a line names; `line` is BT-132."""
    sales = more.sales_order or DocumentReference()
    named = more.purchase_order or sales.number or more.purchase_order_date
    if not (named or line or sales.line):
        return
    with out.group("OrderLineReference") as order:
        order.text("LineID", line or _NOT_SAID)
        order.text("SalesOrderLineID", sales.line)
        if named:
            with order.group("OrderReference") as reference:
                reference.text("ID", more.purchase_order or _NOT_SAID)
                reference.text("SalesOrderID", sales.number)
                reference.iso_date("IssueDate", more.purchase_order_date)


def write_advices(out: Out, more: LineExtension) -> None:
    """Write the despatch advice and the receiving advice that a line names."""
    for name, value in (
        ("DespatchLineReference", more.despatch_advice),
        ("ReceiptLineReference", more.receiving_advice),
    ):
        if value is None:
            continue
        with out.group(name) as group:
            group.text("LineID", value.line or _NOT_SAID)
            with group.group("DocumentReference") as reference:
                reference.text("ID", value.number)
                reference.iso_date("IssueDate", value.issue_date)


def write_billing(out: Out, more: LineExtension, document: Document) -> None:
    """Write the subtype and the parent of a line, then the earlier invoice that it names."""
    if more.subtype or more.parent_line:
        with out.group("BillingReference") as billing:
            with billing.group("InvoiceDocumentReference") as own:
                own.text("ID", document.number)
                own.text("DocumentStatusCode", more.subtype)
            with billing.group("BillingReferenceLine") as parent:
                parent.text("ID", more.parent_line)
    if (earlier := more.preceding_invoice) is not None:
        with out.group("BillingReference") as billing:
            with billing.group("InvoiceDocumentReference") as reference:
                reference.text("ID", earlier.number)
                reference.iso_date("IssueDate", earlier.issue_date)
                reference.text("DocumentTypeCode", earlier.type_code)
            with billing.group("BillingReferenceLine") as line:
                line.text("ID", earlier.line)


def write_documents(out: Out, more: LineExtension) -> None:
    """Write the documents that a line names and does not invoice."""
    for each in more.documents:
        with out.group("DocumentReference") as reference:
            reference.text("ID", each.reference, schemeID=each.reference_type)
            reference.iso_date("IssueDate", each.issue_date)
            reference.text("DocumentTypeCode", each.type_code)
            reference.text("DocumentDescription", each.description)
            with reference.group("Attachment") as attached, attached.group("ExternalReference") as external:
                external.text("URI", each.external_location)


def write_vat_totals(out: Out, more: LineExtension, document: Document) -> None:
    """Write the totals of VAT of a line."""
    for amount, currency in (
        (more.vat_amount, document.currency),
        (more.vat_in_accounting_currency, document.vat_currency),
    ):
        with out.group("TaxTotal") as total:
            total.number("TaxAmount", amount, currencyID=currency)


def write_line_delivery_terms(out: Out, more: LineExtension) -> None:
    """Write the Incoterms of a line."""
    write_delivery_terms(out, more.delivery_terms)
