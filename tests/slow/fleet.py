"""Real workers as processes of their own, killed with all they have started, and begun again."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

WORKER = ("worker", "--queue", "journey")
STEWARD = ("worker", "--queue", "steward")


class Fleet:
    """Programs of ours, each the leader of its own process group, so that `kill` leaves nothing of it."""

    def __init__(self, logs: Path, *, environment: dict[str, str] | None = None) -> None:
        self._logs = logs
        self._environment = {**os.environ, **(environment or {})}
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in list(self._running):
            self.kill(name)

    def start(self, name: str, words: Sequence[str], *, module: str = "faitfoi.cli", before: Sequence[str] = ()) -> int:
        """Start `faitfoi WORDS` under a name; returns its process id. `before` is what runs it elsewhere."""
        with self.log(name).open("ab") as log:
            self._running[name] = subprocess.Popen(
                [*before, sys.executable, "-m", module, *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )
        return self._running[name].pid

    def kill(self, name: str) -> None:
        """End a program and every child of its group at once, as a power cut would; it may have ended by itself."""
        process = self._running.pop(name)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self, name: str) -> int:
        """Ask a program to stop, and return its exit code."""
        process = self._running.pop(name)
        process.terminate()
        return process.wait()

    def pid(self, name: str) -> int:
        """Return the process id of a program that runs."""
        return self._running[name].pid

    def alive(self, name: str) -> bool:
        """Tell whether a program still runs."""
        return self._running[name].poll() is None

    def check(self) -> None:
        """Fail when a program has ended by itself."""
        for name, process in self._running.items():
            code = process.poll()
            assert code is None, f"{name} ended with {code}:\n{self.log(name).read_text()[-3000:]}"

    def log(self, name: str) -> Path:
        """Return where a program's words go."""
        return self._logs / f"{name}.log"


def resident(pid: int) -> int:
    """Return the bytes of memory that a process holds (VmRSS). Raises OSError when it has gone."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def children(pid: int) -> list[int]:
    """Return the processes that a process has started. Raises OSError when it has gone."""
    found: list[int] = []
    for task in list(Path(f"/proc/{pid}/task").iterdir()):
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended
            found += map(int, (task / "children").read_text().split())
    return found
