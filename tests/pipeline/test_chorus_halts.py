"""Three halts, three guided answers, each given once: from the page's question to what Chorus Pro has in its books."""

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from faitfoi.accounts.models import Organisation, User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.chorus_pro_codes import invoice_statuses
from faitfoi.channels.contract import Grade
from faitfoi.pipeline.acting import CannotAct, do_acts
from faitfoi.pipeline.acting_questions import ask_about_acts
from faitfoi.pipeline.chorus_halts import Halt, Paper, acknowledge, complete, halted, halted_deliveries, recycle
from faitfoi.pipeline.handled import handle
from faitfoi.pipeline.resending import CannotResend, resend
from faitfoi.pipeline.task_list import count_tasks, list_tasks
from faitfoi.pipeline.tasks import Task
from faitfoi.records.models import Act, Delivery, Event
from faitfoi.records.stages import Stage
from faitfoi.simulators.control import FaultKind
from tests.pipeline.cast import ACTOR, TOWN, Scene, fault, invoice

pytestmark = pytest.mark.django_db(transaction=True)

SIGNED = Paper(filename="bon-signe.pdf", media_type="application/pdf", content=b"%PDF-1.7 bon")


def owing(number: str, cents: str) -> bytes:
    """An invoice to the town whose amount due ends with these cents: the simulator's scenario."""
    whole: dict[str, Any] = invoice(number, TOWN)
    net = next(n for n in range(10_000, 20_000) if f"{(n + round(n * 0.2)) / 100:.2f}".endswith(cents))
    whole["lines"][0] |= {"quantity": "1", "price": {"net": f"{net / 100:.2f}"}}
    return json.dumps(whole, ensure_ascii=False).encode()


def halt(scene: Scene, number: str, cents: str) -> None:
    """Bring an invoice to its halt, with its news read."""
    line = {"siret": TOWN.siret, "designation": TOWN.name, "services": [{"code": "VOIRIE", "name": "Voirie"}]}
    scene.chorus._control.obey("POST /control/structures", {"structures": [line]})
    scene.send(owing(number, cents))
    scene.advance(hours=2)
    scene.poll()


def told(scene: Scene) -> list[tuple[str, str, int]]:
    """What Chorus Pro's own books say was done."""
    records: Any = scene.chorus.state.records({})
    return [(each["kind"], each["number"], each["files"]) for each in records["told"]]


def do(scene: Scene) -> None:
    with acting_for(scene.organisation.id):
        ids = list(Act.objects.filter(stage=Stage.ROUTED).values_list("id", flat=True))
    do_acts(scene.organisation.id, ids)


def standing(scene: Scene, number: str) -> Halt | None:
    with acting_for(scene.organisation.id):
        found = halted(scene.delivery(number))
        return found.halt if found else None


def test_a_suspended_invoice_is_completed_on_the_same_number(scene: Scene) -> None:
    halt(scene, "TV-1", ".13")
    assert standing(scene, "TV-1") is Halt.COMPLETE
    delivery = scene.delivery("TV-1")
    act = complete(
        scene.organisation, delivery.id, files=[SIGNED], paper="bon de livraison", comment="Voici.", actor=ACTOR
    )
    do(scene)
    scene.advance(minutes=1)
    scene.poll()

    assert told(scene) == [("completer", "TV-1", 1)]
    with acting_for(scene.organisation.id):
        assert Act.objects.get(id=act.id).stage == Stage.SENT
        assert not halted_deliveries().exists()
    assert standing(scene, "TV-1") is None
    assert len(scene.deposits()) == 1


def test_an_invoice_to_recycle_goes_elsewhere_on_the_same_number(scene: Scene) -> None:
    halt(scene, "TV-1", ".44")
    delivery = scene.delivery("TV-1")
    with acting_for(scene.organisation.id):
        assert [each.id for each in halted_deliveries()] == [delivery.id]
    given = {"engagement": "", "comment": "", "actor": ACTOR}
    with pytest.raises(CannotAct, match="Rien ne change"):
        recycle(scene.organisation, delivery.id, siret=TOWN.siret, code="", **given)
    with pytest.raises(CannotAct, match="« FAUX »"):
        recycle(scene.organisation, delivery.id, siret=TOWN.siret, code="FAUX", **given)
    with pytest.raises(CannotAct, match="14 chiffres"):
        recycle(scene.organisation, delivery.id, siret="123", code="", **given)
    recycle(scene.organisation, delivery.id, siret=TOWN.siret, code="VOIRIE", **given)
    do(scene)
    scene.poll()

    assert told(scene) == [("recycler", "TV-1", 0)]
    assert standing(scene, "TV-1") is None


def test_a_rejection_is_acknowledged_and_stays_one(scene: Scene) -> None:
    halt(scene, "TV-1", ".66")
    assert scene.stage("TV-1") == Stage.REJECTED
    assert standing(scene, "TV-1") is Halt.REJECTED
    acknowledge(scene.organisation, scene.delivery("TV-1").id, actor=ACTOR)
    do(scene)

    assert told(scene) == [("traiterRejet", "TV-1", 0)]
    assert scene.stage("TV-1") == Stage.REJECTED


def test_each_halt_is_one_task_until_it_is_answered(scene: Scene) -> None:
    """Complaint A12."""
    halt(scene, "TV-1", ".13")
    with acting_for(scene.organisation.id):
        (task,) = list_tasks(scene.organisation)
        assert count_tasks() == 1
    assert (task.kind, task.buttons[0].page) == ("chorus_suspendue", "chorus_task")
    complete(scene.organisation, scene.delivery("TV-1").id, files=[], paper="", comment="Voici.", actor=ACTOR)
    with acting_for(scene.organisation.id):
        assert list_tasks(scene.organisation) == []
        assert count_tasks() == 0


def test_an_unknown_status_is_kept_shown_and_a_task_until_news_that_we_know(scene: Scene) -> None:
    halt(scene, "TV-1", ".00")
    flow = scene.delivery("TV-1").references["numeroFluxDepot"]
    scene.chorus._control.obey("POST /control/state", {"flow": flow, "status": "INVENTEE"})
    scene.poll()
    with acting_for(scene.organisation.id):
        (task,) = list_tasks(scene.organisation)
        assert count_tasks() == 1
    assert task.kind == "chorus_unknown"
    assert "INVENTEE" in task.happened
    assert task.buttons
    scene.advance(hours=1)
    scene.chorus._control.obey("POST /control/state", {"flow": flow, "status": "MANDATEE"})
    scene.poll()
    with acting_for(scene.organisation.id):
        assert list_tasks(scene.organisation) == []


def the_tasks(scene: Scene) -> list[Task]:
    """The one list, which counts what it shows; nothing in it is without a button."""
    with acting_for(scene.organisation.id):
        found = list_tasks(scene.organisation)
        assert count_tasks() == len(found)
    assert all(task.buttons and task.who and task.todo and task.happened for task in found)
    return found


def states(scene: Scene, number: str, **told: str) -> None:
    """Have Chorus Pro say a state of the flow, or a status of the invoice, and read it."""
    flow = scene.delivery(number).references["numeroFluxDepot"]
    scene.advance(minutes=5)
    scene.chorus._control.obey("POST /control/state", {"flow": flow, **told})
    with acting_for(scene.organisation.id):
        Delivery.objects.filter(next_poll_at=None).update(next_poll_at=timezone.now())
    scene.poll()


ASKING = sorted(
    code
    for code, meaning in invoice_statuses().items()
    if meaning.grade is Grade.ACTION_NEEDED and code not in {Halt.RECYCLE.value, Halt.COMPLETE.value}
)


@pytest.mark.beside_the_journal
def test_every_status_that_asks_for_something_is_a_task_until_somebody_has_dealt_with_it(scene: Scene) -> None:
    assert len(ASKING) > 20
    halt(scene, "TV-1", ".00")
    for code in ASKING:
        states(scene, "TV-1", status=code)
        (task,) = the_tasks(scene)
        assert task.kind == "chorus_asked", code
        assert invoice_statuses()[code].sentence in task.happened
    event_id = task.buttons[-1].about["event_id"]
    with acting_for(scene.organisation.id):
        assert handle(Event.objects.get(id=event_id), note="vu avec la mairie", actor=ACTOR)
    assert the_tasks(scene) == []
    states(scene, "TV-1", status="BROUILLON")
    assert len(the_tasks(scene)) == 1
    states(scene, "TV-1", status="MANDATEE")
    assert the_tasks(scene) == []


@pytest.mark.parametrize("state", ["IN_INCIDENTE", "IN_A_RELANCER", "IN_ERREUR_INTERNE"])
def test_a_flow_that_chorus_left_behind_is_a_task_and_only_a_person_deposits_it_again(scene: Scene, state: str) -> None:
    scene.send(owing("TV-1", ".00"))
    states(scene, "TV-1", flow_state=state)
    (task,) = the_tasks(scene)
    assert (task.kind, len(scene.deposits())) == ("chorus_left", 1)
    (again,) = [button for button in task.buttons if button.given.get("exit") == "resend"]
    assert again.tick
    resend(scene.organisation, scene.delivery("TV-1").id, actor="user:alice")
    scene.deliver()
    assert len(scene.deposits()) == 2
    assert the_tasks(scene) == []


def test_the_page_leads_out_of_what_chorus_asks_for(scene: Scene, alice: User) -> None:
    scene.send(owing("TV-1", ".00"))
    states(scene, "TV-1", flow_state="IN_INCIDENTE")
    delivery, client = scene.delivery("TV-1"), Client()
    client.force_login(alice)
    slug = scene.organisation.slug
    shown = client.get(reverse("tasks", args=[slug])).content.decode()
    for words in ("restée à l’entrée de Chorus Pro", "Déposer de nouveau", "Classer"):
        assert words in shown
    exit_ = reverse("delivery_exit", args=[slug, delivery.id])
    given = {"exit": "resend", "needs_tick": "1"}
    client.post(exit_, given)
    scene.deliver()
    assert len(scene.deposits()) == 1  # the box was not ticked
    client.post(exit_, {**given, "tick": "1"})
    scene.deliver()
    assert len(scene.deposits()) == 2
    assert the_tasks(scene) == []


def test_somebody_says_on_the_page_that_a_status_is_dealt_with(scene: Scene, alice: User) -> None:
    halt(scene, "TV-1", ".00")
    states(scene, "TV-1", status="NON_CONFORME")
    (task,) = the_tasks(scene)
    (button,) = task.buttons
    client = Client()
    client.force_login(alice)
    assert "non conforme" in client.get(reverse("tasks", args=[scene.organisation.slug])).content.decode()
    address = reverse(button.page, args=[scene.organisation.slug, *button.about.values()])
    client.post(address, {**button.given, "note": "Vu avec la mairie."})
    assert the_tasks(scene) == []


def test_a_flow_on_its_way_is_not_deposited_again(scene: Scene) -> None:
    scene.send(owing("TV-1", ".00"))
    with pytest.raises(CannotResend):
        resend(scene.organisation, scene.delivery("TV-1").id, actor="user:alice")
    states(scene, "TV-1", flow_state="IN_A_RELANCER")
    states(scene, "TV-1", flow_state="IN_INTEGRE")
    assert the_tasks(scene) == []
    with pytest.raises(CannotResend):
        resend(scene.organisation, scene.delivery("TV-1").id, actor="user:alice")


def test_a_rejection_in_the_list_leads_to_its_guided_answer(scene: Scene) -> None:
    halt(scene, "TV-1", ".66")
    (task,) = the_tasks(scene)
    assert (task.kind, [button.page for button in task.buttons if not button.post][-1]) == ("rejected", "chorus_task")


def test_two_who_answer_at_once_answer_once(scene: Scene) -> None:
    halt(scene, "TV-1", ".13")
    delivery = scene.delivery("TV-1")
    complete(scene.organisation, delivery.id, files=[], paper="", comment="Voici.", actor="alice")
    with pytest.raises(CannotAct, match="déjà donnée"):
        complete(scene.organisation, delivery.id, files=[], paper="", comment="Voici.", actor="bob")
    do(scene)
    assert len(told(scene)) == 1


def test_a_lost_answer_to_a_completion_is_asked_about_not_repeated(scene: Scene) -> None:
    halt(scene, "TV-1", ".13")
    act = complete(scene.organisation, scene.delivery("TV-1").id, files=[SIGNED], paper="", comment="", actor=ACTOR)
    scene.chorus.faults.add(fault(FaultKind.LOSE_ANSWER, on="completer"))
    do(scene)
    with acting_for(scene.organisation.id):
        assert Act.objects.get(id=act.id).stage == Stage.TO_FIND
    ask_about_acts(scene.organisation.id, [act.id])

    with acting_for(scene.organisation.id):
        assert Act.objects.get(id=act.id).stage == Stage.SENT
    assert told(scene) == [("completer", "TV-1", 1)]


@pytest.mark.parametrize(
    ("files", "comment", "words"),
    [
        ([], " ", "au moins un fichier"),
        ([Paper(filename="macro.exe", media_type="x", content=b"x")], "", "macro.exe"),
        ([SIGNED] * 21, "", "20 au plus"),
    ],
)
def test_what_chorus_would_not_take_is_said_before_anything_is_kept(
    scene: Scene, files: list[Paper], comment: str, words: str
) -> None:
    halt(scene, "TV-1", ".13")
    with pytest.raises(CannotAct, match=words):
        complete(scene.organisation, scene.delivery("TV-1").id, files=files, paper="", comment=comment, actor=ACTOR)
    with acting_for(scene.organisation.id):
        assert not Act.objects.exists()


def test_each_halt_takes_its_own_answer_only(scene: Scene, rival: Organisation) -> None:
    halt(scene, "TV-1", ".13")
    delivery = scene.delivery("TV-1")
    with pytest.raises(CannotAct, match="n’en est plus là"):
        acknowledge(scene.organisation, delivery.id, actor=ACTOR)
    with pytest.raises(CannotAct, match="n’en est plus là"):
        complete(rival, delivery.id, files=[], paper="", comment="x", actor="charlie")
