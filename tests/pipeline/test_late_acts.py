"""An act that comes late, held by somebody else's machine: asked about, never told again on the strength of absence."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from faitfoi.accounts.models import ChannelKey
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline import acting, tasks_acts
from faitfoi.pipeline.acting_questions import ask_about_acts
from faitfoi.pipeline.chorus_halts import Paper, complete, recycle
from faitfoi.pipeline.statuses_pa import declare
from faitfoi.pipeline.tries import MOST_QUESTIONS
from faitfoi.records.models import Act, JournalEntry
from faitfoi.records.stages import Stage
from faitfoi.records.vault import save_channel_settings
from tests.pipeline.cast import ACTOR, TOWN, Scene, file
from tests.pipeline.gate import Gate, held_back
from tests.pipeline.pa_scene import Platform, open_platform
from tests.pipeline.test_chorus_halts import do, halt, told

pytestmark = pytest.mark.django_db(transaction=True)

F = "F-2026-952"
SIGNED = Paper(filename="bon-signe.pdf", media_type="application/pdf", content=b"%PDF-1.7 bon")
KINDS = [("completer", ".13"), ("recycler", ".44")]


def ask_for(scene: Scene, kind: str) -> Act:
    delivery_id = scene.delivery("TV-1").id
    if kind == "completer":
        return complete(scene.organisation, delivery_id, files=[SIGNED], paper="", comment="", actor=ACTOR)
    return recycle(
        scene.organisation,
        delivery_id,
        siret=TOWN.siret,
        code="VOIRIE",
        engagement="EJ-9",
        comment="",
        actor=ACTOR,
    )


def stage(scene: Scene, act: Act) -> Stage:
    with acting_for(scene.organisation.id):
        return Stage(Act.objects.values_list("stage", flat=True).get(id=act.id))


@pytest.mark.parametrize(("kind", "cents"), KINDS)
def test_a_late_act_is_found_and_was_not_told_twice(scene: Scene, kind: str, cents: str) -> None:
    halt(scene, "TV-1", cents)
    act = ask_for(scene, kind)
    with held_back(port=urlsplit(scene.chorus.url).port or 0, operation=f"factures/v1/{kind}") as gate:
        known = scene.channels[ChannelKey.CHORUS_PRO]
        scene.change(ChannelKey.CHORUS_PRO, api_url=f"http://127.0.0.1:{gate.port}/cpro", timeout="2")
        do(scene)
        assert stage(scene, act) is Stage.TO_FIND
        scene.change(ChannelKey.CHORUS_PRO, api_url=known["api_url"], timeout="30")

        ask_about_acts(scene.organisation.id, [act.id])
        assert stage(scene, act) is Stage.TO_FIND  # it is not there, which proves nothing
        do(scene)
        assert told(scene) == []

        gate.let_through()
    ask_about_acts(scene.organisation.id, [act.id])
    assert stage(scene, act) is Stage.SENT
    assert [(done, number) for done, number, _ in told(scene)] == [(kind, "TV-1")]


def test_an_act_that_stays_absent_waits_for_a_person_who_may_answer_anew(scene: Scene) -> None:
    halt(scene, "TV-1", ".13")
    first = ask_for(scene, "completer")
    with held_back(port=urlsplit(scene.chorus.url).port or 0, operation="factures/v1/completer") as gate:
        known = scene.channels[ChannelKey.CHORUS_PRO]
        scene.change(ChannelKey.CHORUS_PRO, api_url=f"http://127.0.0.1:{gate.port}/cpro", timeout="2")
        do(scene)
        scene.change(ChannelKey.CHORUS_PRO, api_url=known["api_url"], timeout="30")
        for _ in range(MOST_QUESTIONS):
            ask_about_acts(scene.organisation.id, [first.id])
        assert stage(scene, first) is Stage.UNKNOWN
        with acting_for(scene.organisation.id):
            assert "ne prouve rien" in Act.objects.get(id=first.id).reason

        again = ask_for(scene, "completer")
        do(scene)
        assert stage(scene, again) is Stage.SENT
        gate.let_through()  # the first one comes after all: Chorus Pro has left that status, and refuses it
    assert told(scene) == [("completer", "TV-1", 1)]


@contextmanager
def lost(scene: Scene, act: Act, kind: str) -> Iterator[Gate]:
    """Have an act of Chorus Pro held back until nobody asks about it any more."""
    with held_back(port=urlsplit(scene.chorus.url).port or 0, operation=f"factures/v1/{kind}") as gate:
        known = scene.channels[ChannelKey.CHORUS_PRO]
        scene.change(ChannelKey.CHORUS_PRO, api_url=f"http://127.0.0.1:{gate.port}/cpro", timeout="2")
        do(scene)
        scene.change(ChannelKey.CHORUS_PRO, api_url=known["api_url"], timeout="30")
        for _ in range(MOST_QUESTIONS):
            ask_about_acts(scene.organisation.id, [act.id])
        assert stage(scene, act) is Stage.UNKNOWN
        yield gate


def hear(scene: Scene) -> list[UUID]:
    """Read the news of every delivery, and ask about the acts that it has made due; returns which."""
    scene.poll()
    return ask_what_is_due(scene)


def ask_what_is_due(scene: Scene) -> list[UUID]:
    jobs = ProcrastinateJob.objects.filter(
        task_name="ask_act", status="todo", args__organisation_id=str(scene.organisation.id)
    )
    due = [UUID(each) for job in jobs for each in job.args["act_ids"]]
    ask_about_acts(scene.organisation.id, due)
    return due


def open_tasks(scene: Scene) -> int:
    with acting_for(scene.organisation.id):
        return tasks_acts.count()


@pytest.mark.parametrize(("kind", "cents"), KINDS)
def test_news_settles_an_act_of_unknown_outcome_and_closes_its_task(scene: Scene, kind: str, cents: str) -> None:
    halt(scene, "TV-1", cents)
    act = ask_for(scene, kind)
    with lost(scene, act, kind) as gate:
        assert open_tasks(scene) == 1
        assert hear(scene) == []  # nothing new was said
        gate.let_through()
    scene.advance(hours=1)
    assert set(hear(scene)) == {act.id}
    assert stage(scene, act) is Stage.SENT
    assert open_tasks(scene) == 0
    do(scene)
    assert [(done, number) for done, number, _ in told(scene)] == [(kind, "TV-1")]
    with acting_for(scene.organisation.id):
        moved = JournalEntry.objects.filter(kind="act_moved", body__contains='"source":"unknown"')
        assert moved.get().body.count('"target":"sent"') == 1


@pytest.mark.parametrize(
    ("kind", "cents", "status", "by"),
    [
        ("completer", ".13", "MANDATEE", ""),
        ("completer", ".13", "COMPLETEE", "collegue@cooperative.example"),
        ("recycler", ".44", "MISE_A_DISPOSITION", "collegue@cooperative.example"),
        ("recycler", ".44", "ABANDONNEE", ""),
    ],
)
def test_news_that_does_not_show_the_act_leaves_its_task(
    scene: Scene, kind: str, cents: str, status: str, by: str
) -> None:
    halt(scene, "TV-1", cents)
    act = ask_for(scene, kind)
    with lost(scene, act, kind) as gate:
        flow = scene.delivery("TV-1").references["numeroFluxDepot"]
        scene.chorus.state.force_state({"flow": flow, "status": status, "by": by})
        assert hear(scene) == [act.id]
        assert stage(scene, act) is Stage.UNKNOWN
        assert open_tasks(scene) == 1
        gate.let_through()  # too late: Chorus Pro has left that status, and refuses it
    assert told(scene) == []


def test_what_a_person_has_settled_meanwhile_is_not_asked_about(scene: Scene) -> None:
    halt(scene, "TV-1", ".13")
    act = ask_for(scene, "completer")
    with lost(scene, act, "completer") as gate:
        with acting_for(scene.organisation.id):
            assert acting.settle_act(act, sentence="Faite à la main.", actor=ACTOR)
        gate.let_through()
    scene.advance(hours=1)
    assert hear(scene) == []
    ask_about_acts(scene.organisation.id, [act.id])
    assert stage(scene, act) is Stage.UNKNOWN


@pytest.fixture
def platform(scene: Scene) -> Iterator[Platform]:
    yield from open_platform(scene)


@contextmanager
def status_on_its_way(scene: Scene, platform: Platform) -> Iterator[tuple[Act, Gate]]:
    """A status declared whose request is held on its way: nobody has answered, and the next ones go straight."""
    scene.send(file(F))
    platform.pass_time(hours=2)
    platform.collect()
    with acting_for(scene.organisation.id):
        act = declare(scene.document(F), "225", note="Affacturage de l’Exemple", actor=ACTOR)
    direct = platform.simulator.settings()
    port = urlsplit(direct["api_url"]).port or 0
    with held_back(port=port, operation="flows") as gate:
        held = {**direct, "api_url": direct["api_url"].replace(f":{port}", f":{gate.port}"), "timeout": "2"}
        _set(scene, held)
        acting.do_acts(scene.organisation.id, [act.id])
        _set(scene, direct)
        assert stage(scene, act) is Stage.TO_FIND
        yield act, gate


def test_a_late_status_is_found_and_was_not_told_twice(scene: Scene, platform: Platform) -> None:
    with status_on_its_way(scene, platform) as (act, gate):
        ask_about_acts(scene.organisation.id, [act.id])
        assert stage(scene, act) is Stage.TO_FIND
        assert platform.acts() == []
        gate.let_through()
    platform.pass_time(hours=1)
    ask_about_acts(scene.organisation.id, [act.id])
    assert stage(scene, act) is Stage.SENT
    assert len(platform.acts()) == 1


def test_news_of_the_invoice_has_an_unknown_status_asked_about_again(scene: Scene, platform: Platform) -> None:
    with status_on_its_way(scene, platform) as (act, gate):
        for _ in range(MOST_QUESTIONS):
            ask_about_acts(scene.organisation.id, [act.id])
        assert stage(scene, act) is Stage.UNKNOWN
        platform.say(F, "204")
        platform.collect()
        assert ask_what_is_due(scene) == [act.id]
        assert stage(scene, act) is Stage.UNKNOWN  # the buyer's word shows nothing of ours
        gate.let_through()
    platform.pass_time(hours=1)
    platform.say(F, "205")
    platform.collect()
    assert act.id in ask_what_is_due(scene)
    assert stage(scene, act) is Stage.SENT
    assert open_tasks(scene) == 0
    assert len(platform.acts()) == 1


def _set(scene: Scene, values: dict[str, str]) -> None:
    with acting_for(scene.organisation.id):
        save_channel_settings(ChannelKey.PLATEFORME_AGREEE, values, actor=ACTOR)
