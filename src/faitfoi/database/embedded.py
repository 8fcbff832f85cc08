"""The embedded PostgreSQL: started once per folder whoever asks, verified by really connecting, stopped on request.

Any number of processes may call `start` at once: one starts the server, the others find it. A server outlives the
process that started it, Ctrl-C included: whoever got `started_here` stops it. Nothing listens on TCP; whoever can
enter the socket's 0700 folder is trusted, and that is the server's account (and root) alone.
"""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg

from faitfoi.database import roles
from faitfoi.database.binaries import MAJOR, bin_folder
from faitfoi.database.errors import DatabaseUnavailable
from faitfoi.database.layout import SHELTER, Layout, existing, locked, prepared
from faitfoi.database.server import PATIENCE, SUPERUSER, answers, create_cluster, launch, process, shut_down, socket_url

__all__ = [
    "DatabaseUnavailable",
    "Running",
    "Status",
    "default_folder",
    "external_url",
    "running",
    "start",
    "status",
    "stop",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that answers. The URLs lead to the database `faitfoi`, `superuser_url` to `postgres`."""

    app_url: str
    owner_url: str
    superuser_url: str
    data_directory: Path
    started_here: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What can be seen of a folder's server without changing anything; `pid` is 0 when it does not run."""

    created: bool
    running: bool
    pid: int
    version: str
    data_directory: Path | None


def external_url() -> str:
    """`DATABASE_URL` of the environment, empty when unset: then, and only then, the embedded server is used."""
    return os.environ.get("DATABASE_URL", "").strip()


def default_folder() -> Path:
    """`postgres` in the program's variable data: `FAITFOI_HOME` of the environment, else `var` where we stand."""
    return Path(os.environ.get("FAITFOI_HOME", "") or "var").resolve() / "postgres"


def start(folder: Path, *, durable: bool = True, say: Callable[[str], None] | None = None) -> Running:
    """A server on the cluster of `folder`, with roles and database; created and started when it is not there.

    `durable=False` is for throw-away clusters of tests: nothing waits for the disk. `say` gets the few French
    sentences a person should read (default: standard error). Raises DatabaseUnavailable.
    """
    folder = folder.absolute()
    with locked(folder):
        layout = prepared(folder, say=say or _to_stderr)
        started = False
        if not answers(layout, patience=PATIENCE):
            programs = bin_folder(layout.account, shelter=SHELTER)
            create_cluster(layout, programs)
            launch(layout, programs, durable=durable)
            started = True
        found = _running(layout, started_here=started)
        roles.prepare(found.superuser_url)
        return found


def running(folder: Path) -> Running | None:
    """The server of `folder` if it answers now, None otherwise. Starts nothing."""
    layout = existing(folder.absolute())
    if layout is None or not answers(layout, patience=0.0):
        return None
    return _running(layout, started_here=False)


def stop(folder: Path, *, only_if_unused: bool = False) -> bool:
    """Stop the server of `folder`; False when none was running. Connections are closed, committed work is kept.

    With `only_if_unused` a server that somebody else is connected to is left alone (False too): for a command that
    started it for itself while another command came along. Raises DatabaseUnavailable when it does not stop.
    """
    folder = folder.absolute()
    if not folder.is_dir():
        return False
    with locked(folder):
        layout = existing(folder)
        if layout is None or (only_if_unused and _used_by_others(layout)):
            return False
        return shut_down(layout, bin_folder(layout.account, shelter=SHELTER))


def status(folder: Path) -> Status:
    """What can be seen of the server of `folder`, without the lock and without starting anything."""
    layout = existing(folder.absolute())
    if layout is None:
        return Status(created=False, running=False, pid=0, version=MAJOR, data_directory=None)
    here = answers(layout, patience=0.0)
    return Status(
        created=True,
        running=here,
        pid=process(layout) if here else 0,
        version=(layout.data / "PG_VERSION").read_text().strip(),
        data_directory=layout.data,
    )


def _running(layout: Layout, *, started_here: bool) -> Running:
    return Running(
        app_url=socket_url(layout, role=roles.APP, database=roles.DATABASE),
        owner_url=socket_url(layout, role=roles.OWNER, database=roles.DATABASE),
        superuser_url=socket_url(layout, role=SUPERUSER, database="postgres"),
        data_directory=layout.data,
        started_here=started_here,
    )


def _used_by_others(layout: Layout) -> bool:
    if not answers(layout, patience=0.0):
        return False
    question = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    with psycopg.connect(socket_url(layout, role=SUPERUSER, database="postgres"), autocommit=True) as connection:
        for _ in range(10):  # a connection that was just closed is seen for an instant more
            if connection.execute(question).fetchone() == (0,):
                return False
            time.sleep(0.05)
    return True


def _to_stderr(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")
