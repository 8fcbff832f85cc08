"""What we hold of each witness: the last checkpoint that it cosigned, kept outside the database and checked when read.

A restored database cannot take these files back, and a witness that has forgotten is contradicted by its own signature.
"""

import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from faitfoi.evidence.checkpoint import Checkpoint, open_checkpoint
from faitfoi.evidence.note import NoteRefused, Verifier


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldNote:
    """A checkpoint of our log, the note that carries it, and the second (since 1970) at which it was cosigned."""

    checkpoint: Checkpoint
    note: bytes
    seconds: int


class Held:
    """One file for each witness key in a folder of ours, replaced whole and flushed, which only ever grows."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, note: bytes, *, log: Verifier, witness: Verifier) -> None:
        """Keep a note that `witness` has cosigned, unless a later one of the same origin is held already.

        Raises NoteRefused when the note is not signed by both.
        """
        fresh = read_held(note, log=log, witness=witness)
        path = self._path(witness)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.with_suffix(".lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = self.last(witness, log=log)
            if known is not None and known.checkpoint.size >= fresh.checkpoint.size:
                return
            write_whole(path, note)

    def last(self, witness: Verifier, *, log: Verifier) -> HeldNote | None:
        """The last note held with this witness's signature under this log's present name; None when there is none.

        A file that is not such a note is one we do not hold: another log's, or spoilt (the tables hold others).
        """
        try:
            return read_held(self._path(witness).read_bytes(), log=log, witness=witness)
        except (FileNotFoundError, NoteRefused):
            return None

    def furthest(self, log: Verifier) -> Checkpoint | None:
        """The longest journal that any witness, even one no longer asked, has cosigned in a file held here."""
        found = list(self._all(log))
        return max(found, key=lambda each: each.size, default=None)

    def _all(self, log: Verifier) -> Iterator[Checkpoint]:
        for path in sorted(self._folder.glob("*.checkpoint")):
            try:
                checkpoint, _ = open_checkpoint(path.read_bytes(), log)
            except NoteRefused:
                continue
            yield checkpoint

    def _path(self, witness: Verifier) -> Path:
        # The whole key, not its name: a witness that was given another key is another witness.
        return self._folder / f"{hashlib.sha256(witness.vkey.encode()).hexdigest()[:32]}.checkpoint"


def read_held(note: bytes, *, log: Verifier, witness: Verifier) -> HeldNote:
    """The note as signed by the log and by the witness. Raises NoteRefused when one of them has not signed."""
    checkpoint, signed = open_checkpoint(note, log)
    seconds = signed.verified_by(witness)
    if seconds is None:
        raise NoteRefused(f"The witness « {witness.name} » has not signed this checkpoint.")
    return HeldNote(checkpoint=checkpoint, note=note, seconds=seconds)


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file by one rename, flushed with its folder: a crash leaves the former or the new one. Raises OSError.

    The last of several writers at once wins, and none sees half of another's.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
