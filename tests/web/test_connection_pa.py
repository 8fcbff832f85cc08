"""A plateforme agréée is set up on a page: tried before it is kept, and its secret goes to one address only."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse

from faitfoi.accounts.models import ChannelKey, Organisation, User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels import afnor_pa
from faitfoi.channels.afnor_settings import REQUIRED
from faitfoi.pipeline.pa_wizard import WIZARD
from faitfoi.pipeline.setting_up import set_channel
from faitfoi.records.models import JournalEntry
from faitfoi.simulators.afnor import AfnorSimulator
from faitfoi.simulators.control import Fault, FaultKind
from tests.web.conftest import make_auditor, plain, signed_in_as
from tests.web.wizard_forms import errors, give, health, kept, page_of

pytestmark = pytest.mark.django_db(transaction=True)

PA = ChannelKey.PLATEFORME_AGREEE
SECRET, KEY = "secret-de-la-plateforme", "Y2xlIGRlIHNpZ25hdHVyZQ=="


@pytest.fixture
def platform() -> Iterator[AfnorSimulator]:
    """A platform that knows one account."""
    simulator = AfnorSimulator(clients={"cooperative": SECRET})
    simulator.start()
    yield simulator
    simulator.stop()


def form(platform: AfnorSimulator | None = None, **changes: str) -> dict[str, str]:
    """The form filled in for a platform, this one or one far away."""
    address = platform.url if platform else "https://pa.nulle-part.example"
    whole = {
        "api_url": f"{address}/flow-service",
        "token_url": f"{address}/oauth2/token",
        "directory_url": "",
        "client_id": "cooperative",
        "client_secret": SECRET,
        "environment": "production",
    }
    if platform:
        whole["token_url"] = platform.settings()["token_url"]
    return {**whole, **changes}


def test_what_works_is_kept_journalled_and_its_secret_never_shown(
    cooperative: Organisation, bob: User, manager: Client, platform: AfnorSimulator
) -> None:
    status, said = give(manager, cooperative, PA, form(platform, signing_key=KEY, webhook_digest="hex", b2g="true"))
    assert (status, "la connexion fonctionne" in said, SECRET in said, KEY in said) == (200, True, False, False)
    first = kept(cooperative, PA)
    assert first is not None
    assert (first["client_secret"], first["signing_key"], first["webhook_digest"], first["b2g"]) == (
        SECRET,
        KEY,
        "hex",
        "true",
    )
    page = plain(manager.get(page_of(cooperative, PA)).content)
    assert "Il y en a un d’enregistré" in page
    assert SECRET not in page
    assert KEY not in page
    with acting_for(cooperative.id):
        written = JournalEntry.objects.get(kind="channel_settings_changed")
    assert f"user:{bob.pk}" in written.body
    assert SECRET not in written.body
    told = health(cooperative, PA)
    assert told is not None
    assert (told.good_at is not None, told.bad_at) == (True, None)
    shown = plain(manager.get(reverse("connections", args=[cooperative.slug])).content)
    assert "simulateur" in shown  # told from the addresses, whatever was chosen
    assert "Bob, " in shown

    give(manager, cooperative, PA, form(platform, client_secret="", flow_syntax="CII", webhook_digest="raw"))
    changed = kept(cooperative, PA)
    assert changed == first | {"flow_syntax": "CII", "webhook_digest": "raw"}  # secrets left empty stay


def test_checking_only_keeps_nothing_and_says_where_it_leads(
    cooperative: Organisation, manager: Client, platform: AfnorSimulator
) -> None:
    status, said = give(manager, cooperative, PA, form(platform), do="try")
    assert status == 200
    assert "La connexion fonctionne (environnement : simulateur). Rien n’est encore enregistré." in said
    assert 'value="cooperative"' in said
    assert "saisissez-le de nouveau" in said
    assert SECRET not in said
    assert (kept(cooperative, PA), health(cooperative, PA)) == (None, None)


def test_a_wrong_secret_is_told_before_anything_is_kept(
    cooperative: Organisation, manager: Client, platform: AfnorSimulator
) -> None:
    status, said = give(manager, cooperative, PA, form(platform, client_secret="un-autre"))
    assert status == 422
    assert "refuse les identifiants (client_id et client_secret)" in said
    assert "un-autre" not in said
    assert kept(cooperative, PA) is None
    platform.faults.add(Fault(kind=FaultKind.DOWN, on="search", code="403"))
    status, said = give(manager, cooperative, PA, form(platform))
    assert (status, "n’a pas le droit d’envoyer pour cette organisation" in said) == (422, True)
    assert kept(cooperative, PA) is None


def test_a_platform_that_is_away_is_told_and_may_be_kept_all_the_same(
    cooperative: Organisation, manager: Client, platform: AfnorSimulator
) -> None:
    away = form(platform)
    platform.stop()
    status, said = give(manager, cooperative, PA, away)
    assert status == 422
    assert "est injoignable" in said
    assert 'value="anyway"' in said
    assert kept(cooperative, PA) is None
    status, said = give(manager, cooperative, PA, away, do="anyway")
    assert "mais la connexion ne fonctionne pas encore" in said
    assert "Ne fonctionne pas" in said
    assert (kept(cooperative, PA) or {})["client_secret"] == SECRET
    assert health(cooperative, PA) is not None


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("api_url", "", "C’est à remplir"),
        ("api_url", "http://pa.nulle-part.example/flow", "commence par https://"),
        ("api_url", "https://moi:motdepasse@pa.nulle-part.example", "contient un mot de passe"),
        ("api_url", "https://plateforme", "n’a pas de nom complet"),
        ("token_url", "ftp://pa.nulle-part.example", "n’est pas une adresse web"),
        ("token_url", "https://[::1", "n’est pas une adresse web"),
        ("token_url", "https://pa.nulle-part.example:99999/", "n’est pas une adresse web"),
        ("token_url", "https://pa..example", "n’est pas une adresse web"),
        ("directory_url", "https://a.example/\r\nX: 1", "retour à la ligne"),
        ("client_id", "x" * 501, "trop long"),
        ("client_secret", "a\nb", "retour à la ligne"),
        ("client_secret", "", "à remplir"),
        ("organization_id", "société", "contient un accent"),
        ("environment", "<script>", "n’est pas un choix d’ici"),
        ("b2g", "peut-être", "n’est pas un choix d’ici"),
        ("webhook_digest", "md5", "choisissez parmi raw, hex"),
        ("api_version", "9.9", "choisissez parmi 1.3"),
        ("timeout", "601", "de 1 à 600"),
        ("timeout", "١٢", "de 1 à 600"),
        ("flows_path", "../../admin", "n’est pas la fin d’une adresse"),
    ],
)
def test_what_does_not_serve_is_told_beside_its_field_and_nothing_typed_is_lost(
    rival: Organisation, dora: Client, name: str, value: str, sentence: str
) -> None:
    status, said = give(dora, rival, PA, form() | {name: value})
    told = errors(said)
    assert status == 422
    assert sentence in told[name]
    assert set(told) == {name}
    assert f'href="#{name}"' in said
    assert ('value="cooperative"' in said) is (name != "client_id")
    assert SECRET not in said
    assert kept(rival, PA) is None


def test_what_was_typed_comes_back_as_text_never_as_markup(rival: Organisation, dora: Client) -> None:
    address = page_of(rival, PA)
    typed = '"><script>alert(1)</script>'
    said = dora.post(address, form(client_id=typed, api_url=typed, b2g=typed)).content.decode()
    assert "&lt;script&gt;" in said
    assert "<script>" not in said


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "10.0.0.5", "192.168.1.9", "169.254.169.254", "127.1", "[::ffff:10.0.0.5]"]
)
def test_a_page_opens_nothing_of_the_network_around_it(rival: Organisation, dora: Client, host: str) -> None:
    status, said = give(dora, rival, PA, form(api_url=f"https://{host}/flow-service"))
    assert status == 422
    assert "api_url" in errors(said)
    assert kept(rival, PA) is None


def test_an_inner_address_given_by_command_stays_and_no_other_comes_beside_it(
    rival: Organisation, dora: Client, platform: AfnorSimulator
) -> None:
    inner = platform.settings() | {"client_id": "cooperative", "client_secret": SECRET}
    set_channel(rival, PA, inner, actor="operator")
    given = form(platform, directory_url=inner["directory_url"], client_secret="")
    status, said = give(dora, rival, PA, given | {"flow_syntax": "UBL"})
    assert (status, errors(said)) == (200, {})
    assert (kept(rival, PA) or {})["flow_syntax"] == "UBL"
    status, said = give(dora, rival, PA, given | {"token_url": "http://127.0.0.1:9/token", "client_secret": SECRET})
    assert status == 422
    assert "mène dans le réseau de cette installation" in errors(said)["token_url"]


def test_a_secret_that_is_kept_never_follows_the_account_to_another_address(
    cooperative: Organisation, manager: Client, platform: AfnorSimulator
) -> None:
    give(manager, cooperative, PA, form(platform))
    listener = AfnorSimulator()
    listener.start()
    try:
        for name in ("api_url", "token_url", "directory_url"):
            moved = form(platform, client_secret="") | {name: form(listener)[name] or f"{listener.url}/directory"}
            for do in ("", "try", "anyway"):
                status, said = give(manager, cooperative, PA, moved, do=do)
                assert status == 422
                assert "Un secret d’un autre compte" in errors(said)["client_secret"]
        assert len(listener.tokens) == 0
    finally:
        listener.stop()
    assert (kept(cooperative, PA) or {})["client_secret"] == SECRET


def test_the_key_of_its_calls_is_forgotten_only_when_asked(
    cooperative: Organisation, manager: Client, platform: AfnorSimulator
) -> None:
    give(manager, cooperative, PA, form(platform, signing_key=KEY))
    give(manager, cooperative, PA, form(platform, client_secret=""))
    assert (kept(cooperative, PA) or {})["signing_key"] == KEY
    give(manager, cooperative, PA, form(platform, client_secret="", forget="signing_key"))
    assert "signing_key" not in (kept(cooperative, PA) or {})


def test_only_a_manager_sets_it_and_nobody_else_sees_the_page(
    cooperative: Organisation, alice: User, charlie: User, platform: AfnorSimulator
) -> None:
    auditor = make_auditor(cooperative, "aude@audit.example", years=[2026])
    for user, seen, done in ((alice, 200, 403), (charlie, 404, 404), (auditor, 403, 403)):
        client = signed_in_as(user)
        page = client.get(page_of(cooperative, PA))
        assert page.status_code == seen
        assert b'name="client_secret"' not in page.content
        assert give(client, cooperative, PA, form(platform))[0] == done
    assert kept(cooperative, PA) is None
    unknown = signed_in_as(alice).get(reverse("set_connection", args=[cooperative.slug, "pigeon"]))
    assert unknown.status_code == 404


def test_a_form_from_elsewhere_changes_nothing(cooperative: Organisation, bob: User, platform: AfnorSimulator) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(bob)
    assert give(client, cooperative, PA, form(platform))[0] == 403
    assert kept(cooperative, PA) is None


def test_every_setting_that_the_channel_documents_has_its_field() -> None:
    table = (afnor_pa.__doc__ or "").partition("organisation):")[2].partition("`Parcel.address`")[0]
    first_words = re.findall(r"^    ([a-z][\w, ]*?\w)(?:$|  +|, v1| {2})", table, re.MULTILINE)
    documented = {name for line in first_words for name in line.split(", ")}
    documented |= {"search_path", "webhooks_path", "directory_path"}
    assert documented == {each.name for each in WIZARD.fields}
    assert {each.name for each in WIZARD.fields if each.wanted} == set(REQUIRED)
