"""From a received file to a sealed, archived, routed document: effects first, then everything in one transaction."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.einvoice.reading import Reading
from faitfoi.evidence.shelf import ObjectAltered, ObjectMissing
from faitfoi.evidence.store import MOST_BYTES, MOST_OBJECTS, Place
from faitfoi.pipeline import archive
from faitfoi.pipeline.customers import take_turns
from faitfoi.pipeline.directory import make_reachable_known
from faitfoi.pipeline.issuing import NotWritten, asks_for_number, find_series, issue
from faitfoi.pipeline.judging import Refusal, examine, judge_all
from faitfoi.pipeline.opening import make_due
from faitfoi.pipeline.renderings import Workshop, open_workshop, render_all
from faitfoi.pipeline.retention import invoice_class
from faitfoi.pipeline.seal_keys import ensure_seal_key
from faitfoi.pipeline.sealing import CannotSeal
from faitfoi.pipeline.structures import make_known
from faitfoi.pipeline.witnessing import may_number
from faitfoi.pipeline.writing_down import Prepared, is_already_done, link_to_done, refuse, write_down
from faitfoi.records.journal import write_entry
from faitfoi.records.models import BatchLine, BurntNumber, Series
from faitfoi.records.objects import places_of_all
from faitfoi.records.series import lock, tell_taken
from faitfoi.records.stages import LineOutcome

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """A line that waits, its file as it came, and what was read in it."""

    line: BatchLine
    content: bytes
    reading: Reading


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
    try:
        for prepared in effects(organisation, line_ids, actor=actor):
            if ready and not _go_together(organisation, [*ready, prepared]):
                _keep(organisation, ready, actor=actor)
                ready = []
            ready.append(prepared)
    except CannotSeal as error:
        # It would be so for the next ones too: they wait with this one, and the steward brings them back.
        done = {prepared.line_id for prepared in ready}
        left = [line_id for line_id in line_ids if line_id not in done]
        _wait(organisation, left, reason=str(error), actor=actor)
    if ready:
        _keep(organisation, ready, actor=actor)


def effects(organisation: Organisation, line_ids: Sequence[UUID], *, actor: str) -> Iterator[Prepared]:
    """Read, check, judge and render lines, in order; what is refused or needs a number of ours is written at once.

    Each table is asked once for all of them, and looked at for a moment only. Raises CannotSeal.
    """
    with acting_for(organisation.id):
        waiting = _still_to_do(line_ids, actor=actor)
        places = places_of_all({line.sha256 for line in waiting})
    for lines in _light_enough(waiting):
        read = [each for line in lines if (each := _read(organisation, line, places, actor=actor)) is not None]
        if read:
            yield from _rendered(organisation, read, actor=actor)


def _still_to_do(line_ids: Sequence[UUID], *, actor: str) -> list[BatchLine]:
    """The lines that wait, in the order asked for; those whose bytes were sealed before are linked and left out."""
    found = BatchLine.objects.order_by().in_bulk(list(line_ids))
    lines = [found[each] for each in line_ids if each in found and found[each].outcome == LineOutcome.WAITING]
    same = BurntNumber.objects.order_by("-id").filter(original_sha256__in={line.sha256 for line in lines})
    done = dict(same.values_list("original_sha256", "document_id"))
    for line in lines:
        if line.sha256 in done:
            link_to_done(line, done[line.sha256], actor=actor)
    return [line for line in lines if line.sha256 not in done]


def _light_enough(lines: Sequence[BatchLine]) -> Iterator[list[BatchLine]]:
    """Divide lines so that their files may be in memory together."""
    some: list[BatchLine] = []
    for line in lines:
        if some and sum(each.size for each in some) + line.size > MOST_BYTES:
            yield some
            some = []
        some.append(line)
    if some:
        yield some


def _read(
    organisation: Organisation, line: BatchLine, places: Mapping[str, Sequence[Place]], *, actor: str
) -> _Read | None:
    """Read and check one line's file; None when it is refused, or is issued here and now."""
    try:
        content = archive.fetch(organisation.id, line.sha256, places=places.get(line.sha256, ()))
        reading = examine(content)
        if asks_for_number(reading) and (series := find_series(organisation, reading)) is not None:
            make_known(organisation, [reading.invoice])
            make_reachable_known(organisation, [reading.invoice])
            _issue(organisation, line, series, reading, content, actor=actor)
            return None
    except Refusal as refusal:
        _refused(line, refusal, actor=actor)
        return None
    except (ObjectMissing, ObjectAltered) as error:
        _refused(line, _unreadable(line, error), actor=actor)
        return None
    return _Read(line=line, content=content, reading=reading)


def _rendered(organisation: Organisation, read: Sequence[_Read], *, actor: str) -> Iterator[Prepared]:
    """Judge what was read, and make the artefacts of what may be sealed."""
    invoices = [each.reading.invoice for each in read]
    make_known(organisation, invoices)
    make_reachable_known(organisation, invoices)
    with acting_for(organisation.id):
        judged = judge_all(organisation, [each.reading for each in read])
    workshop: Workshop | None = None
    for each, verdict in zip(read, judged, strict=True):
        try:
            if isinstance(verdict, Refusal):
                raise verdict
            workshop = workshop or open_workshop(organisation)
            renderings = render_all(workshop, verdict, each.content, at=timezone.now())
        except Refusal as refusal:
            _refused(each.line, refusal, actor=actor)
        except (ObjectMissing, ObjectAltered) as error:
            _refused(each.line, _unreadable(each.line, error), actor=actor)
        else:
            yield Prepared(line_id=each.line.id, verdict=verdict, renderings=renderings)


def _unreadable(line: BatchLine, error: Exception) -> Refusal:
    return Refusal(f"Le fichier {line.filename} n’est plus lisible dans l’archive : {error}")


def _go_together(organisation: Organisation, ready: Sequence[Prepared]) -> bool:
    """Whether the artefacts of these files are few and light enough for one pack, and of one financial year."""
    if len({_class_of(organisation, prepared) for prepared in ready}) > 1:
        return False
    made = [rendering for prepared in ready for rendering in prepared.renderings]
    return len(made) <= MOST_OBJECTS and sum(len(rendering.content) for rendering in made) <= MOST_BYTES


def _class_of(organisation: Organisation, prepared: Prepared) -> str:
    """Return the retention class of a file's artefacts: a pack holds one financial year, so that it has one term."""
    issued = prepared.verdict.invoice.issue_date
    assert issued is not None  # noqa: S101  # judging refuses an invoice without date
    return invoice_class(organisation, issued)


def _keep(organisation: Organisation, ready: Sequence[Prepared], *, actor: str) -> None:
    """Make the artefacts durable, then write everything down in one transaction."""
    contents = [each.content for prepared in ready for each in prepared.renderings]
    kept = archive.pack(organisation.id, contents, retention=_class_of(organisation, ready[0]))
    with acting_for(organisation.id):
        archive.claim(kept, actor=actor)
        take_turns(organisation, [prepared.verdict.customer for prepared in ready])
        make_due(organisation.id, write_down(organisation, ready, actor=actor))


def give_up(organisation_id: UUID, line_id: UUID, *, actor: str) -> None:
    """Refuse a line whose file alone trips a bug of ours, so that the batch can be closed and the file reported."""
    with acting_for(organisation_id):
        line = BatchLine.objects.filter(id=line_id, outcome=LineOutcome.WAITING).first()
        if line is not None:
            reason = (
                f"Le fichier {line.filename} met Faitfoi en défaut : rien n’a été scellé ni envoyé. "
                "L’erreur est dans le journal technique ; signalez-la avec ce fichier."
            )
            refuse(line, Refusal(reason), actor=actor)


def _issue(
    organisation: Organisation, line: BatchLine, series: Series, reading: Reading, content: bytes, *, actor: str
) -> None:
    """Number, make and write down one invoice in one transaction: what fails in the middle leaves no gap.

    Raises Refusal, CannotSeal.
    """
    try:
        with acting_for(organisation.id):
            lock(series)
            if is_already_done(line, actor=actor):
                return  # the same bytes, issued while we waited
            issued = issue(organisation, series, reading, content)
            take_turns(organisation, [issued.verdict.customer])
            prepared = Prepared(line_id=line.id, verdict=issued.verdict, renderings=issued.renderings)
            contents = [each.content for each in prepared.renderings]
            kept = archive.pack(organisation.id, contents, retention=_class_of(organisation, prepared))
            archive.claim(kept, actor=actor)
            deliveries = write_down(organisation, [prepared], actor=actor)
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


def _refused(line: BatchLine, refusal: Refusal, *, actor: str) -> None:
    with acting_for(line.organisation_id):
        refuse(line, refusal, actor=actor)
