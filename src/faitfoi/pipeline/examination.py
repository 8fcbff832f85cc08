"""`faitfoi fsck`: brings together what `evidence.fsck` then recomputes from bytes."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

from django.db import connection, transaction

from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.fsck import Head, JournalLine, Kept, Problem, ProblemKind, Progress, Report, examine
from faitfoi.evidence.merkle import EMPTY_ROOT
from faitfoi.evidence.shelf import ObjectAltered, ObjectMissing
from faitfoi.evidence.store import Place, read_from
from faitfoi.pipeline.installation import store
from faitfoi.pipeline.jobs import every_organisation
from faitfoi.pipeline.sealing import certificates_of
from faitfoi.records.journal import sequence
from faitfoi.records.models import Artefact, Delivery, Event, JournalEntry, JournalHead, JournalLeaf, StoredObject
from faitfoi.records.objects import place_of
from faitfoi.records.stages import Stage

RENDERED = ("document_sealed", "document_rendered")
KEPT_BESIDE = ("attestation_issued", "line_refused", "remote_event")
"""Entries that name, under `sha256`, an object which is no artefact: an answer as received, a file refused…"""


HOLE = -1
"""The index of an entry without a leaf: one that cannot be."""


def examine_installation(*, progress: Progress | None = None) -> Report:
    """Recompute leaves, root, digests and seals of every organisation, as the tables stand at one instant.

    Work may go on meanwhile: what is not yet numbered at that instant is left for the next examination.
    """
    while sequence():
        pass
    lines: list[JournalLine] = []
    kept: list[Kept] = []
    beside: dict[UUID, set[str]] = {}
    places: dict[UUID, dict[str, list[Place]]] = {}
    problems: list[Problem] = []
    with _one_instant():
        indices = dict(JournalLeaf.objects.values_list("entry_id", "index"))
        leaves = {entry: bytes(leaf) for entry, leaf in JournalLeaf.objects.values_list("entry_id", "leaf")}
        organisations = every_organisation()
        for organisation_id in organisations:
            with acting_for(organisation_id):
                places[organisation_id] = _places()
                own = list(_lines(organisation_id, indices, leaves))
                fresh = _named_by_the_unnumbered(indices)
                kept += _artefacts(organisation_id, own, fresh=fresh, places=places[organisation_id])
                lines += own
                beside[organisation_id] = set(_beside(own))
                problems += _unnamed_answers(beside[organisation_id] | fresh)
                problems += _moved_aside()
        latest = JournalHead.objects.order_by("-size").first()
    lines.sort(key=lambda line: line.index)
    head = Head(size=latest.size, root=bytes(latest.root)) if latest else Head(size=0, root=EMPTY_ROOT)
    certificates = {organisation_id: certificates_of(organisation_id) for organisation_id in organisations}
    report = examine(
        lines=lines,
        head=head,
        store=store(),
        artefacts=kept,
        certificates=certificates,
        packs={place.pack for each in places.values() for found in each.values() for place in found},
        progress=progress,
    )
    for organisation_id, names in beside.items():
        problems += _damaged(names, places[organisation_id])
    return replace(
        report,
        objects=report.objects + sum(map(len, beside.values())),
        problems=(*report.problems, *problems),
    )


@contextmanager
def _one_instant() -> Iterator[None]:
    """Open a transaction that sees nothing of what others commit meanwhile."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _named_by_the_unnumbered(indices: dict[UUID, int | None]) -> set[str]:
    """Return the digests that only entries without an index yet name."""
    waiting = [entry_id for entry_id, index in indices.items() if index is None]
    bodies = JournalEntry.objects.filter(id__in=waiting).values_list("body", flat=True)
    return {str(value) for body in bodies for value in _facts(body.encode()).values()}


def _lines(organisation_id: UUID, indices: dict[UUID, int | None], leaves: dict[UUID, bytes]) -> Iterator[JournalLine]:
    for entry_id, body in JournalEntry.objects.order_by("id").values_list("id", "body").iterator():
        index = indices.get(entry_id, HOLE)
        if index is None:
            continue  # not numbered yet
        # An entry without a leaf is a hole that the examination must see: it gets an index that cannot be.
        yield JournalLine(
            index=index,
            entry=body.encode(),
            leaf=leaves.get(entry_id, b""),
            organisation=organisation_id,
        )


def _beside(lines: list[JournalLine]) -> Iterator[str]:
    for line in lines:
        entry = _facts(line.entry)
        if entry.get("type") in KEPT_BESIDE and entry.get("sha256"):
            yield str(entry["sha256"])


def _unnamed_answers(named: set[str]) -> Iterator[Problem]:
    """Tell the answers that an event claims to hold and the journal does not know."""
    claimed = Event.objects.exclude(raw_sha256="").values_list("raw_sha256", flat=True)
    for sha256 in sorted(set(claimed) - named):
        yield Problem(
            kind=ProblemKind.NOT_JOURNALLED,
            object=sha256,
            sentence=f"La réponse {sha256}, qu’un événement dit avoir reçue, n’est nommée par aucune écriture.",
        )


def _moved_aside() -> Iterator[Problem]:
    """Tell the deliveries that do not stand where their journalled moves lead: a stage has one door.

    Where they lead does not depend on the order of the entries: it is the one stage entered once more than left.
    """
    entered: dict[str, Counter[str]] = defaultdict(lambda: Counter({Stage.ROUTED.value: 1}))
    for body in JournalEntry.objects.filter(kind="stage_moved").values_list("body", flat=True).iterator():
        facts = _facts(body.encode())
        entered[str(facts.get("delivery"))].update({str(facts.get("target")): 1})
        entered[str(facts.get("delivery"))].subtract({str(facts.get("source")): 1})
    for delivery_id, stage in Delivery.objects.order_by("id").values_list("id", "stage"):
        if entered[str(delivery_id)][stage] != 1:
            yield Problem(
                kind=ProblemKind.NOT_JOURNALLED,
                object=str(delivery_id),
                sentence=f"L’envoi {delivery_id} est dit « {Stage(stage).label} » ; aucune écriture du journal ne l’y "
                "a mené : il a été changé sans passer par Faitfoi.",
            )


def _damaged(names: set[str], places: dict[str, list[Place]]) -> Iterator[Problem]:
    for sha256 in sorted(names):
        if sha256 not in places:
            sentence = f"L’objet {sha256} n’est dans aucun paquet."
            yield Problem(kind=ProblemKind.OBJECT_MISSING, object=sha256, sentence=sentence)
        for place in places.get(sha256, ()):
            try:
                read_from(store().first, place)
            except ObjectMissing as error:
                yield Problem(kind=ProblemKind.OBJECT_MISSING, object=sha256, sentence=str(error))
            except ObjectAltered as error:
                yield Problem(kind=ProblemKind.OBJECT_ALTERED, object=sha256, sentence=str(error))


def _places() -> dict[str, list[Place]]:
    """Return where rows of the current organisation say that each object lies."""
    found: dict[str, list[Place]] = defaultdict(list)
    for row in StoredObject.objects.order_by("id").iterator():
        found[row.sha256].append(place_of(row))
    return found


def _artefacts(
    organisation_id: UUID, lines: list[JournalLine], *, fresh: set[str], places: dict[str, list[Place]]
) -> Iterator[Kept]:
    named: dict[str, int] = {}
    for line in lines:
        entry = _facts(line.entry)
        if entry.get("type") in RENDERED:
            named |= {str(value): line.index for name, value in entry.items() if name.startswith("sha256_")}
    for artefact in Artefact.objects.order_by("id").iterator():
        if artefact.sha256 in fresh and artefact.sha256 not in named:
            continue
        yield Kept(
            organisation=organisation_id,
            sha256=artefact.sha256,
            sha512=artefact.sha512,
            size=artefact.size,
            entry_index=named.get(artefact.sha256),
            sealed=artefact.sealed,
            places=tuple(places.get(artefact.sha256, ())),
        )


def _facts(body: bytes) -> dict[str, object]:
    """Return an entry's facts; one that is damaged has none, and the examination names it."""
    try:
        entry = json.loads(body)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}
