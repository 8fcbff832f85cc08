"""Objects kept under their SHA-256, one tree per organisation, on any POSIX file system.

An object is at `<root>/<organisation>/<first 2 hex digits>/<62 others>`; being written, under
`<root>/<organisation>/tmp`.
What `put` has answered for survives a crash: file and folders are flushed before it returns.
"""

import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

TEMPORARY = "tmp"
PREFIX = 2
_SHA256 = re.compile(r"[0-9a-f]{64}")


class ObjectMissing(Exception):
    """Nothing is stored under this digest for this organisation."""


class ObjectAltered(Exception):
    """Something is stored under this digest, but its bytes give another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """Fingerprints of one content: SHA-256 (its name) and SHA-512, both in lower-case hex, and its size in bytes."""

    sha256: str
    sha512: str
    size: int


def digest_of(content: bytes) -> Digest:
    """Both fingerprints of a content, computed from its bytes."""
    return Digest(
        sha256=hashlib.sha256(content).hexdigest(), sha512=hashlib.sha512(content).hexdigest(), size=len(content)
    )


@dataclass(frozen=True, slots=True)
class Store:
    """A content-addressed store under `root`; any number of processes may use it at once."""

    root: Path

    def put(self, organisation: UUID, content: bytes) -> Digest:
        """Keep a content for ever and answer its digests; the same content again costs one read and changes nothing.

        Raises `ObjectAltered` when other bytes sit under that name (they are left for `fsck` to show), and `OSError`
        as the system gives it (disk full…), in which case nothing has been stored.
        """
        digest = digest_of(content)
        place = self._place(organisation, digest.sha256)
        if place.exists():
            if place.read_bytes() != content:
                raise ObjectAltered(_altered(organisation, digest.sha256))
        else:
            self._write(organisation, place, content)
        # Also when another process has just put it there: it may not have flushed the folder yet.
        _flush_folder(place.parent)
        return digest

    def get(self, organisation: UUID, sha256: str) -> bytes:
        """The content stored under this digest, verified; raises `ObjectMissing` or `ObjectAltered`."""
        try:
            content = self._place(organisation, sha256).read_bytes()
        except FileNotFoundError as error:
            raise ObjectMissing(
                f"L’objet {sha256} de l’organisation {organisation} n’est pas dans le coffre. "
                "Restaurez-le depuis la seconde copie."
            ) from error
        if hashlib.sha256(content).hexdigest() != sha256:
            raise ObjectAltered(_altered(organisation, sha256))
        return content

    def has(self, organisation: UUID, sha256: str) -> bool:
        """True when an object of that name is there; its bytes are not read."""
        return self._place(organisation, sha256).is_file()

    def each(self, organisation: UUID) -> Iterator[str]:
        """The SHA-256 of every object of the organisation, in order."""
        folder = self.root / str(organisation)
        if not folder.is_dir():
            return
        for prefix in sorted(entry.name for entry in folder.iterdir() if len(entry.name) == PREFIX):
            for rest in sorted(entry.name for entry in (folder / prefix).iterdir()):
                if _SHA256.fullmatch(prefix + rest):
                    yield prefix + rest

    def organisations(self) -> Iterator[UUID]:
        """Every organisation that has a tree here, in order."""
        if not self.root.is_dir():
            return
        for name in sorted(entry.name for entry in self.root.iterdir()):
            with suppress(ValueError):
                yield UUID(name)

    def sweep(self, *, before: datetime) -> int:
        """Remove what killed writers left behind, if last touched before that instant; answers how many files.

        Give an instant older than any write can last (an hour): a younger file may be being written.
        """
        swept = 0
        for organisation in self.organisations():
            folder = self.root / str(organisation) / TEMPORARY
            if not folder.is_dir():
                continue
            for left in folder.iterdir():
                with suppress(FileNotFoundError):
                    if left.stat().st_mtime < before.timestamp():
                        left.unlink()
                        swept += 1
        return swept

    def _place(self, organisation: UUID, sha256: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise ValueError(f"{sha256!r} is not a SHA-256 in lower-case hex.")
        return self.root / str(organisation) / sha256[:PREFIX] / sha256[PREFIX:]

    def _write(self, organisation: UUID, place: Path, content: bytes) -> None:
        temporary = self.root / str(organisation) / TEMPORARY / secrets.token_hex(16)
        _make_folder(temporary.parent, above=self.root)
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


def _altered(organisation: UUID, sha256: str) -> str:
    return (
        f"L’objet {sha256} de l’organisation {organisation} a changé depuis son dépôt. "
        "Mettez-le de côté et restaurez-le depuis la seconde copie."
    )
