"""Real backups of the tests' database, by pg_dump and pg_restore, and the governed restore that follows."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections
from pytest_django import Settings

from faitfoi.accounts.models import User
from faitfoi.database import roles
from faitfoi.database.binaries import bin_folder
from faitfoi.database.layout import SHELTER, existing
from faitfoi.pipeline.restoring import approve, request_restore, run_restore
from faitfoi.web.settings import database as read_url
from tests.postgres import FOLDER, cluster

PASSWORD = "mot de passe de démonstration"


@pytest.fixture
def owner_known(settings: Settings) -> Iterator[None]:
    """The address of the tables' owner, as `platform_open` gives it to every command; no request of an earlier test."""
    shutil.rmtree(settings.FAITFOI_HOME / "restore", ignore_errors=True)
    owner = read_url(cluster().owner_url)
    connections.settings["owner"] = {**connections.settings["default"], **owner, "NAME": _name()}
    yield
    del connections.settings["owner"]


def governed_restore(asker: User, approver: User) -> None:
    """Ask for a restore, have another person approve it, and run it."""
    asked = request_restore(email=asker.email, password=PASSWORD, reason="Le disque a lâché.", backup="lundi.dump")
    approve(asked.name, email=approver.email, password=PASSWORD)
    run_restore(asked.name)


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


def copy_database(name: str) -> None:
    """Keep a copy of the database of the tests under a name: as a backup does, in a tenth of the time."""
    connections["default"].close()
    server = cluster()
    roles.drop_database(server.superuser_url, _copy(name))
    roles.create_database(server.superuser_url, _copy(name), template=_name())


def put_copy_back(name: str) -> None:
    """Put a copy in the place of the database."""
    connections["default"].close()
    server = cluster()
    roles.drop_database(server.superuser_url, _name())
    roles.create_database(server.superuser_url, _name(), template=_copy(name))


def drop_copies(*names: str) -> None:
    """Forget copies."""
    for name in names:
        roles.drop_database(cluster().superuser_url, _copy(name))


def _copy(name: str) -> str:
    return f"{_name()}_{name}"


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
