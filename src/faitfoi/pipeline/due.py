"""Makes work due: jobs are deferred in the very transaction that makes them so, in chunks of ids."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.types import JSONValue

PREPARE_CHUNK = 20
DELIVER_CHUNK = 50
FIRST = 10
"""Priority of what is ready to leave, or may have left, over what is still to be prepared (0 and less)."""


def prepare_later(organisation_id: UUID, line_ids: Sequence[UUID]) -> None:
    """Have lines of a batch read, checked, sealed and routed.

    Each chunk gives way to the first ones of others: ten thousand files of one organisation do not keep ten of another
    waiting.
    """
    for place, start in enumerate(range(0, len(line_ids), PREPARE_CHUNK)):
        chunk: list[JSONValue] = [str(line_id) for line_id in line_ids[start : start + PREPARE_CHUNK]]
        task = app.configure_task("prepare", queue="journey", priority=-place)
        task.defer(organisation_id=str(organisation_id), line_ids=chunk)


def deliver_later(organisation_id: UUID, delivery_ids: Sequence[UUID], *, at: datetime | None = None) -> None:
    """Have routed deliveries sent, now or at an instant."""
    _defer_ids("deliver", organisation_id, "delivery_ids", delivery_ids, priority=FIRST, at=at)


def act_later(organisation_id: UUID, act_ids: Sequence[UUID], *, at: datetime | None = None) -> None:
    """Have acts done, now or at an instant."""
    _defer_ids("act", organisation_id, "act_ids", act_ids, priority=FIRST, at=at)


def ask_later(organisation_id: UUID, delivery_ids: Sequence[UUID]) -> None:
    """Have the other side asked about deliveries whose answer was lost."""
    _defer_ids("ask", organisation_id, "delivery_ids", delivery_ids, priority=FIRST)


def ask_act_later(organisation_id: UUID, act_ids: Sequence[UUID]) -> None:
    """Have the other side asked about acts whose answer was lost."""
    _defer_ids("ask_act", organisation_id, "act_ids", act_ids, priority=FIRST)


def poll_later(organisation_id: UUID, delivery_ids: Sequence[UUID]) -> None:
    """Have the other side's news of deliveries fetched."""
    _defer_ids("poll", organisation_id, "delivery_ids", delivery_ids)


def queued_deliveries(organisation_id: UUID) -> frozenset[UUID]:
    """Return the deliveries that a job waiting or under way will send."""
    return _queued("deliver", organisation_id, "delivery_ids")


def queued_acts(organisation_id: UUID) -> frozenset[UUID]:
    """Return the acts that a job waiting or under way will do."""
    return _queued("act", organisation_id, "act_ids")


def _queued(task: str, organisation_id: UUID, name: str) -> frozenset[UUID]:
    jobs = ProcrastinateJob.objects.filter(
        task_name=task, status__in=("todo", "doing"), args__organisation_id=str(organisation_id)
    )
    return frozenset(UUID(each) for chunk in jobs.values_list(f"args__{name}", flat=True) for each in chunk)


def fetch_later(organisation_id: UUID, flow: str) -> None:
    """Have one message of a feed fetched: somebody has called to say that it is there. A call replayed adds nothing."""
    waiting = f"fetch_flow:{organisation_id}:{flow}"
    with suppress(AlreadyEnqueued), transaction.atomic():
        app.configure_task("fetch_flow", queue="journey", queueing_lock=waiting).defer(
            organisation_id=str(organisation_id), flow=flow
        )


def _defer_ids(
    task: str, organisation_id: UUID, name: str, ids: Sequence[UUID], *, priority: int = 0, at: datetime | None = None
) -> None:
    for start in range(0, len(ids), DELIVER_CHUNK):
        chunk: list[JSONValue] = [str(each) for each in ids[start : start + DELIVER_CHUNK]]
        given: dict[str, JSONValue] = {"organisation_id": str(organisation_id), name: chunk}
        app.configure_task(task, queue="journey", priority=priority, schedule_at=at).defer(**given)


def collect_later(organisation_id: UUID) -> None:
    """Have the feeds of news of one organisation read, unless that is waiting already."""
    named = str(organisation_id)
    waiting = ProcrastinateJob.objects.filter(task_name="collect", status="todo", args__organisation_id=named)
    if not waiting.exists():
        app.configure_task("collect", queue="journey").defer(organisation_id=named)


def mail_later(task: str, organisation_id: UUID) -> None:
    """Have one organisation's returns read, or its return path tried, unless that is waiting or under way."""
    named = str(organisation_id)
    unfinished = ProcrastinateJob.objects.filter(task_name=task, status__in=("todo", "doing"))
    if not unfinished.filter(args__organisation_id=named).exists():
        app.configure_task(task, queue="journey").defer(organisation_id=named)


def control_later(organisation_id: UUID, *, actor: str) -> None:
    """Have the controls of the audit trail run now, unless that is waiting already."""
    _steward_later("control_now", organisation_id, actor=actor)


def write_trail_later(organisation_id: UUID, *, actor: str) -> None:
    """Have the written audit trail compared, and written anew if it has changed, unless that is waiting already."""
    _steward_later("write_trail_now", organisation_id, actor=actor)


def channel_changed_later(organisation_id: UUID, channel: str, *, actor: str) -> None:
    """Have what a channel held, or what waited for it, tried again: its settings have just changed."""
    task = app.configure_task("channel_changed", queue="steward")
    task.defer(organisation_id=str(organisation_id), channel=channel, actor=actor)


def _steward_later(task: str, organisation_id: UUID, *, actor: str) -> None:
    waiting = ProcrastinateJob.objects.filter(task_name=task, status="todo", args__organisation_id=str(organisation_id))
    if not waiting.exists():
        app.configure_task(task, queue="steward").defer(organisation_id=str(organisation_id), actor=actor)
