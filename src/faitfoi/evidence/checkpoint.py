"""Checkpoints (C2SP tlog-checkpoint): the journal's size and root at one moment, as the text of a signed note."""

import base64
import binascii
import re
from dataclasses import dataclass

from faitfoi.evidence.merkle import HASH_SIZE
from faitfoi.evidence.note import NoteRefused, SignedNote, Verifier, open_note

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What the log says: under `origin`, its first `size` entries have the RFC 6962 root `root` (32 bytes).

    `extensions` are further lines, signed with the rest, that who does not know them passes over.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The lines that are signed."""
        return "".join(f"{line}\n" for line in (self.origin, self.size, encoded(self.root), *self.extensions))

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """The checkpoint that `text` writes; NoteRefused when it is not one."""
        *lines, end = text.split("\n")
        if end or len(lines) < 3 or not all(lines):
            raise NoteRefused("The note is not a checkpoint: origin, size and root are expected, each on its line.")
        return cls(origin=lines[0], size=decimal(lines[1]), root=decoded(lines[2]), extensions=tuple(lines[3:]))


def open_checkpoint(note: bytes, log: Verifier) -> tuple[Checkpoint, SignedNote]:
    """The checkpoint in a note that the log has signed. Raises NoteRefused for any other."""
    signed = open_note(note)
    checkpoint = Checkpoint.parse(signed.text)
    if checkpoint.origin != log.name:
        raise NoteRefused(f"The checkpoint is of « {checkpoint.origin} », not of « {log.name} ».")
    if signed.verified_by(log) is None:
        raise NoteRefused(f"« {log.name} » has not signed this checkpoint.")
    return checkpoint, signed


def encoded(value: bytes) -> str:
    """A hash as base64."""
    return base64.b64encode(value).decode()


def decoded(line: str) -> bytes:
    """The hash (32 bytes) that a line of base64 holds; NoteRefused for anything else, or another writing of it."""
    try:
        value = base64.b64decode(line, validate=True)
    except binascii.Error as error:
        raise NoteRefused(f"« {line[:80]} » is not base64.") from error
    if len(value) != HASH_SIZE or encoded(value) != line:
        raise NoteRefused(f"« {line[:80]} » is not the base64 of a SHA-256 hash.")
    return value


def decimal(text: str) -> int:
    """A size or an index in decimal, without leading zeroes; NoteRefused for anything else."""
    if not _DECIMAL.fullmatch(text):
        raise NoteRefused(f"« {text[:80]} » is not a number of entries.")
    return int(text)
