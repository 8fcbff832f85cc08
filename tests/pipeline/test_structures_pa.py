"""What a public customer reached by a plateforme agréée wants is read from its directory before a batch is prepared."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline import archive
from faitfoi.pipeline.directory import asked_of
from faitfoi.pipeline.structures import refresh, structure_told
from faitfoi.records.models import ChannelHealth, ChannelSettings, Customer, Structure
from faitfoi.records.stages import LineOutcome
from faitfoi.records.vault import save_channel_settings
from faitfoi.simulators.control import FaultKind
from tests.pipeline.cast import ACTOR, TOWN, Scene, file, invoice
from tests.pipeline.pa_scene import Platform, open_platform

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.beside_the_journal]

PA = ChannelKey.PLATEFORME_AGREEE


@pytest.fixture
def platform(scene: Scene) -> Iterator[Platform]:
    """A platform that carries invoices to the town, which Chorus Pro is not asked about."""
    for platform in open_platform(scene, TOWN):
        with acting_for(scene.organisation.id):
            save_channel_settings(PA, {**platform.simulator.settings(), "b2g": "true"}, actor=ACTOR)
            ChannelSettings.objects.filter(channel=ChannelKey.CHORUS_PRO).delete()
        yield platform


def town(platform: Platform, *, services: dict[str, Any] | None = None, **wants: Any) -> None:
    told = {"siret": TOWN.siret, "wants": wants, "services": services or {}}
    platform.simulator.state.load_directory({"public": [told]})


def prepared(scene: Scene, number: str, **more: Any) -> tuple[str, str]:
    notes = [note for note in invoice("F")["notes"] if note["subject_code"] != "BAR"]
    batch = scene.hand_over(file(number, TOWN, **{"notes": notes, **more}))
    scene.prepare(batch)
    (line,) = scene.lines(batch)
    return line.outcome, line.reason or scene.delivery(number).reason


@pytest.mark.parametrize(
    ("wants", "more", "words"),
    [
        ({"serviceCodeStatus": True}, {}, "l’annuaire demande le code service de"),
        ({"managesLegalCommitmentCode": True}, {}, "l’annuaire le demande"),
        ({"managesLegalCommitmentOrServiceCode": True}, {}, "un code service ou un numéro d’engagement"),
        ({"pmOnly": True}, {}, "que des factures de travaux"),
        ({}, {"buyer_reference": "RIEN"}, "l’annuaire ne connaît pas de service « RIEN »"),
        ({}, {"buyer_reference": "CLOS"}, "est fermé dans l’annuaire"),
        ({}, {"buyer_reference": "TRAVAUX"}, "l’annuaire le demande"),
    ],
)
def test_what_the_directory_says_is_wanted_stops_the_invoice_at_preparation(
    scene: Scene, platform: Platform, wants: dict[str, Any], more: dict[str, str], words: str
) -> None:
    services = {"VOIRIE": {}, "CLOS": {"administrativeStatus": "C"}, "TRAVAUX": {"managesLegalCommitmentCode": True}}
    town(platform, services=services, **wants)
    outcome, reason = prepared(scene, "TV-1", **more)
    assert outcome == LineOutcome.NEEDS_SOMEONE
    assert words in reason
    assert platform.deposits() == []


@pytest.mark.parametrize(
    ("wants", "more"),
    [
        ({"serviceCodeStatus": True}, {"buyer_reference": "VOIRIE"}),
        ({"managesLegalCommitmentCode": True}, {"purchase_order_reference": "EJ-1"}),
        ({"managesLegalCommitmentOrServiceCode": True}, {"purchase_order_reference": "EJ-1"}),
        ({"managesPaymentStatus": False}, {}),
    ],
)
def test_what_bears_what_is_wanted_is_ready(
    scene: Scene, platform: Platform, wants: dict[str, Any], more: dict[str, str]
) -> None:
    town(platform, services={"VOIRIE": {}}, **wants)
    outcome, reason = prepared(scene, "TV-1", **more)
    assert outcome == LineOutcome.READY, reason
    assert "Non vérifié" not in reason


def test_the_answer_is_kept_raw_with_its_hour_and_serves_for_a_day(
    scene: Scene, platform: Platform, rival: Organisation
) -> None:
    town(platform, serviceCodeStatus=True, managesPaymentStatus=False)
    prepared(scene, "TV-1")
    with acting_for(scene.organisation.id):
        row = structure_told(TOWN.siret, PA)
        assert row is not None
        assert (row.code_service, row.payment_not_reported, row.told_at is not None) == (True, True, True)
        raw = json.loads(archive.fetch(scene.organisation.id, row.raw_sha256))
        assert raw["siret"]["b2gAdditionalData"] == {"serviceCodeStatus": True, "managesPaymentStatus": False}
        assert structure_told(TOWN.siret) is None  # Chorus Pro has said nothing
        (asked,) = asked_of(Customer.objects.get(siret=TOWN.siret))
        assert "Chaque facture porte un code service." in asked.sentences
    with acting_for(rival.id):
        assert not Structure.objects.exists()
    town(platform)
    assert prepared(scene, "TV-2")[0] == LineOutcome.NEEDS_SOMEONE  # the answer of today
    with acting_for(scene.organisation.id):
        Structure.objects.update(told_at=timezone.now() - timedelta(days=2))
    assert refresh(scene.organisation.id, actor=ACTOR) == 1
    assert prepared(scene, "TV-3")[0] == LineOutcome.READY


@pytest.mark.parametrize("status", ["501", "503", ""])
def test_a_directory_that_does_not_describe_holds_nothing_up(scene: Scene, platform: Platform, status: str) -> None:
    town(platform, serviceCodeStatus=True)
    platform.fault(FaultKind.DOWN if status else FaultKind.GARBAGE, on="directory", code=status, times=None)
    outcome, reason = prepared(scene, "TV-1")
    assert outcome == LineOutcome.READY, reason
    assert "Non vérifié : l’annuaire" in reason
    if status == "501":
        with acting_for(scene.organisation.id):
            row = Structure.objects.get()
            assert row.known is None
            assert "ne décrit pas" in row.failure
            assert "ne décrit pas" not in (ChannelHealth.objects.get(channel=PA).bad_reason)


def test_a_town_that_goes_by_chorus_pro_is_not_asked_about(scene: Scene, platform: Platform) -> None:
    with acting_for(scene.organisation.id):
        Customer.objects.filter(siret=TOWN.siret).update(channel=ChannelKey.CHORUS_PRO)
    town(platform, serviceCodeStatus=True)
    prepared(scene, "TV-1")
    with acting_for(scene.organisation.id):
        assert not Structure.objects.filter(channel=PA).exists()
