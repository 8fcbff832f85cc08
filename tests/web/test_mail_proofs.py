"""What proves a mail provider's calls is given on a page, kept like every credential, and never shown again."""

import hashlib
import hmac
import json
import time

import pytest
from django.test import Client
from django.urls import reverse

from faitfoi.accounts.models import ChannelKey, Organisation, Role, User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.mail_calls import open_door
from faitfoi.pipeline.setting_up import CannotSetUp, set_channel
from faitfoi.records.models import JournalEntry
from faitfoi.records.vault import channel_settings
from tests.conftest import make_member
from tests.pipeline.cast import ACTOR, Scene
from tests.pipeline.conftest import portal, relay, scene
from tests.web.conftest import make_auditor, plain, signed_in_as

__all__ = ["portal", "relay", "scene"]

pytestmark = pytest.mark.django_db(transaction=True)

KEY, PASSWORD = "cle-de-signature-tres-secrete", "mot-de-passe-tres-secret"
TOPIC = "arn:aws:sns:eu-west-3:000000000000:courrier"


def give(client: Client, scene: Scene, **given: str | list[str]) -> tuple[int, str]:
    """Post the form; returns the status and what the page then says."""
    done = client.post(reverse("mail_proofs", args=[scene.organisation.slug]), given, follow=True)
    return done.status_code, plain(done.content)


def settings_of(organisation: Organisation) -> dict[str, str]:
    with acting_for(organisation.id):
        return channel_settings(ChannelKey.EMAIL) or {}


def signed(key: str) -> str:
    stamp, token = str(int(time.time())), "jeton"
    signature = hmac.new(key.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
    told = {
        "signature": {"timestamp": stamp, "token": token, "signature": signature},
        "event-data": {"event": "opened"},
    }
    return json.dumps(told)


def call(secret: str, body: str) -> int:
    return Client().post(f"/appels/courrier/{secret}/", body, content_type="application/json").status_code


def test_a_key_given_on_the_page_opens_to_what_it_signs_and_is_never_shown(scene: Scene, bob: User) -> None:
    door = open_door(scene.organisation, "mailgun", actor=ACTOR)
    assert call(door, signed(KEY)) == 403
    before = settings_of(scene.organisation)

    status, said = give(signed_in_as(bob), scene, provider="mailgun", webhook_mailgun_key=KEY)
    assert (status, "C’est enregistré" in said, KEY in said) == (200, True, False)
    assert call(door, signed(KEY)) == 200
    assert call(door, signed("une autre clé")) == 403
    assert settings_of(scene.organisation) == before | {"provider": "mailgun", "webhook_mailgun_key": KEY}
    with acting_for(scene.organisation.id):
        written = JournalEntry.objects.filter(kind="channel_settings_changed").latest("id")
        assert f"user:{bob.pk}" in written.body
        assert KEY not in written.body


def test_a_secret_left_empty_stays_and_goes_only_when_it_is_to_be_forgotten(scene: Scene, bob: User) -> None:
    manager = signed_in_as(bob)
    given = {"provider": "postmark", "webhook_user": "appels"}
    give(manager, scene, **given, webhook_password=PASSWORD)
    page = manager.get(reverse("mail_doors", args=[scene.organisation.slug])).content.decode()
    assert 'value="appels"' in page
    assert PASSWORD not in page
    assert "Oublier le mot de passe enregistré" in plain(page.encode())

    give(manager, scene, **given)
    assert settings_of(scene.organisation)["webhook_password"] == PASSWORD
    _, said = give(manager, scene, **given, forget=["webhook_password"])
    assert "webhook_user va avec webhook_password" in said
    assert settings_of(scene.organisation)["webhook_password"] == PASSWORD
    give(manager, scene, forget=["webhook_password"])
    assert not settings_of(scene.organisation).keys() & {"provider", "webhook_user", "webhook_password"}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"webhook_ses_topic": "courrier"}, "recopiez l’ARN du sujet SNS"),
        ({"webhook_mailgun_key": "deux mots"}, "contient une espace"),
        ({"webhook_user": "a:b", "webhook_password": "c"}, "ne contient pas de deux-points"),
        ({"provider": "pigeon"}, "choisissez parmi"),
    ],
)
def test_what_proves_nothing_is_refused_by_page_and_command_alike(
    scene: Scene, bob: User, given: dict[str, str], sentence: str
) -> None:
    before = settings_of(scene.organisation)
    done = signed_in_as(bob).post(reverse("mail_proofs", args=[scene.organisation.slug]), given)
    assert done.status_code == 422
    assert sentence in plain(done.content)
    assert settings_of(scene.organisation) == before
    with pytest.raises(CannotSetUp, match=sentence):
        set_channel(scene.organisation, "email", before | given, actor=ACTOR)
    set_channel(scene.organisation, "email", before | {"webhook_ses_topic": TOPIC}, actor=ACTOR)


def test_only_a_manager_gives_them_and_nobody_else_sees_the_page(
    scene: Scene, alice: User, charlie: User, rival: Organisation
) -> None:
    clerk = signed_in_as(alice)
    assert (
        "webhook_mailgun_key" not in clerk.get(reverse("mail_doors", args=[scene.organisation.slug])).content.decode()
    )
    assert give(clerk, scene, webhook_mailgun_key=KEY)[0] == 403
    assert give(signed_in_as(charlie), scene, webhook_mailgun_key=KEY)[0] == 404
    auditor = make_auditor(scene.organisation, "aude@audit.example", years=[2026])
    assert give(signed_in_as(auditor), scene, webhook_mailgun_key=KEY)[0] == 403
    assert KEY not in settings_of(scene.organisation).values()
    manager = make_member(rival, "dora@rival.example", role=Role.MANAGER)
    done = signed_in_as(manager).post(reverse("mail_proofs", args=[rival.slug]), {"webhook_mailgun_key": KEY})
    assert done.status_code == 422  # no e-mail channel there yet
    assert "n’est pas encore réglé" in plain(done.content)
    assert KEY not in settings_of(scene.organisation).values()
