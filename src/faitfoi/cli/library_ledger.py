"""The file that `--report` names: what was judged, so that an interrupted run is taken up where it was."""

import json
import threading
from pathlib import Path
from typing import Any, BinaryIO

from faitfoi.cli.library_files import CannotWrite

_BEGINNING = b'{"file": '


class Ledger:
    """One line of JSON for each file judged, appended as soon as it is.

    `find` only gives back what the same `judge` said of the same bytes under the same path. A line cut short by a
    crash is taken away. Safe to use from several threads.
    """

    def __init__(self, path: Path, *, judge: str) -> None:
        """Open the file, made when there is none. Raises CannotWrite."""
        self._judge = judge
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], int] = {}
        self.found = 0
        try:
            self._file: BinaryIO = path.open("a+b")
            self._load()
        except OSError as error:
            raise CannotWrite(f"{path} : impossible d’y tenir le compte rendu, {error.strerror}.") from error

    def find(self, path: Path, digest: str) -> dict[str, Any] | None:
        """What is known of these bytes under this path, or None."""
        with self._lock:
            place = self._known.get((str(path), digest))
            if place is None:
                return None
            self._file.seek(place)
            line = json.loads(self._file.readline())
            self.found += 1
        row: dict[str, Any] = line["answer"]
        return row

    def add(self, path: Path, digest: str, row: dict[str, Any]) -> None:
        """Keep an answer. Raises CannotWrite."""
        line = {"file": str(path), "sha256": digest, "judge": self._judge, "answer": row}
        try:
            with self._lock:
                self._file.seek(0, 2)
                self._file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
                self._file.flush()
        except OSError as error:
            raise CannotWrite(f"{self._file.name} : le compte rendu ne s’écrit plus, {error.strerror}.") from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _load(self) -> None:
        self._file.seek(0)
        place = 0
        while line := self._file.readline():
            if not line.endswith(b"\n") and line[: len(_BEGINNING)] == _BEGINNING[: len(line)]:
                self._file.truncate(place)
                return
            try:
                told = json.loads(line)
                if told["judge"] == self._judge:
                    self._known[told["file"], told["sha256"]] = place
            except (ValueError, KeyError, TypeError):
                raise CannotWrite(
                    f"{self._file.name} n’est pas un compte rendu de faitfoi : donnez un autre nom."
                ) from None
            place += len(line)
