"""Recompute the whole proof from bytes: entries, leaves, the tree, its head, and what was signed over it.

Pure examination: the caller reads its tables and hands the rows over; nothing is repaired here. What the packs hold is
examined by `evidence.fsck_packs`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from faitfoi.evidence.leaves import NotCanonical, leaf_hash, read_canonical
from faitfoi.evidence.merkle import Frontier, root
from faitfoi.evidence.tiles import WIDTH


class ProblemKind(StrEnum):
    """What can be wrong; the value is stable, for whoever counts or filters."""

    ENTRY_ALTERED = "entry_altered"
    ENTRY_NOT_CANONICAL = "entry_not_canonical"
    ENTRY_OF_ANOTHER = "entry_of_another"
    ENTRY_MISSING = "entry_missing"
    DETAILS_ALTERED = "details_altered"
    INDEX_GAP = "index_gap"
    SIZE_DIFFERS = "size_differs"
    ROOT_DIFFERS = "root_differs"
    TILE_DIFFERS = "tile_differs"
    CHECKPOINT_REFUSED = "checkpoint_refused"
    STAMP_REFUSED = "stamp_refused"
    PACK_MISSING = "pack_missing"
    PACK_ALTERED = "pack_altered"
    OBJECT_MISSING = "object_missing"
    OBJECT_ALTERED = "object_altered"
    DIGEST_DIFFERS = "digest_differs"
    ROW_DIFFERS = "row_differs"
    NOT_JOURNALLED = "not_journalled"
    MIRROR_MISSING = "mirror_missing"
    MIRROR_ALTERED = "mirror_altered"
    SEAL_BROKEN = "seal_broken"
    SEAL_COMPROMISED = "seal_compromised"


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLine:
    """One row of the journal as stored: dense index, canonical bytes, leaf hash (32 bytes), and whose it is."""

    index: int
    entry: bytes
    leaf: bytes
    organisation: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The tree head as stored: how many entries, and the root over their leaves (32 bytes)."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing found wrong: what kind, on which object (entry index, SHA-256, row), and a French sentence."""

    kind: ProblemKind
    object: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was examined and what was found; `sound` when nothing is wrong.

    `packs` and `octets` count every copy that was read; `unclaimed` the packs that no entry names: what a crash between
    store and database leaves, no damage. `checkpoints` and `stamps` were verified over the recomputed roots. `doubts`
    are seals of a key that was declared compromised later, which no stamped checkpoint dates: they prove nothing.
    """

    entries: int
    objects: int
    seals: int
    packs: int
    octets: int
    checkpoints: int
    stamps: int
    unclaimed: int
    doubts: int
    root: bytes
    problems: tuple[Problem, ...]

    @property
    def sound(self) -> bool:
        """True when every entry, object and seal is what it should be."""
        return not self.problems


class Progress(Protocol):
    """Called after each step with the step's name (`entries`, `packs`) and how many are done."""

    def __call__(self, step: str, done: int, /) -> None: ...


@dataclass(slots=True)
class Entries:
    """The entries of a journal, examined one by one in any order; memory grows by a byte for each, not by its text."""

    problems: list[Problem] = field(default_factory=list)
    count: int = 0
    _seen: bytearray = field(default_factory=bytearray)

    def examine(self, line: JournalLine) -> Mapping[str, object]:
        """Examine one entry against its own leaf; returns what it says, nothing when that cannot be believed."""
        self.count += 1
        if line.index < 0:
            self.problems.append(_without_leaf(line))
            return {}
        if line.index >= len(self._seen):
            self._seen.extend(bytes(max(line.index + 1, 2 * len(self._seen)) - len(self._seen)))
        self._seen[line.index] = 1
        if leaf_hash(line.entry) != line.leaf:
            self.problems.append(
                _problem(
                    ProblemKind.ENTRY_ALTERED,
                    line.index,
                    f"L’écriture {line.index} du journal ne donne plus son empreinte : son contenu a été modifié.",
                )
            )
        try:
            entry = read_canonical(line.entry)
        except NotCanonical:
            sentence = f"L’écriture {line.index} du journal n’est pas sous sa forme canonique."
            self.problems.append(_problem(ProblemKind.ENTRY_NOT_CANONICAL, line.index, sentence))
            return {}
        claimed = entry.get("organisation")
        if isinstance(claimed, str) and claimed != str(line.organisation):
            sentence = f"L’écriture {line.index} dit être de {claimed}, mais elle est rangée chez {line.organisation}."
            self.problems.append(_problem(ProblemKind.ENTRY_OF_ANOTHER, line.index, sentence))
        return entry

    def saw(self, index: int) -> bool:
        """Whether the entry of that index has been examined."""
        return index < len(self._seen) and self._seen[index] == 1


@dataclass(slots=True)
class Tree:
    """The tree over the leaves, recomputed in the order of their index: rows by rows, and its root at any size."""

    entries: Entries
    tiles: Mapping[tuple[int, int], bytes]
    """The nodes as stored, by level (from 1) and position."""
    frontier: Frontier = field(default_factory=Frontier)
    problems: list[Problem] = field(default_factory=list)
    _rows: dict[int, list[bytes]] = field(default_factory=dict)
    _nodes: int = 0

    def grow(self, leaves: Iterable[tuple[int, bytes]]) -> Iterator[int]:
        """Append leaves (index and 32 bytes) in order; gives the size after each, so that roots can be compared."""
        for index, leaf in leaves:
            size = self.frontier.size
            if index != size:
                sentence = f"Le journal passe à l’écriture {index} alors que l’écriture {size} était attendue."
                self.problems.append(_problem(ProblemKind.INDEX_GAP, size, sentence))
            if not self.entries.saw(index):
                sentence = f"L’écriture {index} a son empreinte dans le journal, mais son texte n’y est plus."
                self.problems.append(_problem(ProblemKind.ENTRY_MISSING, index, sentence))
            self.frontier.append(leaf)
            self._complete(1, leaf)
            yield self.frontier.size

    def close(self, head: Head) -> None:
        """Compare with the stored head, once every leaf is in."""
        size, found = self.frontier.size, self.frontier.root()
        if size != head.size:
            sentence = f"Le journal compte {size} écritures, sa tête en annonce {head.size}."
            self.problems.append(_problem(ProblemKind.SIZE_DIFFERS, head.size, sentence))
        if found != head.root:
            sentence = (
                f"La racine recalculée du journal est {found.hex()}, sa tête dit {head.root.hex()} : "
                "des écritures ont été changées, ajoutées ou retirées."
            )
            self.problems.append(_problem(ProblemKind.ROOT_DIFFERS, head.size, sentence))
        if self._nodes != len(self.tiles):
            sentence = f"Le journal a {self._nodes} nœuds complets, la base en garde {len(self.tiles)}."
            self.problems.append(_problem(ProblemKind.TILE_DIFFERS, len(self.tiles), sentence))

    def _complete(self, level: int, node: bytes) -> None:
        row = self._rows.setdefault(level, [])
        row.append(node)
        if len(row) < WIDTH:
            return
        above = root(row)
        self._rows[level] = []
        position = (self.frontier.size - 1) // WIDTH**level
        self._nodes += 1
        if self.tiles.get((level, position)) != above:
            sentence = f"Le nœud {position} du niveau {level} de l’arbre n’est pas celui que donnent les écritures."
            self.problems.append(_problem(ProblemKind.TILE_DIFFERS, f"{level}/{position}", sentence))
        self._complete(level + 1, above)


def _without_leaf(line: JournalLine) -> Problem:
    sentence = f"Une écriture de l’organisation {line.organisation} n’a plus de place dans le journal."
    return _problem(ProblemKind.INDEX_GAP, line.index, sentence)


def _problem(kind: ProblemKind, of: object, sentence: str) -> Problem:
    return Problem(kind=kind, object=str(of), sentence=sentence)
