"""Imports an exported archive into this installation: all of it, re-verified, or nothing.

Documents, numbers and what became of each delivery come back as they were; whatever was still to be sent is closed:
nothing that was imported is ever sent from here. The journal of the place it came from is kept, with its proofs.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.db import models

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for, directory
from faitfoi.evidence.store import Pack, portions
from faitfoi.pipeline import archive
from faitfoi.pipeline.bag_reading import Bags, read_bags
from faitfoi.pipeline.exporting import exported
from faitfoi.pipeline.installation import store, today
from faitfoi.pipeline.retention import CATEGORIES, invoice_class, last_moment
from faitfoi.records.images import read_details
from faitfoi.records.journal import shares, write_entry
from faitfoi.records.models import (
    Act,
    Artefact,
    BatchLine,
    Delivery,
    Document,
    EliminationItem,
    Event,
    SealCertificate,
)
from faitfoi.records.models_seal import SealState
from faitfoi.records.stages import LineOutcome, Stage
from faitfoi.records.transitions import close
from faitfoi.records.transitions_act import close_act

CLOSED = "Importée d’une autre installation : elle n’est jamais envoyée d’ici."
JOURNAL = "journal"
Rows = Mapping[type[models.Model], Sequence[models.Model]]


class CannotImport(Exception):
    """The archive cannot come in here; the message is a French sentence saying why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What came in."""

    organisation: Organisation
    documents: int
    objects: int
    entries: int


def import_archive(source: Path, *, actor: str, progress: Callable[[int, int], None] | None = None) -> Imported:
    """Verify all that is under `source`, then restore it in one transaction; outside any transaction.

    Raises BagRefused, naming what lies, and CannotImport when the organisation, or its short name, is here already.
    """
    bags = read_bags(source)
    rows = _instances(bags)
    (organisation,) = rows[Organisation]
    assert isinstance(organisation, Organisation)  # noqa: S101  # the one row of its table
    if str(organisation.id) != bags.organisation:
        raise CannotImport("Les lignes et les paquets ne sont pas de la même organisation : rien n’est importé.")
    _refuse_known(organisation)
    kept = list(_packed(organisation, rows, bags, progress=progress))
    with acting_for(organisation.id):
        organisation.save(force_insert=True)
        write_entry(
            "archive_imported",
            actor=actor,
            rows=[organisation],
            fingerprints=list(bags.fingerprints)[:400],
            size=bags.size,
            entries=bags.entries,
        )
        for pack in kept:
            archive.claim(pack, actor=actor)
        for model in exported():
            if model is not Organisation:
                _write(model, rows[model], actor=actor)
        _explain(rows, actor=actor)
    return Imported(
        organisation=organisation,
        documents=len(rows[Document]),
        objects=len(bags.objects),
        entries=bags.entries,
    )


def _packed(
    organisation: Organisation, rows: Rows, bags: Bags, *, progress: Callable[[int, int], None] | None
) -> Iterator[Pack]:
    """Make every object durable, in packs of its class, and the journal it came with; the rows come afterwards."""
    classes, done = _classes(organisation, rows, bags), 0
    kept = ((each, (bags.object(sha256) for sha256 in classes[each])) for each in sorted(classes))
    for retention, contents in (*kept, (JOURNAL, kept_journal(bags))):
        years = CATEGORIES[retention.partition("_")[0]].least
        until = last_moment(organisation, retention, years=years, today=today(organisation))
        for portion in portions(contents):
            yield store().pack(organisation.id, portion, retention=retention, keep_until=until)
            done += len(portion)
            if progress is not None:
                progress(done, len(bags.objects))


def _refuse_known(organisation: Organisation) -> None:
    with directory():
        same = list(Organisation.objects.filter(models.Q(id=organisation.id) | models.Q(slug=organisation.slug)))
    if same:
        raise CannotImport(
            f"{same[0].name} ({same[0].slug}) est déjà dans cette installation : rien n’est importé. "
            "Importez dans une installation où elle n’est pas."
        )


def _instances(bags: Bags) -> dict[type[models.Model], list[models.Model]]:
    found: dict[type[models.Model], list[models.Model]] = defaultdict(list)
    for told in bags.rows:
        (image,) = read_details(json.dumps({"rows": [told], "salt": ""}))
        assert image.row is not None  # noqa: S101  # an exported row is there
        found[image.model].append(_closed(image.model(**image.row)))
    return found


def _closed(row: models.Model) -> models.Model:
    """Leave nothing to be done: an imported document is never sent, an imported key never seals."""
    match row:
        case Delivery():
            if close(row):
                row.reason = f"{CLOSED} {row.reason}"
        case Act():
            close_act(row)
        case Document():
            row.waiting_for = ""
        case BatchLine():
            if row.outcome in {LineOutcome.WAITING, LineOutcome.NEEDS_SOMEONE}:
                row.outcome = LineOutcome.REFUSED if row.document_id is None else LineOutcome.READY
                row.reason = f"{CLOSED} {row.reason}"
        case SealCertificate():
            if row.state == SealState.ACTIVE:
                row.state = SealState.RETIRED
        case _:
            pass
    return row


def _classes(organisation: Organisation, rows: Rows, bags: Bags) -> dict[str, list[str]]:
    """Which objects go into packs of which retention class; what no document needs is kept as proof.

    The journals that an archive had come with itself stay journals: they prove its documents still.
    """
    of_document: dict[object, str] = {}
    for each in rows[Document]:
        assert isinstance(each, Document)  # noqa: S101  # rows are by model
        of_document[each.id] = invoice_class(organisation, each.issue_date)
    wanted: dict[str, str] = {}
    for line in rows[BatchLine]:
        assert isinstance(line, BatchLine)  # noqa: S101  # rows are by model
        wanted[line.sha256] = archive.RECEIVED
    for model, column in ((Artefact, "sha256"), (Event, "raw_sha256")):
        wanted |= {getattr(each, column): of_document[getattr(each, "document_id")] for each in rows[model]}  # noqa: B009
    found: dict[str, list[str]] = defaultdict(list)
    for sha256 in bags.objects:
        journal = any(each.startswith(JOURNAL) for each in bags.retentions.get(sha256, ()))
        found[wanted.get(sha256, JOURNAL if journal else archive.PROOF)].append(sha256)
    return found


def _write(model: type[models.Model], rows: Sequence[models.Model], *, actor: str) -> None:
    for share in shares(rows):
        model._default_manager.bulk_create(share)  # noqa: SLF001  # Django's documented model API
        write_entry("rows_imported", actor=actor, rows=share, table=model.__name__.lower(), count=len(share))


def _explain(rows: Rows, *, actor: str) -> None:
    """Write down what each document and each delivery is here, so that the journal of this place tells it too."""
    artefacts: dict[object, dict[str, str]] = defaultdict(dict)
    for each in rows[Artefact]:
        assert isinstance(each, Artefact)  # noqa: S101  # rows are by model
        artefacts[each.document_id] |= {f"sha256_{each.role}": each.sha256, f"sha512_{each.role}": each.sha512}
    answers: dict[object, list[str]] = defaultdict(list)
    for event in rows[Event]:
        assert isinstance(event, Event)  # noqa: S101  # rows are by model
        if event.raw_sha256:
            answers[event.document_id].append(event.raw_sha256)
    for document in rows[Document]:
        told: dict[str, str | list[str]] = {**artefacts[document.pk], "answers": answers[document.pk][:500]}
        write_entry("document_imported", actor=actor, document_id=document.pk, rows=(), **told)  # type: ignore[arg-type]
    for delivery in rows[Delivery]:
        assert isinstance(delivery, Delivery)  # noqa: S101  # rows are by model
        write_entry(
            "delivery_imported",
            actor=actor,
            document_id=delivery.document_id,
            delivery=str(delivery.id),
            source=Stage.ROUTED.value,
            target=str(delivery.stage),
        )
    for item in rows[EliminationItem]:
        assert isinstance(item, EliminationItem)  # noqa: S101  # rows are by model
        if item.done:
            named = [digest for each in item.objects_gone for digest in each.split(" ")]
            write_entry("document_eliminated", actor=actor, document_id=item.document_id, fingerprints=named[:400])


def kept_journal(bags: Bags) -> Iterator[bytes]:
    """The files of the journal as they came, with the keys: what proves the past of this archive."""
    for name in sorted(bags.files):
        if name.startswith(("data/journal/", "data/cles/", "data/horodatage/")):
            yield bags.files[name].read_bytes()
