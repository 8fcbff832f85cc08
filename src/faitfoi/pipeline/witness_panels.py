"""Which witnesses were asked when: a checkpoint is judged by the keys in force then, not by today's alone.

A file beside the journal's key, as what the witnesses signed is: no restored database brings another history. A key
that was replaced vouches for nothing that came after.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from faitfoi.evidence.leaves import canonical
from faitfoi.evidence.note import NoteRefused, SignedNote, Verifier
from faitfoi.evidence.witness_held import write_whole
from faitfoi.pipeline.witnesses import journal_folder, known_witnesses, panel


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The witnesses that were asked from a size of the journal on, and how many had to sign."""

    start: int
    quorum: int
    keys: tuple[str, ...]


def note_panel(size: int) -> None:
    """Write down that today's witnesses are those of the checkpoint of that size, unless that is known."""
    present = panel()
    keys = tuple(sorted(member.verifier.vkey for member in present.members))
    told = _told()
    last = _in_force(told, size)
    if last is not None and (last.quorum, last.keys) == (present.quorum, keys):
        return
    fresh = Asked(start=size, quorum=present.quorum, keys=keys)
    lines = (canonical({"from": each.start, "keys": list(each.keys), "quorum": each.quorum}) for each in (*told, fresh))
    journal_folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(_file(), b"".join(line + b"\n" for line in lines))


def why_unwitnessed(note: SignedNote, size: int) -> str:
    """Why a checkpoint's cosignatures are not those of the witnesses in force at its size, in French; else empty.

    Where nothing was written down yet, any witness that ever signed for us is enough.
    """
    told = _told()
    # At the very size where the witnesses changed, a note may be of those before.
    at_once = (_in_force(told, size), _in_force(told, size - 1), *(each for each in told if each.start == size))
    asked = [each for each in dict.fromkeys(at_once) if each is not None]
    try:
        if not asked:
            known = dict.fromkeys((*(member.verifier for member in panel().members), *known_witnesses()))
            return "" if _signed(note, known) else "ne porte la signature d’aucun témoin connu d’ici"
        counts = [(_signed(note, map(Verifier.parse, each.keys)), each.quorum) for each in asked]
    except NoteRefused as error:
        return f"ne se vérifie pas ({error})"
    if any(count >= quorum for count, quorum in counts):
        return ""
    count, quorum = counts[0]
    return f"n’est signé que de {count} des témoins d’alors, et il en fallait {quorum}"


def _signed(note: SignedNote, verifiers: Iterable[Verifier]) -> int:
    return sum(note.verified_by(verifier) is not None for verifier in verifiers)


def _in_force(told: list[Asked], size: int) -> Asked | None:
    """The last that was written for that size or an earlier one: after a gap, sizes come a second time."""
    return next((each for each in reversed(told) if each.start <= size), None)


def _told() -> list[Asked]:
    try:
        lines = _file().read_text().splitlines()
    except FileNotFoundError:
        return []
    read = (json.loads(line) for line in lines)
    return [Asked(start=each["from"], quorum=each["quorum"], keys=tuple(each["keys"])) for each in read]


def _file() -> Path:
    return journal_folder() / "panels"
