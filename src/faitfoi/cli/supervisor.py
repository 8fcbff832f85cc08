"""Starts our own processes, keeps what they say in log files, and stops exactly those, by their ids."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from faitfoi.cli.leash import LEASH

PATIENCE = 70.0  # a worker may finish the job in hand
HURRY = 5.0


class Died(RuntimeError):
    """A process that should run has ended; the text names its log."""


class Supervisor:
    """A family of processes, each with its log, stopped in the reverse order of their start."""

    def __init__(self, logs: Path) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._logs = logs
        self._children: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._leash = os.pipe()  # our end closes with us, however we die, and the children follow (see cli.leash)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        for descriptor in self._leash:
            os.close(descriptor)

    def start(self, name: str, arguments: Sequence[str], *, environment: Mapping[str, str] | None = None) -> int:
        """Start `faitfoi ARGUMENTS` under a name; returns its process id."""
        with (self._logs / f"{name}.log").open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "faitfoi.cli", *arguments],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, LEASH: str(self._leash[0]), **(environment or {})},
                pass_fds=(self._leash[0],),
                start_new_session=True,  # Ctrl-C is for us: we stop them in order
            )
        self._children.append((name, child))
        return child.pid

    def __contains__(self, name: str) -> bool:
        return any(name == known for known, _ in self._children)

    def check(self) -> None:
        """Raise Died when one of them has ended."""
        for name, child in self._children:
            code = child.poll()
            if code is not None:
                raise Died(f"« {name} » s’est arrêté (code {code}). Voyez {self._logs / name}.log")

    def stop(self, *names: str) -> None:
        """Ask the named ones (or all) to finish, last started first, then end those that do not."""
        leaving = [pair for pair in reversed(self._children) if not names or pair[0] in names]
        for _, child in leaving:
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE
        for _, child in leaving:
            try:
                child.wait(timeout=max(HURRY, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._children = [pair for pair in self._children if pair not in leaving]


def free_port(preferred: int = 0) -> int:
    """Return a loopback port nobody uses now: the preferred one when it is free."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free loopback port")


def wait_for_port(port: int, supervisor: Supervisor, *, seconds: float = 60.0) -> None:
    """Wait until something listens on a loopback port. Raises Died or TimeoutError."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            supervisor.check()
            if time.monotonic() > deadline:
                raise TimeoutError(f"Rien ne répond sur le port {port} après {seconds:.0f} secondes.") from None
            time.sleep(0.05)


def control(url: str, command: str, body: bytes | None = None) -> bytes:
    """Send a command to a simulator's control address on loopback; returns its JSON."""
    request = urllib.request.Request(  # noqa: S310  # our own loopback address
        f"{url}/control/{command}", data=body, headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        content: bytes = answer.read()
        return content
