"""After another database has answered: what had been announced as leaving may have left, and is asked about.

The acts of the last moments may be missing from a database that was restored or switched over. Before a chunk leaves,
an entry that the witnesses have seen names its deliveries: those that it names and that nothing has moved since may
have left. They become questions, never sendings.
"""

import fcntl
import json
from uuid import UUID

from django.utils import timezone

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for, directory
from faitfoi.pipeline.rollback import doubt_file
from faitfoi.records.models import Act, Delivery, JournalEntry, JournalLeaf
from faitfoi.records.stages import Stage
from faitfoi.records.transitions import move
from faitfoi.records.transitions_act import move_act

LEAVING = "deliveries_leaving"
"""The entry that names the deliveries of a chunk before the first of them touches the wire."""

ACTS_LEAVING = "acts_leaving"
"""The same for what is told of deliveries that the other side has."""

REASON = "La base de données a été remplacée pendant l’envoi : elle est peut-être partie. On demande avant tout renvoi."
UNNUMBERED = 2**62  # an entry without an index yet is later than all that have one


def settle_doubts(*, actor: str) -> int:
    """Make a question of each delivery in doubt, when another database has answered since; returns how many.

    Runs outside any transaction, before anything is announced on that database.
    """
    mark = doubt_file()
    if not mark.exists():
        return 0
    with mark.with_suffix(".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not mark.exists():
            return 0
        with directory():
            organisations = list(Organisation.objects.values_list("id", flat=True))
        settled = sum(doubt(organisation_id, actor=actor) for organisation_id in organisations)
        mark.unlink()
    return settled


def doubt(organisation_id: UUID, *, actor: str) -> int:
    """Make a question of each delivery of one organisation that was about to leave, or was leaving."""
    with acting_for(organisation_id):
        waiting = dict(Delivery.objects.filter(stage=Stage.ROUTED).values_list("id", "document_id"))
        announced = _last_entries(LEAVING, "deliveries", documents=None)
        moved = _last_entries("stage_moved", "delivery", documents=list(waiting.values()))
        doubtful = [each for each in waiting if announced.get(str(each), -1) > moved.get(str(each), -1)]
        for delivery_id in doubtful:
            _ask_later(delivery_id, Stage.ROUTED, actor=actor)
        leaving = list(Delivery.objects.filter(stage=Stage.SENDING).values_list("id", flat=True))
        for delivery_id in leaving:
            _ask_later(delivery_id, Stage.SENDING, actor=actor)
        acts = _doubt_acts(actor=actor)
    return len(doubtful) + len(leaving) + acts


def _doubt_acts(*, actor: str) -> int:
    """The same for what was about to be told of a delivery."""
    waiting = list(Act.objects.filter(stage=Stage.ROUTED).values_list("id", flat=True))
    announced = _last_entries(ACTS_LEAVING, "acts", documents=None) if waiting else {}
    moved = _last_entries("act_moved", "act", documents=None) if waiting else {}
    doubtful = [each for each in waiting if announced.get(str(each), -1) > moved.get(str(each), -1)]
    for act_id in doubtful:
        move_act(act_id, source=Stage.ROUTED, target=Stage.SENDING, actor=actor, reason=REASON)
    leaving = list(Act.objects.filter(stage=Stage.SENDING).values_list("id", flat=True))
    for act_id in leaving:
        timetable = {"next_question_at": timezone.now(), "next_attempt_at": None}
        move_act(act_id, source=Stage.SENDING, target=Stage.TO_FIND, actor=actor, reason=REASON, timetable=timetable)
    return len(leaving)


def _ask_later(delivery_id: UUID, source: Stage, *, actor: str) -> None:
    if source is Stage.ROUTED:
        move(delivery_id, source=source, target=Stage.SENDING, actor=actor, reason=REASON)
    timetable = {"next_question_at": timezone.now(), "next_attempt_at": None}
    move(delivery_id, source=Stage.SENDING, target=Stage.TO_FIND, actor=actor, reason=REASON, timetable=timetable)


def _last_entries(kind: str, fact: str, *, documents: list[UUID] | None) -> dict[str, int]:
    """The index of the last entry of a kind that names each delivery."""
    entries = JournalEntry.objects.filter(kind=kind)
    if documents is not None:
        entries = entries.filter(document_id__in=documents)
    bodies = dict(entries.values_list("id", "body"))
    indices = dict(JournalLeaf.objects.filter(entry_id__in=list(bodies)).values_list("entry_id", "index"))
    last: dict[str, int] = {}
    for entry_id, body in bodies.items():
        named = json.loads(body).get(fact)
        index = indices.get(entry_id)
        for delivery in [named] if isinstance(named, str) else named:
            last[delivery] = max(last.get(delivery, -1), UNNUMBERED if index is None else index)
    return last
