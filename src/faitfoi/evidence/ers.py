"""Evidence records (RFC 4998): what keeps a proof of time alive when keys expire and hash algorithms age.

A record vouches for a group of data objects. Its first archive time-stamp covers a hash tree of many groups, of which
the record keeps only its own branch. Before the authority's certificate expires, the token itself is stamped
(`time-stamp renewal`); before the hash algorithm falls, objects and record are hashed anew (`hash-tree renewal`).
Everything is computed from the objects, the leaves of each tree and its token: nothing else need be kept.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from faitfoi.evidence import der
from faitfoi.evidence.der import NotDer
from faitfoi.evidence.stamps import IMPRINTS

_ALGORITHM, _TREE = 0xA0, 0xA2  # [0] and [2], implicit
_VERSION_1 = der.integer(1)


class Hash(StrEnum):
    """A hash algorithm that records may be built with, the weakest first; SHA3-512 is of another family (FIPS 202)."""

    SHA256 = "sha256"
    SHA384 = "sha384"
    SHA512 = "sha512"
    SHA3_512 = "sha3_512"

    def of(self, *parts: bytes) -> bytes:
        """The digest of the parts, one after the other."""
        digest = hashlib.new(self.value)
        for part in parts:
            digest.update(part)
        return digest.digest()


_ENCODED = {name: der.encode(der.SEQUENCE, der.oid(IMPRINTS[name])) for name in Hash}

Leaf = tuple[bytes, ...]
"""The digests of one group, in ascending order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveTimeStamp:
    """A token (DER of an RFC 3161 token) over the root of a hash tree, and the branch that leads there.

    The first list of `branch` has the digests of the group, each other one those that join it further up; without a
    branch, the token stamps the only digest itself.
    """

    algorithm: Hash
    branch: tuple[Leaf, ...]
    token: bytes = field(repr=False)

    def dump(self) -> bytes:
        """Its DER."""
        lists = (
            der.encode(der.SEQUENCE, *(der.encode(der.OCTET_STRING, digest) for digest in each)) for each in self.branch
        )
        algorithm = der.encode(_ALGORITHM, der.contents(_ENCODED[self.algorithm], der.SEQUENCE))
        branch = der.encode(_TREE, *lists) if self.branch else b""
        return der.encode(der.SEQUENCE, algorithm, branch, self.token)


Chain = tuple[ArchiveTimeStamp, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRecord:
    """Chains of archive time-stamps: one chain for each hash algorithm, one time-stamp for each renewal in it."""

    chains: tuple[Chain, ...]

    @property
    def sequence(self) -> bytes:
        """The DER of the chains (ArchiveTimeStampSequence), which a hash-tree renewal covers."""
        chains = (der.encode(der.SEQUENCE, *(each.dump() for each in chain)) for chain in self.chains)
        return der.encode(der.SEQUENCE, *chains)

    def dump(self) -> bytes:
        """The record's DER, as the file `evidence.ers` holds it."""
        used = dict.fromkeys(chain[0].algorithm for chain in self.chains)
        algorithms = der.encode(der.SEQUENCE, *(_ENCODED[algorithm] for algorithm in used))
        return der.encode(der.SEQUENCE, _VERSION_1, algorithms, self.sequence)

    @classmethod
    def parse(cls, data: bytes) -> "EvidenceRecord":
        """The record that `data` writes, not verified yet; NotDer unless writing it again gives the same bytes."""
        fields = list(der.children(der.contents(data, der.SEQUENCE)))
        if len(fields) != 3:
            raise NotDer("An evidence record has a version, its algorithms and its chains.")
        chains = der.children(der.contents(fields[2], der.SEQUENCE))
        record = cls(chains=tuple(_chain(each) for each in chains))
        if not record.chains or record.dump() != data:
            raise NotDer("The evidence record is not written as DER wants it, or says more than we read.")
        return record

    def with_new_stamp(self, stamp: ArchiveTimeStamp) -> "EvidenceRecord":
        """The record after a time-stamp renewal."""
        return EvidenceRecord(chains=(*self.chains[:-1], (*self.chains[-1], stamp)))

    def with_new_chain(self, stamp: ArchiveTimeStamp) -> "EvidenceRecord":
        """The record after a hash-tree renewal."""
        return EvidenceRecord(chains=(*self.chains, (stamp,)))


def leaf_of(objects: Iterable[bytes], algorithm: Hash, *, after: EvidenceRecord | None = None) -> Leaf:
    """The leaf of a group of objects; `after` a record, the one that a hash-tree renewal of it stamps (§5.2)."""
    digests = (algorithm.of(content) for content in objects)
    if after is not None:
        chains = algorithm.of(after.sequence)
        digests = (algorithm.of(digest, chains) for digest in digests)
    return tuple(sorted(set(digests)))


def renewal_leaf(tokens: Iterable[bytes], algorithm: Hash) -> Leaf:
    """The leaf that a time-stamp renewal stamps: all tokens of the chain so far (§5.2 wants the last at least)."""
    return tuple(sorted(algorithm.of(token) for token in tokens))


class HashTree:
    """The hash tree over some leaves (ValueError without any), computed once for all its branches."""

    def __init__(self, leaves: Sequence[Leaf], algorithm: Hash) -> None:
        self._leaves = leaves
        self._levels = _levels(leaves, algorithm)

    @property
    def root(self) -> bytes:
        """What a time-stamp is asked for."""
        return self._levels[-1][0]

    def branch(self, place: int) -> tuple[Leaf, ...]:
        """The reduced hash tree (§4.2) of the leaf at `place`."""
        branch = [self._leaves[place]]
        for level in self._levels[:-1]:
            neighbour = place ^ 1
            if neighbour < len(level):
                branch.append((level[neighbour],))
            place >>= 1
        # A list of one digest would be hashed by some readers and not by others: it joins the one above.
        if len(branch[0]) == 1:
            branch[:2] = [tuple(sorted(each for part in branch[:2] for each in part))]
        return () if len(branch) == 1 and len(branch[0]) == 1 else tuple(branch)


def root_of(leaves: Sequence[Leaf], algorithm: Hash) -> bytes:
    """The root of the hash tree over the leaves: what a time-stamp is asked for. ValueError without any."""
    return HashTree(leaves, algorithm).root


def branch_of(leaves: Sequence[Leaf], place: int, algorithm: Hash) -> tuple[Leaf, ...]:
    """The reduced hash tree (§4.2) of the leaf at `place`."""
    return HashTree(leaves, algorithm).branch(place)


def climb(branch: Sequence[Leaf], algorithm: Hash) -> bytes:
    """The root to which a branch leads (§4.3)."""
    running: tuple[bytes, ...] = ()
    for digests in branch:
        running = (algorithm.of(*sorted((*digests, *running))),)
    return running[0]


def _levels(leaves: Sequence[Leaf], algorithm: Hash) -> list[list[bytes]]:
    """The nodes from the leaves up; an odd last one goes up as it is."""
    if not leaves:
        raise ValueError("A hash tree needs a leaf.")
    levels = [[leaf[0] if len(leaf) == 1 else algorithm.of(*leaf) for leaf in leaves]]
    while len(levels[-1]) > 1:
        below = levels[-1]
        pairs = (sorted(below[at : at + 2]) for at in range(0, len(below), 2))
        levels.append([pair[0] if len(pair) == 1 else algorithm.of(*pair) for pair in pairs])
    return levels


def _chain(data: bytes) -> Chain:
    stamps = tuple(_stamp(each) for each in der.children(der.contents(data, der.SEQUENCE)))
    if not stamps or len({stamp.algorithm for stamp in stamps}) > 1:
        raise NotDer("A chain of an evidence record has time-stamps, all of one algorithm.")
    return stamps


def _stamp(data: bytes) -> ArchiveTimeStamp:
    fields = list(der.children(der.contents(data, der.SEQUENCE)))
    written = der.encode(der.SEQUENCE, der.contents(fields[0], _ALGORITHM)) if fields else b""
    algorithm = next((name for name, encoded in _ENCODED.items() if encoded == written), None)
    if algorithm is None or len(fields) not in {2, 3}:
        raise NotDer("An archive time-stamp of an unknown form or algorithm.")
    branch: tuple[Leaf, ...] = ()
    if len(fields) == 3:
        lists = der.children(der.contents(fields[1], _TREE))
        branch = tuple(
            tuple(der.contents(digest, der.OCTET_STRING) for digest in der.children(der.contents(each, der.SEQUENCE)))
            for each in lists
        )
        if not branch or any(list(each) != sorted(each) or not each for each in branch):
            raise NotDer("A branch of an evidence record has lists of digests, in ascending order.")
    return ArchiveTimeStamp(algorithm=algorithm, branch=branch, token=fields[-1])
