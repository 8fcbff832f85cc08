"""Has the journal's checkpoints time-stamped, at most one a minute and authority; never holds anything up."""

import logging
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from django.conf import settings
from django.utils import timezone

from faitfoi.evidence.stamps import AuthoritySilent, StampRefused, ask_stamp, load_roots
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
    try:
        stamp = ask_stamp(checkpoint.note.encode(), url=url, roots=trusted_roots(), now=timezone.now())
    except (AuthoritySilent, StampRefused) as error:
        log.warning("%s", error)
        if checkpoint.at < timezone.now() - WORRYING:
            sentence = f"{error} Les factures partent ; leur preuve d’heure attend."
            Alarm.objects.update_or_create(cause=cause, defaults={"sentence": sentence})
        return 0
    CheckpointStamp.objects.get_or_create(
        checkpoint=checkpoint, authority=authority, defaults={"token": stamp.token, "at": stamp.at}
    )
    Alarm.objects.filter(cause=cause).delete()
    return 1
