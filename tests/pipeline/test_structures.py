"""What a public structure wants is known before its invoices are prepared, and never holds a batch up (A8)."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline import archive, jobs
from faitfoi.pipeline.rerouting import route_again
from faitfoi.pipeline.structures import NotTold, look_up, refresh
from faitfoi.records.journal import write_entry
from faitfoi.records.models import ChannelHealth, Customer, JournalEntry, Structure
from faitfoi.records.stages import LineOutcome, Stage
from faitfoi.simulators.control import FaultKind
from tests.pipeline.cast import ACTOR, TOWN, Scene, fault, file, register

pytestmark = pytest.mark.django_db(transaction=True)

SERVICES = [
    {"code": "VOIRIE", "name": "Voirie"},
    {"code": "TRAVAUX", "name": "Travaux", "engagement": True},
    {"code": "ANCIEN", "name": "Service fermé", "active": False},
    {"code": "FINI", "name": "Service clos", "ends": "2026-10-25 17:42"},
    {"code": "FUTUR", "name": "Service à venir", "begins": "2096-10-25 17:42"},
]


def town(scene: Scene, **wants: Any) -> None:
    """Have Chorus Pro describe the town so."""
    line = {"siret": TOWN.siret, "designation": TOWN.name, **wants}
    scene.chorus._control.obey("POST /control/structures", {"structures": [line]})


def record(scene: Scene, **values: str) -> None:
    """Change the town's record."""
    with acting_for(scene.organisation.id):
        Customer.objects.filter(siret=TOWN.siret).update(**values)


def age(scene: Scene, **span: float) -> None:
    """Make what Chorus Pro has said older."""
    with acting_for(scene.organisation.id):
        Structure.objects.update(told_at=timezone.now() - timedelta(**span))


def prepared(scene: Scene, number: str, **more: Any) -> tuple[str, str]:
    """Prepare one invoice to the town: the line's outcome, and its reason or that of its delivery."""
    batch = scene.hand_over(file(number, TOWN, **more))
    scene.prepare(batch)
    (line,) = scene.lines(batch)
    return line.outcome, line.reason or scene.delivery(number).reason


@pytest.mark.parametrize(
    ("wants", "has", "word"),
    [
        ({"code_service": True}, {}, "code service"),
        ({"engagement": True}, {}, "numéro d’engagement"),
        ({"code_service_or_engagement": True}, {}, "ni l’un ni l’autre"),
        ({}, {"buyer_reference": "TRAVAUX"}, "service TRAVAUX"),
        ({}, {"buyer_reference": "ANCIEN"}, "fermé"),
        ({}, {"buyer_reference": "FINI"}, "fermé"),
        ({}, {"buyer_reference": "FUTUR"}, "n’ouvre sur Chorus Pro que le 25/10/2096"),
        ({}, {"buyer_reference": "INCONNU"}, "« INCONNU »"),
        ({}, {"buyer_reference": "FACTURES_PUBLIQUES"}, "entre administrations"),
        ({"active": False}, {}, "plus active"),
        ({"works_only": True}, {}, "travaux"),
    ],
)
def test_what_is_missing_is_said_at_preparation_and_nothing_is_deposited(
    scene: Scene, wants: dict[str, Any], has: dict[str, str], word: str
) -> None:
    """Complaint A8."""
    town(scene, services=SERVICES, **wants)
    outcome, reason = prepared(scene, "TV-1", **has)
    scene.deliver()

    assert outcome == LineOutcome.NEEDS_SOMEONE
    assert reason.startswith("La facture TV-1 ne peut pas partir : ")
    assert word in reason
    assert scene.document("TV-1").waiting_for == reason
    assert scene.deposits() == []


@pytest.mark.parametrize(
    ("wants", "has"),
    [
        ({"code_service": True}, {"buyer_reference": "VOIRIE"}),
        ({"engagement": True}, {"purchase_order_reference": "EJ-1"}),
        ({"code_service_or_engagement": True}, {"buyer_reference": "VOIRIE"}),
        ({"code_service_or_engagement": True}, {"purchase_order_reference": "EJ-1"}),
        ({}, {"buyer_reference": "TRAVAUX", "purchase_order_reference": "EJ-1"}),
        ({}, {}),
    ],
)
def test_what_has_all_it_needs_leaves_and_chorus_takes_it(
    scene: Scene, wants: dict[str, Any], has: dict[str, str]
) -> None:
    town(scene, services=SERVICES, **wants)
    assert prepared(scene, "TV-1", **has)[0] == LineOutcome.READY
    scene.deliver()
    scene.advance(minutes=5)
    scene.poll()

    assert scene.stage("TV-1") == Stage.ACCEPTED


def test_an_unknown_siret_is_found_out_before_the_deposit(scene: Scene) -> None:
    scene.chorus._control.obey("POST /control/structures", {"structures": []})
    outcome, reason = prepared(scene, "TV-1")

    assert outcome == LineOutcome.NEEDS_SOMEONE
    assert f"ne connaît pas le SIRET {TOWN.siret}" in reason


@pytest.mark.beside_the_journal
def test_what_was_mended_is_asked_anew_and_leaves(scene: Scene) -> None:
    town(scene, code_service=True, services=SERVICES)
    prepared(scene, "TV-1")
    record(scene, code_service="NOUVEAU")
    age(scene, minutes=1)
    still = route_again(scene.organisation, scene.document("TV-1").id, actor=ACTOR)
    assert "« NOUVEAU »" in still

    town(scene, code_service=True, services=[*SERVICES, {"code": "NOUVEAU", "name": "Nouveau service"}])
    age(scene, minutes=1)
    assert route_again(scene.organisation, scene.document("TV-1").id, actor=ACTOR) == ""
    scene.deliver()
    assert scene.stage("TV-1") == Stage.SENT


def test_a_silent_chorus_never_holds_a_batch_up_and_the_reason_says_unverified(scene: Scene) -> None:
    town(scene, code_service=True, services=SERVICES)
    scene.chorus.faults.add(fault(FaultKind.DOWN, times=1, on="rechercher"))
    outcome, reason = prepared(scene, "TV-1")
    assert outcome == LineOutcome.READY
    assert "Non vérifié" in reason

    # The next line does not wait for the same silence again.
    assert "Non vérifié" in prepared(scene, "TV-2")[1]
    with acting_for(scene.organisation.id):
        row = Structure.objects.get()
        assert (row.known, row.told_at) == (None, None)
        assert "503" in row.failure
        assert ChannelHealth.objects.get(channel=ChannelKey.CHORUS_PRO).bad_reason == row.failure


def towns(scene: Scene, count: int) -> list[bytes]:
    """Register so many public customers, and return an invoice for each."""
    numbers = range(1, count + 1)
    buyers = [
        replace(TOWN, reference=f"P-{100 + n}", name=f"Commune {n} de l’Exemple", siret=f"000001{n:02d}000010"[:14])
        for n in numbers
    ]
    buyers = [replace(each, siren=each.siret[:9]) for each in buyers]
    with acting_for(scene.organisation.id):
        write_entry("scene_set", actor=ACTOR, rows=[register(scene.organisation, each) for each in buyers])
    return [file(f"TV-{n}", buyer) for n, buyer in zip(numbers, buyers, strict=True)]


def asked(scene: Scene) -> int:
    """How often Chorus Pro was asked for a structure while it was not there."""
    (down,) = scene.chorus.faults.left()
    return 50 - int(str(down["times"]))


@pytest.mark.beside_the_journal
def test_a_batch_waits_for_a_silent_chorus_twice_at_most_however_many_its_customers(scene: Scene) -> None:
    files = towns(scene, 6)
    scene.chorus.faults.add(fault(FaultKind.DOWN, times=50, on="rechercher"))
    scene.prepare(scene.hand_over(*files[:4]))
    assert asked(scene) == 2

    # What is prepared a moment later does not wait for the same silence at all; later it asks again.
    scene.prepare(scene.hand_over(files[4]))
    assert asked(scene) == 2
    with acting_for(scene.organisation.id):
        ChannelHealth.objects.update(bad_at=timezone.now() - timedelta(minutes=2))
    scene.prepare(scene.hand_over(files[5]))
    assert asked(scene) == 3


def test_a_structure_that_chorus_cannot_describe_hides_none_of_the_others(scene: Scene) -> None:
    files = towns(scene, 4)
    scene.chorus.faults.add(fault(FaultKind.REFUSE, times=3, on="rechercher"))
    scene.prepare(scene.hand_over(*files))
    with acting_for(scene.organisation.id):
        assert Structure.objects.exclude(told_at=None).count() == 1


@pytest.mark.beside_the_journal
def test_what_chorus_said_last_serves_with_its_age(scene: Scene) -> None:
    town(scene, code_service=True, services=SERVICES)
    look_up(scene.organisation.id, TOWN.siret, actor=ACTOR)
    age(scene, days=30)
    scene.chorus.faults.add(fault(FaultKind.DOWN, times=None, on="rechercher"))

    assert prepared(scene, "TV-1")[0] == LineOutcome.NEEDS_SOMEONE
    outcome, reason = prepared(scene, "TV-2", buyer_reference="VOIRIE")
    assert outcome == LineOutcome.READY
    assert re.search(r"Vérifié d’après la réponse .* \(il y a \d\d jours\)", reason)


def test_an_answer_is_kept_with_its_digest_and_written_once(scene: Scene) -> None:
    town(scene, services=SERVICES)
    first = look_up(scene.organisation.id, TOWN.siret, services=["TRAVAUX"], actor=ACTOR)
    assert b"rechercher" in archive.fetch(scene.organisation.id, first.raw_sha256)
    assert [each["engagement"] for each in first.services] == [None, True, None, None, None]
    # What one service wants is not forgotten when the structure is asked about again for another.
    again = look_up(scene.organisation.id, TOWN.siret, services=["VOIRIE"], actor=ACTOR)
    assert [each["engagement"] for each in again.services] == [False, True, None, None, None]
    look_up(scene.organisation.id, TOWN.siret, actor=ACTOR)

    with acting_for(scene.organisation.id):
        assert JournalEntry.objects.filter(kind="structure_told").count() == 2


@pytest.mark.beside_the_journal
def test_each_day_what_is_old_is_asked_again_until_the_first_silence(scene: Scene) -> None:
    look_up(scene.organisation.id, TOWN.siret, actor=ACTOR)
    assert refresh(scene.organisation.id, actor=ACTOR) == 0
    age(scene, days=2)
    assert refresh(scene.organisation.id, actor=ACTOR) == 1
    age(scene, days=2)
    scene.chorus.faults.add(fault(FaultKind.DOWN, on="consulter"))
    assert refresh(scene.organisation.id, actor=ACTOR) == 0


@pytest.mark.beside_the_journal
def test_each_morning_every_organisation_s_structures_and_connections_are_asked_again(scene: Scene) -> None:
    town(scene, code_service=False)
    look_up(scene.organisation.id, TOWN.siret, actor=ACTOR)
    age(scene, days=2)
    town(scene, code_service=True)
    jobs.refresh_structures(timestamp=0)
    asked = ProcrastinateJob.objects.filter(task_name="refresh_structures_of")
    assert str(scene.organisation.id) in [job.args["organisation_id"] for job in asked]
    jobs.refresh_structures_of(organisation_id=str(scene.organisation.id))
    with acting_for(scene.organisation.id):
        assert Structure.objects.get().code_service
        assert ChannelHealth.objects.get(channel=ChannelKey.CHORUS_PRO).checked_at is not None


def test_the_other_organisation_sees_no_structure_and_cannot_ask(scene: Scene, rival: Organisation) -> None:
    look_up(scene.organisation.id, TOWN.siret, actor=ACTOR)
    with acting_for(rival.id):
        assert not Structure.objects.exists()
        assert not ChannelHealth.objects.exists()
    with pytest.raises(NotTold, match="réglages"):
        look_up(rival.id, TOWN.siret, actor=ACTOR)
    with acting_for(rival.id):
        assert Structure.objects.get().known is None


def test_a_structure_of_many_services_is_read_to_the_last_page(scene: Scene) -> None:
    town(scene, services=[{"code": f"S{n:04d}", "name": f"Service {n}"} for n in range(1201)])
    told = look_up(scene.organisation.id, TOWN.siret, actor=ACTOR)
    assert [each["code"] for each in told.services] == [f"S{n:04d}" for n in range(1201)]
