"""Invoice lines in CII (BG-25 to BG-32): each reader beside its writer."""

from decimal import Decimal

from faitfoi.einvoice.cii_settlement import read_line_allowances, write_allowance
from faitfoi.einvoice.cii_values import read_date, write_date, write_indicator
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
from faitfoi.einvoice.xml_groups import Group, Out, clean

_INVOICED_OBJECT = "130"  # UNTDID 1001: invoicing data sheet, how EN 16931 marks BT-18 and BT-128


def read_line(group: Group) -> InvoiceLine:
    """IncludedSupplyChainTradeLineItem (BG-25)."""
    document = group.group("AssociatedDocumentLineDocument")
    agreement = group.group("SpecifiedLineTradeAgreement")
    settlement = group.group("SpecifiedLineTradeSettlement")
    quantity = group.group("SpecifiedLineTradeDelivery").element("BilledQuantity", "BT-129")
    allowances, charges = read_line_allowances(settlement)
    tax = settlement.group("ApplicableTradeTax", "BG-30")
    tax.text("TypeCode")
    return InvoiceLine(
        identifier=document.text("LineID", "BT-126"),
        note=_read_note(document),
        item=read_item(group.group("SpecifiedTradeProduct")),
        purchase_order_line_reference=agreement.group("BuyerOrderReferencedDocument").text("LineID", "BT-132"),
        price=read_price(agreement),
        quantity=None if quantity is None else group.number(quantity, "BT-129"),
        unit="" if quantity is None else clean(quantity.get("unitCode")),
        vat=LineVat(
            category=tax.text("CategoryCode", "BT-151"),
            rate=tax.decimal("RateApplicablePercent", "BT-152"),
        ),
        period=read_period(settlement),
        allowances=allowances,
        charges=charges,
        net_amount=settlement.group("SpecifiedTradeSettlementLineMonetarySummation").decimal(
            "LineTotalAmount", "BT-131"
        ),
        invoiced_object=_read_invoiced_object(settlement),
        buyer_accounting_reference=settlement.group("ReceivableSpecifiedTradeAccountingAccount").text("ID", "BT-133"),
    )


def write_line(transaction: Out, line: InvoiceLine) -> None:
    """Write IncludedSupplyChainTradeLineItem (BG-25)."""
    with transaction.group("IncludedSupplyChainTradeLineItem", keep=True) as out:
        with out.group("AssociatedDocumentLineDocument") as document:
            document.text("LineID", line.identifier)
            with document.group("IncludedNote") as note:
                note.text("Content", line.note)
        write_item(out, line.item)
        with out.group("SpecifiedLineTradeAgreement", keep=True) as agreement:
            with agreement.group("BuyerOrderReferencedDocument") as order:
                order.text("LineID", line.purchase_order_line_reference)
            write_price(agreement, line.price)
        with out.group("SpecifiedLineTradeDelivery", keep=True) as delivery:
            delivery.number("BilledQuantity", line.quantity, unitCode=line.unit)
        with out.group("SpecifiedLineTradeSettlement", keep=True) as settlement:
            _write_settlement(settlement, line)


def _write_settlement(out: Out, line: InvoiceLine) -> None:
    if line.vat.category or line.vat.rate is not None:
        with out.group("ApplicableTradeTax") as tax:
            tax.text("TypeCode", "VAT")
            tax.text("CategoryCode", line.vat.category)
            tax.number("RateApplicablePercent", line.vat.rate)
    write_period(out, line.period)
    for charge, values in ((False, line.allowances), (True, line.charges)):
        for value in values:
            with out.group("SpecifiedTradeAllowanceCharge") as allowance:
                write_allowance(allowance, value, charge=charge)
    with out.group("SpecifiedTradeSettlementLineMonetarySummation") as total:
        total.number("LineTotalAmount", line.net_amount)
    write_object(out, line.invoiced_object)
    with out.group("ReceivableSpecifiedTradeAccountingAccount") as account:
        account.text("ID", line.buyer_accounting_reference)


def _read_note(document: Group) -> str:
    """EN 16931 has one note without subject per line; several (EXTENDED) are joined."""
    contents = [note.text("Content", "BT-127") for note in document.groups("IncludedNote")]
    return "\n".join(content for content in contents if content)


def read_item(group: Group) -> Item:
    """SpecifiedTradeProduct (BG-31)."""
    return Item(
        standard_identifier=group.identifier("GlobalID", "BT-157"),
        seller_identifier=group.text("SellerAssignedID", "BT-155"),
        buyer_identifier=group.text("BuyerAssignedID", "BT-156"),
        name=group.text("Name", "BT-153"),
        description=group.text("Description", "BT-154"),
        attributes=tuple(
            ItemAttribute(name=attribute.text("Description", "BT-160"), value=attribute.text("Value", "BT-161"))
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


def write_item(line: Out, item: Item) -> None:
    """Write SpecifiedTradeProduct (BG-31)."""
    with line.group("SpecifiedTradeProduct", keep=True) as out:
        out.identifier("GlobalID", item.standard_identifier)
        out.text("SellerAssignedID", item.seller_identifier)
        out.text("BuyerAssignedID", item.buyer_identifier)
        out.text("Name", item.name)
        out.text("Description", item.description)
        for attribute in item.attributes:
            with out.group("ApplicableProductCharacteristic") as characteristic:
                characteristic.text("Description", attribute.name)
                characteristic.text("Value", attribute.value)
        for classification in item.classifications:
            with out.group("DesignatedProductClassification") as designated:
                designated.text(
                    "ClassCode",
                    classification.code,
                    listID=classification.scheme,
                    listVersionID=classification.version,
                )
        with out.group("OriginTradeCountry") as country:
            country.text("ID", item.origin_country)


def read_price(agreement: Group) -> Price:
    """GrossPriceProductTradePrice and NetPriceProductTradePrice (BG-29)."""
    gross = agreement.group("GrossPriceProductTradePrice")
    net = agreement.group("NetPriceProductTradePrice")
    allowance = gross.group("AppliedTradeAllowanceCharge", "BT-147")
    allowance.element("ChargeIndicator")
    gross_basis, net_basis = gross.element("BasisQuantity"), net.element("BasisQuantity")
    basis = gross_basis if net_basis is None else net_basis
    return Price(
        gross=gross.decimal("ChargeAmount", "BT-148"),
        discount=allowance.decimal("ActualAmount", "BT-147"),
        net=net.decimal("ChargeAmount", "BT-146"),
        base_quantity=None if basis is None else net.number(basis, "BT-149"),
        base_quantity_unit="" if basis is None else clean(basis.get("unitCode")),
    )


def write_price(agreement: Out, price: Price) -> None:
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
                    allowance.number("ActualAmount", price.discount)
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


def _read_invoiced_object(settlement: Group) -> Identifier | None:
    found: Identifier | None = None
    for group in settlement.groups("AdditionalReferencedDocument"):
        kind = group.text("TypeCode")
        if kind != _INVOICED_OBJECT or found is not None:
            group.drop("Cette référence de la ligne n’est pas celle d’un objet facturé (130) : pas reprise.", "BT-128")
            continue
        found = read_object(group)
    return found


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
