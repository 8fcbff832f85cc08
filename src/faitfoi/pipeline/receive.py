"""The start of the journey: files are made durable, counted, and made due. Nothing is judged here."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.shelf import NoRoom
from faitfoi.evidence.store import portions
from faitfoi.intake.caps import NoPlace, TooMuch, check_batch, check_file
from faitfoi.pipeline import archive
from faitfoi.pipeline.due import prepare_later
from faitfoi.pipeline.mail_files import CannotJoin, check_files, keep_files, pack_files
from faitfoi.pipeline.seal_keys import ensure_seal_key
from faitfoi.records.journal import shares, write_entry
from faitfoi.records.models import Batch, BatchLine
from faitfoi.records.stages import LineOutcome

__all__ = ["CannotJoin", "TooMuch", "due_lines", "receive", "resume"]

FORGOTTEN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrived:
    filename: str
    sha256: str
    size: int
    refused: str = ""


def receive(
    organisation: Organisation,
    files: Iterable[tuple[str, bytes]],
    *,
    origin: Batch.Origin,
    name: str,
    actor: str,
    along: Sequence[tuple[str, bytes]] = (),
) -> Batch:
    """Keep the files, open their batch and have it prepared; returns the batch.

    The same files again are the same batch: what was left waiting goes on, what was refused is judged anew (its reason
    may have been ours, and mended since), nothing is done twice.
    An empty or too large file is a refused line. `along` are files that go with each mail of the batch.

    Raises CannotJoin or TooMuch (a French sentence) when one of these cannot go along, and when there are no files or
    too many; NoPlace when the archive's disk has reached its reserve: then nothing has been taken.
    """
    ensure_seal_key(organisation)
    check_files(along)
    arrived: list[_Arrived] = []
    try:
        kept = [
            archive.pack(organisation.id, portion, retention=archive.RECEIVED)
            for portion in portions(_taken(files, arrived))
        ]
        joined = pack_files(organisation, along)
    except NoRoom as error:
        archive.has_room()
        raise NoPlace(error.strerror) from error
    check_batch(len(arrived), sum(item.size for item in arrived))
    fingerprint = hashlib.sha256("\n".join(sorted(item.sha256 for item in arrived)).encode()).hexdigest()
    with acting_for(organisation.id):
        for pack in kept:
            archive.claim(pack, actor=actor)
        batch, is_new = Batch.objects.get_or_create(
            organisation=organisation,
            fingerprint=fingerprint,
            defaults={"name": name[:200], "origin": origin, "created_by": actor},
        )
        if is_new:
            lines = BatchLine.objects.bulk_create(
                _line(batch, position, item) for position, item in enumerate(arrived, start=1)
            )
            named = str(batch.id)
            write_entry(
                "batch_received", actor=actor, rows=[batch], batch=named, files=len(arrived), fingerprint=fingerprint
            )
            for some in shares(lines):
                write_entry("lines_received", actor=actor, rows=some, batch=named, lines=len(some))
        else:
            _judge_anew(batch, arrived, actor=actor)
        if along:
            keep_files(organisation, along, joined, batch=batch, actor=actor)
        resume(batch)
    return batch


def _judge_anew(batch: Batch, arrived: list[_Arrived], *, actor: str) -> None:
    """Let the refused lines wait again, all but those whose very size is refused: their content is not kept."""
    kept = {item.sha256 for item in arrived if not item.refused}
    # Only the lines: the default order would join, and lock, the whole batch.
    refused = batch.lines.order_by().filter(outcome=LineOutcome.REFUSED, sha256__in=kept)
    lines = list(refused.select_for_update())
    for line in lines:
        line.outcome, line.reason, line.findings = LineOutcome.WAITING, "", []
    BatchLine.objects.bulk_update(lines, ["outcome", "reason", "findings"], batch_size=500)
    for some in shares(lines):
        write_entry("lines_judged_anew", actor=actor, rows=some, batch=str(batch.id), lines=len(some))


def resume(batch: Batch) -> int:
    """Make the batch's waiting lines due (again); returns how many there were. Runs inside `acting_for`."""
    waiting = list(batch.lines.filter(outcome=LineOutcome.WAITING).order_by("position").values_list("id", flat=True))
    prepare_later(batch.organisation_id, waiting)
    return len(waiting)


def due_lines(organisation_id: UUID) -> int:
    """Make due again the lines that wait though no job is left: their job was lost with its worker."""
    with acting_for(organisation_id):
        forgotten = BatchLine.objects.filter(outcome=LineOutcome.WAITING, created_at__lt=timezone.now() - FORGOTTEN)
        ids = list(forgotten.order_by("batch", "position").values_list("id", flat=True)[:10_000])
        prepare_later(organisation_id, ids)
    return len(ids)


def _taken(files: Iterable[tuple[str, bytes]], arrived: list[_Arrived]) -> Iterator[bytes]:
    """Give the contents that are to be kept, one after the other, and note in `arrived` what came."""
    for filename, content in files:
        digest = hashlib.sha256(content).hexdigest()
        try:
            check_file(filename, len(content))
        except TooMuch as error:
            arrived.append(_Arrived(filename=filename, sha256=digest, size=len(content), refused=str(error)))
        else:
            arrived.append(_Arrived(filename=filename, sha256=digest, size=len(content)))
            yield content


def _line(batch: Batch, position: int, item: _Arrived) -> BatchLine:
    line = BatchLine(
        organisation_id=batch.organisation_id,
        batch=batch,
        position=position,
        filename=item.filename.replace("\x00", "")[-255:],
        sha256=item.sha256,
        size=item.size,
    )
    if item.refused:
        line.outcome, line.reason = LineOutcome.REFUSED, item.refused
    return line
