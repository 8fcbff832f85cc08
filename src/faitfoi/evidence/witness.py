"""A witness (C2SP tlog-witness): cosigns only a journal that grew, and remembers for ever what it saw.

It keeps, for each journal, the last checkpoint it signed: one file, replaced whole and flushed before it answers. A
backup restored over the journal, or a journal that tells two stories, is seen here, because this memory is elsewhere.
"""

import fcntl
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from faitfoi.evidence.checkpoint import Checkpoint, decimal, decoded, encoded, open_checkpoint
from faitfoi.evidence.merkle import EMPTY_ROOT, verify_consistency
from faitfoi.evidence.note import KeyType, NoteRefused, Signer, Verifier, open_note, write_note
from faitfoi.evidence.witness_held import write_whole

LONGEST_PROOF = 63
SIZE_TYPE = "text/x.tlog.size"
TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the witness says, as HTTP would carry it: 200 with signature lines, or why not."""

    status: int
    body: bytes
    content_type: str = TEXT


def request(*, old: int, proof: Sequence[bytes], checkpoint: bytes) -> bytes:
    """The body of `add-checkpoint`: the size last cosigned, the consistency proof from there, and the signed note."""
    lines = [f"old {old}", *(encoded(neighbour) for neighbour in proof), ""]
    return "\n".join(lines).encode() + b"\n" + checkpoint


class Witness:
    """One witness with its key, the journals it knows by origin, and its memory in a folder of its own."""

    def __init__(self, folder: Path, *, signer: Signer, logs: Mapping[str, Verifier]) -> None:
        if signer.kind is not KeyType.WITNESS:
            raise ValueError("A witness signs with a key of its own type (0x04).")
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._signer, self._logs = folder, signer, logs

    @property
    def verifier(self) -> Verifier:
        """The public key by which its signatures are checked."""
        return self._signer.verifier

    def add_checkpoint(self, body: bytes, *, at: datetime) -> Answer:
        """Cosign a checkpoint that continues what was seen, remember it, and return the signature line.

        404 for a journal nobody told us of, 403 when its key has not signed, 400 for what cannot be read, 409 when the
        size is not the last one (the body is the size remembered) or the root of that size is another, 422 when the
        journal did not merely grow.
        """
        try:
            old, proof, note = _parts(body)
            origin = Checkpoint.parse(open_note(note).text).origin
        except NoteRefused as error:
            return _refusal(400, str(error))
        log = self._logs.get(origin)
        if log is None:
            return _refusal(404, f"This witness does not know the journal « {origin} ».")
        try:
            checkpoint, _ = open_checkpoint(note, log)
        except NoteRefused as error:
            return _refusal(403, str(error))
        if old > checkpoint.size:
            return _refusal(400, f"The journal has {checkpoint.size} entries, fewer than the {old} before.")
        with self._alone(origin) as memory:
            return self._judge(memory, checkpoint, old=old, proof=proof, at=at)

    def last_seen(self, origin: str) -> Checkpoint | None:
        """The last checkpoint cosigned for a journal; None for one never seen."""
        return _remembered(self._memory(origin))

    def _judge(self, memory: Path, checkpoint: Checkpoint, *, old: int, proof: Sequence[bytes], at: datetime) -> Answer:
        last = _remembered(memory) or Checkpoint(origin=checkpoint.origin, size=0, root=EMPTY_ROOT)
        if old != last.size:
            return Answer(status=409, body=f"{last.size}\n".encode(), content_type=SIZE_TYPE)
        if old == checkpoint.size and last.root != checkpoint.root:
            return _refusal(409, f"Another root was seen for the first {old} entries of this journal.")
        grew = verify_consistency(
            earlier=old, later=checkpoint.size, earlier_head=last.root, later_head=checkpoint.root, proof=proof
        )
        if not grew:
            return _refusal(422, f"This journal does not continue the one whose first {old} entries were seen.")
        line = self._signer.line(checkpoint.text, at=at)
        write_whole(memory, write_note(checkpoint.text, (line,)))
        return Answer(status=200, body=line.encode())

    def _memory(self, origin: str) -> Path:
        return self._folder / f"{hashlib.sha256(origin.encode()).hexdigest()}.checkpoint"

    @contextmanager
    def _alone(self, origin: str) -> Iterator[Path]:
        """Hold the memory of one journal: checking the size and keeping the new one must be one act."""
        memory = self._memory(origin)
        with memory.with_suffix(".lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield memory


def _parts(body: bytes) -> tuple[int, list[bytes], bytes]:
    head, separator, note = body.partition(b"\n\n")
    try:
        first, *lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise NoteRefused("The request is not text.") from error
    if not separator or not first.startswith("old "):
        raise NoteRefused("The request does not begin with the size last cosigned (« old … »).")
    if len(lines) > LONGEST_PROOF:
        raise NoteRefused(f"The proof has {len(lines)} hashes: no tree is that deep.")
    return decimal(first.removeprefix("old ")), [decoded(line) for line in lines], note


def _remembered(memory: Path) -> Checkpoint | None:
    try:
        return Checkpoint.parse(open_note(memory.read_bytes()).text)
    except FileNotFoundError:
        return None


def _refusal(status: int, sentence: str) -> Answer:
    return Answer(status=status, body=f"{sentence}\n".encode())
