"""What returned messages teach about an address, and what nobody is to conclude from them."""

from datetime import UTC, datetime, timedelta

import pytest

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.contract import Grade, Refused, RemoteEvent
from faitfoi.intake.bounces import verp_address
from faitfoi.pipeline.addresses import CAUSE, UnknownAddress, declare_good, known_bad, refuse_if_known_bad
from faitfoi.pipeline.following import record, returned_mail
from faitfoi.pipeline.parcels import return_secret
from faitfoi.records.models import Alarm, Event, MailStanding
from faitfoi.records.stages import Stage
from tests.pipeline.cast import ACTOR, FARMER, RETURNS, Scene, file

pytestmark = pytest.mark.django_db(transaction=True)

DAY = datetime(2026, 11, 21, 9, tzinfo=UTC)


def news(verdict: str, *, at: datetime = DAY, grade: Grade = Grade.RETURNED) -> RemoteEvent:
    return RemoteEvent(
        identity=f"{verdict}:{at}", code="5.0.0", grade=grade, at=at, reason="Le serveur a parlé.", verdict=verdict
    )


def standing(scene: Scene) -> str:
    with acting_for(scene.organisation.id):
        known = MailStanding.objects.filter(address=FARMER.email).first()
        return str(known.state) if known else ""


def tell(scene: Scene, number: str, verdict: str, *, days: int = 0) -> None:
    record(scene.delivery(number), [news(verdict, at=DAY + timedelta(days=days))], actor=ACTOR)


def test_nothing_more_is_sent_to_an_address_that_does_not_exist(scene: Scene) -> None:
    scene.send(file("F-1"))
    tell(scene, "F-1", "hard")
    scene.send(file("F-2"))
    assert scene.stage("F-2") is Stage.TO_FIX
    assert len(scene.mails()) == 1
    with acting_for(scene.organisation.id):
        told = Event.objects.filter(delivery_id=scene.delivery("F-2").id, code="to_fix").get()
        assert [each.address for each in known_bad()] == [FARMER.email]
    assert FARMER.email in told.reason
    assert "Corrigez l’adresse" in told.reason


def test_a_full_mailbox_is_given_up_after_three_messages_over_five_days(scene: Scene) -> None:
    scene.send(*[file(f"F-{rank}") for rank in range(1, 5)])
    tell(scene, "F-1", "full")
    tell(scene, "F-2", "full", days=1)
    tell(scene, "F-3", "full", days=4)
    assert standing(scene) == "full"
    tell(scene, "F-4", "full", days=5)
    assert standing(scene) == "hard"


def test_three_messages_back_on_one_day_are_not_a_dead_mailbox(scene: Scene) -> None:
    scene.send(*[file(f"F-{rank}") for rank in range(1, 4)])
    for number in ("F-1", "F-2", "F-3"):
        tell(scene, number, "full")
    assert standing(scene) == "full"


def test_what_arrives_forgives_a_full_mailbox_and_never_a_bad_address(scene: Scene) -> None:
    scene.send(*[file(f"F-{rank}") for rank in range(1, 5)])
    tell(scene, "F-1", "full")
    record(scene.delivery("F-2"), [news("delivered", grade=Grade.DELIVERED)], actor=ACTOR)
    assert standing(scene) == "good"
    tell(scene, "F-3", "hard")
    record(scene.delivery("F-4"), [news("delivered", grade=Grade.DELIVERED)], actor=ACTOR)
    assert standing(scene) == "hard"


def report(scene: Scene, number: str, *people: tuple[str, str]) -> tuple[bytes, tuple[str, ...]]:
    """A delivery report about a mail of ours, and the return address that it comes to."""
    blocks = "".join(f"\nFinal-Recipient: rfc822;{who}\nAction: failed\nStatus: {code}\n" for who, code in people)
    raw = (
        'From: MAILER-DAEMON@loin.example\nContent-Type: multipart/report; boundary="B"\n\n--B\n'
        f"Content-Type: message/delivery-status\n\nReporting-MTA: dns;loin.example\n{blocks}\n--B--\n"
    )
    ref = scene.delivery(number).message_ref
    return raw.encode(), (verp_address(ref, domain=RETURNS, secret=return_secret()),)


def test_a_server_that_was_away_for_days_does_not_bar_the_address(scene: Scene) -> None:
    """It is back one day; what it did not take has come back, and a person decides about that alone."""
    scene.send(file("F-1"))
    returned_mail(*report(scene, "F-1", (FARMER.email, "4.4.7")), actor=ACTOR)
    assert scene.stage("F-1") is Stage.RETURNED
    assert standing(scene) != "hard"
    scene.send(file("F-2"))
    assert scene.stage("F-2") is Stage.ACCEPTED


def test_what_is_said_of_somebody_else_returns_the_mail_and_bars_nobody(scene: Scene) -> None:
    """Behind an address there may be a list: one of its members who has left is not the customer."""
    scene.send(file("F-1"))
    raw, back = report(scene, "F-1", ("un@ailleurs.example", "5.1.1"), ("deux@ailleurs.example", "5.1.1"))
    assert returned_mail(raw, back, actor=ACTOR) == 2  # each recipient's failure is told
    assert scene.stage("F-1") is Stage.RETURNED
    assert standing(scene) == ""


def test_one_full_mailbox_told_of_three_documents_in_one_mail_counts_once(scene: Scene) -> None:
    scene.change(ChannelKey.EMAIL, grouping="customer")
    scene.send(file("F-1"), file("F-2"), file("F-3"))
    leader = next(n for n in ("F-1", "F-2", "F-3") if "carrier" not in scene.delivery(n).references)
    assert returned_mail(*report(scene, leader, (FARMER.email, "5.2.2")), actor=ACTOR) == 3
    with acting_for(scene.organisation.id):
        assert len(MailStanding.objects.get(address=FARMER.email).full_at) == 1


def test_a_policy_refusal_alarms_the_operator_and_never_bars_an_address(scene: Scene) -> None:
    scene.send(file("F-1"))
    tell(scene, "F-1", "policy")
    assert standing(scene) == ""
    alarm = Alarm.objects.get(cause=CAUSE)
    assert "Aucune adresse n’est en cause" in alarm.sentence
    assert FARMER.email.rpartition("@")[2] not in alarm.sentence  # it stands on every organisation's pages
    scene.send(file("F-2"))
    assert scene.stage("F-2") is Stage.ACCEPTED


def test_an_automatic_answer_changes_nothing(scene: Scene) -> None:
    scene.send(file("F-1"))
    envelope = scene.smtp.received[0].mail_from
    raw = b"From: compta@client.example\nSubject: Absence\nAuto-Submitted: auto-replied\n\nDe retour lundi.\n"
    assert returned_mail(raw, (envelope,), actor=ACTOR) == 0
    assert scene.stage("F-1") is Stage.ACCEPTED
    assert standing(scene) == ""


def test_a_complaint_bars_the_address_and_the_invoice_counts_as_received(scene: Scene) -> None:
    scene.send(file("F-1"))
    record(scene.delivery("F-1"), [news("complaint", grade=Grade.DELIVERED)], actor=ACTOR)
    assert scene.stage("F-1") is Stage.DELIVERED
    assert standing(scene) == "hard"


def test_what_a_person_asked_for_since_then_leaves(scene: Scene) -> None:
    scene.send(file("F-1"))
    tell(scene, "F-1", "hard")
    again = scene.delivery("F-1")
    with acting_for(scene.organisation.id):
        with pytest.raises(Refused, match="ne reçoit pas"):
            refuse_if_known_bad(again)
        again.sequence, again.created_at = 2, DAY + timedelta(days=1)
        refuse_if_known_bad(again)
        again.created_at = DAY - timedelta(days=1)  # decided before it was known
        with pytest.raises(Refused, match="ne reçoit pas"):
            refuse_if_known_bad(again)


def test_an_address_declared_good_is_written_to_again(scene: Scene, rival: Organisation) -> None:
    scene.send(file("F-1"))
    tell(scene, "F-1", "hard")
    with acting_for(rival.id):
        assert known_bad() == []
        with pytest.raises(UnknownAddress, match="Rien n’est retenu"):
            declare_good(FARMER.email, actor=ACTOR)
    with acting_for(scene.organisation.id):
        declare_good(FARMER.email.upper(), actor=ACTOR)
    scene.send(file("F-2"))
    assert scene.stage("F-2") is Stage.ACCEPTED
