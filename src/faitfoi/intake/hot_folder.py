"""Take files from a watched folder, each exactly once, whole, and answer beside it.

    folder/            people and programs drop files here, best under another name (.part, .tmp) and then renamed
    folder/en-cours/   claimed: being handled, or left by a stop in the middle (`recover` finds them)
    folder/faits/      handled, with a sentence beside each in a .txt
    folder/refuses/    refused, with the reason and the remedy in a .txt

A file is ready when its size, its date and its SHA-256 are the same at two scans at least `REST` apart. A step is one
rename inside the folder, so a stop at any moment leaves each file in exactly one place. No clock, no thread: the caller
scans when it likes and says what time it is.
"""

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from faitfoi.intake.caps import MAX_BATCH_FILES, MAX_FILE_BYTES, CannotRead, TooMuch, check_file

REST = timedelta(seconds=2)
EMPTY_REST = timedelta(minutes=5)
"""An empty file is mostly one whose content is on its way."""
IN_HAND, DONE, REFUSED = "en-cours", "faits", "refuses"
_UNFINISHED = (".part", ".partial", ".tmp", ".temp", ".crdownload", ".filepart", "~")
_NOT_OURS = {"thumbs.db", "desktop.ini"}
_MARK = 16  # hexadecimal digits of the SHA-256 in a claimed file's name
_LONGEST_NAME = 255 - _MARK - len("-.txt.tmp") - 1


class Outcome(StrEnum):
    """How the handling of a file ended: also the name of the sub-folder it goes to."""

    DONE = DONE
    REFUSED = REFUSED


class FolderUnusable(Exception):
    """The watched folder is not there or not ours to write in; its text is a French sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyFile:
    """A file that has come to rest. `refusal` is a French sentence when it will not be taken in, whatever it holds.

    `sha256` is that of its content, empty when too big or unreadable; `same_as` names the file of the same scan with
    the same content that comes first.
    """

    path: Path
    sha256: str
    size: int
    refusal: str = ""
    same_as: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A file that is ours to handle: `path` in en-cours, `name` as it was dropped."""

    path: Path
    name: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sighting:
    identity: tuple[int, int, int]  # inode, size, date
    sha256: str
    since: datetime


@dataclass(slots=True)
class Memory:
    """What earlier scans saw. Losing it costs one more scan, nothing else."""

    sightings: dict[str, _Sighting] = field(default_factory=dict)


def prepare(folder: Path) -> None:
    """Make the sub-folders. Raises FolderUnusable."""
    if not folder.is_dir():
        raise FolderUnusable(f"Le dossier surveillé {folder} n’existe pas. Créez-le, ou corrigez son nom.")
    for name in (IN_HAND, DONE, REFUSED):
        inner = folder / name
        try:
            inner.mkdir(exist_ok=True)
        except OSError as error:
            raise FolderUnusable(
                f"Faitfoi ne peut pas écrire dans le dossier surveillé {folder} : vérifiez ses droits."
            ) from error
        if inner.is_symlink():
            raise FolderUnusable(f"Le sous-dossier {inner} est un lien : remplacez-le par un vrai dossier.")


def scan(folder: Path, memory: Memory, *, now: datetime) -> tuple[ReadyFile, ...]:
    """Give the files that have come to rest, in order of name, at most a batch of them; updates `memory`.

    Unfinished names, hidden files, folders, links and devices are left alone. Raises FolderUnusable.
    """
    seen: dict[str, _Sighting] = {}
    ready: list[ReadyFile] = []
    first_of: dict[str, str] = {}
    for name, status in _candidates(folder):
        identity = (status.st_ino, status.st_size, status.st_mtime_ns)
        sha256 = _digest(folder / name) if status.st_size <= MAX_FILE_BYTES else ""
        known = memory.sightings.get(name)
        same = known is not None and known.identity == identity and known.sha256 == (sha256 or "")
        since = known.since if known is not None and same else now
        seen[name] = _Sighting(identity=identity, sha256=sha256 or "", since=since)
        if since + (REST if status.st_size else EMPTY_REST) > now:
            continue
        if len(ready) < MAX_BATCH_FILES:
            ready.append(
                ReadyFile(
                    path=folder / name,
                    sha256=sha256 or "",
                    size=status.st_size,
                    refusal=_refusal(name, status.st_size, readable=sha256 is not None),
                    same_as=first_of.get(sha256 or "", ""),
                )
            )
            if sha256:
                first_of.setdefault(sha256, name)
    memory.sightings = seen
    return tuple(ready)


def claim(file: ReadyFile) -> Claimed | None:
    """Move a ready file to en-cours, in one rename; None when it has gone or changed meanwhile, and is left for later.

    The same content under the same name twice is one file in en-cours. Raises OSError when the folder cannot be
    written in.
    """
    folder, name = file.path.parent, file.path.name
    mark = (file.sha256 or hashlib.sha256(os.fsencode(name)).hexdigest())[:_MARK]
    target = folder / IN_HAND / f"{mark}-{_shortened(name)}"
    try:
        file.path.rename(target)
    except FileNotFoundError:
        return None  # taken by another worker, or taken back by whoever dropped it
    if file.sha256 and _digest(target) != file.sha256:
        _put_back(target, file.path)  # still being written through an open handle
        return None
    _flush(folder)
    return Claimed(path=target, name=name, sha256=file.sha256)


def read_claimed(claimed: Claimed) -> bytes:
    """Read a claimed file. Raises TooMuch when it is empty, too big or closed to us, OSError when the disk fails."""
    check_file(_shown(claimed.name), claimed.path.stat().st_size)
    try:
        return claimed.path.read_bytes()
    except PermissionError as error:
        raise CannotRead(_no_right(claimed.name)) from error


def recover(folder: Path) -> tuple[Claimed, ...]:
    """Give what a stop in the middle left in en-cours, to be handled again; what changed meanwhile goes back to rest.

    Only while nobody else handles the folder. Raises OSError when it cannot be written in.
    """
    left = []
    for entry in sorted(os.scandir(folder / IN_HAND), key=lambda entry: entry.name):
        mark, dash, name = entry.name.partition("-")
        if dash and name and len(mark) == _MARK and entry.is_file(follow_symlinks=False):
            path = Path(entry.path)
            sha256 = _digest(path) or ""
            if sha256.startswith(mark):
                left.append(Claimed(path=path, name=name, sha256=sha256))
            else:
                _put_back(path, folder / name)
    return tuple(left)


def settle(claimed: Claimed, outcome: Outcome, reason: str) -> Path:
    """Move a claimed file to faits or refuses with its sentence beside it; gives its new place. Safe to say twice.

    A file of the same name and other content already there is kept: the new one takes a mark of its content.
    """
    ending = claimed.path.parent.parent / outcome.value
    mark = claimed.path.name.partition("-")[0]
    plain = ending / _shortened(claimed.name)
    marked = ending / f"{plain.stem}-{mark}{plain.suffix}"
    if not claimed.path.exists() and (marked.exists() or plain.exists()):
        return marked if marked.exists() else plain
    target = plain if not plain.exists() or _digest(plain) == claimed.sha256 else marked
    _write_beside(target, reason)
    claimed.path.rename(target)
    _flush(ending)
    return target


def _candidates(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise FolderUnusable(
            f"Le dossier surveillé {folder} n’est plus accessible. Vérifiez qu’il existe et qu’il est lisible."
        ) from error
    for entry in entries:
        name = entry.name.lower()
        if name.startswith((".", "~$")) or name.endswith(_UNFINISHED) or name in _NOT_OURS:
            continue
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        if stat.S_ISREG(status.st_mode):
            yield entry.name, status


def _digest(path: Path) -> str | None:
    """SHA-256 of a regular file, reading no more than the cap; None when it cannot be read or is not one any more."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return None
        try:
            return hashlib.sha256(file.read(MAX_FILE_BYTES + 1)).hexdigest()
        except OSError:
            return None


def _refusal(name: str, size: int, *, readable: bool) -> str:
    try:
        check_file(_shown(name), size)
    except TooMuch as error:
        return str(error)
    return "" if readable else _no_right(name)


def _no_right(name: str) -> str:
    return f"Faitfoi ne peut pas lire le fichier {_shown(name)} : vérifiez ses droits, puis déposez-le de nouveau."


def _put_back(claimed: Path, place: Path) -> None:
    """Let a file come to rest again, beside a newer one of the same name if there is one."""
    mark = claimed.name.partition("-")[0]
    claimed.rename(place.with_name(f"{place.stem}-{mark}{place.suffix}") if place.exists() else place)


def _write_beside(target: Path, reason: str) -> None:
    beside = target.with_name(f"{target.name}.txt")
    unfinished = target.with_name(f"{target.name}.txt.tmp")
    with unfinished.open("wb") as file:
        file.write(f"{_shown(reason)}\n".encode())
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(beside)


def _flush(folder: Path) -> None:
    """Make renames in a folder outlive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _shortened(name: str) -> str:
    """The name, short enough in bytes for a mark and an ending to be added; its own ending kept."""
    if len(os.fsencode(name)) <= _LONGEST_NAME:
        return name
    stem, suffix = os.fsencode(Path(name).stem), os.fsencode(Path(name).suffix)[:20]
    return (stem[: _LONGEST_NAME - len(suffix)] + suffix).decode("utf-8", "ignore")


def _shown(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text).encode("utf-8", "replace").decode()
