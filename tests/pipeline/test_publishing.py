"""The whole journal as static files: they lead to the signed root, and tell nobody anything about anybody."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pymerkle
import pytest

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.checkpoint import open_checkpoint
from faitfoi.pipeline.witnessing import log_signer
from faitfoi.records.models import JournalEntry
from tests.pipeline.cast import SILENT, TOWN, Scene, file
from tests.pipeline.people import named, people
from tests.waiting import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "faitfoi.cli", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE, env=dict(os.environ))


def published(folder: Path) -> Iterator[bytes]:
    """The entries in the bundles, read by hand and in order."""
    for path in sorted((folder / "tile" / "entries").rglob("*")):
        data = path.read_bytes() if path.is_file() else b""
        while data:
            length = int.from_bytes(data[:2], "big")
            yield data[2 : 2 + length]
            data = data[2 + length :]


def test_the_published_journal_leads_to_the_signed_root_and_names_nobody(
    scene: Scene, rival: Organisation, tmp_path: Path
) -> None:
    theirs = Scene(organisation=rival, smtp=scene.smtp, chorus=scene.chorus)
    theirs.set_up()
    scene.send(file("PUB-1"), file("PUB-2", TOWN), file("PUB-3", SILENT), b"rien de lisible")
    folder = tmp_path / "public"
    folder.mkdir()
    done = run("checkpoint", "--tiles", str(folder))
    assert done.returncode == 0, done.stderr
    checkpoint, _ = open_checkpoint((folder / "checkpoint").read_bytes(), log_signer().verifier)
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    entries = list(published(folder))
    for entry in entries:
        tree.append_entry(entry)
    assert (tree.get_size(), tree.get_root()) == (checkpoint.size, checkpoint.root)
    with acting_for(scene.organisation.id):
        bodies = {body.encode() for body in JournalEntry.objects.values_list("body", flat=True)}
    assert bodies <= set(entries)
    assert {json.loads(entry)["organisation"] for entry in entries} == {str(scene.organisation.id), str(rival.id)}
    for organisation in (scene.organisation, rival):
        assert named(entries, people(organisation)) == []

    scene.send(file("PUB-4"))
    again = run("checkpoint", "--tiles", str(folder))
    assert again.returncode == 0, again.stderr
    grown, _ = open_checkpoint((folder / "checkpoint").read_bytes(), log_signer().verifier)
    assert grown.size > checkpoint.size

    key = log_signer().verifier.vkey
    for words in (("checkpoint", "--check", str(folder)), ("checkpoint", "--check", str(folder), "--log", key)):
        checked = run(*words)
        assert checked.returncode == 0, checked.stderr
        assert grown.root.hex() in checked.stdout
    (lying,) = (folder / "tile" / "entries").rglob(f"*.p/{grown.size % 256}") if grown.size % 256 else [folder / "x"]
    content = lying.read_bytes()
    lying.write_bytes(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])
    checked = run("checkpoint", "--check", str(folder), "--log", key)
    assert checked.returncode == 1
    assert lying.relative_to(folder).as_posix() in checked.stderr
    assert run("checkpoint", "--check", str(tmp_path), "--log", key).returncode == 2
    assert run("checkpoint", "--check", str(folder), "--log", "x").returncode == 2
