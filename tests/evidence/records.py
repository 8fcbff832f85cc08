"""Evidence records that aged: stamped, renewed twice by time-stamp, then by a new hash tree."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509

from faitfoi.evidence.ers import ArchiveTimeStamp, EvidenceRecord, Hash, branch_of, leaf_of, renewal_leaf, root_of
from tests.evidence.past_tsa import PastAuthority

START = datetime(2027, 1, 4, 12, tzinfo=UTC)
YEARS = timedelta(days=365)
GROUPS = [{f"facture-{n}.pdf": f"facture {n}".encode(), f"entry-{n}.json": b"{%d}" % n} for n in range(21)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aged:
    """The records of every group at four ages, and the roots that its tokens lead to."""

    first: list[EvidenceRecord]
    stamped_again: list[EvidenceRecord]
    stamped_twice: list[EvidenceRecord]
    hashed_again: list[EvidenceRecord]
    roots: list[x509.Certificate]


def grow() -> Aged:
    """As a service would, with one token for all at each age."""
    authorities = [PastAuthority(START + 4 * n * YEARS - timedelta(days=1)) for n in range(4)]
    first = first_records([list(group.values()) for group in GROUPS], authorities[0], at=START)
    again = renewed(first, authorities[1], at=START + 4 * YEARS)
    twice = renewed(again, authorities[2], at=START + 8 * YEARS)
    hashed = hashed_again(twice, [list(group.values()) for group in GROUPS], authorities[3], at=START + 12 * YEARS)
    return Aged(
        first=first,
        stamped_again=again,
        stamped_twice=twice,
        hashed_again=hashed,
        roots=[authority.root for authority in authorities],
    )


def first_records(groups: list[list[bytes]], authority: PastAuthority, *, at: datetime) -> list[EvidenceRecord]:
    leaves = [leaf_of(group, Hash.SHA256) for group in groups]
    token = authority.stamp(root_of(leaves, Hash.SHA256), algorithm="sha256", at=at)
    return [EvidenceRecord(chains=((_stamp(leaves, place, token, Hash.SHA256),),)) for place in range(len(groups))]


def renewed(records: list[EvidenceRecord], authority: PastAuthority, *, at: datetime) -> list[EvidenceRecord]:
    tokens = [tuple(stamp.token for stamp in record.chains[-1]) for record in records]
    groups = [*dict.fromkeys(tokens), (b"another round's token",), (b"and a third",)]
    leaves = [renewal_leaf(group, Hash.SHA256) for group in groups]
    token = authority.stamp(root_of(leaves, Hash.SHA256), algorithm="sha256", at=at)
    return [
        record.with_new_stamp(_stamp(leaves, groups.index(held), token, Hash.SHA256))
        for record, held in zip(records, tokens, strict=True)
    ]


def hashed_again(
    records: list[EvidenceRecord], groups: list[list[bytes]], authority: PastAuthority, *, at: datetime
) -> list[EvidenceRecord]:
    leaves = [leaf_of(group, Hash.SHA512, after=record) for group, record in zip(groups, records, strict=True)]
    token = authority.stamp(root_of(leaves, Hash.SHA512), algorithm="sha512", at=at)
    return [record.with_new_chain(_stamp(leaves, place, token, Hash.SHA512)) for place, record in enumerate(records)]


def _stamp(leaves: list[tuple[bytes, ...]], place: int, token: bytes, algorithm: Hash) -> ArchiveTimeStamp:
    return ArchiveTimeStamp(algorithm=algorithm, branch=branch_of(leaves, place, algorithm), token=token)
