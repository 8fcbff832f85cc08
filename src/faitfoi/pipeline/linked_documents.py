"""Which other documents an invoice names: order, delivery, contract, invoice that it corrects… by the norm's terms."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from faitfoi.einvoice.model import DocumentReference, Invoice


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of document named: what it is called in French, and its place in the chain (the earliest first)."""

    label: str
    rank: int


REFERENCES: dict[str, Kind] = {
    "BT-17": Kind(label="appel d’offres ou lot", rank=10),
    "BT-11": Kind(label="projet", rank=12),
    "BT-12": Kind(label="contrat", rank=14),
    "BT-X-403": Kind(label="devis", rank=20),
    "BT-13": Kind(label="bon de commande de l’acheteur", rank=30),
    "BT-X-150": Kind(label="commande du client final", rank=31),
    "BT-14": Kind(label="commande enregistrée chez le vendeur", rank=32),
    "BT-16": Kind(label="bon de livraison ou d’expédition", rank=40),
    "BT-X-202": Kind(label="bordereau de livraison", rank=42),
    "BT-15": Kind(label="avis de réception de l’acheteur", rank=44),
    "BT-18": Kind(label="objet facturé", rank=46),
    "BT-122": Kind(label="pièce justificative", rank=48),
    "BT-25": Kind(label="facture d’origine", rank=50),
}


FIELDS = {
    "BT-11": "project_reference",
    "BT-12": "contract_reference",
    "BT-13": "purchase_order_reference",
    "BT-14": "sales_order_reference",
    "BT-15": "receiving_advice_reference",
    "BT-16": "despatch_advice_reference",
    "BT-17": "tender_or_lot_reference",
}
"""Where our JSON holds the references of the whole invoice that several invoices may share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A document that an invoice names, and the term that names it; `line` is empty for the whole invoice."""

    term: str
    value: str
    day: date | None = None
    line: str = ""

    @property
    def kind(self) -> Kind:
        """What kind of document it is."""
        return REFERENCES[self.term]


def references_of(invoice: Invoice) -> tuple[Reference, ...]:
    """Every document that an invoice names, in the order of the chain, each once (lines after the whole)."""
    found: dict[tuple[str, str], Reference] = {}
    for each in (*_of_the_whole(invoice), *_of_its_lines(invoice)):
        if each.value.strip():
            found.setdefault((each.term, each.value), each)
    return tuple(sorted(found.values(), key=lambda each: each.kind.rank))


def _of_the_whole(invoice: Invoice) -> Iterator[Reference]:
    more = invoice.extended
    plain: dict[str, tuple[str, date | None]] = {
        "BT-11": (invoice.project_reference, None),
        "BT-12": (invoice.contract_reference, more.contract_date if more else None),
        "BT-13": (invoice.purchase_order_reference, more.purchase_order_date if more else None),
        "BT-14": (invoice.sales_order_reference, more.sales_order_date if more else None),
        "BT-15": (invoice.receiving_advice_reference, more.receiving_advice_date if more else None),
        "BT-16": (invoice.despatch_advice_reference, more.despatch_advice_date if more else None),
        "BT-17": (invoice.tender_or_lot_reference, None),
        "BT-18": (invoice.invoiced_object.value if invoice.invoiced_object else "", None),
    }
    for term, (value, day) in plain.items():
        yield Reference(term=term, value=value, day=day)
    for document in invoice.supporting_documents:
        yield Reference(term="BT-122", value=document.reference)
    for preceding in invoice.preceding_invoices:
        yield Reference(term="BT-25", value=preceding.number, day=preceding.issue_date)
    if more is not None:
        yield from _named("BT-X-403", more.quotation)
        yield from _named("BT-X-202", more.delivery_note)
        groups = (
            ("BT-X-150", more.ultimate_customer_orders),
            ("BT-12", more.contracts),
            ("BT-16", more.despatch_advices),
            ("BT-15", more.receiving_advices),
        )
        for term, documents in groups:
            for each in documents:
                yield from _named(term, each)
        for tender in more.tenders:
            yield Reference(term="BT-17", value=tender)
        for thing in more.objects:
            yield Reference(term="BT-18", value=thing.value)


def _of_its_lines(invoice: Invoice) -> Iterator[Reference]:
    for line in invoice.lines:
        more, at = line.extended, line.identifier
        if more is None:
            continue
        yield Reference(term="BT-13", value=more.purchase_order, day=more.purchase_order_date, line=at)
        yield from _named("BT-14", more.sales_order, line=at)
        yield from _named("BT-X-403", more.quotation, line=at)
        yield from _named("BT-12", more.contract, line=at)
        yield from _named("BT-16", more.despatch_advice, line=at)
        yield from _named("BT-15", more.receiving_advice, line=at)
        yield from _named("BT-X-202", more.delivery_note, line=at)
        yield from _named("BT-25", more.preceding_invoice, line=at)
        for order in more.ultimate_customer_orders:
            yield from _named("BT-X-150", order, line=at)
        for document in more.documents:
            yield Reference(term="BT-122", value=document.reference, day=document.issue_date, line=at)


def _named(term: str, document: DocumentReference | None, *, line: str = "") -> Iterator[Reference]:
    if document is not None:
        yield Reference(term=term, value=document.number, day=document.issue_date, line=line)
