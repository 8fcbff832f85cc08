"""The page of connections, and what every page says of them: environment, expiry, failures in words (A6, A7, B25)."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from faitfoi.accounts.models import ChannelKey, Organisation, User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline import acting, acting_questions, collecting
from faitfoi.pipeline.acting import ask_act
from faitfoi.pipeline.connections import check, check_all, connections
from faitfoi.pipeline.installation import today
from faitfoi.pipeline.structures import look_up
from faitfoi.records.models import Act, ChannelHealth, ChannelSettings, Customer
from faitfoi.records.vault import channel_settings
from faitfoi.simulators.control import FaultKind
from tests.pipeline.cast import ACTOR, FARMER, TOWN, Scene, fault, file
from tests.pipeline.pa_scene import Platform, open_platform
from tests.web.conftest import plain, signed_in_as

SIRET = "00000001800018"
PARTIES = {
    "type_code": "380",
    "seller_siren": "000000018",
    "buyer_siren": FARMER.siren,
    "buyer_address": FARMER.electronic,
}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def as_bob(bob: User) -> Client:
    """A browser where the manager is signed in."""
    return signed_in_as(bob)


@pytest.fixture
def platform(scene: Scene) -> Iterator[Platform]:
    """A plateforme agréée that reaches the farmer."""
    yield from open_platform(scene)


def page_of(client: Client, organisation: Organisation, name: str = "connections") -> str:
    return plain(client.get(reverse(name, args=[organisation.slug])).content)


def expire(scene: Scene, days: int) -> None:
    """Have Chorus Pro say when our technical password expires."""
    last = today(scene.organisation) + timedelta(days=days)
    scene.organisation.siret = SIRET
    with acting_for(scene.organisation.id):
        scene.organisation.save(update_fields=["siret"])
    scene.chorus._control.obey("POST /control/account", {"suppliers": [SIRET], "expires": last.isoformat()})


def test_a_failure_is_told_in_words_beside_the_last_good_call_and_who_changed_what(
    scene: Scene, as_bob: Client
) -> None:
    """Complaint A6."""
    assert check(scene.organisation, ChannelKey.CHORUS_PRO) == ""
    scene.chorus.faults.add(fault(FaultKind.DOWN, on="rechercher", code="401", times=None))
    assert "mot de passe du compte technique" in check(scene.organisation, ChannelKey.CHORUS_PRO)

    said = page_of(as_bob, scene.organisation)
    assert "Ne fonctionne pas" in said
    assert "mot de passe du compte technique est faux ou expiré" in said
    assert "Dernier appel réussi" in said
    assert "l’exploitant" in said


def test_a_deposit_is_a_good_call_and_a_closed_door_is_a_failure(scene: Scene) -> None:
    scene.send(file("TV-1", TOWN))
    with acting_for(scene.organisation.id):
        found = {each.key: each for each in connections(scene.organisation)}
    assert found[ChannelKey.CHORUS_PRO].works
    scene.chorus.faults.add(fault(FaultKind.DOWN))
    scene.send(file("TV-2", TOWN))
    with acting_for(scene.organisation.id):
        health = ChannelHealth.objects.get(channel=ChannelKey.CHORUS_PRO)
    assert "503" in health.bad_reason


def health(scene: Scene, channel: ChannelKey = ChannelKey.CHORUS_PRO) -> ChannelHealth | None:
    with acting_for(scene.organisation.id):
        return ChannelHealth.objects.filter(channel=channel).first()


def forget(scene: Scene) -> None:
    """Have nothing noted of any channel yet."""
    with acting_for(scene.organisation.id):
        ChannelHealth.objects.all().delete()


def works(scene: Scene, channel: ChannelKey = ChannelKey.CHORUS_PRO) -> bool | None:
    with acting_for(scene.organisation.id):
        return {each.key: each.works for each in connections(scene.organisation)}[channel]


def test_the_answer_to_a_question_is_a_good_call_and_its_silence_a_failure(scene: Scene) -> None:
    scene.chorus.faults.add(fault(FaultKind.LOSE_ANSWER))
    scene.prepare(scene.hand_over(file("TV-1", TOWN)))
    forget(scene)
    scene.deliver()
    assert health(scene) is None  # a lost answer says nothing of the channel

    scene.chorus.faults.add(fault(FaultKind.DOWN, on="rechercher/fournisseur"))
    scene.ask()
    told = health(scene)
    assert told is not None
    assert (told.good_at, works(scene)) == (None, False)
    assert "503" in told.bad_reason

    scene.ask()  # they do not show it yet: that is an answer
    assert works(scene)
    scene.advance(minutes=10)
    scene.ask()
    assert works(scene)


def test_where_nobody_can_be_asked_a_question_says_nothing_of_the_channel(scene: Scene) -> None:
    scene.smtp.faults.add(fault(FaultKind.LOSE_ANSWER))
    scene.send(file("TV-1"))
    scene.ask()
    assert health(scene, ChannelKey.EMAIL) is None


def test_a_channel_works_again_with_its_first_good_call_after_a_failure(scene: Scene) -> None:
    scene.send(file("TV-1", TOWN))
    scene.chorus.faults.add(fault(FaultKind.DOWN))
    scene.send(file("TV-2", TOWN))
    assert works(scene) is False
    scene.deliver()
    assert works(scene)


def test_reading_the_feed_tells_whether_the_plateforme_agreee_works(scene: Scene, platform: Platform) -> None:
    platform.collect()
    assert works(scene, ChannelKey.PLATEFORME_AGREEE)
    platform.fault(FaultKind.DOWN, on="search")
    platform.collect()
    assert works(scene, ChannelKey.PLATEFORME_AGREEE) is False
    platform.collect()
    assert works(scene, ChannelKey.PLATEFORME_AGREEE)


def test_fetching_what_a_webhook_named_tells_whether_the_plateforme_agreee_works(
    scene: Scene, platform: Platform
) -> None:
    scene.send(file("TV-1"))
    platform.pass_time(days=1)
    told = [flow.identifier for flow in platform.simulator.state.flows.values() if flow.direction == "In"]
    forget(scene)
    platform.fault(FaultKind.DOWN, on="flow")
    assert collecting.fetch_flow(scene.organisation.id, told[0], actor=ACTOR) == 0
    assert works(scene, ChannelKey.PLATEFORME_AGREEE) is False
    assert collecting.fetch_flow(scene.organisation.id, told[0], actor=ACTOR) == 1
    assert works(scene, ChannelKey.PLATEFORME_AGREEE)


def test_an_act_and_the_question_about_it_tell_whether_the_channel_works(scene: Scene, platform: Platform) -> None:
    scene.channels[ChannelKey.PLATEFORME_AGREEE] = platform.simulator.settings()
    scene.change(ChannelKey.PLATEFORME_AGREEE, timeout="2")
    scene.send(file("TV-1"))
    forget(scene)
    with acting_for(scene.organisation.id):
        act = ask_act(scene.delivery("TV-1"), kind="209", values=PARTIES, actor=ACTOR)

    platform.fault(FaultKind.DOWN)
    acting.do_acts(scene.organisation.id, [act.id])
    assert works(scene, ChannelKey.PLATEFORME_AGREEE) is False
    with acting_for(scene.organisation.id):
        Act.objects.update(next_attempt_at=timezone.now())
    forget(scene)
    platform.fault(FaultKind.LOSE_ANSWER)
    acting.do_acts(scene.organisation.id, [act.id])
    assert health(scene, ChannelKey.PLATEFORME_AGREEE) is None
    acting_questions.ask_about_acts(scene.organisation.id, [act.id])
    assert works(scene, ChannelKey.PLATEFORME_AGREEE)


@pytest.mark.parametrize(("days", "warned"), [(15, True), (60, False), (-1, True)])
def test_a_password_about_to_expire_is_said_on_every_page(
    scene: Scene, as_bob: Client, days: int, *, warned: bool
) -> None:
    """Complaint A6."""
    expire(scene, days)
    check_all(scene.organisation.id)
    for name in ("home", "documents", "connections"):
        assert ("changez-le sur le portail" in page_of(as_bob, scene.organisation, name)) == warned
    assert ("dans 15 jours" in page_of(as_bob, scene.organisation)) == (days == 15)


def test_a_test_environment_colours_every_page_and_nobody_else_s(
    scene: Scene, as_bob: Client, charlie: User, rival: Organisation
) -> None:
    """Complaint B25."""
    page = as_bob.get(reverse("documents", args=[scene.organisation.slug])).content.decode()
    assert '<body class="test">' in page
    assert "simulateur" in page_of(as_bob, scene.organisation)
    theirs = signed_in_as(charlie).get(reverse("documents", args=[rival.slug])).content.decode()
    assert '<body class="test">' not in theirs


def given(**changes: str) -> dict[str, str]:
    whole = {"place": "qualification", "client_id": "app", "technical_login": "TECH@cpro.example"}
    return {**whole, "client_secret": "nouveau-secret", "technical_password": "nouveau-mot", **changes}


def test_the_wizard_keeps_pairs_together_and_secrets_to_their_environment(scene: Scene, as_bob: Client) -> None:
    """Complaint A7."""
    address = reverse("set_connection", args=[scene.organisation.slug, "chorus_pro"])
    refused = as_bob.post(address, given(client_secret=""))
    assert refused.status_code == 422
    assert "à remplir" in plain(refused.content)
    assert "nouveau-mot" not in refused.content.decode()
    with acting_for(scene.organisation.id):
        assert (channel_settings("chorus_pro") or {})["client_id"] == "essai"

    kept = as_bob.post(address, given(place="other", client_secret="", technical_password=""), follow=True)
    assert "la connexion fonctionne" in plain(kept.content)
    with acting_for(scene.organisation.id):
        values = channel_settings("chorus_pro") or {}
    assert (values["client_id"], values["client_secret"]) == ("app", "essai")


def test_how_invoices_are_deposited_is_chosen_on_the_page(scene: Scene, as_bob: Client) -> None:
    slug = scene.organisation.slug
    page = as_bob.get(reverse("set_connection", args=[slug, "chorus_pro"])).content.decode()
    for usual in ('<option value="flux" selected>', '<option value="facturx" selected>', 'max="50" value="1"'):
        assert usual in page
    stays = {"place": "other", "client_secret": "", "technical_password": ""}
    chosen = {"depot": "flux", "format_flux": "ubl", "factures_par_flux": "20"}
    as_bob.post(reverse("set_connection", args=[slug, "chorus_pro"]), given(**stays, **chosen))
    with acting_for(scene.organisation.id):
        values = channel_settings("chorus_pro") or {}
    assert {name: values[name] for name in chosen} == chosen
    as_bob.post(reverse("set_connection", args=[slug, "chorus_pro"]), given(**stays))
    with acting_for(scene.organisation.id):
        assert channel_settings("chorus_pro") == values  # what is not given stays


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("depot", "pigeon", "choisissez parmi flux, pdf, soumettre"),
        ("format_flux", "edifact", "choisissez parmi facturx, cii, ubl"),
        ("factures_par_flux", "51", "à 50"),
        ("factures_par_flux", "0", "à 50"),
    ],
)
def test_a_deposit_that_does_not_exist_is_refused_and_shown_again(
    scene: Scene, as_bob: Client, name: str, value: str, sentence: str
) -> None:
    with acting_for(scene.organisation.id):
        before = channel_settings("chorus_pro")
    refused = as_bob.post(
        reverse("set_connection", args=[scene.organisation.slug, "chorus_pro"]), given(**{name: value})
    )
    assert refused.status_code == 422
    assert sentence in plain(refused.content)
    with acting_for(scene.organisation.id):
        assert channel_settings("chorus_pro") == before


def test_a_clerk_checks_and_does_not_set(scene: Scene, alice: User) -> None:
    clerk = signed_in_as(alice)
    slug = scene.organisation.slug
    assert clerk.post(reverse("check_connection", args=[slug, "chorus_pro"])).status_code == 302
    assert "client_secret" not in clerk.get(reverse("set_connection", args=[slug, "chorus_pro"])).content.decode()
    assert clerk.post(reverse("set_connection", args=[slug, "chorus_pro"]), given()).status_code == 403


def test_every_channel_is_tried_without_sending_anything(scene: Scene, platform: Platform, alice: User) -> None:
    with acting_for(scene.organisation.id):
        ours = set(ChannelSettings.objects.values_list("channel", flat=True))
    assert ours >= {"email", "chorus_pro", "plateforme_agreee"}
    assert {key: check(scene.organisation, key) for key in ours} == dict.fromkeys(ours, "")
    check_all(scene.organisation.id)
    with acting_for(scene.organisation.id):
        assert ChannelHealth.objects.exclude(checked_at=None).count() == len(ours)
    assert not any((scene.mails(), scene.deposits(), platform.deposits()))
    page = page_of(signed_in_as(alice), scene.organisation)
    assert page.count("Vérifier maintenant") >= len(ours)


def test_a_relay_that_refuses_the_password_or_the_connection_is_told_in_words(scene: Scene) -> None:
    scene.change(ChannelKey.EMAIL, port="9")
    assert "est injoignable ou ne répond pas" in check(scene.organisation, ChannelKey.EMAIL)
    with acting_for(scene.organisation.id):
        found = {each.key: each for each in connections(scene.organisation)}
    assert found[ChannelKey.EMAIL].works is False


def test_a_platform_that_refuses_the_account_is_told_in_words(scene: Scene, platform: Platform) -> None:
    """Complaint B26."""
    platform.fault(FaultKind.DOWN, on="search", code="403", times=None)
    assert "n’a pas le droit d’envoyer pour cette organisation" in check(
        scene.organisation, ChannelKey.PLATEFORME_AGREEE
    )


@pytest.mark.parametrize("lacks", [True, False])
def test_a_record_without_the_service_that_its_structure_wants_is_told_so(
    scene: Scene, as_bob: Client, lacks: bool
) -> None:
    wants = [{"siret": TOWN.siret, "designation": TOWN.name, "code_service": lacks}]
    scene.chorus._control.obey("POST /control/structures", {"structures": wants})
    with acting_for(scene.organisation.id):
        town = Customer.objects.get(reference=TOWN.reference)
    look_up(scene.organisation.id, TOWN.siret, actor=ACTOR)
    page = plain(as_bob.get(reverse("customer", args=[scene.organisation.slug, town.pk])).content)
    assert ("Sa fiche n’a pas de code service" in page) is lacks


def test_a_deposit_that_chorus_pro_does_not_know_says_nothing_against_the_connection(scene: Scene) -> None:
    scene.send(file("F-2", TOWN))
    with acting_for(scene.organisation.id):
        ChannelHealth.objects.all().delete()
    scene.chorus.state.reset({})  # another installation of theirs, that was never given the flow
    scene.poll()
    told = health(scene)
    assert told is not None
    assert (told.good_at is not None, told.bad_at) == (True, None)
