"""The interface opens in French whatever the browser says, until the person chooses."""

from django.test import Client
from django.urls import reverse

from faitfoi.accounts.models import Organisation
from tests.web.conftest import plain


def test_the_first_page_is_french_for_an_english_browser(client: Client, db: None) -> None:
    page = client.get(reverse("account_login"), headers={"Accept-Language": "en"})
    assert page.headers["Content-Language"] == "fr"
    assert '<html lang="fr">' in page.content.decode()
    assert "Se connecter" in page.content.decode()


def test_whoever_chooses_english_keeps_it(client: Client, db: None) -> None:
    client.post(reverse("set_language"), {"language": "en", "next": "/"})
    page = client.get(reverse("account_login")).content.decode()
    assert '<html lang="en">' in page
    assert "Sign in" in page


def test_a_language_we_do_not_speak_is_french(client: Client, db: None) -> None:
    client.cookies["django_language"] = "xx"
    assert '<html lang="fr">' in client.get(reverse("account_login")).content.decode()


def test_nobody_signs_up_by_themselves(client: Client, db: None) -> None:
    page = client.get(reverse("account_signup"))
    assert "Pas d’inscription publique" in plain(page.content)
    client.post(reverse("account_signup"), {"email": "x@y.example", "password1": "mot de passe de passage"})
    assert "account_signup" not in client.session


def test_signing_in_leads_home_and_signing_out_needs_a_form(
    client: Client, alice: object, cooperative: Organisation
) -> None:
    login = reverse("account_login")
    wrong = client.post(login, {"login": "alice@trois-vallees.example", "password": "faux"})
    assert 'role="alert"' in wrong.content.decode()
    right = {"login": "alice@trois-vallees.example", "password": "mot de passe de démonstration"}
    home = client.post(login, right, follow=True)
    assert home.redirect_chain[-1][0] == f"/o/{cooperative.slug}/"
    client.get(reverse("account_logout"))
    assert client.get(f"/o/{cooperative.slug}/").status_code == 200
    client.post(reverse("account_logout"))
    assert client.get(f"/o/{cooperative.slug}/").status_code == 302


def test_a_demonstration_says_on_every_page_that_nothing_really_leaves(
    as_alice: Client, cooperative: Organisation
) -> None:
    for name in ("home", "upload", "batches", "documents"):
        page = plain(as_alice.get(reverse(name, args=[cooperative.slug])).content)
        assert "Démonstration :" in page
        assert "rien ne part vraiment." in page


def test_a_real_organisation_has_no_such_banner(client: Client, charlie: object, rival: Organisation) -> None:
    client.force_login(charlie)  # type: ignore[arg-type]
    assert "Démonstration" not in client.get(f"/o/{rival.slug}/").content.decode()
