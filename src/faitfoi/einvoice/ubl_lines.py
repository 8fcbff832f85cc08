"""Invoice and credit note lines in UBL (BG-25 to BG-32): each reader beside its writer."""

from decimal import Decimal

from faitfoi.einvoice.model import (
    Classification,
    Identifier,
    InvoiceLine,
    Item,
    ItemAttribute,
    LineVat,
    Period,
    Price,
)
from faitfoi.einvoice.ubl_settlement import (
    read_line_allowances,
    read_tax_category,
    write_allowance,
    write_tax_category,
)
from faitfoi.einvoice.xml_groups import Group, Out, clean

_INVOICED_OBJECT = "130"  # UNTDID 1001: how EN 16931 marks BT-18 and BT-128


def read_line(group: Group, *, quantity: str) -> InvoiceLine:
    """InvoiceLine or CreditNoteLine (BG-25); `quantity` is the name of its quantity element."""
    billed = group.element(quantity, "BT-129")
    allowances, charges = read_line_allowances(group)
    item = group.group("Item")
    category, rate = read_tax_category(item, "ClassifiedTaxCategory", "BT-151", "BT-152")
    return InvoiceLine(
        identifier=group.text("ID", "BT-126"),
        note="\n".join(group.texts("Note")),
        quantity=None if billed is None else group.number(billed, "BT-129"),
        unit="" if billed is None else clean(billed.get("unitCode")),
        net_amount=group.decimal("LineExtensionAmount", "BT-131"),
        buyer_accounting_reference=group.text("AccountingCost", "BT-133"),
        period=read_period(group.group("InvoicePeriod", "BG-26")),
        purchase_order_line_reference=group.group("OrderLineReference", "BT-132").text("LineID", "BT-132"),
        invoiced_object=_read_invoiced_object(group),
        allowances=allowances,
        charges=charges,
        item=read_item(item),
        vat=LineVat(category=category, rate=rate),
        price=read_price(group.group("Price")),
    )


def write_line(document: Out, line: InvoiceLine, *, name: str, quantity: str, currency: str) -> None:
    """Write a line (BG-25) as `name` with its quantity as `quantity`."""
    with document.group(name, keep=True) as out:
        out.text("ID", line.identifier)
        out.text("Note", line.note)
        out.number(quantity, line.quantity, unitCode=line.unit)
        out.number("LineExtensionAmount", line.net_amount, currencyID=currency)
        out.text("AccountingCost", line.buyer_accounting_reference)
        write_period(out, line.period)
        with out.group("OrderLineReference") as order:
            order.text("LineID", line.purchase_order_line_reference)
        write_object(out, "DocumentReference", line.invoiced_object)
        for charge, values in ((False, line.allowances), (True, line.charges)):
            for value in values:
                with out.group("AllowanceCharge") as allowance:
                    write_allowance(allowance, value, charge=charge, currency=currency)
        write_item(out, line.item, line.vat)
        write_price(out, line.price, currency=currency)


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
        attributes=tuple(
            ItemAttribute(name=attribute.text("Name", "BT-160"), value=attribute.text("Value", "BT-161"))
            for attribute in group.groups("AdditionalItemProperty")
        ),
    )


def _read_classification(group: Group) -> Classification | None:
    element = group.element("ItemClassificationCode", "BT-158")
    code = "" if element is None else clean(element.text)
    if element is None or not code:
        return None
    return Classification(code=code, scheme=clean(element.get("listID")), version=clean(element.get("listVersionID")))


def write_item(line: Out, item: Item, vat: LineVat) -> None:
    """Write Item (BG-31) with the line's VAT (BG-30), which UBL keeps there."""
    with line.group("Item", keep=True) as out:
        out.text("Description", item.description)
        out.text("Name", item.name)
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
        if vat.category or vat.rate is not None:
            write_tax_category(out, "ClassifiedTaxCategory", vat.category, vat.rate)
        for attribute in item.attributes:
            with out.group("AdditionalItemProperty") as characteristic:
                characteristic.text("Name", attribute.name)
                characteristic.text("Value", attribute.value)


def read_price(group: Group) -> Price:
    """Price (BG-29): the discount and gross price are in its AllowanceCharge."""
    basis = group.element("BaseQuantity", "BT-149")
    allowance = group.group("AllowanceCharge", "BT-147")
    allowance.text("ChargeIndicator")
    return Price(
        net=group.decimal("PriceAmount", "BT-146"),
        base_quantity=None if basis is None else group.number(basis, "BT-149"),
        base_quantity_unit="" if basis is None else clean(basis.get("unitCode")),
        discount=allowance.decimal("Amount", "BT-147"),
        gross=allowance.decimal("BaseAmount", "BT-148"),
    )


def write_price(line: Out, price: Price, *, currency: str) -> None:
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


def _read_invoiced_object(line: Group) -> Identifier | None:
    found: Identifier | None = None
    for group in line.groups("DocumentReference"):
        kind = group.text("DocumentTypeCode")
        if kind != _INVOICED_OBJECT or found is not None:
            group.drop("Cette référence de la ligne n’est pas celle d’un objet facturé (130) : pas reprise.", "BT-128")
            continue
        found = group.identifier("ID", "BT-128")
    return found


def write_object(parent: Out, name: str, value: Identifier | None) -> None:
    """Write an invoiced object (BT-18, BT-128) as a document reference of type 130."""
    if value is None:
        return
    with parent.group(name) as reference:
        reference.identifier("ID", value)
        reference.text("DocumentTypeCode", _INVOICED_OBJECT)
