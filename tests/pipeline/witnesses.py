"""Witnesses that answer over HTTP on loopback, each with its own folder, key and hour."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from pathlib import Path

from pytest_django import Settings

from faitfoi.evidence.witness_wire import open_witness, witness_server
from faitfoi.pipeline.witnesses import forget_keys, log_signer


@dataclass(slots=True, kw_only=True)
class Elsewhere:
    """A witness at an address of its own; `late` is how far its clock is behind the true hour."""

    name: str
    folder: Path
    vkey: str = ""
    url: str = ""
    late: timedelta = timedelta(0)
    server: ThreadingHTTPServer | None = field(default=None)

    def now(self) -> datetime:
        """Its hour."""
        return datetime.now(UTC) - self.late  # noqa: TID251  # another machine's clock


@contextmanager
def elsewhere(folder: Path, *names: str) -> Iterator[list[Elsewhere]]:
    """Serve a witness for each name; each has the memory that its folder holds."""
    with ExitStack() as stack:
        yield [stack.enter_context(_serving(Elsewhere(name=name, folder=folder / name))) for name in names]


@contextmanager
def far_witnesses(
    settings: Settings, folder: Path, *names: str, quorum: int | None = None
) -> Iterator[list[Elsewhere]]:
    """Have the installation ask these witnesses and no other."""
    with elsewhere(folder, *names) as witnesses:
        ask(settings, witnesses, quorum=quorum)
        yield witnesses
    forget_keys()


def ask(settings: Settings, witnesses: Sequence[Elsewhere], *, quorum: int | None = None) -> None:
    """Write witnesses into the settings."""
    settings.FAITFOI_WITNESS = " ".join(each.url for each in witnesses)
    settings.FAITFOI_WITNESS_KEY = " ".join(each.vkey for each in witnesses)
    settings.FAITFOI_WITNESS_QUORUM = str(quorum) if quorum is not None else ""
    forget_keys()


@contextmanager
def _serving(each: Elsewhere) -> Iterator[Elsewhere]:
    key = each.name.encode().ljust(32, b"k")[:32]
    witness = open_witness(each.folder, name=each.name, key=key, logs=(log_signer().verifier.vkey,))
    server = witness_server(witness, host="127.0.0.1", port=0, now=each.now)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    each.vkey, each.url = witness.verifier.vkey, f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield each
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
