"""A mail provider that calls no more is seen: told by itself, or by what left since without a word of it."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.mail_providers import Forged
from faitfoi.pipeline.mail_calls import doors_of, open_door, revoke_door, take_call
from faitfoi.pipeline.mail_silence import watch_calls
from faitfoi.pipeline.mailboxes import try_return_path
from faitfoi.records.models import Alarm, Attempt, JournalEntry, ReturnCheck, WebhookDoor
from tests.channels.test_mail_providers import PEM, TOPIC, confirmation
from tests.pipeline.cast import ACTOR, FARMER, Scene, file

pytestmark = pytest.mark.django_db(transaction=True)

AGAIN = "https://sns.eu-west-3.amazonaws.com/?Action=ConfirmSubscription&Token=jeton"


def alarms() -> list[str]:
    return list(Alarm.objects.order_by("cause").values_list("sentence", flat=True))


def ses(scene: Scene) -> str:
    scene.change(ChannelKey.EMAIL, webhook_ses_topic=TOPIC)
    return open_door(scene.organisation, "ses", actor=ACTOR)


def say(secret: str, kind: str) -> int:
    return take_call(secret, headers={}, body=confirmation(AGAIN, kind), fetch=lambda _: PEM)


def test_a_subscription_that_was_ended_is_one_alarm_until_it_begins_again(scene: Scene) -> None:
    secret = ses(scene)
    assert [say(secret, "UnsubscribeConfirmation") for _ in range(2)] == [0, 0]
    (sentence,) = alarms()
    assert "l’abonnement SNS a été annulé" in sentence
    assert "Abonnez-la de nouveau" in sentence
    assert doors_of(scene.organisation)[0].call_said == "ended"
    assert say(secret, "SubscriptionConfirmation") == 0
    assert alarms() == []
    assert doors_of(scene.organisation)[0].call_said == "kept"
    with acting_for(scene.organisation.id):
        told = JournalEntry.objects.filter(kind__startswith="mail_calls_").order_by("id")
        kinds = list(told.values_list("kind", flat=True))
    assert kinds == ["mail_calls_ended", "mail_calls_ended", "mail_calls_begun"]


def test_a_forged_end_of_a_subscription_raises_nothing(scene: Scene) -> None:
    secret = ses(scene)
    body = confirmation(AGAIN, "UnsubscribeConfirmation").replace(b"jeton", b"autre")
    with pytest.raises(Forged):
        take_call(secret, headers={}, body=body, fetch=lambda _: PEM)
    assert alarms() == []


def test_the_alarm_ends_when_the_address_is_closed(scene: Scene) -> None:
    say(ses(scene), "UnsubscribeConfirmation")
    (door,) = doors_of(scene.organisation)
    assert revoke_door(scene.organisation, door.id, actor=ACTOR)
    assert alarms() == []


def delivered(scene: Scene, secret: str, number: str) -> None:
    """Have the provider tell that a mail was delivered."""
    told = {
        "RecordType": "Delivery",
        "MessageID": number,
        "Recipient": FARMER.email,
        "Metadata": {"ref": scene.delivery(number).message_ref},
    }
    assert take_call(secret, headers={}, body=json.dumps(told).encode()) == 1


def earlier(scene: Scene, *, called: timedelta, left: timedelta) -> None:
    """Have the last call, and every mail, be so long ago."""
    now = timezone.now()
    WebhookDoor.objects.filter(organisation_id=scene.organisation.id).update(called_at=now - called)
    with acting_for(scene.organisation.id):
        Attempt.objects.update(finished_at=now - left)


@pytest.mark.beside_the_journal
def test_a_provider_that_told_deliveries_and_is_silent_about_later_mail_is_an_alarm(
    scene: Scene, rival: Organisation
) -> None:
    secret = open_door(scene.organisation, "postmark", actor=ACTOR)
    open_door(rival, "postmark", actor=ACTOR)
    scene.send(file("F-1"))
    assert watch_calls(scene.organisation.id) == 0  # it has never called
    delivered(scene, secret, "F-1")
    earlier(scene, called=timedelta(days=3), left=timedelta(days=4))
    assert watch_calls(scene.organisation.id) == 0  # nothing has left since
    earlier(scene, called=timedelta(days=3), left=timedelta(hours=2))
    assert watch_calls(scene.organisation.id) == 0  # it may still call
    earlier(scene, called=timedelta(days=3), left=timedelta(days=2))
    assert [watch_calls(scene.organisation.id) for _ in range(2)] == [1, 1]
    assert watch_calls(rival.id) == 0
    (sentence,) = alarms()
    assert "« postmark » n’a rien dit depuis le" in sentence
    scene.send(file("F-2"))
    delivered(scene, secret, "F-2")
    assert alarms() == []


@pytest.mark.beside_the_journal
def test_the_daily_message_to_ourselves_is_enough_to_see_the_silence(scene: Scene) -> None:
    secret = open_door(scene.organisation, "postmark", actor=ACTOR)
    scene.send(file("F-1"))
    delivered(scene, secret, "F-1")
    earlier(scene, called=timedelta(days=3), left=timedelta(days=4))
    try_return_path(scene.organisation.id, actor=ACTOR)
    assert watch_calls(scene.organisation.id) == 0
    with acting_for(scene.organisation.id):
        ReturnCheck.objects.update(sent_at=timezone.now() - timedelta(days=2))
    assert watch_calls(scene.organisation.id) == 1
