"""The chain of one invoice, both ways: what it names, what became of it, and the documents that name it.

What is only named, and not held here, is shown as such: Faitfoi cannot vouch for it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from faitfoi.einvoice.jsonform import from_json
from faitfoi.einvoice.reading import Unreadable
from faitfoi.pipeline.linked_documents import FIELDS, Reference, references_of
from faitfoi.records.models import Delivery, Document, Event
from faitfoi.records.models_document import DocumentKind
from faitfoi.records.stages import Purpose, Stage

MOST = 20
"""Documents shown of one kind."""
PAID = "paid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A document that this one names: held here or not, and the others of the same customer that name it too."""

    reference: Reference
    held: Document | None
    shared_with: tuple[Document, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that happened to the document, in order: `ours` tells what we did from what was said to us."""

    at: datetime
    label: str
    ours: bool
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """One document between what came before and what followed. `paid` is the first news of a payment, if any came."""

    document: Document
    names: tuple[Named, ...]
    steps: tuple[Step, ...]
    paid: Event | None
    named_by: tuple[Document, ...]
    readable: bool


def chain_of(document: Document) -> Chain:
    """Gather the chain of a document. Runs inside `acting_for`; an auditor sees what is of their years."""
    references, readable = _references(document)
    events = list(Event.objects.filter(document=document).order_by("at", "id"))
    return Chain(
        document=document,
        names=tuple(_named(document, each) for each in references),
        steps=tuple(_steps(document, events)),
        paid=next((event for event in events if event.grade == PAID), None),
        named_by=tuple(_named_by(document)),
        readable=readable,
    )


def _references(document: Document) -> tuple[tuple[Reference, ...], bool]:
    try:
        return references_of(from_json(json.dumps(document.invoice).encode())), True
    except Unreadable:
        return (), False


def _named(document: Document, reference: Reference) -> Named:
    if reference.term == "BT-25":
        same = Document.objects.filter(seller_siren=document.seller_siren, number=reference.value)
        held = same.exclude(pk=document.pk).order_by("-issue_date").first()
        return Named(reference=reference, held=held, shared_with=())
    field = FIELDS.get(reference.term)
    if field is None:
        return Named(reference=reference, held=None, shared_with=())
    sharing = Document.objects.filter(buyer_name=document.buyer_name, **{f"invoice__{field}": reference.value})
    others = sharing.exclude(pk=document.pk).order_by("issue_date", "id")[:MOST]
    return Named(reference=reference, held=None, shared_with=tuple(others))


def _named_by(document: Document) -> list[Document]:
    """Return the credit notes and corrective invoices that say they correct this one (BT-25)."""
    says = Q(invoice__preceding_invoices__contains=[{"number": document.number}])
    found = Document.objects.filter(says, seller_siren=document.seller_siren, issue_date__gte=document.issue_date)
    return list(found.exclude(pk=document.pk).order_by("issue_date", "id")[:MOST])


def _steps(document: Document, events: list[Event]) -> Iterator[Step]:
    article = "Avoir" if document.kind == DocumentKind.CREDIT_NOTE else "Facture"
    feminine = "" if document.kind == DocumentKind.CREDIT_NOTE else "e"
    done = ", ".join(f"{word}{feminine}" for word in ("contrôlé", "scellé", "gardé"))
    happened = [Step(at=document.created_at, label=f"{article} : {done}", ours=True)]
    for delivery in Delivery.objects.filter(document=document).order_by("id"):
        purpose = "" if delivery.purpose == Purpose.LEGAL else f" ({delivery.get_purpose_display()})"
        label = f"Canal choisi : {delivery.get_channel_display()}{purpose}"
        happened.append(Step(at=delivery.created_at, label=label, ours=True, said=delivery.reason))
    for event in events:
        ours = event.axis == Event.Axis.OURS
        label = Stage(event.code).label.capitalize() if ours and event.code in Stage.values else event.code
        if ours and event.code in {Stage.ROUTED, Stage.SENDING}:
            continue
        happened.append(Step(at=event.at, label=label, ours=ours, said=event.reason))
    yield from sorted(happened, key=lambda step: step.at)


def written(chain: Chain) -> Iterator[str]:
    """Write the chain for a terminal, the earliest first."""
    if not chain.readable:
        yield "Les références de ce document ne se lisent plus ici : elles sont dans son fichier d’origine."
    for named in chain.names:
        day = f" du {named.reference.day:%d/%m/%Y}" if named.reference.day else ""
        where = f"ici : {named.held.number}" if named.held else "référence seule, non détenue par Faitfoi"
        line = f", ligne {named.reference.line}" if named.reference.line else ""
        yield f"← {named.reference.kind.label} {named.reference.value}{day} ({named.reference.term}{line}) — {where}"
        for other in named.shared_with:
            yield f"    aussi sur {other.number} du {other.issue_date:%d/%m/%Y}"
    document = chain.document
    yield f"● {document.get_kind_display()} {document.number} du {document.issue_date:%d/%m/%Y}, {document.buyer_name}"
    for step in chain.steps:
        said = f" — {step.said}" if step.said else ""
        yield f"  {timezone.localtime(step.at):%d/%m/%Y %H:%M}  {step.label}{said}"
    if chain.paid is None:
        yield "  Paiement : aucune nouvelle n’en est venue."
    for other in chain.named_by:
        yield f"→ {other.get_kind_display()} {other.number} du {other.issue_date:%d/%m/%Y} corrige ce document (BT-25)"
