"""How mails leave is set on a page by the command's own rules, and the way back is tried and told there."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from faitfoi.accounts.models import ChannelKey, Organisation, Role, User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.setting_up import set_channel
from faitfoi.records.models import ReturnCheck
from faitfoi.records.vault import channel_settings
from tests.conftest import make_member
from tests.pipeline.cast import ACTOR, FARMER, Scene, file
from tests.pipeline.conftest import portal, relay, scene
from tests.web.conftest import make_auditor, plain, signed_in_as

__all__ = ["portal", "relay", "scene"]

pytestmark = pytest.mark.django_db(transaction=True)


def settings_of(organisation: Organisation) -> dict[str, str]:
    with acting_for(organisation.id):
        return channel_settings(ChannelKey.EMAIL) or {}


def page_of(client: Client, organisation: Organisation) -> str:
    return plain(client.get(reverse("mail_departure", args=[organisation.slug])).content)


def give(client: Client, organisation: Organisation, **given: str) -> tuple[int, str]:
    done = client.post(reverse("mail_departure", args=[organisation.slug]), given, follow=True)
    return done.status_code, plain(done.content)


def test_the_pace_given_on_the_page_holds_mails_and_the_batch_tells_when_the_last_leaves(
    scene: Scene, bob: User
) -> None:
    before, manager = settings_of(scene.organisation), signed_in_as(bob)
    status, said = give(manager, scene.organisation, grouping="invoice", pace="1", pace_domain="")
    assert (status, "C’est enregistré" in said) == (200, True)
    assert settings_of(scene.organisation) == before | {"grouping": "invoice", "pace": "1"}

    batch = scene.send(*(file(f"F-{number}", FARMER) for number in range(1, 4)))
    page = plain(manager.get(reverse("batch", args=[scene.organisation.slug, batch.pk])).content)
    assert "le dernier est attendu le" in page

    give(manager, scene.organisation, grouping="customer", pace="", pace_domain="5")
    assert settings_of(scene.organisation) == before | {"grouping": "customer", "pace_domain": "5"}


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [("grouping", "tout", "choisissez invoice ou customer"), ("pace", "0", "messages par minute")],
)
def test_what_does_not_read_is_refused_and_changes_nothing(
    scene: Scene, bob: User, name: str, value: str, sentence: str
) -> None:
    before = settings_of(scene.organisation)
    status, said = give(signed_in_as(bob), scene.organisation, **{name: value})
    assert status == 422
    assert sentence in said
    assert settings_of(scene.organisation) == before


def test_the_way_back_is_tried_and_its_last_trial_told(scene: Scene, bob: User) -> None:
    manager, trial = signed_in_as(bob), reverse("try_return", args=[scene.organisation.slug])
    whole = settings_of(scene.organisation)
    without = {name: value for name, value in whole.items() if name != "return_domain"}
    set_channel(scene.organisation, "email", without, actor=ACTOR)
    assert "aucun refus ne peut revenir" in page_of(manager, scene.organisation)
    assert "aucun refus ne peut revenir" in plain(manager.post(trial, follow=True).content)

    set_channel(scene.organisation, "email", without | {"return_domain": "retours.exemple.example"}, actor=ACTOR)
    assert "aucun essai pour l’instant" in page_of(manager, scene.organisation)
    assert "Un message d’essai est parti vers" in plain(manager.post(trial, follow=True).content)
    assert "pas encore revenu" in page_of(manager, scene.organisation)
    with acting_for(scene.organisation.id):
        ReturnCheck.objects.update(back_at=timezone.now() + timedelta(minutes=2))
    assert "revenu le" in page_of(manager, scene.organisation)


def test_a_clerk_only_looks_and_nobody_else_sees_the_page(
    scene: Scene, alice: User, charlie: User, rival: Organisation
) -> None:
    clerk, stranger = signed_in_as(alice), signed_in_as(charlie)
    assert "Un courriel par facture" in page_of(clerk, scene.organisation)
    assert b'name="pace"' not in clerk.get(reverse("mail_departure", args=[scene.organisation.slug])).content
    assert give(clerk, scene.organisation, pace="9")[0] == 403
    auditor = signed_in_as(make_auditor(scene.organisation, "aude@audit.example", years=[2026]))
    for client, status in ((stranger, 404), (auditor, 403)):
        assert client.get(reverse("mail_departure", args=[scene.organisation.slug])).status_code == status
        assert give(client, scene.organisation, pace="9")[0] == status
        assert client.post(reverse("try_return", args=[scene.organisation.slug])).status_code == status
    dora = signed_in_as(make_member(rival, "dora@rival.example", role=Role.MANAGER))
    assert "n’est pas encore réglé" in page_of(dora, rival)
    assert give(dora, rival, pace="9")[0] == 422
    assert "pace" not in settings_of(scene.organisation)
