"""Real backups of the tests' database, by pg_dump and pg_restore, and what the simulators say of what they received."""

import subprocess
from pathlib import Path

from django.db import connections

from faitfoi.database import roles
from faitfoi.database.binaries import bin_folder
from faitfoi.database.layout import SHELTER, existing
from tests.postgres import FOLDER, cluster


def back_up(target: Path) -> None:
    """Write the whole database of the tests to a file."""
    _run("pg_dump", "--format=custom", f"--file={target}", f"--dbname={_address()}")


def restore_backup(source: Path) -> None:
    """Put a backup in the place of the database: dropped, made again, filled."""
    connections["default"].close()
    server, name = cluster(), _name()
    roles.drop_database(server.superuser_url, name)
    roles.create_database(server.superuser_url, name)
    _run("pg_restore", "--exit-on-error", "--single-transaction", f"--dbname={_address()}", str(source))


def _name() -> str:
    return str(connections["default"].settings_dict["NAME"])


def _address() -> str:
    return roles.on_database(cluster().superuser_url, _name())


def _run(program: str, *options: str) -> None:
    layout = existing(FOLDER.absolute())
    assert layout is not None
    command = [str(bin_folder(layout.account, shelter=SHELTER) / program), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"LC_ALL": "C", "TZ": "UTC"})
    assert done.returncode == 0, done.stderr
