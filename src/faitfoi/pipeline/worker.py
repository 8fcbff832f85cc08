"""A worker: any number of them, on any number of machines, on the one PostgreSQL.

It outlives its connections. When the database goes away, or the others have taken a worker that was cut off for dead,
it begins another life under another number, and what it had in hand is taken up like that of a worker that died.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import chain, repeat
from typing import Any, LiteralString

import psycopg
from asgiref.sync import sync_to_async
from django.db import close_old_connections, connections
from django.db.models import Q
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob, ProcrastinateWorker
from procrastinate.contrib.django.utils import connector_params
from procrastinate.exceptions import ConnectorException
from procrastinate.job_context import JobContext
from procrastinate.psycopg_connector import PsycopgConnector
from procrastinate.signals import on_stop
from procrastinate.worker import Worker

log = logging.getLogger(__name__)

HEARTBEAT = 2.0
DEAD_AFTER = 15.0
LAST_CHANCE = 1.0
"""Seconds left to a job in hand when the worker is asked to stop; it then ends after the delivery being sent."""
LOST_AFTER = 5.0
"""Seconds that a query of the queue waits for a connection before the database counts as lost."""
PAUSES = (1.0, 2.0, 5.0)
LONGEST_PAUSE = 10.0
"""Seconds between two lives of a worker: these in turn, then always the longest."""
OF_THE_CONNECTION = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.ForeignKeyViolation)
"""What a lost database says, and what it says to a worker that the others have forgotten."""
QUEUES = ["journey", "steward"]


def work(*, queues: list[str] | None = None, wait: bool = True) -> None:
    """Take jobs until stopped by a signal (or, with `wait=False`, until none is due). Blocks.

    One job at a time: checks and pages are processor work, so more comes from more processes, not from more threads.
    """
    os.environ.setdefault("RAYON_NUM_THREADS", "1")  # Typst's: they would wait in a busy loop beside other workers
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


class _Connector(PsycopgConnector):
    """Procrastinate's own connections; `lost` is set once one of its writes has not come through."""

    def __init__(self) -> None:
        super().__init__(kwargs=connector_params(), timeout=LOST_AFTER)
        self.lost = asyncio.Event()

    async def execute_query_async(self, query: LiteralString, **arguments: Any) -> None:
        try:
            await super().execute_query_async(query, **arguments)
        except ConnectorException:
            # It may have been the word that a job is over: nobody takes that job up while its worker still beats.
            self.lost.set()
            raise


async def _work(queues: list[str] | None, *, wait: bool) -> None:
    # One thread for all jobs: Saxon, Typst and the database connection stay where they were opened.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(max_workers=1))
    asked_to_stop = asyncio.Event()
    pauses = chain(PAUSES, repeat(LONGEST_PAUSE))
    with on_stop(asked_to_stop.set):
        stop = asyncio.create_task(asked_to_stop.wait())
        while not await _live(queues, stop, wait=wait):
            pause = next(pauses)
            log.warning("Connexion à la base de données perdue : l’ouvrier recommence dans %.0f s.", pause)
            await asyncio.wait({stop}, timeout=pause)
            if stop.done():
                return
        stop.cancel()


async def _live(queues: list[str] | None, stop: "asyncio.Task[bool]", *, wait: bool) -> bool:
    """Work until asked to stop (or, with `wait=False`, until no job is due): True. False when the database was lost."""
    connector = _Connector()
    life = asyncio.create_task(_run(connector, queues, wait=wait))
    lost = asyncio.create_task(connector.lost.wait())
    await asyncio.wait({life, lost, stop}, return_when=asyncio.FIRST_COMPLETED)
    lost.cancel()
    life.cancel()  # which lets the job in hand come to its end, or does nothing to one that has ended
    await asyncio.wait({life})
    # Django keeps a connection for each thread, and forgets to close it when the thread ends: the thread of our jobs,
    # and the one in which Procrastinate's own queries run.
    await asyncio.get_running_loop().run_in_executor(None, connections.close_all)
    await sync_to_async(connections.close_all)()
    error = None if life.cancelled() else life.exception()
    if error is not None and not isinstance(error.__cause__ or error, OF_THE_CONNECTION):
        raise error
    # A life that ends by itself while it should wait is one whose heartbeat failed.
    return stop.done() or (error is None and not wait and not connector.lost.is_set())


async def _run(connector: _Connector, queues: list[str] | None, *, wait: bool) -> None:
    worker_app = app.with_connector(connector)
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
            install_signal_handlers=False,
            task_middleware=[_on_a_sound_connection, _on_a_sound_connection_async],
        )


def _on_a_sound_connection(job: Callable[[], Any], _context: JobContext, _worker: Worker) -> Any:
    """Do a job on a connection that still answers: Django looks only at the beginning of a page."""
    close_old_connections()
    return job()


async def _on_a_sound_connection_async(job: Callable[[], Awaitable[Any]], _context: JobContext, _worker: Worker) -> Any:
    await sync_to_async(close_old_connections)()
    return await job()
