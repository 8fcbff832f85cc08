"""The dossier of an invoice verifies with openssl and coreutils alone, and a changed file is named."""

import hashlib
import io
import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from pytest_django import Settings

from faitfoi.accounts.models import ChannelKey
from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.dossier_check import verify_dossier
from faitfoi.pipeline.dossiers import make_dossier, plan
from faitfoi.pipeline.stamping import stamp_last_checkpoint
from faitfoi.pipeline.witnessing import witnessed
from faitfoi.records.models import JournalEntry
from tests.evidence.tsa import Authority, serving
from tests.pipeline.cast import TOWN, Scene, file
from tests.pipeline.typist import Typist

pytestmark = pytest.mark.django_db(transaction=True)


def unpacked(scene: Scene, number: str, folder: Path) -> Path:
    """The dossier of a document, as whoever receives it unpacks it."""
    name, content = make_dossier(scene.organisation.id, scene.document(number).id)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder)
    return folder / name


def verify(folder: Path) -> subprocess.CompletedProcess[str]:
    """What verify.sh says, with nothing of ours on its path."""
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    command = ["sh", "verify.sh"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refresh_lists(folder: Path) -> None:
    """Make the lists of digests say what the files are now, as a forger would."""
    for name in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        listed = [line.partition("  ")[2] for line in (folder / name).read_text().splitlines()]
        lines = (f"{hashlib.sha256((folder / each).read_bytes()).hexdigest()}  {each}\n" for each in listed)
        (folder / name).write_text("".join(lines))


@pytest.fixture
def dossier(scene: Scene, tmp_path: Path) -> Path:
    scene.send(file("F-1"), file("F-2", TOWN), file("F-3"))
    return unpacked(scene, "F-2", tmp_path)


def test_a_dossier_verifies_without_us(dossier: Path) -> None:
    said = verify(dossier)
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.splitlines()[-1] == "Le dossier est vrai."
    assert "un témoin l'a vu le" in said.stdout
    assert "le cachet couvre toute la facture" in said.stdout
    assert len(list((dossier / "data/journal").glob("*.json"))) >= 3
    found = verify_dossier(files_of(dossier))
    assert (found.lies, len(found.fingerprints)) == ((), 3)
    for digest in found.fingerprints.values():
        assert digest in said.stdout


def test_the_command_verifies_the_archive_and_the_folder(
    scene: Scene, dossier: Path, tmp_path: Path, typist: Typist
) -> None:
    archive = tmp_path / "dossier.zip"
    archive.write_bytes(make_dossier(scene.organisation.id, scene.document("F-2").id)[1])
    for path in (archive, dossier):
        done = typist.type("verify", str(path), "--json")
        assert (done.returncode, json.loads(done.stdout)["sound"]) == (0, True)
    (dossier / "data/original.json").write_bytes(b"{}")
    done = typist.type("verify", str(dossier))
    assert done.returncode == 1
    assert "data/original.json : ce n’est pas le fichier que l’écriture nomme" in done.stderr
    pin = verify_dossier(files_of(dossier)).fingerprints["data/cles/journal.pem"]
    archive.with_suffix(".txt").write_text(pin)
    assert typist.type("verify", str(archive), "--pin", f"sha256={pin}").returncode == 0
    assert typist.type("verify", str(archive), "--pin", f"sha256={'0' * 64}").returncode == 1
    assert typist.type("verify", str(archive), "--pin", str(archive.with_suffix(".txt"))).returncode == 1
    assert typist.type("verify", str(archive), "--pin", "sha256=12").returncode == 2
    assert typist.type("verify", "--page", str(tmp_path / "page.html")).returncode == 0
    assert (tmp_path / "page.html").read_bytes() == (dossier / "verifier.html").read_bytes()
    assert typist.type("verify").returncode == 2
    archive.write_bytes(b"PK\x03\x04 not an archive")
    assert typist.type("verify", str(archive)).returncode == 2
    assert typist.type("verify", str(tmp_path / "absent.zip")).returncode == 2


@pytest.mark.parametrize(
    "name",
    [
        "data/facture.pdf",
        "data/original.json",
        "data/factur-x.xml",
        "data/entry.json",
        "data/proof.tlog-proof",
        "data/checkpoint",
        "data/cles/journal.pem",
        "data/cles/temoin.pem",
        "data/cles/temoin.nom",
        "data/certificats/cachet.pem",
    ],
)
def test_a_changed_byte_is_seen_even_when_the_lists_are_refreshed(dossier: Path, name: str) -> None:
    changed = bytearray((dossier / name).read_bytes())
    for place in {len(changed) // 3, len(changed) // 2, len(changed) - 3}:
        forged = dossier.with_name(f"{dossier.name}-{place}")
        shutil.copytree(dossier, forged)
        altered = bytearray(changed)
        altered[place] ^= 1
        (forged / name).write_bytes(altered)
        before = verify(forged)
        assert (before.returncode, name in before.stderr) == (1, True), before.stderr
        assert name in {lie.file for lie in verify_dossier(files_of(forged)).lies}
        refresh_lists(forged)
        assert verify(forged).returncode != 0, (name, place)
        assert not verify_dossier(files_of(forged)).sound, (name, place)


def test_a_time_stamped_dossier_says_when_and_a_changed_stamp_is_seen(
    scene: Scene, tmp_path: Path, settings: Settings
) -> None:
    with serving(Authority(tmp_path / "tsa")) as authority:
        settings.FAITFOI_TSA, settings.FAITFOI_TSA_ROOTS = authority.url, str(authority.roots)
        authority.down = True
        scene.send(file("F-1"))
        assert stamp_last_checkpoint() == 0  # nothing was held up
        authority.down = False
        witnessed()
        assert (stamp_last_checkpoint(), stamp_last_checkpoint()) == (1, 0)
        scene.send(file("F-2"))
        dossier = unpacked(scene, "F-1", tmp_path)
    said = verify(dossier)
    assert (said.returncode, said.stderr) == (0, "")
    assert "le point de contrôle existait le" in said.stdout
    assert verify_dossier(files_of(dossier)).lies == ()

    (token,) = (dossier / "data/horodatage").glob("*.tst")
    changed = bytearray(token.read_bytes())
    changed[-5] ^= 1
    token.write_bytes(changed)
    refresh_lists(dossier)
    assert token.name in verify(dossier).stderr
    assert [lie.file for lie in verify_dossier(files_of(dossier)).lies] == [f"data/horodatage/{token.name}"]


def test_a_story_changed_is_named(dossier: Path) -> None:
    entry = min((dossier / "data/journal").glob("*.json"))
    entry.write_bytes(entry.read_bytes().replace(b'"actor":"', b'"actor":"x'))
    refresh_lists(dossier)
    said = verify(dossier)
    assert said.returncode == 1
    assert entry.name in said.stderr


def test_another_invoice_s_entry_does_not_prove_this_one(scene: Scene, dossier: Path, tmp_path: Path) -> None:
    other = unpacked(scene, "F-1", tmp_path)
    for name in ("facture.pdf", "certificats/cachet.pem"):
        shutil.copy(other / "data" / name, dossier / "data" / name)
    refresh_lists(dossier)
    said = verify(dossier)
    assert said.returncode == 1
    assert "data/facture.pdf n'est pas le fichier que l'écriture nomme" in said.stderr


def test_every_dossier_is_written_once_and_a_second_run_takes_it_up(
    scene: Scene, tmp_path: Path, typist: Typist
) -> None:
    scene.send(file("F-1"), file("F-2", TOWN), file("F/2", issue_date="2025-12-30", due_date="2026-01-30"))
    folder, slug = tmp_path / "dossiers", scene.organisation.slug
    assert typist.type("dossier", "--all", "--organisation", slug).returncode == 2
    assert typist.type("dossier", "F-1", "--all", "-o", str(folder), "--organisation", slug).returncode == 2
    assert typist.type("dossier", "--year", "2024", "-o", str(folder), "--organisation", slug).returncode == 2
    done = typist.type("dossier", "--year", "2026", "-o", str(folder), "--organisation", slug)
    assert (done.returncode, "2 dossiers écrits" in done.stdout) == (0, True), done.stderr
    done = typist.type("dossier", "--all", "-o", str(folder), "--organisation", slug)
    assert "1 dossiers écrits, 2 y étaient déjà" in done.stdout
    written = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.zip"))
    assert written == ["2025/dossier-F-2.zip", "2026/dossier-F-1.zip", "2026/dossier-F-2.zip"]
    for path in folder.rglob("*.zip"):
        assert typist.type("verify", str(path)).returncode == 0
    with acting_for(scene.organisation.id):
        assert JournalEntry.objects.filter(kind="communicated").count() == 3


def test_numbers_that_read_alike_as_file_names_get_files_of_their_own(scene: Scene) -> None:
    scene.send(file("F-2"), file("F/2"))
    paths = [each.path for each in plan(scene.organisation.id)]
    assert paths[0] == "2026/dossier-F-2.zip"
    assert len({path.lower() for path in paths}) == 2
    assert paths == [each.path for each in plan(scene.organisation.id)]


def test_the_other_versions_are_proved_too(dossier: Path) -> None:
    """What a public buyer was given on Chorus Pro is in the dossier, and the entry names it."""
    version = dossier / "data/chorus.pdf"
    assert version.exists()
    version.write_bytes(version.read_bytes() + b"\n")
    refresh_lists(dossier)
    assert "data/chorus.pdf" in verify(dossier).stderr
    assert [lie.file for lie in verify_dossier(files_of(dossier)).lies] == ["data/chorus.pdf"]


def test_a_version_that_went_to_chorus_pro_as_xml_is_proved_too(scene: Scene, tmp_path: Path) -> None:
    scene.change(ChannelKey.CHORUS_PRO, format_flux="ubl")
    scene.send(file("F-2", TOWN))
    folder = unpacked(scene, "F-2", tmp_path)
    version = folder / "data/chorus.xml"
    assert not (folder / "data/chorus.pdf").exists()
    assert verify(folder).returncode == 0, verify(folder).stderr
    assert verify_dossier(files_of(folder)).lies == ()
    version.write_bytes(version.read_bytes() + b"\n")
    refresh_lists(folder)
    assert "data/chorus.xml" in verify(folder).stderr
    assert [lie.file for lie in verify_dossier(files_of(folder)).lies] == ["data/chorus.xml"]
