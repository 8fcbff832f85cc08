"""Who may restore, what it leaves behind, and what a process that was running meanwhile does of it."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import typer
from pytest_django import Settings

from faitfoi.accounts.models import Membership, Role, User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.cli.main import app
from faitfoi.evidence.checkpoint import open_checkpoint
from faitfoi.evidence.witness_held import write_whole
from faitfoi.pipeline import rollback
from faitfoi.pipeline.account_events import give_password, without_password
from faitfoi.pipeline.marking import last_marks
from faitfoi.pipeline.restore_files import CannotRestore
from faitfoi.pipeline.restoring import approve, request_restore, run_restore
from faitfoi.pipeline.rollback import stopped
from faitfoi.pipeline.setting_up import add_account
from faitfoi.pipeline.witnesses import held, journal_folder, log_signer
from faitfoi.pipeline.witnessing import may_number, may_send, witnessed
from faitfoi.records.models import Checkpoint, JournalEntry
from faitfoi.records.stages import Stage
from tests.conftest import make_member
from tests.pipeline.backups import PASSWORD, back_up, governed_restore, owner_known, restore_backup
from tests.pipeline.cast import Scene, file
from tests.pipeline.test_restoring import ask, command, environment, kinds, no_earlier_request, numbers, restored
from tests.pipeline.test_witnessing import write_some
from tests.pipeline.witnesses import far_witnesses

__all__ = ["no_earlier_request", "owner_known", "restored"]

pytestmark = pytest.mark.django_db(transaction=True)


def held_size() -> int:
    furthest = held().furthest(log_signer().verifier)
    assert furthest is not None
    return furthest.size


@pytest.mark.beside_the_journal
def test_who_lost_the_right_since_has_approved_nothing(restored: Scene, alice: User, bob: User) -> None:
    asked = ask(alice)
    approve(asked.name, email=bob.email, password=PASSWORD)
    with acting_for(restored.organisation.id):
        Membership.objects.filter(user=bob).update(role=Role.CLERK)
    with pytest.raises(CannotRestore, match="« secrétaire »"):
        run_restore(asked.name)
    assert stopped()
    make_member(restored.organisation, "dora@trois-vallees.example", role=Role.AUDITOR)
    with pytest.raises(CannotRestore, match="ne peut pas demander"):
        request_restore(email="dora@trois-vallees.example", password=PASSWORD, reason="Non.", backup="lundi.dump")


def test_a_password_is_asked_for_and_never_a_word_of_the_command() -> None:
    for name in ("request", "approve", "refuse", "run"):
        known = typer.main.get_command(app).commands["restore"].commands[name]  # type: ignore[attr-defined]
        assert not [option for each in known.params for option in each.opts if "password" in option]


def test_what_came_back_is_an_act_and_who_has_no_password_is_named(
    scene: Scene, alice: User, bob: User, tmp_path: Path
) -> None:
    scene.send(file("F-1"))
    back_up(tmp_path / "monday.dump")
    scene.send(file("F-2"))
    add_account(scene.organisation, "nouvelle@trois-vallees.example", name="Nouvelle", role=Role.CLERK, actor="test")
    witnessed()
    restore_backup(tmp_path / "monday.dump")
    assert not may_send()
    asked = ask(alice)
    approve(asked.name, email=bob.email, password=PASSWORD)
    done = subprocess.run(command("run", asked.name), env=environment(), capture_output=True, text=True, check=False)

    with acting_for(scene.organisation.id):
        (entry,) = (json.loads(each.body) for each in JournalEntry.objects.filter(kind="restored"))
    assert str(scene.document("F-2").id) in entry["documents"]
    assert (entry["partial"], entry["entries"]) == (False, asked.facts["missing"]["to"] - entry["first_index"])
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "  faitfoi account password nouvelle@trois-vallees.example"
    made = give_password("nouvelle@trois-vallees.example", actor="operator")
    assert User.objects.get(email="nouvelle@trois-vallees.example").check_password(str(made))
    assert without_password() == []
    with acting_for(scene.organisation.id):
        assert JournalEntry.objects.filter(kind="password_changed").count() == 1
    assert give_password("personne@nulle-part.example", actor="operator") is None


def test_a_fork_s_marks_do_not_outlast_the_restore(
    scene: Scene, alice: User, bob: User, settings: Settings, tmp_path: Path
) -> None:
    """The machine went back with its shelves, marked numbers at a size never witnessed; then the other copy came."""
    shelf = settings.FAITFOI_HOME / "store" / "journal"
    with far_witnesses(settings, tmp_path, "un.example"):
        scene.send(file("F-1"))
        batch = scene.hand_over(file("F-2"))
        scene.prepare(batch)  # its number is burnt, and no checkpoint covers it yet
        back_up(tmp_path / "monday.dump")
        shutil.copytree(shelf, tmp_path / "monday")
        scene.deliver()
        seen = witnessed()
        shutil.move(shelf, tmp_path / "other copy")
        shutil.move(tmp_path / "monday", shelf)
        restore_backup(tmp_path / "monday.dump")
        shutil.rmtree(settings.FAITFOI_HOME / "keys" / "journal" / "seen")
        write_some(scene, 40, kind="lived_on")
        assert not may_send()
        shutil.copytree(tmp_path / "other copy", shelf, dirs_exist_ok=True)
        shelved = last_marks(log_signer().name)
        assert shelved is not None
        assert shelved.size > seen  # what the fork has written

        governed_restore(alice, bob)
        assert kinds(scene).count("lived_on") == 40
        assert stopped() == ""
        rollback._checked.clear()  # as a process that starts
        assert may_number()
        assert may_send()
        marked = last_marks(log_signer().name)
        assert marked is not None
        assert marked.size <= held_size()
        scene.send(file("F-3"))
        assert scene.stage("F-3") is Stage.ACCEPTED
        assert numbers(scene) == ["F-1", "F-2", "F-3"]


def test_a_running_process_notices_another_epoch_by_itself(scene: Scene) -> None:
    write_some(scene, 2)
    witnessed()
    before = log_signer().verifier
    write_whole(journal_folder() / "origin", f"{before.name}/2".encode())  # what another process did
    write_some(scene, 1)
    size = witnessed()
    assert log_signer().name == f"{before.name}/2"
    said, _ = open_checkpoint(Checkpoint.objects.get(size=size).note.encode(), log_signer().verifier)
    assert said.origin == f"{before.name}/2"
