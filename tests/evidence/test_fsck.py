"""Each kind of damage to the journal, planted, is named; a sound one is called sound."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import pytest

from faitfoi.evidence.fsck import Entries, Head, JournalLine, Problem, ProblemKind, Tree
from faitfoi.evidence.leaves import canonical, leaf_hash
from faitfoi.evidence.merkle import root
from faitfoi.evidence.tiles import WIDTH, complete_rows
from tests.evidence.conftest import ALICE, CHARLIE

MANY = 2 * WIDTH + 7


@dataclass(slots=True)
class Journal:
    """Two organisations' entries, the leaves, the tree's nodes and its head, as tables hold them."""

    lines: list[JournalLine]
    leaves: list[tuple[int, bytes]]
    tiles: dict[tuple[int, int], bytes]
    head: Head
    roots: dict[int, bytes] = field(default_factory=dict)

    def examine(self) -> list[Problem]:
        entries = Entries()
        for line in self.lines:
            entries.examine(line)
        tree = Tree(entries=entries, tiles=self.tiles)
        for size in tree.grow(self.leaves):
            self.roots[size] = tree.frontier.root()
        tree.close(self.head)
        found = [*entries.problems, *tree.problems]
        assert all(problem.sentence.endswith(".") for problem in found)
        return found

    def kinds(self) -> set[ProblemKind]:
        return {problem.kind for problem in self.examine()}


@pytest.fixture
def journal() -> Journal:
    lines: list[JournalLine] = []
    for index in range(MANY):
        organisation = (ALICE, CHARLIE)[index % 2]
        entry = canonical({"v": 1, "organisation": str(organisation), "type": "stored", "n": index})
        lines.append(JournalLine(index=index, entry=entry, leaf=leaf_hash(entry), organisation=organisation))
    leaves = [line.leaf for line in lines]
    rows = {(0, number): leaves[number * WIDTH : (number + 1) * WIDTH] for number in range(3)}
    tiles = {
        (level, position): node
        for level, position, node in complete_rows(0, MANY, lambda level, number: rows[level, number])
    }
    return Journal(
        lines=sorted(lines, key=lambda line: str(line.organisation)),  # one organisation after the other
        leaves=list(enumerate(leaves)),
        tiles=tiles,
        head=Head(size=MANY, root=root(leaves)),
    )


def test_a_sound_journal_is_sound_in_whatever_order_its_entries_come(journal: Journal) -> None:
    assert journal.examine() == []
    journal.lines.reverse()
    assert journal.examine() == []
    leaves = [leaf for _, leaf in journal.leaves]
    assert all(found == root(leaves[:size]) for size, found in list(journal.roots.items())[::37])


def test_what_an_entry_says_is_given_only_when_it_can_be_believed(journal: Journal) -> None:
    entries, line = Entries(), journal.lines[4]
    assert entries.examine(line)["n"] == line.index
    assert entries.examine(replace(line, entry=line.entry.replace(b",", b", "))) == {}


def test_an_entry_rewritten_in_the_database_is_named(journal: Journal) -> None:
    line = journal.lines[4]
    journal.lines[4] = replace(line, entry=line.entry.replace(b"stored", b"sto-ed"))
    (problem,) = journal.examine()
    assert (problem.kind, problem.object) == (ProblemKind.ENTRY_ALTERED, str(line.index))


def test_an_entry_rewritten_with_its_leaf_is_betrayed_by_the_root_and_its_tile(journal: Journal) -> None:
    line = journal.lines[4]
    entry = line.entry.replace(b"stored", b"sto-ed")
    journal.lines[4] = replace(line, entry=entry, leaf=leaf_hash(entry))
    journal.leaves[line.index] = (line.index, leaf_hash(entry))
    assert journal.kinds() == {ProblemKind.ROOT_DIFFERS, ProblemKind.TILE_DIFFERS}


def test_a_rewritten_root_is_betrayed(journal: Journal) -> None:
    journal.head = replace(journal.head, root=bytes(32))
    assert journal.kinds() == {ProblemKind.ROOT_DIFFERS}


@pytest.mark.parametrize("tile", [(1, 0), (1, 1)])
def test_a_rewritten_tile_is_named(journal: Journal, tile: tuple[int, int]) -> None:
    journal.tiles[tile] = bytes(32)
    (problem,) = journal.examine()
    assert (problem.kind, problem.object) == (ProblemKind.TILE_DIFFERS, f"{tile[0]}/{tile[1]}")


def test_a_tile_too_many_is_seen(journal: Journal) -> None:
    journal.tiles[1, 9] = bytes(32)
    assert journal.kinds() == {ProblemKind.TILE_DIFFERS}


def test_a_removed_entry_is_named(journal: Journal) -> None:
    gone = journal.lines.pop(4)
    (problem,) = journal.examine()
    assert (problem.kind, problem.object) == (ProblemKind.ENTRY_MISSING, str(gone.index))


def test_an_entry_removed_with_its_leaf_leaves_a_gap(journal: Journal) -> None:
    gone = journal.lines.pop(4)
    del journal.leaves[gone.index]
    assert journal.kinds() >= {ProblemKind.INDEX_GAP, ProblemKind.SIZE_DIFFERS, ProblemKind.ROOT_DIFFERS}


def test_a_cut_end_is_seen_against_the_head(journal: Journal) -> None:
    journal.leaves.pop()
    journal.lines = [line for line in journal.lines if line.index < len(journal.leaves)]
    assert journal.kinds() == {ProblemKind.SIZE_DIFFERS, ProblemKind.ROOT_DIFFERS}


def test_an_entry_without_a_leaf_is_seen(journal: Journal) -> None:
    journal.lines.append(replace(journal.lines[0], index=-1, leaf=b""))
    assert journal.kinds() == {ProblemKind.INDEX_GAP}


def test_an_entry_in_another_form_is_named(journal: Journal) -> None:
    entry = journal.lines[0].entry.replace(b",", b", ")
    journal.lines[0] = replace(journal.lines[0], entry=entry)
    assert journal.kinds() == {ProblemKind.ENTRY_NOT_CANONICAL, ProblemKind.ENTRY_ALTERED}


def test_an_entry_moved_to_another_organisation_is_named(journal: Journal) -> None:
    journal.lines[0] = replace(journal.lines[0], organisation=CHARLIE)
    assert journal.kinds() == {ProblemKind.ENTRY_OF_ANOTHER}


def test_an_empty_journal_is_sound() -> None:
    leaves: Iterable[tuple[int, bytes]] = []
    tree = Tree(entries=Entries(), tiles={})
    assert list(tree.grow(leaves)) == []
    tree.close(Head(size=0, root=root([])))
    assert tree.problems == []
