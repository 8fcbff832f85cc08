"""What the shelves say of the numbers used: a witness learns nothing of it, and a database that has fewer stops."""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from faitfoi.accounts.models import User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.checkpoint import open_checkpoint
from faitfoi.pipeline import rollback
from faitfoi.pipeline.marking import MARKS, Marks, last_marks, line_of, read_marks
from faitfoi.pipeline.mirroring import segments
from faitfoi.pipeline.restoring import approve, request_restore, run_restore
from faitfoi.pipeline.rollback import stopped
from faitfoi.pipeline.witnesses import journal_folder, log_signer
from faitfoi.pipeline.witnessing import may_number, may_send, witnessed
from faitfoi.records.models import Checkpoint, JournalEntry
from faitfoi.records.stages import LineOutcome
from tests.pipeline.backups import PASSWORD, back_up, owner_known, restore_backup
from tests.pipeline.cast import Scene, file
from tests.pipeline.test_restoring import no_earlier_request
from tests.pipeline.test_witnessing import write_some

__all__ = ["no_earlier_request", "owner_known"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def just_started() -> Iterator[None]:
    """As a process that has looked at no shelf yet."""
    rollback._checked.clear()
    yield
    rollback._checked.clear()


def counted(marks: Marks, scene: Scene) -> list[tuple[int, str, int]]:
    return [(mark.count, mark.last, mark.lost) for mark in marks.of(scene.organisation.id).values()]


def read(name: str) -> Marks:
    found = read_marks(name)
    assert found is not None
    return found


def on_shelf(settings: Settings) -> list[Path]:
    return sorted((settings.FAITFOI_HOME / "store" / MARKS).iterdir())


def forget_outside_memories(settings: Settings) -> None:
    """Lose the witness's memory and the notes we hold: the whole machine was put back to an earlier day."""
    shutil.rmtree(settings.FAITFOI_HOME / "witness", ignore_errors=True)
    for held in journal_folder().rglob("*.checkpoint"):
        held.unlink()


def lose_segments_but(kept: set[str], settings: Settings) -> None:
    for each in segments():
        if each.name not in kept:
            (settings.FAITFOI_HOME / "store" / each.name).unlink()


def test_every_checkpoint_names_the_numbers_used_and_tells_them_to_nobody(scene: Scene, settings: Settings) -> None:
    scene.send(file("F-1"), file("F-2"))
    witnessed()
    kept = Checkpoint.objects.order_by("-size")[0]
    statement, _ = open_checkpoint(kept.note.encode(), log_signer().verifier)
    assert statement.extensions == (line_of(kept.marks),)
    marks = read(kept.marks)
    assert counted(marks, scene) == [(2, "F-2", 0)]
    assert (settings.FAITFOI_HOME / "store" / kept.marks).read_text() == marks.text
    assert str(scene.organisation.id) not in marks.text
    for memory in (settings.FAITFOI_HOME / "witness").rglob("*.checkpoint"):
        assert b"F-2" not in memory.read_bytes()


def test_marks_follow_from_the_journal_even_once_the_shelves_lost_them(scene: Scene, settings: Settings) -> None:
    scene.send(file("F-1"))
    scene.send(file("F-2"))
    witnessed()
    kept = [read(each.marks) for each in Checkpoint.objects.exclude(marks="").order_by("size")]
    assert counted(kept[-1], scene) == [(2, "F-2", 0)]
    assert len({marks.salt for marks in kept}) == 1
    for path in on_shelf(settings):
        path.unlink()
    write_some(scene, 1)
    witnessed()
    anew = read(Checkpoint.objects.order_by("-size")[0].marks)
    assert counted(anew, scene) == counted(kept[-1], scene)
    assert anew.origin == log_signer().name


def test_marks_that_did_not_move_are_not_written_again(scene: Scene, settings: Settings) -> None:
    scene.send(file("F-1"))
    witnessed()
    before = on_shelf(settings)
    write_some(scene, 3)
    witnessed()
    assert on_shelf(settings) == before


def test_a_machine_put_back_whole_is_stopped_by_the_numbers_on_its_shelves(
    scene: Scene, settings: Settings, tmp_path: Path
) -> None:
    scene.send(file("F-1"))
    witnessed()
    back_up(tmp_path / "monday.dump")
    kept = {each.name for each in segments()}
    scene.send(file("F-2"))
    witnessed()
    restore_backup(tmp_path / "monday.dump")
    forget_outside_memories(settings)
    lose_segments_but(kept, settings)

    assert not may_number()
    assert "écritures du journal" in stopped()


def test_rows_that_a_hand_removed_stop_the_next_start(scene: Scene, settings: Settings) -> None:
    """The journal is whole, the table of numbers is not: the number would be taken for a free one."""
    scene.send(file("F-1"), file("F-2"))
    witnessed()
    assert stopped() == ""
    kept = last_marks(log_signer().name)
    assert kept is not None
    more = kept.marks.text.replace('"count":2', '"count":3').replace('"last":"F-2"', '"last":"F-3"')
    shelf_says(more, size=kept.size, settings=settings)
    assert stopped() == ""  # looked at already
    rollback._checked.clear()
    assert "3 numéros, le dernier F-3" in stopped()
    assert not may_number()


def shelf_says(text: str, *, size: int, settings: Settings) -> None:
    """Have the shelf keep these marks instead of the last ones."""
    on_shelf(settings)[-1].unlink()
    name = f"{size:012d}-{hashlib.sha256(text.encode()).hexdigest()}.json"
    (settings.FAITFOI_HOME / "store" / MARKS / name).write_text(text)


def test_numbers_lost_with_the_mirror_stay_used_on_the_word_of_the_marks(
    scene: Scene, alice: User, bob: User, settings: Settings, tmp_path: Path
) -> None:
    """Complaint B17."""
    scene.send(file("F-1"))
    witnessed()
    back_up(tmp_path / "monday.dump")
    kept = {each.name for each in segments()}
    scene.send(file("F-2"), file("F-3"))
    witnessed()
    restore_backup(tmp_path / "monday.dump")
    lose_segments_but(kept, settings)
    assert not may_send()

    asked = request_restore(email=alice.email, password=PASSWORD, reason="Incendie.", backup="lundi.dump")
    approve(asked.name, email=bob.email, password=PASSWORD)
    run_restore(asked.name)
    with acting_for(scene.organisation.id):
        gap = JournalEntry.objects.get(kind="gap")
    assert f'"marks":["{scene.organisation.siren}/2026/3/2/F-3"]' in gap.body

    assert may_send()
    again = scene.hand_over(file("F-2"), file("F-3"), file("F-4"))
    scene.prepare(again)
    assert [line.outcome for line in scene.lines(again)] == [
        LineOutcome.REFUSED,
        LineOutcome.REFUSED,
        LineOutcome.READY,
    ]
    witnessed()
    after = last_marks(log_signer().name)
    assert after is not None
    assert counted(after.marks, scene) == [(4, "F-4", 2)]
    rollback._checked.clear()
    assert stopped() == ""
