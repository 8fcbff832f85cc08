"""At the reserve of the disk nothing is taken, numbered or sent, everybody is told, and work goes on afterwards."""

from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from faitfoi.accounts.models import User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.shelf import FolderShelf, NoRoom
from faitfoi.evidence.store import Pack, Store
from faitfoi.intake.caps import NoPlace
from faitfoi.intake.hot_folder import IN_HAND
from faitfoi.pipeline import archive, erasing
from faitfoi.pipeline.attesting import CannotAttest
from faitfoi.pipeline.elimination import approve_elimination, finish_eliminations, request_elimination
from faitfoi.pipeline.statements import attest_document
from faitfoi.pipeline.watching import Watch
from faitfoi.records.models import Alarm, Attestation, Batch, Document, Elimination, StoredObject
from faitfoi.records.models_archive import AttestationKind
from faitfoi.records.stages import Stage
from tests.pipeline.cast import Scene, file
from tests.pipeline.test_series import begin, last, numbers, unnumbered
from tests.pipeline.test_watching import drop, inside, rested

pytestmark = pytest.mark.django_db(transaction=True)

ENDLESS = 10**15
"""A reserve that no disk has free: the disk is as good as full."""


class FillsUp(Store):
    """A store whose first shelf is at its reserve when a pack is to be written, and not before."""

    def pack(self, *given: Any, **more: Any) -> Pack:
        assert isinstance(self.first, FolderShelf)
        return Store(FolderShelf(self.first.root, reserve=ENDLESS)).pack(*given, **more)


class Disk:
    """The archive on a disk that fills up and is freed at will."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._root, self._monkeypatch = root, monkeypatch
        self.free()

    def free(self) -> None:
        self._use(0)

    def fill(self) -> None:
        self._use(ENDLESS)

    def fill_at_the_next_pack(self) -> None:
        """Room for whoever looks, and none left once something is written: another process was faster."""
        self._put(FillsUp(FolderShelf(self._root)))

    def _use(self, reserve: int) -> None:
        self._put(Store(FolderShelf(self._root, reserve=reserve)))

    def _put(self, made: Store) -> None:
        for room in (archive, erasing):
            self._monkeypatch.setattr(room, "store", lambda: made)


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    (tmp_path / "store").mkdir()
    return Disk(tmp_path / "store", monkeypatch)


def told() -> str:
    return Alarm.objects.get(cause=archive.FULL).sentence


def test_nothing_is_taken_and_the_reason_is_said(scene: Scene, disk: Disk) -> None:
    disk.fill()
    with pytest.raises(NoPlace, match="Faites de la place"):
        scene.hand_over(file("F-1"))
    with acting_for(scene.organisation.id):
        assert not Batch.objects.exists()
        assert not StoredObject.objects.exists()
    assert "Rien n’est reçu ni envoyé" in told()
    disk.free()
    scene.send(file("F-1"))
    assert scene.stage("F-1") is Stage.ACCEPTED
    assert not Alarm.objects.filter(cause=archive.FULL).exists()


def test_lines_wait_and_burn_no_number(scene: Scene, disk: Disk) -> None:
    batch = scene.hand_over(file("F-1"))
    disk.fill()
    scene.prepare(batch)
    with acting_for(scene.organisation.id):
        assert not Document.objects.exists()
    assert [line.outcome for line in scene.lines(batch)] == ["waiting"]
    disk.free()
    scene.prepare(batch)
    assert [line.outcome for line in scene.lines(batch)] == ["ready"]


def test_nothing_leaves_whose_receipt_could_not_be_kept(scene: Scene, disk: Disk) -> None:
    scene.prepare(scene.hand_over(file("F-1")))
    disk.fill()
    scene.deliver()
    assert (scene.stage("F-1"), scene.mails()) == (Stage.ROUTED, [])
    disk.free()
    scene.deliver()
    assert (scene.stage("F-1"), len(scene.mails())) == (Stage.ACCEPTED, 1)


def test_a_watched_folder_keeps_what_finds_no_room_and_hands_it_over_later(
    scene: Scene, disk: Disk, tmp_path: Path
) -> None:
    folder = tmp_path / "watched"
    folder.mkdir()
    watch = Watch(scene.organisation, folder)
    drop(folder, one=file("F-1"))
    disk.fill()
    watch.look()
    rested(watch).look()
    assert len(inside(folder, IN_HAND)) == 1
    with acting_for(scene.organisation.id):
        assert not Batch.objects.exists()
    disk.free()
    watch.look()
    with acting_for(scene.organisation.id):
        assert Batch.objects.count() == 1


def test_an_elimination_waits_for_room_and_loses_nothing(
    scene: Scene, disk: Disk, bob: User, settings: Settings
) -> None:
    scene.send(file("F-1"), file("F-2"))
    settings.FAITFOI_TODAY = "2037-01-01"
    organisation_id = scene.organisation.id
    asked = request_elimination(organisation_id, [scene.document("F-1").id], reason="Terme.", actor="operator")
    approve_elimination(organisation_id, asked.id, actor=f"user:{bob.pk}")
    disk.fill()
    assert finish_eliminations(organisation_id, actor="worker") == 1  # told in the log: others are served all the same
    assert archive.fetch(organisation_id, scene.artefact("F-2", "legal").sha256)
    with acting_for(organisation_id):
        assert not Attestation.objects.exists()
        assert Elimination.objects.get().state == Elimination.State.APPROVED
    disk.free()
    finish_eliminations(organisation_id, actor="worker")
    with acting_for(organisation_id):
        assert Elimination.objects.get().state == Elimination.State.DONE
        assert list(Attestation.objects.values_list("number", flat=True)) == [1]
    assert archive.fetch(organisation_id, scene.artefact("F-2", "legal").sha256)


def test_a_series_keeps_its_next_number_when_the_disk_fills_while_it_issues(scene: Scene, disk: Disk) -> None:
    begin(scene)
    batch = scene.hand_over(unnumbered("A"))
    disk.fill_at_the_next_pack()
    with pytest.raises(NoRoom, match="Faites de la place"):
        scene.prepare(batch)
    assert (numbers(scene), last(scene)) == ([], [0])
    assert [line.outcome for line in scene.lines(batch)] == ["waiting"]
    disk.free()
    scene.prepare(batch)
    assert (numbers(scene), last(scene)) == (["F-2026-00001"], [1])


def test_an_attestation_that_finds_no_room_takes_no_number(scene: Scene, disk: Disk) -> None:
    scene.send(file("F-1"))
    organisation_id, document = scene.organisation.id, scene.document("F-1")
    disk.fill()
    with pytest.raises(CannotAttest, match="Faites de la place"):
        attest_document(organisation_id, document.id, AttestationKind.DEPOSIT, actor="operator")
    disk.free()
    issued = attest_document(organisation_id, document.id, AttestationKind.DEPOSIT, actor="operator")
    assert issued.attestation.number == 1
