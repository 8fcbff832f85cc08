"""The proof that one entry is in the journal (C2SP tlog-proof): one text, checkable offline against known keys."""

from collections.abc import Sequence
from dataclasses import dataclass

from faitfoi.evidence.checkpoint import Checkpoint, decimal, decoded, encoded, open_checkpoint
from faitfoi.evidence.merkle import verify_inclusion
from faitfoi.evidence.note import NoteRefused, Verifier

HEADER = "c2sp.org/tlog-proof@v1"
LONGEST_PATH = 63


@dataclass(frozen=True, slots=True, kw_only=True)
class TlogProof:
    """Where the entry stands, its neighbours from the leaf up (32 bytes each), and the checkpoint note above them."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes

    def dump(self) -> bytes:
        """The text of the proof."""
        lines = [HEADER, f"index {self.index}", *(encoded(neighbour) for neighbour in self.path), ""]
        return "\n".join(lines).encode() + b"\n" + self.checkpoint

    @classmethod
    def parse(cls, data: bytes) -> "TlogProof":
        """The proof that `data` writes, not verified yet; NoteRefused when it is not one."""
        head, separator, checkpoint = data.partition(b"\n\n")
        try:
            lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError as error:
            raise NoteRefused("The proof is not text.") from error
        if not separator or lines[0] != HEADER:
            raise NoteRefused(f"The proof does not begin with « {HEADER} ».")
        if len(lines) < 2 or not lines[1].startswith("index "):
            raise NoteRefused("The proof does not say at which index the entry stands.")
        if len(lines) - 2 > LONGEST_PATH:
            raise NoteRefused(f"The proof has {len(lines) - 2} hashes: no tree is that deep.")
        path = tuple(decoded(line) for line in lines[2:])
        return cls(index=decimal(lines[1].removeprefix("index ")), path=path, checkpoint=checkpoint)

    def verify(self, leaf: bytes, *, log: Verifier, witnesses: Sequence[Verifier] = ()) -> Checkpoint:
        """The checkpoint under which `leaf` (32 bytes) is proved to stand at `index`.

        Raises NoteRefused when the log or one of `witnesses` has not signed it, or the path does not lead to its root.
        """
        checkpoint, note = open_checkpoint(self.checkpoint, log)
        for witness in witnesses:
            if note.verified_by(witness) is None:
                raise NoteRefused(f"The witness « {witness.name} » has not signed this checkpoint.")
        proved = verify_inclusion(leaf, index=self.index, size=checkpoint.size, proof=self.path, head=checkpoint.root)
        if not proved:
            raise NoteRefused(f"The entry is not at index {self.index} of the journal under this checkpoint.")
        return checkpoint
