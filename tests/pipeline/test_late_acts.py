"""An act that comes late, held by somebody else's machine: asked about, never told again on the strength of absence."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from faitfoi.accounts.models import ChannelKey
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline import acting
from faitfoi.pipeline.acting_questions import ask_about_acts
from faitfoi.pipeline.chorus_halts import Paper, complete, recycle
from faitfoi.pipeline.statuses_pa import declare
from faitfoi.pipeline.tries import MOST_QUESTIONS
from faitfoi.records.models import Act
from faitfoi.records.stages import Stage
from faitfoi.records.vault import save_channel_settings
from tests.pipeline.cast import ACTOR, TOWN, Scene, file
from tests.pipeline.gate import held_back
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


@pytest.fixture
def platform(scene: Scene) -> Iterator[Platform]:
    yield from open_platform(scene)


def test_a_late_status_is_found_and_was_not_told_twice(scene: Scene, platform: Platform) -> None:
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
        assert stage(scene, act) is Stage.TO_FIND
        _set(scene, direct)
        ask_about_acts(scene.organisation.id, [act.id])
        assert stage(scene, act) is Stage.TO_FIND
        assert platform.acts() == []
        gate.let_through()
    platform.pass_time(hours=1)
    ask_about_acts(scene.organisation.id, [act.id])
    assert stage(scene, act) is Stage.SENT
    assert len(platform.acts()) == 1


def _set(scene: Scene, values: dict[str, str]) -> None:
    with acting_for(scene.organisation.id):
        save_channel_settings(ChannelKey.PLATEFORME_AGREEE, values, actor=ACTOR)
