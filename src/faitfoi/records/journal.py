"""The journal's front: entries written in the transaction of the act, and the one sequencer that numbers them."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS, connection, connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from faitfoi.accounts.identifiers import uuid7
from faitfoi.accounts.tenancy import require_organisation, run_prepared
from faitfoi.evidence.leaves import canonical, leaf_hash
from faitfoi.evidence.merkle import HASH_SIZE, Frontier
from faitfoi.evidence.tiles import WIDTH, complete_rows
from faitfoi.records.images import details_of
from faitfoi.records.models_journal import JournalHead, JournalNode

SEQUENCER_LOCK = 0x0FA17F01  # any constant: PostgreSQL's advisory lock of the one sequencer
LONGEST_ENTRY = 60_000
"""Octets of an entry: an entry bundle gives the length of each on two bytes (C2SP tlog-tiles)."""

ROWS_OF_ONE_ENTRY = 500

PENDING = "SELECT entry_id, leaf FROM records_journalleaf WHERE index IS NULL ORDER BY arrival LIMIT %s"
NUMBER = r"""
UPDATE records_journalleaf AS leaf SET index = %s::bigint + given.place - 1
FROM unnest(string_to_array(%s, E'\n')::uuid[]) WITH ORDINALITY AS given (entry_id, place)
WHERE leaf.entry_id = given.entry_id
"""

# A whole row in one value: 256 of them take longer to read than the proof takes to make.
LEAVES = """
SELECT string_agg(leaf, ''::bytea ORDER BY index) FROM records_journalleaf
WHERE index >= %s::bigint AND index < %s::bigint
"""
NODES = """
SELECT string_agg(node, ''::bytea ORDER BY position) FROM records_journalnode
WHERE level = %s AND position >= %s::bigint AND position < %s::bigint
"""

Row = TypeVar("Row", bound=models.Model)
Fact = str | int | bool | None | list[str] | dict[str, str]


# In texts to be divided, since an array of values takes longer to write than the entries themselves. Neither a UUID nor
# canonical JSON, where control characters are escaped, can hold a line feed; a kind is a name of ours.
WRITE = r"""
WITH given AS (
  SELECT * FROM unnest(
    string_to_array(%s, E'\n')::uuid[], string_to_array(%s, E'\n'), string_to_array(%s, E'\n', '')::uuid[],
    string_to_array(%s, E'\n'), string_to_array(%s, E'\n'), string_to_array(%s, E'\n', '')
  ) WITH ORDINALITY AS given (id, kind, document_id, body, leaf, details, place)
), entries AS (
  INSERT INTO records_journalentry (id, organisation_id, created_at, kind, document_id, body)
  SELECT id, %s, %s, kind, document_id, body FROM given
), details AS (
  INSERT INTO records_journaldetails (entry_id, organisation_id, body)
  SELECT id, %s, details FROM given WHERE details IS NOT NULL
)
INSERT INTO records_journalleaf (entry_id, organisation_id, leaf)
SELECT id, %s, decode(leaf, 'hex') FROM given ORDER BY place
"""


# One entry alone, which is most of them: without what it takes to divide texts and to keep many in order.
WRITE_ONE = """
WITH entry AS (
  INSERT INTO records_journalentry (id, organisation_id, created_at, kind, document_id, body)
  VALUES (%s, %s, %s, %s, %s, %s)
)
INSERT INTO records_journalleaf (entry_id, organisation_id, leaf) VALUES (%s, %s, %s)
"""
WRITE_ONE_WITH_DETAILS = """
WITH entry AS (
  INSERT INTO records_journalentry (id, organisation_id, created_at, kind, document_id, body)
  VALUES (%s, %s, %s, %s, %s, %s)
), details AS (
  INSERT INTO records_journaldetails (entry_id, organisation_id, body) VALUES (%s, %s, %s)
)
INSERT INTO records_journalleaf (entry_id, organisation_id, leaf) VALUES (%s, %s, %s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An entry to be written among others (see `write_entry`)."""

    kind: str
    document_id: UUID | None = None
    rows: Iterable[models.Model] = ()
    gone: Iterable[models.Model] = ()
    entry_id: UUID | None = None
    facts: Mapping[str, Fact] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class _Gathered:
    """Entries composed and not yet written, by `together`: of one organisation, of one instant, in their order."""

    organisation_id: UUID
    at: datetime
    savepoints: tuple[str, ...]
    composed: list[tuple[str, str, str, str, str, str]] = field(default_factory=list)


_gathered: WeakKeyDictionary[BaseDatabaseWrapper, _Gathered] = WeakKeyDictionary()


class EntryTooLong(ValueError):
    """An entry does not fit where entries are published: a bug, what is long belongs in the details."""


def write_entry(
    kind: str,
    *,
    actor: str,
    document_id: UUID | None = None,
    rows: Iterable[models.Model] = (),
    gone: Iterable[models.Model] = (),
    entry_id: UUID | None = None,
    **facts: Fact,
) -> UUID:
    """Write one entry in the running transaction and return its id.

    `facts` are ids, hashes, codes and sizes only: the journal never forgets, so it must not know people.
    `rows` are what the act created or changed, as they now stand in their tables, and `gone` what it removed: their
    images are kept beside the entry (`records.images`), which names them by their SHA-256. Write the rows first: the
    lock that this takes is what puts two acts on one row in order.
    Raises NoOrganisation outside `acting_for`, EntryTooLong above 60 kB.
    """
    draft = Draft(kind=kind, document_id=document_id, rows=rows, gone=gone, facts=facts, entry_id=entry_id)
    (written,) = write_entries([draft], actor=actor)
    return written


def write_entries(drafts: Iterable[Draft], *, actor: str) -> list[UUID]:
    """Write many entries in the running transaction, in this order and in one statement; returns their ids.

    Raises as `write_entry` does.
    """
    organisation_id = require_organisation()
    waiting = _gathered.get(connections[DEFAULT_DB_ALIAS])
    at = waiting.at if waiting else timezone.now()
    common = {"v": 1, "organisation": str(organisation_id), "at": at.isoformat(), "actor": actor}
    given = [(draft.entry_id or uuid7(), draft) for draft in drafts]
    composed = [_compose(draft, str(entry_id), common) for entry_id, draft in given]
    if waiting is None or tuple(connection.savepoint_ids) != waiting.savepoints:
        _insert(composed, organisation_id=organisation_id, at=at)  # a savepoint that is undone takes them with it
    else:
        waiting.composed += composed
    return [entry_id for entry_id, _ in given]


@contextmanager
def together() -> Iterator[None]:
    """Write the entries of this block at its end, in their order and in one statement; in case of an error, none.

    Inside `acting_for`, around what one transaction does to one thing: all of it happens at one instant. Before a
    savepoint begins, those that wait are written: when it is undone, its own entries go and they stay.
    """
    here = connections[DEFAULT_DB_ALIAS]
    if here in _gathered:
        yield
        return
    waiting = _Gathered(
        organisation_id=require_organisation(), at=timezone.now(), savepoints=tuple(connection.savepoint_ids)
    )
    _gathered[here] = waiting

    def before_a_savepoint(execute: Callable[..., object], sql: str, *told: object) -> object:
        if str(sql).startswith("SAVEPOINT"):
            _write_gathered(waiting)
        return execute(sql, *told)

    try:
        with here.execute_wrapper(before_a_savepoint):
            yield
        _write_gathered(waiting)
    finally:
        del _gathered[here]


def _write_gathered(waiting: _Gathered) -> None:
    composed, waiting.composed = waiting.composed, []
    _insert(composed, organisation_id=waiting.organisation_id, at=waiting.at)


def _insert(composed: list[tuple[str, str, str, str, str, str]], *, organisation_id: UUID, at: datetime) -> None:
    if len(composed) == 1:
        ((entry_id, kind, document, body, leaf, details),) = composed
        entry = [entry_id, organisation_id, at, kind, document or None, body]
        kept = [entry_id, organisation_id, details] if details else []
        statement = WRITE_ONE_WITH_DETAILS if details else WRITE_ONE
        run_prepared(statement, [*entry, *kept, entry_id, organisation_id, bytes.fromhex(leaf)])
    elif composed:
        ids, kinds, documents, bodies, leaves, details = ("\n".join(column) for column in zip(*composed, strict=True))
        told = [ids, kinds, documents, bodies, leaves, details, organisation_id, at, organisation_id, organisation_id]
        run_prepared(WRITE, told)


def _compose(draft: Draft, entry_id: str, common: Mapping[str, object]) -> tuple[str, str, str, str, str, str]:
    """The entry's id, kind, document, body, leaf in hex, and details; empty where there are none."""
    rows, gone = list(draft.rows), list(draft.gone)
    details = details_of(rows, gone) if rows or gone else ""
    entry: dict[str, object] = {**common, "id": entry_id, "type": draft.kind, **draft.facts}
    document = ""
    if draft.document_id:
        entry["document"] = document = str(draft.document_id)
    if details:
        entry["details"] = hashlib.sha256(details.encode()).hexdigest()
    body = canonical(entry)
    if len(body) > LONGEST_ENTRY:
        raise EntryTooLong(f"{draft.kind}: {len(body)} bytes, the longest entry has {LONGEST_ENTRY}.")
    return entry_id, draft.kind, document, body.decode(), leaf_hash(body).hex(), details


def shares(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Divide rows among as many entries as it takes for the details of each to be read in one go."""
    for start in range(0, len(rows), ROWS_OF_ONE_ENTRY):
        yield rows[start : start + ROWS_OF_ONE_ENTRY]


def sequence(*, most: int = 20_000, wait: bool = False) -> int:
    """Give every committed leaf its dense index and the journal its new head; returns how many were numbered.

    One sequencer at a time in the whole installation; another caller returns 0 at once, since the holder's next
    round takes what it left, or waits for its turn with `wait`. Leaves are numbered as they arrived in the database
    (one clock for all machines), so that of two acts on one row the later has the higher index.
    """
    with transaction.atomic():
        if not _alone(wait=wait):
            return 0
        with connection.cursor() as cursor:
            cursor.execute(PENDING, [most])
            pending = [(entry_id, bytes(leaf)) for entry_id, leaf in cursor.fetchall()]
        if not pending:
            return 0
        head = JournalHead.objects.order_by("-size").first()
        frontier = Frontier.load(bytes(head.frontier)) if head else Frontier()
        run_prepared(NUMBER, [frontier.size, "\n".join(str(entry_id) for entry_id, _ in pending)])
        for _, leaf in pending:
            frontier.append(leaf)
        complete_nodes(frontier.size)
        JournalHead.objects.create(size=frontier.size, root=frontier.root(), frontier=frontier.dump())
        return len(pending)


def row(level: int, number: int) -> list[bytes]:
    """A row of the tree (see `evidence.tiles`): at most 256 hashes of a level, in order."""
    start, end = number * WIDTH, (number + 1) * WIDTH
    found = (run_prepared(LEAVES, [start, end]) if level == 0 else run_prepared(NODES, [level, start, end])).fetchone()
    hashes = bytes(found[0]) if found and found[0] else b""
    return [hashes[at : at + HASH_SIZE] for at in range(0, len(hashes), HASH_SIZE)]


def complete_nodes(size: int) -> None:
    """Write the nodes above the leaves that a journal of `size` entries has, and the tables have not."""
    # From the nodes that are there, not from the last head: a journal older than its nodes gets them all.
    before = WIDTH * JournalNode.objects.filter(level=1).count()
    for level, position, node in complete_rows(before, size, row):
        JournalNode.objects.create(level=level, position=position, node=node)


def _alone(*, wait: bool) -> bool:
    with connection.cursor() as cursor:
        if wait:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SEQUENCER_LOCK])
            return True
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SEQUENCER_LOCK])
        return bool(cursor.fetchone()[0])
