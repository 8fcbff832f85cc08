"""The tokens of programs on a page: made once by a manager, told once, ended by a day or at a press."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from faitfoi.accounts.models import Organisation, Role, User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.tokens import make_token, tokens_of
from faitfoi.records.models import JournalEntry, WebhookDoor
from tests.conftest import make_member
from tests.pipeline.projection import differences
from tests.web.conftest import make_auditor, plain, signed_in_as

pytestmark = pytest.mark.django_db(transaction=True)

GIVEN = {"name": "banque-en-ligne", "days": "365"}


def page_of(organisation: Organisation) -> str:
    return reverse("programs", args=[organisation.slug])


def make(client: Client, organisation: Organisation, **given: str) -> tuple[int, str]:
    done = client.post(page_of(organisation), GIVEN | given)
    return done.status_code, plain(done.content)


def shown_token(page: str) -> str:
    found = re.search(r'<input id="made"[^>]* value="([\w-]+)"', page)
    assert found is not None
    return found[1]


def opens(token: str) -> bool:
    """Whether the API takes it: an invoice that nobody knows is then not found, else nothing is told."""
    asked = Client().get("/api/v1/payments?invoice=F-0", headers={"Authorization": f"Bearer {token}"})
    return asked.status_code == 404


def revoke(client: Client, organisation: Organisation, token: WebhookDoor) -> int:
    address = reverse("revoke_program", args=[organisation.slug, token.id])
    return client.post(address).status_code


def test_a_token_is_shown_once_serves_and_ends_at_a_press(
    cooperative: Organisation, bob: User, manager: Client
) -> None:
    assert "Aucun programme n’a de jeton" in plain(manager.get(page_of(cooperative)).content)
    status, said = make(manager, cooperative)
    token = shown_token(said)
    assert (status, "Il n’est montré que cette fois" in said) == (200, True)
    assert '<button type="button" hidden data-copies="made"' in said
    assert opens(token)
    again = plain(manager.get(page_of(cooperative)).content)
    assert token not in again
    assert "copy.js" not in again
    for words in (
        "banque-en-ligne",
        "Bob, ",
        "refusé, la réponse a dit pourquoi",
        "en service",
        "Enregistrer des paiements",
    ):
        assert words in again
    with acting_for(cooperative.id):
        written = JournalEntry.objects.get(kind="token_made")
    assert f"user:{bob.pk}" in written.body
    assert token not in written.body

    assert revoke(manager, cooperative, tokens_of(cooperative)[0]) == 302
    assert not opens(token)
    last = plain(manager.get(page_of(cooperative)).content)
    assert "refusé, le jeton est révoqué" in last
    assert "revoquer/" not in last
    unsaid = [each for each in differences(cooperative.id) if each.startswith("WebhookDoor")]
    assert unsaid == []  # the journal could make the row again, its last day included


def test_a_token_ends_by_itself_on_its_last_day(cooperative: Organisation, manager: Client) -> None:
    token = shown_token(make(manager, cooperative, days="90")[1])
    endless = make_token(cooperative, "sans-fin", actor="operator")
    made = {each.name: each for each in tokens_of(cooperative)}
    ends = made["banque-en-ligne"].expires_at
    assert ends is not None
    assert timedelta(days=89) < ends - timezone.now() < timedelta(days=91)
    WebhookDoor.objects.filter(name="banque-en-ligne").update(expires_at=timezone.now() - timedelta(seconds=1))
    assert (opens(token), opens(endless)) == (False, True)
    page = plain(manager.get(page_of(cooperative)).content)
    for words in ("expiré", "refusé, le jeton a expiré", "sans limite", "l’exploitant, "):
        assert words in page


@pytest.mark.parametrize(
    ("name", "days", "sentence"),
    [
        ("Jean Dupont", "365", "Nommez le programme, jamais une personne"),
        ("", "365", "ne convient pas comme nom"),
        ("banque\r\nautre", "365", "ne convient pas comme nom"),
        ("banque-en-ligne", "1000000", "Choisissez combien de temps"),
        ("banque-en-ligne", "-1", "Choisissez combien de temps"),
        ("deja-la", "365", "Un jeton « deja-la » sert déjà"),
    ],
)
def test_what_does_not_serve_is_told_beside_the_name_which_stays(
    cooperative: Organisation, manager: Client, name: str, days: str, sentence: str
) -> None:
    make_token(cooperative, "deja-la", actor="operator")
    status, said = make(manager, cooperative, name=name, days=days)
    assert status == 422
    assert sentence in said.partition('id="name_error"')[2].partition("</p>")[0]
    assert f'value="{name.strip()}"' in said
    assert 'id="made"' not in said
    assert [each.name for each in tokens_of(cooperative)] == ["deja-la"]


def test_only_a_manager_makes_or_revokes_and_other_organisations_see_nothing(
    cooperative: Organisation, rival: Organisation, alice: User, charlie: User
) -> None:
    token = make_token(cooperative, "banque-en-ligne", actor="operator")
    door = tokens_of(cooperative)[0]
    auditor = make_auditor(cooperative, "aude@audit.example", years=[2026])
    for user, seen, done in ((alice, 200, 403), (charlie, 404, 404), (auditor, 403, 403)):
        client = signed_in_as(user)
        assert client.get(page_of(cooperative)).status_code == seen
        assert make(client, cooperative, name="autre")[0] == done
        assert revoke(client, cooperative, door) == done
    assert b'name="name"' not in signed_in_as(alice).get(page_of(cooperative)).content
    dora = signed_in_as(make_member(rival, "dora@rival.example", role=Role.MANAGER))
    assert "Aucun programme n’a de jeton" in plain(dora.get(page_of(rival)).content)
    assert revoke(dora, rival, door) == 404
    assert [each.name for each in tokens_of(cooperative)] == ["banque-en-ligne"]
    assert opens(token)


def test_a_form_from_elsewhere_makes_no_token(cooperative: Organisation, bob: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(bob)
    assert make(client, cooperative)[0] == 403
    assert tokens_of(cooperative) == []
