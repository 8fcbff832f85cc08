"""A notice leaves once the invoice is accepted on a platform, carries nothing, and is never taken for the invoice."""

import pytest

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.contract import Grade, RemoteEvent
from faitfoi.channels.smtp_mail_message import Sender, compose
from faitfoi.pipeline.following import record
from faitfoi.pipeline.mail_texts import preview, save_text
from faitfoi.pipeline.notices import want_notices
from faitfoi.pipeline.resending import CannotResend, Settlement, resend, settle
from faitfoi.pipeline.setting_up import change_customer
from faitfoi.pipeline.statements import attest_document
from faitfoi.pipeline.tasks_deliveries import exits_of
from faitfoi.records.models import Customer, Delivery, JournalEntry
from faitfoi.records.models_archive import AttestationKind
from faitfoi.records.stages import NoticeWish, Purpose, Stage
from faitfoi.simulators.control import FaultKind
from tests.channels.mail_rig import NOW, files_of, parcel, read
from tests.pipeline.cast import ACTOR, FARMER, TOWN, Scene, fault, file

pytestmark = pytest.mark.django_db(transaction=True)


def asked(scene: Scene, *, wish: NoticeWish = NoticeWish.USUAL, organisation: bool = True) -> None:
    with acting_for(scene.organisation.id):
        if organisation:
            want_notices(scene.organisation, ChannelKey.EMAIL, actor=ACTOR)
        if wish:
            customer = Customer.objects.get(reference=TOWN.reference)
            change_customer(customer.id, {"notice": wish}, actor=ACTOR)


def notices(scene: Scene) -> list[Delivery]:
    with acting_for(scene.organisation.id):
        return list(Delivery.objects.filter(purpose=Purpose.NOTICE).order_by("id"))


def accept(scene: Scene) -> None:
    """Have Chorus Pro integrate the deposits, and read that."""
    scene.advance(hours=1)
    scene.poll()


def test_a_notice_leaves_once_the_invoice_is_accepted_and_not_before(scene: Scene) -> None:
    asked(scene)
    batch = scene.send(file("F-1", TOWN))
    assert scene.stage("F-1") is Stage.SENT
    assert notices(scene) == []
    before = scene.counts(batch)
    accept(scene)
    assert scene.stage("F-1") in {Stage.ACCEPTED, Stage.DELIVERED}
    (notice,) = notices(scene)
    assert (notice.channel, notice.address, notice.stage) == ("email", TOWN.email, Stage.ROUTED)
    assert "Avis sans la facture" in notice.reason
    counted = scene.counts(batch)
    assert (counted.received, counted.sent, counted.held) == (before.received, 1, 0)  # an open notice holds nothing
    scene.deliver()
    assert notices(scene)[0].stage == Stage.ACCEPTED
    assert scene.counts(batch) == counted
    accept(scene)
    assert len(notices(scene)) == 1


def test_a_notice_says_where_the_invoice_lies_and_carries_no_file(scene: Scene) -> None:
    asked(scene)
    scene.send(file("F-1", TOWN))
    accept(scene)
    scene.deliver()
    (raw,) = scene.smtp.raw
    message = read(raw)
    assert message["Subject"] == "Facture F-1 déposée sur Chorus Pro – CUMA des Trois Vallées"
    assert files_of(message) == []
    assert {part.get_content_type() for part in message.walk() if not part.is_multipart()} == {
        "text/plain",
        "text/html",
    }
    body = message.get_body(("plain",))
    assert body is not None
    assert "est déposée sur Chorus Pro" in body.get_content()
    assert "ci-joint" not in body.get_content()
    assert "Déposé sur : Chorus Pro" in body.get_content()
    assert b"%PDF" not in raw
    assert b"CrossIndustryInvoice" not in raw


@pytest.mark.parametrize(
    ("organisation", "wish", "expected"),
    [
        (False, NoticeWish.USUAL, 0),
        (False, NoticeWish.EMAIL, 1),
        (True, NoticeWish.USUAL, 1),
        (True, NoticeWish.NONE, 0),
    ],
)
def test_the_customers_wish_beats_the_organisations(
    scene: Scene, *, organisation: bool, wish: NoticeWish, expected: int
) -> None:
    asked(scene, wish=wish, organisation=organisation)
    scene.send(file("F-1", TOWN), file("F-2", FARMER))  # F-2 goes by mail itself: never a notice
    accept(scene)
    assert len(notices(scene)) == expected


def test_an_invoice_that_is_rejected_is_never_announced(scene: Scene) -> None:
    asked(scene)
    scene.chorus.faults.add(fault(FaultKind.REFUSE))
    scene.send(file("F-1", TOWN))
    accept(scene)
    assert scene.stage("F-1") in {Stage.TO_FIX, Stage.REJECTED}
    assert notices(scene) == []


def test_a_notice_goes_by_the_same_laws_and_nobody_waits_for_it(scene: Scene) -> None:
    asked(scene)
    batch = scene.send(file("F-1", TOWN))
    accept(scene)
    scene.smtp.faults.add(fault(FaultKind.LOSE_ANSWER))
    scene.deliver()
    assert notices(scene)[0].stage == Stage.TO_FIND
    scene.deliver()
    scene.ask()
    (notice,) = notices(scene)
    assert notice.stage == Stage.UNKNOWN
    assert len(scene.mails()) == 1
    counts = scene.counts(batch)
    assert (counts.unknown, counts.accepted + counts.delivered) == (0, 1)
    with acting_for(scene.organisation.id):
        assert [button.label for button in exits_of(notice)][-2:] == [
            "Renvoyer l’avis à l’adresse de la fiche",
            "Classer",
        ]
    anew = resend(scene.organisation, notice.id, actor=ACTOR)
    assert (anew.purpose, anew.sequence, anew.address) == (Purpose.NOTICE, 2, TOWN.email)
    scene.deliver()
    assert len(scene.mails()) == 2
    with acting_for(scene.organisation.id):
        assert not Delivery.objects.filter(purpose=Purpose.LEGAL, sequence=2).exists()


def test_a_notice_that_came_back_is_settled_by_a_person_and_not_sent_when_it_is_no_longer_wanted(scene: Scene) -> None:
    asked(scene)
    scene.send(file("F-1", TOWN), file("F-2", TOWN))
    accept(scene)
    scene.smtp.faults.add(fault(FaultKind.LOSE_ANSWER, times=2))
    scene.deliver()
    scene.ask()
    one, two = notices(scene)
    with acting_for(scene.organisation.id):
        want_notices(scene.organisation, ChannelKey.NONE, actor=ACTOR)
        assert settle(one.id, Settlement.NOTED, note="", actor=ACTOR)
    with pytest.raises(CannotResend, match="Aucun avis"):
        resend(scene.organisation, two.id, actor=ACTOR)


def test_notices_of_a_run_may_share_a_mail_that_says_so(scene: Scene) -> None:
    asked(scene)
    scene.change(ChannelKey.EMAIL, grouping="customer")
    scene.send(file("F-1", TOWN), file("F-2", TOWN))
    accept(scene)
    scene.deliver()
    (message,) = [read(raw) for raw in scene.smtp.raw]
    assert message["Subject"] == "2 documents de CUMA des Trois Vallées déposés sur Chorus Pro : F-1, F-2"
    assert files_of(message) == []
    assert [notice.stage for notice in notices(scene)] == [Stage.ACCEPTED] * 2


def test_what_was_communicated_names_the_notice_without_a_file(scene: Scene) -> None:
    asked(scene)
    scene.send(file("F-1", TOWN))
    accept(scene)
    scene.deliver()
    issued = attest_document(
        scene.organisation.id, scene.document("F-1").id, AttestationKind.COMMUNICATION, actor=ACTOR
    )
    assert issued is not None


def test_the_words_of_a_notice_are_the_organisations_own(scene: Scene) -> None:
    asked(scene)
    scene.send(file("F-1", TOWN))
    with acting_for(scene.organisation.id):
        save_text("fr", "notice_invoice", subject="Voyez {place} : {number}", body="{facts}", actor=ACTOR)
        words, _ = preview(scene.organisation, scene.document("F-1"), purpose="notice")
    assert words.subject == "Voyez Chorus Pro : F-1"
    accept(scene)
    scene.deliver()
    assert scene.smtp.received[0].subject == "Voyez Chorus Pro : F-1"


def test_choosing_is_journalled_once_and_another_organisation_keeps_its_own(scene: Scene, rival: Organisation) -> None:
    asked(scene)
    with acting_for(scene.organisation.id):
        assert not want_notices(scene.organisation, ChannelKey.EMAIL, actor=ACTOR)
        assert JournalEntry.objects.filter(kind="notices_chosen").count() == 1
    with acting_for(rival.id):
        assert Organisation.objects.get(id=rival.id).notice_channel == ""
        assert not JournalEntry.objects.filter(kind="notices_chosen").exists()


def test_a_notice_with_a_file_cannot_even_be_written() -> None:
    with pytest.raises(ValueError, match="was to carry a file"):
        compose(parcel(purpose="notice", place="chorus_pro"), sender=Sender(address="f@c.example", name="C"), at=NOW)


def test_news_of_a_notice_never_moves_the_invoice(scene: Scene) -> None:
    asked(scene)
    scene.send(file("F-1", TOWN))
    accept(scene)
    scene.deliver()
    there = scene.stage("F-1")
    (notice,) = notices(scene)
    with acting_for(scene.organisation.id):
        notice = Delivery.objects.select_related("document").get(id=notice.id)
    record(notice, [_bounce()], actor=ACTOR)
    assert notices(scene)[0].stage == Stage.RETURNED
    assert scene.stage("F-1") is there


def _bounce() -> RemoteEvent:
    return RemoteEvent(identity="bounce", code="5.1.1", grade=Grade.RETURNED, at=NOW, reason="inconnue", verdict="hard")
