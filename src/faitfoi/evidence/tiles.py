"""The journal's tree by tiles (C2SP tlog-tiles): any root or proof from a few rows of 256 hashes.

Row `n` of level `l` holds the roots of the complete subtrees of 256ˡ entries, from the 256·n-th on; level 0 is the
leaves. A proof among a million entries reads three rows.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache

from faitfoi.evidence.merkle import EMPTY_ROOT, node_hash, root

WIDTH = 256
Row = Callable[[int, int], Sequence[bytes]]


class TiledTree:
    """A tree of `size` entries whose rows are fetched when needed: `row(level, n)` gives at most 256 hashes.

    A row may hold more than this size needs: what stands beyond is not looked at.
    """

    def __init__(self, size: int, row: Row) -> None:
        self.size = size
        self._row = cache(row)

    def root(self) -> bytes:
        """The RFC 6962 root of the first `size` entries."""
        return self._range(0, self.size) if self.size else EMPTY_ROOT

    def inclusion(self, index: int) -> list[bytes]:
        """The audit path of entry `index`, lowest neighbour first (RFC 6962 §2.1.1); IndexError outside the tree."""
        if not 0 <= index < self.size:
            raise IndexError(f"Entry {index} is not in a tree of {self.size}.")
        path, start, end = [], 0, self.size
        while end - start > 1:
            split = start + _half(end - start)
            if index < split:
                path.append(self._range(split, end))
                end = split
            else:
                path.append(self._range(start, split))
                start = split
        return path[::-1]

    def consistency(self, earlier: int) -> list[bytes]:
        """What shows that the first `earlier` entries only grew into this tree (RFC 6962 §2.1.2); else IndexError."""
        if not 0 <= earlier <= self.size:
            raise IndexError(f"A tree of {self.size} entries was never one of {earlier}.")
        if earlier in (0, self.size):
            return []
        path, start, end = [], 0, self.size
        whole = True  # the earlier tree is still a complete subtree of what is looked at
        while earlier != end:
            split = start + _half(end - start)
            if earlier <= split:
                path.append(self._range(split, end))
                end = split
            else:
                path.append(self._range(start, split))
                start, whole = split, False
        if not whole:
            path.append(self._range(start, end))
        return path[::-1]

    def _range(self, start: int, end: int) -> bytes:
        """The root of the entries from `start` to `end`, a subtree of RFC 6962's recursion."""
        count, level = end - start, 0
        while count > 1 and count % WIDTH == 0 and start % WIDTH == 0:
            start, count, level = start // WIDTH, count // WIDTH, level + 1
        if count & (count - 1) == 0:
            # A complete subtree that stands in one row.
            at = start % WIDTH
            hashes = self._row(level, start // WIDTH)[at : at + count]
            if len(hashes) != count:
                raise IndexError(f"Row {start // WIDTH} of level {level} has not the hashes {at} to {at + count - 1}.")
            return _folded(hashes)
        unit = WIDTH**level
        split = (start + _half(count)) * unit
        return node_hash(self._range(start * unit, split), self._range(split, end))


def complete_rows(before: int, after: int, row: Row) -> Iterator[tuple[int, int, bytes]]:
    """What growing from `before` to `after` entries adds above the leaves: (level, position, root of 256 below).

    Lower levels come first, and each is read through `row` after its own additions were yielded.
    """
    level = 1
    while after >> (8 * level):
        for position in range(before >> (8 * level), after >> (8 * level)):
            yield level, position, root(row(level - 1, position))
        level += 1


def _folded(hashes: Sequence[bytes]) -> bytes:
    """The root over a power of two of hashes: the same as `merkle.root`, without a peak carried for each."""
    while len(hashes) > 1:
        hashes = [node_hash(left, right) for left, right in zip(hashes[::2], hashes[1::2], strict=True)]
    return hashes[0]


def _half(count: int) -> int:
    return 1 << (count - 1).bit_length() - 1
