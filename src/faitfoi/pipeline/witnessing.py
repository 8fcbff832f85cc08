"""Nothing leaves before its witnesses have seen it: the journal is numbered, signed, and cosigned by outside memories.

The comparison is made before every chunk of deliveries and of documents, so a restored backup or a rewritten journal
is seen before anything new is numbered or sent. The quorum tolerates silence, never contradiction: one witness that
remembers another journal stops everything.
"""

import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from faitfoi.evidence.checkpoint import Checkpoint as Statement
from faitfoi.evidence.note import NoteRefused, open_note, write_note
from faitfoi.evidence.tiles import TiledTree
from faitfoi.evidence.witness import SIZE_TYPE, Answer, request
from faitfoi.evidence.witness_held import HeldNote, read_held
from faitfoi.evidence.witness_wire import NearWitness, WitnessSilent
from faitfoi.pipeline.marking import keep_marks, line_of
from faitfoi.pipeline.mirroring import MirrorDiffers, MirrorSilent, mirror
from faitfoi.pipeline.rollback import (
    REMEDY,
    STOPPED,
    JournalBehind,
    behind,
    check_memory,
    clock_holds,
    head,
    note_database,
    rewritten,
    stop,
    widest_drift,
)
from faitfoi.pipeline.witness_panels import note_panel
from faitfoi.pipeline.witnesses import (
    Member,
    WitnessesMisnamed,
    forget_keys,
    has_far_witness,
    held,
    log_signer,
    panel,
    protection,
    remember,
    witness_key,
    witnesses_of,
)
from faitfoi.records.journal import row, sequence
from faitfoi.records.models import Alarm, Checkpoint

__all__ = [
    "JournalBehind",
    "forget_keys",
    "has_far_witness",
    "log_signer",
    "may_number",
    "may_send",
    "protection",
    "witness_key",
    "witnessed",
    "witnesses_of",
]  # fmt: skip

MOST_ROUNDS = 5
SILENT = "witness"
WAITING = "Ce qui devait partir attend, et partira dès que les témoins auront signé."
ENOUGH = "Les autres témoins suffisent (FAITFOI_WITNESS_QUORUM) : les envois continuent."

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class _Round:
    """What the witnesses said about one head: signature lines by name, and sentences of those that have not signed."""

    statement: Statement
    line: str
    marks: str
    cosigned: dict[str, tuple[Member, str, int]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    outdated: bool = False


def may_send() -> bool:
    """Whether all that is committed has been witnessed, so that deliveries may leave; if not, an alarm says why."""
    return _settled() is None


def may_number() -> bool:
    """Whether new numbers may be burnt: unless the journal is not the witnesses' one, or our clock has gone back."""
    return not isinstance(_settled(), JournalBehind) and clock_holds()


def _settled() -> JournalBehind | WitnessSilent | None:
    try:
        witnessed()
    except JournalBehind as error:
        stop(error)
        return error
    except WitnessSilent as error:
        log.warning("%s", error)
        _alarm(SILENT, f"L’envoi est arrêté. {error}")
        return error
    Alarm.objects.filter(cause=SILENT).delete()
    return None


def witnessed() -> int:
    """Have all that is committed numbered, signed and cosigned; returns the size that the witnesses have now seen.

    Raises JournalBehind when the journal is not the one that a witness remembers, WitnessSilent when too few of them
    can be asked: what needs a witness then waits.
    """
    try:
        members, quorum = panel().members, panel().quorum
    except WitnessesMisnamed as error:
        raise WitnessSilent(f"{error} {WAITING}") from error
    note_database()
    check_memory()  # before anything is numbered on a journal that is not ours any more
    while sequence(wait=True):
        pass
    known = {member.verifier.name: _held(member) for member in members}
    seen = {name: note.checkpoint.size if note else 0 for name, note in known.items()}
    for _ in range(MOST_ROUNDS):
        current = _consult(members, known, seen)
        if current.outdated:
            continue
        if len(current.cosigned) < quorum:
            raise WitnessSilent(f"{' '.join(current.missing.values())} {WAITING}")
        _tell_missing(members, current.missing)
        Alarm.objects.filter(cause=STOPPED).delete()
        return _keep(current)
    raise WitnessSilent("Le témoin répond à d’autres plus vite qu’à nous : les envois reprendront dans un instant.")


def _held(member: Member) -> HeldNote | None:
    """The last note we hold with a witness's signature: in its file, else in the tables."""
    log_key = log_signer().verifier
    found = held().last(member.verifier, log=log_key)
    if found is not None:
        return found
    signed = Checkpoint.objects.filter(note__contains=f"\n— {member.verifier.name} ").order_by("-size").first()
    try:
        return read_held(signed.note.encode(), log=log_key, witness=member.verifier) if signed else None
    except NoteRefused:
        return None  # a former key of the same name: another witness


def _consult(members: tuple[Member, ...], known: Mapping[str, HeldNote | None], seen: dict[str, int]) -> _Round:
    """Ask every witness about the present head, all at once. Raises JournalBehind."""
    statement = head()
    marks = _show_nothing_unmirrored(statement)
    if marks:
        statement = replace(statement, extensions=(line_of(marks),))
    at = timezone.now()
    current = _Round(statement=statement, line=log_signer().line(statement.text, at=at), marks=marks)
    note = write_note(statement.text, [current.line])
    tree = TiledTree(statement.size, row)
    bodies = {}
    for name, size in seen.items():
        old = min(size, statement.size)
        try:
            bodies[name] = request(old=old, proof=tree.consistency(old), checkpoint=note)
        except IndexError as error:
            raise JournalBehind(rewritten(old)) from error
    for member, answer in zip(members, _ask_all(members, bodies, at=at), strict=True):
        name = member.verifier.name
        if isinstance(answer, WitnessSilent):
            current.missing[name] = str(answer)
        elif answer.status == 200:
            _take(current, member, answer, asked_at=at)
        elif answer.status == 409 and answer.content_type == SIZE_TYPE:
            _resize(current, name, answer, known=known[name], seen=seen)
        elif answer.status in {409, 422}:
            raise JournalBehind(rewritten(seen[name]))
        else:
            said = answer.body.decode(errors="replace")[:200]
            current.missing[name] = f"Le témoin « {name} » refuse de signer (HTTP {answer.status}) : {said}"
    return current


def _show_nothing_unmirrored(statement: Statement) -> str:
    """Have what the witnesses are about to see on the shelves first: what they remember can then be brought back.

    Returns the name of what says the numbers used up to there.
    """
    try:
        mirror(size=statement.size)
        return keep_marks(size=statement.size, origin=statement.origin)
    except MirrorDiffers as error:
        raise JournalBehind(f"{error} {REMEDY}") from error
    except MirrorSilent as error:
        raise WitnessSilent(f"{error} {WAITING}") from error


def _ask_all(members: tuple[Member, ...], bodies: Mapping[str, bytes], *, at: datetime) -> list[Answer | WitnessSilent]:
    def ask(member: Member) -> Answer | WitnessSilent:
        try:
            return member.door.ask(bodies[member.verifier.name], at=at)
        except WitnessSilent as error:
            return error

    if len(members) == 1:
        return [ask(members[0])]
    with ThreadPoolExecutor(max_workers=len(members)) as pool:
        return list(pool.map(ask, members))


def _resize(current: _Round, name: str, answer: Answer, *, known: HeldNote | None, seen: dict[str, int]) -> None:
    """Learn the size that a witness says it last saw. Raises JournalBehind when we do not have that many."""
    try:
        said = int(answer.body)
    except ValueError:
        current.missing[name] = f"Le témoin « {name} » n’a pas dit la taille qu’il a vue."
        return
    signed = known.checkpoint.size if known else 0
    if said < signed:
        current.missing[name] = (
            f"Le témoin « {name} » a perdu sa mémoire : il dit avoir vu {said} écritures, et nous gardons sa signature "
            f"sur {signed}. Un témoin qui a oublié ne protège plus : donnez-lui un nouveau nom et une nouvelle clé "
            "(docs/witness.md)."
        )
        return
    # Read after the answer: another worker may have had a longer journal cosigned meanwhile.
    if said > (size := head().size):
        raise JournalBehind(behind(seen=said, size=size))
    seen[name] = said
    current.outdated = True


def _take(current: _Round, member: Member, answer: Answer, *, asked_at: datetime) -> None:
    """Keep a witness's own line; what others signed in its answer is left out."""
    name = member.verifier.name
    try:
        note = open_note(write_note(current.statement.text, [current.line]) + answer.body)
        seconds = note.verified_by(member.verifier)
    except NoteRefused as error:
        current.missing[name] = f"La réponse du témoin « {name} » ne se vérifie pas : {error}"
        return
    if seconds is None:
        current.missing[name] = f"La réponse n’est pas signée de la clé du témoin ({name})."
        return
    ours = [each for each in answer.body.decode().splitlines(keepends=True) if each.startswith(f"— {name} ")]
    current.cosigned[name] = (member, ours[0], seconds)
    if not isinstance(member.door, NearWitness):
        _compare_clocks(name, seconds, asked_at)


def _compare_clocks(name: str, seconds: int, asked_at: datetime) -> None:
    """Raise an alarm when a witness's hour is not ours: one of the two clocks is wrong."""
    theirs, now, drift = datetime.fromtimestamp(seconds, tz=UTC), timezone.now(), widest_drift()
    cause = f"clock:{name}"[:40]
    if asked_at - drift - timedelta(seconds=1) <= theirs <= now + drift:
        Alarm.objects.filter(cause=cause).delete()
        return
    _alarm(
        cause,
        f"Le témoin « {name} » donne {theirs:%d/%m/%Y %H:%M:%S} UTC alors qu’il est ici "
        f"{now.astimezone(UTC):%d/%m/%Y %H:%M:%S} UTC. L’une des deux horloges se trompe : vérifiez celle-ci.",
    )


def _tell_missing(members: tuple[Member, ...], missing: Mapping[str, str]) -> None:
    for member in members:
        name = member.verifier.name
        cause = f"witness:{name}"[:40]
        if name in missing:
            _alarm(cause, f"{missing[name]} {ENOUGH}")
        else:
            Alarm.objects.filter(cause=cause).delete()


def _keep(current: _Round) -> int:
    """Keep the note with every signature: with each witness's held files first, then in the tables."""
    lines = [line for _, line, _ in current.cosigned.values()]
    note = write_note(current.statement.text, [current.line, *lines])
    size = current.statement.size
    if not size:
        return 0
    for member, _, _ in current.cosigned.values():
        remember(member.verifier)
        held().keep(note, log=log_signer().verifier, witness=member.verifier)
    note_panel(size)
    fresh = {"note": note.decode(), "marks": current.marks}
    # The first note of a size stays: stamps cover its bytes, and the table only grows.
    Checkpoint.objects.get_or_create(size=size, defaults={**fresh, "at": _hour(current)})
    return size


def _hour(current: _Round) -> datetime:
    """The hour of a checkpoint: ours, unless a witness's is earlier, and never before the last one's.

    So a clock that was ahead for a while does not forbid to issue until that hour comes.
    """
    now = timezone.now()
    earliest = min([now, *(datetime.fromtimestamp(seconds + 1, tz=UTC) for _, _, seconds in current.cosigned.values())])
    last = Checkpoint.objects.order_by("-size").first()
    return max(earliest, last.at) if last else earliest


def _alarm(cause: str, sentence: str) -> None:
    Alarm.objects.update_or_create(cause=cause, defaults={"sentence": sentence})
