"""What a witness is about to see lies on the shelves first, whole, and can be read without the database."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.db import connections

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.merkle import root
from faitfoi.evidence.shelf import FolderShelf
from faitfoi.evidence.store import Store
from faitfoi.pipeline import mirroring
from faitfoi.pipeline.mirroring import (
    DETAILS,
    FOLDER,
    MirrorDamaged,
    MirrorDiffers,
    mirror,
    mirrored_entries,
    read_segment,
    segments,
)
from faitfoi.pipeline.witnessing import JournalBehind, may_send, witnessed
from faitfoi.records.journal import sequence, write_entry
from faitfoi.records.models import Alarm, JournalDetails, JournalEntry, JournalHead, JournalLeaf, MirroredSegment
from tests.pipeline.cast import Scene, file
from tests.waiting import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shelves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Two shelves of our own."""
    made = Store(FolderShelf(tmp_path / "one"), FolderShelf(tmp_path / "two"))
    monkeypatch.setattr(mirroring, "store", lambda: made)
    return made


def write(organisation: Organisation, count: int, *, rows: bool = False) -> None:
    with acting_for(organisation.id):
        for _ in range(count):
            write_entry("act", actor="test", rows=[organisation] if rows else [])


def numbered() -> int:
    while sequence(wait=True):
        pass
    return JournalHead.objects.latest("size").size


def head_root() -> bytes:
    return bytes(JournalHead.objects.latest("size").root)


def test_the_mirror_is_the_journal_of_everybody(cooperative: Organisation, rival: Organisation, shelves: Store) -> None:
    for _ in range(2):
        write(cooperative, 3, rows=True)
        write(rival, 2, rows=True)
        size = numbered()
        assert mirror(size=size) == 5
        assert mirror(size=size) == 0
    told = list(mirrored_entries())
    assert [entry.index for entry in told] == list(range(10))
    assert root(entry.leaf for entry in told) == head_root()
    for organisation in (cooperative, rival):
        with acting_for(organisation.id):
            kept = {details.body for details in JournalDetails.objects.all()}
        assert kept == {
            entry.details for entry in told if json.loads(entry.body)["organisation"] == str(organisation.id)
        }
        names = list(shelves.first.names(f"{DETAILS}{organisation.id}/"))
        assert len(names) == 2  # apart from the other's, so that one can be erased alone
    assert [each.index for each in mirrored_entries(7)] == [7, 8, 9]
    names = list(shelves.first.names())
    assert names == list(shelves.second.names() if shelves.second else [])
    assert [name for name in names if name.endswith(".jsonl")] == [
        "journal/000000000000-4.jsonl",
        "journal/000000000005-9.jsonl",
    ]


def test_a_long_journal_is_mirrored_by_segments(
    cooperative: Organisation, shelves: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirroring, "MOST_ENTRIES", 4)
    write(cooperative, 11)
    assert mirror(size=numbered()) == 11
    assert [(each.first, each.last) for each in segments()] == [(0, 3), (4, 7), (8, 10)]
    assert len(list(mirrored_entries())) == 11


def test_what_was_written_and_not_noted_is_written_again(
    cooperative: Organisation, shelves: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plug pulled after each of the three writings of a segment, then the journal goes on."""

    class Pulled(Exception):
        pass

    put = Store.put

    for step in (1, 2, 3):
        done: list[str] = []

        def cut(self: Store, name: str, content: bytes, **more: object) -> bool:
            if len(done) + 1 == step:  # noqa: B023
                raise Pulled
            done.append(name)  # noqa: B023
            return put(self, name, content)

        write(cooperative, 2, rows=True)
        size = numbered()
        with monkeypatch.context() as patch:
            patch.setattr(Store, "put", cut)
            if step == 3:
                patch.setattr(MirroredSegment.objects, "create", lambda **_: (_ for _ in ()).throw(Pulled()))
            with pytest.raises(Pulled):
                mirror(size=size)
        write(cooperative, 1, rows=True)
        assert mirror(size=numbered()) == 3
        told = list(mirrored_entries())
        assert root(entry.leaf for entry in told) == head_root()
        assert all(entry.details for entry in told)
    assert ("journal/000000000006-7.jsonl" in shelves.first.names(FOLDER)) is True  # the one that was not noted


def test_workers_at_once_write_one_mirror(cooperative: Organisation, shelves: Store) -> None:
    def work() -> None:
        for _ in range(4):
            write(cooperative, 3, rows=True)
            mirror(size=numbered())
        connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=PATIENCE)
    mirror(size=numbered())
    found = [(each.first, each.last) for each in segments()]
    assert [last + 1 for _, last in found[:-1]] == [first for first, _ in found[1:]]
    assert root(entry.leaf for entry in mirrored_entries()) == head_root()


def test_a_killed_worker_leaves_a_mirror_that_the_next_goes_on_with(cooperative: Organisation) -> None:
    script = (
        "import django; django.setup()\n"
        "from faitfoi.pipeline.witnessing import witnessed\n"
        "from faitfoi.records.journal import write_entry\n"
        "from faitfoi.accounts.tenancy import acting_for\n"
        "from faitfoi.accounts.models import Organisation\n"
        f"from uuid import UUID; organisation = UUID('{cooperative.id}')\n"
        "print('ready', flush=True)\n"
        "while True:\n"
        "    with acting_for(organisation):\n"
        "        row = Organisation.objects.get(id=organisation)\n"
        "        write_entry('act', actor='test', rows=[row])\n"
        "    witnessed()\n"
        "    print('witnessed', flush=True)\n"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "faitfoi.web.settings"}
    for number in range(6):
        worker = subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE)
        assert worker.stdout is not None
        for _ in range(2 + number):  # each gets one turn further, and is killed somewhere in the next
            assert worker.stdout.readline()
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        worker.stdout.close()
        size = witnessed()
        told = list(mirrored_entries())
        assert len(told) == size
        assert root(entry.leaf for entry in told) == head_root()


def test_a_shelf_that_takes_nothing_lets_no_witness_be_asked(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Store, name: str, content: bytes, **more: object) -> bool:
        raise OSError(28, "disque plein")

    scene.prepare(scene.hand_over(file("F-1")))
    before = witnessed()
    write(scene.organisation, 1)
    with monkeypatch.context() as patch:
        patch.setattr(Store, "put", full)
        assert not may_send()
        assert "miroir" in Alarm.objects.get(cause="witness").sentence
    assert witnessed() == before + 1
    assert may_send()
    assert not Alarm.objects.filter(cause="witness").exists()


def test_a_journal_that_went_back_and_on_is_not_mirrored_over_the_first(
    cooperative: Organisation, shelves: Store
) -> None:
    write(cooperative, 3)
    mirror(size=numbered())
    with connections["default"].cursor() as cursor:
        cursor.execute("TRUNCATE records_journalleaf, records_journalhead, records_journalentry")
        cursor.execute("TRUNCATE records_mirroredsegment, records_journaldetails")
    write(cooperative, 3)
    with pytest.raises(MirrorDiffers, match="arrière"):
        mirror(size=numbered())
    with pytest.raises(JournalBehind):
        witnessed()


def test_the_second_copy_answers_for_the_first_and_a_hole_is_named(cooperative: Organisation, shelves: Store) -> None:
    for _ in range(3):
        write(cooperative, 2, rows=True)
        mirror(size=numbered())
    assert isinstance(shelves.first, FolderShelf)
    assert isinstance(shelves.second, FolderShelf)
    (middle,) = (each for each in segments() if each.first == 2)
    place = shelves.first.root / middle.name
    place.chmod(0o640)
    place.write_bytes(b"not a segment")
    assert len(list(mirrored_entries())) == 6

    other = shelves.second.root / middle.name
    other.unlink()
    with pytest.raises(MirrorDamaged, match="000000000002-3"):
        list(read_segment(middle))
    place.unlink()
    with pytest.raises(MirrorDamaged, match="l’écriture 2 "):
        list(mirrored_entries())


def test_erased_details_are_told_from_altered_ones(cooperative: Organisation, shelves: Store) -> None:
    write(cooperative, 1, rows=True)
    mirror(size=numbered())
    (name,) = shelves.first.names(DETAILS)
    assert shelves.second is not None
    shelves.second.remove(name)
    assert isinstance(shelves.first, FolderShelf)
    place = shelves.first.root / name
    content = bytearray(place.read_bytes())
    content[10] ^= 1
    place.chmod(0o640)
    place.write_bytes(content)
    with pytest.raises(MirrorDamaged, match="ont changé"):
        list(mirrored_entries())
    shelves.first.remove(name)
    (entry,) = mirrored_entries()
    assert entry.details is None


def test_an_entry_that_the_tables_lost_is_not_passed_over(cooperative: Organisation, shelves: Store) -> None:
    write(cooperative, 3)
    size = numbered()
    assert JournalLeaf.objects.count() == JournalEntry.objects.count() + 3 == 3  # unseen outside `acting_for`
    with connections["default"].cursor() as cursor:
        cursor.execute("TRUNCATE records_journalentry")
    with pytest.raises(MirrorDiffers, match="disparu"):
        mirror(size=size)
