"""A series has no gap and no number twice: two at once, a seal that fails, a backup that comes back."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline import rollback
from faitfoi.pipeline.marking import Marks, last_marks, missing_numbers
from faitfoi.pipeline.mirroring import segments
from faitfoi.pipeline.witnesses import log_signer
from faitfoi.pipeline.witnessing import may_number, witnessed
from faitfoi.records.models import Batch, BurntNumber, Customer, Document, SealChoices, Series
from faitfoi.records.models_seal import SealLevel
from faitfoi.records.series import SeriesRefused, add_series
from faitfoi.records.stages import LineOutcome
from tests.pipeline.backups import back_up, restore_backup
from tests.pipeline.cast import FARMER as EARL
from tests.pipeline.cast import TOWN, Buyer, Scene, invoice
from tests.pipeline.cast import file as named_file
from tests.pipeline.test_marking import forget_outside_memories, lose_segments_but

pytestmark = pytest.mark.django_db(transaction=True)

ACTOR = "test"


def unnumbered(mark: str, *, number: str = "", buyer: Buyer = EARL, **more: object) -> bytes:
    """An invoice that asks for its number; `mark` makes its bytes its own."""
    return json.dumps(invoice(number, buyer, purchase_order_reference=mark, **more)).encode()


def begin(scene: Scene, name: str = "F", pattern: str = "F-{year}-{n:05d}") -> None:
    with acting_for(scene.organisation.id):
        add_series(name, seller_siren=scene.organisation.siren, pattern=pattern, year=2026, actor=ACTOR)


def numbers(scene: Scene) -> list[str]:
    with acting_for(scene.organisation.id):
        return sorted(BurntNumber.objects.values_list("number", flat=True))


def last(scene: Scene) -> list[int]:
    with acting_for(scene.organisation.id):
        return list(Series.objects.order_by("name", "year").values_list("last", flat=True))


def outcomes(scene: Scene, batch: Batch) -> list[str]:
    return [line.outcome for line in scene.lines(batch)]


def at_once(scene: Scene, batches: list[Batch]) -> None:
    def work(batch: Batch) -> None:
        try:
            scene.prepare(batch)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(work, batches))


def test_an_invoice_without_a_number_gets_the_next_one(scene: Scene) -> None:
    begin(scene)
    scene.send(unnumbered("A"), unnumbered("B", buyer=TOWN))
    assert numbers(scene) == ["F-2026-00001", "F-2026-00002"]
    assert scene.document("F-2026-00001").invoice["number"] == "F-2026-00001"


def test_the_marks_name_the_last_number_of_each_series(scene: Scene) -> None:
    begin(scene)
    scene.send(unnumbered("A"), unnumbered("B"))
    witnessed()
    kept = last_marks(log_signer().name)
    assert kept is not None
    assert list(kept.marks.series.values()) == [2]
    assert Marks.read(kept.marks.text) == kept.marks
    assert missing_numbers(kept.marks) == []
    ahead = replace(kept.marks, series=dict.fromkeys(kept.marks.series, 3))
    assert "dernier numéro 3 ; ici 2" in missing_numbers(ahead)[0]


def test_the_same_bytes_at_once_take_one_number(scene: Scene) -> None:
    begin(scene)
    at_once(scene, [scene.hand_over(unnumbered("A")), scene.hand_over(unnumbered("A"))])
    assert numbers(scene) == ["F-2026-00001"]


def test_the_same_bytes_again_take_no_other_number(scene: Scene) -> None:
    begin(scene)
    scene.send(unnumbered("A"))
    again = scene.hand_over(unnumbered("A"))
    scene.prepare(again)
    assert outcomes(scene, again) == [LineOutcome.READY]
    assert numbers(scene) == ["F-2026-00001"]


def test_several_series_are_named_and_each_year_begins_at_one(scene: Scene) -> None:
    begin(scene)
    begin(scene, "AV", "AV-{year}-{n}")
    batch = scene.hand_over(
        unnumbered("A", number="{AV}"),
        unnumbered("B", number="{F}"),
        unnumbered("C", number="{F}", issue_date="2025-12-31"),
        unnumbered("D"),
        unnumbered("E", number="{X}"),
    )
    scene.prepare(batch)
    assert numbers(scene) == ["AV-2026-1", "F-2025-00001", "F-2026-00001"]
    refused = [line.reason for line in scene.lines(batch) if line.outcome == LineOutcome.REFUSED]
    assert len(refused) == 2
    assert "il faut nommer une série" in refused[0]
    assert "« X » n’existe pas" in refused[1]


def test_a_refusal_gives_the_number_back(scene: Scene) -> None:
    begin(scene)
    batch = scene.hand_over(unnumbered("A", currency="ZZZ"), unnumbered("B"))
    scene.prepare(batch)
    assert outcomes(scene, batch) == [LineOutcome.REFUSED, LineOutcome.READY]
    assert numbers(scene) == ["F-2026-00001"]
    assert last(scene) == [1]


def test_a_disk_that_fails_after_the_seal_leaves_no_gap(scene: Scene, settings: Settings) -> None:
    begin(scene)
    batch = scene.hand_over(unnumbered("A"))
    broken = settings.FAITFOI_HOME / "store" / str(scene.organisation.id) / "invoice_2026"
    broken.parent.mkdir(parents=True, exist_ok=True)
    broken.write_bytes(b"where a folder should be")
    with pytest.raises(OSError, match="invoice_2026"):
        scene.prepare(batch)
    broken.unlink()
    assert numbers(scene) == []
    assert last(scene) == [0]
    scene.prepare(batch)
    assert numbers(scene) == ["F-2026-00001"]


def test_two_workers_at_once_neither_share_nor_skip(scene: Scene) -> None:
    begin(scene)
    batches = [scene.hand_over(*(unnumbered(f"{name}{n}") for n in range(3))) for name in "AB"]
    at_once(scene, batches)
    assert numbers(scene) == [f"F-2026-{n:05d}" for n in range(1, 7)]
    assert last(scene) == [6]


def test_a_number_that_somebody_used_by_hand_is_passed_over(scene: Scene) -> None:
    begin(scene)
    scene.send(named_file("F-2026-00001"))
    scene.send(unnumbered("A"))
    assert numbers(scene) == ["F-2026-00001", "F-2026-00002"]


@pytest.mark.beside_the_journal
def test_a_seal_that_needs_the_network_is_refused_in_words(scene: Scene) -> None:
    begin(scene)
    with acting_for(scene.organisation.id):
        SealChoices.objects.update_or_create(
            organisation_id=scene.organisation.id, defaults={"level": SealLevel.STAMPED}
        )
    batch = scene.hand_over(unnumbered("A"))
    scene.prepare(batch)
    (line,) = scene.lines(batch)
    assert "demande son numéro à une série" in line.reason
    assert last(scene) == [0]


def test_a_backup_that_comes_back_gives_no_number_again(scene: Scene, settings: Settings, tmp_path: Path) -> None:
    """Complaint G59."""
    rollback._checked.clear()
    begin(scene)
    scene.send(unnumbered("A"))
    witnessed()
    back_up(tmp_path / "monday.dump")
    kept = {each.name for each in segments()}
    scene.send(unnumbered("B"))
    witnessed()
    restore_backup(tmp_path / "monday.dump")
    forget_outside_memories(settings)
    lose_segments_but(kept, settings)
    batch = scene.hand_over(unnumbered("C"))
    scene.prepare(batch)
    assert not may_number()
    assert outcomes(scene, batch) == [LineOutcome.WAITING]
    assert last(scene) == [1]


@pytest.mark.parametrize("pattern", ["F-{n}", "F-{year}", "{year}{n}{n}", "F {year}-{n}", "{year.x}{n}"])
def test_a_pattern_that_could_give_a_number_twice_is_refused(cooperative: Organisation, pattern: str) -> None:
    with acting_for(cooperative.id), pytest.raises(SeriesRefused, match="ne convient pas"):
        add_series("F", seller_siren=cooperative.siren, pattern=pattern, year=2026, actor=ACTOR)


def test_two_workers_register_the_same_new_customers_met_in_opposite_orders(scene: Scene) -> None:
    with acting_for(scene.organisation.id):
        scene.organisation.registers_customers = True
        scene.organisation.save(update_fields=["registers_customers"])
    names = [f"Gîte Nouveau {n}" for n in range(12)]
    there = [sold_to(name, f"A-{n:02d}") for n, name in enumerate(names)]
    back = [sold_to(name, f"B-{n:02d}") for n, name in enumerate(reversed(names))]
    batches = [scene.hand_over(*there), scene.hand_over(*back)]
    at_once(scene, batches)
    assert all(each == LineOutcome.NEEDS_SOMEONE for batch in batches for each in outcomes(scene, batch))
    with acting_for(scene.organisation.id):
        assert Customer.objects.filter(name__startswith="Gîte").count() == len(names)
        assert Document.objects.filter(customer__name__startswith="Gîte").count() == 2 * len(names)


def sold_to(name: str, number: str) -> bytes:
    """An invoice to a buyer that no record knows, without any address to send to."""
    buyer = {"name": name, "address": {"city": "Fontvallon", "postcode": "00210", "country": "FR"}}
    return json.dumps({**invoice(number), "buyer": buyer}).encode()
