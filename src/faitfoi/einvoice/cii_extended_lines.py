"""What the extended profiles add to a line in CII: read in one go, written piece by piece where the schema has it."""

from dataclasses import dataclass
from decimal import Decimal

from faitfoi.einvoice.cii_parties import read_delivery, read_trade_party
from faitfoi.einvoice.cii_references import (
    read_delivery_terms,
    read_measure,
    read_reference,
    read_references,
    write_measure,
    write_reference,
)
from faitfoi.einvoice.cii_values import read_date, write_date
from faitfoi.einvoice.model import (
    Identifier,
    IncludedItem,
    ItemExtension,
    LineDocument,
    LineExtension,
    LineNote,
)
from faitfoi.einvoice.xml_groups import Group, clean, identifier
from faitfoi.einvoice.xml_out import Out

_NOTHING = LineExtension()
_NO_ITEM = ItemExtension()


@dataclass(frozen=True, slots=True, kw_only=True)
class Currencies:
    """Those of the invoice (BT-5) and of its VAT accounting (BT-6), by which a line's totals of VAT are told apart."""

    invoice: str
    vat: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LineGroups:
    """The groups of one line, from which what EN 16931 knows was taken already."""

    document: Group
    product: Group
    agreement: Group
    order: Group
    discount: Group
    delivery: Group
    settlement: Group
    tax: Group
    totals: Group
    account: Group


def read_line_extension(
    groups: LineGroups, *, notes: tuple[LineNote, ...], objects: tuple[Identifier, ...], currencies: Currencies
) -> LineExtension | None:
    """Everything else a line says; None when it says no more. `notes` and `objects` were found on the way."""
    document, agreement, delivery, settlement = groups.document, groups.agreement, groups.delivery, groups.settlement
    vat, vat_in_accounting_currency = _read_vat_totals(groups.totals, currencies)
    found = LineExtension(
        parent_line=document.text("ParentLineID", "BT-X-304"),
        status=document.text("LineStatusCode", "BT-X-7"),
        subtype=document.text("LineStatusReasonCode", "BT-X-8"),
        notes=notes,
        item=_read_item(groups.product),
        delivery_terms=read_delivery_terms(agreement),
        sales_order=read_reference(agreement.group("SellerOrderReferencedDocument", "BG-X-81")),
        purchase_order=groups.order.text("IssuerAssignedID", "BT-X-21"),
        purchase_order_date=read_date(groups.order, "FormattedIssueDateTime", "BT-X-22"),
        quotation=read_reference(agreement.group("QuotationReferencedDocument", "BG-X-47")),
        contract=read_reference(agreement.group("ContractReferencedDocument", "BG-X-2")),
        documents=tuple(_read_document(group) for group in agreement.groups("AdditionalReferencedDocument")),
        price_discount_percentage=groups.discount.decimal("CalculationPercent", "BT-X-34"),
        price_discount_base=groups.discount.decimal("BasisAmount", "BT-X-35"),
        price_discount_reason=groups.discount.text("Reason", "BT-X-36"),
        price_discount_reason_code=groups.discount.text("ReasonCode", "BT-X-313"),
        seller=read_trade_party(agreement.group("ItemSellerTradeParty", "BG-X-90")),
        ultimate_customer_orders=read_references(agreement, "UltimateCustomerOrderReferencedDocument"),
        charge_free_quantity=read_measure(delivery, "ChargeFreeQuantity"),
        package_quantity=read_measure(delivery, "PackageQuantity"),
        quantity_per_package=read_measure(delivery, "PerPackageUnitQuantity"),
        delivery=read_delivery(delivery),
        despatch_advice=read_reference(delivery.group("DespatchAdviceReferencedDocument", "BG-X-13")),
        receiving_advice=read_reference(delivery.group("ReceivingAdviceReferencedDocument", "BG-X-82")),
        delivery_note=read_reference(delivery.group("DeliveryNoteReferencedDocument", "BG-X-83")),
        exemption_reason=groups.tax.text("ExemptionReason", "BT-X-96"),
        exemption_reason_code=groups.tax.text("ExemptionReasonCode", "BT-X-97"),
        vat_amount=vat,
        vat_in_accounting_currency=vat_in_accounting_currency,
        with_vat=groups.totals.decimal("GrandTotalAmount", "BT-X-330"),
        preceding_invoice=read_reference(settlement.group("InvoiceReferencedDocument", "BG-X-48")),
        objects=objects,
        accounting_type=groups.account.text("TypeCode", "BT-X-99"),
    )
    return None if found == _NOTHING else found


def _read_vat_totals(totals: Group, currencies: Currencies) -> tuple[Decimal | None, Decimal | None]:
    vat: Decimal | None = None
    accounting: Decimal | None = None
    surplus = []
    for element in totals.elements("TaxTotalAmount"):
        given = clean(element.get("currencyID"))
        if vat is None and (given in {"", currencies.invoice} or given != currencies.vat):
            vat = totals.number(element, "BT-X-329")
        elif accounting is None and given == currencies.vat:
            accounting = totals.number(element, "BT-X-590")
        else:
            surplus.append(element)
    totals.source.repeated(surplus, term="BT-X-329")
    return vat, accounting


def _read_document(group: Group) -> LineDocument:
    return LineDocument(
        reference=group.text("IssuerAssignedID", "BT-X-27"),
        external_location=group.text("URIID", "BT-X-28"),
        line=group.text("LineID", "BT-X-29"),
        type_code=group.text("TypeCode", "BT-X-30"),
        description=group.text("Name", "BT-X-299"),
        reference_type=group.text("ReferenceTypeCode", "BT-X-32"),
        issue_date=read_date(group, "FormattedIssueDateTime", "BT-X-33"),
    )


def _read_item(product: Group) -> ItemExtension | None:
    if not product.has_more:
        return None
    found = ItemExtension(
        identifier=product.text("ID", "BT-X-305"),
        industry_identifier=product.text("IndustryAssignedID", "BT-X-532"),
        model_identifier=product.text("ModelID", "BT-X-533"),
        batches=tuple(product.texts("BatchID")),
        brand=product.text("BrandName", "BT-X-535"),
        model=product.text("ModelName", "BT-X-536"),
        included_items=tuple(_read_included(group) for group in product.groups("IncludedReferencedProduct")),
    )
    return None if found == _NO_ITEM else found


def _read_included(group: Group) -> IncludedItem:
    standard = (identifier(element) for element in group.elements("GlobalID"))
    return IncludedItem(
        identifier=group.text("ID", "BT-X-308"),
        standard_identifiers=tuple(found for found in standard if found is not None),
        seller_identifier=group.text("SellerAssignedID", "BT-X-16"),
        buyer_identifier=group.text("BuyerAssignedID", "BT-X-17"),
        industry_identifier=group.text("IndustryAssignedID", "BT-X-309"),
        name=group.text("Name", "BT-X-18"),
        description=group.text("Description", "BT-X-19"),
        quantity=read_measure(group, "UnitQuantity"),
    )


def write_place_among_lines(document: Out, extension: LineExtension) -> None:
    """Write the parent, the status and the subtype of a line."""
    document.text("ParentLineID", extension.parent_line)
    document.text("LineStatusCode", extension.status)
    document.text("LineStatusReasonCode", extension.subtype)


def write_line_notes(document: Out, extension: LineExtension) -> None:
    """Write the notes that have a subject."""
    for note in extension.notes:
        with document.group("IncludedNote") as out:
            out.text("ContentCode", note.content_code)
            out.text("Content", note.text)
            out.text("SubjectCode", note.subject_code)


def write_documents(agreement: Out, extension: LineExtension) -> None:
    """Write the quotation, the contract and the other documents that a line names."""
    write_reference(agreement, "QuotationReferencedDocument", extension.quotation)
    write_reference(agreement, "ContractReferencedDocument", extension.contract)
    for document in extension.documents:
        with agreement.group("AdditionalReferencedDocument") as out:
            out.text("IssuerAssignedID", document.reference)
            out.text("URIID", document.external_location)
            out.text("LineID", document.line)
            out.text("TypeCode", document.type_code)
            out.text("Name", document.description)
            out.text("ReferenceTypeCode", document.reference_type)
            write_date(out, "FormattedIssueDateTime", document.issue_date, string="qdt:DateTimeString")


def write_quantities(delivery: Out, extension: LineExtension) -> None:
    """Write the quantities beside the one invoiced."""
    write_measure(delivery, "ChargeFreeQuantity", extension.charge_free_quantity)
    write_measure(delivery, "PackageQuantity", extension.package_quantity)
    write_measure(delivery, "PerPackageUnitQuantity", extension.quantity_per_package)


def write_advices(delivery: Out, extension: LineExtension) -> None:
    """Write the despatch advice, the receiving advice and the delivery note of a line."""
    write_reference(delivery, "DespatchAdviceReferencedDocument", extension.despatch_advice)
    write_reference(delivery, "ReceivingAdviceReferencedDocument", extension.receiving_advice)
    write_reference(delivery, "DeliveryNoteReferencedDocument", extension.delivery_note)


def write_line_totals(totals: Out, extension: LineExtension, currencies: Currencies) -> None:
    """Write the totals of a line after its net amount."""
    totals.number("TaxTotalAmount", extension.vat_amount, currencyID=currencies.invoice)
    totals.number("TaxTotalAmount", extension.vat_in_accounting_currency, currencyID=currencies.vat)
    totals.number("GrandTotalAmount", extension.with_vat)


def write_included(product: Out, item: ItemExtension) -> None:
    """Write the articles that an item is made of."""
    for included in item.included_items:
        with product.group("IncludedReferencedProduct") as out:
            out.text("ID", included.identifier)
            for standard in included.standard_identifiers:
                out.identifier("GlobalID", standard)
            out.text("SellerAssignedID", included.seller_identifier)
            out.text("BuyerAssignedID", included.buyer_identifier)
            out.text("IndustryAssignedID", included.industry_identifier)
            out.text("Name", included.name)
            out.text("Description", included.description)
            write_measure(out, "UnitQuantity", included.quantity)
