"""Several hands at once: one sending each, whoever claims; what the sweeper took back is asked about, never resent."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, connections
from django.utils import timezone

from faitfoi.accounts.models import ChannelKey
from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.contract import NotSent, Parcel
from faitfoi.pipeline import deliver as delivering
from faitfoi.pipeline import prepare as preparing
from faitfoi.pipeline import questions, writing_down
from faitfoi.pipeline.connections import noted_bad
from faitfoi.pipeline.judging import Refusal
from faitfoi.pipeline.open_channels import Channels
from faitfoi.records.models import Attempt, BatchLine, ChannelHealth, Delivery, Document
from faitfoi.records.stages import LineOutcome, Stage
from faitfoi.records.transitions import ForbiddenMove, move
from faitfoi.simulators.control import FaultKind
from tests.pipeline.cast import ACTOR, FARMER, TOWN, Scene, fault, file, ids_of, priced
from tests.waiting import PATIENCE, wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*acts: Callable[[], object]) -> None:
    """Do everything at the same moment, each in a thread with its own database connection; raise what they raise."""
    start, failures = threading.Barrier(len(acts)), []

    def run(act: Callable[[], object]) -> None:
        try:
            start.wait(timeout=PATIENCE)
            act()
        except BaseException as error:  # noqa: BLE001  # handed to the test's own thread below
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=PATIENCE)
        assert not thread.is_alive()
    if failures:
        raise failures[0]


def make_claim(scene: Scene, number: str) -> delivering.Claim:
    """Claim a delivery as a worker does, and go no further."""
    with Channels(scene.organisation.id) as channels:
        claim = delivering._claim(scene.organisation.id, scene.delivery(number).id, channels)
    assert claim is not None
    return claim


def let_the_lease_run_out(scene: Scene) -> None:
    with acting_for(scene.organisation.id):
        Attempt.objects.update(lease_until=timezone.now() - timedelta(seconds=1))


def test_workers_who_claim_at_once_send_once(scene: Scene) -> None:
    numbers = [f"F-{n}" for n in range(1, 7)]
    batch = scene.hand_over(*(file(number, TOWN if n % 2 else FARMER) for n, number in enumerate(numbers)))
    scene.prepare(batch)
    with acting_for(scene.organisation.id):
        ids = ids_of(Delivery.objects.all())
    everybody = [lambda: delivering.deliver(scene.organisation.id, ids) for _ in range(4)]
    at_once(*everybody)

    assert len(scene.mails()) == len(set(scene.mails())) == 3
    assert len(scene.deposits()) == len(set(scene.deposits())) == 3
    assert scene.counts(batch).sent == 6
    with acting_for(scene.organisation.id):
        assert Attempt.objects.count() == 6


def test_the_claim_is_committed_before_the_wire_is_touched(scene: Scene) -> None:
    """Complaint D45."""
    batch = scene.hand_over(file("F-1"))
    scene.prepare(batch)
    with acting_for(scene.organisation.id):
        noted_bad(ChannelKey.EMAIL, "Le relais ne répond pas.", at=timezone.now())
    held, seen = threading.Event(), list[tuple[str, str]]()

    def send() -> None:
        assert held.wait(PATIENCE)
        scene.deliver()

    def look() -> None:
        with acting_for(scene.organisation.id):
            # Whoever hears an answer says so here, before it is settled: none can be until we have looked.
            ChannelHealth.objects.select_for_update().get(channel=ChannelKey.EMAIL)
            held.set()
            wait_for(lambda: bool(scene.smtp.received), "the mail")
            attempt = Attempt.objects.select_related("delivery").get()
            seen.append((attempt.delivery.stage, attempt.outcome))
            assert attempt.lease_until > attempt.deadline > timezone.now()

    at_once(send, look)
    assert seen == [("sending", "claimed")]
    assert scene.stage("F-1") is Stage.ACCEPTED


def test_a_killed_worker_s_claim_is_taken_back_and_asked_about(scene: Scene) -> None:
    batch = scene.hand_over(file("F-1"), file("F-2", TOWN))
    scene.prepare(batch)
    for number in ("F-1", "F-2"):
        make_claim(scene, number)
    assert questions.sweep(scene.organisation.id) == 0  # their leases run
    assert scene.counts(batch).held == 2

    let_the_lease_run_out(scene)
    assert questions.sweep(scene.organisation.id) == 2
    assert questions.sweep(scene.organisation.id) == 0
    assert scene.counts(batch).unknown == 2
    scene.deliver()
    scene.ask()
    assert scene.stage("F-1") is Stage.UNKNOWN
    assert scene.stage("F-2") is Stage.TO_FIND
    assert scene.mails() == []
    assert scene.deposits() == []


def test_a_receipt_that_comes_after_the_sweeper_settles_it(scene: Scene) -> None:
    batch = scene.hand_over(file("F-1"), file("F-2", TOWN))
    scene.prepare(batch)
    claims = {number: make_claim(scene, number) for number in ("F-1", "F-2")}
    let_the_lease_run_out(scene)
    assert questions.sweep(scene.organisation.id) == 2

    with Channels(scene.organisation.id) as channels:
        for number, claim in claims.items():
            with acting_for(scene.organisation.id):
                channel = channels.open(scene.delivery(number))
            assert not isinstance(claim.cargo, Exception)
            receipt = channel.send(claim.cargo)
            delivering.settle_receipt(scene.organisation.id, claim, receipt, polls=channel.polls)

    assert scene.stage("F-1") is Stage.ACCEPTED
    assert scene.stage("F-2") is Stage.SENT
    assert scene.delivery("F-2").next_poll_at is not None
    scene.ask()
    scene.deliver()
    assert len(scene.mails()) == len(scene.deposits()) == 1
    assert scene.counts(batch).sent == 2


def test_a_receipt_that_comes_after_a_person_was_asked_settles_it(scene: Scene) -> None:
    scene.prepare(scene.hand_over(file("F-1")))
    claim = make_claim(scene, "F-1")
    let_the_lease_run_out(scene)
    questions.sweep(scene.organisation.id)
    scene.ask()
    assert scene.stage("F-1") is Stage.UNKNOWN

    with Channels(scene.organisation.id) as channels:
        with acting_for(scene.organisation.id):
            channel = channels.open(scene.delivery("F-1"))
        assert not isinstance(claim.cargo, Exception)
        delivering.settle_receipt(scene.organisation.id, claim, channel.send(claim.cargo), polls=False)
    assert scene.stage("F-1") is Stage.ACCEPTED


def send_late(scene: Scene, claim: delivering.Claim) -> None:
    """Go on with a claim after a long sleep of the whole worker."""
    late = replace(claim, start_by=timezone.now() - timedelta(seconds=1))
    with Channels(scene.organisation.id) as channels:
        with acting_for(scene.organisation.id):
            channels.open(scene.delivery("F-1"))
        delivering.send_claimed(scene.organisation.id, late, channels)


def test_a_worker_that_slept_after_its_claim_touches_no_wire(scene: Scene) -> None:
    """Its lease covers a sending that begins at once, not one that begins hours later."""
    scene.prepare(scene.hand_over(file("F-1")))
    claim = make_claim(scene, "F-1")
    assert claim.start_by > timezone.now()
    send_late(scene, claim)
    assert scene.mails() == []
    assert scene.stage("F-1") is Stage.ROUTED
    scene.deliver()
    assert len(scene.mails()) == 1


def test_what_certainly_was_not_sent_needs_no_question_even_after_the_sweeper(scene: Scene) -> None:
    scene.prepare(scene.hand_over(file("F-1")))
    claim = make_claim(scene, "F-1")
    let_the_lease_run_out(scene)
    assert questions.sweep(scene.organisation.id) == 1
    send_late(scene, claim)
    assert scene.mails() == []
    assert scene.story("F-1") == ["sending", "to_find", "routed"]
    scene.deliver()
    assert scene.stage("F-1") is Stage.ACCEPTED
    assert len(scene.mails()) == 1


def test_an_old_claim_says_nothing_about_a_newer_attempt(scene: Scene) -> None:
    scene.prepare(scene.hand_over(file("F-1")))
    old = make_claim(scene, "F-1")
    let_the_lease_run_out(scene)
    questions.sweep(scene.organisation.id)
    send_late(scene, old)
    scene.smtp.faults.add(fault(FaultKind.LOSE_ANSWER))
    scene.deliver()
    assert scene.stage("F-1") is Stage.TO_FIND
    send_late(scene, old)
    assert scene.stage("F-1") is Stage.TO_FIND


@pytest.mark.beside_the_journal
def test_a_sweep_beside_a_settling_worker_loses_nothing(scene: Scene) -> None:
    """Whoever closes the attempt first, the receipt's references and the following are kept."""
    for n in range(5):
        number = f"F-{n}"
        scene.prepare(scene.hand_over(file(number, TOWN)))
        claim = make_claim(scene, number)
        with Channels(scene.organisation.id) as channels:
            with acting_for(scene.organisation.id):
                channel = channels.open(scene.delivery(number))
            assert not isinstance(claim.cargo, Exception)
            receipt = channel.send(claim.cargo)
        let_the_lease_run_out(scene)
        at_once(
            lambda claim=claim, receipt=receipt: delivering.settle_receipt(  # type: ignore[misc]
                scene.organisation.id, claim, receipt, polls=True
            ),
            lambda: questions.sweep(scene.organisation.id),
            scene.ask,
        )
        assert scene.stage(number) is Stage.SENT
        assert scene.delivery(number).references["numeroFluxDepot"]
        assert scene.delivery(number).next_poll_at is not None


def test_one_number_with_two_contents_at_once_is_sealed_once(scene: Scene) -> None:
    one, other = scene.hand_over(priced("F-1", "48.00")), scene.hand_over(priced("F-1", "49.00"))
    at_once(lambda: scene.prepare(one), lambda: scene.prepare(other))

    outcomes = sorted(line.outcome for batch in (one, other) for line in scene.lines(batch))
    assert outcomes == ["ready", "refused"]
    with acting_for(scene.organisation.id):
        assert Document.objects.count() == 1
        assert Delivery.objects.count() == 1
    scene.deliver()
    assert len(scene.mails()) == 1


def test_the_same_bytes_in_two_batches_at_once_are_sent_once(scene: Scene) -> None:
    one = scene.hand_over(file("F-1"), file("F-2"))
    other = scene.hand_over(file("F-2"), file("F-1"), file("F-3"))
    at_once(lambda: scene.prepare(one), lambda: scene.prepare(other))
    scene.prepare(one)  # what a deadlock of the two may have left, as the job's second round does
    scene.prepare(other)
    scene.deliver()

    assert len(scene.mails()) == 3
    counts = scene.counts(one) + scene.counts(other)
    assert (counts.ready, counts.skipped, counts.sent) == (5, 2, 3)


def test_a_line_prepared_twice_at_once_is_counted_as_sent_by_its_batch(scene: Scene) -> None:
    """A job that ran on while its worker counted as dead: the twin must not make its own line a duplicate."""
    files = [file(f"F-{n}") for n in range(4)]
    batch = scene.hand_over(*files, b"not an invoice")
    with acting_for(scene.organisation.id):
        lines = list(batch.lines.order_by("position").values_list("id", flat=True))

    def one_by_one() -> None:
        for line in reversed(lines):
            preparing.prepare(scene.organisation.id, [line], actor=ACTOR)

    at_once(
        lambda: preparing.prepare(scene.organisation.id, lines, actor=ACTOR),
        one_by_one,
    )
    scene.deliver()

    assert [line.already_done for line in scene.lines(batch)] == [False] * 5
    counts = scene.counts(batch)
    assert (counts.ready, counts.refused, counts.skipped, counts.sent) == (4, 1, 0, 4)
    assert len(scene.mails()) == 4


def test_a_late_verdict_does_not_undo_what_was_decided(scene: Scene) -> None:
    """A worker that found the file unreadable after another had sealed it leaves the line as it is."""

    batch = scene.hand_over(file("F-1"))
    with acting_for(scene.organisation.id):
        seen_waiting = BatchLine.objects.get(batch=batch)
    scene.prepare(batch)
    with acting_for(scene.organisation.id):
        writing_down.refuse(seen_waiting, Refusal("trop tard"), actor=ACTOR)
    with acting_for(scene.organisation.id):
        writing_down.link_to_done(seen_waiting, scene.document("F-1").id, actor=ACTOR)

    (line,) = scene.lines(batch)
    assert (line.outcome, line.already_done) == (LineOutcome.READY, False)
    assert scene.counts(batch).held == 1


def test_a_forbidden_step_is_a_bug_and_moves_nothing(scene: Scene) -> None:
    scene.send(file("F-1"))
    delivery = scene.delivery("F-1")
    with pytest.raises(ForbiddenMove), acting_for(scene.organisation.id):
        move(delivery.id, source=Stage.ACCEPTED, target=Stage.SENDING, actor=ACTOR)
    with acting_for(scene.organisation.id):
        assert not move(delivery.id, source=Stage.ROUTED, target=Stage.SENDING, actor=ACTOR)  # it is elsewhere
    assert scene.stage("F-1") is Stage.ACCEPTED
    assert scene.story("F-1") == ["sending", "accepted"]


def test_the_database_itself_refuses_a_second_open_attempt(scene: Scene) -> None:
    scene.prepare(scene.hand_over(file("F-1")))
    make_claim(scene, "F-1")
    delivery = scene.delivery("F-1")
    now = timezone.now()
    with pytest.raises(IntegrityError, match="one_open_attempt_each"), acting_for(scene.organisation.id):
        Attempt.objects.create(
            organisation=scene.organisation, delivery=delivery, number=2, worker="x", deadline=now, lease_until=now
        )


def waiting_for_locks() -> int:
    """Return how many of this database's connections wait for somebody's row."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        (count,) = cursor.fetchone()
    return int(count)


def settled_at_once(scene: Scene, first: Callable[[], object], second: Callable[[], object]) -> None:
    """Run both so that the first waits for the channel's health while the second has begun; then let both go on."""
    with acting_for(scene.organisation.id):
        noted_bad(ChannelKey.CHORUS_PRO, "Le portail ne répond pas.", at=timezone.now())
    held, released = threading.Event(), threading.Event()

    def hold() -> None:
        with acting_for(scene.organisation.id):
            ChannelHealth.objects.select_for_update().get(channel=ChannelKey.CHORUS_PRO)
            held.set()
            assert released.wait(PATIENCE)

    def then() -> None:
        wait_for(lambda: waiting_for_locks() == 1, "the first waits")
        second()

    def begin() -> None:
        assert held.wait(PATIENCE)
        first()

    def release() -> None:
        try:
            wait_for(lambda: waiting_for_locks() == 2, "both wait")
        finally:
            released.set()

    at_once(hold, begin, then, release)


def test_what_was_not_sent_and_the_answer_to_its_question_settle_at_once_without_waiting_for_each_other(
    scene: Scene,
) -> None:
    scene.prepare(scene.hand_over(file("F-1", TOWN)))
    claim = make_claim(scene, "F-1")
    let_the_lease_run_out(scene)
    assert questions.sweep(scene.organisation.id) == 1
    error = NotSent("Le portail ne répond pas.")
    settled_at_once(scene, lambda: delivering._settle_not_sent(scene.organisation.id, claim, error), scene.ask)
    assert scene.stage("F-1") is Stage.ROUTED


def test_a_failed_poll_and_a_late_receipt_settle_at_once_without_waiting_for_each_other(scene: Scene) -> None:
    scene.prepare(scene.hand_over(file("F-1", TOWN)))
    claim = make_claim(scene, "F-1")
    with Channels(scene.organisation.id) as channels:
        with acting_for(scene.organisation.id):
            channel = channels.open(scene.delivery("F-1"))
            Delivery.objects.update(next_poll_at=timezone.now())
        assert isinstance(claim.cargo, Parcel)
        receipt = channel.send(claim.cargo)
    scene.chorus.faults.add(fault(FaultKind.DOWN))
    settled_at_once(
        scene,
        scene.poll,
        lambda: delivering.settle_receipt(scene.organisation.id, claim, receipt, polls=True),
    )
    assert scene.stage("F-1") is Stage.SENT
