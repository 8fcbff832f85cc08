"""What the other side writes is kept whatever it holds: words that a database cannot hold must not stop the news."""

import pytest
from django.utils import timezone

from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.contract import Grade, RemoteEvent
from faitfoi.intake.bounces import verp_address
from faitfoi.pipeline.following import record, returned_mail
from faitfoi.pipeline.parcels import build_parcel, return_secret
from faitfoi.records.models import Event
from faitfoi.records.stages import Stage
from tests.pipeline.cast import ACTOR, RETURNS, TOWN, Scene, file

pytestmark = pytest.mark.django_db


def test_news_in_words_that_no_table_can_hold_still_moves_the_delivery(scene: Scene) -> None:
    scene.send(file("F-1", TOWN))
    delivery = scene.delivery("F-1")
    said = RemoteEvent(
        identity="statut:\x001",
        code="REJETEE\x00",
        grade=Grade.REJECTED,
        at=timezone.now(),
        reason="Motif\x00 illisible \ud800.",
        who="Commune\x00",
    )
    assert record(delivery, [said], actor=ACTOR) == 1
    assert record(delivery, [said], actor=ACTOR) == 0
    with acting_for(scene.organisation.id):
        kept = Event.objects.get(code__startswith="REJETEE")

    assert scene.stage("F-1") is Stage.REJECTED
    assert "illisible" in kept.reason


def test_a_bounce_whose_reporter_no_table_can_hold_still_comes_home(scene: Scene) -> None:
    scene.send(file("F-1"))
    address = verp_address(scene.delivery("F-1").message_ref, domain=RETURNS, secret=return_secret())
    report = (
        b"From: MAILER-DAEMON@relais.example\r\n"
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        b"Reporting-MTA: dns; re\x00lais.example\r\n\r\n"
        b"Final-Recipient: rfc822; factures@grands-champs.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n"
    )
    assert returned_mail(report, (address,), actor=ACTOR) == 1
    assert scene.stage("F-1") is Stage.RETURNED


def test_a_parcel_shown_in_a_log_tells_no_password(scene: Scene) -> None:
    scene.prepare(scene.hand_over(file("F-1", TOWN)))
    with acting_for(scene.organisation.id):
        delivery = scene.delivery("F-1")
        parcel = build_parcel(delivery, {"technical_password": "motsecret"})
    assert parcel.settings["technical_password"] == "motsecret"
    assert "motsecret" not in repr(parcel)
