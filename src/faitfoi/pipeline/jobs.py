"""The jobs and the timetable, on Procrastinate. Each is safe to run twice: claims and unique keys decide.

`journey` jobs carry chunks of ids; `steward` jobs keep the house: number the journal, take back what stalled, ask
what is due. Nothing re-queues a killed worker's job by itself, so the steward does.
"""

import errno
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import InterfaceError, OperationalError
from procrastinate.contrib.django import app
from procrastinate.exceptions import UniqueViolation
from procrastinate.job_context import JobContext
from procrastinate.jobs import Job, Status

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import directory
from faitfoi.pipeline import acting, acting_questions, collecting, following, questions
from faitfoi.pipeline import deliver as delivering
from faitfoi.pipeline import prepare as preparing
from faitfoi.pipeline.connections import check_all
from faitfoi.pipeline.controls import run_due
from faitfoi.pipeline.due import (
    act_later,
    ask_act_later,
    ask_later,
    collect_later,
    deliver_later,
    poll_later,
    prepare_later,
)
from faitfoi.pipeline.elimination import finish_eliminations
from faitfoi.pipeline.holding import apply_holds
from faitfoi.pipeline.integrity import check_of_the_day
from faitfoi.pipeline.pacing import due_paced
from faitfoi.pipeline.paf import write_trail
from faitfoi.pipeline.receive import due_lines
from faitfoi.pipeline.relaunching import relaunch_everything
from faitfoi.pipeline.renewing import renew
from faitfoi.pipeline.retry import tell_not_sent, try_held_again
from faitfoi.pipeline.rollback import stopped
from faitfoi.pipeline.sealing import CannotSeal
from faitfoi.pipeline.stamping import stamp_last_checkpoint
from faitfoi.pipeline.structures import refresh
from faitfoi.pipeline.sweeping import sweep_leftovers, sweep_orphans
from faitfoi.pipeline.tries import WORKER
from faitfoi.pipeline.witnessing import may_number
from faitfoi.pipeline.worker import jobs_left
from faitfoi.records.journal import sequence

log = logging.getLogger(__name__)

STALLED_AFTER = 15.0
"""Seconds without a heartbeat after which a worker counts as dead."""
KEPT_HOURS = 30 * 24
"""How long a failed job stays in the queue's table, for whoever looks into it."""
MOST_LIVES = 5
"""How many workers may die over one chunk of a batch before its lines are tried one by one."""
LAST = -10_000
"""Priority of what gives way to everything that somebody waits for."""
DISK = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.ESTALE, errno.ENOMEM, errno.EMFILE, errno.ENFILE}
    | {errno.EACCES, errno.EPERM}
)
"""What the system says when it is the machine that fails, not the file."""


@app.task(name="prepare", queue="journey")
def prepare(*, organisation_id: str, line_ids: list[str]) -> None:
    """Read, check, seal and route lines of a batch. One file that trips a bug of ours does not hold its neighbours."""
    organisation, lines = UUID(organisation_id), [UUID(line_id) for line_id in line_ids]
    try:
        preparing.prepare(organisation, lines, actor=WORKER)
    except Exception as error:
        # A database or a disk that fails judges nobody: a line alone goes on waiting, and the steward takes it up.
        if len(lines) > 1 or not _is_of_the_machine(error):
            set_apart(organisation, lines)
        raise  # the job ends as failed, with its trace in the log
    if not stopped():
        sequence()


def _is_of_the_machine(error: Exception) -> bool:
    return isinstance(error, OperationalError | InterfaceError) or (isinstance(error, OSError) and error.errno in DISK)


def set_apart(organisation_id: UUID, lines: list[UUID]) -> None:
    """Try each line alone; one that was alone is refused, so that the batch can be closed."""
    if len(lines) == 1:
        preparing.give_up(organisation_id, lines[0], actor=WORKER)
    else:
        for line_id in lines:
            prepare_later(organisation_id, [line_id])


@app.task(name="deliver", queue="journey", pass_context=True)
def deliver(context: JobContext, *, organisation_id: str, delivery_ids: list[str]) -> None:
    """Send deliveries, each at most once."""
    with _one_by_one(context, UUID(organisation_id), delivery_ids, deliver_later) as (organisation, ids):
        delivering.deliver(organisation, ids, chunk=[UUID(each) for each in delivery_ids])


@app.task(name="ask", queue="journey", pass_context=True)
def ask(context: JobContext, *, organisation_id: str, delivery_ids: list[str]) -> None:
    """Ask about deliveries whose answer was lost."""
    with _one_by_one(context, UUID(organisation_id), delivery_ids, ask_later) as (organisation, ids):
        questions.ask(organisation, ids)


@app.task(name="act", queue="journey", pass_context=True)
def act(context: JobContext, *, organisation_id: str, act_ids: list[str]) -> None:
    """Tell the other side something about documents that it has, each act at most once."""
    with _one_by_one(context, UUID(organisation_id), act_ids, act_later) as (organisation, ids):
        acting.do_acts(organisation, ids, chunk=[UUID(each) for each in act_ids])


@app.task(name="ask_act", queue="journey", pass_context=True)
def ask_act(context: JobContext, *, organisation_id: str, act_ids: list[str]) -> None:
    """Ask about acts whose answer was lost."""
    with _one_by_one(context, UUID(organisation_id), act_ids, ask_act_later) as (organisation, ids):
        acting_questions.ask_about_acts(organisation, ids)


@app.task(name="poll", queue="journey", pass_context=True)
def poll(context: JobContext, *, organisation_id: str, delivery_ids: list[str]) -> None:
    """Fetch the other side's news."""
    with _one_by_one(context, UUID(organisation_id), delivery_ids, poll_later) as (organisation, ids):
        following.poll(organisation, ids, actor=WORKER)


@contextmanager
def _one_by_one(
    context: JobContext, organisation_id: UUID, ids: list[str], later: Callable[[UUID, Sequence[UUID]], None]
) -> Iterator[tuple[UUID, Iterator[UUID]]]:
    """Give a chunk's deliveries in turn, and put back what was not begun when the worker is asked to stop.

    Each delivery of a chunk that trips a bug of ours is put back alone: it would hold its neighbours for ever.
    """
    waiting = [UUID(delivery_id) for delivery_id in ids]

    def in_turn() -> Iterator[UUID]:
        while waiting and not context.should_abort():
            yield waiting.pop(0)

    try:
        yield organisation_id, in_turn()
    except Exception:
        if len(ids) > 1:
            for delivery_id in ids:
                later(organisation_id, [UUID(delivery_id)])
        raise  # the job ends as failed, with its trace in the log
    later(organisation_id, waiting)


@app.task(name="collect", queue="journey")
def collect(*, organisation_id: str) -> None:
    """Read the feeds of news of one organisation to their end."""
    collecting.collect_all(UUID(organisation_id), actor=WORKER)


@app.task(name="fetch_flow", queue="journey")
def fetch_flow(*, organisation_id: str, flow: str) -> None:
    """Fetch one message of a feed that a webhook has named."""
    collecting.fetch_flow(UUID(organisation_id), flow, actor=WORKER)


@app.periodic(cron="* * * * *")
@app.task(name="collect_news", queue="steward", queueing_lock="collect_news")
def collect_news(timestamp: int) -> None:  # noqa: ARG001
    """Have each organisation's feeds of news read."""
    for organisation_id in every_organisation():
        collect_later(organisation_id)


@app.periodic(cron="* * * * * */5")
@app.task(name="number_journal", queue="steward", queueing_lock="number_journal")
def number_journal(timestamp: int) -> None:  # noqa: ARG001  # Procrastinate passes the hour
    """Give new journal entries their index, unless the journal is not the one that its witnesses know."""
    if not stopped():
        sequence()


@app.periodic(cron="* * * * *")
@app.task(name="stamp_journal", queue="steward", queueing_lock="stamp_journal")
def stamp_journal(timestamp: int) -> None:  # noqa: ARG001
    """Have the journal's last checkpoint time-stamped."""
    stamp_last_checkpoint()


@app.periodic(cron="53 4 * * *")
@app.task(name="renew_stamps", queue="steward", queueing_lock="renew_stamps")
def renew_old_stamps(timestamp: int) -> None:  # noqa: ARG001
    """Renew the time-stamps whose authority's certificate will expire, and hash anew what should be."""
    renew()


@app.periodic(cron="17 * * * *")
@app.task(name="witness_journal", queue="steward", queueing_lock="witness_journal")
def witness_journal(timestamp: int) -> None:  # noqa: ARG001
    """Have the journal witnessed, and held against what was seen of it, each hour even when nothing happened."""
    may_number()


@app.periodic(cron="7 * * * *")
@app.task(name="write_trails", queue="steward", queueing_lock="write_trails")
def write_trails(timestamp: int) -> None:  # noqa: ARG001
    """Write a new version of each organisation's audit trail when what it states has changed."""
    for organisation in _organisations():
        _write_trail(organisation, actor=WORKER)


@app.task(name="write_trail_now", queue="steward")
def write_trail_now(*, organisation_id: str, actor: str) -> None:
    """Write the audit trail of one organisation anew if it has changed: somebody has just completed it."""
    for organisation in _organisations():
        if organisation.id == UUID(organisation_id):
            _write_trail(organisation, actor=actor)


def _write_trail(organisation: Organisation, *, actor: str) -> None:
    try:
        write_trail(organisation, actor=actor)
    except CannotSeal as error:
        log.warning("%s", error)  # the next hour tries again


@app.task(name="control_now", queue="steward")
def control_now(*, organisation_id: str, actor: str) -> None:
    """Run all the controls of one organisation: somebody has asked for it."""
    for organisation in _organisations():
        if organisation.id == UUID(organisation_id):
            run_due(organisation, actor=actor, everything=True)


@app.periodic(cron="41 2 * * *")
@app.task(name="control_books", queue="steward", queueing_lock="control_books")
def control_books(timestamp: int) -> None:  # noqa: ARG001
    """Run each organisation's controls of the audit trail."""
    for organisation in _organisations():
        run_due(organisation, actor=WORKER)


@app.periodic(cron="11 1 * * *")
@app.task(name="check_integrity", queue="steward", queueing_lock="check_integrity")
def check_integrity(timestamp: int) -> None:  # noqa: ARG001
    """Have each organisation's packs read again, as much as is due today; then clear what killed writers left."""
    for organisation_id in every_organisation():
        app.configure_task("check_packs", queue="journey", priority=LAST).defer(organisation_id=str(organisation_id))
    sweep_leftovers()


@app.task(name="check_packs", queue="journey")
def check_packs(*, organisation_id: str) -> None:
    """Read again what is due today of one organisation's packs, and take away those that nobody ever named."""
    check_of_the_day(UUID(organisation_id), actor=WORKER)
    sweep_orphans(UUID(organisation_id))


@app.periodic(cron="29 5 * * *")
@app.task(name="refresh_structures", queue="steward", queueing_lock="refresh_structures")
def refresh_structures(timestamp: int) -> None:  # noqa: ARG001
    """Have Chorus Pro asked again, before the day's batches, what the public structures known here want."""
    for organisation_id in every_organisation():
        later = app.configure_task("refresh_structures_of", queue="journey", priority=LAST)
        later.defer(organisation_id=str(organisation_id))


@app.task(name="refresh_structures_of", queue="journey")
def refresh_structures_of(*, organisation_id: str) -> None:
    """Try the connection of one organisation, and ask again about its public structures."""
    if not stopped():
        check_all(UUID(organisation_id))
        refresh(UUID(organisation_id), actor=WORKER)


@app.periodic(cron="* * * * * */10")
@app.task(name="keep_house", queue="steward", queueing_lock="keep_house")
def keep_house(timestamp: int) -> None:  # noqa: ARG001
    """For each organisation: take back stalled claims, and make due what is due; nothing moves on a wrong journal."""
    if stopped():
        return
    for organisation_id in every_organisation():
        questions.sweep(organisation_id)
        questions.due_questions(organisation_id)
        questions.due_deliveries(organisation_id)
        due_paced(organisation_id)
        acting_questions.sweep_acts(organisation_id)
        acting_questions.due_act_questions(organisation_id)
        acting_questions.due_acts(organisation_id)
        following.due_polls(organisation_id)
        if not jobs_left():
            due_lines(organisation_id)


@app.periodic(cron="31 6 * * *")
@app.task(name="try_again", queue="steward", queueing_lock="try_again")
def try_again(timestamp: int) -> None:  # noqa: ARG001
    """Each day, before people come: try again what is held, and look again for a way for what waits for one."""
    if stopped():
        return
    for organisation in _organisations():
        try_held_again(organisation.id, actor=WORKER)
        relaunch_everything(organisation, actor=WORKER)
    tell_not_sent(every_organisation())


@app.task(name="channel_changed", queue="steward")
def channel_changed(*, organisation_id: str, channel: str, actor: str) -> None:
    """Try again at once what a channel held, and what waited for it: somebody has just changed its settings."""
    try_held_again(UUID(organisation_id), channel=channel, actor=actor)
    for organisation in _organisations():
        if organisation.id == UUID(organisation_id):
            relaunch_everything(organisation, actor=actor)


@app.periodic(cron="7 4 * * *")
@app.task(name="keep_archive", queue="steward", queueing_lock="keep_archive")
def keep_archive(timestamp: int) -> None:  # noqa: ARG001
    """Finish the eliminations that something has stopped, and have the shelves hold what is held."""
    if stopped():
        return
    for organisation_id in every_organisation():
        apply_holds(organisation_id)
        finish_eliminations(organisation_id, actor=WORKER)


@app.periodic(cron="23 3 * * *")
@app.task(name="forget_jobs", queue="steward", queueing_lock="forget_jobs", pass_context=False)
async def forget_jobs(timestamp: int) -> None:  # noqa: ARG001
    """Forget the jobs that failed long ago: what they were about has its own record."""
    await app.job_manager.delete_old_jobs(KEPT_HOURS, include_failed=True, include_cancelled=True, include_aborted=True)


@app.periodic(cron="* * * * * */10")
@app.task(name="revive_jobs", queue="steward", queueing_lock="revive_jobs", pass_context=False)
async def revive_jobs(timestamp: int) -> None:  # noqa: ARG001
    """Put the jobs of dead workers back in the queue, and forget those workers."""
    await revive()


async def revive() -> int:
    """Put back every job whose worker no longer beats; returns how many. A batch's chunk has `MOST_LIVES` lives."""
    stalled = list(await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER))
    for job in stalled:
        if job.task_name == "prepare" and job.attempts >= MOST_LIVES:
            # A file that ends the process itself would otherwise end every worker in turn.
            arguments = _arguments(job)
            lines = [UUID(line_id) for line_id in arguments["line_ids"]]
            await sync_to_async(set_apart)(UUID(arguments["organisation_id"]), lines)
            await app.job_manager.finish_job(job, status=Status.FAILED, delete_job=False)
        else:
            await _put_back(job)
    await app.job_manager.prune_stalled_workers(STALLED_AFTER * 4)
    return len(stalled)


def _arguments(job: Job) -> dict[str, Any]:
    """Return what a job was deferred with: read through Django's connection, it is still the text of its JSON."""
    told: object = job.task_kwargs
    arguments: dict[str, Any] = json.loads(told) if isinstance(told, str) else cast("dict[str, Any]", told)
    return arguments


async def _put_back(job: Job) -> None:
    try:
        await app.job_manager.retry_job(job)
    except UniqueViolation:
        # A periodic job whose next one waits already: that one does the same work.
        await app.job_manager.finish_job(job, status=Status.FAILED, delete_job=True)


def every_organisation() -> list[UUID]:
    """Return the ids of all organisations of this installation."""
    return [organisation.id for organisation in _organisations()]


def _organisations() -> list[Organisation]:
    with directory():
        return list(Organisation.objects.all())
