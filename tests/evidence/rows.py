"""The rows of a tree as a journal keeps them."""

from collections.abc import Sequence

from faitfoi.evidence.tiles import WIDTH, TiledTree, complete_rows


class Rows:
    """Rows over some leaves, grown in steps; counts what is read."""

    def __init__(self, leaves: Sequence[bytes], *steps: int) -> None:
        self.leaves = leaves
        self.above: dict[int, list[bytes]] = {}
        self.read = 0
        before = 0
        for after in steps or (len(leaves),):
            for level, position, node in complete_rows(before, after, self.row):
                assert len(self.above.setdefault(level, [])) == position
                self.above[level].append(node)
            before = after
        self.read = 0

    def row(self, level: int, number: int) -> Sequence[bytes]:
        """At most 256 hashes of a level."""
        self.read += 1
        known = self.above.get(level, []) if level else self.leaves
        return known[number * WIDTH : (number + 1) * WIDTH]


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The audit path of one of these leaves."""
    return TiledTree(len(leaves), Rows(leaves).row).inclusion(index)


def consistency_proof(leaves: Sequence[bytes], earlier: int) -> list[bytes]:
    """What shows that the first `earlier` of these leaves only grew into all of them."""
    return TiledTree(len(leaves), Rows(leaves).row).consistency(earlier)
