"""Invoice and credit note lines in UBL (BG-25 to BG-32): each reader beside its writer."""

from dataclasses import replace
from decimal import Decimal

from faitfoi.einvoice.model import (
    Classification,
    Identifier,
    InvoiceLine,
    Item,
    ItemAttribute,
    LineExtension,
    LineVat,
    Measure,
    Period,
    Price,
)
from faitfoi.einvoice.ubl_extended_lines import (
    Document,
    LineGroups,
    read_documents,
    read_line_extension,
    split_notes,
    write_advices,
    write_billing,
    write_documents,
    write_line_delivery_terms,
    write_order,
    write_vat_totals,
)
from faitfoi.einvoice.ubl_parties import write_delivery, write_trade_party
from faitfoi.einvoice.ubl_settlement import (
    read_indicator,
    read_line_allowances,
    read_tax_category,
    write_allowance,
    write_tax_category,
)
from faitfoi.einvoice.xml_groups import Group, any_has_more, clean
from faitfoi.einvoice.xml_out import Out

_NOT_SAID = "NA"  # what the schema wants where the line of an order is not known
_INVOICED_OBJECT = "130"  # UNTDID 1001: how EN 16931 marks BT-18 and BT-128


def read_line(group: Group, document: Document) -> InvoiceLine:
    """InvoiceLine or CreditNoteLine (BG-25), with the lines inside it."""
    billed = group.element(document.quantity, "BT-129")
    allowances, charges = read_line_allowances(group)
    item, price, order = group.group("Item"), group.group("Price"), group.group("OrderLineReference", "BT-132")
    tax = item.group("ClassifiedTaxCategory", "BT-151")
    category, rate = read_tax_category(tax, "BT-151", "BT-152")
    discount = price.group("AllowanceCharge", "BT-147")
    note, notes = split_notes(group.texts("Note"), document)
    objects, documents = read_documents(group)
    order_line = order.text("LineID", "BT-132")
    line = InvoiceLine(
        identifier=group.text("ID", "BT-126"),
        note=note,
        quantity=None if billed is None else group.number(billed, "BT-129"),
        unit="" if billed is None else clean(billed.get("unitCode")),
        net_amount=group.decimal("LineExtensionAmount", "BT-131"),
        buyer_accounting_reference=group.text("AccountingCost", "BT-133"),
        period=read_period(group.group("InvoicePeriod", "BG-26")),
        purchase_order_line_reference="" if order.has_more and order_line == _NOT_SAID else order_line,
        invoiced_object=objects[0] if objects else None,
        allowances=allowances,
        charges=charges,
        item=read_item(item),
        vat=LineVat(category=category, rate=rate),
        price=_read_price(price, discount),
        sub_lines=tuple(read_line(each, document) for each in group.groups(document.sub_line)),
    )
    if not (notes or objects[1:] or documents or any_has_more(group, order, item, tax, discount)):
        return line
    groups = LineGroups(line=group, order=order, item=item, tax=tax, discount=discount)
    extension = read_line_extension(groups, document, notes=notes, objects=objects[1:], documents=documents)
    return replace(line, extended=extension)


def write_line(parent: Out, line: InvoiceLine, document: Document, *, name: str) -> None:
    """Write a line (BG-25) as `name`, with the lines inside it."""
    more, currency = line.extended, document.currency
    with parent.group(name, keep=True) as out:
        out.text("ID", line.identifier)
        out.text("Note", line.note)
        for note in more.notes if more is not None else ():
            out.text("Note", f"#{note.subject_code}#{note.text}")
        out.number(document.quantity, line.quantity, unitCode=line.unit)
        out.number("LineExtensionAmount", line.net_amount, currencyID=currency)
        out.text("AccountingCost", line.buyer_accounting_reference)
        write_period(out, line.period)
        _write_references(out, line, document)
        is_credit = document.quantity == "CreditedQuantity"
        if more is not None and is_credit:  # the schemas order these two otherwise
            write_vat_totals(out, more, document)
        for charge, values in ((False, line.allowances), (True, line.charges)):
            for value in values:
                with out.group("AllowanceCharge") as allowance:
                    write_allowance(allowance, value, charge=charge, currency=currency)
        if more is not None and not is_credit:
            write_vat_totals(out, more, document)
        write_item(out, line.item, line.vat, more)
        _write_price(out, line.price, more, currency=currency)
        if more is not None:
            write_line_delivery_terms(out, more)
        for each in line.sub_lines:
            write_line(out, each, document, name=document.sub_line)


def _write_references(out: Out, line: InvoiceLine, document: Document) -> None:
    more = line.extended
    if more is None:
        if line.purchase_order_line_reference:
            with out.group("OrderLineReference") as order:
                order.text("LineID", line.purchase_order_line_reference)
        write_object(out, "DocumentReference", line.invoiced_object)
        return
    write_order(out, line.purchase_order_line_reference, more)
    write_advices(out, more)
    write_billing(out, more, document)
    for invoiced_object in (line.invoiced_object, *more.objects):
        write_object(out, "DocumentReference", invoiced_object)
    write_documents(out, more)
    write_delivery(out, more.delivery)


def read_item(group: Group) -> Item:
    """Item (BG-31), but its tax category."""
    return Item(
        description=group.text("Description", "BT-154"),
        name=group.text("Name", "BT-153"),
        buyer_identifier=group.group("BuyersItemIdentification").text("ID", "BT-156"),
        seller_identifier=group.group("SellersItemIdentification").text("ID", "BT-155"),
        standard_identifier=group.group("StandardItemIdentification").identifier("ID", "BT-157"),
        origin_country=group.group("OriginCountry").text("IdentificationCode", "BT-159"),
        classifications=tuple(
            found
            for classification in group.groups("CommodityClassification")
            if (found := _read_classification(classification)) is not None
        ),
        attributes=tuple(_read_attribute(attribute) for attribute in group.groups("AdditionalItemProperty")),
    )


def _read_attribute(group: Group) -> ItemAttribute:
    name, code, measure = (
        group.text("Name", "BT-160"),
        group.text("NameCode", "BT-X-11"),
        group.element("ValueQuantity"),
    )
    return ItemAttribute(
        name="" if name == code else name,  # the schema wants a name where the profile has a code alone
        code=code,
        value=group.text("Value", "BT-161"),
        measure=None
        if measure is None
        else Measure(value=group.number(measure, "BT-X-12"), unit=clean(measure.get("unitCode"))),
    )


def _read_classification(group: Group) -> Classification | None:
    element = group.element("ItemClassificationCode", "BT-158")
    code = "" if element is None else clean(element.text)
    if element is None or not code:
        return None
    return Classification(code=code, scheme=clean(element.get("listID")), version=clean(element.get("listVersionID")))


def write_item(line: Out, item: Item, vat: LineVat, more: LineExtension | None = None) -> None:
    """Write Item (BG-31) with the line's VAT (BG-30), which UBL keeps there."""
    with line.group("Item", keep=True) as out:
        out.text("Description", item.description)
        out.text("Name", item.name)
        if more is not None and more.item is not None:
            out.text("BrandName", more.item.brand)
            out.text("ModelName", more.item.model)
        with out.group("BuyersItemIdentification") as identification:
            identification.text("ID", item.buyer_identifier)
        with out.group("SellersItemIdentification") as identification:
            identification.text("ID", item.seller_identifier)
        with out.group("StandardItemIdentification") as identification:
            identification.identifier("ID", item.standard_identifier)
        with out.group("OriginCountry") as country:
            country.text("IdentificationCode", item.origin_country)
        for classification in item.classifications:
            with out.group("CommodityClassification") as commodity:
                commodity.text(
                    "ItemClassificationCode",
                    classification.code,
                    listID=classification.scheme,
                    listVersionID=classification.version,
                )
        reason, code = (more.exemption_reason, more.exemption_reason_code) if more is not None else ("", "")
        if vat.category or vat.rate is not None or reason or code:
            write_tax_category(
                out,
                "ClassifiedTaxCategory",
                vat.category,
                vat.rate,
                exemption_reason=reason,
                exemption_reason_code=code,
            )
        for attribute in item.attributes:
            with out.group("AdditionalItemProperty") as characteristic:
                characteristic.text("Name", attribute.name or attribute.code)
                characteristic.text("NameCode", attribute.code)
                characteristic.text("Value", attribute.value)
                if attribute.measure is not None:
                    characteristic.number("ValueQuantity", attribute.measure.value, unitCode=attribute.measure.unit)
        if more is not None:
            write_trade_party(out, "ManufacturerParty", more.seller)


def _read_price(group: Group, allowance: Group) -> Price:
    """Price (BG-29): the discount and gross price are in its AllowanceCharge."""
    basis = group.element("BaseQuantity", "BT-149")
    if read_indicator(allowance):
        allowance.not_kept("Ce supplément de prix est lu comme un rabais : la norme ne connaît que lui.", "BT-147")
    return Price(
        net=group.decimal("PriceAmount", "BT-146"),
        base_quantity=None if basis is None else group.number(basis, "BT-149"),
        base_quantity_unit="" if basis is None else clean(basis.get("unitCode")),
        discount=allowance.decimal("Amount", "BT-147"),
        gross=allowance.decimal("BaseAmount", "BT-148"),
    )


def _write_price(line: Out, price: Price, more: LineExtension | None, *, currency: str) -> None:
    """Write Price (BG-29). UBL has room for a gross price only beside a discount, which is then gross - net."""
    discount = price.discount
    if discount is None and price.gross is not None:
        discount = price.gross - (price.net or Decimal(0))
    with line.group("Price") as out:
        out.number("PriceAmount", price.net, currencyID=currency)
        out.number("BaseQuantity", price.base_quantity, unitCode=price.base_quantity_unit)
        if discount is not None:
            with out.group("AllowanceCharge") as allowance:
                allowance.text("ChargeIndicator", "false")
                if more is not None:
                    allowance.text("AllowanceChargeReasonCode", more.price_discount_reason_code)
                    allowance.text("AllowanceChargeReason", more.price_discount_reason)
                    allowance.number("MultiplierFactorNumeric", more.price_discount_percentage)
                allowance.number("Amount", discount, currencyID=currency)
                allowance.number("BaseAmount", price.gross, currencyID=currency)


def read_period(group: Group) -> Period | None:
    """An InvoicePeriod (BG-14, BG-26) that says when; None when absent."""
    if not group:
        return None
    return Period(start=group.iso_date("StartDate", "BT-73"), end=group.iso_date("EndDate", "BT-74"))


def write_period(parent: Out, period: Period | None, *, code: str = "") -> None:
    """Write InvoicePeriod (BG-14, BG-26), with the tax point code (BT-8) for the document's."""
    if period is None and not code:
        return
    with parent.group("InvoicePeriod", keep=True) as out:
        if period is not None:
            out.iso_date("StartDate", period.start)
            out.iso_date("EndDate", period.end)
        out.text("DescriptionCode", code)


def write_object(parent: Out, name: str, value: Identifier | None) -> None:
    """Write an invoiced object (BT-18, BT-128) as a document reference of type 130."""
    if value is None:
        return
    with parent.group(name) as reference:
        reference.identifier("ID", value)
        reference.text("DocumentTypeCode", _INVOICED_OBJECT)
