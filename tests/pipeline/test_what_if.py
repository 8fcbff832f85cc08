"""The law's tables are dated; a past day keeps its answer; what would change a decision is found by deciding again."""

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faitfoi.accounts.models import ChannelKey, SizeClass
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.legal import legal_tables
from faitfoi.pipeline.routing import Borne, Decision, Directory, Facts, NoRoute, decide, lawful_channels
from faitfoi.pipeline.what_if import (
    Answer,
    NoSuchBatch,
    changes_for,
    find_batch,
    in_words,
    kept,
    reached,
    route_batch_on,
    route_on,
    unreached,
    what_would_change,
)
from faitfoi.records.models import Delivery, Document, JournalEntry
from faitfoi.records.stages import Nature, Purpose
from tests.pipeline.cast import SILENT, TOWN, Buyer, Scene, file
from tests.pipeline.test_routing import FARMER
from tests.pipeline.test_routing import TOWN as COMMUNE

CHANNELS = st.sampled_from([*(key.value for key in ChannelKey)])
SLOWLY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""What these tests promise is no matter of the machine's speed."""

MAYBE = st.sampled_from(["", "x@client.example"])


ANSWERS = (
    None,
    Directory(reach="yes", listed=True, active=("000000034",)),
    Directory(reach="no", listed=False),
    Directory(reach="no", listed=True, active=("000000034_ACHATS",)),
    Directory(reach="no", listed=True),
    Directory(reach="undetermined", listed=None),
)


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    """Whatever a record, settings, a law's calendar and a day may be together."""
    return Facts(
        customer_name="Client",
        nature=draw(st.sampled_from(Nature)),
        customer_channel=draw(CHANNELS),
        customer_copy_channel=draw(CHANNELS),
        billing_email=draw(MAYBE),
        siret=draw(st.sampled_from(["", "00000004200010"])),
        code_service=draw(st.sampled_from(["", "SVC"])),
        code_service_required=draw(st.booleans()),
        engagement=draw(st.sampled_from(["", "E-1"])),
        engagement_required=draw(st.booleans()),
        electronic_address=draw(st.sampled_from(["", "000000034"])),
        default_channel=draw(CHANNELS),
        copy_channel=draw(CHANNELS),
        issues_electronically_from=draw(st.dates(date(2026, 1, 1), date(2028, 1, 1))),
        configured=draw(st.frozensets(CHANNELS)),
        day=draw(st.dates(date(2014, 1, 1), date(2030, 1, 1))),
        number="F-1",
        size=draw(st.sampled_from(SizeClass)),
        notice_channel=draw(CHANNELS),
        directory=draw(st.sampled_from(ANSWERS)),
        public_by_platform=draw(st.booleans()),
        borne=draw(st.sampled_from([None, Borne(siret="00000004200010", code_service="SVC", engagement="E-1")])),
    )


@SLOWLY
@given(facts())
def test_the_routing_of_a_day_needs_no_row_that_begins_later(told: Facts) -> None:
    known = legal_tables().known_on(told.day)
    now, then = decide(told), decide(told, known)
    assert type(now) is type(then)
    if isinstance(now, Decision) and isinstance(then, Decision):
        assert (now.legal.channel, now.legal.address) == (then.legal.channel, then.legal.address)
        assert (now.copy, now.notice) == (then.copy, then.notice)
    if isinstance(now, NoRoute) and isinstance(then, NoRoute):
        assert (now.channel, now.missing) == (then.channel, then.missing)


@SLOWLY
@given(facts())
def test_the_legal_delivery_goes_by_a_lawful_and_configured_channel_to_an_address(told: Facts) -> None:
    way = decide(told)
    if isinstance(way, Decision):
        assert way.legal.channel in lawful_channels(told)[0]
        assert way.legal.channel in told.configured
        assert way.legal.address
        for beside in (way.copy, way.notice):
            assert beside is None or beside.channel is not way.legal.channel
    else:
        assert "F-1" in way.reason


@SLOWLY
@given(facts())
def test_each_counterfactual_leads_elsewhere(told: Facts) -> None:
    now = decide(told)
    for change in what_would_change(told):
        if isinstance(now, Decision) and isinstance(change.way, Decision):
            assert (change.way.legal.channel, change.way.legal.address) != (now.legal.channel, now.legal.address)
        assert change.supposing
        assert change.then


@SLOWLY
@given(st.sampled_from(Nature), st.dates(date(2014, 1, 1), date(2035, 1, 1)), st.booleans())
def test_every_day_has_one_answer_in_the_tables(nature: Nature, day: date, obliged: bool) -> None:
    tables = legal_tables()
    if obliged and not tables.has_way(nature, day=day):
        return
    way = tables.way(nature, obliged=obliged, day=day)
    assert way.since <= day
    assert way.channels
    assert way.source


@pytest.mark.parametrize(
    ("size", "first"),
    [
        (SizeClass.LARGE, date(2026, 9, 1)),
        (SizeClass.INTERMEDIATE, date(2026, 9, 1)),
        (SizeClass.SMALL, date(2027, 9, 1)),
        (SizeClass.MICRO, date(2027, 9, 1)),
    ],
)
def test_the_law_s_day_depends_on_the_seller_s_size(size: SizeClass, first: date) -> None:
    seller = replace(FARMER, size=size, issues_electronically_from=date(2099, 1, 1))
    on = decide(replace(seller, day=first))
    before = decide(replace(seller, day=first - timedelta(days=1)))
    assert isinstance(on, Decision)
    assert isinstance(before, Decision)
    assert (on.legal.channel, before.legal.channel) == (ChannelKey.PLATEFORME_AGREEE, ChannelKey.EMAIL)


def test_a_seller_may_begin_before_its_turn() -> None:
    way = decide(replace(FARMER, issues_electronically_from=date(2026, 11, 1)))
    assert isinstance(way, Decision)
    assert way.legal.channel is ChannelKey.PLATEFORME_AGREEE


def test_an_address_that_the_directory_does_not_know_holds_the_invoice_and_silence_does_not() -> None:
    obliged = replace(FARMER, day=date(2027, 9, 1))
    for answer in (Directory(reach="yes", listed=True), Directory(reach="undetermined", listed=None), None):
        assert isinstance(decide(replace(obliged, directory=answer)), Decision)
    way = decide(replace(obliged, directory=Directory(reach="no", listed=False)))
    assert isinstance(way, NoRoute)
    assert "n’est pas dans l’annuaire" in way.reason
    assert FARMER.electronic_address in way.reason


def test_a_notice_goes_by_mail_beside_a_platform_and_never_beside_a_mail() -> None:
    asked = replace(COMMUNE, notice_channel="email")
    way = decide(asked)
    assert isinstance(way, Decision)
    assert way.notice is not None
    assert (way.notice.channel, way.notice.address) == (ChannelKey.EMAIL, COMMUNE.billing_email)
    mailed = decide(replace(FARMER, notice_channel="email"))
    assert isinstance(mailed, Decision)
    assert mailed.notice is None


def test_what_would_change_names_the_day_and_the_record() -> None:
    said = [f"{change.supposing}, {change.then}" for change in what_would_change(FARMER)]
    assert "à partir du 01/09/2027, la facture partirait par plateforme agréée" in said
    assert any(text.startswith("s’il n’y avait pas une adresse e-mail") for text in said)
    assert any("secteur public" in text for text in said)


@pytest.mark.django_db
def test_a_whole_batch_on_another_day_tells_who_could_not_be_reached_and_changes_nothing(scene: Scene) -> None:
    batch = scene.hand_over(file("F-1"), file("F-2", TOWN), file("F-3", SILENT), name="Moissons")
    scene.prepare(batch)
    with acting_for(scene.organisation.id):
        before = (JournalEntry.objects.count(), Delivery.objects.count())
        for wanted in ("1", "Moissons", str(batch.id)):
            assert find_batch(wanted).id == batch.id
        with pytest.raises(NoSuchBatch):
            find_batch("9")
        now = route_batch_on(scene.organisation, batch, day=date(2026, 11, 21))
        later = route_batch_on(scene.organisation, batch, day=date(2027, 9, 1))
        assert (JournalEntry.objects.count(), Delivery.objects.count()) == before
    assert reached(now) == {"chorus_pro": 1, "email": 1}
    assert list(unreached(now)) == [SILENT.name]
    assert reached(later) == {"chorus_pro": 1}
    assert len(unreached(later)) == 2
    assert json.dumps(reached(later))


def test_two_customers_of_one_name_who_could_not_be_reached_are_two() -> None:
    way = decide(replace(FARMER, billing_email=""))
    answers = [
        Answer(number=f"F-{n}", customer=name, way=way, reference=reference)
        for n, (name, reference) in enumerate([("Saint-Jean", "P-1"), ("Saint-Jean", "P-2"), ("Autre", "P-3")])
    ]
    assert list(unreached([*answers, answers[0]])) == ["Saint-Jean (P-1)", "Saint-Jean (P-2)", "Autre"]


@pytest.mark.django_db
def test_what_if_says_for_today_what_was_really_done(scene: Scene) -> None:
    batch = scene.hand_over(file("F-1"), file("F-2", TOWN))
    scene.prepare(batch)
    for number in ("F-1", "F-2"):
        document, made = scene.document(number), scene.delivery(number, Purpose.LEGAL)
        with acting_for(scene.organisation.id):
            answer = route_on(scene.organisation, document, day=scene.organisation.legal_day(made.created_at))
        assert (answer.channel, answer.why) == (made.channel, made.reason)


@pytest.mark.django_db
def test_what_if_promises_no_way_to_a_buyer_without_a_record_nor_to_what_is_kept(scene: Scene) -> None:
    nobody = Buyer(
        reference="",
        name="EARL des Inconnus",
        nature=Nature.TAXABLE,
        siren="000000109",
        siret="00000010900018",
        electronic="000000109",
    )
    batch = scene.hand_over(file("F-1"), file("F-2", nobody), file("F-3", TOWN))
    scene.prepare(batch)
    with acting_for(scene.organisation.id):
        Document.objects.filter(number="F-3").update(kept_because="Avoir interne : il n’est pas envoyé.")
        for day in (date(2026, 11, 21), date(2027, 9, 1)):
            answers = route_batch_on(scene.organisation, batch, day=day)
            missing = unreached(answers)
            assert nobody.name in missing
            assert "Créez sa fiche" in missing[nobody.name][0].why
            assert kept(answers) == 1
            assert sum(reached(answers).values()) + sum(map(len, missing.values())) + kept(answers) == 3
        assert (
            in_words(answers, day=day)
            == "Le 01/09/2027, 3 document(s) : 2 sans canal possible, chez 2 client(s), 1 gardé(s) sans envoi. "
            "Rien n’a été changé."
        )
        for number in ("F-2", "F-3"):
            assert changes_for(scene.organisation, Document.objects.get(number=number), day=day) == []
        Document.objects.filter(number="F-3").update(kept_because="")
