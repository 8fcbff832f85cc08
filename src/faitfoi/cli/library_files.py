"""Files in and out of the library's commands: every failure is one French sentence, nothing half-done stays."""

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from faitfoi.einvoice.xml import Unreadable

STANDARD = Path("-")
LARGEST = 64 * 1024 * 1024
"""Bytes; the library reads no larger file either."""


class CannotWrite(Exception):
    """Nothing was written; the text is one French sentence."""


def find_files(given: Iterable[Path], *, but: Path | None = None) -> tuple[list[Path], bool]:
    """The files to work on, and whether a folder was among what was given.

    A folder gives all its files, in order, at any depth, but for hidden ones and for `but`. What does not exist stays
    in the list: whoever reads it says so.
    """
    left_out = but.resolve() if but is not None else None
    found: list[Path] = []
    folders = False
    for path in given:
        if path != STANDARD and path.is_dir():
            folders = True
            found.extend(file for file in _walk(path) if left_out is None or file.resolve() != left_out)
        else:
            found.append(path)
    return found, folders


def read_file(path: Path) -> bytes:
    """The bytes of a file, or of the standard input for `-`. Raises Unreadable."""
    try:
        if path == STANDARD:
            data = sys.stdin.buffer.read(LARGEST + 1)
        else:
            with path.open("rb") as opened:
                data = opened.read(LARGEST + 1)
    except OSError as error:
        raise Unreadable(f"{_subject(path)} ne s’ouvre pas : {_why(error, 'il')}.") from error
    if len(data) > LARGEST:
        raise Unreadable(f"{_subject(path)} pèse plus de {LARGEST >> 20} Mo, plus que nous n’en lisons.")
    return data


def write_file(path: Path | None, data: bytes) -> None:
    """Write to a file, whole or not at all, or to the standard output for None and `-`. Raises CannotWrite."""
    try:
        if path is None or path == STANDARD:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        elif path.exists() and not path.is_file():
            _write_to_device(path, data)
        else:
            _replace(path, data)
    except BrokenPipeError:
        forget_output()
        raise CannotWrite("La sortie a été fermée avant la fin.") from None
    except OSError as error:
        name = "La sortie standard" if path is None or path == STANDARD else str(path)
        raise CannotWrite(f"{name} : impossible d’écrire, {_why(error, 'son dossier')}.") from error


def _walk(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(root, name)
            if not name.startswith(".") and path.is_file():  # neither pipe nor socket nor broken link
                yield path


def _write_to_device(path: Path, data: bytes) -> None:
    if path.is_dir():
        raise IsADirectoryError
    with path.open("wb") as opened:
        opened.write(data)


def _replace(path: Path, data: bytes) -> None:
    target = path.resolve()  # a link keeps leading where it leads
    mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError  # replacing it would not ask for the file's own right
    descriptor, name = tempfile.mkstemp(prefix=".faitfoi-", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(data)
            os.fchmod(opened.fileno(), mode)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def forget_output() -> None:
    """Let Python's own flush at exit find somewhere to go."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _subject(path: Path) -> str:
    return "L’entrée standard" if path == STANDARD else "Ce fichier"


def _why(error: OSError, absent: str) -> str:
    match error:
        case FileNotFoundError():
            return f"{absent} n’existe pas"
        case PermissionError():
            return "vos droits ne le permettent pas"
        case IsADirectoryError():
            return "c’est un dossier"
        case NotADirectoryError():
            return "un dossier du chemin n’en est pas un"
        case _:
            return error.strerror or "le système le refuse"
