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
    DocumentReference,
    Identifier,
    Invoice,
    InvoiceExtension,
    Note,
    Period,
    PrecedingInvoice,
    ProcessControl,
    SupportingDocument,
)
from faitfoi.einvoice.profiles import Profile, profile_of
from faitfoi.einvoice.ubl_extended import (
    References,
    read_extension,
    read_references,
    write_exchange,
    write_references,
)
from faitfoi.einvoice.ubl_extended_lines import Document
from faitfoi.einvoice.ubl_lines import read_line, read_period, write_line, write_object, write_period
from faitfoi.einvoice.ubl_parties import (
    read_buyer,
    read_delivery,
    read_payee,
    read_seller,
    read_tax_representative,
    write_buyer,
    write_delivery,
    write_delivery_terms,
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
from faitfoi.einvoice.xml_groups import Group, Source
from faitfoi.einvoice.xml_out import Out

_CBC: Final = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"
_CAC: Final = "{urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2}"
INVOICE_ROOT: Final = "{urn:oasis:names:specification:ubl:schema:xsd:Invoice-2}Invoice"
CREDIT_NOTE_ROOT: Final = "{urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2}CreditNote"

_SUBJECT = re.compile(r"#([A-Z]{3})#(.*)", re.DOTALL)
_PROJECT = "50"  # UNTDID 1001 code that EN 16931 gives to BT-11 in a credit note, which has no ProjectReference
_INVOICED_OBJECT = "130"  # … to BT-18
_SUPPORTING = "916"  # … to BG-24, where none need be written
_NO_ORDER = "NA"  # the schema wants an order number beside a sales order number


def read_ubl(root: etree._Element) -> tuple[Invoice, tuple[Finding, ...]]:
    """Read a UBL Invoice or CreditNote into the model, with what was not understood or not kept.

    `root` comes from `parse_xml`. Never raises for what a document says: an absent value is absent in the model.
    """
    source = Source(leaf=_CBC, branch=_CAC)
    document = source.root(root)
    credit_note = root.tag == CREDIT_NOTE_ROOT
    number = document.text("ID", "BT-1")
    specification = document.text("CustomizationID", "BT-24")
    currency = document.text("DocumentCurrencyCode", "BT-5")
    vat_currency = document.text("TaxCurrencyCode", "BT-6")
    about = _about(number, specification, currency=currency, vat_currency=vat_currency, credit_note=credit_note)
    supplier = document.group("AccountingSupplierParty").group("Party")
    customer = document.group("AccountingCustomerParty").group("Party")
    seller, seller_creditor = read_seller(supplier)
    payee, payee_creditor = read_payee(document.group("PayeeParty"))
    payment = read_payment(document, payee_creditor or seller_creditor)
    terms = document.group("PaymentTerms", "BT-20")
    period, point_code = _read_period(document.group("InvoicePeriod", "BG-14"))
    order = document.group("OrderReference", "BT-13")
    order_number, sales_order = _read_order(order)
    despatch = read_references(document, "DespatchDocumentReference", "BT-16")
    receiving = read_references(document, "ReceiptDocumentReference", "BT-15")
    tenders = read_references(document, "OriginatorDocumentReference", "BT-17")
    contracts = read_references(document, "ContractDocumentReference", "BT-12")
    references = _read_references(document)
    allowances, charges = read_document_allowances(document)
    taxes = read_tax_totals(document, currency=currency, vat_currency=vat_currency)
    invoice = Invoice(
        process=ProcessControl(
            specification=specification,
            business_process=document.text("ProfileID", "BT-23"),
        ),
        number=number,
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
        purchase_order_reference=order_number,
        sales_order_reference=sales_order,
        preceding_invoices=_read_preceding(document),
        despatch_advice_reference=despatch.number,
        receiving_advice_reference=receiving.number,
        tender_or_lot_reference=tenders.number,
        contract_reference=contracts.number,
        invoiced_object=references.objects[0] if references.objects else None,
        supporting_documents=references.supporting,
        project_reference=_read_reference(document, "ProjectReference", "BT-11") or references.project,
        seller=seller,
        buyer=read_buyer(customer),
        payee=payee,
        tax_representative=read_tax_representative(document.group("TaxRepresentativeParty")),
        delivery=read_delivery(document.group("Delivery", "BG-13")),
        payment=payment.instructions,
        payment_terms=terms.text("Note", "BT-20"),
        allowances=allowances,
        charges=charges,
        vat_breakdown=taxes.breakdown,
        totals=read_totals(document.group("LegalMonetaryTotal"), taxes),
        lines=tuple(read_line(line, about) for line in document.groups(about.line)),
        extended=read_extension(
            document,
            seller=supplier,
            buyer=customer,
            payer=payment.payer,
            order=order,
            contracts=contracts,
            despatch=despatch,
            receiving=receiving,
            tenders=tenders,
            objects=references.objects[1:],
        ),
    )
    return invoice, source.findings(currency=currency, vat_currency=vat_currency)


def _about(number: str, specification: str, *, currency: str, vat_currency: str, credit_note: bool) -> Document:
    """What the lines must know of their document."""
    return Document(
        number=number,
        currency=currency,
        vat_currency=vat_currency,
        line="CreditNoteLine" if credit_note else "InvoiceLine",
        sub_line="SubCreditNoteLine" if credit_note else "SubInvoiceLine",
        quantity="CreditedQuantity" if credit_note else "InvoicedQuantity",
        is_french=profile_of(specification) is Profile.EXTENDED_CTC_FR,
    )


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
    more = invoice.extended
    write_seller(out, invoice.seller, "" if invoice.payee else creditor, more)
    write_buyer(out, invoice.buyer, more)
    write_payee(out, invoice.payee, creditor)
    write_tax_representative(out, invoice.tax_representative)
    write_delivery(out, invoice.delivery)
    write_delivery_terms(out, more.delivery_terms if more is not None else None)
    write_payment(
        out,
        invoice.payment,
        due_date=invoice.due_date if credit_note else None,
        payer=more.payer if more is not None else None,
    )
    with out.group("PaymentTerms") as terms:
        terms.text("Note", invoice.payment_terms)
        if credit_note and invoice.payment is None:
            terms.iso_date("PaymentDueDate", invoice.due_date)
    if credit_note:  # the schemas order these two otherwise
        write_exchange(out, more)
    write_document_allowances(out, invoice)
    if not credit_note:
        write_exchange(out, more)
    write_tax_totals(out, invoice)
    write_totals(out, invoice)
    about = _about(
        invoice.number,
        invoice.process.specification,
        currency=invoice.currency,
        vat_currency=invoice.vat_currency,
        credit_note=credit_note,
    )
    for line in invoice.lines:
        write_line(out, line, about, name=about.line)


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
    ordered = invoice.extended.purchase_order_date if invoice.extended is not None else None
    known = invoice.sales_order_reference or ordered is not None
    with out.group("OrderReference") as order:
        order.text("ID", invoice.purchase_order_reference or (_NO_ORDER if known else ""))
        order.text("SalesOrderID", invoice.sales_order_reference)
        order.iso_date("IssueDate", ordered)
    for preceding in invoice.preceding_invoices:
        with out.group("BillingReference") as billing, billing.group("InvoiceDocumentReference") as document:
            document.text("ID", preceding.number)
            document.iso_date("IssueDate", preceding.issue_date)
            document.text("DocumentTypeCode", preceding.type_code)


def _write_references(out: Out, invoice: Invoice, *, credit_note: bool) -> None:
    more = invoice.extended or InvoiceExtension()
    despatch = References(
        number=invoice.despatch_advice_reference, issue_date=more.despatch_advice_date, others=more.despatch_advices
    )
    receiving = References(
        number=invoice.receiving_advice_reference, issue_date=more.receiving_advice_date, others=more.receiving_advices
    )
    contracts = References(
        number=invoice.contract_reference,
        issue_date=more.contract_date,
        kind=more.contract_type,
        others=more.contracts,
    )
    tenders = References(
        number=invoice.tender_or_lot_reference,
        others=tuple(DocumentReference(number=number) for number in more.tenders),
    )
    write_references(out, "DespatchDocumentReference", despatch)
    write_references(out, "ReceiptDocumentReference", receiving)
    if not credit_note:
        write_references(out, "OriginatorDocumentReference", tenders)
    write_references(out, "ContractDocumentReference", contracts)
    for document in invoice.supporting_documents:
        _write_supporting(out, document)
    for invoiced_object in (invoice.invoiced_object, *more.objects):
        write_object(out, "AdditionalDocumentReference", invoiced_object)
    if credit_note and invoice.project_reference:
        with out.group("AdditionalDocumentReference") as reference:
            reference.text("ID", invoice.project_reference)
            reference.text("DocumentTypeCode", _PROJECT)
    if credit_note:
        write_references(out, "OriginatorDocumentReference", tenders)
    else:
        with out.group("ProjectReference") as project:
            project.text("ID", invoice.project_reference)


def _note(text: str) -> Note:
    match = _SUBJECT.fullmatch(text)
    return Note(text=match[2].strip(), subject_code=match[1]) if match else Note(text=text)


def _read_period(group: Group) -> tuple[Period | None, str]:
    """The invoicing period (BG-14), and the tax point code (BT-8), which may stand there alone."""
    code = group.text("DescriptionCode", "BT-8")
    period = read_period(group)
    return (None if code and period == Period() else period), code


def _read_order(group: Group) -> tuple[str, str]:
    order, sales_order = group.text("ID", "BT-13"), group.text("SalesOrderID", "BT-14")
    return ("" if order == _NO_ORDER and (sales_order or group.has_more) else order), sales_order


def _read_reference(document: Group, name: str, term: str) -> str:
    return document.group(name, term).text("ID", term)


def _read_preceding(document: Group) -> tuple[PrecedingInvoice, ...]:
    references = (billing.group("InvoiceDocumentReference", "BG-3") for billing in document.groups("BillingReference"))
    return tuple(
        PrecedingInvoice(
            number=group.text("ID", "BT-25"),
            issue_date=group.iso_date("IssueDate", "BT-26"),
            type_code=group.text("DocumentTypeCode", "BT-X-555"),
        )
        for group in references
        if group
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _References:
    """AdditionalDocumentReference, which holds three different things told apart by DocumentTypeCode."""

    supporting: tuple[SupportingDocument, ...]
    project: str
    objects: tuple[Identifier, ...]


def _read_references(document: Group) -> _References:
    supporting: list[SupportingDocument] = []
    project = ""
    objects: list[Identifier] = []
    for group in document.groups("AdditionalDocumentReference"):
        kind = group.text("DocumentTypeCode")
        if kind == _INVOICED_OBJECT:
            if (invoiced_object := group.identifier("ID", "BT-18")) is not None:
                objects.append(invoiced_object)
        elif kind == _PROJECT and not project:
            project = group.text("ID", "BT-11")
        elif kind == _PROJECT:
            group.drop("Une seconde référence de projet n’a pas été reprise.", "BT-11")
        else:
            if kind not in {"", _SUPPORTING}:
                group.not_kept(f"Le type {kind} de la pièce n’a pas été repris : la norme n’en connaît qu’un.", "BG-24")
            supporting.append(_read_supporting(group))
    return _References(supporting=tuple(supporting), project=project, objects=tuple(objects))


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
