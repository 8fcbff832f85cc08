"""The demonstration stays among its own, and an interrupted one goes on with the right account."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from faitfoi.accounts.models import Organisation
from faitfoi.cli.demonstration.loading import real_organisations
from faitfoi.database import embedded, roles
from tests.database.conftest import sweep
from tests.waiting import PATIENCE, wait_for

COMMAND = (sys.executable, "-u", "-m", "faitfoi.cli", "demo", "--once")


@pytest.mark.django_db
def test_real_organisations_are_seen_before_a_demonstration_s_workers_start(
    cooperative: Organisation, rival: Organisation
) -> None:
    assert cooperative.demonstration
    assert real_organisations() == [rival.name]


@pytest.mark.slow
def test_an_interrupted_demonstration_goes_on_and_calls_nothing_lost(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    request.addfinalizer(lambda: sweep(tmp_path / "postgres"))
    kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "FAITFOI_OWNER_URL"}}
    environment = {**kept, "FAITFOI_HOME": str(tmp_path)}
    with (tmp_path / "said.txt").open("w") as said:
        first = subprocess.Popen(COMMAND, env=environment, stdout=said, stderr=said)
    wait_for(lambda: some_have_left(tmp_path), "deliveries", meanwhile=lambda: still_runs(first, tmp_path))
    first.send_signal(signal.SIGTERM)
    assert first.wait(timeout=PATIENCE) == 130, (tmp_path / "said.txt").read_text()

    again = subprocess.run(COMMAND, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False)
    counts = json.loads(next(line for line in again.stdout.splitlines() if line.startswith("{")))
    assert (again.returncode, counts["lost"], counts["doubled"]) == (0, 0, 0), again.stdout
    assert counts["sent"] > 0


def still_runs(process: subprocess.Popen[bytes], home: Path) -> None:
    assert process.poll() is None, (home / "said.txt").read_text()


def some_have_left(home: Path) -> bool:
    """Tell whether some deliveries have left, as the tables say."""
    if "fichiers reçus" not in (home / "said.txt").read_text():
        return False
    running = embedded.running(home / "postgres")
    assert running is not None
    with psycopg.connect(roles.on_database(running.superuser_url, roles.DATABASE)) as connection:
        row = connection.execute("SELECT count(*) FROM records_delivery WHERE stage = 'accepted'").fetchone()
    return row is not None and row[0] > 2
