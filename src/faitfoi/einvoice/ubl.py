"""The UBL 2.1 syntax, Invoice and CreditNote, as EN 16931 binds it.

Element order follows the OASIS schemas, which differ between the two documents. What EN 16931 has no term for is
reported, not kept. Source: EN 16931-3-2; the subject code of a note (BT-21) is written `#PMT#text`.
"""

import re
from dataclasses import dataclass
from typing import Final

from lxml import etree

from faitfoi.einvoice.findings import Finding
from faitfoi.einvoice.model import (
    Identifier,
    Invoice,
    Note,
    Period,
    PrecedingInvoice,
    ProcessControl,
    SupportingDocument,
)
from faitfoi.einvoice.ubl_lines import read_line, read_period, write_line, write_object, write_period
from faitfoi.einvoice.ubl_parties import (
    read_buyer,
    read_delivery,
    read_payee,
    read_seller,
    read_tax_representative,
    write_buyer,
    write_delivery,
    write_payee,
    write_seller,
    write_tax_representative,
)
from faitfoi.einvoice.ubl_settlement import (
    read_document_allowances,
    read_payment,
    read_tax_totals,
    read_totals,
    write_document_allowances,
    write_payment,
    write_tax_totals,
    write_totals,
)
from faitfoi.einvoice.xml_groups import Group, Out, Source

_CBC: Final = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"
_CAC: Final = "{urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2}"
INVOICE_ROOT: Final = "{urn:oasis:names:specification:ubl:schema:xsd:Invoice-2}Invoice"
CREDIT_NOTE_ROOT: Final = "{urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2}CreditNote"

_SUBJECT = re.compile(r"#([A-Z]{3})#(.*)", re.DOTALL)
_PROJECT = "50"  # UNTDID 1001 code that EN 16931 gives to BT-11 in a credit note, which has no ProjectReference
_INVOICED_OBJECT = "130"  # … to BT-18
_NO_ORDER = "NA"  # the schema wants an order number beside a sales order number


def read_ubl(root: etree._Element) -> tuple[Invoice, tuple[Finding, ...]]:
    """Read a UBL Invoice or CreditNote into the model, with what was not understood or not kept.

    `root` comes from `parse_xml`. Never raises for what a document says: an absent value is absent in the model.
    """
    source = Source(leaf=_CBC, branch=_CAC)
    document = source.root(root)
    credit_note = root.tag == CREDIT_NOTE_ROOT
    line_name, quantity = _line_names(credit_note=credit_note)
    currency = document.text("DocumentCurrencyCode", "BT-5")
    vat_currency = document.text("TaxCurrencyCode", "BT-6")
    seller, seller_creditor = read_seller(document.group("AccountingSupplierParty"))
    payee, payee_creditor = read_payee(document.group("PayeeParty"))
    payment = read_payment(document, payee_creditor or seller_creditor)
    terms = document.group("PaymentTerms", "BT-20")
    period, point_code = _read_period(document.group("InvoicePeriod", "BG-14"))
    order, sales_order = _read_order(document)
    references = _read_references(document)
    allowances, charges = read_document_allowances(document)
    taxes = read_tax_totals(document, currency=currency, vat_currency=vat_currency)
    invoice = Invoice(
        process=ProcessControl(
            specification=document.text("CustomizationID", "BT-24"),
            business_process=document.text("ProfileID", "BT-23"),
        ),
        number=document.text("ID", "BT-1"),
        issue_date=document.iso_date("IssueDate", "BT-2"),
        due_date=document.iso_date("DueDate", "BT-9") or payment.due_date or terms.iso_date("PaymentDueDate", "BT-9"),
        type_code=document.text("CreditNoteTypeCode" if credit_note else "InvoiceTypeCode", "BT-3"),
        notes=tuple(_note(text) for text in document.texts("Note")),
        vat_point_date=document.iso_date("TaxPointDate", "BT-7"),
        currency=currency,
        vat_currency=vat_currency,
        buyer_accounting_reference=document.text("AccountingCost", "BT-19"),
        buyer_reference=document.text("BuyerReference", "BT-10"),
        period=period,
        vat_point_date_code=point_code,
        purchase_order_reference=order,
        sales_order_reference=sales_order,
        preceding_invoices=_read_preceding(document),
        despatch_advice_reference=_read_reference(document, "DespatchDocumentReference", "BT-16"),
        receiving_advice_reference=_read_reference(document, "ReceiptDocumentReference", "BT-15"),
        tender_or_lot_reference=_read_reference(document, "OriginatorDocumentReference", "BT-17"),
        contract_reference=_read_reference(document, "ContractDocumentReference", "BT-12"),
        invoiced_object=references.invoiced_object,
        supporting_documents=references.supporting,
        project_reference=_read_reference(document, "ProjectReference", "BT-11") or references.project,
        seller=seller,
        buyer=read_buyer(document.group("AccountingCustomerParty")),
        payee=payee,
        tax_representative=read_tax_representative(document.group("TaxRepresentativeParty")),
        delivery=read_delivery(document.group("Delivery", "BG-13")),
        payment=payment.instructions,
        payment_terms=terms.text("Note", "BT-20"),
        allowances=allowances,
        charges=charges,
        vat_breakdown=taxes.breakdown,
        totals=read_totals(document.group("LegalMonetaryTotal"), taxes),
        lines=tuple(read_line(line, quantity=quantity) for line in document.groups(line_name)),
    )
    return invoice, source.findings()


def write_ubl(invoice: Invoice) -> bytes:
    """Write `invoice` as UBL 2.1 in UTF-8: a CreditNote when its type code (BT-3) is a credit note's, else an Invoice.

    What the model does not hold is not invented: an incomplete invoice gives a document that its schema refuses.
    Raises ValueError for a text that XML cannot hold or a number that is not finite.
    """
    credit_note = invoice.is_credit_note
    tag = CREDIT_NOTE_ROOT if credit_note else INVOICE_ROOT
    namespace = tag[1:].partition("}")[0]
    prefixes = {"": namespace, "cac": _CAC[1:-1], "cbc": _CBC[1:-1]}
    with Out.root(tag.partition("}")[2], prefixes, leaf="cbc:", branch="cac:") as out:
        _write_top(out, invoice, credit_note=credit_note)
    return out.document()


def _write_top(out: Out, invoice: Invoice, *, credit_note: bool) -> None:
    _write_header(out, invoice, credit_note=credit_note)
    _write_references(out, invoice, credit_note=credit_note)
    debit = invoice.payment.direct_debit if invoice.payment else None
    creditor = debit.creditor_identifier if debit else ""
    write_seller(out, invoice.seller, "" if invoice.payee else creditor)
    write_buyer(out, invoice.buyer)
    write_payee(out, invoice.payee, creditor)
    write_tax_representative(out, invoice.tax_representative)
    write_delivery(out, invoice.delivery)
    write_payment(out, invoice.payment, due_date=invoice.due_date if credit_note else None)
    with out.group("PaymentTerms") as terms:
        terms.text("Note", invoice.payment_terms)
        if credit_note and invoice.payment is None:
            terms.iso_date("PaymentDueDate", invoice.due_date)
    write_document_allowances(out, invoice)
    write_tax_totals(out, invoice)
    write_totals(out, invoice)
    name, quantity = _line_names(credit_note=credit_note)
    for line in invoice.lines:
        write_line(out, line, name=name, quantity=quantity, currency=invoice.currency)


def _line_names(*, credit_note: bool) -> tuple[str, str]:
    return ("CreditNoteLine", "CreditedQuantity") if credit_note else ("InvoiceLine", "InvoicedQuantity")


def _write_header(out: Out, invoice: Invoice, *, credit_note: bool) -> None:
    out.text("CustomizationID", invoice.process.specification)
    out.text("ProfileID", invoice.process.business_process)
    out.text("ID", invoice.number)
    out.iso_date("IssueDate", invoice.issue_date)
    if credit_note:
        out.iso_date("TaxPointDate", invoice.vat_point_date)
        out.text("CreditNoteTypeCode", invoice.type_code)
    else:
        out.iso_date("DueDate", invoice.due_date)
        out.text("InvoiceTypeCode", invoice.type_code)
    for note in invoice.notes:
        out.text("Note", f"#{note.subject_code}#{note.text}" if note.subject_code else note.text)
    if not credit_note:
        out.iso_date("TaxPointDate", invoice.vat_point_date)
    out.text("DocumentCurrencyCode", invoice.currency)
    out.text("TaxCurrencyCode", invoice.vat_currency)
    out.text("AccountingCost", invoice.buyer_accounting_reference)
    out.text("BuyerReference", invoice.buyer_reference)
    write_period(out, invoice.period, code=invoice.vat_point_date_code)
    with out.group("OrderReference") as order:
        order.text("ID", invoice.purchase_order_reference or (_NO_ORDER if invoice.sales_order_reference else ""))
        order.text("SalesOrderID", invoice.sales_order_reference)
    for preceding in invoice.preceding_invoices:
        with out.group("BillingReference") as billing, billing.group("InvoiceDocumentReference") as document:
            document.text("ID", preceding.number)
            document.iso_date("IssueDate", preceding.issue_date)


def _write_references(out: Out, invoice: Invoice, *, credit_note: bool) -> None:
    _write_reference(out, "DespatchDocumentReference", invoice.despatch_advice_reference)
    _write_reference(out, "ReceiptDocumentReference", invoice.receiving_advice_reference)
    if not credit_note:
        _write_reference(out, "OriginatorDocumentReference", invoice.tender_or_lot_reference)
    _write_reference(out, "ContractDocumentReference", invoice.contract_reference)
    for document in invoice.supporting_documents:
        _write_supporting(out, document)
    write_object(out, "AdditionalDocumentReference", invoice.invoiced_object)
    if credit_note and invoice.project_reference:
        with out.group("AdditionalDocumentReference") as reference:
            reference.text("ID", invoice.project_reference)
            reference.text("DocumentTypeCode", _PROJECT)
    if credit_note:
        _write_reference(out, "OriginatorDocumentReference", invoice.tender_or_lot_reference)
    else:
        _write_reference(out, "ProjectReference", invoice.project_reference)


def _note(text: str) -> Note:
    match = _SUBJECT.fullmatch(text)
    return Note(text=match[2].strip(), subject_code=match[1]) if match else Note(text=text)


def _read_period(group: Group) -> tuple[Period | None, str]:
    """The invoicing period (BG-14), and the tax point code (BT-8), which may stand there alone."""
    code = group.text("DescriptionCode", "BT-8")
    period = read_period(group)
    return (None if code and period == Period() else period), code


def _read_order(document: Group) -> tuple[str, str]:
    group = document.group("OrderReference", "BT-13")
    order, sales_order = group.text("ID", "BT-13"), group.text("SalesOrderID", "BT-14")
    return ("" if sales_order and order == _NO_ORDER else order), sales_order


def _read_reference(document: Group, name: str, term: str) -> str:
    return document.group(name, term).text("ID", term)


def _write_reference(out: Out, name: str, value: str) -> None:
    with out.group(name) as reference:
        reference.text("ID", value)


def _read_preceding(document: Group) -> tuple[PrecedingInvoice, ...]:
    references = (billing.group("InvoiceDocumentReference", "BG-3") for billing in document.groups("BillingReference"))
    return tuple(
        PrecedingInvoice(number=group.text("ID", "BT-25"), issue_date=group.iso_date("IssueDate", "BT-26"))
        for group in references
        if group
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _References:
    """AdditionalDocumentReference, which holds three different things told apart by DocumentTypeCode."""

    supporting: tuple[SupportingDocument, ...]
    project: str
    invoiced_object: Identifier | None


def _read_references(document: Group) -> _References:
    supporting: list[SupportingDocument] = []
    project = ""
    invoiced_object: Identifier | None = None
    for group in document.groups("AdditionalDocumentReference"):
        kind = group.text("DocumentTypeCode")
        if kind == _INVOICED_OBJECT and invoiced_object is None:
            invoiced_object = group.identifier("ID", "BT-18")
        elif kind == _PROJECT and not project:
            project = group.text("ID", "BT-11")
        elif kind in {_INVOICED_OBJECT, _PROJECT}:
            group.drop(f"Une seconde référence de type {kind} n’a pas été reprise.", "BT-18")
        else:
            supporting.append(_read_supporting(group))
    return _References(supporting=tuple(supporting), project=project, invoiced_object=invoiced_object)


def _read_supporting(group: Group) -> SupportingDocument:
    attached = group.group("Attachment")
    return SupportingDocument(
        reference=group.text("ID", "BT-122"),
        description=group.text("DocumentDescription", "BT-123"),
        attachment=attached.attachment("EmbeddedDocumentBinaryObject", "BT-125"),
        external_location=attached.group("ExternalReference").text("URI", "BT-124"),
    )


def _write_supporting(out: Out, document: SupportingDocument) -> None:
    with out.group("AdditionalDocumentReference") as reference:
        reference.text("ID", document.reference)
        reference.text("DocumentDescription", document.description)
        with reference.group("Attachment") as attached:
            attached.attachment("EmbeddedDocumentBinaryObject", document.attachment)
            with attached.group("ExternalReference") as external:
                external.text("URI", document.external_location)
