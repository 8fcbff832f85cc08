"""A worker: any number of them, on any number of machines, on the one PostgreSQL."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import cast

from asgiref.sync import sync_to_async
from django.db import connections
from django.db.models import Q
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.contrib.django.models import ProcrastinateJob, ProcrastinateWorker

HEARTBEAT = 2.0
DEAD_AFTER = 15.0
LAST_CHANCE = 1.0
"""Seconds left to a job in hand when the worker is asked to stop; it then ends after the delivery being sent."""
QUEUES = ["journey", "steward"]


def work(*, queues: list[str] | None = None, wait: bool = True) -> None:
    """Take jobs until stopped by a signal (or, with `wait=False`, until none is due). Blocks.

    One job at a time: checks and pages are processor work, so more comes from more processes, not from more threads.
    """
    asyncio.run(_work(queues, wait=wait))


def alive() -> bool:
    """Whether some worker, anywhere, beats."""
    recent = timezone.now() - timedelta(seconds=DEAD_AFTER)
    return ProcrastinateWorker.objects.filter(last_heartbeat__gt=recent).exists()


def jobs_left() -> int:
    """Count the journey's jobs that are due or being done now."""
    due = Q(scheduled_at=None) | Q(scheduled_at__lte=timezone.now())
    waiting = ProcrastinateJob.objects.filter(queue_name="journey")
    return waiting.filter(Q(status="doing") | (Q(status="todo") & due)).count()


async def _work(queues: list[str] | None, *, wait: bool) -> None:
    # One thread for all jobs: Saxon, Typst and the database connection stay where they were opened.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(max_workers=1))
    connector = cast("DjangoConnector", app.connector)
    worker_app = app.with_connector(connector.get_worker_connector())
    async with worker_app.open_async():
        await worker_app.run_worker_async(
            queues=queues or QUEUES,
            name=f"faitfoi-{'-'.join(queues or ['all'])}",
            concurrency=1,
            wait=wait,
            fetch_job_polling_interval=1.0,
            update_heartbeat_interval=HEARTBEAT,
            stalled_worker_timeout=DEAD_AFTER,
            shutdown_graceful_timeout=LAST_CHANCE,
            delete_jobs="successful",
            listen_notify=True,
        )
    # Django keeps a connection for each thread, and forgets to close it when the thread ends: the thread of our jobs,
    # and the one in which Procrastinate's own queries run.
    await asyncio.get_running_loop().run_in_executor(None, connections.close_all)
    await sync_to_async(connections.close_all)()
