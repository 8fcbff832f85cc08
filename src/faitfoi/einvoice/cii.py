"""The CII syntax (UN/CEFACT Cross Industry Invoice, D16B and later) as Factur-X and ZUGFeRD 2 use it.

Element order follows the Factur-X schemas. Reading takes every profile from MINIMUM to EXTENDED; what EN 16931 has
no term for is reported, not kept. Source: EN 16931-3-3, Factur-X 1.07 and later.
"""

from dataclasses import dataclass

from lxml import etree

from faitfoi.einvoice.cii_extended import (
    HeaderGroups,
    read_extension,
    write_context_extension,
    write_delivery_group,
    write_orders,
    write_parties_of_agreement,
    write_parties_of_settlement,
)
from faitfoi.einvoice.cii_extended_lines import Currencies
from faitfoi.einvoice.cii_lines import read_line, read_object, read_period, write_line, write_object, write_period
from faitfoi.einvoice.cii_parties import (
    read_buyer,
    read_delivery,
    read_payee,
    read_seller,
    read_tax_representative,
    write_buyer,
    write_seller,
    write_tax_representative,
    write_trade_party,
)
from faitfoi.einvoice.cii_references import write_reference
from faitfoi.einvoice.cii_settlement import (
    read_document_allowances,
    read_payment,
    read_payment_terms,
    read_totals,
    read_trade_taxes,
    write_document_allowances,
    write_payment,
    write_payment_terms,
    write_totals,
    write_trade_taxes,
)
from faitfoi.einvoice.cii_values import NAMESPACES, RSM, read_date, source, write_date
from faitfoi.einvoice.findings import Finding
from faitfoi.einvoice.model import (
    Identifier,
    Invoice,
    Note,
    PrecedingInvoice,
    ProcessControl,
    SupportingDocument,
)
from faitfoi.einvoice.xml_groups import Group
from faitfoi.einvoice.xml_out import Out

CII_ROOT = RSM + "CrossIndustryInvoice"

_TENDER = "50"  # UNTDID 1001 code that EN 16931 gives to BT-17
_INVOICED_OBJECT = "130"  # … to BT-18
_SUPPORTING = "916"  # … to BG-24
_PROJECT_NAME = "Project reference"  # the schema wants a name, EN 16931 has no term for it


def read_cii(root: etree._Element) -> tuple[Invoice, tuple[Finding, ...]]:
    """Read a CrossIndustryInvoice into the model, with what was not understood or not kept.

    `root` comes from `parse_xml`. Never raises for what a document says: an absent value is absent in the model.
    """
    document = source()
    top = document.root(root)
    context = _rsm(top, "ExchangedDocumentContext")
    header = _rsm(top, "ExchangedDocument")
    transaction = _rsm(top, "SupplyChainTradeTransaction")
    agreement = transaction.group("ApplicableHeaderTradeAgreement")
    delivery = transaction.group("ApplicableHeaderTradeDelivery")
    settlement = transaction.group("ApplicableHeaderTradeSettlement")
    currencies = Currencies(
        invoice=settlement.text("InvoiceCurrencyCode", "BT-5"), vat=settlement.text("TaxCurrencyCode", "BT-6")
    )
    terms = read_payment_terms(settlement)
    taxes = read_trade_taxes(settlement)
    references = _read_references(agreement)
    allowances, charges = read_document_allowances(settlement)
    sales_order = agreement.group("SellerOrderReferencedDocument", "BT-14")
    purchase_order = agreement.group("BuyerOrderReferencedDocument", "BT-13")
    contract = agreement.group("ContractReferencedDocument", "BT-12")
    despatch_advice = delivery.group("DespatchAdviceReferencedDocument", "BT-16")
    receiving_advice = delivery.group("ReceivingAdviceReferencedDocument", "BT-15")
    account = settlement.group("ReceivableSpecifiedTradeAccountingAccount", "BT-19")
    invoice = Invoice(
        process=_read_process(context),
        number=header.text("ID", "BT-1"),
        type_code=header.text("TypeCode", "BT-3"),
        issue_date=read_date(header, "IssueDateTime", "BT-2"),
        notes=_read_notes(header),
        lines=tuple(read_line(line, currencies) for line in transaction.groups("IncludedSupplyChainTradeLineItem")),
        buyer_reference=agreement.text("BuyerReference", "BT-10"),
        seller=read_seller(agreement.group("SellerTradeParty", "BG-4")),
        buyer=read_buyer(agreement.group("BuyerTradeParty", "BG-7")),
        tax_representative=read_tax_representative(agreement.group("SellerTaxRepresentativeTradeParty")),
        sales_order_reference=sales_order.text("IssuerAssignedID", "BT-14"),
        purchase_order_reference=purchase_order.text("IssuerAssignedID", "BT-13"),
        contract_reference=contract.text("IssuerAssignedID", "BT-12"),
        tender_or_lot_reference=references.tenders[0] if references.tenders else "",
        invoiced_object=references.objects[0] if references.objects else None,
        supporting_documents=references.supporting,
        project_reference=_read_project(agreement),
        delivery=read_delivery(delivery),
        despatch_advice_reference=despatch_advice.text("IssuerAssignedID", "BT-16"),
        receiving_advice_reference=receiving_advice.text("IssuerAssignedID", "BT-15"),
        currency=currencies.invoice,
        vat_currency=currencies.vat,
        payee=read_payee(settlement.group("PayeeTradeParty")),
        payment=read_payment(settlement, terms.mandate_reference),
        vat_breakdown=taxes.breakdown,
        vat_point_date=taxes.point_date,
        vat_point_date_code=taxes.point_code,
        period=read_period(settlement),
        allowances=allowances,
        charges=charges,
        payment_terms=terms.description,
        due_date=terms.due_date,
        totals=read_totals(settlement, currency=currencies.invoice, vat_currency=currencies.vat),
        preceding_invoices=_read_preceding(settlement),
        buyer_accounting_reference=account.text("ID", "BT-19"),
        extended=read_extension(
            HeaderGroups(
                context=context,
                header=header,
                agreement=agreement,
                sales_order=sales_order,
                purchase_order=purchase_order,
                contract=contract,
                delivery=delivery,
                despatch_advice=despatch_advice,
                receiving_advice=receiving_advice,
                settlement=settlement,
                account=account,
            ),
            tenders=references.tenders[1:],
            objects=references.objects[1:],
            terms=terms.extensions,
        ),
    )
    return invoice, document.findings(currency=currencies.invoice, vat_currency=currencies.vat)


def write_cii(invoice: Invoice) -> bytes:
    """Write `invoice` as CII in UTF-8, elements in the order of the Factur-X schemas.

    What the model does not hold is not invented: an incomplete invoice gives a document that its schema refuses.
    Raises ValueError for a text that XML cannot hold or a number that is not finite.
    """
    with Out.root("rsm:CrossIndustryInvoice", NAMESPACES, leaf="ram:", branch="rsm:") as top:
        _write_top(top, invoice)
    return top.document()


def _write_top(top: Out, invoice: Invoice) -> None:
    currencies = Currencies(invoice=invoice.currency, vat=invoice.vat_currency)
    with _open(top, "ExchangedDocumentContext") as context:
        if invoice.extended is not None:
            write_context_extension(context, invoice.extended)
        _write_process(context, invoice.process)
    with _open(top, "ExchangedDocument") as header:
        header.text("ID", invoice.number)
        if invoice.extended is not None:
            header.text("Name", invoice.extended.document_name)
        header.text("TypeCode", invoice.type_code)
        write_date(header, "IssueDateTime", invoice.issue_date)
        if invoice.extended is not None:
            header.text("LanguageID", invoice.extended.language)
        _write_notes(header, invoice.notes)
    with _open(top, "SupplyChainTradeTransaction") as transaction:
        for line in invoice.lines:
            write_line(transaction, line, currencies)
        with transaction.group("ApplicableHeaderTradeAgreement", keep=True) as agreement:
            _write_agreement(agreement, invoice)
        with transaction.group("ApplicableHeaderTradeDelivery", keep=True) as delivery:
            write_delivery_group(delivery, invoice)
        with transaction.group("ApplicableHeaderTradeSettlement", keep=True) as settlement:
            _write_settlement(settlement, invoice)


def _rsm(top: Group, name: str) -> Group:
    return top.foreign(RSM + name)


def _open(top: Out, name: str) -> Out:
    return top.group(name, keep=True, inside="ram:")


def _read_process(context: Group) -> ProcessControl:
    process = context.group("BusinessProcessSpecifiedDocumentContextParameter")
    guideline = context.group("GuidelineSpecifiedDocumentContextParameter", "BT-24")
    return ProcessControl(business_process=process.text("ID", "BT-23"), specification=guideline.text("ID", "BT-24"))


def _write_process(context: Out, process: ProcessControl) -> None:
    with context.group("BusinessProcessSpecifiedDocumentContextParameter") as out:
        out.text("ID", process.business_process)
    with context.group("GuidelineSpecifiedDocumentContextParameter") as out:
        out.text("ID", process.specification)


def _read_notes(header: Group) -> tuple[Note, ...]:
    notes = (
        Note(
            content_code=group.text("ContentCode", "BT-X-5"),
            text=group.text("Content", "BT-22"),
            subject_code=group.text("SubjectCode", "BT-21"),
        )
        for group in header.groups("IncludedNote")
    )
    return tuple(note for note in notes if note.text or note.subject_code or note.content_code)


def _write_notes(header: Out, notes: tuple[Note, ...]) -> None:
    for note in notes:
        with header.group("IncludedNote") as out:
            out.text("ContentCode", note.content_code)
            out.text("Content", note.text)
            out.text("SubjectCode", note.subject_code)


def _write_agreement(agreement: Out, invoice: Invoice) -> None:
    agreement.text("BuyerReference", invoice.buyer_reference)
    write_seller(agreement, invoice.seller)
    write_buyer(agreement, invoice.buyer)
    write_parties_of_agreement(agreement, invoice)
    write_tax_representative(agreement, invoice.tax_representative)
    write_orders(agreement, invoice)
    more = invoice.extended
    for document in invoice.supporting_documents:
        _write_supporting(agreement, document)
    for tender in (invoice.tender_or_lot_reference, *(more.tenders if more is not None else ())):
        _write_tender(agreement, tender)
    for invoiced_object in (invoice.invoiced_object, *(more.objects if more is not None else ())):
        write_object(agreement, invoiced_object)
    if more is not None:
        write_trade_party(agreement, "BuyerAgentTradeParty", more.buyer_agent)
    if invoice.project_reference:
        with agreement.group("SpecifiedProcuringProject") as out:
            out.text("ID", invoice.project_reference)
            out.text("Name", _PROJECT_NAME)
    if more is not None:
        for order in more.ultimate_customer_orders:
            write_reference(agreement, "UltimateCustomerOrderReferencedDocument", order)


def _write_tender(agreement: Out, reference: str) -> None:
    if reference:
        with agreement.group("AdditionalReferencedDocument") as out:
            out.text("IssuerAssignedID", reference)
            out.text("TypeCode", _TENDER)


def _write_settlement(settlement: Out, invoice: Invoice) -> None:
    payment = invoice.payment
    if payment is not None:
        if payment.direct_debit is not None:
            settlement.text("CreditorReferenceID", payment.direct_debit.creditor_identifier)
        settlement.text("PaymentReference", payment.remittance_information)
    settlement.text("TaxCurrencyCode", invoice.vat_currency)
    settlement.text("InvoiceCurrencyCode", invoice.currency)
    write_parties_of_settlement(settlement, invoice)
    write_payment(settlement, payment)
    write_trade_taxes(settlement, invoice)
    write_period(settlement, invoice.period)
    write_document_allowances(settlement, invoice)
    write_payment_terms(settlement, invoice)
    write_totals(settlement, invoice)
    for preceding in invoice.preceding_invoices:
        with settlement.group("InvoiceReferencedDocument") as out:
            out.text("IssuerAssignedID", preceding.number)
            out.text("TypeCode", preceding.type_code)
            write_date(out, "FormattedIssueDateTime", preceding.issue_date, string="qdt:DateTimeString")
    if invoice.buyer_accounting_reference:
        with settlement.group("ReceivableSpecifiedTradeAccountingAccount") as out:
            out.text("ID", invoice.buyer_accounting_reference)
            out.text("TypeCode", invoice.extended.accounting_type if invoice.extended is not None else "")


def _read_project(agreement: Group) -> str:
    project = agreement.group("SpecifiedProcuringProject")
    name, reference = project.text("Name"), project.text("ID", "BT-11")
    if name not in {"", _PROJECT_NAME, reference}:
        project.not_kept(f"Le nom du projet ({name}) n’a pas de place dans la norme : pas repris.", "BT-11")
    return reference


def _read_preceding(settlement: Group) -> tuple[PrecedingInvoice, ...]:
    return tuple(
        PrecedingInvoice(
            number=group.text("IssuerAssignedID", "BT-25"),
            type_code=group.text("TypeCode", "BT-X-555"),
            issue_date=read_date(group, "FormattedIssueDateTime", "BT-26"),
        )
        for group in settlement.groups("InvoiceReferencedDocument")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _References:
    """AdditionalReferencedDocument, which holds three different things told apart by TypeCode."""

    supporting: tuple[SupportingDocument, ...]
    tenders: tuple[str, ...]
    objects: tuple[Identifier, ...]


def _read_references(agreement: Group) -> _References:
    supporting: list[SupportingDocument] = []
    tenders: list[str] = []
    objects: list[Identifier] = []
    for group in agreement.groups("AdditionalReferencedDocument"):
        kind = group.text("TypeCode")
        if kind == _TENDER:
            if tender := group.text("IssuerAssignedID", "BT-17"):
                tenders.append(tender)
        elif kind == _INVOICED_OBJECT:
            if (invoiced_object := read_object(group)) is not None:
                objects.append(invoiced_object)
        else:
            if kind not in {"", _SUPPORTING}:
                group.not_kept(f"Le type {kind} de la pièce n’a pas été repris : la norme n’en connaît qu’un.", "BG-24")
            supporting.append(_read_supporting(group))
    return _References(supporting=tuple(supporting), tenders=tuple(tenders), objects=tuple(objects))


def _read_supporting(group: Group) -> SupportingDocument:
    return SupportingDocument(
        reference=group.text("IssuerAssignedID", "BT-122"),
        external_location=group.text("URIID", "BT-124"),
        description=group.text("Name", "BT-123"),
        attachment=group.attachment("AttachmentBinaryObject", "BT-125"),
    )


def _write_supporting(agreement: Out, document: SupportingDocument) -> None:
    with agreement.group("AdditionalReferencedDocument") as out:
        out.text("IssuerAssignedID", document.reference)
        out.text("URIID", document.external_location)
        out.text("TypeCode", _SUPPORTING)
        out.text("Name", document.description)
        out.attachment("AttachmentBinaryObject", document.attachment)
