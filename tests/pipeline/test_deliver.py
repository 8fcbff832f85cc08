"""Each failure of the other side leads where the design says: asked, retried within bounds, or before a person."""

from datetime import timedelta

import pytest
from django.utils import timezone

from faitfoi.accounts.models import ChannelKey
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline import deliver as delivering
from faitfoi.pipeline.retry import put_back
from faitfoi.pipeline.tries import MOST_ATTEMPTS, MOST_QUESTIONS
from faitfoi.records.models import Attempt
from faitfoi.records.stages import Stage
from faitfoi.simulators.control import FaultKind
from tests.pipeline.cast import ACTOR, TOWN, Scene, fault, file, keep
from tests.waiting import PATIENCE

pytestmark = pytest.mark.django_db

BY_MAIL, BY_CHORUS = "F-1", "F-2"
MAILED, DEPOSITED = file(BY_MAIL), file(BY_CHORUS, TOWN)


def attempts(scene: Scene, number: str) -> list[str]:
    with acting_for(scene.organisation.id):
        made = Attempt.objects.filter(delivery__document__number=number).order_by("number")
        return list(made.values_list("outcome", flat=True))


def test_an_invoice_goes_out_by_mail_and_by_chorus(scene: Scene) -> None:
    batch = scene.send(MAILED, DEPOSITED)

    assert scene.story(BY_MAIL) == ["sending", "accepted"]
    assert scene.story(BY_CHORUS) == ["sending", "sent"]
    assert len(scene.mails()) == 1
    assert scene.deposits() == [("00000001800018", BY_CHORUS)]
    counts = scene.counts(batch)
    assert (counts.received, counts.sent, counts.accepted, counts.pending) == (2, 2, 1, 1)


def test_what_is_down_is_tried_again_and_leaves_once(scene: Scene) -> None:
    """Complaint D48."""
    scene.smtp.faults.add(fault(FaultKind.DOWN))
    scene.chorus.faults.add(fault(FaultKind.DOWN))
    batch = scene.send(MAILED, DEPOSITED)

    assert {scene.stage(BY_MAIL), scene.stage(BY_CHORUS)} == {Stage.ROUTED}
    assert scene.counts(batch).held == 2
    assert scene.mails() == []
    assert scene.deposits() == []

    scene.deliver()
    assert scene.story(BY_MAIL) == ["sending", "routed", "sending", "accepted"]
    assert scene.story(BY_CHORUS) == ["sending", "routed", "sending", "sent"]
    assert attempts(scene, BY_MAIL) == ["not_sent", "receipt"]
    assert len(scene.mails()) == len(scene.deposits()) == 1


def test_each_failure_waits_longer_and_nothing_leaves_before_its_hour(scene: Scene) -> None:
    scene.smtp.faults.add(fault(FaultKind.DOWN, times=None))
    scene.send(MAILED)
    first = scene.delivery(BY_MAIL)
    assert first.next_attempt_at is not None
    assert first.next_attempt_at > timezone.now() + timedelta(seconds=20)

    delivering.deliver(scene.organisation.id, [first.id])  # a job that comes too early
    assert scene.delivery(BY_MAIL).attempts_made == 1

    scene.deliver()
    second = scene.delivery(BY_MAIL)
    assert second.next_attempt_at is not None
    assert second.next_attempt_at > first.next_attempt_at + timedelta(seconds=20)


def test_the_attempts_are_bounded_and_then_a_person_puts_it_back(scene: Scene) -> None:
    scene.smtp.faults.add(fault(FaultKind.DOWN, times=None))
    batch = scene.send(MAILED)
    for _ in range(MOST_ATTEMPTS + 2):
        scene.deliver()

    assert scene.stage(BY_MAIL) is Stage.HELD
    assert attempts(scene, BY_MAIL) == ["not_sent"] * MOST_ATTEMPTS
    assert scene.counts(batch).held == 1

    scene.smtp.faults.clear()
    with acting_for(scene.organisation.id):
        assert put_back(scene.delivery(BY_MAIL).id, actor=ACTOR)
        assert not put_back(scene.delivery(BY_MAIL).id, actor=ACTOR)  # a second click
    scene.deliver()
    assert scene.stage(BY_MAIL) is Stage.ACCEPTED
    assert len(scene.mails()) == 1


def test_a_delivery_put_back_is_tried_as_often_as_a_new_one(scene: Scene) -> None:
    scene.smtp.faults.add(fault(FaultKind.DOWN, times=None))
    scene.send(MAILED)
    for _ in range(MOST_ATTEMPTS):
        scene.deliver()
    with acting_for(scene.organisation.id):
        assert put_back(scene.delivery(BY_MAIL).id, actor=ACTOR)

    scene.deliver()
    assert scene.stage(BY_MAIL) is Stage.ROUTED  # not held again by the first hiccup
    for _ in range(MOST_ATTEMPTS):
        scene.deliver()
    assert scene.stage(BY_MAIL) is Stage.HELD
    assert attempts(scene, BY_MAIL) == ["not_sent"] * (2 * MOST_ATTEMPTS)


def test_a_refused_invoice_waits_for_a_correction_and_is_not_retried(scene: Scene) -> None:
    """Complaint D48."""
    scene.smtp.faults.add(fault(FaultKind.REFUSE))
    scene.chorus.faults.add(fault(FaultKind.REFUSE, code="20003"))
    batch = scene.send(MAILED, DEPOSITED)
    scene.deliver()

    assert scene.stage(BY_MAIL) is Stage.TO_FIX
    assert scene.stage(BY_CHORUS) is Stage.TO_FIX
    assert scene.counts(batch).failed == 2
    assert attempts(scene, BY_MAIL) == attempts(scene, BY_CHORUS) == ["refused"]
    assert scene.mails() == []
    assert scene.deposits() == []

    with acting_for(scene.organisation.id):
        for number in (BY_MAIL, BY_CHORUS):
            assert put_back(scene.delivery(number).id, actor=ACTOR)
    scene.deliver()
    assert len(scene.mails()) == len(scene.deposits()) == 1
    assert scene.counts(batch).sent == 2


@pytest.mark.parametrize("kind", [FaultKind.LOSE_ANSWER, FaultKind.GARBAGE])
def test_a_lost_answer_is_found_not_resent(scene: Scene, kind: FaultKind) -> None:
    """Complaint D40."""
    scene.chorus.faults.add(fault(kind))
    batch = scene.send(DEPOSITED)
    assert scene.stage(BY_CHORUS) is Stage.TO_FIND
    assert scene.counts(batch).unknown == 1

    scene.ask()  # not integrated yet: absence proves nothing
    assert scene.stage(BY_CHORUS) is Stage.TO_FIND
    scene.advance(minutes=10)
    scene.ask()

    assert scene.story(BY_CHORUS)[:3] == ["sending", "to_find", "sent"]
    assert scene.delivery(BY_CHORUS).references["numeroFluxDepot"]
    assert len(scene.deposits()) == 1
    scene.deliver()
    assert len(scene.deposits()) == 1


@pytest.mark.parametrize("siret", ["", "00000001800026"])
def test_an_invoice_of_another_establishment_is_found_and_followed(scene: Scene, siret: str) -> None:
    """The invoice names its seller's establishment; the organisation's record may have none, or another."""
    scene.organisation.siret = siret
    with acting_for(scene.organisation.id):
        scene.organisation.save(update_fields=["siret"])
    scene.chorus.faults.add(fault(FaultKind.LOSE_ANSWER))
    scene.send(DEPOSITED)
    scene.advance(days=2)
    scene.ask()
    assert scene.stage(BY_CHORUS) is Stage.SENT
    scene.poll()
    assert scene.stage(BY_CHORUS) is Stage.DELIVERED


def test_a_duplicate_means_that_they_have_it(scene: Scene) -> None:
    scene.chorus.faults.add(fault(FaultKind.DUPLICATE))
    scene.smtp.faults.add(fault(FaultKind.DUPLICATE))
    scene.send(MAILED, DEPOSITED)

    assert scene.stage(BY_MAIL) is Stage.ACCEPTED
    assert scene.stage(BY_CHORUS) is Stage.TO_FIND
    scene.advance(minutes=10)
    scene.ask()
    assert scene.stage(BY_CHORUS) is Stage.SENT
    assert len(scene.deposits()) == 1


@pytest.mark.parametrize("kind", [FaultKind.LOSE_ANSWER, FaultKind.GARBAGE])
def test_a_mail_whose_answer_was_lost_goes_before_a_person(scene: Scene, kind: FaultKind) -> None:
    scene.smtp.faults.add(fault(kind, times=None))
    batch = scene.send(MAILED)
    assert scene.stage(BY_MAIL) is Stage.TO_FIND
    scene.ask()
    scene.deliver()

    assert scene.stage(BY_MAIL) is Stage.UNKNOWN
    assert scene.counts(batch).unknown == 1
    assert len(scene.mails()) == 1  # it had arrived: nobody could know, so nothing left again
    with acting_for(scene.organisation.id):
        assert not put_back(scene.delivery(BY_MAIL).id, actor=ACTOR)


def test_silence_after_the_deadline_is_a_question_not_a_failure(scene: Scene) -> None:
    scene.change(ChannelKey.EMAIL, deadline_seconds="2")
    scene.change(ChannelKey.CHORUS_PRO, timeout="2")
    scene.smtp.faults.add(fault(FaultKind.SLOW, seconds=PATIENCE))
    scene.chorus.faults.add(fault(FaultKind.SLOW, seconds=PATIENCE))
    scene.send(MAILED, DEPOSITED)

    assert scene.stage(BY_MAIL) is Stage.TO_FIND
    assert scene.stage(BY_CHORUS) is Stage.TO_FIND
    scene.deliver()
    assert len(scene.deposits()) == 1


def test_a_slow_answer_within_the_deadline_is_an_answer(scene: Scene) -> None:
    scene.smtp.faults.add(fault(FaultKind.SLOW, seconds=0.3))
    scene.chorus.faults.add(fault(FaultKind.SLOW, seconds=0.3))
    scene.send(MAILED, DEPOSITED)
    assert scene.stage(BY_MAIL) is Stage.ACCEPTED
    assert scene.stage(BY_CHORUS) is Stage.SENT


def test_a_question_that_finds_nothing_is_asked_a_bounded_number_of_times(scene: Scene) -> None:
    """Their absence never frees a deposit: after the last question a person looks at the portal."""
    scene.chorus.faults.add(fault(FaultKind.LOSE_ANSWER))
    scene.send(DEPOSITED)
    scene.chorus._control.obey("POST /control/reset", {})  # as if the flow had been rejected: it never shows
    for _ in range(MOST_QUESTIONS):
        assert scene.stage(BY_CHORUS) is Stage.TO_FIND
        scene.ask()

    assert scene.stage(BY_CHORUS) is Stage.UNKNOWN
    scene.deliver()
    assert scene.deposits() == []


def test_one_unreadable_artefact_does_not_hold_its_neighbours(scene: Scene) -> None:
    batch = scene.hand_over(file("F-7"), file("F-8"), file("F-9"))
    scene.prepare(batch)
    scene.alter(scene.artefact("F-7", "legal").sha256)
    scene.deliver()

    assert scene.stage("F-7") is Stage.ROUTED  # it may be restored from the second copy
    assert {scene.stage("F-8"), scene.stage("F-9")} == {Stage.ACCEPTED}
    assert len(scene.mails()) == 2
    counts = scene.counts(batch)
    assert (counts.sent, counts.held) == (2, 1)


def test_a_channel_whose_settings_do_not_fit_holds_its_deliveries_and_says_why(scene: Scene) -> None:
    """Complaint G62."""
    batch = scene.hand_over(MAILED, DEPOSITED)
    scene.prepare(batch)
    scene.change(ChannelKey.EMAIL, tls="perhaps")
    for _ in range(MOST_ATTEMPTS):
        scene.deliver()

    assert scene.stage(BY_MAIL) is Stage.HELD
    assert scene.stage(BY_CHORUS) is Stage.SENT
    with acting_for(scene.organisation.id):
        reason = scene.delivery(BY_MAIL).events.order_by("id").values_list("reason", flat=True).last()
    assert reason is not None
    assert "tls" in reason

    scene.change(ChannelKey.EMAIL, tls="none")
    with acting_for(scene.organisation.id):
        assert put_back(scene.delivery(BY_MAIL).id, actor=ACTOR)
    scene.deliver()
    assert scene.counts(batch).sent == 2


def test_a_question_about_unreadable_settings_does_not_hold_the_other_questions(scene: Scene) -> None:
    scene.smtp.faults.add(fault(FaultKind.LOSE_ANSWER))
    scene.chorus.faults.add(fault(FaultKind.LOSE_ANSWER))
    scene.send(MAILED, DEPOSITED)
    scene.advance(minutes=10)
    scene.change(ChannelKey.EMAIL, tls="perhaps")
    scene.ask()

    assert scene.stage(BY_CHORUS) is Stage.SENT
    assert scene.stage(BY_MAIL) is Stage.TO_FIND  # nobody was asked: the question stays


def test_what_is_delivered_is_the_artefact_that_was_sealed(scene: Scene) -> None:
    """Complaint D49."""
    scene.send(MAILED, DEPOSITED)

    joined = {attachment.sha256 for mail in scene.smtp.received for attachment in mail.attachments}
    assert joined == {scene.artefact(BY_MAIL, "legal").sha256} == {scene.delivery(BY_MAIL).artefact.sha256}
    told: dict[str, list[dict[str, str]]] = scene.chorus.state.records({})  # type: ignore[assignment]
    assert [deposit["sha256"] for deposit in told["deposits"]] == [scene.artefact(BY_CHORUS, "chorus").sha256]


def test_the_terms_of_sale_go_with_the_invoice_by_themselves(scene: Scene) -> None:
    terms = b"%PDF-1.7 conditions de vente"
    scene.organisation.terms_sha256 = keep(scene.organisation, terms).sha256
    with acting_for(scene.organisation.id):
        scene.organisation.save()
    scene.send(MAILED)

    (mail,) = scene.smtp.received
    assert [one.sha256 for one in mail.attachments] == [
        scene.artefact(BY_MAIL, "legal").sha256,
        scene.organisation.terms_sha256,
    ]


def test_the_key_and_the_message_id_stay_the_same_for_every_attempt(scene: Scene) -> None:
    scene.smtp.faults.add(fault(FaultKind.DOWN, on="rcpt"))
    scene.send(MAILED)
    before = scene.delivery(BY_MAIL)
    scene.deliver()
    after = scene.delivery(BY_MAIL)

    assert (before.key, before.message_ref) == (after.key, after.message_ref)
    assert before.key == f"{scene.organisation.id}:{before.document_id}:legal:email:1"
    (message_id,) = scene.mails()
    assert message_id.strip("<>").partition("@")[0] == after.message_ref
