"""Publishes the whole installation's journal as static files (`evidence.static_tiles`), from the tables."""

from collections.abc import Sequence
from functools import lru_cache
from uuid import UUID

from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.static_tiles import Door, TilesDiffer, publish
from faitfoi.evidence.tiles import WIDTH, TiledTree
from faitfoi.records.journal import row
from faitfoi.records.models import Checkpoint, JournalEntry, JournalLeaf

AT_ONCE = 16 * WIDTH
"""Entries read in one go: with many organisations, each has one query for all of them."""


def publish_journal(size: int, door: Door) -> int:
    """Publish the first `size` entries under their checkpoint; returns how many were written now.

    Hashes and ids only: nobody's name or address is in an entry. Raises TilesDiffer.
    """
    note = Checkpoint.objects.get(size=size).note.encode()

    @lru_cache(maxsize=1)
    def portion(start: int) -> list[bytes]:
        return _bodies(start, min(start + AT_ONCE, size))

    def bodies(start: int, end: int) -> Sequence[bytes]:
        first = start - start % AT_ONCE
        return portion(first)[start - first : end - first]

    return publish(note, bodies, door, root_at=lambda earlier: TiledTree(earlier, row).root())


def _bodies(start: int, end: int) -> list[bytes]:
    leaves = JournalLeaf.objects.filter(index__gte=start, index__lt=end).order_by("index")
    placed = list(leaves.values_list("entry_id", "organisation_id"))
    bodies: dict[UUID, str] = {}
    for organisation_id in dict.fromkeys(whose for _, whose in placed):
        own = [entry_id for entry_id, whose in placed if whose == organisation_id]
        with acting_for(organisation_id):
            bodies |= dict(JournalEntry.objects.filter(id__in=own).values_list("id", "body"))
    if len(bodies) < end - start:
        raise TilesDiffer(f"Des écritures manquent au journal entre {start} et {end - 1} : lancez « faitfoi fsck ».")
    return [bodies[entry_id].encode() for entry_id, _ in placed]
