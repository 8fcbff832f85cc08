"""Where bytes lie: named, durable, never overwritten. On any POSIX file system here; elsewhere by the same words.

What `put` has answered for survives a crash: file and folders are flushed before it returns.
"""

import errno
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

TEMPORARY = ".tmp"
ALTERED = ".altered"
HELD = ".held"
_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]*(?:/[0-9A-Za-z][0-9A-Za-z._-]*)*")


class ObjectMissing(Exception):
    """Nothing is kept under this name."""


class ObjectAltered(Exception):
    """Something is kept under this name, but not the bytes that it stands for."""


class NoRoom(OSError):
    """The reserve of the disk has been reached: nothing more is taken. Its text is a French sentence."""


class Shelf(Protocol):
    """Named bytes that outlive the process. Names are paths of letters, digits, dash, dot, underline and slash."""

    def put(self, name: str, content: bytes, *, keep_until: datetime | None = None) -> bool:
        """Keep bytes, durable on return; False when the very same were there. Other bytes raise ObjectAltered."""

    def get(self, name: str, *, start: int = 0, size: int | None = None) -> bytes:
        """Return the bytes, or `size` of them from `start` (fewer at the end). Raises ObjectMissing."""

    def names(self, prefix: str = "") -> Iterator[str]:
        """Every name that begins so, in order."""

    def written(self, name: str) -> datetime:
        """Return when the name was last written. Raises ObjectMissing."""

    def remove(self, name: str) -> None:
        """Take a name away, if it is there. Raises `PermissionError` where the shelf keeps it by law."""

    def mend(self, name: str, content: bytes, *, keep_until: datetime | None = None) -> None:
        """Put the right bytes where others lie; the others are kept aside, for whoever looks into it."""

    def keep(self, name: str, *, until: datetime) -> None:
        """Have the shelf itself keep a name at least so long, where it can."""

    def hold(self, name: str, *, held: bool) -> None:
        """Have the shelf itself refuse to remove a name, without a term, or let it go again."""


@dataclass(frozen=True, slots=True)
class FolderShelf:
    """A folder; any number of processes may use it at once.

    `reserve` is how many bytes of its disk stay free: a `put` that would go below raises NoRoom before it begins.
    """

    root: Path
    reserve: int = 0

    def put(self, name: str, content: bytes, *, keep_until: datetime | None = None) -> bool:  # noqa: ARG002
        """Keep bytes for ever, read-only; a folder knows no term, so `keep_until` is the caller's to respect.

        Raises OSError as the system gives it (disk full…), in which case nothing is kept.
        """
        place = self._place(name)
        fresh = not place.exists()
        if fresh:
            self._write(place, content)
        elif place.read_bytes() != content:
            raise ObjectAltered(f"{place} ne contient plus ce qui y a été déposé.")
        # Also when another process has just put it there: it may not have flushed the folder yet.
        _flush_folder(place.parent)
        return fresh

    def get(self, name: str, *, start: int = 0, size: int | None = None) -> bytes:
        """Read the file, or a part of it."""
        try:
            with self._place(name).open("rb") as file:
                file.seek(start)
                return file.read() if size is None else file.read(size)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise ObjectMissing(f"{self.root / name} n’existe pas.") from error

    def names(self, prefix: str = "") -> Iterator[str]:
        """Walk the folder in the order of the names."""
        # Only the folder that the prefix names whole needs to be walked.
        start = self.root / prefix.rpartition("/")[0]
        for name in self._walk(start):
            if name.startswith(prefix):
                yield name

    def written(self, name: str) -> datetime:
        """Return the file's own hour."""
        try:
            return datetime.fromtimestamp(self._place(name).stat().st_mtime, tz=UTC)
        except FileNotFoundError as error:
            raise ObjectMissing(f"{self.root / name} n’existe pas.") from error

    def remove(self, name: str) -> None:
        """Unlink the file, and flush its folder so that it does not come back with the power."""
        place = self._place(name)
        if self._held(name).exists():
            raise PermissionError(errno.EPERM, f"{place} est gelé : levez le gel d’abord.")
        with suppress(FileNotFoundError):
            place.unlink()
            _flush_folder(place.parent)

    def mend(self, name: str, content: bytes, *, keep_until: datetime | None = None) -> None:
        """Move what lies there to `.altered`, and put the right bytes."""
        place = self._place(name)
        if place.exists():
            aside = self.root / ALTERED / f"{name.replace('/', '_')}.{secrets.token_hex(4)}"
            _make_folder(aside.parent, above=self.root)
            place.rename(aside)
            _flush_folder(aside.parent)
        self.put(name, content, keep_until=keep_until)

    def keep(self, name: str, *, until: datetime) -> None:
        """Do nothing: a folder knows no term, whoever removes must."""

    def hold(self, name: str, *, held: bool) -> None:
        """Note beside the packs that this one is held; `remove` then refuses."""
        note = self._held(name)
        if held:
            _make_folder(note.parent, above=self.root)
            note.touch(mode=0o440)
        else:
            note.unlink(missing_ok=True)
        if note.parent.is_dir():
            _flush_folder(note.parent)

    def sweep(self, *, before: datetime) -> int:
        """Remove what killed writers left behind, if last touched before that instant; answers how many files.

        Give an instant older than any write can last (an hour): a younger file may be being written.
        """
        swept = 0
        folder = self.root / TEMPORARY
        for left in folder.iterdir() if folder.is_dir() else ():
            with suppress(FileNotFoundError):
                if left.stat().st_mtime < before.timestamp():
                    left.unlink()
                    swept += 1
        return swept

    def _held(self, name: str) -> Path:
        return self.root / HELD / name.replace("/", "_")

    def _walk(self, folder: Path) -> Iterator[str]:
        if not folder.is_dir():
            return
        # A file before the folder of the same beginning, as their whole names sort.
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name + "/" * entry.is_dir()):
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                yield from self._walk(Path(entry.path))
            else:
                yield Path(entry.path).relative_to(self.root).as_posix()

    def _place(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not a name that a shelf takes.")
        return self.root / name

    def _write(self, place: Path, content: bytes) -> None:
        temporary = self.root / TEMPORARY / secrets.token_hex(16)
        _make_folder(temporary.parent, above=self.root)
        self.refuse_when_full(len(content))
        _make_folder(place.parent, above=self.root)
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o440)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(place)
        except BaseException:
            with suppress(FileNotFoundError):
                temporary.unlink()
            raise

    def refuse_when_full(self, size: int = 0) -> None:
        """Let so many bytes more be written. Raises NoRoom when that would touch the reserve."""
        if not self.reserve or not self.root.is_dir():
            return
        disk = os.statvfs(self.root)
        free = disk.f_bavail * disk.f_frsize
        if free - size < self.reserve:
            raise NoRoom(
                errno.ENOSPC,
                f"Le disque de {self.root} n’a plus que {_megabytes(free)} Mo libres, et {_megabytes(self.reserve)} Mo "
                "restent en réserve : rien n’a été pris. Faites de la place sur ce disque, puis recommencez.",
            )


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:,.0f}".replace(",", "\u202f")


def _make_folder(folder: Path, *, above: Path) -> None:
    """The folder exists and its name is flushed in each folder up to `above`."""
    if folder.is_dir():
        return
    if folder != above:
        _make_folder(folder.parent, above=above)
        folder.mkdir(mode=0o750, exist_ok=True)
    else:
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    _flush_folder(folder.parent)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
