"""A seller declares its own statuses and no other; each message written passes the schema and the catalogue's rules."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from lxml import etree

from faitfoi.accounts.models import Organisation, User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.einvoice.cdar import Cdar, read_cdar
from faitfoi.einvoice.cdar_rules import check_cdar
from faitfoi.pipeline import acting, collecting
from faitfoi.pipeline.acting import CannotAct
from faitfoi.pipeline.statuses_pa import declare, offers
from faitfoi.records.models import Act
from faitfoi.records.stages import Stage
from tests.pipeline.cast import ACTOR, Scene, file
from tests.pipeline.pa_scene import Platform, due, open_platform

pytestmark = pytest.mark.django_db(transaction=True)

F, R = "F-2026-951", "R-2026-951"
XSD = Path(os.environ.get("FAITFOI_SHARED") or Path(__file__).parents[3] / "shared") / "contracts" / "xsd" / "cdar_d22b"
SCHEMA = XSD / "CrossDomainAcknowledgementAndResponse_100pD22B.xsd"
NEVER_OURS = ["200", "201", "202", "203", "204", "205", "206", "207", "208", "210", "211", "213", "214", "221", "501"]


@pytest.fixture
def platform(scene: Scene) -> Iterator[Platform]:
    yield from open_platform(scene)


def sent(scene: Scene, platform: Platform, *contents: bytes) -> None:
    scene.send(*(contents or (file(F),)))
    platform.pass_time(hours=2)
    platform.collect()


def offered(scene: Scene, number: str = F) -> list[str]:
    with acting_for(scene.organisation.id):
        return [offer.code for offer in offers(scene.document(number))]


def say(scene: Scene, code: str, note: str = "Affacturage de l’Exemple") -> None:
    with acting_for(scene.organisation.id):
        act = declare(scene.document(F), code, note=note, actor=ACTOR)
    acting.do_acts(scene.organisation.id, [act.id])


def messages(platform: Platform) -> list[Cdar]:
    """Every status that the platform was told, each judged by the schema and by the rules."""
    contents = [platform.simulator.state.flow(act["flow"]).content for act in platform.acts()]
    told = [read_cdar(content) for content in contents]
    assert [check_cdar(one) for one in told] == [()] * len(told)
    assert all(act["ack"]["status"] != "Error" for act in platform.acts())
    if SCHEMA.is_file():
        schema = etree.XMLSchema(etree.parse(SCHEMA))
        for content in contents:
            schema.assertValid(etree.fromstring(content))
    return told


def corrective(scene: Scene) -> bytes:
    return file(R, type_code="384", preceding_invoices=[{"number": F, "issue_date": "2026-11-04"}])


@pytest.mark.parametrize("code", ["225", "226", "227"])
def test_each_status_of_the_seller_is_declared_to_whom_it_may_concern(
    scene: Scene, platform: Platform, code: str
) -> None:
    sent(scene, platform)
    say(scene, code)
    platform.pass_time(hours=1)
    (told,) = messages(platform)
    (reference,) = told.references
    assert (reference.code, reference.number) == (code, F)
    assert [party.role for party in told.recipients] == ["WK" if code == "226" else "BY"]
    assert reference.details[0].notes == ("Affacturage de l’Exemple",)
    assert told.issuer is not None
    assert told.issuer.role == "SE"


def test_a_factored_invoice_is_freed_once_and_a_hidden_factoring_stays_hidden(scene: Scene, platform: Platform) -> None:
    sent(scene, platform)
    assert offered(scene) == ["225", "226", "227"]
    say(scene, "226")
    assert offered(scene) == ["225", "227", "228"]
    say(scene, "228", note="")
    assert offered(scene) == ["225", "226", "227"]
    say(scene, "225")
    assert offered(scene) == ["227", "228"]
    say(scene, "228", note="")
    told = messages(platform)
    assert [one.references[0].code for one in told] == ["226", "228", "225", "228"]
    assert [one.recipients[0].role for one in told] == ["WK", "WK", "BY", "BY"]


def test_an_invoice_factored_when_it_was_issued_may_be_freed(scene: Scene, platform: Platform) -> None:
    sent(scene, platform, file(F, type_code="393"))
    assert offered(scene) == ["227", "228"]


def test_direct_payment_is_asked_for_by_a_subcontractor_alone(scene: Scene, platform: Platform) -> None:
    process = {"business_process": "S5", "specification": "urn:cen.eu:en16931:2017"}
    sent(scene, platform, file(F, process=process))
    assert "224" in offered(scene)
    say(scene, "224", note="")
    assert messages(platform)[0].references[0].code == "224"
    assert "224" not in offered(scene)


def test_an_invoice_is_cancelled_only_by_the_corrective_one_that_replaces_it(scene: Scene, platform: Platform) -> None:
    sent(scene, platform)
    assert "220" not in offered(scene)
    sent(scene, platform, corrective(scene))
    say(scene, "220", note="")
    (told,) = messages(platform)
    assert f"rectificative {R}" in told.references[0].details[0].notes[0]
    assert offered(scene) == []


def test_what_is_not_the_seller_s_to_say_is_neither_offered_nor_taken(scene: Scene, platform: Platform) -> None:
    sent(scene, platform)
    assert not set(NEVER_OURS) & set(offered(scene))
    with acting_for(scene.organisation.id):
        for code in NEVER_OURS:
            with pytest.raises(CannotAct, match="rien n’est dit"):
                declare(scene.document(F), code, note="x", actor=ACTOR)
        assert not Act.objects.exists()


@pytest.mark.parametrize("ending", ["210", "213", "220"])
def test_nothing_is_offered_once_the_invoice_has_ended(scene: Scene, platform: Platform, ending: str) -> None:
    sent(scene, platform)
    platform.say(F, ending, reason={"210": "CMD_ERR", "213": "REJ_SEMAN"}.get(ending, ""))
    platform.collect()
    assert offered(scene) == []


def test_nothing_is_offered_before_the_platform_has_deposited_it(scene: Scene, platform: Platform) -> None:
    scene.send(file(F))
    assert offered(scene) == []


def test_a_status_that_the_platform_turned_away_may_be_said_again(scene: Scene, platform: Platform) -> None:
    sent(scene, platform)
    (flow,) = [one for one in platform.simulator.state.flows.values() if one.direction == "Out"]
    steps = list(flow.steps)
    flow.steps.clear()
    say(scene, "225")
    platform.pass_time(hours=1)
    assert "225" not in offered(scene)
    collecting.look_at_acts(scene.organisation.id, actor=ACTOR)
    assert "225" in offered(scene)
    flow.steps.extend(steps)
    say(scene, "225")
    with acting_for(scene.organisation.id):
        assert Act.objects.filter(kind="225", stage=Stage.SENT).count() == 2


def page(scene: Scene, name: str = "document") -> str:
    return reverse(name, args=[scene.organisation.slug, scene.document(F).id])


def test_the_page_offers_what_may_be_declared_and_a_press_declares_it_once(
    scene: Scene, platform: Platform, alice: User
) -> None:
    sent(scene, platform)
    client = Client()
    client.force_login(alice)
    shown = client.get(page(scene)).content.decode()
    assert "Affacturée (225)" in shown
    assert "Refusée (210)" not in shown
    assert client.post(page(scene, "pa_declare"), {"status": "225", "note": ""}).status_code == 302
    for _ in range(2):
        assert client.post(page(scene, "pa_declare"), {"status": "225", "note": "Factor"}).status_code == 302
    with acting_for(scene.organisation.id):
        (act,) = Act.objects.all()
    assert act.values["note"] == "Factor"


def test_charlie_declares_nothing_on_alice_s_invoice(
    scene: Scene, platform: Platform, charlie: User, rival: Organisation
) -> None:
    sent(scene, platform, due(F, "08"))
    client = Client()
    client.force_login(charlie)
    document = scene.document(F).id
    for slug in (scene.organisation.slug, rival.slug):
        address = reverse("pa_declare", args=[slug, document])
        assert client.post(address, {"status": "225", "note": "x"}).status_code == 404
    with acting_for(scene.organisation.id):
        assert not Act.objects.exists()
