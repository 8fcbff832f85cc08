"""A platform's call is believed by its signature alone, over the very bytes, for five minutes; then it is fetched."""

import base64
import json
from collections.abc import Iterator

import pytest
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline import collecting
from faitfoi.pipeline.webhooks_pa import add, forget, known
from faitfoi.records.vault import channel_settings, save_channel_settings
from tests.pipeline.cast import ACTOR, Scene, file
from tests.pipeline.pa_scene import Platform, open_platform

pytestmark = pytest.mark.django_db(transaction=True)

F = "F-2026-801"


@pytest.fixture
def platform(scene: Scene) -> Iterator[Platform]:
    yield from open_platform(scene)


@pytest.fixture
def signed(scene: Scene, platform: Platform) -> bytes:
    """The key of a webhook just created."""
    made = add(scene.organisation.id, "https://faitfoi.example/appels/pa/x/", actor=ACTOR)
    return base64.b64decode(made.signing_key)


def call(scene: Scene, platform: Platform, key: bytes, body: bytes, **changes: str) -> int:
    headers = {**platform.simulator.hooks.signed(key, body), **changes}
    address = f"/appels/pa/{scene.organisation.id}/"
    answer = Client(enforce_csrf_checks=True).post(address, body, content_type="application/json", headers=headers)
    return int(answer.status_code)


def fetched() -> list[str]:
    return [job.args["flow"] for job in ProcrastinateJob.objects.filter(task_name="fetch_flow")]


@pytest.mark.parametrize("digest", ["raw", "hex"])
def test_a_signed_call_has_its_flow_fetched(scene: Scene, platform: Platform, signed: bytes, digest: str) -> None:
    platform.simulator.hooks.digest = digest
    with acting_for(scene.organisation.id):
        values = channel_settings("plateforme_agreee") or {}
        save_channel_settings(ChannelKey.PLATEFORME_AGREEE, {**values, "webhook_digest": digest}, actor=ACTOR)
    scene.send(file(F))
    platform.pass_time(seconds=90)
    told = platform.simulator.state.search({"where": {"flowDirection": ["In"]}})["results"]
    assert isinstance(told, list)
    assert call(scene, platform, signed, json.dumps(told[0]).encode()) == 200
    (flow,) = fetched()
    assert collecting.fetch_flow(scene.organisation.id, flow, actor=ACTOR) == 1
    assert platform.collect() == 0  # the feed finds it known
    assert [code for code, _ in platform.news(F)] == ["200"]


@pytest.mark.parametrize(
    ("change", "value"),
    [("Afnor-Signature", "bm9u"), ("Afnor-Signature", ""), ("Afnor-Signature-Timestamp", "hier")],
)
def test_a_call_with_a_wrong_signature_is_refused(
    scene: Scene, platform: Platform, signed: bytes, change: str, value: str
) -> None:
    assert call(scene, platform, signed, b'{"flowId": "x"}', **{change: value}) == 401
    assert fetched() == []


def test_a_changed_body_another_key_and_an_old_call_are_refused(
    scene: Scene, platform: Platform, signed: bytes
) -> None:
    body = b'{"flowId": "x"}'
    headers = platform.simulator.hooks.signed(signed, body)
    assert call(scene, platform, signed, b'{"flowId": "y"}', **headers) == 401
    assert call(scene, platform, b"0" * 32, body) == 401
    platform.simulator.clock.advance(600)
    assert call(scene, platform, signed, body) == 401
    assert fetched() == []


def test_a_call_replayed_is_answered_and_fetched_once(scene: Scene, platform: Platform, signed: bytes) -> None:
    body = b'{"flowId": "x"}'
    headers = platform.simulator.hooks.signed(signed, body)
    assert [call(scene, platform, signed, body, **headers) for _ in range(3)] == [200, 200, 200]
    assert call(scene, platform, signed, b'{"flowId": "y"}') == 200
    assert fetched() == ["x", "y"]


def test_another_organisation_s_address_does_not_believe_this_key(
    scene: Scene, platform: Platform, signed: bytes, rival: Organisation
) -> None:
    body = b'{"flowId": "x"}'
    headers = platform.simulator.hooks.signed(signed, body)
    answer = Client().post(f"/appels/pa/{rival.id}/", body, content_type="application/json", headers=headers)
    assert answer.status_code == 401
    assert fetched() == []


def test_webhooks_are_listed_and_forgotten(scene: Scene, platform: Platform, signed: bytes) -> None:
    (one,) = known(scene.organisation.id)
    assert one.address == "https://faitfoi.example/appels/pa/x/"
    assert forget(scene.organisation.id, one.identifier)
    assert not forget(scene.organisation.id, one.identifier)
    assert known(scene.organisation.id) == []
