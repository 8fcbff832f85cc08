"""From a received file to a sealed, archived, routed document: effects first, then everything in one transaction."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.einvoice.jsonform import to_json
from faitfoi.einvoice.reading import Reading
from faitfoi.evidence.shelf import ObjectAltered, ObjectMissing
from faitfoi.evidence.store import MOST_BYTES, MOST_OBJECTS
from faitfoi.pipeline import archive
from faitfoi.pipeline.customers import take_turns
from faitfoi.pipeline.directory import make_reachable_known
from faitfoi.pipeline.issuing import NotWritten, asks_for_number, find_series, issue
from faitfoi.pipeline.judging import Refusal, Verdict, examine, judge, number_taken
from faitfoi.pipeline.opening import keep_artefacts, make_due, open_deliveries
from faitfoi.pipeline.renderings import Rendering, render_all
from faitfoi.pipeline.retention import invoice_class
from faitfoi.pipeline.routing import Kept, NoRoute
from faitfoi.pipeline.sandbox import finding_to
from faitfoi.pipeline.seal_keys import ensure_seal_key
from faitfoi.pipeline.sealing import CannotSeal, refused_since
from faitfoi.pipeline.structures import make_known
from faitfoi.pipeline.witnessing import may_number
from faitfoi.records.journal import write_entry
from faitfoi.records.models import Artefact, BatchLine, BurntNumber, Customer, Delivery, Document, Series
from faitfoi.records.models_document import DocumentKind
from faitfoi.records.series import lock, tell_taken
from faitfoi.records.stages import LineOutcome

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A file whose artefacts are made, ready to be kept and written down."""

    line_id: UUID
    verdict: Verdict
    renderings: tuple[Rendering, ...]


def prepare(organisation_id: UUID, line_ids: Sequence[UUID], *, actor: str) -> None:
    """Prepare the lines that still wait, then make their deliveries due. Safe to run twice, and at once twice.

    They go on waiting while the journal is not the one that the witness remembers: no number is burnt on it;
    and while the disk of the archive has only its reserve left.
    """
    if not may_number() or not archive.has_room():
        return
    with acting_for(organisation_id):
        organisation = Organisation.objects.get(id=organisation_id)
    ensure_seal_key(organisation)
    ready: list[Prepared] = []
    for line_id in line_ids:
        try:
            prepared = _effects(organisation, line_id, actor=actor)
        except CannotSeal as error:
            # It would be so for the next ones too: they wait with this one, and the steward brings them back.
            _wait(organisation, line_ids[line_ids.index(line_id) :], reason=str(error), actor=actor)
            break
        if prepared is None:
            continue
        if ready and not _go_together(organisation, [*ready, prepared]):
            _keep(organisation, ready, actor=actor)
            ready = []
        ready.append(prepared)
    if ready:
        _keep(organisation, ready, actor=actor)


def _go_together(organisation: Organisation, ready: Sequence[Prepared]) -> bool:
    """Whether the artefacts of these files are few and light enough for one pack, and of one financial year."""
    if len({_class_of(organisation, prepared) for prepared in ready}) > 1:
        return False
    made = [rendering for prepared in ready for rendering in prepared.renderings]
    return len(made) <= MOST_OBJECTS and sum(len(rendering.content) for rendering in made) <= MOST_BYTES


def _burning_order(prepared: Prepared) -> tuple[str, str, str, UUID]:
    invoice = prepared.verdict.invoice
    return prepared.verdict.seller_siren, str(invoice.issue_date), invoice.number, prepared.line_id


def _class_of(organisation: Organisation, prepared: Prepared) -> str:
    """Return the retention class of a file's artefacts: a pack holds one financial year, so that it has one term."""
    issued = prepared.verdict.invoice.issue_date
    assert issued is not None  # noqa: S101  # judging refuses an invoice without date
    return invoice_class(organisation, issued)


def _keep(organisation: Organisation, ready: Sequence[Prepared], *, actor: str) -> None:
    """Make the artefacts durable, then write everything down in one transaction."""
    contents = [each.content for prepared in ready for each in prepared.renderings]
    kept = archive.pack(organisation.id, contents, retention=_class_of(organisation, ready[0]))
    deliveries: list[Delivery] = []
    with acting_for(organisation.id):
        archive.claim(kept, actor=actor)
        take_turns(organisation, [prepared.verdict.customer for prepared in ready])
        # Two workers with the same numbers take them in the same order, or each would wait for the other's.
        for prepared in sorted(ready, key=_burning_order):
            deliveries += _write_down(organisation, prepared, actor=actor)
        make_due(organisation.id, deliveries)


def give_up(organisation_id: UUID, line_id: UUID, *, actor: str) -> None:
    """Refuse a line whose file alone trips a bug of ours, so that the batch can be closed and the file reported."""
    with acting_for(organisation_id):
        line = BatchLine.objects.filter(id=line_id, outcome=LineOutcome.WAITING).first()
        if line is not None:
            reason = (
                f"Le fichier {line.filename} met Faitfoi en défaut : rien n’a été scellé ni envoyé. "
                "L’erreur est dans le journal technique ; signalez-la avec ce fichier."
            )
            _refuse(line, Refusal(reason), actor=actor)


def _effects(organisation: Organisation, line_id: UUID, *, actor: str) -> Prepared | None:
    """Read, check, judge and render one line, each table looked at for a moment only; a refusal is written at once."""
    with acting_for(organisation.id):
        line = BatchLine.objects.filter(id=line_id, outcome=LineOutcome.WAITING).first()
        if line is None or _is_already_done(line, actor=actor):
            return None
    try:
        content = archive.fetch(organisation.id, line.sha256)
        reading = examine(content)
        make_known(organisation, reading.invoice)
        make_reachable_known(organisation, reading.invoice)
        if asks_for_number(reading) and (series := find_series(organisation, reading)) is not None:
            _issue(organisation, line, series, reading, content, actor=actor)
            return None
        with acting_for(organisation.id):
            verdict = judge(organisation, reading)
        renderings = render_all(organisation, verdict, content, at=timezone.now())
    except Refusal as refusal:
        _refused(line, refusal, actor=actor)
        return None
    except (ObjectMissing, ObjectAltered) as error:
        _refused(line, Refusal(f"Le fichier {line.filename} n’est plus lisible dans l’archive : {error}"), actor=actor)
        return None
    return Prepared(line_id=line_id, verdict=verdict, renderings=renderings)


def _issue(
    organisation: Organisation, line: BatchLine, series: Series, reading: Reading, content: bytes, *, actor: str
) -> None:
    """Number, make and write down one invoice in one transaction: what fails in the middle leaves no gap.

    Raises Refusal, CannotSeal.
    """
    try:
        with acting_for(organisation.id):
            lock(series)
            if _is_already_done(line, actor=actor):
                return  # the same bytes, issued while we waited
            issued = issue(organisation, series, reading, content)
            take_turns(organisation, [issued.verdict.customer])
            prepared = Prepared(line_id=line.id, verdict=issued.verdict, renderings=issued.renderings)
            contents = [each.content for each in prepared.renderings]
            kept = archive.pack(organisation.id, contents, retention=_class_of(organisation, prepared))
            archive.claim(kept, actor=actor)
            deliveries = _write_down(organisation, prepared, actor=actor)
            # Done by another worker, burnt by hand meanwhile, or its key declared compromised: the number goes back.
            done = BurntNumber.objects.filter(
                seller_siren=series.seller_siren, year=issued.row.year, number=issued.verdict.invoice.number
            ).first()
            if done is None or done.original_sha256 != line.sha256:
                raise NotWritten
            tell_taken(issued.row, document_id=done.document_id, actor=actor)
            make_due(organisation.id, deliveries)
    except NotWritten:
        log.info("line %s was not issued: it was done meanwhile, or waits", line.id)


def _wait(organisation: Organisation, line_ids: Sequence[UUID], *, reason: str, actor: str) -> None:
    """Say on the lines that still wait why they do; the journal hears it once."""
    with acting_for(organisation.id):
        waiting = BatchLine.objects.filter(id__in=line_ids, outcome=LineOutcome.WAITING).exclude(reason=reason)
        for line in waiting:
            line.reason = reason
            line.save(update_fields=["reason"])
            write_entry("line_waits_for_seal", actor=actor, rows=[line], line=str(line.id), sha256=line.sha256)


def _is_already_done(line: BatchLine, *, actor: str) -> bool:
    """Whether the very same bytes were sealed before; the line is then linked to their document."""
    done = BurntNumber.objects.filter(original_sha256=line.sha256).first()
    if done is not None:
        _link_to_done(line, done.document_id, actor=actor)
    return done is not None


def _refused(line: BatchLine, refusal: Refusal, *, actor: str) -> None:
    with acting_for(line.organisation_id):
        _refuse(line, refusal, actor=actor)


def _write_down(organisation: Organisation, prepared: Prepared, *, actor: str) -> list[Delivery]:
    """Write document, number, artefacts, journal and deliveries; another line that burnt the number first wins."""
    # Only the line: the default order would join, and lock, the whole batch.
    waiting = BatchLine.objects.order_by().filter(id=prepared.line_id, outcome=LineOutcome.WAITING)
    line = waiting.select_for_update().first()
    if line is None or refused_since(rendering.certificate for rendering in prepared.renderings):
        return []  # done by another worker; or sealed by a key that was declared compromised meanwhile: it waits
    try:
        with transaction.atomic():
            document, artefacts = _seal_document(organisation, prepared, sha256=line.sha256, actor=actor)
    except IntegrityError:
        return _lost_the_number(line, prepared, actor=actor)
    way = prepared.verdict.way
    line.document = document
    line.findings = document.findings
    if isinstance(way, NoRoute):
        line.outcome, line.reason = LineOutcome.NEEDS_SOMEONE, way.reason
        line.save(update_fields=["document", "findings", "outcome", "reason"])
        write_entry("no_route", actor=actor, document_id=document.id, rows=[line], line=str(line.id))
        return []
    line.outcome, line.reason = LineOutcome.READY, way.reason if isinstance(way, Kept) else ""
    line.save(update_fields=["document", "findings", "outcome", "reason"])
    if isinstance(way, Kept):
        write_entry("kept_unsent", actor=actor, document_id=document.id, rows=[line], line=str(line.id))
        return []
    return open_deliveries(document, artefacts, way, actor=actor, rows=[line])


def _seal_document(
    organisation: Organisation, prepared: Prepared, *, sha256: str, actor: str
) -> tuple[Document, dict[str, Artefact]]:
    verdict, invoice = prepared.verdict, prepared.verdict.invoice
    assert invoice.issue_date is not None  # noqa: S101  # judging refuses an invoice without date
    customer, drafted = _customer_of_record(verdict.customer)
    document = Document.objects.create(
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
    burnt = BurntNumber.objects.create(
        organisation=organisation,
        seller_siren=document.seller_siren,
        year=invoice.issue_date.year,
        number=invoice.number,
        document=document,
        original_sha256=sha256,
    )
    rows = [*drafted, document, burnt]
    return document, keep_artefacts(document, prepared.renderings, kind="document_sealed", actor=actor, rows=rows)


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


def _lost_the_number(line: BatchLine, prepared: Prepared, *, actor: str) -> list[Delivery]:
    """Another line has just burnt this number: the same bytes are already done, other bytes are refused."""
    if not _is_already_done(line, actor=actor):
        _refuse(line, Refusal(number_taken(prepared.verdict.invoice)), actor=actor)
    return []


def _link_to_done(line: BatchLine, document_id: UUID, *, actor: str) -> None:
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


def _refuse(line: BatchLine, refusal: Refusal, *, actor: str) -> None:
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
