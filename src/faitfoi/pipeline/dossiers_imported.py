"""What proved an imported document where it came from: entries, proofs and keys as they came with its archive."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.checkpoint import Checkpoint, decoded
from faitfoi.evidence.dossier import ProvedEntry
from faitfoi.evidence.leaves import leaf_hash, read_canonical
from faitfoi.evidence.note import KeyType, NoteRefused, SignedNote, Verifier, open_note
from faitfoi.evidence.stamps import StampRefused, check_stamp
from faitfoi.evidence.tlog_proof import TlogProof
from faitfoi.pipeline.archive import fetch
from faitfoi.pipeline.importing import JOURNAL
from faitfoi.pipeline.stamping import roots_file, trusted_roots
from faitfoi.records.models import StoredObject

SEALED, IMPORTED = "document_sealed", "document_imported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The foreign proof of one document: its entries by kind, under the checkpoint that the archive came with.

    `stamps` are the tokens on that checkpoint which lead to a root trusted here; `stamp_roots` are those roots.
    """

    sealed: ProvedEntry
    story: tuple[ProvedEntry, ...]
    log: Verifier
    witnesses: tuple[Verifier, ...]
    stamps: Mapping[str, bytes]
    stamp_roots: bytes


@dataclass(slots=True)
class _Kept:
    """The files of the journals that came with the archive, told apart by what they hold: their names were not kept.

    An archive that has moved twice came with those of both places.
    """

    notes: list[bytes] = field(default_factory=list)
    keys: list[Verifier] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    others: list[bytes] = field(default_factory=list)


def origins_of(organisation_id: UUID, document_id: UUID) -> tuple[Origin, ...]:
    """The foreign proofs of a document, the place that it came from last first; none when its archive came without.

    Raises ObjectMissing, ObjectAltered.
    """
    kept = _kept(organisation_id, wanted=str(document_id).encode())
    found = [origin for note in kept.notes for origin in _under(kept, note, document_id)]
    return tuple(sorted(found, key=_when, reverse=True))


def _when(origin: Origin) -> str:
    return str(read_canonical(origin.sealed.body)["at"])


def _under(kept: _Kept, note: bytes, document_id: UUID) -> Iterator[Origin]:
    """What one of the checkpoints proves of the document, if anything."""
    signed = open_note(note)
    signers = [key for key in kept.keys if _has_signed(signed, key)]
    log = next((key for key in signers if key.kind is KeyType.LOG), None)
    if log is None:
        return
    proved = sorted(_proved(kept, note, log, document_id), key=lambda each: each[1].proof.index)
    told = dict(proved)
    sealed = told.get(SEALED) or told.get(IMPORTED)
    if sealed is None:
        return
    stamps = _stamps(kept, note)
    yield Origin(
        sealed=sealed,
        story=tuple(entry for _, entry in proved if entry is not sealed),
        log=log,
        witnesses=tuple(key for key in signers if key.kind is KeyType.WITNESS),
        stamps=stamps,
        stamp_roots=roots_file() if stamps else b"",
    )


def _has_signed(signed: SignedNote, key: Verifier) -> bool:
    try:
        return signed.verified_by(key) is not None
    except NoteRefused:
        return False


def _kept(organisation_id: UUID, *, wanted: bytes) -> _Kept:
    with acting_for(organisation_id):
        rows = StoredObject.objects.filter(retention__startswith=JOURNAL).order_by("offset")
        digests = list(dict.fromkeys(rows.values_list("sha256", flat=True)))
    kept = _Kept()
    for sha256 in digests:
        content = fetch(organisation_id, sha256)
        if content.startswith(b"{"):
            kept.lines += [line for line in content.splitlines() if wanted in line]
        elif keys := _keys(content):
            kept.keys += keys
        elif _is_checkpoint(content):
            kept.notes.append(content)
        else:
            kept.others.append(content)
    return kept


def _keys(content: bytes) -> list[Verifier]:
    try:
        return [Verifier.parse(line) for line in content.decode().splitlines()]
    except (NoteRefused, UnicodeDecodeError):
        return []


def _is_checkpoint(content: bytes) -> bool:
    try:
        Checkpoint.parse(open_note(content).text)
    except NoteRefused:
        return False
    return True


def _proved(kept: _Kept, note: bytes, log: Verifier, document_id: UUID) -> Iterator[tuple[str, ProvedEntry]]:
    for line in map(json.loads, kept.lines):
        entry = json.loads(line["body"])
        if entry.get("document") != str(document_id):
            continue
        body, path = line["body"].encode(), tuple(decoded(each) for each in line["path"])
        proof = TlogProof(index=line["index"], path=path, checkpoint=note)
        try:
            proof.verify(leaf_hash(body), log=log)
        except NoteRefused:
            continue  # of another journal's
        yield entry["type"], ProvedEntry(body=body, proof=proof)


def _stamps(kept: _Kept, note: bytes) -> dict[str, bytes]:
    """The tokens that hold here: a root that nobody trusts here proves no hour to anybody."""
    found: dict[str, bytes] = {}
    for number, token in enumerate(kept.others, start=1):
        try:
            check_stamp(token, note, roots=trusted_roots())
        except StampRefused:
            continue
        found[f"origine-{number}"] = token
    return found
