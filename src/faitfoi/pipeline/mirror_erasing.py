"""Makes the journal's mirror forget the details that an elimination has erased: their bytes become zeros, in place.

The packs of details keep their names and their places, so that the details of other entries are still found there.
"""

from collections import defaultdict
from uuid import UUID

from django.db import connection
from django.db.models import Q

from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.shelf import ObjectMissing, Shelf
from faitfoi.pipeline.installation import store
from faitfoi.pipeline.mirroring import places_in_mirror, segments
from faitfoi.records.models import JournalLeaf

BLANK = ".blank"
"""Added to the name of a pack while it is being replaced: what a stop in between left is found there."""
_ERASED = (
    "SELECT e.id FROM records_journalentry e LEFT JOIN records_journaldetails d ON d.entry_id = e.id "
    "WHERE d.entry_id IS NULL AND (e.body::json->>'details') IS NOT NULL"
)


def forget_in_mirror(organisation_id: UUID) -> int:
    """Blank, on every shelf, what the tables have erased; returns how many details were. Again as often as wanted.

    Outside any transaction. Raises PermissionError where a shelf still keeps a pack by itself.
    """
    with acting_for(organisation_id), connection.cursor() as cursor:
        cursor.execute(_ERASED)
        erased = [entry_id for (entry_id,) in cursor.fetchall()]
    numbered = JournalLeaf.objects.filter(Q(entry_id__in=erased), index__isnull=False)
    indices = {index for (index,) in numbered.values_list("index") if index is not None}
    ranges: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for segment in segments():
        if any(segment.first <= index <= segment.last for index in indices):
            for index, pack, offset, size in places_in_mirror(segment):
                if index in indices:
                    ranges[pack].append((offset, size))
    for pack, places in ranges.items():
        for shelf in store().shelves:
            _blank(shelf, pack, places)
    return sum(map(len, ranges.values()))


def _blank(shelf: Shelf, pack: str, places: list[tuple[int, int]]) -> None:
    try:
        whole = bytearray(shelf.get(pack))
    except ObjectMissing:
        # Stopped between the two writings: the blanked one is beside.
        whole = bytearray(shelf.get(pack + BLANK))
    before = bytes(whole)
    for offset, size in places:
        whole[offset : offset + size] = bytes(size)
    blanked = bytes(whole)
    if blanked != before or not _is_there(shelf, pack):
        if blanked != before:
            shelf.remove(pack + BLANK)
            shelf.put(pack + BLANK, blanked)
        shelf.remove(pack)
        shelf.put(pack, blanked)
    shelf.remove(pack + BLANK)


def _is_there(shelf: Shelf, name: str) -> bool:
    try:
        shelf.written(name)
    except ObjectMissing:
        return False
    return True
