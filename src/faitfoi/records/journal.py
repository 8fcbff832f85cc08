"""The journal's front: entries written in the transaction of the act, and the one sequencer that numbers them."""

from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from faitfoi.accounts.identifiers import uuid7
from faitfoi.accounts.tenancy import require_organisation
from faitfoi.evidence.leaves import canonical, leaf_hash
from faitfoi.evidence.merkle import Frontier
from faitfoi.evidence.tiles import WIDTH, complete_rows
from faitfoi.records.models_journal import JournalEntry, JournalHead, JournalLeaf, JournalNode

SEQUENCER_LOCK = 0x0FA17F01  # any constant: PostgreSQL's advisory lock of the one sequencer
Fact = str | int | bool | None | list[str] | dict[str, str]


def write_entry(kind: str, *, actor: str, document_id: UUID | None = None, **facts: Fact) -> UUID:
    """Write one entry in the running transaction and return its id.

    `facts` are ids, hashes, codes and sizes only: the journal never forgets, so it must not know people.
    Raises NoOrganisation outside `acting_for`.
    """
    organisation_id = require_organisation()
    entry_id = uuid7()
    entry: dict[str, object] = {
        "v": 1,
        "id": str(entry_id),
        "organisation": str(organisation_id),
        "type": kind,
        "at": timezone.now().isoformat(),
        "actor": actor,
        **({"document": str(document_id)} if document_id else {}),
        **facts,
    }
    body = canonical(entry)
    JournalEntry.objects.create(
        id=entry_id, organisation_id=organisation_id, kind=kind, document_id=document_id, body=body.decode()
    )
    JournalLeaf.objects.create(entry_id=entry_id, leaf=leaf_hash(body))
    return entry_id


def sequence(*, most: int = 20_000, wait: bool = False) -> int:
    """Give every committed leaf its dense index and the journal its new head; returns how many were numbered.

    One sequencer at a time in the whole installation; another caller returns 0 at once, since the holder's next
    round takes what it left, or waits for its turn with `wait`.
    """
    with transaction.atomic():
        if not _alone(wait=wait):
            return 0
        pending = list(JournalLeaf.objects.filter(index=None).order_by("entry_id")[:most])
        if not pending:
            return 0
        head = JournalHead.objects.order_by("-size").first()
        frontier = Frontier.load(bytes(head.frontier)) if head else Frontier()
        for leaf in pending:
            leaf.index = frontier.size
            frontier.append(bytes(leaf.leaf))
        JournalLeaf.objects.bulk_update(pending, ["index"], batch_size=1000)
        _complete_rows(frontier.size)
        JournalHead.objects.create(size=frontier.size, root=frontier.root(), frontier=frontier.dump())
        return len(pending)


def row(level: int, number: int) -> list[bytes]:
    """A row of the tree (see `evidence.tiles`): at most 256 hashes of a level, in order."""
    start, end = number * WIDTH, (number + 1) * WIDTH
    if level == 0:
        leaves = JournalLeaf.objects.filter(index__gte=start, index__lt=end).order_by("index")
        return [bytes(leaf) for (leaf,) in leaves.values_list("leaf")]
    nodes = JournalNode.objects.filter(level=level, position__gte=start, position__lt=end).order_by("position")
    return [bytes(node) for (node,) in nodes.values_list("node")]


def _alone(*, wait: bool) -> bool:
    with connection.cursor() as cursor:
        if wait:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SEQUENCER_LOCK])
            return True
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SEQUENCER_LOCK])
        return bool(cursor.fetchone()[0])


def _complete_rows(size: int) -> None:
    # From the nodes that are there, not from the last head: a journal older than its nodes gets them all.
    before = WIDTH * JournalNode.objects.filter(level=1).count()
    for level, position, node in complete_rows(before, size, row):
        JournalNode.objects.create(level=level, position=position, node=node)
