"""A watched folder, from the file that comes to rest to its answer beside it, with the plug pulled at every step."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from faitfoi.accounts.tenancy import acting_for
from faitfoi.intake import caps, hot_folder
from faitfoi.intake.caps import MAX_FILE_BYTES
from faitfoi.intake.hot_folder import DONE, IN_HAND, REFUSED
from faitfoi.pipeline.watching import Watch
from faitfoi.records.models import Batch
from tests.pipeline.cast import SILENT, Scene, file

pytestmark = pytest.mark.django_db


def rested(watch: Watch) -> Watch:
    """Let the files in sight have been at rest for an hour."""
    memory = watch._memory
    memory.sightings = {
        name: replace(seen, since=seen.since - timedelta(hours=1)) for name, seen in memory.sightings.items()
    }
    return watch


def drop(folder: Path, **files: bytes) -> None:
    for name, content in files.items():
        draft = folder / f".{name}.part"
        draft.write_bytes(content)
        draft.rename(folder / f"{name}.json")


def prepare_all(scene: Scene) -> None:
    with acting_for(scene.organisation.id):
        batches = list(Batch.objects.all())
    for batch in batches:
        scene.prepare(batch)
    scene.deliver()


def inside(folder: Path, place: str) -> set[str]:
    return {path.name for path in (folder / place).iterdir()}


def test_what_is_dropped_is_sent_and_answered_for(scene: Scene, tmp_path: Path) -> None:
    drop(tmp_path, good=file("F-1"), lost=file("F-2", SILENT), bad=b"rien", empty_not=file("F-1"))
    watch = Watch(scene.organisation, tmp_path)
    watch.look()
    assert not watch.idle
    assert inside(tmp_path, IN_HAND) == set()  # not yet at rest
    rested(watch).look()
    assert len(inside(tmp_path, IN_HAND)) == 4
    prepare_all(scene)
    watch.look()

    assert watch.idle
    assert inside(tmp_path, IN_HAND) == set()
    assert inside(tmp_path, REFUSED) == {"bad.json", "bad.json.txt"}
    assert {name for name in inside(tmp_path, DONE) if name.endswith(".json")} == {
        "good.json",
        "lost.json",
        "empty_not.json",
    }
    assert "F-1" in (tmp_path / DONE / "good.json.txt").read_text()
    assert SILENT.name in (tmp_path / DONE / "lost.json.txt").read_text()
    assert (tmp_path / DONE / "good.json").read_bytes() == file("F-1")
    assert len(scene.mails()) == 1


@pytest.mark.parametrize("plug", ["claimed", "received", "judged", "delivered", "half answered"])
def test_the_plug_pulled_after_any_step_loses_and_doubles_nothing(scene: Scene, tmp_path: Path, plug: str) -> None:
    drop(tmp_path, a=file("F-1"), b=file("F-2"), c=b"rien")
    watch = Watch(scene.organisation, tmp_path)
    watch.look()
    rested(watch)
    if plug == "claimed":
        for ready in hot_folder.scan(tmp_path, watch._memory, now=timezone.now() + timedelta(hours=2)):
            hot_folder.claim(ready)
    else:
        watch.look()
    if plug in {"judged", "delivered", "half answered"}:
        prepare_all(scene)
    if plug == "half answered":
        batch_id, first = watch._in_hand[0]
        hot_folder.settle(first, hot_folder.Outcome.DONE, "fait")
        assert batch_id
    del watch  # killed

    again = Watch(scene.organisation, tmp_path)
    prepare_all(scene)
    again.look()
    rested(again).look()
    prepare_all(scene)
    again.look()

    assert again.idle
    assert inside(tmp_path, IN_HAND) == set()
    assert inside(tmp_path, REFUSED) == {"c.json", "c.json.txt"}
    assert inside(tmp_path, DONE) == {"a.json", "a.json.txt", "b.json", "b.json.txt"}
    assert len(scene.mails()) == len(set(scene.mails())) == 2
    with acting_for(scene.organisation.id):
        batches = list(Batch.objects.all())
    total = sum((scene.counts(batch) for batch in batches[1:]), scene.counts(batches[0]))
    assert (total.sent, total.waiting) == (2, 0)


def test_the_same_file_dropped_again_another_day_is_answered_and_not_sent(scene: Scene, tmp_path: Path) -> None:
    for _ in range(2):
        drop(tmp_path, a=file("F-1"), b=file("F-2"))
        watch = Watch(scene.organisation, tmp_path)
        watch.look()
        rested(watch).look()
        prepare_all(scene)
        watch.look()
        assert watch.idle
    assert len(scene.mails()) == 2


def test_a_file_that_cannot_be_taken_is_refused_and_the_watch_goes_on(scene: Scene, tmp_path: Path) -> None:
    drop(tmp_path, a=file("F-1"))
    with (tmp_path / "huge.json").open("wb") as huge:
        huge.truncate(MAX_FILE_BYTES + 1)
    watch = Watch(scene.organisation, tmp_path)
    watch.look()
    rested(watch).look()
    prepare_all(scene)
    watch.look()
    assert inside(tmp_path, REFUSED) == {"huge.json", "huge.json.txt"}
    assert inside(tmp_path, DONE) == {"a.json", "a.json.txt"}


def test_more_than_a_batch_accepts_becomes_several_and_a_stop_does_not_bar_the_way(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caps, "MAX_BATCH_BYTES", 2 * len(file("F-1")) + 1)
    drop(tmp_path, **{f"f{n}": file(f"F-{n}") for n in range(1, 6)})
    watch = Watch(scene.organisation, tmp_path)
    watch.look()
    for ready in hot_folder.scan(tmp_path, rested(watch)._memory, now=timezone.now()):
        hot_folder.claim(ready)
    del watch  # killed

    again = Watch(scene.organisation, tmp_path)
    prepare_all(scene)
    again.look()
    assert again.idle
    assert len(inside(tmp_path, DONE)) == 2 * 5
    assert len(scene.mails()) == 5
    with acting_for(scene.organisation.id):
        assert [batch.lines.count() for batch in Batch.objects.all()] == [2, 2, 1]


def test_looking_at_many_files_in_hand_asks_once(scene: Scene, tmp_path: Path) -> None:
    drop(tmp_path, **{f"f{n}": file(f"F-{n}") for n in range(1, 6)})
    watch = Watch(scene.organisation, tmp_path)
    watch.look()
    rested(watch).look()
    with CaptureQueriesContext(connection) as questions:
        watch.look()
    assert len([asked for asked in questions if "records_batchline" in asked["sql"]]) == 1
