"""One PostgreSQL server process: made, launched, asked whether it is really ours, shut down. Called under the lock."""

import os
import secrets
import shlex
import shutil
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import psycopg

from faitfoi.database.binaries import MAJOR
from faitfoi.database.errors import DatabaseUnavailable
from faitfoi.database.layout import PORT, Layout

SUPERUSER = "postgres"
PATIENCE = 120.0
"""Seconds: a server that recovers from a crash may answer late."""

_SECONDS_FOR_REMNANTS = 10.0
# No process ever has this number: it makes a lock file stale for PostgreSQL, which then still checks the shared memory.
_NOBODY = str(2**31 - 2)
_SETTINGS = {"listen_addresses": "", "unix_socket_permissions": "0700", "port": str(PORT), "timezone": "UTC"}
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def socket_url(layout: Layout, *, role: str, database: str) -> str:
    """The address of a database through the socket, for psycopg; no password: entering the folder is the right."""
    host = quote(str(layout.socket_folder), safe="")
    return f"postgresql://{role}@/{database}?host={host}&port={PORT}"


def answers(layout: Layout, *, patience: float) -> bool:
    """Whether a server answers on the socket and serves this very cluster.

    A server process that is there but does not answer (it starts, recovers or stops) is waited for `patience`
    seconds; with none it counts as not answering. Raises DatabaseUnavailable when a live one stays mute, or when
    the one that answers serves another cluster.
    """
    give_up = time.monotonic() + patience
    while True:
        try:
            return _serves(layout)
        except psycopg.OperationalError as error:
            if not process(layout) or not patience:
                return False
            if time.monotonic() > give_up:
                raise DatabaseUnavailable(
                    f"Le serveur PostgreSQL (processus {process(layout)}) ne répond pas depuis {patience:.0f} s : "
                    f"{str(error).strip()}. Voyez son journal {layout.log}, ou arrêtez ce processus."
                ) from error
        time.sleep(0.1)


def process(layout: Layout) -> int:
    """The pid of the live server of this cluster, 0 when there is none. A pid reused by anything else is not it."""
    pid = _first_line_pid(layout.data / "postmaster.pid")
    return pid if pid and _works_in(pid, layout.data) else 0


def create_cluster(layout: Layout, programs: Path) -> None:
    """Make the cluster if there is none: aside, then renamed, so that a half-made one is never taken for it.

    Raises DatabaseUnavailable when `initdb` fails or when the cluster is of another major version.
    """
    version = layout.data / "PG_VERSION"
    if version.is_file():
        found = version.read_text().strip()
        if found != MAJOR:
            raise DatabaseUnavailable(
                f"Les données {layout.data} sont de PostgreSQL {found}, le programme apporte PostgreSQL {MAJOR}. "
                f"Sauvegardez-les avec pg_dump de PostgreSQL {found}, puis rechargez-les dans un dossier neuf."
            )
        return
    for remnant in layout.home.glob("new-*"):  # of a starter that was killed
        shutil.rmtree(remnant, ignore_errors=True)
    draft = layout.home / f"new-{secrets.token_hex(8)}"
    command: list[str | Path] = [
        programs / "initdb",
        "-D",
        draft.name,
        "-U",
        SUPERUSER,
        "-E",
        "UTF8",
        "--no-instructions",
    ]
    command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    command += ["--auth-local=trust", "--auth-host=reject"]
    done = layout.account.run(command, cwd=layout.home)
    if done.returncode != 0:
        shutil.rmtree(draft, ignore_errors=True)
        raise DatabaseUnavailable(
            f"La base n'a pas pu être créée dans {layout.data} : {_last_words(done.stderr)}. "
            "Vérifiez la place sur le disque et les droits du dossier."
        )
    try:
        draft.rename(layout.data)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise DatabaseUnavailable(
            f"Le dossier {layout.data} n'est pas vide et n'est pas une base PostgreSQL : déplacez-le, puis relancez."
        ) from error
    _sync(layout.home)


def launch(layout: Layout, programs: Path, *, durable: bool) -> None:
    """Launch the server and return when it answers.

    After a crash, remnants (shared memory of dying children, a pid that now belongs to somebody else) are waited
    for or set aside during about ten seconds. Raises DatabaseUnavailable with the log's last lines.
    """
    command: list[str | Path] = [
        programs / "pg_ctl",
        "-D",
        layout.data.name,
        "-l",
        layout.log.name,
        "-s",
        "-w",
        "-t",
        f"{PATIENCE:.0f}",
    ]
    command += ["-o", _options(layout, durable=durable), "start"]
    give_up = time.monotonic() + _SECONDS_FOR_REMNANTS
    while True:
        _set_aside_stale_locks(layout)
        # Relative names, from inside the home: pg_ctl hands them to a shell, which would expand a `$` of the path.
        done = layout.account.run(command, cwd=layout.home)
        if answers(layout, patience=PATIENCE):
            return
        if time.monotonic() > give_up:
            words = _last_words(layout.log.read_text(errors="replace") if layout.log.is_file() else done.stderr)
            raise DatabaseUnavailable(f"PostgreSQL ne démarre pas sur {layout.data} : {words} (journal {layout.log}).")
        time.sleep(0.25)


def shut_down(layout: Layout, programs: Path) -> bool:
    """Stop the live server of this cluster; False when there is none. Raises DatabaseUnavailable if it resists."""
    pid = process(layout)
    if not pid:
        return False  # a stale pid file may name an innocent process: pg_ctl would signal it
    for mode, seconds in (("fast", "60"), ("immediate", "20")):
        options = ["-D", layout.data.name, "-s", "-w", "-t", seconds, "-m", mode]
        layout.account.run([programs / "pg_ctl", *options, "stop"], cwd=layout.home)
        if not process(layout):
            return True
    raise DatabaseUnavailable(f"Le serveur PostgreSQL (processus {pid}) ne s'arrête pas : voyez {layout.log}.")


def _serves(layout: Layout) -> bool:
    url = socket_url(layout, role=SUPERUSER, database="postgres")
    with psycopg.connect(url, connect_timeout=5, autocommit=True) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    if row is None or Path(row[0]).resolve() != layout.data.resolve():
        raise DatabaseUnavailable(
            f"Le serveur qui répond dans {layout.socket_folder} sert une autre base ({row and row[0]}) : arrêtez-le."
        )
    return True


def _options(layout: Layout, *, durable: bool) -> str:
    settings = _SETTINGS | ({} if durable else _NOT_DURABLE)
    # The value is a list whose quotes protect a comma in the path.
    settings["unix_socket_directories"] = '"' + str(layout.socket_folder).replace('"', '""') + '"'
    return " ".join(f"-c {shlex.quote(f'{name}={value}')}" for name, value in settings.items())


def _set_aside_stale_locks(layout: Layout) -> None:
    """Make lock files that name a live stranger harmless: PostgreSQL would believe that it is its own server.

    Only the number is replaced, so PostgreSQL still finds the old shared memory and waits for its last users.
    """
    for lock in (layout.data / "postmaster.pid", layout.socket_folder / f".s.PGSQL.{PORT}.lock"):
        try:
            lines = lock.read_text().splitlines(keepends=True)
        except FileNotFoundError:
            continue
        if not lines:
            _remove_if_abandoned(lock, layout.data)
            continue
        pid = _first_line_pid(lock)
        if pid and Path(f"/proc/{pid}").exists() and not _works_in(pid, layout.data):
            lock.write_text(_NOBODY + "\n" + "".join(lines[1:]))


def _remove_if_abandoned(lock: Path, data: Path) -> None:
    """An empty lock file belongs to a server that starts at this instant, or that died at that one."""
    numbers = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    if not any(_works_in(pid, data) for pid in numbers):
        lock.unlink(missing_ok=True)


def _works_in(pid: int, data: Path) -> bool:
    """Whether the process is alive with `data` as its working directory: a postmaster enters it first of all."""
    if not Path("/proc/self").exists():
        try:
            os.kill(pid, 0)
        except OSError:
            return False
        return True  # no better knowledge on this system
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == data.resolve()
    except OSError:  # gone, a zombie, or somebody else's
        return False


def _first_line_pid(lock: Path) -> int:
    with suppress(OSError, ValueError, IndexError):
        return abs(int(lock.read_text().splitlines()[0]))
    return 0


def _last_words(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " / ".join(lines[-3:]) or "aucun message"


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
