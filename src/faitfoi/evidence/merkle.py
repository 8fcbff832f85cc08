"""RFC 6962 Merkle trees over leaf hashes: root, append-only frontier, and what verifies proofs (`tiles` makes them).

Every hash is 32 bytes of SHA-256; leaves are what `leaves.leaf_hash` gives.
"""

import hashlib
from collections.abc import Iterable, Sequence

EMPTY_ROOT = hashlib.sha256(b"").digest()
HASH_SIZE = 32
SIZE_BYTES = 8


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right): the inner node of RFC 6962 §2.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: enough to append and to know the root, in O(log n) memory.

    Equal to `root(leaves)` after the same leaves in the same order. `dump`/`load` carry it across a restart.
    """

    __slots__ = ("_peaks", "_size")

    def __init__(self) -> None:
        self._size = 0
        # Roots of the perfect subtrees, largest first: one for each bit set in the size.
        self._peaks: list[bytes] = []

    @property
    def size(self) -> int:
        """How many leaves have been appended."""
        return self._size

    def append(self, leaf: bytes) -> int:
        """Add one leaf hash (32 bytes, else `ValueError`) and return its index."""
        if len(leaf) != HASH_SIZE:
            raise ValueError(f"A leaf hash has {HASH_SIZE} bytes, this one has {len(leaf)}.")
        index = self._size
        carry, rest = leaf, index
        while rest & 1:
            carry = node_hash(self._peaks.pop(), carry)
            rest >>= 1
        self._peaks.append(carry)
        self._size += 1
        return index

    def root(self) -> bytes:
        """The tree head of all leaves so far; of none, SHA-256 of nothing."""
        return _fold(self._peaks)

    def dump(self) -> bytes:
        """The frontier as bytes: size on 8 bytes, big-endian, then the peaks, largest first."""
        return self._size.to_bytes(SIZE_BYTES, "big") + b"".join(self._peaks)

    @classmethod
    def load(cls, data: bytes) -> "Frontier":
        """The frontier that `dump` wrote; `ValueError` when the bytes cannot be one."""
        size = int.from_bytes(data[:SIZE_BYTES], "big")
        if len(data) != SIZE_BYTES + HASH_SIZE * size.bit_count():
            raise ValueError(f"These {len(data)} bytes are not a frontier of {size} leaves.")
        frontier = cls()
        frontier._size = size
        frontier._peaks = [data[at : at + HASH_SIZE] for at in range(SIZE_BYTES, len(data), HASH_SIZE)]
        return frontier


def root(leaves: Iterable[bytes]) -> bytes:
    """The Merkle tree hash of the leaf hashes, in order (RFC 6962 §2.1)."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


def verify_inclusion(leaf: bytes, *, index: int, size: int, proof: Sequence[bytes], head: bytes) -> bool:
    """True when the proof shows `leaf` at `index` in the tree of `size` leaves with root `head` (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size:
        return False
    position, last, running = index, size - 1, leaf
    for neighbour in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            running = node_hash(neighbour, running)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            running = node_hash(running, neighbour)
        position >>= 1
        last >>= 1
    return last == 0 and running == head


def verify_consistency(
    *, earlier: int, later: int, earlier_head: bytes, later_head: bytes, proof: Sequence[bytes]
) -> bool:
    """True when the proof shows the later tree to begin with the earlier one; both in leaves (RFC 9162 §2.1.4.2)."""
    if not 0 <= earlier <= later:
        return False
    if earlier == later:
        return not proof and earlier_head == later_head
    if earlier == 0:
        return not proof and earlier_head == EMPTY_ROOT
    path = list(proof)
    if earlier & (earlier - 1) == 0:
        path.insert(0, earlier_head)
    if not path:
        return False
    position, last = earlier - 1, later - 1
    while position & 1:
        position >>= 1
        last >>= 1
    old = new = path[0]
    for neighbour in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old, new = node_hash(neighbour, old), node_hash(neighbour, new)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            new = node_hash(new, neighbour)
        position >>= 1
        last >>= 1
    return last == 0 and old == earlier_head and new == later_head


def _fold(peaks: Sequence[bytes]) -> bytes:
    if not peaks:
        return EMPTY_ROOT
    running = peaks[-1]
    for peak in reversed(peaks[:-1]):
        running = node_hash(peak, running)
    return running
