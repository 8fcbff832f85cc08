"""Invoices that share a flow of Chorus Pro: one claim and one outcome each, whatever becomes of the others."""

import os
import signal
import subprocess
import sys

import pytest
from django.utils import timezone

from faitfoi.accounts.models import ChannelKey
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.questions import sweep
from faitfoi.records.journal import write_entry
from faitfoi.records.models import Attempt, Customer, Event
from faitfoi.records.stages import Nature, Stage
from faitfoi.simulators.control import FaultKind
from tests.pipeline.cast import ACTOR, LONG_AGO, TOWN, Buyer, Scene, fault, file, register

pytestmark = pytest.mark.django_db(transaction=True)

LIBRARY = Buyer(
    reference="P-9", name="Bibliothèque de Valombreuse", nature=Nature.PUBLIC, siren="000000745", siret="00000074500018"
)
FOUR = ("F-1", "F-2", "F-3", "F-4")


def grouped(scene: Scene, most: str = "50") -> None:
    scene.change(ChannelKey.CHORUS_PRO, factures_par_flux=most)


def flows(scene: Scene) -> list[set[str]]:
    """Return the numbers of the invoices of each flow that Chorus Pro has taken."""
    told: dict[str, set[str]] = {}
    deposits = scene.chorus.state.records({})["deposits"]
    assert isinstance(deposits, list)
    for each in deposits:
        told.setdefault(each["flow"], set()).add(each["number"])
    return list(told.values())


def town(*numbers: str) -> list[bytes]:
    return [file(number, TOWN) for number in numbers]


def test_without_asking_each_invoice_has_its_flow(scene: Scene) -> None:
    scene.send(*town("F-1", "F-2"))
    assert flows(scene) == [{"F-1"}, {"F-2"}]


def test_invoices_of_a_chunk_share_flows_of_the_size_asked_for(scene: Scene) -> None:
    grouped(scene, "3")
    batch = scene.send(*town(*FOUR))
    assert sorted(map(len, flows(scene))) == [1, 3]
    scene.advance(hours=1)
    scene.poll()
    scene.advance(hours=1)
    scene.poll()
    assert scene.counts(batch).delivered == 4
    with acting_for(scene.organisation.id):
        attempts = Attempt.objects.filter(outcome=Attempt.Outcome.RECEIPT)
        assert len(set(attempts.values_list("delivery", flat=True))) == 4


def test_a_partial_refusal_rejects_the_one_that_is_named_only(scene: Scene) -> None:
    grouped(scene)
    with acting_for(scene.organisation.id):
        kept = register(scene.organisation, LIBRARY)
        write_entry("scene_set", actor=ACTOR, rows=[kept])
    known = [{"siret": TOWN.siret, "designation": TOWN.name}, {"siret": LIBRARY.siret, "designation": LIBRARY.name}]
    scene.chorus._control.obey("POST /control/structures", {"structures": known})
    batch = scene.hand_over(*town("F-1"), file("F-2", LIBRARY), *town("F-3"))
    scene.prepare(batch)
    # It was there when the batch was prepared, and is no more when the flow is read.
    scene.chorus._control.obey("POST /control/structures", {"structures": known[:1]})
    scene.deliver()
    assert flows(scene) == [{"F-1", "F-2", "F-3"}]
    scene.advance(hours=1)
    scene.poll()
    assert [scene.stage(number) for number in ("F-1", "F-2", "F-3")] == [
        Stage.DELIVERED,
        Stage.REJECTED,
        Stage.DELIVERED,
    ]
    assert scene.counts(batch).rejected == 1
    with acting_for(scene.organisation.id):
        told = Event.objects.filter(reason__contains=LIBRARY.siret)
        assert set(told.values_list("document__number", flat=True)) == {"F-2"}


def test_a_lost_answer_leaves_each_of_them_to_be_asked_about_and_none_is_resent(scene: Scene) -> None:
    grouped(scene)
    scene.chorus.faults.add(fault(FaultKind.LOSE_ANSWER))
    batch = scene.send(*town(*FOUR))
    assert {scene.stage(number) for number in FOUR} == {Stage.TO_FIND}
    scene.deliver()
    scene.ask()  # not shown yet: nothing is sent on the strength of that
    assert {scene.stage(number) for number in FOUR} == {Stage.TO_FIND}
    scene.advance(hours=1)
    scene.ask()
    assert {scene.stage(number) for number in FOUR} == {Stage.SENT}
    assert sorted(number for _, number in scene.deposits()) == list(FOUR)
    assert scene.counts(batch).unknown == 0


def test_a_flow_refused_as_a_whole_lets_each_go_alone_and_names_the_bad_one(scene: Scene) -> None:
    grouped(scene)
    scene.chorus.faults.add(fault(FaultKind.REFUSE, times=2))  # the flow, then the next of the chunk by itself
    scene.send(*town("F-1", "F-2"))
    assert sorted([scene.stage("F-1"), scene.stage("F-2")]) == sorted([Stage.ROUTED, Stage.TO_FIX])
    scene.deliver()
    assert sorted([scene.stage("F-1"), scene.stage("F-2")]) == sorted([Stage.SENT, Stage.TO_FIX])
    assert len(scene.deposits()) == 1


def test_what_certainly_did_not_leave_goes_together_again(scene: Scene) -> None:
    grouped(scene)
    scene.chorus.faults.add(fault(FaultKind.DOWN))
    scene.send(*town("F-1", "F-2"))
    assert scene.deposits() == []
    scene.deliver()
    assert flows(scene) == [{"F-1", "F-2"}]


def test_a_customer_who_takes_no_flow_gets_none(scene: Scene) -> None:
    grouped(scene)
    scene.chorus._control.obey("POST /control/account", {"suppliers": [scene.organisation.siret]})
    batch = scene.hand_over(*town("F-1", "F-2"))
    scene.prepare(batch)
    with acting_for(scene.organisation.id):
        Customer.objects.filter(reference=TOWN.reference).update(chorus_deposit="soumettre")
    scene.deliver()
    assert {scene.stage("F-1"), scene.stage("F-2")} == {Stage.SENT}
    assert "identifiantFactureCPP" in scene.delivery("F-1").references
    assert "facturesDuFlux" not in scene.delivery("F-1").references


CHILD = """
import sys, signal
import django; django.setup()
from uuid import UUID
from faitfoi.channels.chorus_pro import ChorusPro
from faitfoi.pipeline.deliver import deliver

when, organisation_id, ids = sys.argv[1], UUID(sys.argv[2]), [UUID(each) for each in sys.argv[3:]]
real = ChorusPro.send

def stopped_there(self, parcel):
    assert len(parcel.others) == len(ids) - 1
    if when == "after":
        real(self, parcel)
    print("there", flush=True)
    signal.pause()

ChorusPro.send = stopped_there
deliver(organisation_id, ids)
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_killed_beside_the_deposit_leaves_none_lost_and_none_doubled(scene: Scene, when: str) -> None:
    grouped(scene)
    batch = scene.hand_over(*town(*FOUR))
    scene.prepare(batch)
    ids = [str(scene.delivery(number).id) for number in FOUR]
    command = [sys.executable, "-c", CHILD, when, str(scene.organisation.id), *ids]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "faitfoi.web.settings"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"there\n"
        child.send_signal(signal.SIGKILL)
    assert {scene.stage(number) for number in FOUR} == {Stage.SENDING}
    scene.deliver()  # each claim holds: nobody else sends them
    with acting_for(scene.organisation.id):
        Attempt.objects.update(lease_until=timezone.now() - LONG_AGO)
    assert sweep(scene.organisation.id) == len(FOUR)
    scene.advance(hours=1)
    scene.ask()
    arrived = Stage.SENT if when == "after" else Stage.TO_FIND
    assert {scene.stage(number) for number in FOUR} == {arrived}
    assert len(scene.deposits()) == (len(FOUR) if when == "after" else 0)
