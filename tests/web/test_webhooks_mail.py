"""The address that mail providers call: its secret alone tells whose it is, and what is said twice is said once."""

import json
import re

import pytest
from django.test import Client

from faitfoi.accounts.models import ChannelKey, Organisation, User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.mail_calls import doors_of, open_door, revoke_door, said_of
from faitfoi.pipeline.mailboxes import try_return_path
from faitfoi.records.models import DeadLetter, Event, JournalEntry, MailStanding, ReturnCheck
from faitfoi.records.stages import Stage
from tests.pipeline.cast import ACTOR, FARMER, Scene, file
from tests.pipeline.conftest import portal, relay, scene

__all__ = ["portal", "relay", "scene"]

pytestmark = pytest.mark.django_db(transaction=True)


OTHER = "Lettre <lettre@association.example>"


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


def test_news_of_a_message_to_ourselves_is_no_dead_letter_and_a_refusal_is_its_trouble(scene: Scene) -> None:
    """The daily test of the return path goes by the same provider, which calls about it as about any other."""
    try_return_path(scene.organisation.id, actor=ACTOR)
    secret = open_door(scene.organisation, "postmark", actor=ACTOR)
    with acting_for(scene.organisation.id):
        token = ReturnCheck.objects.get().token
    told = {"RecordType": "Delivery", "MessageID": "1", "Recipient": "x@y.example", "Metadata": {"ref": token}}
    assert call(secret, told) == 200
    with acting_for(scene.organisation.id):
        assert not DeadLetter.objects.exists()
        assert not ReturnCheck.objects.get().trouble
    assert call(secret, bounced(token)) == 200
    with acting_for(scene.organisation.id):
        assert not DeadLetter.objects.exists()
        assert "n’a pas été remis" in ReturnCheck.objects.get().trouble


@pytest.mark.parametrize(
    ("provider", "told"),
    [
        ("postmark", {"RecordType": "Bounce", "Type": "HardBounce", "ID": 1, "Email": "x@y.example", "From": OTHER}),
        ("brevo", {"event": "hard_bounce", "email": "x@y.example", "sender_email": OTHER, "message-id": "<7@z>"}),
    ],
)
def test_mail_that_another_program_sent_is_counted_and_is_no_dead_letter(
    scene: Scene, provider: str, told: dict[str, object]
) -> None:
    secret = open_door(scene.organisation, provider, actor=ACTOR)
    assert [call(secret, told) for _ in range(2)] == [200, 200]
    (door,) = doors_of(scene.organisation)
    assert door.foreign_news == 2
    assert "2 nouvelles de courriels que Faitfoi n’a pas envoyés" in said_of(door)
    with acting_for(scene.organisation.id):
        assert not DeadLetter.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"Metadata": {"ref": "abcdefghijklmnopqrstuvwxyz"}},  # it bears a reference as ours do
        {"From": "Facturation <FACTURATION@CUMA-TROIS-VALLEES.example>"},  # it left from our address
        {"From": ""},  # nobody says who sent it
    ],
)
def test_what_may_be_ours_and_fits_nothing_stays_a_dead_letter(scene: Scene, changes: dict[str, object]) -> None:
    scene.change(ChannelKey.EMAIL, sender_address="facturation@cuma-trois-vallees.example")
    secret = open_door(scene.organisation, "postmark", actor=ACTOR)
    told = {"RecordType": "Bounce", "Type": "HardBounce", "ID": 1, "Email": "x@y.example", "From": OTHER, **changes}
    assert call(secret, told) == 200
    with acting_for(scene.organisation.id):
        assert DeadLetter.objects.count() == 1
    assert doors_of(scene.organisation)[0].foreign_news == 0


def test_an_address_taken_back_says_that_it_is_gone_and_moves_nothing(scene: Scene, rival: Organisation) -> None:
    scene.send(file("F-1"))
    secret = open_door(scene.organisation, "postmark", actor=ACTOR)
    (door,) = doors_of(scene.organisation)
    assert doors_of(rival) == []
    assert not revoke_door(rival, door.id, actor=ACTOR)
    assert revoke_door(scene.organisation, door.id, actor=ACTOR)
    assert not revoke_door(scene.organisation, door.id, actor=ACTOR)
    assert call(secret, bounced(scene.delivery("F-1").message_ref)) == 410
    assert scene.stage("F-1") is Stage.ACCEPTED
    (door,) = doors_of(scene.organisation)
    assert (door.call_said, door.called_at is not None) == ("revoked", True)
    with acting_for(scene.organisation.id):
        assert JournalEntry.objects.filter(kind="webhook_revoked").count() == 1


def test_the_last_call_is_told_whatever_became_of_it(scene: Scene) -> None:
    scene.send(file("F-1"))
    secret = open_door(scene.organisation, "postmark", actor=ACTOR)
    assert doors_of(scene.organisation)[0].called_at is None
    call(secret, bounced(scene.delivery("F-1").message_ref))
    assert doors_of(scene.organisation)[0].call_said == "kept"
    Client().post(f"/appels/courrier/{secret}/", b"{", content_type="text/plain")
    assert doors_of(scene.organisation)[0].call_said == "unread"


def test_a_manager_makes_an_address_sees_it_once_and_closes_it(scene: Scene, bob: User) -> None:
    manager, page = Client(), "/o/trois-vallees/courrier/prestataires/"
    manager.force_login(bob)
    made = manager.post(page, {"provider": "mailjet"}).content.decode()
    secret = re.search(r"http://testserver/appels/courrier/([\w-]{43})/", made)
    assert secret is not None
    assert secret[1] not in manager.get(page).content.decode()
    assert "jamais appelée" in manager.get(page).content.decode()
    assert call(secret[1], []) == 200
    assert "prise en compte" in manager.get(page).content.decode()
    (door,) = doors_of(scene.organisation)
    assert manager.post(f"{page}{door.id}/fermer/").status_code == 302
    assert call(secret[1], []) == 410
    assert "l’adresse est fermée" in manager.get(page).content.decode()
    assert manager.post(page, {"provider": "pigeon"}).status_code == 422


def test_a_clerk_only_looks_and_charlie_finds_nothing(scene: Scene, alice: User, charlie: User) -> None:
    secret = open_door(scene.organisation, "brevo", actor=ACTOR)
    (door,) = doors_of(scene.organisation)
    page = "/o/trois-vallees/courrier/prestataires/"
    clerk, other = Client(), Client()
    clerk.force_login(alice)
    other.force_login(charlie)
    shown = clerk.get(page).content.decode()
    assert "Brevo" in shown
    assert secret not in shown
    assert clerk.post(page, {"provider": "brevo"}).status_code == 403
    assert clerk.post(f"{page}{door.id}/fermer/").status_code == 403
    assert other.get(page).status_code == 404
    assert other.post(f"{page}{door.id}/fermer/").status_code == 404
    assert len(doors_of(scene.organisation)) == 1


def test_an_address_that_nobody_gave_out_and_what_proves_nothing_are_turned_away(scene: Scene) -> None:
    """Complaint E52."""
    assert call("x" * 43, {}) == 404
    assert call(open_door(scene.organisation, "mailgun", actor=ACTOR), {"event-data": {}}) == 403
    secret = open_door(scene.organisation, "brevo", actor=ACTOR)
    assert Client().post(f"/appels/courrier/{secret}/", b"{", content_type="text/plain").status_code == 400
    assert Client().get(f"/appels/courrier/{secret}/").status_code == 405
