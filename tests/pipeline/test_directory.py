"""The directory is asked about the very address of the invoice, and its answer is one of three, kept as it came."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from faitfoi.accounts.models import Organisation, User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.directory import FRESH, asked_of, describe, look_up, raw_answer
from faitfoi.records.models import Customer, DirectoryAnswer
from faitfoi.records.stages import LineOutcome
from faitfoi.simulators.control import FaultKind
from tests.pipeline.cast import ACTOR, FARMER, Scene, file, invoice
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


def test_a_batch_waits_for_a_silent_directory_twice_at_most_however_many_its_customers(
    scene: Scene, platform: Platform
) -> None:
    platform.fault(FaultKind.DOWN, on="directory", times=50)
    others = [{**invoice(f"F-{n}"), "buyer": _at(f"{FARM}_S{n}")} for n in range(5)]
    scene.prepare(scene.hand_over(*(json.dumps(each).encode() for each in others)))
    (down,) = platform.simulator.faults.left()
    assert down["times"] == 48


def _at(address: str) -> dict[str, Any]:
    """The farmer, invoiced at another of its addresses."""
    return {**invoice("F")["buyer"], "electronic_address": {"value": address, "scheme": "0225"}}


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


def test_the_customer_s_page_shows_the_answer_as_it_came_and_asks_again(
    scene: Scene, platform: Platform, alice: User
) -> None:
    """Complaints B18 and B19."""
    client = Client()
    client.force_login(alice)
    with acting_for(scene.organisation.id):
        customer = Customer.objects.get(reference=FARMER.reference)
    page = reverse("customer", args=[scene.organisation.slug, customer.id])
    button = reverse("ask_directory", args=[scene.organisation.slug, customer.id])
    assert "pas encore été interrogé" in client.get(page).content.decode()
    lines(platform, {"addressingIdentifier": FARM, "directoryLineStatus": "Disabled"})
    assert client.post(button, {"address": FARM}).status_code == 302
    shown = client.get(page).content.decode()
    assert "ne reçoit pas de factures" in shown
    assert "directoryLineStatus" in shown
    platform.fault(FaultKind.DOWN, on="directory", times=None)
    assert client.post(button, {"address": FARM}).status_code == 302
    shown = client.get(page).content.decode()
    assert "ne reçoit pas de factures" in shown  # the last answer stands, and that it is old is told
    assert "n’a pas répondu depuis" in shown


def test_nobody_asks_about_an_address_that_is_not_the_customer_s(
    scene: Scene, platform: Platform, alice: User, charlie: User
) -> None:
    with acting_for(scene.organisation.id):
        customer = Customer.objects.get(reference=FARMER.reference)
    button = reverse("ask_directory", args=[scene.organisation.slug, customer.id])
    for person, address in ((alice, "000000042"), (charlie, FARM)):
        client = Client()
        client.force_login(person)
        assert client.post(button, {"address": address}).status_code == 404
    with acting_for(scene.organisation.id):
        assert not DirectoryAnswer.objects.exists()


def test_the_address_that_an_invoice_bore_is_shown_beside_the_record_s(scene: Scene, platform: Platform) -> None:
    borne = f"{FARM}_ACHATS"
    lines(platform, {"addressingIdentifier": borne, "addressingSuffix": "ACHATS"})
    scene.send(file(F, replace(FARMER, electronic=borne)))
    with acting_for(scene.organisation.id):
        told = asked_of(Customer.objects.get(reference=FARMER.reference))
    assert [(asked.address, bool(asked.sentences)) for asked in told] == [(FARM, False), (borne, True)]
