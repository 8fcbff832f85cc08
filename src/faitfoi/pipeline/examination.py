"""`faitfoi fsck`: brings together what `evidence.fsck` then recomputes from bytes."""

import json
from collections.abc import Iterator
from ssl import PEM_cert_to_DER_cert
from uuid import UUID

from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.fsck import Head, JournalLine, Kept, Progress, Report, examine
from faitfoi.evidence.merkle import EMPTY_ROOT
from faitfoi.pipeline.installation import seal_folder, store
from faitfoi.pipeline.jobs import every_organisation
from faitfoi.records.journal import sequence
from faitfoi.records.models import Artefact, JournalEntry, JournalHead, JournalLeaf

RENDERED = ("document_sealed", "document_rendered")


def examine_installation(*, progress: Progress | None = None) -> Report:
    """Recompute leaves, root, digests and seals of every organisation; each is read in a transaction of its own."""
    while sequence():
        pass
    indices = dict(JournalLeaf.objects.exclude(index=None).values_list("entry_id", "index"))
    leaves = {entry: bytes(leaf) for entry, leaf in JournalLeaf.objects.values_list("entry_id", "leaf")}
    organisations = every_organisation()
    lines: list[JournalLine] = []
    kept: list[Kept] = []
    for organisation_id in organisations:
        with acting_for(organisation_id):
            own = list(_lines(organisation_id, indices, leaves))
            kept += _artefacts(organisation_id, own)
            lines += own
    lines.sort(key=lambda line: line.index)
    latest = JournalHead.objects.order_by("-size").first()
    head = Head(size=latest.size, root=bytes(latest.root)) if latest else Head(size=0, root=EMPTY_ROOT)
    certificates = {organisation_id: _certificates(organisation_id) for organisation_id in organisations}
    return examine(lines=lines, head=head, store=store(), artefacts=kept, certificates=certificates, progress=progress)


def _lines(organisation_id: UUID, indices: dict[UUID, int | None], leaves: dict[UUID, bytes]) -> Iterator[JournalLine]:
    for entry_id, body in JournalEntry.objects.order_by("id").values_list("id", "body").iterator():
        index = indices.get(entry_id)
        # An entry without a leaf is a hole that the examination must see: it gets an index that cannot be.
        yield JournalLine(
            index=-1 if index is None else index,
            entry=body.encode(),
            leaf=leaves.get(entry_id, b""),
            organisation=organisation_id,
        )


def _artefacts(organisation_id: UUID, lines: list[JournalLine]) -> Iterator[Kept]:
    named: dict[str, int] = {}
    for line in lines:
        entry = _entry(line)
        if entry.get("type") in RENDERED:
            named |= {str(value): line.index for name, value in entry.items() if name.startswith("sha256_")}
    for artefact in Artefact.objects.order_by("id").iterator():
        yield Kept(
            organisation=organisation_id,
            sha256=artefact.sha256,
            sha512=artefact.sha512,
            size=artefact.size,
            entry_index=named.get(artefact.sha256),
            sealed=artefact.sealed,
        )


def _entry(line: JournalLine) -> dict[str, object]:
    """Return an entry's facts; one that is damaged has none, and the examination names it."""
    try:
        entry = json.loads(line.entry)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _certificates(organisation_id: UUID) -> tuple[bytes, ...]:
    path = seal_folder(organisation_id) / "certificate.pem"
    return (PEM_cert_to_DER_cert(path.read_text()),) if path.exists() else ()
