"""What cannot be opened is said in a sentence: what, where, and what to do; never a traceback, never a password."""

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from faitfoi.database import embedded
from tests.database.conftest import sweep
from tests.waiting import PATIENCE


def faitfoi(*arguments: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in an environment of its own."""
    kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "FAITFOI_OWNER_URL"}}
    return subprocess.run(
        [sys.executable, "-m", "faitfoi.cli", *arguments],
        env={**kept, "FAITFOI_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("facturation", "postgresql://utilisateur"),
        ("mysql://u:motsecret@127.0.0.1/faitfoi", "postgresql://utilisateur"),
        ("postgresql://u:motsecret@machine:port/faitfoi", "postgresql://utilisateur"),
        ("postgresql://u:motsecret@127.0.0.1:1", "postgresql://utilisateur"),
        ("postgresql://u:motsecret@127.0.0.1:1/faitfoi", "Vérifiez DATABASE_URL"),
        ("postgresql://u:motsecret@127.0.0.1:1/faitfoi?inconnu=1", "Vérifiez DATABASE_URL"),
    ],
)
def test_an_address_that_leads_nowhere_is_said_in_a_sentence(tmp_path: Path, url: str, remedy: str) -> None:
    said = faitfoi("documents", home=tmp_path, DATABASE_URL=url)
    assert said.returncode == 1
    assert remedy in said.stderr
    assert "Traceback" not in said.stderr
    assert "motsecret" not in said.stderr


def test_a_home_that_cannot_be_written_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = faitfoi("documents", home=tmp_path / "file" / "home")
    assert said.returncode == 1
    assert "FAITFOI_HOME" in said.stderr
    assert "Traceback" not in said.stderr


@pytest.mark.parametrize("command", ["demo", "run"])
def test_a_second_house_in_the_same_folder_is_refused_before_it_touches_anything(tmp_path: Path, command: str) -> None:
    with (tmp_path / "house.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = faitfoi(command, home=tmp_path)
    assert said.returncode == 1
    assert "tourne déjà" in said.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["house.lock"]


def test_a_polite_kill_leaves_no_database_behind(tmp_path: Path) -> None:
    program = "from faitfoi.cli.server import platform_open\nwith platform_open(): print('open', flush=True); input()"
    kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "FAITFOI_OWNER_URL"}}
    command = subprocess.Popen(
        [sys.executable, "-c", program],
        env={**kept, "FAITFOI_HOME": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert command.stdout is not None
        assert command.stdout.readline() == b"open\n"
        assert embedded.status(tmp_path / "postgres").running
        command.send_signal(signal.SIGTERM)
        command.wait(timeout=PATIENCE)
        assert not embedded.status(tmp_path / "postgres").running
    finally:
        command.kill()
        command.communicate()
        sweep(tmp_path / "postgres")
