"""The periodic control of integrity: some objects each day, every pack within the year, both copies, all journalled.

A copy that lies is mended from the one that does not; what no copy gives any more raises an alarm.
"""

import hashlib
import json
import logging
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.shelf import ObjectAltered, ObjectMissing, Shelf
from faitfoi.evidence.store import digest_of, pack_digest, pack_name
from faitfoi.pipeline.archive import fetch, kept_until
from faitfoi.pipeline.installation import store
from faitfoi.records.alarms import archive_alarm
from faitfoi.records.journal import write_entry
from faitfoi.records.models import Alarm, JournalEntry, StoredObject

log = logging.getLogger(__name__)

CHECKED = "integrity_checked"
A_YEAR = timedelta(days=365)
SPREAD_OVER = 90
"""Days over which the yearly control of all packs is spread."""
LEAST_PACKS = 20
"""Packs of one portion at least: a small archive is read again in a few days."""
FIRST = ("", "")
MOST_NAMED = 2_000
"""Objects of lost packs that one entry names: beyond, a whole shelf is gone, and the packs say enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one control found: how much was read again, how many packs lied, were mended, are given by no copy."""

    objects: int
    packs: int
    bad: int
    mended: int
    lost: int
    complete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Reread:
    """What the controls of integrity said since the last one of all packs began: the hour of the last, what is lost.

    `at` is None when none has run. `lost` are digests of packs that no copy gave whole, `gone` those of the objects
    that nothing gives any more; of `unlisted` packs, all of them may be.
    """

    at: datetime | None
    objects: int
    lost: frozenset[str]
    gone: frozenset[str]
    unlisted: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Campaign:
    """A control of all packs: when it began, and the last pack read, in the order of their digests."""

    began: str
    after: tuple[str, str]


def check_sample(organisation_id: UUID, *, actor: str, seed: str = "") -> Outcome:
    """Read again the packs of `FAITFOI_INTEGRITY_SAMPLE` objects, drawn by a seed that the entry keeps."""
    seed = seed or secrets.token_hex(16)
    with acting_for(organisation_id):
        packs = {(row.pack, row.retention) for row in _drawn(seed, settings.FAITFOI_INTEGRITY_SAMPLE)}
    return _check(organisation_id, sorted(packs), actor=actor, scope="sample", how={"seed": seed})


def check_portion(organisation_id: UUID, *, actor: str, most: int) -> Outcome:
    """Go on with the control of all packs by at most so many; one that is over, or none, begins anew."""
    with acting_for(organisation_id):
        campaign = _open_campaign() or _Campaign(began=timezone.now().isoformat(), after=FIRST)
        following = list(_packs_after(campaign.after)[: most + 1])
    portion, complete = following[:most], len(following) <= most
    last = portion[-1] if portion else campaign.after
    return _check(
        organisation_id,
        portion,
        actor=actor,
        scope="complete",
        how={"began": campaign.began, "after": " ".join(last)},
        complete=complete,
    )


def last_results() -> Reread:
    """Tell what was read again, and what is lost, without reading anything again. Runs inside `acting_for`.

    A pack is lost until a whole control that began afterwards has found it, as its alarm is.
    """
    entries = JournalEntry.objects.filter(kind=CHECKED).order_by("id")
    over = entries.filter(body__contains='"scope":"complete"').filter(body__contains='"complete":true').last()
    began = datetime.fromisoformat(json.loads(over.body)["how"]["began"]) if over else None
    said = entries.filter(created_at__gte=began) if began else entries
    at, objects, lost, gone, unlisted = None, 0, set[str](), set[str](), set[str]()
    for created_at, text in said.values_list("created_at", "body").iterator():
        body = json.loads(text)
        at, objects = created_at, objects + int(body["objects"])
        lost |= set(body["lost"])
        if body.get("listed"):
            gone |= set(body["objects_gone"])
        else:
            unlisted |= set(body["lost"])
    return Reread(at=at, objects=objects, lost=frozenset(lost), gone=frozenset(gone), unlisted=frozenset(unlisted))


def check_all(organisation_id: UUID, *, actor: str, told: Callable[[Outcome], None]) -> bool:
    """Read every pack again, from where the last control stopped; `told` hears of each portion. True when all hold."""
    lost = 0
    while True:
        outcome = check_portion(organisation_id, actor=actor, most=LEAST_PACKS)
        lost += outcome.lost
        told(outcome)
        if outcome.complete:
            copy_journal()
            return not lost


def copy_journal() -> int:
    """Give each shelf the journal's segments that only the other one has; returns how many were missing."""
    copied = 0
    first, second = store().first, store().second
    if second is None:
        return 0
    names = {shelf: set(shelf.names("journal/")) for shelf in (first, second)}
    for source, target in ((first, second), (second, first)):
        for name in sorted(names[source] - names[target]):
            target.put(name, source.get(name))
            copied += 1
    return copied


def check_of_the_day(organisation_id: UUID, *, actor: str) -> None:
    """Do what is due today: the sample, and a portion of the yearly control while one is open or due."""
    check_sample(organisation_id, actor=actor)
    with acting_for(organisation_id):
        if _open_campaign() is None and not _is_due(timezone.now()):
            return
        total = StoredObject.objects.order_by().values("pack", "retention").distinct().count()
    check_portion(organisation_id, actor=actor, most=max(LEAST_PACKS, -(-total // SPREAD_OVER)))


def packs_to_check(organisation_id: UUID) -> int:
    """Count the packs that the control of all has still to read."""
    with acting_for(organisation_id):
        campaign = _open_campaign()
        return _packs_after(campaign.after if campaign else FIRST).count()


def _check(
    organisation_id: UUID,
    packs: Sequence[tuple[str, str]],
    *,
    actor: str,
    scope: str,
    how: dict[str, str],
    complete: bool = True,
) -> Outcome:
    with acting_for(organisation_id):
        found = StoredObject.objects.filter(pack__in=[pack for pack, _ in packs]).order_by(
            "pack", "retention", "offset"
        )
        rows = {
            pack_name(organisation_id, retention, pack): list(each)
            for (pack, retention), each in groupby(
                found.order_by("pack", "retention", "offset"), key=lambda row: (row.pack, row.retention)
            )
            if (pack, retention) in packs
        }
    bad = [name for name, each in rows.items() if not all(_holds(shelf, name, each) for shelf in store().shelves)]
    mended = {name: copies for name in bad if (copies := _mended(organisation_id, name))}
    lost = [name for name in bad if name not in mended]
    doubtful = [row.sha256 for name in lost for row in rows[name]]
    listed = len(doubtful) <= MOST_NAMED
    gone = _gone(organisation_id, doubtful) if listed else []
    outcome = Outcome(
        objects=sum(map(len, rows.values())),
        packs=len(rows),
        bad=len(bad),
        mended=len(mended),
        lost=len(lost),
        complete=complete,
    )
    with acting_for(organisation_id):
        for name, copies in mended.items():
            write_entry("object_repaired", actor=actor, pack=pack_digest(name), copies=list(copies))
        write_entry(
            CHECKED,
            actor=actor,
            scope=scope,
            copies=len(store().shelves),
            objects=outcome.objects,
            packs=outcome.packs,
            bad=outcome.bad,
            mended=outcome.mended,
            lost=[pack_digest(name) for name in lost],
            how=how,
            complete=complete,
            listed=listed,
            objects_gone=gone,
        )
        _tell(organisation_id, over=scope == "complete" and outcome.complete)
    return outcome


def _gone(organisation_id: UUID, objects: Sequence[str]) -> list[str]:
    """The objects that no copy of any pack gives any more: of a pack that lies, most are whole."""
    gone = []
    for sha256 in objects:
        try:
            fetch(organisation_id, sha256)
        except (ObjectAltered, ObjectMissing):
            gone.append(sha256)
    return gone


def _holds(shelf: Shelf, name: str, rows: Sequence[StoredObject]) -> bool:
    """Whether one copy of a pack gives its name, and every object both fingerprints."""
    try:
        content = shelf.get(name)
    except ObjectMissing:
        return False
    if hashlib.sha256(content).hexdigest() != pack_digest(name):
        return False
    parts = ((row, digest_of(content[row.offset : row.offset + row.size])) for row in rows)
    return all((part.sha256, part.sha512, part.size) == (row.sha256, row.sha512, row.size) for row, part in parts)


def _mended(organisation_id: UUID, name: str) -> tuple[str, ...]:
    """Put the lying copies right; returns which, none when no copy is whole."""
    try:
        return store().mend(name, keep_until=kept_until(organisation_id, name.split("/")[1]))
    except ObjectAltered as error:
        log.error("%s", error)  # the sentence is what the operator needs
        return ()


def _tell(organisation_id: UUID, *, over: bool) -> None:
    """Raise the alarm for what is lost; it ends when a control of all packs, every portion of it, ends without loss."""
    cause, packs = archive_alarm(organisation_id), len(last_results().lost)
    if packs:
        lost = (
            "un paquet de fichiers qu’aucune copie ne rend plus"
            if packs == 1
            else f"{packs} paquets de fichiers qu’aucune copie ne rend plus"
        )
        sentence = (
            f"Archive abîmée : la relecture a trouvé {lost}. Prévenez la personne qui gère cette installation : "
            "« faitfoi fsck » les nomme, puis une sauvegarde du coffre les rend."
        )
        Alarm.objects.update_or_create(cause=cause, defaults={"sentence": sentence})
    elif over:
        Alarm.objects.filter(cause=cause).delete()


def _drawn(seed: str, count: int) -> Iterator[StoredObject]:
    """Draw objects: for each number, the first one whose SHA-256 follows a hash of the seed and the number."""
    by_digest = StoredObject.objects.order_by("sha256", "id")
    for number in range(count):
        point = hashlib.sha256(f"{seed}:{number}".encode()).hexdigest()
        drawn = by_digest.filter(sha256__gte=point).first() or by_digest.first()
        if drawn is None:
            return
        yield drawn


def _packs_after(after: tuple[str, str]) -> QuerySet[StoredObject, tuple[str, str]]:
    pack, retention = after
    beyond = Q(pack__gt=pack) | Q(pack=pack, retention__gt=retention)
    return StoredObject.objects.filter(beyond).order_by("pack", "retention").values_list("pack", "retention").distinct()


def _open_campaign() -> _Campaign | None:
    last = _last_of_all()
    if last is None or last["complete"]:
        return None
    pack, _, retention = str(last["how"]["after"]).partition(" ")
    return _Campaign(began=str(last["how"]["began"]), after=(pack, retention))


def _last_of_all() -> dict[str, Any] | None:
    """Return what the last entry of a control of all packs says: it is where the next one goes on from."""
    entries = JournalEntry.objects.filter(kind=CHECKED, body__contains='"scope":"complete"').order_by("-id")
    body = entries.values_list("body", flat=True).first()
    found: dict[str, Any] | None = json.loads(body) if body else None
    return found


def _is_due(now: datetime) -> bool:
    last = _last_of_all()
    return last is None or datetime.fromisoformat(str(last["how"]["began"])) + A_YEAR <= now
