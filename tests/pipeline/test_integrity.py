"""What rots is found, mended from the other copy and written down; what no copy gives any more is said aloud."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.shelf import FolderShelf
from faitfoi.evidence.store import Store
from faitfoi.pipeline import archive, integrity
from faitfoi.pipeline.integrity import A_YEAR, Outcome, check_all, check_of_the_day, check_portion, check_sample
from faitfoi.records.models import Alarm, JournalEntry
from tests.pipeline.cast import ACTOR, keep

pytestmark = pytest.mark.django_db(transaction=True)

MANY = 7


@pytest.fixture
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cooperative: Organisation) -> Store:
    """Two shelves with some packs of one object each."""
    made = Store(FolderShelf(tmp_path / "first"), FolderShelf(tmp_path / "second"))
    for room in (archive, integrity):
        monkeypatch.setattr(room, "store", lambda: made)
    for number in range(MANY):
        keep(cooperative, f"facture {number}".encode())
    return made


def rot(store: Store, *copies: int, which: int = 3) -> str:
    """Change one bit of a pack on some shelves; returns its name."""
    name = sorted(store.first.names())[which]
    for number in copies:
        shelf = store.shelves[number]
        assert isinstance(shelf, FolderShelf)
        content = bytearray((shelf.root / name).read_bytes())
        content[-1] ^= 1
        (shelf.root / name).chmod(0o640)
        (shelf.root / name).write_bytes(content)
    return name


def told(organisation: Organisation, kind: str = "integrity_checked") -> list[dict[str, Any]]:
    with acting_for(organisation.id):
        bodies = JournalEntry.objects.filter(kind=kind).order_by("id").values_list("body", flat=True)
        return [json.loads(body) for body in bodies]


def all_of(organisation: Organisation) -> list[Outcome]:
    outcomes: list[Outcome] = []
    check_all(organisation.id, actor=ACTOR, told=outcomes.append)
    return outcomes


@pytest.mark.parametrize("copy", [0, 1])
def test_a_lying_copy_is_found_mended_and_journalled(cooperative: Organisation, copies: Store, copy: int) -> None:
    name = rot(copies, copy)
    (outcome,) = all_of(cooperative)
    assert (outcome.packs, outcome.bad, outcome.mended, outcome.lost) == (MANY, 1, 1, 0)
    assert copies.first.get(name) == copies.shelves[1].get(name)
    assert [entry["copies"] for entry in told(cooperative, "object_repaired")] == [[("first", "second")[copy]]]
    (entry,) = told(cooperative)
    assert (entry["objects"], entry["bad"], entry["lost"], entry["complete"]) == (MANY, 1, [], True)
    assert all_of(cooperative)[0].bad == 0


def test_what_no_copy_gives_raises_an_alarm_until_all_holds_again(cooperative: Organisation, copies: Store) -> None:
    name = rot(copies, 0, 1)
    (outcome,) = all_of(cooperative)
    assert outcome.lost == 1
    assert told(cooperative)[-1]["lost"] == ["".join(name.split("/")[-2:])]
    alarm = Alarm.objects.get(cause__startswith="archive:")
    assert "aucune copie" in alarm.sentence
    rot(copies, 0, 1)  # the same bit again: restored
    assert all_of(cooperative)[0].bad == 0
    assert not Alarm.objects.filter(cause__startswith="archive:").exists()


def test_what_one_portion_lost_is_told_after_the_others_held(cooperative: Organisation, copies: Store) -> None:
    rot(copies, 0, 1, which=0)
    portions = [check_portion(cooperative.id, actor=ACTOR, most=3) for _ in range(3)]
    assert [(portion.lost, portion.complete) for portion in portions] == [(1, False), (0, False), (0, True)]
    assert [len(entry["objects_gone"]) for entry in told(cooperative)] == [1, 0, 0]
    assert "un paquet" in Alarm.objects.get(cause__startswith="archive:").sentence
    check_sample(cooperative.id, actor=ACTOR, seed="0")
    assert Alarm.objects.filter(cause__startswith="archive:").exists()
    rot(copies, 0, 1, which=0)  # restored
    assert all_of(cooperative)[-1].complete
    assert not Alarm.objects.filter(cause__startswith="archive:").exists()


def test_a_control_of_all_goes_on_where_it_stopped(cooperative: Organisation, copies: Store) -> None:
    portions = [check_portion(cooperative.id, actor=ACTOR, most=3) for _ in range(3)]
    assert [portion.packs for portion in portions] == [3, 3, 1]
    assert [portion.complete for portion in portions] == [False, False, True]
    began = {entry["how"]["began"] for entry in told(cooperative)}
    assert len(began) == 1
    assert check_portion(cooperative.id, actor=ACTOR, most=MANY).packs == MANY
    assert len({entry["how"]["began"] for entry in told(cooperative)}) == 2


def test_a_sample_is_drawn_by_the_seed_that_its_entry_keeps(
    cooperative: Organisation, copies: Store, settings: Settings
) -> None:
    settings.FAITFOI_INTEGRITY_SAMPLE = 3
    first = check_sample(cooperative.id, actor=ACTOR)
    (entry,) = told(cooperative)
    again = check_sample(cooperative.id, actor=ACTOR, seed=entry["how"]["seed"])
    assert 1 <= first.packs == again.packs <= 3
    settings.FAITFOI_INTEGRITY_SAMPLE = 500
    assert check_sample(cooperative.id, actor=ACTOR).packs == MANY


def test_each_day_draws_a_sample_and_each_year_reads_all(
    cooperative: Organisation, copies: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        check_of_the_day(cooperative.id, actor=ACTOR)
    assert [entry["scope"] for entry in told(cooperative)] == ["sample", "complete", "sample"]
    later = timezone.now() + A_YEAR
    monkeypatch.setattr(timezone, "now", lambda: later)
    check_of_the_day(cooperative.id, actor=ACTOR)
    assert [entry["scope"] for entry in told(cooperative)][-1] == "complete"


def test_a_second_shelf_that_was_just_named_is_filled(cooperative: Organisation, copies: Store) -> None:
    copies.first.put("journal/000000000000-000000000009.jsonl", b"{}\n")
    for name in list(copies.shelves[1].names()):
        copies.shelves[1].remove(name)
    (outcome,) = all_of(cooperative)
    assert (outcome.bad, outcome.mended) == (MANY, MANY)
    assert list(copies.shelves[1].names()) == list(copies.first.names())


def test_the_packs_of_another_organisation_are_not_touched(
    cooperative: Organisation, rival: Organisation, copies: Store
) -> None:
    rot(copies, 0)
    (outcome,) = all_of(rival)
    assert (outcome.packs, outcome.bad) == (0, 0)
    assert told(rival)[0]["objects"] == 0
