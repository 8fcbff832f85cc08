"""The address that mail providers call: its secret alone tells whose it is, and what is said twice is said once."""

import json

import pytest
from django.test import Client

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.mail_calls import open_door
from faitfoi.records.models import DeadLetter, Event, MailStanding
from faitfoi.records.stages import Stage
from tests.pipeline.cast import ACTOR, FARMER, Scene, file
from tests.pipeline.conftest import portal, relay, scene

__all__ = ["portal", "relay", "scene"]

pytestmark = pytest.mark.django_db(transaction=True)


def call(secret: str, told: object) -> int:
    client = Client(enforce_csrf_checks=True)
    return client.post(f"/appels/courrier/{secret}/", json.dumps(told), content_type="application/json").status_code


def bounced(reference: str) -> dict[str, object]:
    return {
        "RecordType": "Bounce",
        "Type": "HardBounce",
        "ID": 1,
        "Email": FARMER.email,
        "Metadata": {"ref": reference},
    }


def test_a_providers_bounce_returns_the_delivery_once(scene: Scene) -> None:
    scene.send(file("F-1"))
    secret = open_door(scene.organisation, "postmark", actor=ACTOR)
    told = bounced(scene.delivery("F-1").message_ref)
    assert [call(secret, told) for _ in range(3)] == [200, 200, 200]
    assert scene.stage("F-1") is Stage.RETURNED
    with acting_for(scene.organisation.id):
        assert Event.objects.filter(delivery_id=scene.delivery("F-1").id, who="postmark").count() == 1
        assert MailStanding.objects.get().state == "hard"


def test_anothers_door_never_moves_a_delivery(scene: Scene, rival: Organisation) -> None:
    scene.send(file("F-1"))
    secret = open_door(rival, "postmark", actor=ACTOR)
    assert call(secret, bounced(scene.delivery("F-1").message_ref)) == 200
    assert scene.stage("F-1") is Stage.ACCEPTED
    with acting_for(rival.id):
        assert DeadLetter.objects.count() == 1  # kept where it was told, for a person


def test_an_address_that_nobody_gave_out_and_what_proves_nothing_are_turned_away(scene: Scene) -> None:
    assert call("x" * 43, {}) == 404
    assert call(open_door(scene.organisation, "mailgun", actor=ACTOR), {"event-data": {}}) == 403
    secret = open_door(scene.organisation, "brevo", actor=ACTOR)
    assert Client().post(f"/appels/courrier/{secret}/", b"{", content_type="text/plain").status_code == 400
    assert Client().get(f"/appels/courrier/{secret}/").status_code == 405
