"""What the other side says later: kept once and verbatim, applied where the order of stages allows."""

import itertools
import random
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError

from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.contract import Grade, RemoteEvent
from faitfoi.intake.returns import ReturnListener
from faitfoi.pipeline import following, questions
from faitfoi.pipeline.archive import fetch
from faitfoi.pipeline.deliver import settle_receipt
from faitfoi.pipeline.following import record, returned_mail
from faitfoi.pipeline.open_channels import Channels
from faitfoi.pipeline.returning import is_ours
from faitfoi.records.models import Event, JournalEntry
from faitfoi.records.stages import Purpose, Stage
from faitfoi.simulators.control import FaultKind
from tests.pipeline.cast import ACTOR, TOWN, VINEYARD, Scene, fault, file
from tests.pipeline.test_claims import at_once, let_the_lease_run_out, make_claim

pytestmark = pytest.mark.django_db(transaction=True)

DAY = datetime(2026, 11, 21, tzinfo=UTC)


def bounce(scene: Scene, number: str) -> tuple[bytes, tuple[str, ...]]:
    """Return the report that the relay has written about a mail, and the address it goes to."""
    ours = scene.delivery(number).message_ref
    for notice in scene.smtp.outbox._waiting:
        if ours in notice.message_id:
            return notice.raw, (notice.to,)
    raise AssertionError("the relay has nothing to say about it")


def theirs(scene: Scene, number: str, purpose: Purpose = Purpose.LEGAL) -> list[tuple[str, str]]:
    with acting_for(scene.organisation.id):
        told = Event.objects.filter(delivery_id=scene.delivery(number, purpose).id, axis=Event.Axis.THEIRS)
        return list(told.order_by("id").values_list("code", "grade"))


def test_a_bounce_finds_its_delivery_and_says_why(scene: Scene, listening: ReturnListener) -> None:
    batch = scene.send(file("F-1", VINEYARD), file("F-2"))
    assert scene.counts(batch).accepted == 2
    scene.smtp.control.obey("POST /control/advance", {"seconds": 60})

    assert scene.stage("F-1") is Stage.RETURNED
    counts = scene.counts(batch)
    assert (counts.returned, counts.accepted + counts.delivered) == (1, 1)
    with acting_for(scene.organisation.id):
        event = Event.objects.get(delivery_id=scene.delivery("F-1").id, code="5.1.1")
    assert event.raw_sha256
    assert b"5.1.1" in fetch(scene.organisation.id, event.raw_sha256)


def test_a_bounce_faster_than_our_own_commit_is_not_lost(scene: Scene) -> None:
    scene.prepare(scene.hand_over(file("F-1", VINEYARD)))
    claim = make_claim(scene, "F-1")
    with Channels(scene.organisation.id) as channels:
        with acting_for(scene.organisation.id):
            channel = channels.open(scene.delivery("F-1"))
        assert not isinstance(claim.cargo, Exception)
        receipt = channel.send(claim.cargo)
        assert returned_mail(*bounce(scene, "F-1"), actor=ACTOR) == 1
        assert scene.stage("F-1") is Stage.SENDING
        settle_receipt(scene.organisation.id, claim, receipt, polls=channel.polls)
    assert scene.story("F-1") == ["sending", "accepted", "returned"]


def test_a_bounce_faster_than_a_lost_answer_settles_it(scene: Scene) -> None:
    """The relay took it, its answer was lost, and its report came while we still waited for that answer."""
    scene.prepare(scene.hand_over(file("F-1", VINEYARD)))
    claim = make_claim(scene, "F-1")
    scene.smtp.faults.add(fault(FaultKind.LOSE_ANSWER))
    with Channels(scene.organisation.id) as channels:
        with acting_for(scene.organisation.id):
            channel = channels.open(scene.delivery("F-1"))
        assert not isinstance(claim.cargo, Exception)
        with pytest.raises(Exception, match="réponse"):
            channel.send(claim.cargo)
    assert returned_mail(*bounce(scene, "F-1"), actor=ACTOR) == 1
    assert scene.stage("F-1") is Stage.SENDING

    let_the_lease_run_out(scene)
    questions.sweep(scene.organisation.id)
    assert scene.stage("F-1") is Stage.RETURNED
    scene.ask()
    assert scene.stage("F-1") is Stage.RETURNED


def test_a_bounce_settles_what_nobody_could_tell(scene: Scene) -> None:
    scene.smtp.faults.add(fault(FaultKind.LOSE_ANSWER, times=2))
    batch = scene.send(file("F-1", VINEYARD), file("F-2", VINEYARD))
    assert returned_mail(*bounce(scene, "F-2"), actor=ACTOR) == 1
    assert scene.stage("F-2") is Stage.RETURNED  # from "to find" straight away
    scene.ask()
    assert scene.stage("F-1") is Stage.UNKNOWN
    assert returned_mail(*bounce(scene, "F-1"), actor=ACTOR) == 1
    assert scene.counts(batch).returned == 2


def test_the_same_bounce_twice_is_one_piece_of_news(scene: Scene) -> None:
    scene.send(file("F-1", VINEYARD))
    raw, recipients = bounce(scene, "F-1")
    assert returned_mail(raw, recipients, actor=ACTOR) == 1
    assert returned_mail(raw, recipients, actor=ACTOR) == 0
    assert [code for code, _ in theirs(scene, "F-1")] == ["receipt", "5.1.1"]


def test_the_same_news_from_two_workers_at_once_is_one_piece_of_news(scene: Scene) -> None:
    scene.send(file("F-1", VINEYARD), file("F-2", TOWN))
    raw, recipients = bounce(scene, "F-1")
    scene.advance(days=1)
    heard: list[int] = []
    at_once(
        *[lambda: heard.append(returned_mail(raw, recipients, actor=ACTOR)) for _ in range(3)],
        *[scene.poll] * 3,
    )
    assert sorted(heard) == [0, 0, 1]
    assert [code for code, _ in theirs(scene, "F-1")] == ["receipt", "5.1.1"]
    codes = [code for code, _ in theirs(scene, "F-2")]
    assert len(codes) == len(set(codes)) > 3
    assert scene.stage("F-2") is Stage.DELIVERED


def test_a_forged_return_address_changes_nothing(scene: Scene) -> None:
    scene.send(file("F-1", VINEYARD))
    raw, (genuine,) = bounce(scene, "F-1")
    ref = scene.delivery("F-1").message_ref
    raw = re.sub(rf"{ref}-[a-z2-7]{{8}}".encode(), f"{ref}-aaaaaaaa".encode(), raw)  # what they quote of ours, too
    for forged in (f"bounce+{ref}-aaaaaaaa@retours.example", f"bounce+{ref}@retours.example", "alice@cuma.example"):
        assert returned_mail(raw, (forged,), actor=ACTOR) == 0
        assert not is_ours(forged)
    assert is_ours(genuine)
    assert scene.stage("F-1") is Stage.ACCEPTED


def test_mail_that_is_no_report_changes_nothing(scene: Scene) -> None:
    scene.send(file("F-1", VINEYARD))
    _, recipients = bounce(scene, "F-1")
    assert returned_mail(b"From: x@y.example\r\nSubject: merci\r\n\r\nBonjour\r\n", recipients, actor=ACTOR) == 0
    assert returned_mail(b"\xff\x00 not even mail", recipients, actor=ACTOR) == 0
    assert scene.stage("F-1") is Stage.ACCEPTED


def test_chorus_is_followed_to_the_payment_and_then_left_alone(scene: Scene) -> None:
    """Complaint A1."""
    batch = scene.send(file("F-2", TOWN))
    seen = []
    for days in (0, 0.002, 1, 5, 10, 30):
        scene.advance(days=days)
        scene.poll()
        seen.append(scene.stage("F-2"))

    assert seen[0] is Stage.SENT
    assert seen[-1] is Stage.DELIVERED
    codes = [code for code, _ in theirs(scene, "F-2")]
    assert "MISE_EN_PAIEMENT" in codes
    assert len(codes) == len(set(codes))
    assert scene.delivery("F-2").next_poll_at is None
    assert scene.counts(batch).delivered == 1


def test_a_rejected_deposit_is_rejected_here_too(scene: Scene) -> None:
    batch = scene.hand_over(file("F-2", TOWN))
    scene.prepare(batch)
    scene.chorus.state.load_structures({"structures": []})  # by now nobody is there by that SIRET
    scene.deliver()
    assert scene.stage("F-2") is Stage.SENT
    scene.advance(minutes=5)
    scene.poll()

    assert scene.stage("F-2") is Stage.REJECTED
    assert scene.delivery("F-2").next_poll_at is None
    assert scene.counts(batch).rejected == 1


def test_a_poll_that_fails_skips_nothing(scene: Scene) -> None:
    scene.send(file("F-2", TOWN))
    scene.advance(minutes=10)
    scene.chorus.faults.add(fault(FaultKind.DOWN, on="*"))
    scene.poll()
    assert scene.stage("F-2") is Stage.SENT
    scene.poll()
    assert scene.stage("F-2") is Stage.DELIVERED


def test_what_was_found_again_is_followed(scene: Scene) -> None:
    scene.chorus.faults.add(fault(FaultKind.LOSE_ANSWER))
    scene.send(file("F-2", TOWN))
    scene.advance(days=1)
    scene.ask()
    scene.poll()
    assert scene.stage("F-2") is Stage.DELIVERED


def test_polls_that_are_due_are_made_so_once(scene: Scene) -> None:
    scene.send(file("F-2", TOWN))
    assert following.due_polls(scene.organisation.id) == 0  # its hour has not come
    assert following.due_polls(scene.organisation.id, everything=True) == 1
    assert following.due_polls(scene.organisation.id) == 0


STORIES = (
    ([Grade.ACCEPTED, Grade.DELIVERED, Grade.PAID], Stage.DELIVERED),
    ([Grade.ACCEPTED, Grade.REJECTED], Stage.REJECTED),
    ([Grade.DELAYED, Grade.RETURNED], Stage.RETURNED),
    ([Grade.ACCEPTED, Grade.ACTION_NEEDED, Grade.UNKNOWN_CODE], Stage.ACCEPTED),
    ([Grade.ACCEPTED, Grade.DELIVERED, Grade.REJECTED], Stage.REJECTED),
)


@pytest.mark.parametrize(("grades", "end"), STORIES)
def test_news_in_any_order_and_any_number_of_times_end_in_the_same_place(
    scene: Scene, grades: list[Grade], end: Stage
) -> None:
    orders = list(itertools.permutations(range(len(grades))))
    files = [file(f"F-{n}", TOWN) for n in range(len(orders))]
    scene.send(*files)
    dice = random.Random(2026)
    for n, order in enumerate(orders):
        delivery = scene.delivery(f"F-{n}")
        told = [
            RemoteEvent(identity=f"news:{i}", code=str(grades[i]), grade=grades[i], at=DAY + timedelta(hours=i))
            for i in [*order, dice.choice(order)]
        ]
        fresh = [record(delivery, [event], actor=ACTOR) for event in told]
        assert sum(fresh) == len(grades)
        assert scene.stage(f"F-{n}") is end, order


def test_every_piece_of_news_is_in_the_journal(scene: Scene) -> None:
    scene.send(file("F-2", TOWN))
    scene.advance(days=1)
    scene.poll()
    with acting_for(scene.organisation.id):
        kept = Event.objects.filter(axis=Event.Axis.THEIRS).count()
        assert JournalEntry.objects.filter(kind="remote_event").count() == kept > 3
        moves = Event.objects.filter(axis=Event.Axis.OURS).count()
        assert JournalEntry.objects.filter(kind="stage_moved").count() == moves


def test_an_event_only_grows(scene: Scene) -> None:
    scene.send(file("F-1"))
    with pytest.raises(DatabaseError), acting_for(scene.organisation.id):
        Event.objects.update(reason="réécrit")
    with pytest.raises(DatabaseError), acting_for(scene.organisation.id):
        Event.objects.all().delete()
