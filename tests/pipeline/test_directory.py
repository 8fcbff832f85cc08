"""The directory is asked about the very address of the invoice, and its answer is one of three, kept as it came."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.directory import FRESH, describe, look_up, raw_answer
from faitfoi.records.models import DirectoryAnswer
from faitfoi.records.stages import LineOutcome
from faitfoi.simulators.control import FaultKind
from tests.pipeline.cast import ACTOR, Scene, file
from tests.pipeline.pa_scene import Platform, open_platform

pytestmark = pytest.mark.django_db(transaction=True)

F = "F-2026-701"
FARM = "000000034"


@pytest.fixture
def platform(scene: Scene) -> Iterator[Platform]:
    yield from open_platform(scene)


def lines(platform: Platform, *told: dict[str, Any]) -> None:
    platform.simulator.state.load_directory({"lines": [{"siren": FARM, **line} for line in told]})


def answer(scene: Scene, address: str = FARM) -> DirectoryAnswer:
    return look_up(scene.organisation.id, address, actor=ACTOR)


@pytest.mark.parametrize(
    ("told", "reach", "listed"),
    [
        ([{"addressingIdentifier": FARM}], "yes", True),
        ([{"addressingIdentifier": FARM, "directoryLineStatus": "Disabled"}], "no", True),
        ([{"addressingIdentifier": FARM, "directoryLineStatus": "Upcoming"}], "no", True),
        ([{"addressingIdentifier": f"{FARM}_ACHATS"}], "no", True),
        ([], "no", False),
    ],
)
def test_the_answer_is_about_the_very_address_and_never_about_its_siren(
    scene: Scene, platform: Platform, told: list[dict[str, Any]], reach: str, listed: bool
) -> None:
    """Complaint B18."""
    lines(platform, *told)
    row = answer(scene)
    assert (row.reach, row.listed) == (reach, listed)


def test_the_answer_is_kept_as_it_came_with_its_hour(scene: Scene, platform: Platform) -> None:
    """Complaint B19."""
    lines(platform, {"addressingIdentifier": f"{FARM}_ACHATS"})
    row = answer(scene)
    with acting_for(scene.organisation.id):
        kept = json.loads(raw_answer(row))
    assert kept["search"]["results"][0]["addressingIdentifier"] == f"{FARM}_ACHATS"
    said = " ".join(describe(row))
    assert "non" in said
    assert f"{FARM}_ACHATS (active)" in said
    assert row.told_at is not None
    assert f"{timezone.localtime(row.told_at):%H:%M}" in said


def test_an_address_that_is_not_there_stops_the_invoice_before_it_leaves(scene: Scene, platform: Platform) -> None:
    lines(platform, {"addressingIdentifier": f"{FARM}_ACHATS"})
    (line,) = scene.lines(scene.send(file(F)))
    assert line.outcome == LineOutcome.NEEDS_SOMEONE
    assert f"{FARM}_ACHATS" in line.reason
    assert platform.deposits() == []


def test_a_buyer_without_any_active_address_still_gets_it_deposited(scene: Scene, platform: Platform) -> None:
    lines(platform, {"addressingIdentifier": FARM, "directoryLineStatus": "Disabled"})
    scene.send(file(F))
    assert len(platform.deposits()) == 1
    assert "aucune adresse active" in scene.delivery(F).reason


def test_a_directory_that_does_not_answer_holds_no_invoice_up(scene: Scene, platform: Platform) -> None:
    platform.fault(FaultKind.DOWN, on="directory", times=None)
    scene.send(file(F))
    assert len(platform.deposits()) == 1
    with acting_for(scene.organisation.id):
        row = DirectoryAnswer.objects.get()
    assert (row.reach, bool(row.failure)) == ("", True)


def test_an_answer_serves_for_a_day_and_no_longer(scene: Scene, platform: Platform) -> None:
    scene.send(file(F))
    lines(platform, {"addressingIdentifier": f"{FARM}_ACHATS"})
    scene.send(file("F-2026-702"))
    assert len(platform.deposits()) == 2
    with acting_for(scene.organisation.id):
        DirectoryAnswer.objects.update(told_at=timezone.now() - FRESH - timedelta(minutes=1))
    scene.send(file("F-2026-703"))
    assert len(platform.deposits()) == 2


def test_another_organisation_sees_no_answer(scene: Scene, platform: Platform, rival: Organisation) -> None:
    answer(scene)
    with acting_for(rival.id):
        assert not DirectoryAnswer.objects.exists()
