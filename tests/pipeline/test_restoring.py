"""A restored backup stops all but reading, and only a governed restore brings it back to what the witness saw."""

import os
import shutil
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.db import connections
from django.utils import timezone
from pytest_django import Settings
from typer.testing import CliRunner

from faitfoi.accounts.models import Role, User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.cli.main import app
from faitfoi.database import roles
from faitfoi.evidence.leaves import leaf_hash
from faitfoi.evidence.merkle import Frontier
from faitfoi.pipeline import deliver as delivering
from faitfoi.pipeline.dossiers import make_dossier
from faitfoi.pipeline.examination import examine_installation
from faitfoi.pipeline.mirroring import segments
from faitfoi.pipeline.open_channels import Channels
from faitfoi.pipeline.restore_files import CannotRestore, Request
from faitfoi.pipeline.restoring import approve, refuse, request_restore, run_restore
from faitfoi.pipeline.rollback import doubt_file, root_of, stopped
from faitfoi.pipeline.witnesses import held, log_signer
from faitfoi.pipeline.witnessing import JournalBehind, may_number, may_send, witnessed
from faitfoi.records.journal import sequence
from faitfoi.records.models import Alarm, BurntNumber, Delivery, JournalEntry, JournalLeaf
from faitfoi.records.stages import LineOutcome, Stage
from tests.conftest import make_member
from tests.pipeline.backups import PASSWORD, back_up, governed_restore, owner_known, restore_backup
from tests.pipeline.cast import TOWN, Scene, file, ids_of
from tests.pipeline.test_witnessing import write_some
from tests.postgres import cluster

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["owner_known"]


@pytest.fixture(autouse=True)
def no_earlier_request(settings: Settings, owner_known: None) -> None:
    shutil.rmtree(settings.FAITFOI_HOME / "store", ignore_errors=True)


def ask(who: User) -> Request:
    return request_restore(email=who.email, password=PASSWORD, reason="Le disque a lâché.", backup="lundi.dump")


def numbers(scene: Scene) -> list[str]:
    with acting_for(scene.organisation.id):
        return sorted(BurntNumber.objects.values_list("number", flat=True))


def kinds(scene: Scene) -> list[str]:
    """What the journal tells, in the order of its indices."""
    with acting_for(scene.organisation.id):
        told = dict(JournalEntry.objects.values_list("id", "kind"))
    leaves = JournalLeaf.objects.filter(entry_id__in=told).exclude(index=None).order_by("index")
    return [told[entry_id] for entry_id in leaves.values_list("entry_id", flat=True)]


def each_arrived_once(scene: Scene, *, mails: int, deposits: int) -> None:
    assert len(scene.mails()) == len(set(scene.mails())) == mails
    assert len(scene.deposits()) == len(set(scene.deposits())) == deposits


def test_a_restored_backup_stops_and_a_governed_restore_brings_all_back(
    scene: Scene, alice: User, bob: User, tmp_path: Path
) -> None:
    scene.send(file("F-1"))
    back_up(tmp_path / "monday.dump")
    scene.send(file("F-2"), file("F-3", TOWN))
    witnessed()
    seen = held().furthest(log_signer().verifier)
    assert seen is not None
    restore_backup(tmp_path / "monday.dump")

    batch = scene.hand_over(file("F-4"))
    scene.prepare(batch)
    scene.deliver()
    assert not may_send()
    assert [line.outcome for line in scene.lines(batch)] == [LineOutcome.WAITING]
    assert numbers(scene) == ["F-1"]

    asked = ask(alice)
    missing = asked.facts["missing"]
    assert [each.partition("/2026/")[2] for each in missing["numbers"]] == ["F-2", "F-3"]
    assert {each["number"]: each["channels"] for each in missing["documents"]} == {
        "F-2": ["email accepted"],
        "F-3": ["chorus_pro sent"],
    }
    approve(asked.name, email=bob.email, password=PASSWORD)
    done = run_restore(asked.name)

    assert done.documents == 2
    assert root_of(seen.size) == seen.root
    assert numbers(scene) == ["F-1", "F-2", "F-3"]
    assert scene.stage("F-2") is Stage.ACCEPTED
    assert not Alarm.objects.exists()
    assert {"restore_requested", "restore_approved", "restore_done"} <= set(kinds(scene))
    scene.prepare(batch)
    scene.deliver()
    scene.deliver()
    assert scene.stage("F-4") is Stage.ACCEPTED
    each_arrived_once(scene, mails=3, deposits=1)
    assert "batch_received" in kinds(scene)[seen.size :]


def test_what_was_leaving_when_the_database_was_lost_is_asked_about(
    scene: Scene, alice: User, bob: User, tmp_path: Path
) -> None:
    back_up(tmp_path / "monday.dump")
    batch = scene.hand_over(file("F-1"), file("F-2", TOWN))
    scene.prepare(batch)
    scene.deliver()  # nothing witnesses what became of them: the disk dies first
    restore_backup(tmp_path / "monday.dump")
    governed_restore(alice, bob)

    assert (scene.stage("F-1"), scene.stage("F-2")) == (Stage.TO_FIND, Stage.TO_FIND)
    scene.deliver()
    for _ in range(7):
        scene.advance(minutes=24 * 60)
        scene.ask()
    scene.deliver()
    assert scene.stage("F-1") is Stage.UNKNOWN  # nobody can be asked about a mail: a person decides
    assert scene.stage("F-2") is Stage.SENT
    each_arrived_once(scene, mails=1, deposits=1)


def test_a_database_switched_to_what_the_witness_last_saw_sends_nothing_twice(scene: Scene, tmp_path: Path) -> None:
    """Neither behind nor forked: only the acts since the last checkpoint are gone, and the deliveries had left."""
    scene.prepare(scene.hand_over(file("F-1"), file("F-2", TOWN)))
    organisation_id = scene.organisation.id
    with acting_for(organisation_id):
        ids = ids_of(Delivery.objects.all())
    assert delivering._announced(organisation_id, ids)
    back_up(tmp_path / "replica.dump")
    with Channels(organisation_id) as channels:
        for delivery_id in ids:
            delivering.deliver_one(organisation_id, delivery_id, channels)
    restore_backup(tmp_path / "replica.dump")

    scene.deliver()
    assert scene.stage("F-1") is Stage.TO_FIND
    assert scene.stage("F-2") is Stage.TO_FIND
    each_arrived_once(scene, mails=1, deposits=1)


def test_who_lived_on_after_a_restore_is_brought_back_with_what_they_did(
    scene: Scene, alice: User, bob: User, tmp_path: Path
) -> None:
    scene.send(file("F-1"))
    back_up(tmp_path / "monday.dump")
    scene.send(file("F-2"))
    restore_backup(tmp_path / "monday.dump")
    write_some(scene, 4, kind="lived_on")
    again = scene.hand_over(file("F-2"))  # the same files, handed over again meanwhile
    sequence()
    with pytest.raises(JournalBehind):
        witnessed()
    governed_restore(alice, bob)

    assert kinds(scene).count("lived_on") == 4
    assert numbers(scene) == ["F-1", "F-2"]
    assert may_send()
    scene.deliver()
    each_arrived_once(scene, mails=2, deposits=0)
    again = scene.hand_over(file("F-2"))
    assert [line.outcome for line in scene.lines(again)] == [LineOutcome.READY]


def test_rows_rewritten_by_the_database_s_own_administrator_are_found_and_put_right(
    scene: Scene, alice: User, bob: User
) -> None:
    scene.send(file("F-1"))
    witnessed()
    with acting_for(scene.organisation.id):
        entry = JournalEntry.objects.get(kind="document_sealed")
    forge(entry, entry.body.replace("document_sealed", "document_forged"))
    write_some(scene, 1)
    sequence()
    with pytest.raises(JournalBehind, match="réécrit"):
        witnessed()
    assert not may_number()
    governed_restore(alice, bob)
    with acting_for(scene.organisation.id):
        assert JournalEntry.objects.get(id=entry.id).body == entry.body
    assert may_number()


def test_who_asks_does_not_approve(restored: Scene, alice: User, bob: User, charlie: User) -> None:
    asked = ask(bob)
    with pytest.raises(CannotRestore, match="La même personne ne peut pas demander et approuver"):
        approve(asked.name, email=bob.email, password=PASSWORD)
    make_member(restored.organisation, "bob+2@trois-vallees.example", role=Role.MANAGER)
    with pytest.raises(CannotRestore, match="La même personne"):  # one mailbox, as for an elimination
        approve(asked.name, email="bob+2@trois-vallees.example", password=PASSWORD)
    with pytest.raises(CannotRestore, match="pas son mot de passe"):
        approve(asked.name, email=alice.email, password="autre")
    with pytest.raises(CannotRestore, match="responsable"):
        approve(asked.name, email=charlie.email, password=PASSWORD)
    with pytest.raises(CannotRestore, match="approuvée par personne"):
        run_restore(asked.name)
    assert stopped()


def test_an_approval_lasts_a_day_and_covers_these_very_bytes(
    restored: Scene, alice: User, bob: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ask(alice)
    approve(asked.name, email=bob.email, password=PASSWORD)
    true = timezone.now
    with monkeypatch.context() as later:
        later.setattr("django.utils.timezone.now", lambda: true() + timedelta(hours=24, seconds=1))
        with pytest.raises(CannotRestore, match="ne l’est plus"):
            run_restore(asked.name)
    written = settings.FAITFOI_HOME / "restore" / asked.name / "request.json"
    written.write_bytes(asked.body.replace(b"lundi", b"mardi"))
    with pytest.raises(CannotRestore, match="approuvée par personne"):
        run_restore(asked.name)
    written.write_bytes(asked.body)
    run_restore(asked.name)
    with pytest.raises(CannotRestore, match="déjà été exécutée"):
        run_restore(asked.name)


def test_a_refusal_ends_a_request_and_is_kept(restored: Scene, alice: User, bob: User) -> None:
    asked = ask(alice)
    approve(asked.name, email=bob.email, password=PASSWORD)
    refused = refuse(asked.name, email=bob.email, password=PASSWORD, reason="Ce n’est pas la bonne sauvegarde.")
    assert refused.refused
    with pytest.raises(CannotRestore, match="refusée"):
        run_restore(asked.name)


def test_a_journal_that_agrees_has_nothing_to_restore(scene: Scene, alice: User) -> None:
    scene.send(file("F-1"))
    assert may_send()
    with pytest.raises(CannotRestore, match="rien à remettre"):
        ask(alice)


def test_a_restore_killed_at_any_moment_is_run_again(restored: Scene, alice: User, bob: User) -> None:
    said = told("request", "--by", alice.email, "--reason", "Le disque a lâché.", "--backup", "lundi.dump")
    name = said.partition("Demande ")[2].partition(" ")[0]
    told("approve", name, "--by", bob.email)
    assert "approuvée" in told("status")
    for moment in (0.0, 0.1):
        kill_the_run(name, after=moment)
        assert stopped() or may_send()
    done = subprocess.run(command("run", name), env=environment(), capture_output=True, text=True, check=False)
    assert "Les envois reprennent" in done.stdout, done.stderr

    assert "rien n’est arrêté" in told("status")
    assert may_number()
    assert kinds(restored).count("restore_done") == 1
    assert kinds(restored).count("act") == 3
    each_arrived_once(restored, mails=1, deposits=0)


def test_what_is_lost_for_good_leaves_a_gap_burnt_numbers_and_another_epoch(
    scene: Scene, alice: User, bob: User, settings: Settings, tmp_path: Path
) -> None:
    scene.send(file("F-1"))
    witnessed()
    back_up(tmp_path / "monday.dump")
    kept = {each.name for each in segments()}
    scene.send(file("F-2"))
    witnessed()
    for each in segments():
        if each.name not in kept:
            (settings.FAITFOI_HOME / "store" / each.name).unlink()
    restore_backup(tmp_path / "monday.dump")
    assert not may_send()
    former = log_signer().name

    known = f"{scene.organisation.slug};{scene.organisation.siren};2026;F-2"
    asked = request_restore(
        email=alice.email, password=PASSWORD, reason="Incendie.", backup="lundi.dump", burnt=[known]
    )
    assert asked.facts["missing"]["lost"]
    approve(asked.name, email=bob.email, password=PASSWORD)
    run_restore(asked.name)

    assert log_signer().name == f"{former}/2"
    assert {"gap", "epoch", "restore_done"} <= set(kinds(scene))
    assert may_send()
    again = scene.hand_over(file("F-2"), file("F-3"))
    scene.prepare(again)
    scene.deliver()
    assert [line.outcome for line in scene.lines(again)] == [LineOutcome.REFUSED, LineOutcome.READY]
    each_arrived_once(scene, mails=3, deposits=0)
    name, _ = make_dossier(scene.organisation.id, scene.document("F-1").id)
    assert "F-1" in name
    assert examine_installation().problems == ()  # the checkpoints of the former epoch are read under its name


def told(*words: str) -> str:
    """What `faitfoi restore` says, in this process, which may not migrate the tests' database."""
    owner = connections.settings.pop("owner")
    done = CliRunner().invoke(app, ["restore", *words], input=f"{PASSWORD}\n")
    connections.settings["owner"] = owner
    assert done.exit_code == 0, done.output
    return str(done.output)


def kill_the_run(name: str, *, after: float) -> None:
    """Begin the restore, and end the process so many seconds after it has begun to change anything."""
    doubt_file().unlink(missing_ok=True)
    with subprocess.Popen(command("run", name), env=environment(), stderr=subprocess.PIPE) as process:
        while not doubt_file().exists() and process.poll() is None:
            time.sleep(0.01)
        time.sleep(after)
        process.kill()


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "faitfoi.cli", "restore", *words]


def environment() -> dict[str, str]:
    database = str(connections["default"].settings_dict["NAME"])
    return {**os.environ, "FAITFOI_OWNER_URL": roles.on_database(cluster().owner_url, database), "COLUMNS": "200"}


@pytest.fixture
def restored(scene: Scene, tmp_path: Path) -> Scene:
    """A journal that went back."""
    behind(scene, tmp_path)
    return scene


def behind(scene: Scene, folder: Path) -> None:
    """Have the journal witnessed, then a backup from before put in its place."""
    scene.send(file("F-1"))
    back_up(folder / "before.dump")
    write_some(scene, 3)
    witnessed()
    restore_backup(folder / "before.dump")
    assert not may_send()


def forge(entry: JournalEntry, forged: str) -> None:
    """Change an entry, drop the triggers, and make every leaf and head say what the rows now say."""
    database = str(connections["default"].settings_dict["NAME"])
    with psycopg.connect(roles.on_database(cluster().superuser_url, database)) as administrator:
        for table in ("records_journalentry", "records_journalleaf", "records_journalhead"):
            administrator.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER".encode())
        administrator.execute("UPDATE records_journalentry SET body = %s WHERE id = %s", [forged, entry.id])
        leaf = leaf_hash(forged.encode())
        administrator.execute("UPDATE records_journalleaf SET leaf = %s WHERE entry_id = %s", [leaf, entry.id])
        leaves = administrator.execute("SELECT leaf FROM records_journalleaf WHERE index IS NOT NULL ORDER BY index")
        frontier = Frontier()
        for (each,) in leaves.fetchall():
            frontier.append(bytes(each))
            state = [frontier.root(), frontier.dump(), frontier.size]
            administrator.execute("UPDATE records_journalhead SET root = %s, frontier = %s WHERE size = %s", state)
