"""What the extended profiles add to an invoice in UBL: read in one go, written where the schema has each piece."""

from dataclasses import dataclass
from datetime import date

from faitfoi.einvoice.model import (
    CurrencyExchange,
    DocumentReference,
    Identifier,
    InvoiceExtension,
    TradeParty,
)
from faitfoi.einvoice.ubl_parties import read_agents, read_delivery_terms
from faitfoi.einvoice.xml_groups import Group
from faitfoi.einvoice.xml_out import Out

_NOTHING = InvoiceExtension()
_NO_REFERENCE = DocumentReference()


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """The documents of one kind: the first, which EN 16931 names by its number alone, and the others."""

    number: str = ""
    issue_date: date | None = None
    kind: str = ""
    others: tuple[DocumentReference, ...] = ()


def read_references(document: Group, name: str, term: str) -> References:
    """All references called `name`."""
    groups = document.groups(name)
    if not groups:
        return References()
    found = [
        DocumentReference(
            number=group.text("ID", term),
            issue_date=group.iso_date("IssueDate"),
            type_code=group.text("DocumentTypeCode") if position else "",
        )
        for position, group in enumerate(groups)
    ]
    return References(
        number=found[0].number,
        issue_date=found[0].issue_date,
        kind=groups[0].text("DocumentType", "BT-X-405"),
        others=tuple(each for each in found[1:] if each != _NO_REFERENCE),
    )


def read_extension(
    document: Group,
    *,
    seller: Group,
    buyer: Group,
    payer: TradeParty | None,
    order: Group,
    contracts: References,
    despatch: References,
    receiving: References,
    tenders: References,
    objects: tuple[Identifier, ...],
) -> InvoiceExtension | None:
    """Everything else the header says; None when it says no more."""
    seller_agent, invoicer = read_agents(seller)
    buyer_agent, invoicee = read_agents(buyer)
    found = InvoiceExtension(
        seller_agent=seller_agent,
        invoicer=invoicer,
        buyer_agent=buyer_agent,
        invoicee=invoicee,
        payer=payer,
        delivery_terms=read_delivery_terms(document.group("DeliveryTerms", "BG-X-22")),
        purchase_order_date=order.iso_date("IssueDate", "BT-X-147"),
        contract_date=contracts.issue_date,
        contract_type=contracts.kind,
        contracts=contracts.others,
        despatch_advice_date=despatch.issue_date,
        despatch_advices=despatch.others,
        receiving_advice_date=receiving.issue_date,
        receiving_advices=receiving.others,
        tenders=tuple(each.number for each in tenders.others if each.number),
        objects=objects,
        currency_exchange=_read_exchange(document.group("TaxExchangeRate", "BG-X-41")),
    )
    return None if found == _NOTHING else found


def _read_exchange(group: Group) -> CurrencyExchange | None:
    if not group:
        return None
    return CurrencyExchange(
        source=group.text("SourceCurrencyCode", "BT-X-258"),
        target=group.text("TargetCurrencyCode", "BT-X-259"),
        rate=group.decimal("CalculationRate", "BT-X-260"),
        day=group.iso_date("Date", "BT-X-261"),
    )


def write_exchange(out: Out, more: InvoiceExtension | None) -> None:
    """Write TaxExchangeRate."""
    if more is None or (exchange := more.currency_exchange) is None:
        return
    with out.group("TaxExchangeRate") as group:
        group.text("SourceCurrencyCode", exchange.source)
        group.text("TargetCurrencyCode", exchange.target)
        group.number("CalculationRate", exchange.rate)
        group.iso_date("Date", exchange.day)


def write_references(out: Out, name: str, references: References) -> None:
    """Write all references of one kind as `name`."""
    with out.group(name) as first:
        first.text("ID", references.number)
        first.iso_date("IssueDate", references.issue_date)
        first.text("DocumentType", references.kind)
    for other in references.others:
        with out.group(name) as group:
            group.text("ID", other.number)
            group.iso_date("IssueDate", other.issue_date)
            group.text("DocumentTypeCode", other.type_code)
