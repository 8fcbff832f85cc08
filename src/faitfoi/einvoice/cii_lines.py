"""Invoice lines in CII (BG-25 to BG-32): each reader beside its writer."""

from dataclasses import replace
from decimal import Decimal

from lxml import etree

from faitfoi.einvoice.cii_extended_lines import (
    Currencies,
    LineGroups,
    read_line_extension,
    write_advices,
    write_documents,
    write_included,
    write_line_notes,
    write_line_totals,
    write_place_among_lines,
    write_quantities,
)
from faitfoi.einvoice.cii_parties import write_delivery_date, write_ship_to, write_trade_party
from faitfoi.einvoice.cii_references import read_measure, write_delivery_terms, write_measure, write_reference
from faitfoi.einvoice.cii_settlement import read_line_allowances, read_vat_code, write_allowance
from faitfoi.einvoice.cii_values import read_date, read_indicator, write_date, write_indicator
from faitfoi.einvoice.model import (
    Classification,
    Identifier,
    InvoiceLine,
    Item,
    ItemAttribute,
    ItemExtension,
    LineExtension,
    LineNote,
    LineVat,
    Period,
    Price,
)
from faitfoi.einvoice.xml_groups import Group, any_has_more, clean
from faitfoi.einvoice.xml_out import Out

_INVOICED_OBJECT = "130"  # UNTDID 1001: invoicing data sheet, how EN 16931 marks BT-18 and BT-128


def read_line(group: Group, currencies: Currencies) -> InvoiceLine:
    """IncludedSupplyChainTradeLineItem (BG-25)."""
    document = group.group("AssociatedDocumentLineDocument")
    product = group.group("SpecifiedTradeProduct")
    agreement = group.group("SpecifiedLineTradeAgreement")
    order = agreement.group("BuyerOrderReferencedDocument", "BT-132")
    gross = agreement.group("GrossPriceProductTradePrice")
    discount = gross.group("AppliedTradeAllowanceCharge", "BT-147")
    delivery = group.group("SpecifiedLineTradeDelivery")
    quantity = delivery.element("BilledQuantity", "BT-129")
    settlement = group.group("SpecifiedLineTradeSettlement")
    allowances, charges = read_line_allowances(settlement)
    tax = settlement.group("ApplicableTradeTax", "BG-30")
    read_vat_code(tax)
    totals = settlement.group("SpecifiedTradeSettlementLineMonetarySummation")
    account = settlement.group("ReceivableSpecifiedTradeAccountingAccount", "BT-133")
    note, notes = _read_notes(document)
    invoiced_object, objects = _read_invoiced_objects(settlement)
    line = InvoiceLine(
        identifier=document.text("LineID", "BT-126"),
        note=note,
        item=read_item(product),
        purchase_order_line_reference=order.text("LineID", "BT-132"),
        price=_read_price(gross, discount, agreement.group("NetPriceProductTradePrice")),
        quantity=None if quantity is None else group.number(quantity, "BT-129"),
        unit="" if quantity is None else clean(quantity.get("unitCode")),
        vat=LineVat(
            category=tax.text("CategoryCode", "BT-151"),
            rate=tax.decimal("RateApplicablePercent", "BT-152"),
        ),
        period=read_period(settlement),
        allowances=allowances,
        charges=charges,
        net_amount=totals.decimal("LineTotalAmount", "BT-131"),
        invoiced_object=invoiced_object,
        buyer_accounting_reference=account.text("ID", "BT-133"),
    )
    parts = (document, product, agreement, order, discount, delivery, settlement, tax, totals, account)
    if not (notes or objects or any_has_more(*parts)):
        return line
    extension = read_line_extension(
        LineGroups(
            document=document,
            product=product,
            agreement=agreement,
            order=order,
            discount=discount,
            delivery=delivery,
            settlement=settlement,
            tax=tax,
            totals=totals,
            account=account,
        ),
        notes=notes,
        objects=objects,
        currencies=currencies,
    )
    return replace(line, extended=extension)


def write_line(transaction: Out, line: InvoiceLine, currencies: Currencies) -> None:
    """Write IncludedSupplyChainTradeLineItem (BG-25)."""
    more = line.extended
    with transaction.group("IncludedSupplyChainTradeLineItem", keep=True) as out:
        with out.group("AssociatedDocumentLineDocument") as document:
            document.text("LineID", line.identifier)
            if more is not None:
                write_place_among_lines(document, more)
            if line.note:
                with document.group("IncludedNote") as note:
                    note.text("Content", line.note)
            if more is not None:
                write_line_notes(document, more)
        write_item(out, line.item, more.item if more is not None else None)
        with out.group("SpecifiedLineTradeAgreement", keep=True) as agreement:
            _write_agreement(agreement, line, more)
        with out.group("SpecifiedLineTradeDelivery", keep=True) as delivery:
            delivery.number("BilledQuantity", line.quantity, unitCode=line.unit)
            if more is not None:
                write_quantities(delivery, more)
                write_ship_to(delivery, more.delivery)
                write_delivery_date(delivery, more.delivery)
                write_advices(delivery, more)
        with out.group("SpecifiedLineTradeSettlement", keep=True) as settlement:
            _write_settlement(settlement, line, currencies)


def _write_agreement(agreement: Out, line: InvoiceLine, more: LineExtension | None) -> None:
    if more is not None:
        write_delivery_terms(agreement, more.delivery_terms)
        write_reference(agreement, "SellerOrderReferencedDocument", more.sales_order)
    if line.purchase_order_line_reference or more is not None:
        with agreement.group("BuyerOrderReferencedDocument") as order:
            if more is not None:
                order.text("IssuerAssignedID", more.purchase_order)
            order.text("LineID", line.purchase_order_line_reference)
            if more is not None:
                write_date(order, "FormattedIssueDateTime", more.purchase_order_date, string="qdt:DateTimeString")
    if more is not None:
        write_documents(agreement, more)
    _write_price(agreement, line.price, more)
    if more is not None:
        write_trade_party(agreement, "ItemSellerTradeParty", more.seller)
        for order_of_customer in more.ultimate_customer_orders:
            write_reference(agreement, "UltimateCustomerOrderReferencedDocument", order_of_customer)


def _write_settlement(out: Out, line: InvoiceLine, currencies: Currencies) -> None:
    more = line.extended
    reason, code = (more.exemption_reason, more.exemption_reason_code) if more is not None else ("", "")
    if line.vat.category or line.vat.rate is not None or reason or code:
        with out.group("ApplicableTradeTax") as tax:
            tax.text("TypeCode", "VAT")
            tax.text("ExemptionReason", reason)
            tax.text("CategoryCode", line.vat.category)
            tax.text("ExemptionReasonCode", code)
            tax.number("RateApplicablePercent", line.vat.rate)
    write_period(out, line.period)
    for charge, values in ((False, line.allowances), (True, line.charges)):
        for value in values:
            with out.group("SpecifiedTradeAllowanceCharge") as allowance:
                write_allowance(allowance, value, charge=charge)
    with out.group("SpecifiedTradeSettlementLineMonetarySummation") as total:
        total.number("LineTotalAmount", line.net_amount)
        if more is not None:
            write_line_totals(total, more, currencies)
    if more is not None:
        write_reference(out, "InvoiceReferencedDocument", more.preceding_invoice)
    write_object(out, line.invoiced_object)
    for invoiced_object in more.objects if more is not None else ():
        write_object(out, invoiced_object)
    if line.buyer_accounting_reference:
        with out.group("ReceivableSpecifiedTradeAccountingAccount") as account:
            account.text("ID", line.buyer_accounting_reference)
            account.text("TypeCode", more.accounting_type if more is not None else "")


def _read_notes(document: Group) -> tuple[str, tuple[LineNote, ...]]:
    """EN 16931 has one note without subject per line (several are joined); those with a subject are of EXTENDED."""
    plain: list[str] = []
    others: list[LineNote] = []
    for group in document.groups("IncludedNote"):
        note = LineNote(
            text=group.text("Content", "BT-127"),
            subject_code=group.text("SubjectCode", "BT-X-10"),
            content_code=group.text("ContentCode", "BT-X-9"),
        )
        if note.subject_code or note.content_code:
            others.append(note)
        elif note.text:
            plain.append(note.text)
    return "\n".join(plain), tuple(others)


def read_item(group: Group) -> Item:
    """SpecifiedTradeProduct (BG-31)."""
    return Item(
        standard_identifier=group.identifier("GlobalID", "BT-157"),
        seller_identifier=group.text("SellerAssignedID", "BT-155"),
        buyer_identifier=group.text("BuyerAssignedID", "BT-156"),
        name=group.text("Name", "BT-153"),
        description=group.text("Description", "BT-154"),
        attributes=tuple(
            ItemAttribute(
                code=attribute.text("TypeCode", "BT-X-11"),
                name=attribute.text("Description", "BT-160"),
                measure=read_measure(attribute, "ValueMeasure"),
                value=attribute.text("Value", "BT-161"),
            )
            for attribute in group.groups("ApplicableProductCharacteristic")
        ),
        classifications=tuple(
            found
            for classification in group.groups("DesignatedProductClassification")
            if (found := _read_classification(classification)) is not None
        ),
        origin_country=group.group("OriginTradeCountry").text("ID", "BT-159"),
    )


def _read_classification(group: Group) -> Classification | None:
    element = group.element("ClassCode", "BT-158")
    code = "" if element is None else clean(element.text)
    if element is None or not code:
        return None
    return Classification(code=code, scheme=clean(element.get("listID")), version=clean(element.get("listVersionID")))


def write_item(line: Out, item: Item, more: ItemExtension | None = None) -> None:
    """Write SpecifiedTradeProduct (BG-31)."""
    with line.group("SpecifiedTradeProduct", keep=True) as out:
        if more is not None:
            out.text("ID", more.identifier)
        out.identifier("GlobalID", item.standard_identifier)
        out.text("SellerAssignedID", item.seller_identifier)
        out.text("BuyerAssignedID", item.buyer_identifier)
        if more is not None:
            out.text("IndustryAssignedID", more.industry_identifier)
            out.text("ModelID", more.model_identifier)
        out.text("Name", item.name)
        out.text("Description", item.description)
        if more is not None:
            for batch in more.batches:
                out.text("BatchID", batch)
            out.text("BrandName", more.brand)
            out.text("ModelName", more.model)
        for attribute in item.attributes:
            with out.group("ApplicableProductCharacteristic") as characteristic:
                characteristic.text("TypeCode", attribute.code)
                characteristic.text("Description", attribute.name)
                write_measure(characteristic, "ValueMeasure", attribute.measure)
                characteristic.text("Value", attribute.value)
        for classification in item.classifications:
            with out.group("DesignatedProductClassification") as designated:
                designated.text(
                    "ClassCode",
                    classification.code,
                    listID=classification.scheme,
                    listVersionID=classification.version,
                )
        if item.origin_country:
            with out.group("OriginTradeCountry") as country:
                country.text("ID", item.origin_country)
        if more is not None:
            write_included(out, more)


def _read_price(gross: Group, discount: Group, net: Group) -> Price:
    """GrossPriceProductTradePrice with its discount, and NetPriceProductTradePrice (BG-29)."""
    if read_indicator(discount):
        discount.not_kept("Ce supplément de prix est lu comme un rabais : la norme ne connaît que lui.", "BT-147")
    gross_basis, net_basis = gross.element("BasisQuantity"), net.element("BasisQuantity")
    basis = gross_basis if net_basis is None else net_basis
    if gross_basis is not None and net_basis is not None and _basis(gross_basis) != _basis(net_basis):
        gross.not_kept("La quantité de base du prix brut n’est pas celle du prix net, qui vaut seule.", "BT-149")
    return Price(
        gross=gross.decimal("ChargeAmount", "BT-148"),
        discount=discount.decimal("ActualAmount", "BT-147"),
        net=net.decimal("ChargeAmount", "BT-146"),
        base_quantity=None if basis is None else net.number(basis, "BT-149"),
        base_quantity_unit="" if basis is None else clean(basis.get("unitCode")),
    )


def _basis(element: etree._Element) -> tuple[str, str]:
    return clean(element.text), clean(element.get("unitCode"))


def _write_price(agreement: Out, price: Price, more: LineExtension | None) -> None:
    """Write both prices (BG-29). CII has room for a discount only under a gross price, which is then net + discount."""
    gross = price.gross
    if gross is None and price.discount is not None:
        gross = (price.net or Decimal(0)) + price.discount
    if gross is not None:
        with agreement.group("GrossPriceProductTradePrice") as out:
            out.number("ChargeAmount", gross)
            out.number("BasisQuantity", price.base_quantity, unitCode=price.base_quantity_unit)
            if price.discount is not None:
                with out.group("AppliedTradeAllowanceCharge") as allowance:
                    write_indicator(allowance, charge=False)
                    if more is not None:
                        allowance.number("CalculationPercent", more.price_discount_percentage)
                        allowance.number("BasisAmount", more.price_discount_base)
                    allowance.number("ActualAmount", price.discount)
                    if more is not None:
                        allowance.text("ReasonCode", more.price_discount_reason_code)
                        allowance.text("Reason", more.price_discount_reason)
    with agreement.group("NetPriceProductTradePrice") as out:
        out.number("ChargeAmount", price.net)
        out.number("BasisQuantity", price.base_quantity, unitCode=price.base_quantity_unit)


def read_period(settlement: Group) -> Period | None:
    """BillingSpecifiedPeriod (BG-14, BG-26), None when absent."""
    group = settlement.group("BillingSpecifiedPeriod")
    if not group:
        return None
    return Period(
        start=read_date(group, "StartDateTime", "BT-73"),
        end=read_date(group, "EndDateTime", "BT-74"),
    )


def write_period(settlement: Out, period: Period | None) -> None:
    """Write BillingSpecifiedPeriod (BG-14, BG-26)."""
    if period is None:
        return
    with settlement.group("BillingSpecifiedPeriod", keep=True) as out:
        write_date(out, "StartDateTime", period.start)
        write_date(out, "EndDateTime", period.end)


def _read_invoiced_objects(settlement: Group) -> tuple[Identifier | None, tuple[Identifier, ...]]:
    """The first object a line invoices, and the others (EXTENDED)."""
    found: list[Identifier] = []
    for group in settlement.groups("AdditionalReferencedDocument"):
        kind = group.text("TypeCode")
        if kind != _INVOICED_OBJECT:
            group.drop("Cette référence de la ligne n’est pas celle d’un objet facturé (130) : pas reprise.", "BT-128")
        elif (each := read_object(group)) is not None:
            found.append(each)
    return (found[0] if found else None), tuple(found[1:])


def read_object(group: Group) -> Identifier | None:
    """The identifier of an invoiced object (BT-18, BT-128) with its scheme, of UNTDID 1153."""
    value, scheme = group.text("IssuerAssignedID"), group.text("ReferenceTypeCode")
    return Identifier(value=value, scheme=scheme) if value else None


def write_object(out: Out, value: Identifier | None) -> None:
    """Write an invoiced object (BT-18, BT-128) as AdditionalReferencedDocument of type 130."""
    if value is None:
        return
    with out.group("AdditionalReferencedDocument") as reference:
        reference.text("IssuerAssignedID", value.value)
        reference.text("TypeCode", _INVOICED_OBJECT)
        reference.text("ReferenceTypeCode", value.scheme)
