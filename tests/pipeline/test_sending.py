"""`send` says what has not left and goes on with it when asked; a list of many documents costs few questions."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from faitfoi.accounts.tenancy import acting_for
from faitfoi.cli.sending import _documents, _unfinished, waits
from faitfoi.pipeline import deliver as delivering
from faitfoi.records.models import Delivery
from faitfoi.records.stages import Stage
from faitfoi.simulators.control import FaultKind
from tests.pipeline.cast import Scene, fault, file, ids_of

pytestmark = pytest.mark.django_db


def test_what_could_not_leave_is_taken_up_by_a_resume(scene: Scene) -> None:
    scene.smtp.faults.add(fault(FaultKind.DOWN))
    batch = scene.send(file("F-1"))
    now = timezone.now()
    with acting_for(scene.organisation.id):
        assert waits(batch, since=now) == 0  # its next try has an hour of its own

    assert _unfinished(scene.organisation) == [batch]
    with acting_for(scene.organisation.id):
        assert waits(batch, since=timezone.now()) == 1
        ids = ids_of(Delivery.objects.all())
    delivering.deliver(scene.organisation.id, ids)

    assert scene.stage("F-1") is Stage.ACCEPTED
    assert len(scene.mails()) == 1
    assert _unfinished(scene.organisation) == []
    with acting_for(scene.organisation.id):
        assert waits(batch, since=timezone.now()) == 0


def test_a_list_of_documents_asks_no_more_for_more_of_them(scene: Scene) -> None:
    asked = []
    for number in range(1, 4):
        scene.send(file(f"F-{number}"))
        with (
            acting_for(scene.organisation.id),
            CaptureQueriesContext(
                connection,
            ) as questions,
        ):
            rows = list(_documents(scene.organisation))
        assert [(row["number"], row["stage"]) for row in rows] == [(f"F-{n}", "accepted") for n in range(1, number + 1)]
        asked.append(len(questions))
    assert len(set(asked)) == 1
