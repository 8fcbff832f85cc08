"""Has time-stamps stamped anew before their authority's certificate expires, and writes evidence records (RFC 4998).

One token covers the stamps of many checkpoints. What is kept is that token and the leaves of its tree: a checkpoint's
own record is computed when a dossier asks for it.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from faitfoi.evidence.ers import ArchiveTimeStamp, EvidenceRecord, Hash, Leaf, branch_of, renewal_leaf, root_of
from faitfoi.evidence.stamps import AuthoritySilent, StampRefused, ask_imprint, signer_of
from faitfoi.pipeline.stamping import trusted_roots
from faitfoi.records.models import Alarm, CheckpointStamp, StampRenewal

log = logging.getLogger(__name__)

ALGORITHM = Hash.SHA512  # that of the stamps themselves: a chain has one algorithm (RFC 4998 §4.3)
MARGIN = timedelta(days=180)
"""How long before a certificate expires its tokens are renewed: time enough to find another authority."""

MOST = 10_000  # stamps under one token
CAUSE = "stamp_renewal"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    stamp: int
    leaf: Leaf
    until: datetime


def renew_stamps(*, margin: timedelta = MARGIN) -> int:
    """Renew every stamp whose last token's certificate expires within `margin`; returns how many were.

    An authority that is down is asked again the next day; an alarm says so meanwhile.
    """
    if not settings.FAITFOI_TSA:
        return 0
    due = list(_due(timezone.now() + margin))
    for start in range(0, len(due), MOST):
        if not _renewed(due[start : start + MOST]):
            return start
    Alarm.objects.filter(cause=CAUSE).delete()
    return len(due)


def evidence_record(stamp: CheckpointStamp) -> bytes:
    """The evidence record of a checkpoint by one of its stamps: the stamp itself, then its renewals."""
    chain = [ArchiveTimeStamp(algorithm=ALGORITHM, branch=(), token=bytes(stamp.token))]
    for renewal in StampRenewal.objects.order_by("id"):
        leaves = [tuple(bytes.fromhex(digest) for digest in each["leaf"]) for each in renewal.leaves]
        places = [place for place, each in enumerate(renewal.leaves) if each["stamp"] == stamp.pk]
        for place in places:
            branch = branch_of(leaves, place, ALGORITHM)
            chain.append(ArchiveTimeStamp(algorithm=ALGORITHM, branch=branch, token=bytes(renewal.token)))
    return EvidenceRecord(chains=(tuple(chain),)).dump()


def _due(before: datetime) -> Iterator[_Due]:
    renewals = {renewal.pk: bytes(renewal.token) for renewal in StampRenewal.objects.order_by("id")}
    ends = {key: signer_of(token).until for key, token in renewals.items()}
    of_stamp: dict[int, list[int]] = {}
    for renewal in StampRenewal.objects.order_by("id"):
        for each in renewal.leaves:
            of_stamp.setdefault(each["stamp"], []).append(renewal.pk)
    authorities = CheckpointStamp.objects.values_list("authority", flat=True).distinct().order_by("authority")
    for authority in list(authorities):
        stamps = CheckpointStamp.objects.filter(authority=authority).order_by("at", "id")
        for stamp in stamps.iterator(chunk_size=500):
            covering = of_stamp.get(stamp.pk, [])
            token = bytes(stamp.token)
            until = ends[covering[-1]] if covering else signer_of(token).until
            if until < before:
                tokens = [token, *(renewals[key] for key in covering)]
                yield _Due(stamp=stamp.pk, leaf=renewal_leaf(tokens, ALGORITHM), until=until)
            elif not covering:
                break  # later stamps of this authority expire later


def _renewed(due: list[_Due]) -> bool:
    leaves = [each.leaf for each in due]
    digest = root_of(leaves, ALGORITHM)
    reasons = []
    for url in settings.FAITFOI_TSA.split():
        try:
            stamp = ask_imprint(digest, algorithm=ALGORITHM, url=url, roots=trusted_roots(), now=timezone.now())
        except (AuthoritySilent, StampRefused) as error:
            reasons.append(str(error))
            continue
        if signer_of(stamp.token).until <= min(each.until for each in due):
            reasons.append(f"Le certificat de {url} n’expire pas après celui qu’il faut remplacer.")
            continue
        rows = [{"stamp": each.stamp, "leaf": [part.hex() for part in each.leaf]} for each in due]
        StampRenewal.objects.create(algorithm=ALGORITHM, token=stamp.token, at=stamp.at, leaves=rows)
        return True
    log.warning("%s", " ".join(reasons))
    first = min(each.until for each in due)
    sentence = f"{len(due)} horodatages expirent à partir du {first:%d/%m/%Y} et n’ont pas pu être renouvelés. "
    Alarm.objects.update_or_create(cause=CAUSE, defaults={"sentence": sentence + " ".join(reasons)})
    return False
