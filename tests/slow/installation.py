"""An installation of its own, used only by its commands: own home, own database, simulators as processes."""

import base64
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

from faitfoi.cli.supervisor import control, free_port
from faitfoi.database import embedded, roles
from faitfoi.evidence.merkle import root
from tests.pipeline.cast import EVERYBODY, channel_settings
from tests.slow.fleet import Fleet
from tests.waiting import wait_for

PATIENCE = 3600.0  # of a whole command on a crowded machine
SHORT = 5
"""Seconds that the other sides are waited for: what a killed worker held is asked about soon after."""


class Installation:
    """`faitfoi` in an empty home, with a mail relay and a Chorus Pro that run as long as it is entered.

    With `app_url` and `owner_url` it works on that PostgreSQL, else on an embedded one.
    """

    def __init__(self, folder: Path, *, app_url: str = "", owner_url: str = "") -> None:
        self.home = folder / "home"
        self.home.mkdir()
        taken = {name: value for name, value in os.environ.items() if not name.startswith(("FAITFOI_", "DATABASE_"))}
        taken.pop("DJANGO_SETTINGS_MODULE", None)
        self.environment = {**taken, "FAITFOI_HOME": str(self.home), "FAITFOI_TODAY": "2026-11-21", "COLUMNS": "200"}
        self._own_database = not app_url
        if app_url:
            self.environment |= {"DATABASE_URL": app_url, "FAITFOI_OWNER_URL": owner_url}
        self.ports = [free_port() for _ in range(4)]
        self.fleet = Fleet(folder, environment=self.environment)

    def __enter__(self) -> Self:
        smtp, smtp_control, chorus, chorus_control = self.ports
        self.fleet.start("smtp", ["simulate", "smtp", "--port", f"{smtp}", "--control-port", f"{smtp_control}"])
        self.fleet.start("chorus", ["simulate", "chorus", "--port", f"{chorus}", "--control-port", f"{chorus_control}"])
        for port in self.ports:
            wait_for(lambda port=port: answers(port), f"an answer on port {port}", meanwhile=self.fleet.check)  # type: ignore[misc]
        if self._own_database:
            self.run("database", "start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.fleet.__exit__(kind, error, trace)
        if self._own_database:
            self.call("database", "stop")

    def call(self, *words: str, said: str = "") -> subprocess.CompletedProcess[str]:
        """Run `faitfoi WORDS`, whatever its exit code."""
        command = [sys.executable, "-m", "faitfoi.cli", *words]
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
            cwd=self.home,
            env=self.environment,
            input=said,
        )

    def run(self, *words: str, said: str = "") -> str:
        """Run `faitfoi WORDS`, which must succeed; returns what it says."""
        done = self.call(*words, said=said)
        assert done.returncode == 0, f"faitfoi {' '.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def settle_in(self) -> None:
        """Make one organisation with the cast's customers and both channels."""
        self.run("organisation", "add", "vallees", "--name", "CUMA des Trois Vallées", "--siren", "000000018")
        address = f"http://127.0.0.1:{self.ports[2]}"
        channels = channel_settings(smtp_port=self.ports[0], chorus_url=address, patience=SHORT)
        for key, values in channels.items():
            self.run("channel", "set", key.value, *(f"{name}={value}" for name, value in values.items()))
        rows = (
            f"{b.reference};{b.name};{b.nature.value};{b.siren};{b.siret};{b.email};{b.electronic}" for b in EVERYBODY
        )
        header = "reference;name;nature;siren;siret;billing_email;electronic_address"
        self.run("customers", "import", "-", said="\n".join((header, *rows)) + "\n")

    def open_account(self, email: str, *, role: str) -> str:
        """Open an account and return its password."""
        return self.run("account", "add", email, "--role", role).split()[-1]

    def documents(self) -> list[str]:
        """The numbers of all documents."""
        return [json.loads(line)["number"] for line in self.run("documents", "--json").splitlines()]

    def checkpoint(self) -> tuple[int, str]:
        """The size and the root (base64) of the journal, as the witness has just signed them."""
        _, size, root, *_ = self.run("checkpoint").splitlines()
        return int(size), root

    def root_at(self, size: int) -> str:
        """The root (base64) of the first entries, computed from the leaves in the table."""
        found = embedded.running(self.home / "postgres")
        assert found is not None
        with psycopg.connect(roles.on_database(found.superuser_url, roles.DATABASE)) as connection:
            leaves = connection.execute(
                "SELECT leaf FROM records_journalleaf WHERE index < %s ORDER BY index", [size]
            ).fetchall()
        assert len(leaves) == size
        return base64.b64encode(root(bytes(leaf) for (leaf,) in leaves)).decode()

    def arrived(self) -> tuple[list[str], list[str]]:
        """What the other sides say they have: the Message-IDs of mails, the numbers of deposits."""
        mails: Any = self._records(self.ports[1])
        deposits: Any = self._records(self.ports[3])
        return [mail["message_id"] for mail in mails["messages"]], [each["number"] for each in deposits["deposits"]]

    def _records(self, port: int) -> object:
        return json.loads(control(f"http://127.0.0.1:{port}", "records"))


def answers(port: int) -> bool:
    """Tell whether something listens on a loopback port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
