"""What the proof promises, shown on a database of sent invoices, by the commands alone.

SENT  how many invoices (2000)
"""

import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from faitfoi.database import embedded, roles
from tests.pipeline.cast import FARMER, TOWN, file
from tests.slow.installation import Installation

pytestmark = pytest.mark.slow

SENT = int(os.environ.get("SENT", "2000"))
LOST = 12  # invoices that the restored backup does not know
PLAIN_TOOLS = ("openssl", "sh")
COREUTILS = (
    *("base64", "basename", "basenc", "cat", "cmp", "comm", "csplit", "cut", "date", "dirname", "echo", "expr", "head"),
    *(
        "join",
        "ls",
        "mkdir",
        "mktemp",
        "mv",
        "od",
        "paste",
        "printf",
        "rm",
        "seq",
        "sha256sum",
        "sha512sum",
        "sort",
        "split",
    ),
    *("tac", "tail", "tee", "test", "tr", "uniq", "wc"),
)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with Installation(tmp_path_factory.mktemp("proof")) as installed:
        installed.settle_in()
        hand_over(installed, "first", 1, SENT)
        yield installed


def hand_over(installed: Installation, name: str, first: int, last: int) -> subprocess.CompletedProcess[str]:
    """Send a folder of invoices, one in two to the town."""
    folder = installed.home / name
    folder.mkdir()
    for n in range(first, last + 1):
        (folder / f"F-{n:05d}.json").write_bytes(file(f"F-{n:05d}", TOWN if n % 2 else FARMER))
    return installed.call("send", str(folder), "--json")


def with_plain_tools(folder: Path) -> dict[str, str]:
    """An environment whose path has openssl, a shell and coreutils, and nothing else."""
    tools = folder / "tools"
    tools.mkdir()
    for name in (*PLAIN_TOOLS, *COREUTILS):
        found = shutil.which(name)
        if found:
            (tools / name).symlink_to(found)
    return {"PATH": str(tools), "LC_ALL": "C.UTF-8"}


def test_a_dossier_verifies_with_openssl_and_coreutils_alone(installation: Installation, tmp_path: Path) -> None:
    archive = tmp_path / "dossier.zip"
    installation.run("dossier", f"F-{SENT // 2:05d}", "--output", str(archive))
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path)
    (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
    environment = with_plain_tools(tmp_path)

    done = subprocess.run(["sh", "verify.sh"], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr

    names = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]
    assert len(names) > 12
    for name in names:
        if name == "verify.sh":
            continue  # who changes the judge is seen by the other two judges
        whole = (folder / name).read_bytes()
        altered = bytearray(whole)
        altered[len(altered) // 2] ^= 1
        (folder / name).write_bytes(altered)
        lied = subprocess.run(
            ["sh", "verify.sh"], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        (folder / name).write_bytes(whole)
        assert lied.returncode != 0, name
        assert name in lied.stderr, (name, lied.stderr)


def test_fsck_is_clean_then_names_the_byte_and_the_row(installation: Installation) -> None:
    assert installation.call("fsck").returncode == 0

    files = [path for path in (installation.home / "store").rglob("*") if path.is_file()]
    for lying in (
        max((path for path in files if "journal" not in path.parts), key=lambda path: path.stat().st_size),
        max((path for path in files if "journal" in path.parts), key=lambda path: path.stat().st_size),
    ):
        whole, mode = lying.read_bytes(), lying.stat().st_mode
        altered = bytearray(whole)
        altered[len(altered) // 2] ^= 1
        lying.chmod(0o600)
        lying.write_bytes(altered)
        told = json.loads(installation.call("fsck", "--json").stdout)
        lying.write_bytes(whole)
        lying.chmod(mode)
        assert not told["sound"], lying
        assert lying.name in json.dumps(told["problems"]).replace("/", ""), lying

    running = embedded.running(installation.home / "postgres")
    assert running is not None
    # As whoever administers the database may: triggers off, one word of one entry changed.
    address = roles.on_database(running.superuser_url, roles.DATABASE)
    with psycopg.connect(address) as connection:
        connection.execute("SET session_replication_role = replica")
        changed = connection.execute(
            "UPDATE records_journalentry SET body = replace(body, 'stage_moved', 'stage_mooed') "
            "WHERE id = (SELECT max(id::text)::uuid FROM records_journalentry WHERE kind = 'stage_moved') RETURNING id"
        ).fetchone()
    assert changed is not None
    done = installation.call("fsck", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["problems"], done.stdout
    with psycopg.connect(address) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE records_journalentry SET body = replace(body, 'stage_mooed', 'stage_moved')")
    assert installation.call("fsck").returncode == 0


def test_a_restored_backup_stops_and_a_governed_restore_brings_everything_back(installation: Installation) -> None:
    words = {who: installation.open_account(f"{who}@vallees.example", role="manager") for who in ("alice", "bob")}
    backup = installation.home / "monday.dump"
    installation.run("database", "backup", str(backup))
    hand_over(installation, "since", SENT + 1, SENT + LOST)
    installation.run("follow")
    seen, before = installation.checkpoint(), installation.arrived()
    assert len(before[0]) + len(before[1]) == SENT + LOST

    installation.run("database", "restore", str(backup))
    stopped = hand_over(installation, "after", SENT + LOST + 1, SENT + LOST + 4)
    assert stopped.returncode == 1
    assert "en arrière" in stopped.stderr
    assert "en arrière" in installation.run("restore", "status")
    assert installation.arrived() == before  # nothing has left
    assert len(installation.documents()) == SENT  # no number has been burnt

    asked = installation.run(
        *("restore", "request", "--by", "alice@vallees.example", "--backup", backup.name, "--reason", "Le disque"),
        said=words["alice"] + "\n",
    )
    name = asked.partition("Demande ")[2].split()[0]
    assert f"Numéros qui manquent : {LOST}" in asked
    own = installation.call("restore", "approve", name, "--by", "alice@vallees.example", said=words["alice"] + "\n")
    assert own.returncode != 0
    assert installation.call("restore", "run", name).returncode != 0
    installation.run("restore", "approve", name, "--by", "bob@vallees.example", said=words["bob"] + "\n")
    installation.run("restore", "run", name)

    size, root = seen
    assert installation.root_at(size) == root
    installation.call("send", "--resume", "--json")
    documents = installation.documents()
    assert sorted(documents) == [f"F-{n:05d}" for n in range(1, SENT + LOST + 5)]
    mails, deposits = installation.arrived()
    assert (len(set(mails)), len(set(deposits))) == (len(mails), len(deposits))
    assert len(mails) + len(deposits) == SENT + LOST + 4
    assert installation.call("fsck").returncode == 0
