"""Backups of the embedded database: one file, whole or not there; put back beside what it replaces, then in its place.

A backup put back has forgotten what came after it: the journal's witness sees that, and nothing is numbered nor sent
until `faitfoi restore` has brought the rest back (docs/restore.md).
"""

import os
import secrets
import subprocess
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import psycopg
from psycopg import sql

from faitfoi.database import embedded, roles
from faitfoi.database.binaries import bin_folder
from faitfoi.database.errors import DatabaseUnavailable
from faitfoi.database.layout import SHELTER, existing

_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
_DRAFT = "faitfoi_restoring"


def back_up(folder: Path, target: Path) -> int:
    """Write the whole database of the server of `folder` to `target` (pg_dump's own format); returns its bytes.

    What is committed when it begins is in it, and people may go on working. The file appears whole or not at all and
    never replaces another one. Raises DatabaseUnavailable with a French sentence.
    """
    server = embedded.start(folder)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        if target.exists():
            raise DatabaseUnavailable(f"{target} existe déjà : une sauvegarde n'en remplace jamais une autre.")
        with _for_us_alone(draft) as file:
            _run(folder, "pg_dump", "--format=custom", f"--dbname={_whole(server)}", into=file.fileno())
            os.fsync(file.fileno())
        draft.rename(target)
    except OSError as error:
        raise DatabaseUnavailable(f"La sauvegarde ne s'écrit pas dans {target} : {error.strerror}.") from error
    finally:
        draft.unlink(missing_ok=True)
        _stop(folder, server)
    return target.stat().st_size


def put_back(folder: Path, source: Path, *, at: datetime) -> str:
    """Put a backup in the place of the database; returns the name under which what it replaced is kept.

    The backup is read whole into a database of its own first, so a damaged file changes nothing. Raises
    DatabaseUnavailable, also while anything is connected: `faitfoi run` and the workers must be stopped.
    """
    if not source.is_file():
        raise DatabaseUnavailable(
            f"{source} n'est pas un fichier : donnez celui que « faitfoi database backup » a fait."
        )
    server = embedded.start(folder)
    aside = f"{roles.DATABASE}_before_{at:%Y%m%d_%H%M%S}"
    try:
        roles.drop_database(server.superuser_url, _DRAFT)
        roles.create_database(server.superuser_url, _DRAFT)
        address = roles.on_database(server.superuser_url, _DRAFT)
        _run(folder, "pg_restore", "--exit-on-error", "--single-transaction", f"--dbname={address}", str(source))
        _swap(server.superuser_url, aside=aside)
    finally:
        _stop(folder, server)
    return aside


def _swap(superuser_url: str, *, aside: str) -> None:
    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    name, draft, kept = map(sql.Identifier, (roles.DATABASE, _DRAFT, aside))
    try:
        with psycopg.connect(superuser_url) as connection:
            connection.execute(rename.format(name, kept))
            connection.execute(rename.format(draft, name))
    except psycopg.errors.ObjectInUse as error:
        raise DatabaseUnavailable(
            "La base sert encore : arrêtez « faitfoi run » et les ouvriers, puis recommencez. Rien n'a été changé."
        ) from error
    roles.prepare(superuser_url)


def _for_us_alone(path: Path) -> BinaryIO:
    # Every organisation's rows are in it.
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")


def _whole(server: embedded.Running) -> str:
    return roles.on_database(server.superuser_url, roles.DATABASE)


def _stop(folder: Path, server: embedded.Running) -> None:
    if server.started_here:
        embedded.stop(folder, only_if_unused=True)


def _run(folder: Path, program: str, *options: str, into: int = subprocess.DEVNULL) -> None:
    layout = existing(folder.absolute())
    if layout is None:
        raise DatabaseUnavailable(f"Aucune base dans {folder}.")
    programs = bin_folder(layout.account, shelter=SHELTER)
    done = subprocess.run(
        [str(programs / program), *options],
        stdout=into,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        env=_ENVIRONMENT,
    )
    if done.returncode:
        said = " ".join((done.stderr.strip().splitlines() or [f"code {done.returncode}"])[-1].split())
        raise DatabaseUnavailable(f"{program} n'a pas abouti, rien n'a été changé : {said}")
