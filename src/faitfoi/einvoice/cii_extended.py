"""What the extended profiles add to an invoice in CII: read in one go, written where the schema has each piece."""

from dataclasses import dataclass
from datetime import date

from faitfoi.einvoice.cii_parties import (
    read_trade_party,
    write_delivery_date,
    write_payee,
    write_ship_to,
    write_trade_party,
)
from faitfoi.einvoice.cii_references import (
    read_delivery_terms,
    read_measure,
    read_reference,
    read_references,
    write_delivery_terms,
    write_measure,
    write_reference,
)
from faitfoi.einvoice.cii_values import read_date, read_true, write_date, write_true
from faitfoi.einvoice.model import (
    CurrencyExchange,
    DocumentReference,
    Identifier,
    Invoice,
    InvoiceExtension,
    PaymentCondition,
    PaymentTerms,
)
from faitfoi.einvoice.xml_groups import Group
from faitfoi.einvoice.xml_out import Out

_NOTHING = InvoiceExtension()
_NO_CONDITION = PaymentCondition()


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderGroups:
    """The groups of the header, from which what EN 16931 knows was taken already."""

    context: Group
    header: Group
    agreement: Group
    sales_order: Group
    purchase_order: Group
    contract: Group
    delivery: Group
    despatch_advice: Group
    receiving_advice: Group
    settlement: Group
    account: Group


def read_extension(
    groups: HeaderGroups,
    *,
    tenders: tuple[str, ...],
    objects: tuple[Identifier, ...],
    terms: tuple[PaymentTerms, ...],
) -> InvoiceExtension | None:
    """Everything else the header says; None when it says no more. The last three were found on the way."""
    agreement, delivery, settlement = groups.agreement, groups.delivery, groups.settlement
    consignment = delivery.group("RelatedSupplyChainConsignment")
    found = InvoiceExtension(
        test=read_true(groups.context, "TestIndicator", "BT-X-1"),
        document_name=groups.header.text("Name", "BT-X-2"),
        language=groups.header.text("LanguageID", "BT-X-4"),
        seller_agent=read_trade_party(agreement.group("SalesAgentTradeParty", "BG-X-49")),
        buyer_tax_representative=read_trade_party(agreement.group("BuyerTaxRepresentativeTradeParty", "BG-X-54")),
        product_end_user=read_trade_party(agreement.group("ProductEndUserTradeParty", "BG-X-18")),
        delivery_terms=read_delivery_terms(agreement),
        sales_order_date=_read_issued(groups.sales_order, "BT-X-146"),
        purchase_order_date=_read_issued(groups.purchase_order, "BT-X-147"),
        quotation=read_reference(agreement.group("QuotationReferencedDocument", "BG-X-61")),
        contract_date=_read_issued(groups.contract, "BT-X-148"),
        contract_type=groups.contract.text("ReferenceTypeCode", "BT-X-405"),
        tenders=tenders,
        objects=objects,
        buyer_agent=read_trade_party(agreement.group("BuyerAgentTradeParty", "BG-X-62")),
        ultimate_customer_orders=read_references(agreement, "UltimateCustomerOrderReferencedDocument"),
        transport_modes=tuple(
            mode
            for movement in consignment.groups("SpecifiedLogisticsTransportMovement")
            if (mode := movement.text("ModeCode", "BT-X-152"))
        ),
        ultimate_ship_to=read_trade_party(delivery.group("UltimateShipToTradeParty", "BG-X-27")),
        ship_from=read_trade_party(delivery.group("ShipFromTradeParty", "BG-X-30")),
        despatch_advice_date=_read_issued(groups.despatch_advice, "BT-X-200"),
        receiving_advice_date=_read_issued(groups.receiving_advice, "BT-X-201"),
        delivery_note=read_reference(delivery.group("DeliveryNoteReferencedDocument", "BT-X-202")),
        issuer_reference=settlement.text("InvoiceIssuerReference", "BT-X-204"),
        invoicer=read_trade_party(settlement.group("InvoicerTradeParty", "BG-X-33")),
        invoicee=read_trade_party(settlement.group("InvoiceeTradeParty", "BG-X-36")),
        payer=read_trade_party(settlement.group("PayerTradeParty", "BG-X-73")),
        currency_exchange=_read_exchange(settlement.group("TaxApplicableTradeCurrencyExchange", "BG-X-41")),
        partial_amount=terms[0].partial_amount if terms else None,
        discount=terms[0].discount if terms else None,
        penalty=terms[0].penalty if terms else None,
        more_terms=terms[1:],
        accounting_type=groups.account.text("TypeCode", "BT-X-290"),
    )
    return None if found == _NOTHING else found


def _read_issued(reference: Group, term: str) -> date | None:
    return read_date(reference, "FormattedIssueDateTime", term)


def _read_exchange(group: Group) -> CurrencyExchange | None:
    if not group:
        return None
    return CurrencyExchange(
        source=group.text("SourceCurrencyCode", "BT-X-258"),
        target=group.text("TargetCurrencyCode", "BT-X-259"),
        rate=group.decimal("ConversionRate", "BT-X-260"),
        day=read_date(group, "ConversionRateDateTime", "BT-X-261"),
    )


def read_terms_extension(group: Group, *, is_first: bool) -> PaymentTerms:
    """What SpecifiedTradePaymentTerms says beyond EN 16931; all it says when it is not the first."""
    return PaymentTerms(
        description="" if is_first else group.text("Description", "BT-20"),
        due_date=None if is_first else read_date(group, "DueDateDateTime", "BT-9"),
        partial_amount=group.decimal("PartialPaymentAmount", "BT-X-275"),
        penalty=_read_condition(group.group("ApplicableTradePaymentPenaltyTerms", "BG-X-43"), "ActualPenaltyAmount"),
        discount=_read_condition(group.group("ApplicableTradePaymentDiscountTerms", "BG-X-44"), "ActualDiscountAmount"),
    )


def _read_condition(group: Group, amount: str) -> PaymentCondition | None:
    if not group:
        return None
    found = PaymentCondition(
        basis_date=read_date(group, "BasisDateTime", ""),
        period=read_measure(group, "BasisPeriodMeasure"),
        base_amount=group.decimal("BasisAmount"),
        percentage=group.decimal("CalculationPercent"),
        amount=group.decimal(amount),
    )
    return None if found == _NO_CONDITION else found


def write_terms_extension(out: Out, terms: PaymentTerms | InvoiceExtension) -> None:
    """Write the end of SpecifiedTradePaymentTerms."""
    out.number("PartialPaymentAmount", terms.partial_amount)
    _write_condition(out, "ApplicableTradePaymentPenaltyTerms", terms.penalty, "ActualPenaltyAmount")
    _write_condition(out, "ApplicableTradePaymentDiscountTerms", terms.discount, "ActualDiscountAmount")


def write_more_terms(settlement: Out, extension: InvoiceExtension) -> None:
    """Write the groups of payment terms after the first."""
    for terms in extension.more_terms:
        with settlement.group("SpecifiedTradePaymentTerms") as out:
            out.text("Description", terms.description)
            write_date(out, "DueDateDateTime", terms.due_date)
            write_terms_extension(out, terms)


def _write_condition(out: Out, name: str, condition: PaymentCondition | None, amount: str) -> None:
    if condition is None:
        return
    with out.group(name) as group:
        write_date(group, "BasisDateTime", condition.basis_date)
        write_measure(group, "BasisPeriodMeasure", condition.period)
        group.number("BasisAmount", condition.base_amount)
        group.number("CalculationPercent", condition.percentage)
        group.number(amount, condition.amount)


def write_context_extension(context: Out, extension: InvoiceExtension) -> None:
    """Write TestIndicator."""
    if extension.test:
        write_true(context, "TestIndicator")


def write_parties_of_agreement(agreement: Out, invoice: Invoice) -> None:
    """Write the seller's agent and the buyer's tax representative, which come before the seller's."""
    if (more := invoice.extended) is not None:
        write_trade_party(agreement, "SalesAgentTradeParty", more.seller_agent)
        write_trade_party(agreement, "BuyerTaxRepresentativeTradeParty", more.buyer_tax_representative)


def write_orders(agreement: Out, invoice: Invoice) -> None:
    """Write what comes before the supporting documents: end user, Incoterms, orders, quotation, contract."""
    more = invoice.extended or _NOTHING
    write_trade_party(agreement, "ProductEndUserTradeParty", more.product_end_user)
    write_delivery_terms(agreement, more.delivery_terms)
    sales = DocumentReference(number=invoice.sales_order_reference, issue_date=more.sales_order_date)
    write_reference(agreement, "SellerOrderReferencedDocument", sales)
    purchase = DocumentReference(number=invoice.purchase_order_reference, issue_date=more.purchase_order_date)
    write_reference(agreement, "BuyerOrderReferencedDocument", purchase)
    write_reference(agreement, "QuotationReferencedDocument", more.quotation)
    with agreement.group("ContractReferencedDocument") as out:
        out.text("IssuerAssignedID", invoice.contract_reference)
        out.text("ReferenceTypeCode", more.contract_type)
        write_date(out, "FormattedIssueDateTime", more.contract_date, string="qdt:DateTimeString")


def write_delivery_group(out: Out, invoice: Invoice) -> None:
    """Write what ApplicableHeaderTradeDelivery holds: places, date, advices."""
    more = invoice.extended or _NOTHING
    if more.transport_modes:
        with out.group("RelatedSupplyChainConsignment") as consignment:
            for mode in more.transport_modes:
                with consignment.group("SpecifiedLogisticsTransportMovement") as movement:
                    movement.text("ModeCode", mode)
    write_ship_to(out, invoice.delivery)
    write_trade_party(out, "UltimateShipToTradeParty", more.ultimate_ship_to)
    write_trade_party(out, "ShipFromTradeParty", more.ship_from)
    write_delivery_date(out, invoice.delivery)
    despatch = DocumentReference(number=invoice.despatch_advice_reference, issue_date=more.despatch_advice_date)
    write_reference(out, "DespatchAdviceReferencedDocument", despatch)
    receiving = DocumentReference(number=invoice.receiving_advice_reference, issue_date=more.receiving_advice_date)
    write_reference(out, "ReceivingAdviceReferencedDocument", receiving)
    write_reference(out, "DeliveryNoteReferencedDocument", more.delivery_note)


def write_parties_of_settlement(settlement: Out, invoice: Invoice) -> None:
    """Write the parties around the payee, and how the VAT was brought to the accounting currency."""
    more = invoice.extended or _NOTHING
    settlement.text("InvoiceIssuerReference", more.issuer_reference)
    write_trade_party(settlement, "InvoicerTradeParty", more.invoicer)
    write_trade_party(settlement, "InvoiceeTradeParty", more.invoicee)
    write_payee(settlement, invoice.payee)
    write_trade_party(settlement, "PayerTradeParty", more.payer)
    if (exchange := more.currency_exchange) is not None:
        with settlement.group("TaxApplicableTradeCurrencyExchange") as out:
            out.text("SourceCurrencyCode", exchange.source)
            out.text("TargetCurrencyCode", exchange.target)
            out.number("ConversionRate", exchange.rate)
            write_date(out, "ConversionRateDateTime", exchange.day)
