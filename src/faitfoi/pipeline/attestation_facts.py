"""Where the journal stands when something is attested: its proofs, its keys, and the fingerprints to pin."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ssl import DER_cert_to_PEM_cert
from uuid import UUID

from django.conf import settings

from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.attestation import JOURNAL, SEAL, STAMPS, fingerprint_of_key
from faitfoi.evidence.checkpoint import open_checkpoint
from faitfoi.evidence.note import Verifier, open_note
from faitfoi.evidence.tiles import TiledTree
from faitfoi.evidence.tlog_proof import TlogProof
from faitfoi.pipeline.stamping import roots_file
from faitfoi.pipeline.witnessing import log_signer, witness_key, witnessed
from faitfoi.records.journal import row
from faitfoi.records.models import Checkpoint, JournalEntry, JournalLeaf
from faitfoi.records.models_archive import AttestationKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What is attested: the document if it is about one, the entries that prove it, the files, and what is said.

    `rows` are shown as they are, by label; `listed` are fingerprints that the journal's entry of the attestation's own
    subject names. Nothing here goes to the journal.
    """

    kind: AttestationKind
    sentence: str
    entry_ids: Sequence[UUID] = ()
    document_id: UUID | None = None
    elimination_id: UUID | None = None
    objects: Sequence[Mapping[str, str]] = ()
    rows: Sequence[tuple[str, str]] = ()
    tables: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvedPlace:
    """One entry: its text, the index it stands at, and the proof (C2SP tlog-proof) under the checkpoint."""

    body: str
    index: int
    proof: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The journal as its witness last saw it, and the keys that say so; `seen_at` is the witness's own hour."""

    size: int
    root: str
    note: str
    seen_at: datetime | None
    log: str
    witnesses: tuple[str, ...]
    certificate: str
    fingerprints: Mapping[str, str]
    entries: tuple[ProvedPlace, ...]


def standing_of(organisation_id: UUID, entry_ids: Sequence[UUID], *, certificate: bytes) -> Standing:
    """Have all that is committed witnessed, and prove these entries of the organisation under that checkpoint.

    `certificate` is the seal's, in DER. Raises WitnessSilent, JournalBehind.
    """
    witnessed()
    checkpoint = Checkpoint.objects.latest("size")
    note, log = checkpoint.note.encode(), log_signer().verifier
    witnesses = who_signed(note)
    seen = [second for each in witnesses if (second := open_note(note).verified_by(each)) is not None]
    fingerprints = {
        JOURNAL: fingerprint_of_key(log),
        **{f"clé du témoin {each.name}": fingerprint_of_key(each) for each in witnesses},
        SEAL: hashlib.sha256(certificate).hexdigest(),
    }
    if settings.FAITFOI_TSA and settings.FAITFOI_TSA_ROOTS:
        fingerprints[STAMPS] = hashlib.sha256(roots_file()).hexdigest()
    return Standing(
        size=checkpoint.size,
        root=open_checkpoint(note, log)[0].root.hex(),
        note=checkpoint.note,
        seen_at=datetime.fromtimestamp(max(seen), tz=UTC) if seen else None,
        log=log.vkey,
        witnesses=tuple(each.vkey for each in witnesses),
        certificate=DER_cert_to_PEM_cert(certificate),
        fingerprints=fingerprints,
        entries=_places(organisation_id, entry_ids, checkpoint),
    )


def who_signed(note: bytes) -> tuple[Verifier, ...]:
    """The witnesses of this installation that cosigned a checkpoint."""
    signed = open_note(note)
    return tuple(each for each in (witness_key(),) if signed.verified_by(each) is not None)


def _places(organisation_id: UUID, entry_ids: Sequence[UUID], checkpoint: Checkpoint) -> tuple[ProvedPlace, ...]:
    with acting_for(organisation_id):
        bodies = dict(JournalEntry.objects.filter(id__in=entry_ids).values_list("id", "body"))
    indices = dict(JournalLeaf.objects.filter(entry_id__in=bodies).values_list("entry_id", "index"))
    tree = TiledTree(checkpoint.size, row)
    places = []
    for entry_id, index in sorted(indices.items(), key=lambda each: each[1] or 0):
        if index is None or index >= checkpoint.size:
            continue
        proof = TlogProof(index=index, path=tuple(tree.inclusion(index)), checkpoint=checkpoint.note.encode())
        places.append(ProvedPlace(body=bodies[entry_id], index=index, proof=proof.dump().decode()))
    return tuple(places)
