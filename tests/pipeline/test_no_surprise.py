"""What users of similar systems were surprised by does not happen: each test says whose complaint it answers."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from faitfoi.accounts.models import User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.contract import Grade
from faitfoi.pipeline.installation import today
from faitfoi.pipeline.payments import draft, record_payment, reverse_payment
from faitfoi.pipeline.resending import resend
from faitfoi.records.models import Artefact, Customer, Delivery
from faitfoi.records.stages import LineOutcome, Nature, Stage
from tests.pipeline.cast import ACTOR, FARMER, SILENT, TOWN, Buyer, Scene, file, invoice
from tests.pipeline.ledger import ledger_of
from tests.pipeline.pa_scene import Platform, open_platform

pytestmark = pytest.mark.django_db(transaction=True)

PERSON = Buyer(reference="X-1", name="Mme Aubépine", nature=Nature.CONSUMER, email="aubepine@particulier.example")


@pytest.fixture
def platform(scene: Scene) -> Iterator[Platform]:
    yield from open_platform(scene)


def made(scene: Scene) -> tuple[set[str], set[object]]:
    """Return every rendering and every delivery there is."""
    with acting_for(scene.organisation.id):
        return set(Artefact.objects.values_list("sha256", flat=True)), set(
            Delivery.objects.values_list("id", flat=True)
        )


def borne(buyer: dict[str, Any], **more: Any) -> bytes:
    """Return an invoice that bears these terms of its buyer."""
    return json.dumps({**invoice("F-1", **more), "buyer": buyer}, ensure_ascii=False).encode()


def test_what_chorus_has_taken_is_not_accepted_before_its_flow_report_says_so(scene: Scene) -> None:
    """Complaint A1: « importé » was read as accepted, and the invoice was never transmitted."""
    batch = scene.send(file("F-1", TOWN))
    for _ in range(3):
        scene.poll()
        counts = scene.counts(batch)
        assert scene.stage("F-1") is Stage.SENT
        assert (counts.pending, counts.accepted, counts.delivered) == (1, 0, 0)
    scene.advance(minutes=3)
    scene.poll()
    assert scene.stage("F-1") is Stage.ACCEPTED
    assert "accepted" in scene.story("F-1")


def test_recording_a_payment_makes_no_file_and_sends_no_invoice(scene: Scene, platform: Platform) -> None:
    """Complaint B15: a payment drew the PDF anew, and an invoice of months ago left with it."""
    scene.send(file("F-1"), file("F-2", TOWN))
    platform.pass_time(hours=2)
    platform.collect()
    before, deposits, mails = made(scene), platform.deposits(), scene.mails()
    with acting_for(scene.organisation.id):
        document, day = scene.document("F-1"), today(scene.organisation)
        amount = draft(document, paid_on=day, amount=Decimal("115.20"), today=day)
        payment = record_payment(document, amount, actor=ACTOR)
        reverse_payment(payment.id, today=day, actor=ACTOR)
    scene.deliver()
    assert (made(scene), platform.deposits(), scene.mails()) == (before, deposits, mails)


def test_looking_at_a_document_everywhere_makes_no_file_and_sends_nothing(scene: Scene, alice: User) -> None:
    """Complaints B15 and B16: what was sent is shown as it left, never drawn again."""
    batch = scene.hand_over(file("F-1"))
    scene.prepare(batch)
    before, client = made(scene), Client()
    client.force_login(alice)
    slug, document = scene.organisation.slug, scene.document("F-1")
    for name, about in (("document", document.pk), ("batch", batch.pk), ("tasks", None), ("documents", None)):
        answer = client.get(reverse(name, args=[slug, *([about] if about else [])]))
        assert answer.status_code == 200, name
    shown = client.get(reverse("picture", args=[slug, scene.artefact("F-1", "legal").pk, 1]))
    assert shown.status_code == 200
    assert made(scene) == before
    assert scene.mails() == []
    assert scene.stage("F-1") is Stage.ROUTED


def test_a_consumer_is_asked_for_no_company_number(scene: Scene, bob: User) -> None:
    """Complaint B28: the record, the rules and the way all do without SIREN, SIRET and electronic address."""
    client = Client()
    client.force_login(bob)
    given = {"name": PERSON.name, "reference": PERSON.reference, "nature": "consumer", "country": "FR"}
    saved = client.post(
        reverse("new_customer", args=[scene.organisation.slug]), given | {"billing_email": PERSON.email}
    )
    assert saved.status_code == 302, saved.content.decode()
    buyer = {"name": PERSON.name, "address": invoice("F-1")["buyer"]["address"]}
    notes = [note for note in invoice("F-1")["notes"] if note["subject_code"] != "BAR"]
    batch = scene.send(borne(buyer, notes=[*notes, {"text": "B2C", "subject_code": "BAR"}]))
    (line,) = scene.lines(batch)
    assert line.outcome == LineOutcome.READY, line.reason
    assert [each.rcpt_to for each in scene.smtp.received] == [PERSON.email]


@pytest.mark.parametrize("buyer", [FARMER, SILENT])
def test_an_invoice_leaves_for_the_billing_contact_and_for_no_address_that_it_bears(scene: Scene, buyer: Buyer) -> None:
    """Complaint D41: a mass sending wrote to the company's general address instead of the billing contact."""
    whole = invoice("F-1", buyer)["buyer"] | {
        "contact": {"point": "Accueil", "email": "accueil@general.example"},
        "electronic_address": {"value": "accueil@general.example", "scheme": "EM"},
    }
    batch = scene.send(borne(whole))
    (line,) = scene.lines(batch)
    assert line.outcome == (LineOutcome.READY if buyer.email else LineOutcome.NEEDS_SOMEONE)
    assert [each.rcpt_to for each in scene.smtp.received] == ([buyer.email] if buyer.email else [])


def test_a_new_sending_and_a_new_address_leave_the_first_one_s_story_on_the_page(scene: Scene, alice: User) -> None:
    """Complaint E54: « opened » went back to « not sent » with each change; a history forgets nothing."""
    client = Client()
    client.force_login(alice)
    with ledger_of(scene) as book:
        scene.send(file("F-1"))
        first = scene.delivery("F-1")
        book.told(first.key, "5.1.1", Grade.RETURNED, reason="Boîte inconnue à cette adresse.")
        scene.poll()
        story = scene.story("F-1")
        with acting_for(scene.organisation.id):
            Customer.objects.filter(reference=FARMER.reference).update(
                channel="email", billing_email="neuve@ferme.example"
            )
        resend(scene.organisation, first.pk, actor="user:alice")
        scene.deliver()
        page = client.get(reverse("document", args=[scene.organisation.slug, first.document_id])).content.decode()
    with acting_for(scene.organisation.id):
        first.refresh_from_db()
        kept = list(first.events.filter(axis="ours").order_by("id").values_list("code", flat=True))
    assert first.stage == Stage.RETURNED
    assert kept == story
    for words in ("Boîte inconnue à cette adresse.", "neuve@ferme.example"):
        assert words in page
