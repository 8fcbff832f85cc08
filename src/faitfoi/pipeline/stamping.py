"""Has the journal's checkpoints time-stamped, at most one a minute and authority; never holds anything up."""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from django.conf import settings
from django.utils import timezone

from faitfoi.evidence.stamps import PATIENCE, AuthoritySilent, ClockDiffers, StampRefused, ask_stamp, load_roots
from faitfoi.pipeline.rollback import widest_drift
from faitfoi.records.models import Alarm, Checkpoint, CheckpointStamp

log = logging.getLogger(__name__)

WORRYING = timedelta(minutes=10)


def stamp_last_checkpoint() -> int:
    """Have each authority stamp the last checkpoint unless it has; returns how many stamps were kept.

    An authority that is down or lies stops nothing: the same checkpoint, or a later one, is asked for next time; after
    ten minutes without a stamp an alarm says so.
    """
    checkpoint = Checkpoint.objects.order_by("-size").first()
    if checkpoint is None:
        return 0
    return sum(_stamp(checkpoint, url) for url in settings.FAITFOI_TSA.split())


def trusted_roots() -> tuple[x509.Certificate, ...]:
    """The roots that stamps must lead to. Raises StampRefused when the setting names no such file."""
    try:
        return load_roots(roots_file())
    except OSError as error:
        raise StampRefused(
            f"Le fichier des racines d’horodatage (FAITFOI_TSA_ROOTS) ne se lit pas : {error.strerror}."
        ) from error


def roots_file() -> bytes:
    """The PEM of those roots. Raises OSError."""
    return Path(settings.FAITFOI_TSA_ROOTS).read_bytes()


def _stamp(checkpoint: Checkpoint, url: str) -> int:
    authority = urlsplit(url).netloc[:255]
    if CheckpointStamp.objects.filter(checkpoint=checkpoint, authority=authority).exists():
        return 0
    cause = f"stamp:{authority}"[:40]
    asked_at = timezone.now()
    try:
        stamp = ask_stamp(checkpoint.note.encode(), url=url, roots=trusted_roots(), now=asked_at, timeout=PATIENCE)
    except (AuthoritySilent, StampRefused) as error:
        log.warning("%s", error)
        if isinstance(error, ClockDiffers):
            _compare_clocks(authority, error.at, asked_at)
        if checkpoint.at < timezone.now() - WORRYING:
            sentence = f"{error} Les factures partent ; leur preuve d’heure attend."
            Alarm.objects.update_or_create(cause=cause, defaults={"sentence": sentence})
        return 0
    CheckpointStamp.objects.get_or_create(
        checkpoint=checkpoint, authority=authority, defaults={"token": stamp.token, "at": stamp.at}
    )
    Alarm.objects.filter(cause=cause).delete()
    _compare_clocks(authority, stamp.at, asked_at)
    return 1


def _compare_clocks(authority: str, theirs: datetime, asked_at: datetime) -> None:
    """Raise an alarm when the authority's hour is not ours, by more than `FAITFOI_CLOCK` seconds."""
    cause = f"clock:{authority}"[:40]
    now, drift = timezone.now(), widest_drift()
    if asked_at - drift - timedelta(seconds=1) <= theirs <= now + drift:
        Alarm.objects.filter(cause=cause).delete()
        return
    sentence = (
        f"L’autorité d’horodatage {authority} donne {theirs:%d/%m/%Y %H:%M:%S} UTC alors qu’il est ici "
        f"{now.astimezone(UTC):%d/%m/%Y %H:%M:%S} UTC. L’une des deux horloges se trompe : vérifiez celle-ci."
    )
    Alarm.objects.update_or_create(cause=cause, defaults={"sentence": sentence})
