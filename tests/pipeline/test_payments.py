"""Payments: what is declared of them, to whom, and only of those that are recorded (complaint B14)."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from faitfoi.accounts.models import Organisation, User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.einvoice.cdar import read_cdar
from faitfoi.einvoice.cdar_rules import check_cdar
from faitfoi.pipeline import acting, acting_questions, collecting
from faitfoi.pipeline.installation import today
from faitfoi.pipeline.payments import CannotRecord, Draft, Part, draft, record_payment, reverse_payment
from faitfoi.records.models import Act, Customer, Delivery, Event, Payment
from faitfoi.records.stages import LineOutcome, Nature, Stage
from faitfoi.simulators.control import FaultKind
from tests.pipeline.cast import ACTOR, FARMER, Scene, file, invoice
from tests.pipeline.pa_scene import Platform, open_platform

pytestmark = pytest.mark.django_db(transaction=True)

F = "F-2026-501"
PAID_ON = date(2026, 11, 20)


@pytest.fixture
def platform(scene: Scene) -> Iterator[Platform]:
    yield from open_platform(scene)


def sent(scene: Scene, platform: Platform, content: bytes | None = None) -> None:
    scene.send(content or file(F))
    platform.pass_time(hours=2)
    platform.collect()


def drafted(scene: Scene, amount: str = "115.20", **more: Any) -> Draft:
    document = scene.document(F)
    with acting_for(scene.organisation.id):
        day = max(today(scene.organisation), PAID_ON)
        return draft(document, paid_on=PAID_ON, amount=Decimal(amount), today=day, **more)


def record(scene: Scene, made: Draft) -> Payment:
    with acting_for(scene.organisation.id):
        return record_payment(scene.document(F), made, actor=ACTOR)


def do_acts(scene: Scene) -> None:
    with acting_for(scene.organisation.id):
        ids = list(Act.objects.filter(stage=Stage.ROUTED).values_list("id", flat=True))
    acting.do_acts(scene.organisation.id, ids)


def test_a_payment_is_declared_with_its_amount_by_rate_and_its_day(scene: Scene, platform: Platform) -> None:
    sent(scene, platform)
    made = drafted(scene)
    assert made.tells
    assert "20/11/2026" in made.sentence
    record(scene, made)
    do_acts(scene)
    flow = platform.simulator.state.flow(platform.acts()[0]["flow"])
    cdar = read_cdar(flow.content)
    assert check_cdar(cdar) == ()
    (reference,) = cdar.references
    assert (reference.code, reference.number, cdar.at and cdar.at.date()) == ("212", F, PAID_ON)
    assert [(one.type_code, one.amount, one.rate) for one in reference.details[0].amounts] == [
        ("MEN", Decimal("115.20"), Decimal(20))
    ]


def test_a_preview_writes_and_sends_nothing(scene: Scene, platform: Platform) -> None:
    """Complaint B14."""
    sent(scene, platform)
    drafted(scene)
    with acting_for(scene.organisation.id):
        assert not Payment.objects.exists()
        assert not Act.objects.exists()


def test_nothing_is_declared_paid_without_a_recorded_payment(scene: Scene, platform: Platform) -> None:
    """Complaint B14."""
    sent(scene, platform)
    platform.say(F, "211")
    platform.collect()
    do_acts(scene)
    assert platform.acts() == []


def test_a_payment_is_taken_back_only_by_a_negative_one_and_once(scene: Scene, platform: Platform) -> None:
    """Complaint B14."""
    sent(scene, platform)
    payment = record(scene, drafted(scene))
    with acting_for(scene.organisation.id):
        back = reverse_payment(payment.id, today=PAID_ON, actor=ACTOR)
        assert back.amount == Decimal("-115.20")
        with pytest.raises(CannotRecord, match="déjà annulé"):
            reverse_payment(payment.id, today=PAID_ON, actor=ACTOR)
    do_acts(scene)
    told = [read_cdar(platform.simulator.state.flow(act["flow"]).content) for act in platform.acts()]
    assert [one.references[0].details[0].amounts[0].amount for one in told] == [Decimal("115.20"), Decimal("-115.20")]


def test_a_lost_answer_to_a_declaration_is_asked_about_not_repeated(scene: Scene, platform: Platform) -> None:
    sent(scene, platform)
    record(scene, drafted(scene))
    platform.fault(FaultKind.LOSE_ANSWER)
    do_acts(scene)
    with acting_for(scene.organisation.id):
        act = Act.objects.get()
        assert act.stage == Stage.TO_FIND
    acting_questions.ask_about_acts(scene.organisation.id, [act.id])
    with acting_for(scene.organisation.id):
        assert Act.objects.get().stage == Stage.SENT
    assert len(platform.acts()) == 1


def test_a_consumer_s_payment_is_refused(scene: Scene, platform: Platform) -> None:
    sent(scene, platform)
    with acting_for(scene.organisation.id):
        Customer.objects.filter(reference=FARMER.reference).update(nature=Nature.CONSUMER)
    with pytest.raises(CannotRecord, match="particulier"):
        drafted(scene)


@pytest.mark.parametrize(
    ("amount", "more", "words"),
    [
        ("200.00", {}, "de trop"),
        ("-5.00", {}, "positif"),
        ("10.005", {}, "centimes"),
        ("10.00", {"parts": [Part(rate=Decimal(10), amount=Decimal(10))]}, "n’est pas sur la facture"),
        ("10.00", {"parts": [Part(rate=Decimal(20), amount=Decimal(9))]}, "accordez-les"),
    ],
)
def test_a_payment_that_does_not_fit_the_invoice_is_refused_in_a_sentence(
    scene: Scene, platform: Platform, amount: str, more: dict[str, Any], words: str
) -> None:
    sent(scene, platform)
    with pytest.raises(CannotRecord, match=words):
        drafted(scene, amount, **more)


@pytest.mark.parametrize(
    ("terms", "tells"),
    [
        ("380 S1", True),
        ("380 S1 3", False),
        ("380 B1", False),
        ("380 M1", True),
        # A down payment owes its VAT when it is received, of goods too, and whatever the option for debits.
        ("386 B1", True),
        ("386 S1 3", True),
    ],
)
def test_a_payment_is_declared_where_its_vat_is_due_when_it_comes(
    scene: Scene, platform: Platform, terms: str, tells: bool
) -> None:
    type_code, process, *vat_point = terms.split()
    told: dict[str, Any] = {
        "type_code": type_code,
        "process": {"business_process": process, "specification": "urn:cen.eu:en16931:2017"},
        "vat_point_date_code": "".join(vat_point),
    }
    sent(scene, platform, file(F, FARMER, **told))
    assert drafted(scene).tells is tells
    assert drafted(scene, tell=not tells).tells is not tells


def test_after_a_refusal_no_payment_is_declared(scene: Scene, platform: Platform) -> None:
    sent(scene, platform)
    platform.say(F, "210", reason="CMD_ERR")
    platform.collect()
    assert not drafted(scene).tells


def test_shares_by_rate_add_up_to_the_cent(scene: Scene, platform: Platform) -> None:
    lines = [
        {**invoice(F)["lines"][0], "identifier": str(n), "vat": {"category": "S", "rate": rate}, "price": {"net": net}}
        for n, (rate, net) in enumerate((("20", "10.01"), ("5.5", "33.33"), ("10", "7.77")), start=1)
    ]
    sent(scene, platform, file(F, lines=lines))
    made = drafted(scene, "50.01")
    assert sum(one.amount for one in made.parts) == Decimal("50.01")
    assert [one.rate for one in made.parts] == [Decimal("5.5"), Decimal(10), Decimal(20)]


def test_a_declaration_that_the_platform_does_not_take_changes_no_invoice(scene: Scene, platform: Platform) -> None:
    sent(scene, platform)
    record(scene, drafted(scene))
    (flow,) = [one for one in platform.simulator.state.flows.values() if one.direction == "Out"]
    flow.steps.clear()  # the platform forgets what it said: it now finds our status out of place
    do_acts(scene)
    platform.pass_time(hours=1)
    before = scene.stage(F)
    assert collecting.look_at_acts(scene.organisation.id, actor=ACTOR) == 1
    assert collecting.look_at_acts(scene.organisation.id, actor=ACTOR) == 0
    with acting_for(scene.organisation.id):
        said = Event.objects.get(code="ack:Error")
    assert "n’a pas pris le statut" in said.reason
    assert scene.stage(F) is before


def test_a_credit_note_for_a_refused_invoice_is_kept_and_never_sent(scene: Scene, platform: Platform) -> None:
    """Complaint B24."""
    sent(scene, platform)
    platform.say(F, "210", reason="CMD_ERR")
    platform.collect()
    credit = file("A-2026-501", type_code="381", preceding_invoices=[{"number": F, "issue_date": "2026-11-04"}])
    batch = scene.send(credit)
    (line,) = scene.lines(batch)
    assert (line.outcome, "gardé pour vos comptes" in line.reason) == (LineOutcome.READY, True)
    counts = scene.counts(batch)
    assert (counts.skipped, counts.held, counts.sent) == (1, 0, 0)
    with acting_for(scene.organisation.id):
        assert not Delivery.objects.filter(document__number="A-2026-501").exists()
    assert scene.document("A-2026-501").kept_because


def test_a_credit_note_for_an_invoice_that_stands_is_sent(scene: Scene, platform: Platform) -> None:
    sent(scene, platform)
    scene.send(file("A-2026-502", type_code="381", preceding_invoices=[{"number": F, "issue_date": "2026-11-04"}]))
    assert scene.stage("A-2026-502") is Stage.SENT


def test_another_organisation_sees_no_payment(scene: Scene, platform: Platform, rival: Organisation) -> None:
    sent(scene, platform)
    record(scene, drafted(scene))
    with acting_for(rival.id):
        assert not Payment.objects.exists()


def test_the_page_shows_what_is_declared_before_it_records(scene: Scene, platform: Platform, alice: User) -> None:
    sent(scene, platform)
    client = Client()
    client.force_login(alice)
    address = f"/o/{scene.organisation.slug}/documents/{scene.document(F).pk}/paiements/"
    given = {"amount": "115,20", "paid_on": "2026-11-20", "reference": "VIR 12"}
    shown = client.post(address, {**given, "step": "preview"})
    assert "statut 212" in shown.content.decode()
    with acting_for(scene.organisation.id):
        assert not Payment.objects.exists()
    assert client.post(address, {**given, "step": "record"}).status_code == 302
    with acting_for(scene.organisation.id):
        payment = Payment.objects.get()
    assert client.post(address, {"reverse": str(payment.pk)}).status_code == 302
    with acting_for(scene.organisation.id):
        assert sum(Payment.objects.values_list("amount", flat=True)) == 0
    assert client.get(address).status_code == 200


def test_a_credit_note_has_no_page_of_payments(scene: Scene, platform: Platform, alice: User) -> None:
    sent(scene, platform)
    scene.send(file("A-2026-502", type_code="381", preceding_invoices=[{"number": F, "issue_date": "2026-11-04"}]))
    client = Client()
    client.force_login(alice)
    pages = [f"/o/{scene.organisation.slug}/documents/{scene.document(n).pk}/paiements/" for n in (F, "A-2026-502")]
    assert [client.get(page).status_code for page in pages] == [200, 404]
