"""Holds, eliminations and restored backups together: what is held stays, what stays is found, what went stays away."""

from pathlib import Path

import pytest
from pytest_django import Settings

from faitfoi.accounts.models import User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline import archive, elimination
from faitfoi.pipeline.elimination import (
    CannotEliminate,
    approve_elimination,
    finish_eliminations,
    request_elimination,
    run,
)
from faitfoi.pipeline.examination import examine_installation
from faitfoi.pipeline.holding import apply_holds, lift_hold, place_hold
from faitfoi.pipeline.installation import store
from faitfoi.pipeline.rollback import stopped
from faitfoi.pipeline.witnessing import may_number, witnessed
from faitfoi.records.models import Document, Elimination, Hold
from faitfoi.records.objects import places_of
from tests.pipeline.backups import back_up, governed_restore, owner_known, restore_backup
from tests.pipeline.cast import TOWN, Scene, file
from tests.pipeline.test_elimination import LATER, everything_kept_of

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["owner_known"]


class Archive:
    """An organisation's archive after the term of F-1 (and F-2, of the same pack) has passed, and its people."""

    def __init__(self, scene: Scene, people: tuple[User, User], backup: Path) -> None:
        self.scene, self.people, self.backup = scene, people, backup
        self.organisation_id = scene.organisation.id
        self.asker, self.approver = f"user:{people[0].pk}", f"user:{people[1].pk}"

    def hold(self) -> Hold:
        document_id = self.scene.document("F-1").id
        return place_hold(self.organisation_id, reason="Litige.", actor=self.asker, document_id=document_id)

    def ask(self) -> Elimination:
        ids = [self.scene.document("F-1").id]
        return request_elimination(self.organisation_id, ids, reason="Durée passée.", actor=self.asker)

    def approve(self) -> Elimination:
        return approve_elimination(self.organisation_id, self.ask().id, actor=self.approver)

    def run(self, approved: Elimination) -> None:
        run(self.organisation_id, approved.id, actor="worker")

    def back_up(self) -> None:
        back_up(self.backup)

    def lose_the_database(self) -> None:
        restore_backup(self.backup)

    def bring_back(self) -> None:
        governed_restore(*self.people)

    def legal(self, number: str) -> bytes:
        return archive.fetch(self.organisation_id, self.scene.artefact(number, "legal").sha256)

    def is_gone(self) -> bool:
        return self.scene.document("F-1").eliminated_at is not None


@pytest.fixture
def people(alice: User, bob: User) -> tuple[User, User]:
    return alice, bob


@pytest.fixture
def kept(scene: Scene, people: tuple[User, User], settings: Settings, tmp_path: Path, owner_known: None) -> Archive:
    """F-1, which tells « secret-741 », and F-2, which came with it."""
    names = {1: "secret-741.json", 2: "autre.json"}
    scene.prepare(scene.hand_over(file("F-1", payment_terms="Selon secret-741."), file("F-2"), names=names))
    scene.deliver()
    settings.FAITFOI_TODAY = LATER
    witnessed()
    return Archive(scene, people, tmp_path / "monday.dump")


def test_a_hold_that_comes_after_the_approval_is_still_in_time(kept: Archive) -> None:
    doomed = kept.approve()
    hold = kept.hold()
    with pytest.raises(CannotEliminate, match="F-1 est gelée"):
        kept.run(doomed)
    finish_eliminations(kept.organisation_id, actor="worker")
    assert kept.legal("F-1")
    assert kept.scene.document("F-1").buyer_name
    lift_hold(kept.organisation_id, hold.id, reason="Fini.", actor=kept.approver)
    assert finish_eliminations(kept.organisation_id, actor="worker") == 1
    assert kept.is_gone()
    assert kept.legal("F-2")
    assert examine_installation().problems == ()


def test_a_database_that_forgot_a_hold_eliminates_nothing(kept: Archive) -> None:
    asked = kept.ask()
    kept.back_up()
    held = kept.hold()
    kept.lose_the_database()  # nobody has numbered or sent anything since the hold
    assert stopped()

    with pytest.raises(CannotEliminate, match="en arrière"):
        approve_elimination(kept.organisation_id, asked.id, actor=kept.approver)
    with pytest.raises(CannotEliminate, match="en arrière"):
        kept.ask()
    apply_holds(kept.organisation_id)  # as the timetable does
    with acting_for(kept.organisation_id):
        (place,) = places_of(kept.scene.artefact("F-1", "legal").sha256)
        assert not Hold.objects.exists()
    with pytest.raises(PermissionError):
        store().remove(place.pack)

    kept.bring_back()
    with acting_for(kept.organisation_id):
        assert Hold.objects.get().id == held.id
    with pytest.raises(CannotEliminate, match="gelée"):
        approve_elimination(kept.organisation_id, asked.id, actor=kept.approver)
    assert kept.legal("F-1")


def test_an_approved_elimination_waits_while_the_database_is_behind(kept: Archive) -> None:
    doomed = kept.approve()
    kept.back_up()
    kept.hold()
    kept.lose_the_database()
    with pytest.raises(CannotEliminate, match="en arrière"):
        kept.run(doomed)
    kept.bring_back()
    assert kept.legal("F-1")
    with pytest.raises(CannotEliminate, match="gelée"):
        kept.run(doomed)


@pytest.mark.parametrize("step", ["remove_packs", "attest_elimination"])
def test_what_stays_is_found_again_when_the_database_is_lost_in_the_middle(
    kept: Archive, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Bytes leave the shelves after a witness has seen what says where the others lie now."""
    kept.back_up()
    doomed = kept.approve()
    real = getattr(elimination, step)

    def killed(*args: object, **more: object) -> None:
        real(*args, **more)
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(elimination, step, killed)
        with pytest.raises(KeyboardInterrupt):
            kept.run(doomed)
    kept.lose_the_database()
    assert not may_number()
    kept.bring_back()

    assert kept.legal("F-2")
    finish_eliminations(kept.organisation_id, actor="worker")
    assert kept.is_gone()
    assert examine_installation().problems == ()
    kept.scene.prepare(kept.scene.hand_over(file("F-1")))
    with acting_for(kept.organisation_id):
        assert Document.objects.filter(number="F-1").count() == 1
    assert "secret-741" not in everything_kept_of(kept.scene)


def test_what_was_eliminated_does_not_come_back_with_a_backup(kept: Archive) -> None:
    kept.back_up()
    kept.run(kept.approve())
    kept.lose_the_database()
    kept.bring_back()
    assert "secret-741" not in everything_kept_of(kept.scene)
    assert "autre.json" in everything_kept_of(kept.scene)
    assert kept.is_gone()
    assert examine_installation().problems == ()


def test_a_hold_placed_while_the_database_was_behind_does_not_keep_an_empty_pack_for_ever(
    kept: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.back_up()
    doomed = kept.approve()
    with monkeypatch.context() as dying:
        dying.setattr(elimination, "attest_elimination", lambda *_args, **_more: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            kept.run(doomed)
    kept.lose_the_database()
    kept.hold()  # of what is no more: nobody can know it here
    kept.bring_back()
    finish_eliminations(kept.organisation_id, actor="worker")
    with acting_for(kept.organisation_id):
        assert Elimination.objects.get(id=doomed.id).state == Elimination.State.DONE
    assert kept.legal("F-2")


def test_what_was_kept_on_both_sides_of_a_restore_and_then_eliminated_is_not_missed(kept: Archive) -> None:
    kept.back_up()
    kept.scene.send(file("F-3", TOWN))
    kept.lose_the_database()
    kept.scene.hand_over(file("F-3", TOWN))
    kept.bring_back()
    assert kept.scene.document("F-3").eliminated_at is None
    kept.scene.deliver()
    kept.scene.advance(minutes=24 * 60)
    kept.scene.ask()
    ids = [kept.scene.document("F-3").id]
    asked = request_elimination(kept.organisation_id, ids, reason="Durée passée.", actor=kept.asker)
    kept.run(approve_elimination(kept.organisation_id, asked.id, actor=kept.approver))
    assert [each.sentence for each in examine_installation().problems] == []
