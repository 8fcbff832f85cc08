"""Who came in, failed to, left or changed their password is in the journal of their own organisations, by id only."""

import json

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from faitfoi.accounts.models import Organisation, User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.records.models import JournalEntry

pytestmark = pytest.mark.django_db
PASSWORD = "mot de passe de démonstration"


def told(organisation: Organisation) -> list[tuple[str, str, str]]:
    with acting_for(organisation.id):
        bodies = [json.loads(body) for body in JournalEntry.objects.order_by("id").values_list("body", flat=True)]
    return [(body["type"], body["user"], body["actor"]) for body in bodies if "user" in body]


def sign_in(client: Client, user: User, password: str = PASSWORD) -> int:
    return client.post(reverse("account_login"), {"login": user.email, "password": password}).status_code


def test_the_journal_knows_who_came_in_and_who_failed_to(
    client: Client, cooperative: Organisation, rival: Organisation, alice: User, charlie: User
) -> None:
    cache.clear()
    assert sign_in(client, alice, "faux") == 200
    assert sign_in(client, alice) == 302
    client.post(reverse("account_logout"))
    who = str(alice.id)
    assert told(cooperative) == [
        ("sign_in_failed", who, "entrance"),
        ("signed_in", who, who),
        ("signed_out", who, who),
    ]
    assert told(rival) == []  # nobody else's business
    with acting_for(cooperative.id):
        bodies = "".join(JournalEntry.objects.values_list("body", flat=True))
    assert alice.email not in bodies


def test_an_unknown_address_leaves_no_entry(client: Client, cooperative: Organisation, alice: User) -> None:
    cache.clear()
    client.post(reverse("account_login"), {"login": "personne@nulle-part.example", "password": "x"})
    assert told(cooperative) == []


def test_a_changed_password_is_an_entry_and_the_password_is_not_in_it(
    client: Client, cooperative: Organisation, alice: User
) -> None:
    cache.clear()
    client.force_login(alice)
    new = "une phrase bien plus longue 7"
    form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert client.post(reverse("account_change_password"), form).status_code == 302
    alice.refresh_from_db()
    assert alice.check_password(new)
    assert told(cooperative)[-1][0] == "password_changed"
