"""Starts our own processes, keeps what they say in log files, and stops exactly those, by their ids."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from faitfoi.cli.leash import LEASH

PATIENCE = 70.0  # a worker may finish the delivery in hand
HURRY = 5.0
MOST_LIVES = 5
LIFE = 60.0  # seconds; one that dies MOST_LIVES times within that many lives will not do better


class Died(RuntimeError):
    """A process that should run has ended; the text names its log."""


class Halted(Died):
    """Nothing moves any more, and the alarms of the installation say why: that is the text."""


@dataclass(slots=True, kw_only=True)
class _Child:
    """A process of ours, with what it takes to start it again; `deaths` are instants of the monotonic clock."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes]
    deaths: list[float] = field(default_factory=list)


class Supervisor:
    """A family of processes, each with its log, stopped in the reverse order of their start."""

    def __init__(self, logs: Path) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._logs = logs
        self._children: list[_Child] = []
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
        given = environment or {}
        process = self._launch(name, arguments, given)
        self._children.append(_Child(name=name, arguments=arguments, environment=given, process=process))
        return process.pid

    def __contains__(self, name: str) -> bool:
        return any(name == child.name for child in self._children)

    def check(self) -> None:
        """Raise Died when one of them has ended."""
        for child in self._children:
            if child.process.poll() is not None:
                raise self._died(child)

    def revive(self) -> list[str]:
        """Start again those that have ended, and return their names. Raises Died for one that ends time and again."""
        ended = [child for child in self._children if child.process.poll() is not None]
        for child in ended:
            now = time.monotonic()
            child.deaths = [*(at for at in child.deaths if at > now - MOST_LIVES * LIFE), now]
            if len(child.deaths) >= MOST_LIVES:
                raise self._died(child)
            child.process = self._launch(child.name, child.arguments, child.environment)
        return [child.name for child in ended]

    def _launch(self, name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        with (self._logs / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "faitfoi.cli", *arguments],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, LEASH: str(self._leash[0]), **environment},
                pass_fds=(self._leash[0],),
                start_new_session=True,  # Ctrl-C is for us: we stop them in order
            )

    def _died(self, child: _Child) -> Died:
        code = child.process.returncode
        return Died(f"« {child.name} » s’est arrêté (code {code}). Voyez {self._logs / child.name}.log")

    def stop(self, *names: str) -> None:
        """Ask the named ones (or all) to finish, last started first, then end those that do not."""
        leaving = [child for child in reversed(self._children) if not names or child.name in names]
        for child in leaving:
            if child.process.poll() is None:
                child.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE
        for child in leaving:
            try:
                child.process.wait(timeout=max(HURRY, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
        self._children = [child for child in self._children if child not in leaving]


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
