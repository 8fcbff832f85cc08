"""What `docs/postgresql.md` tells to type on one's own server is enough, and no more is needed."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from faitfoi.database import roles
from tests.environment import ROOT
from tests.postgres import cluster
from tests.waiting import PATIENCE

SUFFIX = f"_{os.getpid()}"  # roles belong to the whole server, which other tests share


def statements() -> list[list[str]]:
    """Return the page's SQL, block by block, for roles and a database of our own."""
    page = (ROOT / "docs" / "postgresql.md").read_text()
    own = [re.sub(r"\b(faitfoi_owner|faitfoi_app|faitfoi)\b", rf"\1{SUFFIX}", block) for block in blocks(page)]
    return [[each for each in block.split(";") if each.strip()] for block in own]


def blocks(page: str) -> list[str]:
    return re.findall(r"```sql\n(.*?)```", page, flags=re.DOTALL)


@pytest.fixture
def server() -> Iterator[str]:
    """A superuser's address of a server on which the page has been followed."""
    server = cluster()
    in_server, in_database = statements()
    name = f"faitfoi{SUFFIX}"
    with psycopg.connect(server.superuser_url, autocommit=True) as root:
        for each in in_server:
            root.execute(each.encode())
    with psycopg.connect(roles.on_database(server.superuser_url, name), autocommit=True) as root:
        for each in in_database:
            root.execute(each.encode())
    yield server.superuser_url
    roles.drop_database(server.superuser_url, name)
    with psycopg.connect(server.superuser_url, autocommit=True) as root:
        for role in ("faitfoi_owner", "faitfoi_app"):
            root.execute(f"DROP ROLE {role}{SUFFIX}".encode())


def test_the_page_on_one_s_own_postgresql_is_enough(server: str, tmp_path: Path) -> None:
    url = roles.on_database(server, f"faitfoi{SUFFIX}")
    app, owner = (re.sub(r"//[^:@/]+", f"//{role}{SUFFIX}", url) for role in ("faitfoi_app", "faitfoi_owner"))
    environment = {**os.environ, "FAITFOI_HOME": str(tmp_path), "DATABASE_URL": app, "FAITFOI_OWNER_URL": owner}
    command = [sys.executable, "-m", "faitfoi.cli", "documents", "--json"]
    first = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (first.returncode, first.stderr) == (0, "")

    del environment["FAITFOI_OWNER_URL"]  # up to date: the owner is not needed any more
    again = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (again.returncode, again.stderr) == (0, "")

    as_root = {**environment, "DATABASE_URL": url}
    refused = subprocess.run(command, env=as_root, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert refused.returncode == 1
    assert "SUPERUSER" in refused.stderr
