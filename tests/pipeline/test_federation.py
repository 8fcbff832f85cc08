"""Two installations vouch for each other: each has its own folder and database, and serves a witness for the other."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from faitfoi.database import roles
from tests.conftest import template_database
from tests.postgres import cluster, fresh_database


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """One installation, with what its commands are told."""

    home: Path
    environment: dict[str, str]
    more: dict[str, str] = field(default_factory=dict)

    def run(self, *words: str) -> str:
        done = subprocess.run(self._command(words), env=self._told, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextmanager
    def witness(self, *logs: str) -> Iterator[dict[str, str]]:
        """Serve a witness for these journals; yields the settings that it printed."""
        options = [word for log in logs for word in ("--log", log)]
        name = f"{self.home.name}.example"
        words = ["witness", str(self.home / "temoin"), "--name", name, "--port", "0", *options]
        with subprocess.Popen(self._command(words), env=self._told, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                yield dict(process.stdout.readline().strip().split("=", 1) for _ in range(2))
            finally:
                process.send_signal(signal.SIGTERM)

    def key(self) -> str:
        """The key of its journal."""
        found = re.search(r"Clé du journal : (\S+)", self.run("checkpoint"))
        assert found is not None
        return found[1]

    @property
    def _told(self) -> dict[str, str]:
        return {**os.environ, **self.environment, "FAITFOI_HOME": str(self.home), **self.more}

    def _command(self, words: tuple[str, ...] | list[str]) -> list[str]:
        return [sys.executable, "-u", "-m", "faitfoi.cli", *words]


@contextmanager
def house(folder: Path, name: str) -> Iterator[House]:
    database = f"house_{name}_{os.getpid()}"
    copy = fresh_database(database, template=template_database())
    (folder / name).mkdir()
    try:
        yield House(home=folder / name, environment={"DATABASE_URL": copy.app_url, "FAITFOI_OWNER_URL": copy.owner_url})
    finally:
        roles.drop_database(cluster().superuser_url, database)


def test_two_installations_vouch_for_each_other(tmp_path: Path) -> None:
    with house(tmp_path, "a") as a, house(tmp_path, "b") as b:
        key_a, key_b = a.key(), b.key()
        with a.witness(key_b, key_a) as at_a, b.witness(key_a) as at_b:
            a.more.update(at_b)
            b.more.update(at_a)
            a.run("organisation", "add", "premiere", "--name", "Première", "--siren", "000000018")
            b.run("organisation", "add", "seconde", "--name", "Seconde", "--siren", "000000026")
            assert "— b.example " in a.run("checkpoint")
            assert "— a.example " in b.run("checkpoint")
