"""The law chooses among channels, settings among the lawful ones, and no way is an error."""

from dataclasses import replace
from datetime import date

import pytest

from faitfoi.accounts.models import ChannelKey
from faitfoi.pipeline.routing import Borne, Decision, Directory, Facts, NoRoute, decide
from faitfoi.records.stages import Nature

ALL = frozenset({"email", "chorus_pro", "plateforme_agreee"})
FARMER = Facts(
    customer_name="GAEC du Chêne",
    nature=Nature.TAXABLE,
    customer_channel="",
    customer_copy_channel="",
    billing_email="gaec@chene.example",
    siret="",
    code_service="",
    code_service_required=False,
    engagement="",
    engagement_required=False,
    electronic_address="000000034",
    default_channel="email",
    copy_channel="",
    issues_electronically_from=date(2027, 9, 1),
    configured=ALL,
    day=date(2026, 11, 21),
    number="F-1",
)
TOWN = replace(FARMER, nature=Nature.PUBLIC, customer_name="Commune", siret="00000004200010")


def test_before_the_sellers_start_date_a_taxable_customer_may_be_reached_by_mail() -> None:
    way = decide(FARMER)
    assert isinstance(way, Decision)
    assert (way.legal.channel, way.legal.address) == (ChannelKey.EMAIL, "gaec@chene.example")
    assert "01/09/2027" in way.legal.reason


def test_from_the_start_date_only_the_plateforme_agreee_carries_the_invoice() -> None:
    way = decide(replace(FARMER, day=date(2027, 9, 1), customer_channel="email"))
    assert isinstance(way, Decision)
    assert way.legal.channel is ChannelKey.PLATEFORME_AGREEE


def test_a_public_customer_goes_by_chorus_whatever_the_settings_say() -> None:
    way = decide(replace(TOWN, customer_channel="email", default_channel="email"))
    assert isinstance(way, Decision)
    assert (way.legal.channel, way.legal.address) == (ChannelKey.CHORUS_PRO, "00000004200010")


BY_PLATFORM = replace(
    TOWN,
    customer_channel="plateforme_agreee",
    electronic_address="000000042",
    public_by_platform=True,
    borne=Borne(siret="00000004200010"),
)


def test_a_public_customer_goes_by_a_platform_only_where_it_carries_that_and_somebody_chose_it() -> None:
    for facts in (
        replace(BY_PLATFORM, public_by_platform=False),
        replace(BY_PLATFORM, customer_channel=""),
        replace(BY_PLATFORM, customer_channel="chorus_pro"),
        replace(BY_PLATFORM, day=date(2026, 8, 31)),
    ):
        way = decide(facts)
        assert isinstance(way, Decision)
        assert way.legal.channel is ChannelKey.CHORUS_PRO
    for facts in (BY_PLATFORM, replace(BY_PLATFORM, customer_channel="", default_channel="plateforme_agreee")):
        way = decide(facts)
        assert isinstance(way, Decision)
        assert (way.legal.channel, way.legal.address) == (ChannelKey.PLATEFORME_AGREEE, "000000042")
        assert "B2G" in way.legal.reason


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (replace(BY_PLATFORM, electronic_address=""), "adresse de facturation électronique"),
        (replace(BY_PLATFORM, directory=Directory(reach="no", listed=False)), "Choisissez Chorus Pro"),
        (replace(BY_PLATFORM, code_service_required=True), "code service"),
        (replace(BY_PLATFORM, engagement_required=True), "engagement"),
        # What only the record has is not on the invoice, and nothing is written into it on the way.
        (replace(BY_PLATFORM, borne=Borne()), "BT-46 sous 0009"),
        (replace(BY_PLATFORM, code_service_required=True, code_service="VOIRIE"), "la facture elle-même"),
        (replace(BY_PLATFORM, engagement_required=True, engagement="EJ-1"), "la facture elle-même"),
        (replace(BY_PLATFORM, configured=frozenset({"chorus_pro"})), "n’est pas encore réglé"),
    ],
)
def test_what_a_public_buyer_wants_stands_on_the_invoice_that_a_platform_carries(facts: Facts, words: str) -> None:
    way = decide(facts)
    assert isinstance(way, NoRoute)
    assert words in way.reason


def test_the_customers_choice_overrides_the_organisations() -> None:
    way = decide(replace(FARMER, default_channel="plateforme_agreee", customer_channel="email"))
    assert isinstance(way, Decision)
    assert way.legal.channel is ChannelKey.EMAIL
    assert "fiche du client" in way.legal.reason


@pytest.mark.parametrize("nature", [Nature.CONSUMER, Nature.FOREIGN, Nature.NOT_TAXABLE])
def test_a_plateforme_agreee_is_never_chosen_for_those_it_does_not_serve(nature: Nature) -> None:
    way = decide(replace(FARMER, nature=nature, default_channel="plateforme_agreee", day=date(2028, 1, 1)))
    assert isinstance(way, Decision)
    assert way.legal.channel is ChannelKey.EMAIL


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (replace(FARMER, billing_email=""), "adresse e-mail de facturation"),
        (replace(TOWN, siret=""), "SIRET"),
        (replace(TOWN, code_service_required=True), "code service"),
        (replace(TOWN, engagement_required=True), "engagement"),
        (replace(FARMER, default_channel="post"), "n’est pas encore réglé"),
        (replace(FARMER, configured=frozenset()), "n’est pas encore réglé"),
    ],
)
def test_no_usable_channel_is_an_error_that_names_the_remedy(facts: Facts, words: str) -> None:
    """Complaint D38."""
    way = decide(facts)
    assert isinstance(way, NoRoute)
    assert words in way.reason
    assert facts.number in way.reason


def test_a_copy_goes_beside_by_mail_and_never_twice_by_the_same_channel() -> None:
    way = decide(replace(TOWN, copy_channel="email"))
    assert isinstance(way, Decision)
    assert way.copy is not None
    assert way.copy.channel is ChannelKey.EMAIL
    mailed = decide(replace(FARMER, copy_channel="email"))
    assert isinstance(mailed, Decision)
    assert mailed.copy is None
