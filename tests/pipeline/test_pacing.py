"""Mail leaves no faster than asked, from one sender and to one domain, whoever works; the end is known."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from django.db import connection
from django.utils import timezone

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline import deliver as delivering
from faitfoi.pipeline.due import queued_deliveries
from faitfoi.pipeline.pacing import due_paced, expected_end
from faitfoi.pipeline.setting_up import CannotSetUp, set_channel
from faitfoi.records.models import Delivery, MailPace, PaceSlot
from tests.pipeline.cast import ACTOR, VINEYARD, Scene, file
from tests.pipeline.test_claims import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def turns(scene: Scene) -> list[datetime]:
    with acting_for(scene.organisation.id):
        return list(PaceSlot.objects.order_by("at").values_list("at", flat=True))


def ids(scene: Scene) -> list[object]:
    with acting_for(scene.organisation.id):
        return list(Delivery.objects.values_list("id", flat=True))


def test_one_leaves_and_the_others_have_their_turn(scene: Scene) -> None:
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
