"""What keeps the journey going: a failure of ours is no verdict, one bad delivery holds nobody, no early question."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from asgiref.sync import async_to_sync
from django.db import OperationalError, connection, connections
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.job_context import AbortReason, JobContext
from procrastinate.jobs import Job

from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.chorus_pro import ChorusPro
from faitfoi.database import roles
from faitfoi.pipeline import jobs, questions
from faitfoi.pipeline.due import PREPARE_CHUNK, prepare_later
from faitfoi.records.models import Delivery
from faitfoi.records.stages import LineOutcome, Stage
from tests.pipeline.cast import TOWN, VINEYARD, Scene, file, ids_of
from tests.pipeline.test_claims import let_the_lease_run_out, make_claim
from tests.postgres import cluster

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def nobody_may_write(table: str) -> Iterator[None]:
    """Hold a table as a database in trouble does; our own connection waits a moment, then hears an error."""
    name = str(connections["default"].settings_dict["NAME"])
    with psycopg.connect(roles.on_database(cluster().superuser_url, name)) as root, connection.cursor() as ours:
        root.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE".encode())
        ours.execute("SET lock_timeout = '100ms'")
        try:
            yield
        finally:
            ours.execute("RESET lock_timeout")


def due(task: str) -> list[list[str]]:
    """Return the chunks of ids that are due for a task, in order."""
    waiting = ProcrastinateJob.objects.filter(task_name=task, status="todo").order_by("id")
    return [args["delivery_ids"] for args in waiting.values_list("args", flat=True)]


def at_work(*, asked_to_stop: Callable[[], bool] = lambda: False) -> JobContext:
    """What a worker gives to a job; the worker may be asked to stop in the middle of it."""
    return JobContext(
        app=app,
        job=Job(id=1, queue="journey", lock=None, queueing_lock=None, task_name="deliver"),
        start_timestamp=0.0,
        abort_reason=lambda: AbortReason.SHUTDOWN if asked_to_stop() else None,
    )


def test_a_worker_asked_to_stop_puts_back_what_it_has_not_begun(scene: Scene) -> None:
    scene.prepare(scene.hand_over(file("F-1"), file("F-2"), file("F-3", VINEYARD)))
    with acting_for(scene.organisation.id):
        ids = [str(each) for each in ids_of(Delivery.objects.order_by("document__number"))]
    context = at_work(asked_to_stop=lambda: scene.stage("F-1") is not Stage.ROUTED)
    jobs.deliver(context, organisation_id=str(scene.organisation.id), delivery_ids=ids)

    assert [scene.stage(number) for number in ("F-1", "F-2", "F-3")] == [Stage.ACCEPTED, Stage.ROUTED, Stage.ROUTED]
    assert due("deliver")[-1] == ids[1:]


def test_a_large_batch_does_not_keep_a_small_one_waiting(scene: Scene) -> None:
    large, small = uuid4(), uuid4()
    prepare_later(large, [uuid4() for _ in range(3 * PREPARE_CHUNK)])
    prepare_later(small, [uuid4()])
    waiting = ProcrastinateJob.objects.filter(task_name="prepare", status="todo").order_by("-priority", "id")
    assert [args["organisation_id"] for args in waiting.values_list("args", flat=True)] == [
        str(each) for each in (large, small, large, large)
    ]


def test_a_database_that_fails_refuses_no_invoice(scene: Scene) -> None:
    batch = scene.hand_over(file("F-1"))
    organisation, lines = str(scene.organisation.id), [str(line.id) for line in scene.lines(batch)]
    with nobody_may_write("records_burntnumber"), pytest.raises(OperationalError):
        jobs.prepare(organisation_id=organisation, line_ids=lines)
    assert [line.outcome for line in scene.lines(batch)] == [LineOutcome.WAITING]

    jobs.prepare(organisation_id=organisation, line_ids=lines)
    assert [line.outcome for line in scene.lines(batch)] == [LineOutcome.READY]


@pytest.mark.beside_the_journal
def test_a_delivery_that_trips_a_bug_does_not_hold_its_neighbours(scene: Scene) -> None:
    """The planted bug: a channel that no register has."""
    scene.prepare(scene.hand_over(file("F-1"), file("F-2"), file("F-3", VINEYARD)))
    with acting_for(scene.organisation.id):
        Delivery.objects.filter(document__number="F-1").update(channel="pigeon")
        ids = [str(each) for each in ids_of(Delivery.objects.all())]
    organisation = str(scene.organisation.id)
    with pytest.raises(KeyError, match="pigeon"):
        jobs.deliver(at_work(), organisation_id=organisation, delivery_ids=ids)

    alone = due("deliver")[-3:]
    assert alone == [[each] for each in ids]
    for chunk in alone:
        try:
            jobs.deliver(at_work(), organisation_id=organisation, delivery_ids=chunk)
        except KeyError:
            assert chunk == [ids[0]]
    assert [scene.stage(number) for number in ("F-1", "F-2", "F-3")] == [Stage.ROUTED, Stage.ACCEPTED, Stage.ACCEPTED]


@pytest.mark.beside_the_journal
def test_a_poll_that_trips_a_bug_does_not_keep_the_news_of_its_neighbours(scene: Scene) -> None:
    scene.send(file("F-1", TOWN), file("F-2", TOWN))
    with acting_for(scene.organisation.id):
        Delivery.objects.filter(document__number="F-1").update(channel="pigeon")
        ids = [str(each) for each in ids_of(Delivery.objects.all())]
    with pytest.raises(KeyError, match="pigeon"):
        jobs.poll(at_work(), organisation_id=str(scene.organisation.id), delivery_ids=ids)
    assert due("poll")[-2:] == [[each] for each in ids]


def test_a_killed_worker_s_deposit_is_not_asked_about_before_it_can_be_found(scene: Scene) -> None:
    scene.prepare(scene.hand_over(file("F-1"), file("F-2", TOWN)))
    make_claim(scene, "F-1")
    make_claim(scene, "F-2")
    let_the_lease_run_out(scene)
    questions.sweep(scene.organisation.id)

    assert questions.due_questions(scene.organisation.id) == 1  # nobody can ask a mail relay: no use in waiting
    asked_at = scene.delivery("F-2").next_question_at
    assert asked_at is not None
    assert asked_at > timezone.now() + ChorusPro.settles_in - timedelta(minutes=1)


def test_a_dead_worker_s_periodic_job_does_not_keep_the_others_dead(scene: Scene) -> None:
    scene.prepare(scene.hand_over(file("F-1")))
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE queue_name = 'steward'")
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, status) VALUES"
            " ('steward', 'keep_house', 'keep_house', 'doing'), ('steward', 'keep_house', 'keep_house', 'todo')"
        )
        cursor.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE task_name = 'deliver'")
    async_to_sync(jobs.revive)()

    assert due("deliver")[-1:] == [[str(scene.delivery("F-1").id)]]
    assert not ProcrastinateJob.objects.filter(status="doing").exists()


def test_only_a_delivery_that_no_job_will_send_is_made_due_again(scene: Scene) -> None:
    scene.prepare(scene.hand_over(file("F-1"), file("F-2", VINEYARD)))
    with acting_for(scene.organisation.id):
        Delivery.objects.update(next_attempt_at=timezone.now() - timedelta(hours=1))
    assert questions.due_deliveries(scene.organisation.id) == 0

    with acting_for(scene.organisation.id), connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE task_name = 'deliver'")
        Delivery.objects.update(next_attempt_at=timezone.now() - timedelta(hours=1))
    assert questions.due_deliveries(scene.organisation.id) == 2


def test_a_job_that_failed_long_ago_is_forgotten(scene: Scene) -> None:
    for days in (1, 31):
        with connection.cursor() as cursor:
            cursor.execute(
                "WITH job AS (INSERT INTO procrastinate_jobs (queue_name, task_name, status)"
                "             VALUES ('journey', %s, 'failed') RETURNING id)"
                " INSERT INTO procrastinate_events (job_id, type, at)"
                " SELECT id, 'failed', now() - make_interval(days => %s) FROM job",
                [f"failed {days} days ago", days],
            )
            cursor.execute("DELETE FROM procrastinate_events WHERE type = 'deferred'")
    async_to_sync(jobs.forget_jobs.func)(0)
    names = ProcrastinateJob.objects.filter(task_name__startswith="failed").values_list("task_name", flat=True)
    assert list(names) == ["failed 1 days ago"]
