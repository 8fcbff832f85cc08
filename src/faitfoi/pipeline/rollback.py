"""Is this database the one that outside memories know? Asked at start, each hour, before every chunk, after a switch.

What the witnesses signed is held in files: a database that went back is seen even while no witness answers. While it
is, everything can be read; nothing is numbered, issued or sent, and no stage moves. Only a governed restore ends that.
"""

import logging
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.models import Max
from django.utils import timezone

from faitfoi.accounts.tenancy import current_organisation
from faitfoi.evidence.checkpoint import Checkpoint as Statement
from faitfoi.evidence.merkle import EMPTY_ROOT
from faitfoi.evidence.tiles import TiledTree
from faitfoi.evidence.witness_held import write_whole
from faitfoi.pipeline.marking import last_marks, missing_numbers
from faitfoi.pipeline.witnesses import held, journal_folder, log_signer
from faitfoi.records.journal import row
from faitfoi.records.models import Alarm, Checkpoint, JournalHead

STOPPED = "rollback"
CLOCK = "clock"
TOLERANCE = timedelta(seconds=10)
"""How far our clock may step back (leap second, correction) before it counts as wrong."""
REMEDY = "Rien n’est numéroté ni envoyé avant la remise en état : « faitfoi restore request » (docs/restore.md)."

log = logging.getLogger(__name__)
_checked: set[str] = set()
"""The installations whose marks this process has held against the shelves."""


class JournalBehind(Exception):
    """Outside memories know more of this journal, or another one; the message is a French sentence."""


def head() -> Statement:
    """The journal's present head, as the tables say it."""
    latest = JournalHead.objects.order_by("-size").first()
    size, root = (latest.size, bytes(latest.root)) if latest else (0, EMPTY_ROOT)
    return Statement(origin=log_signer().name, size=size, root=root)


def root_of(size: int) -> bytes:
    """The root of the journal's first `size` entries, from its leaves. Raises JournalBehind when some are missing."""
    try:
        return TiledTree(size, row).root()
    except IndexError as error:
        raise JournalBehind(rewritten(size)) from error


def check_memory() -> None:
    """Hold the journal against the longest one that a witness has signed for us. Raises JournalBehind.

    Reads a few files and rows, and asks nobody.
    """
    furthest = held().furthest(log_signer().verifier)
    if furthest is not None:
        here = head()
        if furthest.size > here.size:
            raise JournalBehind(behind(seen=furthest.size, size=here.size))
        if (furthest.size, furthest.root) != (here.size, here.root) and root_of(furthest.size) != furthest.root:
            raise JournalBehind(rewritten(furthest.size))
    if _marks_due():
        check_marks()


def check_marks() -> None:
    """Hold the tables against the last marks on the shelves: numbers used are never given again. Raises JournalBehind.

    Costs a look at the shelves and a count of the numbers: made by each process when it starts and after a switch. It
    stays due when no shelf answers: nothing is numbered then, since the mirror must be written first.
    """
    if current_organisation() is not None:
        return  # other organisations cannot be counted from here: the next caller does
    try:
        kept = last_marks(log_signer().name)
    except OSError as error:
        log.warning("the marks on the shelves do not read: %s", error)
        return
    if kept is not None:
        if kept.size > (size := head().size):
            raise JournalBehind(behind(seen=kept.size, size=size, who="Les rayonnages gardent la marque de"))
        if missing := missing_numbers(kept.marks):
            raise JournalBehind(
                f"Des numéros de factures donnés manquent dans la base ({' ; '.join(missing[:5])}). {REMEDY}"
            )
    _marks_file().unlink(missing_ok=True)
    _checked.add(str(journal_folder()))


def _marks_due() -> bool:
    return str(journal_folder()) not in _checked or _marks_file().exists()


def _marks_file() -> Path:
    return journal_folder() / "marks-due"


def stopped() -> str:
    """Why nothing may be numbered, issued, sent or moved now, in French; empty when work may go on."""
    alarm = Alarm.objects.filter(cause=STOPPED).first()
    if alarm is not None:
        return alarm.sentence
    try:
        check_memory()
    except JournalBehind as error:
        return stop(error)
    return ""


def stop(error: JournalBehind) -> str:
    """Raise the alarm that stops all but reading, and return its sentence."""
    sentence = f"L’envoi est arrêté. {error}"
    log.warning("%s", sentence)
    Alarm.objects.update_or_create(cause=STOPPED, defaults={"sentence": sentence})
    return sentence


def note_database() -> bool:
    """Remember which database answers; whether it is another than last time: restored, moved, switched over.

    Told by the cluster's identifier and timeline, the database's own number, and a log position that went back.
    What had been announced as leaving is then in doubt (`pipeline.doubting`).
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT system_identifier FROM pg_control_system()), "
            "(SELECT timeline_id FROM pg_control_checkpoint()), "
            "(SELECT oid FROM pg_database WHERE datname = current_database()), "
            "(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END) - '0/0'"
        )
        *parts, position = cursor.fetchone()
    place = journal_folder() / "database"
    known = place.read_text().split() if place.exists() else []
    name = ":".join(str(part) for part in parts)
    switched = bool(known) and (known[0] != name or int(position) < int(known[1]))
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if switched:
        log.warning("the database is another one or went back (%s): it is held against what was seen", name)
        write_whole(doubt_file(), b"")
        write_whole(_marks_file(), b"")
    if not known or switched or int(position) > int(known[1]):
        write_whole(place, f"{name} {int(position)}\n".encode())
    return switched


def doubt_file() -> Path:
    """The mark that another database answers: until it is gone, what had been announced as leaving is in doubt."""
    return journal_folder() / "doubt"


def clock_holds() -> bool:
    """Whether our clock is not before the last checkpoint: if it is, an alarm says so, and nobody issues."""
    last = Checkpoint.objects.aggregate(Max("at"))["at__max"]
    now = timezone.now()
    if last is None or now >= last - TOLERANCE:
        Alarm.objects.filter(cause=CLOCK).delete()
        return True
    sentence = (
        f"L’horloge de cette machine dit {_told(now)} ; le journal en était déjà à {_told(last)}. Aucune facture n’est "
        "numérotée avant que l’heure soit remise : vérifiez la date et l’heure du système."
    )
    Alarm.objects.update_or_create(cause=CLOCK, defaults={"sentence": sentence})
    return False


def widest_drift() -> timedelta:
    """How far another's hour may be from ours before an alarm says so (`FAITFOI_CLOCK`, in seconds)."""
    return timedelta(seconds=float(settings.FAITFOI_CLOCK))


def behind(*, seen: int, size: int, who: str = "Le témoin a vu") -> str:
    """Say that the database went back."""
    return (
        f"{who} {seen} écritures du journal ; la base n’en a que {size}. Elle a été ramenée en arrière "
        f"(sauvegarde restaurée ?). {REMEDY}"
    )


def rewritten(seen: int) -> str:
    """Say that the journal is another one."""
    return (
        f"Les {seen} premières écritures du journal ne sont pas celles que le témoin a vues : le journal a été "
        f"réécrit. {REMEDY}"
    )


def _told(instant: object) -> str:
    return f"{instant:%d/%m/%Y %H:%M:%S} UTC"
