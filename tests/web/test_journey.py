"""Alice's day, from the page that takes her files to the page that tells what became of each, over real channels."""

import hashlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from faitfoi.accounts.models import User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.witnessing import forget_keys, witness_key
from faitfoi.records.models import Batch, Customer
from faitfoi.records.stages import ArtefactRole, Stage
from tests.pipeline.cast import FARMER, TOWN, Scene, file
from tests.pipeline.conftest import portal, relay, scene
from tests.web.conftest import plain, signed_in_as

__all__ = ["portal", "relay", "scene"]


@pytest.fixture
def clerk(alice: User) -> Client:
    """Alice's browser."""
    return signed_in_as(alice)


def hand_over(client: Client, scene: Scene, *files: bytes) -> str:
    """Upload files on the page and have them prepared; returns the address of their batch."""
    uploaded = [SimpleUploadedFile(f"{place}.json", content) for place, content in enumerate(files)]
    answer = client.post(reverse("upload", args=[scene.organisation.slug]), {"invoices": uploaded})
    with acting_for(scene.organisation.id):
        batch = Batch.objects.latest("id")
    scene.prepare(batch)
    return answer.headers["Location"]


def page_of(client: Client, address: str) -> str:
    return plain(client.get(address, follow=True).content)


def document_address(scene: Scene, number: str) -> str:
    return reverse("document", args=[scene.organisation.slug, scene.document(number).pk])


def test_an_uploaded_invoice_is_followed_to_the_relay_and_shown_as_it_left(clerk: Client, scene: Scene) -> None:
    batch = hand_over(clerk, scene, file("F-1"))
    assert "À envoyer" in page_of(clerk, batch)
    scene.deliver()
    page = page_of(clerk, document_address(scene, "F-1"))
    assert "Prise par le serveur d’envoi (ce n’est pas encore une remise)" in page
    assert FARMER.email in page
    assert scene.delivery("F-1").reason in page
    sealed = scene.artefact("F-1", ArtefactRole.LEGAL)
    slug = scene.organisation.slug
    assert sealed.sha256 in page
    assert clerk.get(reverse("picture", args=[slug, sealed.pk, 1])).content.startswith(b"\x89PNG")
    left = clerk.get(reverse("download", args=[slug, sealed.pk])).content
    assert hashlib.sha256(left).hexdigest() == sealed.sha256


def test_what_our_stage_repeats_of_their_words_is_said_once(clerk: Client, scene: Scene) -> None:
    hand_over(clerk, scene, file("F-1"))
    scene.deliver()
    page = page_of(clerk, document_address(scene, "F-1"))
    timeline = page[page.index('<ol class="timeline">') : page.index("</ol>", page.index('<ol class="timeline">'))]
    assert timeline.count("a pris le message") == 1
    assert "receipt" not in timeline


def test_an_invoice_that_waits_for_its_engagement_number_gets_it_on_its_page_and_leaves(
    clerk: Client, scene: Scene
) -> None:
    with acting_for(scene.organisation.id):
        Customer.objects.filter(reference=TOWN.reference).update(engagement_required=True)
    hand_over(clerk, scene, file("F-2", TOWN))
    address = document_address(scene, "F-2")
    page = page_of(clerk, address)
    assert "numéro d’engagement" in page
    assert 'name="engagement"' in page

    again = reverse("route_again", args=[scene.organisation.slug, scene.document("F-2").pk])
    still = plain(clerk.post(again, {"engagement": " "}, follow=True).content)
    assert 'class="message warning"' in still
    told = plain(clerk.post(again, {"engagement": "EJ-2026-17"}, follow=True).content)
    assert "C’est relancé" in told
    assert 'name="engagement"' not in told
    scene.deliver()
    assert scene.stage("F-2") is Stage.SENT
    assert scene.deposits()
    assert "Numéro de dépôt Chorus Pro" in page_of(clerk, address)


def test_an_auditor_sees_what_is_missing_but_no_field_to_fill(auditor: User, scene: Scene) -> None:
    with acting_for(scene.organisation.id):
        Customer.objects.filter(reference=TOWN.reference).update(engagement_required=True)
    scene.prepare(scene.hand_over(file("F-2", TOWN)))
    page = page_of(signed_in_as(auditor), document_address(scene, "F-2"))
    assert "numéro d’engagement" in page
    assert 'name="engagement"' not in page


def test_a_refused_file_is_told_in_our_words_with_the_rule_and_the_remedy(clerk: Client, scene: Scene) -> None:
    batch = hand_over(clerk, scene, file("F-3", totals={"line_net": "96.00", "due": "999.00"}), file("F-4"))
    page = page_of(clerk, f"{batch}?voir=refused")
    assert "F-4" not in page[page.index('id="lines"') :]
    assert "Le net à payer (BT-115) est le total TTC moins ce qui est déjà payé" in page
    assert "Recalculez le net à payer." in page
    assert "<code>BR-CO-16</code>" in page


def test_a_silent_witness_is_told_on_every_page_until_it_answers(
    clerk: Client, scene: Scene, settings: Settings
) -> None:
    settings.FAITFOI_WITNESS_KEY = witness_key().vkey
    settings.FAITFOI_WITNESS = "http://127.0.0.1:9"
    forget_keys()
    hand_over(clerk, scene, file("F-1"))
    scene.deliver()
    for name in ("home", "batches", "documents", "customers"):
        told = page_of(clerk, reverse(name, args=[scene.organisation.slug]))
        assert "L’envoi est arrêté. Le témoin" in told
        assert "partira dès que les témoins auront signé" in told

    settings.FAITFOI_WITNESS = settings.FAITFOI_WITNESS_KEY = ""
    forget_keys()
    scene.deliver()
    assert "arrêté" not in page_of(clerk, reverse("home", args=[scene.organisation.slug]))
