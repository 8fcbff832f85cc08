"""Has time-stamps renewed before they lose their worth, and writes evidence records (RFC 4998).

Two renewals: a token whose authority's certificate is about to expire is stamped itself (§5.2, time-stamp renewal);
when the hash algorithm is about to fall, each checkpoint and its whole record are hashed anew with another (hash-tree
renewal). One token covers the stamps of many checkpoints. What is kept is that token and the leaves of its tree: a
checkpoint's own record is computed when a dossier asks for it. A renewal by another algorithm than the chain's begins
its next chain.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from django.conf import settings
from django.utils import timezone

from faitfoi.evidence.ers import ArchiveTimeStamp, EvidenceRecord, Hash, HashTree, Leaf, leaf_of, renewal_leaf
from faitfoi.evidence.stamps import AuthoritySilent, StampRefused, ask_imprint, signer_of
from faitfoi.pipeline.stamping import trusted_roots
from faitfoi.records.models import Alarm, CheckpointStamp, StampRenewal

log = logging.getLogger(__name__)

FIRST = Hash.SHA512  # that of the stamps themselves: a chain has one algorithm (RFC 4998 §4.3)
MARGIN = timedelta(days=180)
"""How long before a certificate expires its tokens are renewed: time enough to find another authority."""

MOST = 10_000  # stamps under one token
CAUSE, HASH_CAUSE = "stamp_renewal", "stamp_hashing"


class HashUnknown(ValueError):
    """`FAITFOI_EVIDENCE_HASH` names no hash algorithm of ours; the message is a French sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewals:
    """What was renewed: tokens stamped themselves, and records hashed anew."""

    stamped: int
    hashed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    """A stamp to renew, its leaf in the new tree, and when its last token's certificate expires."""

    stamp: int
    leaf: Leaf
    until: datetime


def renew(*, margin: timedelta = MARGIN) -> Renewals:
    """Renew whatever wants it: what `FAITFOI_EVIDENCE_HASH` wants hashed anew, then what expires within `margin`.

    An authority that is down is asked again the next day; an alarm says so meanwhile. Raises HashUnknown.
    """
    wanted = wanted_hash()
    if not settings.FAITFOI_TSA:
        return Renewals(stamped=0, hashed=0)
    return Renewals(hashed=hash_again(wanted), stamped=renew_stamps(margin=margin))


def wanted_hash() -> Hash:
    """The algorithm that every record should have reached. Raises HashUnknown."""
    told = settings.FAITFOI_EVIDENCE_HASH.strip().lower().replace("-", "_")
    if told not in {Hash.SHA512.value, Hash.SHA3_512.value}:
        raise HashUnknown(f"FAITFOI_EVIDENCE_HASH vaut « {settings.FAITFOI_EVIDENCE_HASH} » : sha512 ou sha3-512.")
    return Hash(told)


def renew_stamps(*, margin: timedelta = MARGIN) -> int:
    """Renew every stamp whose last token's certificate expires within `margin`; returns how many were."""
    if not settings.FAITFOI_TSA:
        return 0
    before = timezone.now() + margin
    ledger = _Ledger()
    renewed = 0
    for algorithm in Hash:
        due = list(_expiring(ledger, before, algorithm))
        done = _all_renewed(due, algorithm, cause=CAUSE)
        renewed += done
        if done < len(due):
            return renewed
    Alarm.objects.filter(cause=CAUSE).delete()
    return renewed


def hash_again(wanted: Hash) -> int:
    """Have each checkpoint and its record hashed anew with `wanted`, where the last chain is of another; how many were.

    Stamps are made with SHA-512: nothing is done where that is still wanted.
    """
    if wanted is FIRST:
        return 0
    due = list(_outdated(_Ledger(), wanted))
    done = _all_renewed(due, wanted, cause=HASH_CAUSE)
    if done == len(due):
        Alarm.objects.filter(cause=HASH_CAUSE).delete()
    return done


def evidence_record(stamp: CheckpointStamp) -> bytes:
    """The evidence record of a checkpoint by one of its stamps: the stamp itself, then its renewals."""
    return _Ledger().record(stamp).dump()


class _Renewal:
    """A kept renewal: its tree is computed when a branch of it is asked for."""

    def __init__(self, row: StampRenewal) -> None:
        self.token = bytes(row.token)
        self.algorithm = Hash(row.algorithm)
        self.until = signer_of(self.token).until
        self._leaves = [tuple(bytes.fromhex(digest) for digest in each["leaf"]) for each in row.leaves]
        self.stamps = [int(each["stamp"]) for each in row.leaves]

    @cached_property
    def _tree(self) -> HashTree:
        return HashTree(self._leaves, self.algorithm)

    def stamp(self, place: int) -> ArchiveTimeStamp:
        """What it is in the record of the stamp at a place."""
        return ArchiveTimeStamp(algorithm=self.algorithm, branch=self._tree.branch(place), token=self.token)


class _Ledger:
    """Every renewal, read once, and which of them each stamp had."""

    def __init__(self) -> None:
        self._of_stamp: dict[int, list[tuple[_Renewal, int]]] = {}
        for row in StampRenewal.objects.order_by("id").iterator():
            renewal = _Renewal(row)
            for place, stamp in enumerate(renewal.stamps):
                self._of_stamp.setdefault(stamp, []).append((renewal, place))

    def record(self, stamp: CheckpointStamp) -> EvidenceRecord:
        """The record as it stands."""
        first = ArchiveTimeStamp(algorithm=FIRST, branch=(), token=bytes(stamp.token))
        record = EvidenceRecord(chains=((first,),))
        for renewal, place in self._of_stamp.get(stamp.pk, []):
            following = renewal.stamp(place)
            same = renewal.algorithm is record.chains[-1][0].algorithm
            record = record.with_new_stamp(following) if same else record.with_new_chain(following)
        return record

    def last(self, stamp: CheckpointStamp) -> tuple[Hash, list[bytes], datetime]:
        """The algorithm of the last chain, its tokens, and when the last one's certificate expires."""
        algorithm, tokens, until = FIRST, [bytes(stamp.token)], None
        for renewal, _ in self._of_stamp.get(stamp.pk, []):
            tokens = [*tokens, renewal.token] if renewal.algorithm is algorithm else [renewal.token]
            algorithm, until = renewal.algorithm, renewal.until
        return algorithm, tokens, until or signer_of(tokens[-1]).until

    def renewed(self, stamp: CheckpointStamp) -> bool:
        """Whether it had any renewal."""
        return stamp.pk in self._of_stamp


def _expiring(ledger: _Ledger, before: datetime, algorithm: Hash) -> Iterator[_Due]:
    for stamps in _by_authority():
        for stamp in stamps:
            last, tokens, until = ledger.last(stamp)
            if until < before and last is algorithm:
                yield _Due(stamp=stamp.pk, leaf=renewal_leaf(tokens, algorithm), until=until)
            elif until >= before and not ledger.renewed(stamp):
                break  # later stamps of this authority expire later


def _outdated(ledger: _Ledger, wanted: Hash) -> Iterator[_Due]:
    for stamps in _by_authority():
        for stamp in stamps:
            last, _, until = ledger.last(stamp)
            if last is not wanted:
                note = stamp.checkpoint.note.encode()
                yield _Due(stamp=stamp.pk, leaf=leaf_of([note], wanted, after=ledger.record(stamp)), until=until)


def _by_authority() -> Iterator[Iterator[CheckpointStamp]]:
    authorities = CheckpointStamp.objects.values_list("authority", flat=True).distinct().order_by("authority")
    for authority in list(authorities):
        stamps = CheckpointStamp.objects.filter(authority=authority).select_related("checkpoint")
        yield stamps.order_by("at", "id").iterator(chunk_size=500)


def _all_renewed(due: Sequence[_Due], algorithm: Hash, *, cause: str) -> int:
    """Renew them, so many under one token; returns how many were: fewer when no authority would."""
    for start in range(0, len(due), MOST):
        if not _renewed(due[start : start + MOST], algorithm, cause=cause):
            return start
    return len(due)


def _renewed(due: Sequence[_Due], algorithm: Hash, *, cause: str) -> bool:
    digest = HashTree([each.leaf for each in due], algorithm).root
    reasons = []
    for url in settings.FAITFOI_TSA.split():
        try:
            stamp = ask_imprint(digest, algorithm=algorithm, url=url, roots=trusted_roots(), now=timezone.now())
        except (AuthoritySilent, StampRefused) as error:
            reasons.append(str(error))
            continue
        # Hashed anew, a record may end with the same certificate: what ages is not the key.
        longer = signer_of(stamp.token).until - min(each.until for each in due)
        if longer < timedelta(0) or (cause == CAUSE and not longer):
            reasons.append(f"Le certificat de {url} n’expire pas après celui qu’il faut remplacer.")
            continue
        rows = [{"stamp": each.stamp, "leaf": [part.hex() for part in each.leaf]} for each in due]
        StampRenewal.objects.create(algorithm=algorithm, token=stamp.token, at=stamp.at, leaves=rows)
        return True
    log.warning("%s", " ".join(reasons))
    first = min(each.until for each in due)
    sentence = f"{len(due)} horodatages expirent à partir du {first:%d/%m/%Y} et n’ont pas pu être renouvelés. "
    if cause == HASH_CAUSE:
        sentence = f"{len(due)} preuves d’ancienneté n’ont pas pu être hachées de nouveau ({algorithm}). "
    Alarm.objects.update_or_create(cause=cause, defaults={"sentence": sentence + " ".join(reasons)})
    return False
