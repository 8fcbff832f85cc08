"""Jobs whose worker died are taken up again; one that ends every worker in turn is taken apart."""

import asyncio
import json

import pytest
from django.db import connection

from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline import jobs
from faitfoi.pipeline.due import PREPARE_CHUNK
from faitfoi.pipeline.jobs import MOST_LIVES, revive
from faitfoi.pipeline.worker import jobs_left, work
from faitfoi.records.models import Attempt, Document
from faitfoi.records.stages import LineOutcome, Stage
from tests.pipeline.cast import Scene, file

pytestmark = pytest.mark.django_db(transaction=True)


def abandon(task: str, *, lives: int) -> None:
    """Leave every waiting job of a kind as a worker leaves it that was killed over it, for the nth time."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') RETURNING id"
        )
        (worker,) = cursor.fetchone()
        cursor.execute(
            "UPDATE procrastinate_jobs SET status = 'doing', attempts = %s, worker_id = %s "
            "WHERE task_name = %s AND status = 'todo'",
            [lives, worker, task],
        )


def queued(task: str) -> list[dict[str, object]]:
    """Return the arguments of the jobs of a kind that wait."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT args::text FROM procrastinate_jobs WHERE task_name = %s AND status = 'todo' ORDER BY id", [task]
        )
        return [json.loads(row[0]) for row in cursor.fetchall()]


def test_a_dead_worker_s_jobs_are_done_by_another(scene: Scene) -> None:
    batch = scene.hand_over(file("F-1"), file("F-2"))
    abandon("prepare", lives=1)
    assert queued("prepare") == []
    assert asyncio.run(revive()) == 1
    assert asyncio.run(revive()) == 0
    work(queues=["journey"], wait=False)
    assert scene.counts(batch).sent == 2


def test_a_chunk_that_killed_many_workers_is_taken_apart(scene: Scene) -> None:
    batch = scene.hand_over(file("F-1"), file("F-2"), file("F-3"))
    abandon("prepare", lives=MOST_LIVES)
    assert asyncio.run(revive()) == 1
    assert [len(arguments["line_ids"]) for arguments in queued("prepare")] == [1, 1, 1]  # type: ignore[arg-type]
    work(queues=["journey"], wait=False)
    assert scene.counts(batch).sent == 3


def test_a_line_that_killed_many_workers_alone_is_refused_and_the_other_jobs_go_on(scene: Scene) -> None:
    deadly = scene.hand_over(file("F-1"))
    abandon("prepare", lives=MOST_LIVES)
    harmless = scene.hand_over(file("F-2"))
    abandon("prepare", lives=1)
    assert asyncio.run(revive()) == 2
    work(queues=["journey"], wait=False)

    (line,) = scene.lines(deadly)
    assert line.outcome == LineOutcome.REFUSED
    assert "défaut" in line.reason
    assert scene.counts(harmless).sent == 1
    assert jobs_left() == 0


def test_what_is_ready_leaves_before_more_is_prepared(scene: Scene) -> None:
    """Nobody waits for the last page of a large batch to see the first one leave."""
    scene.hand_over(*(file(f"F-{n}") for n in range(PREPARE_CHUNK + 5)))
    work(queues=["journey"], wait=False)
    with acting_for(scene.organisation.id):
        first_sent = Attempt.objects.order_by("id").values_list("created_at", flat=True)[0]
        last_sealed = Document.objects.order_by("-id").values_list("created_at", flat=True)[0]
    assert first_sent < last_sealed


def test_the_steward_wakes_lines_that_nobody_has_a_job_for(scene: Scene) -> None:
    batch = scene.hand_over(file("F-1"))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'failed' WHERE task_name = 'prepare'")
    with acting_for(scene.organisation.id):
        assert batch.lines.filter(outcome=LineOutcome.WAITING).exists()
        batch.lines.update(created_at="2026-01-01T00:00:00Z")
    jobs.keep_house(timestamp=0)
    work(queues=["journey"], wait=False)
    assert scene.stage("F-1") is Stage.ACCEPTED
