"""Writes prepared documents down, a pack of them at once: numbers, rows and entries, in one transaction or not at all.

Another line that burnt a number first wins: the same bytes are then done already, other bytes are refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, transaction

from faitfoi.accounts.models import Organisation
from faitfoi.einvoice.jsonform import to_json
from faitfoi.pipeline.judging import Refusal, Verdict, number_taken
from faitfoi.pipeline.opening import (
    Opened,
    draft_artefacts,
    draft_deliveries,
    entry_of_artefacts,
    write_opened,
)
from faitfoi.pipeline.renderings import Rendering
from faitfoi.pipeline.routing import Decision, Kept, NoRoute
from faitfoi.pipeline.sandbox import finding_to
from faitfoi.pipeline.sealing import refused_since
from faitfoi.records.journal import Draft, write_entries, write_entry
from faitfoi.records.models import Artefact, BatchLine, BurntNumber, Customer, Delivery, Document
from faitfoi.records.models_document import DocumentKind
from faitfoi.records.stages import LineOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A file whose artefacts are made, ready to be kept and written down."""

    line_id: UUID
    verdict: Verdict
    renderings: tuple[Rendering, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sealed:
    """A document whose number is burnt, with its artefacts, and the entry that is still to be written."""

    prepared: Prepared
    document: Document
    artefacts: Mapping[str, Artefact]
    entry: Draft


def write_down(organisation: Organisation, ready: Sequence[Prepared], *, actor: str) -> list[Delivery]:
    """Write documents, numbers, artefacts, journal and deliveries; another line that burnt a number first wins."""
    # Only the lines, in one order for everybody: the default order would join, and lock, the whole batch.
    waiting = BatchLine.objects.order_by("id").filter(id__in=[each.line_id for each in ready])
    lines = {line.id: line for line in waiting.filter(outcome=LineOutcome.WAITING).select_for_update()}
    # What is not there was done by another worker; what a key declared compromised meanwhile has sealed, waits.
    refused = refused_since(rendering.certificate for each in ready for rendering in each.renderings)
    left = [each for each in ready if each.line_id in lines and not refused & _certificates(each)]
    # Two workers with the same numbers take them in the same order, or each would wait for the other's.
    left.sort(key=_burning_order)
    opened: list[Opened] = []
    entries: list[Draft] = []
    settled: list[BatchLine] = []
    for sealed in _seal_documents(organisation, left, lines, actor=actor):
        line, way = lines[sealed.prepared.line_id], sealed.prepared.verdict.way
        entries.append(sealed.entry)
        _settle_line(line, sealed.document, way)
        settled.append(line)
        if isinstance(way, Decision):
            begun = draft_deliveries(sealed.document, sealed.artefacts, way, rows=[line])
            opened += begun
            entries += [each.entry for each in begun]
        else:
            kind = "no_route" if isinstance(way, NoRoute) else "kept_unsent"
            entries.append(Draft(kind=kind, document_id=sealed.document.id, rows=[line], facts={"line": str(line.id)}))
    BatchLine.objects.bulk_update(settled, ["document", "findings", "outcome", "reason"])
    write_opened(opened)
    write_entries(entries, actor=actor)
    return [each.delivery for each in opened]


def _burning_order(prepared: Prepared) -> tuple[str, str, str, UUID]:
    invoice = prepared.verdict.invoice
    return prepared.verdict.seller_siren, str(invoice.issue_date), invoice.number, prepared.line_id


def _certificates(prepared: Prepared) -> frozenset[str]:
    return frozenset(rendering.certificate for rendering in prepared.renderings)


def _settle_line(line: BatchLine, document: Document, way: Decision | NoRoute | Kept) -> None:
    """Put a line's end on it, unsaved."""
    line.document = document
    line.findings = document.findings
    line.outcome = LineOutcome.NEEDS_SOMEONE if isinstance(way, NoRoute) else LineOutcome.READY
    line.reason = "" if isinstance(way, Decision) else way.reason


def _seal_documents(
    organisation: Organisation, left: Sequence[Prepared], lines: Mapping[UUID, BatchLine], *, actor: str
) -> list[_Sealed]:
    """Burn the numbers, all at once where none is taken; whoever lost one is refused, or was done already."""
    if not left:
        return []
    try:
        with transaction.atomic():
            return _seal_together(organisation, left, lines)
    except IntegrityError:
        if len(left) == 1:
            _lost_the_number(lines[left[0].line_id], left[0], actor=actor)
            return []
    return [sealed for each in left for sealed in _seal_documents(organisation, [each], lines, actor=actor)]


def _seal_together(
    organisation: Organisation, left: Sequence[Prepared], lines: Mapping[UUID, BatchLine]
) -> list[_Sealed]:
    made: list[_Sealed] = []
    burnt: list[BurntNumber] = []
    for prepared in left:
        customer, drafted = _customer_of_record(prepared.verdict.customer)
        sha256 = lines[prepared.line_id].sha256
        document = _document_of(organisation, prepared.verdict, customer, sha256=sha256)
        number = BurntNumber(
            organisation=organisation,
            seller_siren=document.seller_siren,
            year=document.issue_date.year,
            number=document.number,
            document=document,
            original_sha256=sha256,
        )
        burnt.append(number)
        artefacts = draft_artefacts(document, prepared.renderings)
        rows = [*drafted, document, number]
        entry = entry_of_artefacts(document, artefacts, prepared.renderings, kind="document_sealed", rows=rows)
        made.append(_Sealed(prepared=prepared, document=document, artefacts=artefacts, entry=entry))
    Document.objects.bulk_create([each.document for each in made])
    BurntNumber.objects.bulk_create(burnt)
    Artefact.objects.bulk_create([artefact for each in made for artefact in each.artefacts.values()])
    return made


def _document_of(organisation: Organisation, verdict: Verdict, customer: Customer | None, *, sha256: str) -> Document:
    """The row of a document, unsaved."""
    invoice = verdict.invoice
    assert invoice.issue_date is not None  # noqa: S101  # judging refuses an invoice without date
    return Document(
        organisation=organisation,
        kind=DocumentKind.CREDIT_NOTE if invoice.is_credit_note else DocumentKind.INVOICE,
        number=invoice.number,
        seller_siren=verdict.seller_siren[:60],
        seller_name=invoice.seller.name[:200],
        issue_date=invoice.issue_date,
        customer=customer,
        buyer_name=invoice.buyer.name[:200],
        currency=invoice.currency[:3],
        total_with_vat=invoice.totals.with_vat or 0,
        due=invoice.totals.due or 0,
        due_date=invoice.due_date,
        format=verdict.reading.format,
        profile=verdict.reading.profile[:120],
        original_sha256=sha256,
        invoice=to_json(invoice),
        findings=[finding_to(finding) for finding in verdict.findings],
        waiting_for=verdict.way.reason if isinstance(verdict.way, NoRoute) else "",
        kept_because=verdict.way.reason if isinstance(verdict.way, Kept) else "",
    )


def _customer_of_record(customer: Customer | None) -> tuple[Customer | None, list[Customer]]:
    """Keep a customer that was drafted from the invoice, unless a neighbour of the batch has just done it.

    Returns the customer, and what was written.
    """
    if customer is None or not customer._state.adding:  # noqa: SLF001  # Django's own word for "not saved yet"
        return customer, []
    defaults = {
        field.attname: getattr(customer, field.attname)
        for field in Customer._meta.concrete_fields  # noqa: SLF001  # Django's documented model API
        if field.attname not in {"id", "organisation_id", "reference"}
    }
    kept, is_new = Customer.objects.get_or_create(
        organisation_id=customer.organisation_id, reference=customer.reference, defaults=defaults
    )
    return kept, [kept] if is_new else []


def _lost_the_number(line: BatchLine, prepared: Prepared, *, actor: str) -> None:
    """Another line has just burnt this number: the same bytes are already done, other bytes are refused."""
    if not is_already_done(line, actor=actor):
        refuse(line, Refusal(number_taken(prepared.verdict.invoice)), actor=actor)


def link_to_done(line: BatchLine, document_id: UUID, *, actor: str) -> None:
    document = Document.objects.get(id=document_id)
    if _conclude(
        line,
        document=document,
        already_done=True,
        findings=document.findings,
        outcome=LineOutcome.NEEDS_SOMEONE if document.waiting_for else LineOutcome.READY,
        reason=document.waiting_for or f"Déjà fait : {document.number} est scellée et suivie, rien n’est renvoyé.",
    ):
        write_entry("already_done", actor=actor, document_id=document.id, rows=[line], line=str(line.id))


def refuse(line: BatchLine, refusal: Refusal, *, actor: str) -> None:
    findings = [finding_to(finding) for finding in refusal.findings]
    if _conclude(line, outcome=LineOutcome.REFUSED, reason=refusal.reason, findings=findings):
        write_entry("line_refused", actor=actor, rows=[line], line=str(line.id), sha256=line.sha256)


def _conclude(line: BatchLine, **verdict: object) -> bool:
    """Write the verdict on a line that still waits; False when another worker's stands already."""
    if BatchLine.objects.filter(id=line.id, outcome=LineOutcome.WAITING).update(**verdict) != 1:
        return False
    for name, value in verdict.items():
        setattr(line, name, value)
    return True


def is_already_done(line: BatchLine, *, actor: str) -> bool:
    """Whether the very same bytes were sealed before; the line is then linked to their document."""
    done = BurntNumber.objects.filter(original_sha256=line.sha256).first()
    if done is not None:
        link_to_done(line, done.document_id, actor=actor)
    return done is not None
