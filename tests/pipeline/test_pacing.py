"""Mail leaves no faster than asked, from one sender and to one domain, whoever works; the end is known."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from django.db import connection
from django.utils import timezone

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.smtp_mail_pace import FIRST_SLOW, FORGIVEN_AFTER, SLOWEST, slow_between, still_slowed
from faitfoi.pipeline import deliver as delivering
from faitfoi.pipeline.due import queued_deliveries
from faitfoi.pipeline.pacing import due_paced, expected_end, slow_down, slowed_domains
from faitfoi.pipeline.setting_up import CannotSetUp, set_channel
from faitfoi.records.models import Batch, Delivery, MailPace, PaceSlot
from faitfoi.simulators.control import FaultKind
from tests.pipeline.cast import ACTOR, FARMER, VINEYARD, Scene, fault, file
from tests.pipeline.test_claims import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def turns(scene: Scene) -> list[datetime]:
    with acting_for(scene.organisation.id):
        return list(PaceSlot.objects.order_by("at").values_list("at", flat=True))


def ids(scene: Scene) -> list[object]:
    with acting_for(scene.organisation.id):
        return list(Delivery.objects.values_list("id", flat=True))


def test_one_leaves_and_the_others_have_their_turn(scene: Scene) -> None:
    """Complaint D47."""
    scene.change(ChannelKey.EMAIL, pace="2")
    batch = scene.send(*[file(f"F-{rank}") for rank in range(1, 5)])
    assert len(scene.mails()) == 1
    told = turns(scene)
    assert [b - a for a, b in pairwise(told)] == [timedelta(seconds=30)] * 2
    with acting_for(scene.organisation.id):
        assert expected_end(batch) == told[-1]
    scene.deliver()  # whoever looks too early changes nothing
    assert turns(scene) == told
    assert len(scene.mails()) == 1


def test_a_turn_that_has_come_leaves_and_is_given_back(scene: Scene) -> None:
    scene.change(ChannelKey.EMAIL, pace="2")
    scene.send(file("F-1"), file("F-2"))
    with acting_for(scene.organisation.id):
        past = timezone.now() - timedelta(seconds=31)
        PaceSlot.objects.update(at=past)
        MailPace.objects.update(free_at=past)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")  # those of the preparation have been played by hand
    assert due_paced(scene.organisation.id) == 1
    assert len(queued_deliveries(scene.organisation.id)) >= 1
    assert due_paced(scene.organisation.id) == 0  # it waits in the queue already
    scene.deliver()
    assert len(scene.mails()) == 2
    assert turns(scene) == []
    with acting_for(scene.organisation.id):
        assert expected_end(scene.hand_over(file("F-9"))) is None


def test_a_slow_domain_does_not_hold_the_others(scene: Scene) -> None:
    scene.change(ChannelKey.EMAIL, pace_domains="domaine-des-rives.example=1")
    scene.send(file("F-1", VINEYARD), file("F-2", VINEYARD), file("F-3"), file("F-4"))
    assert sorted(each.rcpt_to for each in scene.smtp.received) == [
        VINEYARD.email,
        "factures@grands-champs.example",
        "factures@grands-champs.example",
    ]
    assert len(turns(scene)) == 1


def test_several_workers_share_one_pace(scene: Scene) -> None:
    scene.change(ChannelKey.EMAIL, pace="6")
    scene.prepare(scene.hand_over(*[file(f"F-{rank}") for rank in range(1, 7)]))
    everything = ids(scene)
    at_once(*[lambda: delivering.deliver(scene.organisation.id, everything)] * 3)  # type: ignore[arg-type]
    assert len(scene.mails()) <= 2  # a turn as near as a second is now
    told = turns(scene)
    assert len(told) + len(scene.mails()) == 6
    assert all(b - a == timedelta(seconds=10) for a, b in pairwise(told))


def test_another_organisation_has_its_own_pace(scene: Scene, rival: Organisation) -> None:
    scene.change(ChannelKey.EMAIL, pace="1")
    scene.send(file("F-1"), file("F-2"))
    with acting_for(rival.id):
        assert not PaceSlot.objects.exists()
        assert not MailPace.objects.exists()
    assert due_paced(rival.id) == 0


@pytest.mark.parametrize("values", [{"pace": "0"}, {"pace_domain": "vite"}, {"pace_domains": "orange=3 x"}])
def test_a_pace_that_does_not_read_is_refused_when_it_is_set(scene: Scene, values: dict[str, str]) -> None:
    whole = scene.channels[ChannelKey.EMAIL] | values
    with pytest.raises(CannotSetUp, match=next(iter(values))):
        set_channel(scene.organisation, "email", whole, actor=ACTOR)


SLOWER = "450 4.2.1 The user you are trying to contact is receiving mail too quickly"


def slowed(scene: Scene, batch: Batch | None = None) -> list[tuple[str, int, int]]:
    with acting_for(scene.organisation.id):
        return [(each.domain, each.seconds, each.waiting) for each in slowed_domains(batch, now=timezone.now())]


def refused_for_now(scene: Scene, code: str = SLOWER, *, on: str = "rcpt", times: int = 1) -> None:
    scene.smtp.faults.add(fault(FaultKind.REFUSE, on=on, code=code, times=times))


def test_a_server_that_asks_for_patience_is_sent_to_more_slowly_and_the_others_as_before(scene: Scene) -> None:
    refused_for_now(scene)
    batch = scene.send(file("F-1"), file("F-2"), file("F-3"), file("F-4"), file("F-5", VINEYARD))
    assert [each.rcpt_to for each in scene.smtp.received] == [VINEYARD.email]
    told = turns(scene)
    assert [b - a for a, b in pairwise(told)] == [FIRST_SLOW] * 2
    assert slowed(scene, batch) == [("grands-champs.example", 5, 3)]
    with acting_for(scene.organisation.id):
        assert expected_end(batch) == told[-1]
    scene.deliver()  # the one that was turned away takes its turn behind the others
    assert [b - a for a, b in pairwise(turns(scene))] == [FIRST_SLOW] * 3
    assert len(scene.mails()) == 1
    assert scene.counts(batch).held == 4


def test_each_complaint_slows_more_and_those_who_wait_get_later_turns(scene: Scene) -> None:
    scene.send(file("F-1"))
    settings = scene.channels[ChannelKey.EMAIL]
    now = timezone.now()
    slow_down(scene.organisation.id, FARMER.email, settings, now=now)
    scene.send(file("F-2"), file("F-3"))
    slow_down(scene.organisation.id, FARMER.email, settings, now=now)
    assert [b - a for a, b in pairwise(turns(scene))] == [2 * FIRST_SLOW]
    assert turns(scene)[0] == now + 2 * FIRST_SLOW
    for _ in range(20):
        slow_down(scene.organisation.id, FARMER.email, settings, now=now)
    assert [b - a for a, b in pairwise(turns(scene))] == [SLOWEST]


def test_slowness_passes_and_those_who_wait_leave_earlier(scene: Scene) -> None:
    refused_for_now(scene)
    batch = scene.send(file("F-1"), file("F-2"), file("F-3"))
    assert len(turns(scene)) == 2
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
    with acting_for(scene.organisation.id):
        MailPace.objects.update(slowed_at=timezone.now() - FORGIVEN_AFTER)
        Delivery.objects.update(next_attempt_at=timezone.now() + timedelta(hours=1))
    assert due_paced(scene.organisation.id) == 2
    assert slowed(scene, batch) == slowed(scene) == []
    with acting_for(scene.organisation.id):
        assert Delivery.objects.filter(next_attempt_at__lte=timezone.now()).count() == 2
    scene.deliver()
    assert len(scene.mails()) == 3
    assert scene.counts(batch).accepted == 3


@pytest.mark.parametrize(
    ("on", "code", "degrees"),
    [
        ("rcpt", "421 4.3.2 Too busy", 1),
        ("mail", "450 Requested mail action not taken", 1),
        ("data", "451 4.7.1 Greylisted", 1),
        ("rcpt", "451 4.3.0 Local error", 0),
        ("rcpt", "550 5.1.1 Unknown", 0),
        ("mail", "550 5.7.1 Relaying denied", 0),
    ],
)
def test_only_what_asks_for_patience_slows(scene: Scene, on: str, code: str, degrees: int) -> None:
    refused_for_now(scene, code, on=on)
    scene.send(file("F-1"))
    with acting_for(scene.organisation.id):
        assert [row.slowed for row in MailPace.objects.filter(slowed__gt=0)] == [degrees] * bool(degrees)


def test_one_answer_to_a_message_of_several_documents_is_one_complaint(scene: Scene, rival: Organisation) -> None:
    scene.change(ChannelKey.EMAIL, grouping="customer")
    refused_for_now(scene)
    scene.send(file("F-1"), file("F-2"), file("F-3"))
    with acting_for(scene.organisation.id):
        assert MailPace.objects.get(slowed__gt=0).slowed == 1
    with acting_for(rival.id):
        assert slowed_domains(now=timezone.now()) == []


def test_a_pace_that_was_asked_for_is_never_quickened_by_a_complaint(scene: Scene) -> None:
    scene.change(ChannelKey.EMAIL, pace_domain="1")
    refused_for_now(scene)
    scene.send(file("F-1"), file("F-2"), file("F-3"))
    assert [b - a for a, b in pairwise(turns(scene))] == [timedelta(minutes=1)]


def test_slowness_grows_is_bounded_and_is_forgiven_degree_by_degree() -> None:
    grown = [slow_between(degree) for degree in range(12)]
    assert grown[:4] == [timedelta(0), FIRST_SLOW, 2 * FIRST_SLOW, 4 * FIRST_SLOW]
    assert grown == sorted(grown)
    assert max(grown) == SLOWEST
    since = timezone.now()
    left = [still_slowed(3, since, now=since + rank * FORGIVEN_AFTER) for rank in range(5)]
    assert left == [3, 2, 1, 0, 0]
    assert still_slowed(3, since, now=since - FORGIVEN_AFTER) == 3  # a clock that went back forgives nothing
    assert still_slowed(3, None, now=since) == 0
