"""Files of a batch: handed over with it, or joined on its page while nothing has left."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from faitfoi.accounts.models import User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.records.models import Batch, MailFile
from tests.pipeline.cast import Scene, file
from tests.pipeline.conftest import portal, relay, scene
from tests.web.conftest import plain, signed_in_as

__all__ = ["portal", "relay", "scene"]

pytestmark = pytest.mark.django_db(transaction=True)

PDF = b"%PDF-1.7\ntarifs"


def posted(client: Client, address: str, name: str, content: bytes, **more: object) -> str:
    along = SimpleUploadedFile(name, content)
    return plain(client.post(address, {"along": along, **more}, follow=True).content)


def test_a_file_is_handed_over_with_the_invoices(scene: Scene, alice: User) -> None:
    client = signed_in_as(alice)
    invoices = SimpleUploadedFile("1.json", file("F-1"))
    page = posted(client, "/o/trois-vallees/envoyer/", "tarifs.pdf", PDF, invoices=invoices)
    assert "tarifs.pdf" in page
    with acting_for(scene.organisation.id):
        assert MailFile.objects.get().batch == Batch.objects.get()


def test_a_wrong_file_is_named_beside_its_field_and_nothing_is_handed_over(scene: Scene, alice: User) -> None:
    client = signed_in_as(alice)
    invoices = SimpleUploadedFile("1.json", file("F-1"))
    page = posted(client, "/o/trois-vallees/envoyer/", "macro.docm", b"PK", invoices=invoices)
    assert "« macro.docm » n’est ni un PDF ni une image" in page
    with acting_for(scene.organisation.id):
        assert not Batch.objects.exists()


def test_a_file_is_joined_and_taken_off_until_the_first_mail_has_left(scene: Scene, alice: User) -> None:
    client = signed_in_as(alice)
    batch = scene.hand_over(file("F-1"))
    page = f"/o/trois-vallees/lots/{batch.id}/"
    assert "tarifs.pdf" in posted(client, f"{page}fichiers/", "tarifs.pdf", PDF)
    with acting_for(scene.organisation.id):
        kept = MailFile.objects.get()
    assert "ne part plus" in plain(client.post(f"{page}fichiers/{kept.id}/retirer/", follow=True).content)
    assert "Choisissez d’abord un fichier" in plain(client.post(f"{page}fichiers/", follow=True).content)
    posted(client, f"{page}fichiers/", "tarifs.pdf", PDF)
    scene.prepare(batch)
    scene.deliver()
    shown = plain(client.get(page).content)
    assert "tarifs.pdf" in shown
    assert "Joindre un fichier" not in shown
    assert "déjà parti" in posted(client, f"{page}fichiers/", "autre.pdf", PDF)
    with acting_for(scene.organisation.id):
        kept = MailFile.objects.get()
    assert "l’emportent aussi" in plain(client.post(f"{page}fichiers/{kept.id}/retirer/", follow=True).content)
    with acting_for(scene.organisation.id):
        assert MailFile.objects.exists()


def test_charlie_and_an_auditor_join_nothing(scene: Scene, charlie: User, auditor: User) -> None:
    batch = scene.hand_over(file("F-1"))
    for user, refused in ((charlie, 404), (auditor, 403)):
        client = signed_in_as(user)
        along = SimpleUploadedFile("tarifs.pdf", PDF)
        assert client.post(f"/o/trois-vallees/lots/{batch.id}/fichiers/", {"along": along}).status_code == refused
    with acting_for(scene.organisation.id):
        assert not MailFile.objects.exists()
