"""The page of the seal: a manager chooses where it shows, the preview shows it, the other choices stay."""

import io
import json

import pytest
from django.test import Client
from django.urls import reverse
from PIL import Image

from faitfoi.accounts.models import Organisation, User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.seal_keys import choose
from faitfoi.pipeline.seal_look import PLACES
from faitfoi.records.models import JournalEntry, SealChoices
from faitfoi.records.models_seal import SealLevel, WithoutStamp
from tests.pipeline.cast import ACTOR, Scene, file
from tests.pipeline.conftest import portal, relay, scene
from tests.web.conftest import plain, signed_in_as

__all__ = ["portal", "relay", "scene"]


def choices(organisation: Organisation) -> SealChoices:
    with acting_for(organisation.id):
        return SealChoices.objects.get()


@pytest.mark.django_db
def test_a_manager_places_the_seal_and_the_other_choices_stay(cooperative: Organisation, bob: User) -> None:
    level, otherwise = SealLevel.BASIC, WithoutStamp.CHECKPOINT
    choose(cooperative, level=level, without_stamp=otherwise, place="360 20 180 36", actor=ACTOR)
    client, address = signed_in_as(bob), reverse("seal", args=[cooperative.slug])

    assert "réglé en ligne de commande" in plain(client.get(address).content)
    client.post(address, {"place": "current"})
    assert choices(cooperative).place == "360 20 180 36"
    client.post(address, {"place": "top-right"})
    assert choices(cooperative).place == PLACES["top-right"]
    assert choices(cooperative).without_stamp == otherwise
    client.post(address, {"place": "hidden"})
    assert choices(cooperative).place == ""
    with acting_for(cooperative.id):
        last = JournalEntry.objects.filter(kind="seal_choices_changed").order_by("id").last()
    assert last is not None
    assert json.loads(last.body)["actor"] == f"user:{bob.pk}"


@pytest.mark.django_db
def test_a_clerk_sees_it_and_changes_nothing(cooperative: Organisation, as_alice: Client) -> None:
    address = reverse("seal", args=[cooperative.slug])

    assert "Seul un responsable" in plain(as_alice.get(address).content)
    assert as_alice.post(address, {"place": "top-right"}).status_code == 403
    with acting_for(cooperative.id):
        assert not SealChoices.objects.exists()


@pytest.mark.django_db
def test_a_place_that_is_none_is_refused(cooperative: Organisation, bob: User) -> None:
    client = signed_in_as(bob)

    assert client.post(reverse("seal", args=[cooperative.slug]), {"place": "au milieu"}).status_code == 422
    assert client.get(reverse("seal_preview", args=[cooperative.slug]), {"place": "au milieu"}).status_code == 404


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("documents_sent", [0, 1])
def test_the_preview_draws_the_stamp_where_it_will_be(scene: Scene, alice: User, documents_sent: int) -> None:
    for number in range(documents_sent):
        scene.send(file(f"F-{number}"))
    client, address = signed_in_as(alice), reverse("seal_preview", args=[scene.organisation.slug])

    def corner(place: str) -> list[int]:
        page = Image.open(io.BytesIO(client.get(address, {"place": place}).content)).convert("L")
        width, height = page.size
        return list(page.crop((width * 5 // 8, 0, width, height // 20)).tobytes())

    assert min(corner("top-right")) < 128, "the stamp is drawn"
    assert corner("hidden") == corner("top-left"), "and elsewhere the page stays as it was"
    assert corner("hidden") != corner("top-right")
