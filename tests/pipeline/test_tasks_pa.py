"""What the lifecycle asks of a person is a task with its button, and is gone once it is answered."""

import base64
from collections.abc import Iterator

import pytest
from django.test import Client

from faitfoi.accounts.models import Organisation, User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline import acting
from faitfoi.pipeline.task_list import list_tasks
from faitfoi.pipeline.tasks import Task
from faitfoi.records.models import Act, Event
from faitfoi.records.stages import Stage
from tests.pipeline.cast import Scene, file
from tests.pipeline.pa_scene import Platform, due, open_platform

pytestmark = pytest.mark.django_db(transaction=True)

F = "F-2026-601"


@pytest.fixture
def platform(scene: Scene) -> Iterator[Platform]:
    yield from open_platform(scene)


def found(scene: Scene) -> list[Task]:
    with acting_for(scene.organisation.id):
        told = list_tasks(scene.organisation)
        return [task for task in told if task.kind in {"status", "letter"}]


def suspended(scene: Scene, platform: Platform) -> Task:
    scene.send(due(F, "08"))
    platform.pass_time(days=2)
    platform.collect()
    (task,) = found(scene)
    return task


def test_a_suspended_invoice_is_completed_and_goes_on(scene: Scene, platform: Platform, alice: User) -> None:
    task = suspended(scene, platform)
    assert "suspendue" in task.title
    assert "bon de livraison" in task.happened
    assert "JUSTIF_ABS" in task.happened
    button = task.buttons[0]
    client = Client()
    client.force_login(alice)
    shown = client.get(f"/o/{scene.organisation.slug}/documents/{scene.document(F).id}/").content.decode()
    for words in ("est suspendue", "Donnez-lui ce qui manque", "Dire complétée (209)", "bon de livraison"):
        assert words in shown
    address = f"/o/{scene.organisation.slug}/statuts/{button.about['event_id']}/repondre/"
    answered = client.post(address, {**button.given, "note": "Bon de livraison envoyé."})
    assert answered.status_code == 302, answered
    with acting_for(scene.organisation.id):
        act = Act.objects.get(kind="209")
    acting.do_acts(scene.organisation.id, [act.id])
    assert found(scene) == []
    platform.pass_time(days=5)
    platform.collect()
    assert platform.news(F)[-1][0] == "211"
    assert platform.acts()[0]["status"] == "209"


def test_a_dispute_is_a_task_until_something_later_answers_it(scene: Scene, platform: Platform) -> None:
    scene.send(due(F, "07"))
    platform.pass_time(days=2)
    platform.collect()
    (task,) = found(scene)
    assert "contestée" in task.title
    assert "Acheteur" in task.happened
    platform.say(F, "205")
    platform.collect()
    assert found(scene) == []


def test_a_status_after_a_refusal_changes_nothing_and_is_a_contradiction(scene: Scene, platform: Platform) -> None:
    scene.send(due(F, "10"))
    platform.pass_time(days=2)
    platform.collect()
    platform.say(F, "205")
    platform.collect()
    assert scene.stage(F) is Stage.REJECTED
    (task,) = found(scene)
    assert "contredisent" in task.todo


def test_news_that_fits_nothing_is_a_task_and_is_put_aside(scene: Scene, platform: Platform, alice: User) -> None:
    """Complaint B23."""
    scene.send(file(F))
    platform.say(F, "203", raw=base64.b64encode(b"<lifecycle/>").decode())
    platform.collect()
    (task,) = found(scene)
    client = Client()
    client.force_login(alice)
    address = f"/o/{scene.organisation.slug}/nouvelles/{task.buttons[1].about['letter_id']}/"
    assert client.post(address, task.buttons[0].given).status_code == 302
    assert len(found(scene)) == 1
    assert client.post(address, task.buttons[1].given).status_code == 302
    assert found(scene) == []


def test_a_duplicate_of_an_invoice_never_taken_is_a_task_and_no_rejection(scene: Scene, platform: Platform) -> None:
    scene.send(file(F))
    platform.say(F, "213", reason="DOUBLON")
    platform.collect()
    (task,) = found(scene)
    assert "doublon" in task.title
    assert scene.stage(F) is not Stage.REJECTED


def test_charlie_cannot_answer_alice_s_status(
    scene: Scene, platform: Platform, charlie: User, rival: Organisation
) -> None:
    task = suspended(scene, platform)
    client = Client()
    client.force_login(charlie)
    event = task.buttons[0].about["event_id"]
    for slug in (scene.organisation.slug, rival.slug):
        assert client.post(f"/o/{slug}/statuts/{event}/repondre/", {"exit": "complete"}).status_code == 404
    with acting_for(scene.organisation.id):
        assert not Act.objects.exists()
        assert not Event.objects.filter(code="handled").exists()
