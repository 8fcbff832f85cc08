"""A mail server is set up on a page: greeted, encrypted, logged in to, and a message to oneself, before it is kept."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from faitfoi.accounts.models import ChannelKey, Organisation, User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.smtp_mail_pool import POOL
from faitfoi.pipeline.setting_up import set_channel
from faitfoi.records.models import JournalEntry
from faitfoi.simulators.control import Fault, FaultKind
from faitfoi.simulators.smtp import SmtpSimulator
from tests.channels.test_smtp_account import certificate, relay
from tests.web.conftest import make_auditor, plain, signed_in_as
from tests.web.wizard_forms import errors, give, health, kept, page_of

__all__ = ["certificate"]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS"),
]

MAIL = ChannelKey.EMAIL
PASSWORD = "mot-de-passe-du-relais"


@pytest.fixture
def server(certificate: Path, cooperative: Organisation) -> Iterator[SmtpSimulator]:
    """A relay that encrypts and knows one account; its private authority is known here, as an operator says it."""
    with relay(certificate=certificate, users={"compta": PASSWORD}) as running:
        told = form(running) | {"host": "127.0.0.1", "tls": "none", "user": "", "password": ""}
        set_channel(cooperative, MAIL, told | {"ca_file": str(certificate), "pace": "30"}, actor="operator")
        yield running
        POOL.empty()


def form(server: SmtpSimulator | None = None, **changes: str) -> dict[str, str]:
    """The form filled in for a relay, this one or one far away."""
    whole = {
        "host": "127.0.0.1" if server else "smtp.nulle-part.example",
        "port": str(server.port) if server else "",
        "tls": "starttls",
        "user": "compta",
        "password": PASSWORD,
        "sender_address": "factures@trois-vallees.example",
        "sender_name": "CUMA des Trois Vallées",
        "reply_to": "",
        "deadline_seconds": "5",
    }
    return whole | changes


def test_a_server_that_takes_the_account_is_kept_with_all_else_as_it_was(
    cooperative: Organisation, bob: User, manager: Client, server: SmtpSimulator
) -> None:
    status, said = give(manager, cooperative, MAIL, form(server))
    assert (status, "la connexion fonctionne" in said, PASSWORD in said) == (200, True, False)
    first = kept(cooperative, MAIL) or {}
    assert (first["user"], first["password"], first["tls"], first["pace"]) == ("compta", PASSWORD, "starttls", "30")
    assert first["ca_file"].endswith("relay.pem")  # a file of the machine: no page shows or takes it
    page = plain(manager.get(page_of(cooperative, MAIL)).content)
    assert "ca_file" not in page
    assert "relay.pem" not in page
    assert "Il y en a un d’enregistré" in page
    assert PASSWORD not in page
    with acting_for(cooperative.id):
        written = JournalEntry.objects.filter(kind="channel_settings_changed").latest("id")
    assert f"user:{bob.pk}" in written.body
    assert PASSWORD not in written.body
    told = health(cooperative, MAIL)
    assert told is not None
    assert told.good_at is not None

    give(manager, cooperative, MAIL, form(server, password="", sender_name="La CUMA"))
    assert kept(cooperative, MAIL) == first | {"sender_name": "La CUMA"}
    assert server.received == ()


def test_a_message_to_oneself_goes_on_demand_and_keeps_nothing(
    cooperative: Organisation, bob: User, manager: Client, server: SmtpSimulator
) -> None:
    before = kept(cooperative, MAIL)
    for channel, there in ((MAIL, True), (ChannelKey.PLATEFORME_AGREEE, False)):
        page = plain(manager.get(page_of(cooperative, channel)).content)
        assert ('value="rehearse">Vérifier et m’envoyer un message d’essai' in page) is there
    status, said = give(manager, cooperative, MAIL, form(server), do="rehearse")
    assert status == 200
    assert f"Un message d’essai est parti vers {bob.email}" in said
    assert [(each.rcpt_to, each.mail_from) for each in server.received] == [
        (bob.email, "factures@trois-vallees.example")
    ]
    assert kept(cooperative, MAIL) == before

    server.faults.add(Fault(kind=FaultKind.REFUSE, on="mail", code="550 5.7.1 sender not allowed"))
    status, said = give(manager, cooperative, MAIL, form(server), do="rehearse")
    assert (status, "Le message d’essai n’est pas parti" in said) == (422, True)
    assert kept(cooperative, MAIL) == before


def test_a_wrong_password_is_told_before_anything_is_kept(
    cooperative: Organisation, manager: Client, server: SmtpSimulator
) -> None:
    before = kept(cooperative, MAIL)
    status, said = give(manager, cooperative, MAIL, form(server, password="pas-celui-la"))
    assert status == 422
    assert "refuse le compte « compta »" in said
    assert "pas-celui-la" not in said
    status, said = give(manager, cooperative, MAIL, form(server, password="pas-celui-la"), do="rehearse")
    assert status == 422
    assert server.received == ()
    assert kept(cooperative, MAIL) == before


def test_a_server_that_is_away_or_does_not_encrypt_is_told_in_words(
    cooperative: Organisation, manager: Client, server: SmtpSimulator
) -> None:
    status, said = give(manager, cooperative, MAIL, form(server, port="9"))
    assert (status, "est injoignable ou ne répond pas" in said) == (422, True)
    with relay() as bare:
        status, said = give(manager, cooperative, MAIL, form(bare))
    assert (status, "n’offre pas le chiffrement demandé" in said) == (422, True)
    status, said = give(manager, cooperative, MAIL, form(server, port="9"), do="anyway")
    assert "mais la connexion ne fonctionne pas encore" in said
    assert (kept(cooperative, MAIL) or {})["port"] == "9"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("host", "", "C’est à remplir"),
        ("host", "https://smtp.nulle-part.example", "n’est pas un nom de serveur"),
        ("host", "smtp.nulle-part.example\r\nMAIL FROM:<x@y.example>", "retour à la ligne"),
        ("host", "127.0.0.1", "mène dans le réseau de cette installation"),
        ("host", "192.168.1.20", "mène dans le réseau de cette installation"),
        ("host", "::1", "mène dans le réseau de cette installation"),
        ("port", "0", "de 1 à 65535"),
        ("port", "vingt", "de 1 à 65535"),
        ("tls", "ssl", "choisissez parmi starttls, tls, none"),
        ("tls", "none", "Un mot de passe ne part pas en clair"),
        ("password", "", "Un identifiant va avec son mot de passe"),
        ("sender_address", "factures", "n’est pas une adresse électronique"),
        ("sender_address", "a@b.example, c@d.example", "n’est pas une adresse électronique"),
        ("sender_name", "CUMA\r\nBcc: x@y.example", "retour à la ligne"),
        ("reply_to", "nous", "n’est pas une adresse électronique"),
        ("helo_domain", "pas un domaine", "n’est pas un nom de serveur"),
        ("deadline_seconds", "1801", "de 1 à 1800"),
    ],
)
def test_what_does_not_serve_is_told_beside_its_field_and_nothing_typed_is_lost(
    rival: Organisation, dora: Client, name: str, value: str, sentence: str
) -> None:
    status, said = give(dora, rival, MAIL, form() | {name: value})
    told = errors(said)
    assert (status, set(told)) == (422, {name})
    assert sentence in told[name]
    assert ('value="factures@trois-vallees.example"' in said) is (name != "sender_address")
    assert PASSWORD not in said
    assert kept(rival, MAIL) is None


def test_a_password_that_is_kept_never_goes_to_another_server(
    cooperative: Organisation, manager: Client, server: SmtpSimulator
) -> None:
    give(manager, cooperative, MAIL, form(server))
    for do in ("", "try", "rehearse", "anyway"):
        status, said = give(manager, cooperative, MAIL, form(server, host="localhost", password=""), do=do)
        assert status == 422
        assert "Un secret d’un autre compte" in errors(said)["password"]
    status, _ = give(manager, cooperative, MAIL, form(server, user="", password="", forget="password", tls="none"))
    assert status in {200, 422}  # the relay decides whether it takes mail without an account
    give(manager, cooperative, MAIL, form(server, user="", password="", forget="password"), do="anyway")
    assert not (kept(cooperative, MAIL) or {}).keys() & {"user", "password"}


def test_only_a_manager_sets_it_and_nobody_else_sees_the_page(
    cooperative: Organisation, alice: User, charlie: User, server: SmtpSimulator
) -> None:
    before = kept(cooperative, MAIL)
    auditor = make_auditor(cooperative, "aude@audit.example", years=[2026])
    for user, seen, done in ((alice, 200, 403), (charlie, 404, 404), (auditor, 403, 403)):
        client = signed_in_as(user)
        page = client.get(page_of(cooperative, MAIL))
        assert page.status_code == seen
        assert b'name="password"' not in page.content
        assert give(client, cooperative, MAIL, form(server), do="rehearse")[0] == done
    assert (kept(cooperative, MAIL), server.received) == (before, ())


def test_what_is_not_set_up_yet_leads_to_the_page_that_does_it(rival: Organisation, dora: Client) -> None:
    for name in ("mail_departure", "mail_doors", "connections"):
        assert page_of(rival, MAIL) in dora.get(reverse(name, args=[rival.slug])).content.decode()
