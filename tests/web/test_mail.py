"""The page of e-mail: words that are tried, kept and put back; addresses that are declared good."""

import pytest
from django.test import Client
from django.utils import timezone

from faitfoi.accounts.models import Organisation, User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.records.models import MailStanding, MailText
from tests.web.conftest import Work

pytestmark = pytest.mark.django_db

ADDRESS = "/o/trois-vallees/courrier/"
BODY = "Bonjour {buyer},\n\nCi-joint {number}.\n\n{facts}\n\n{seller}"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_a_text_is_tried_then_kept_then_put_back(alice: User, documents: Work, cooperative: Organisation) -> None:
    client = signed_in(alice)
    posted = {"texte": "fr-invoice", "subject": "Votre {number}", "body": BODY}
    tried = client.post(ADDRESS, posted | {"deed": "try"})
    assert tried.status_code == 200
    assert "Ci-joint" in tried.content.decode()
    with acting_for(cooperative.id):
        assert not MailText.objects.exists()
    assert client.post(ADDRESS, posted | {"deed": "keep"}).status_code == 302
    with acting_for(cooperative.id):
        assert MailText.objects.get().subject == "Votre {number}"
    assert "Revenir au texte de Faitfoi" in client.get(ADDRESS + "?texte=fr-invoice").content.decode()
    client.post(ADDRESS, posted | {"deed": "reset"})
    with acting_for(cooperative.id):
        assert not MailText.objects.exists()


@pytest.mark.parametrize("deed", ["keep", "try"])
def test_what_nothing_fills_in_is_named(alice: User, documents: Work, cooperative: Organisation, deed: str) -> None:
    answer = signed_in(alice).post(
        ADDRESS, {"texte": "fr-invoice", "subject": "x", "body": "{settings.SECRET_KEY}", "deed": deed}
    )
    assert answer.status_code == 422
    assert "settings.SECRET_KEY" in answer.content.decode()
    with acting_for(cooperative.id):
        assert not MailText.objects.exists()


def test_an_address_is_declared_good(alice: User, documents: Work, cooperative: Organisation) -> None:
    with acting_for(cooperative.id):
        MailStanding.objects.create(
            organisation=cooperative, address="absent@client.example", state="hard", since=timezone.now()
        )
    client = signed_in(alice)
    assert "absent@client.example" in client.get(ADDRESS).content.decode()
    client.post(ADDRESS + "adresse-bonne/", {"address": "absent@client.example"})
    with acting_for(cooperative.id):
        assert MailStanding.objects.get().state == "good"


def test_notices_are_chosen_and_shown(alice: User, cooperative: Organisation) -> None:
    client = signed_in(alice)
    client.post(ADDRESS + "avis/", {"notices": "email"})
    with acting_for(cooperative.id):
        assert Organisation.objects.get(id=cooperative.id).notice_channel == "email"
    assert 'value="email" checked' in client.get(ADDRESS).content.decode()
    assert client.post(ADDRESS + "avis/", {"notices": "post"}).status_code == 400
    client.post(ADDRESS + "avis/", {})
    with acting_for(cooperative.id):
        assert Organisation.objects.get(id=cooperative.id).notice_channel == ""


@pytest.mark.parametrize("kind", ["notice_invoice", "notice_several", "copy_several", "several"])
def test_every_kind_of_message_has_its_preview(alice: User, documents: Work, kind: str) -> None:
    page = signed_in(alice).get(f"{ADDRESS}?texte=fr-{kind}").content.decode()
    assert "rien à montrer" not in page
    assert ("Chorus Pro" in page.split('id="seen"')[1].split("</section>")[0]) is kind.startswith("notice")


def test_charlie_finds_nothing_there(charlie: User, documents: Work) -> None:
    assert signed_in(charlie).get(ADDRESS).status_code == 404
    assert signed_in(charlie).post(ADDRESS + "avis/", {"notices": "email"}).status_code == 404
    assert signed_in(charlie).post(ADDRESS + "adresse-bonne/", {"address": "x@y.example"}).status_code == 404
