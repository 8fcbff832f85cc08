"""What the journal's mirror holds, held against the tables: a restore needs it, and finds out too late that it lies."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator

from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.fsck import Problem, ProblemKind
from faitfoi.evidence.shelf import ObjectMissing, Shelf
from faitfoi.pipeline.installation import store
from faitfoi.pipeline.mirror_erasing import BLANK
from faitfoi.pipeline.mirroring import FOLDER
from faitfoi.records.models import JournalDetails, JournalLeaf, MirroredSegment

REMEDY = "Une remise en état ne pourrait plus s’en servir : remettez-le de l’autre copie."

_Place = tuple[int, str, int, int]
"""Index of an entry, digest of its details, offset and size of them in their pack."""


def mirror_problems() -> Iterator[Problem]:
    """Read every segment that the tables name, and the details in it, on every shelf; tell what lies or is gone.

    What an elimination erased is zeros there, and no more in the tables. One segment is in memory at a time.
    """
    for row in MirroredSegment.objects.order_by("first").iterator():
        name = f"{FOLDER}{row.first:012d}-{row.last}.jsonl"
        for copy, shelf in enumerate(store().shelves, start=1):
            content = _read(shelf, name)
            if content is None:
                yield _missing(name, copy)
            elif hashlib.sha256(content).hexdigest() != row.sha256:
                yield _altered(name, copy)
            else:
                yield from _details(shelf, content, copy=copy)


def _details(shelf: Shelf, segment: bytes, *, copy: int) -> Iterator[Problem]:
    by_pack: dict[str, list[_Place]] = defaultdict(list)
    for line in map(json.loads, segment.splitlines()):
        if place := line["details"]:
            wanted = str(json.loads(line["body"])["details"])
            by_pack[place["pack"]].append((line["index"], wanted, place["offset"], place["size"]))
    for pack, places in by_pack.items():
        content = _read(shelf, pack)
        if content is None:
            yield _missing(pack, copy)
        elif hashlib.sha256(content).hexdigest() != pack.rpartition("/")[2] and not _blanked(content, places):
            yield _altered(pack, copy)


def _blanked(content: bytes, places: list[_Place]) -> bool:
    """Whether a pack differs from its name only where details are zeros that the tables have erased too."""
    zeros = []
    for index, wanted, offset, size in places:
        part = content[offset : offset + size]
        if len(part) == size and not any(part):
            zeros.append(index)
        elif hashlib.sha256(part).hexdigest() != wanted:
            return False
    leaves = JournalLeaf.objects.filter(index__in=zeros).values_list("organisation_id", "entry_id")
    for organisation_id, entry_id in leaves:
        with acting_for(organisation_id):
            if JournalDetails.objects.filter(entry_id=entry_id).exists():
                return False
    return len(content) == sum(size for *_, size in places)


def _read(shelf: Shelf, name: str) -> bytes | None:
    """A file of the mirror; None when it is gone. One that is just being blanked lies beside under its other name."""
    for each in (name, name + BLANK, name):
        try:
            return shelf.get(each)
        except ObjectMissing:
            continue
    return None


def _missing(name: str, copy: int) -> Problem:
    where = f"Le fichier {name} du miroir du journal n’est plus sur le rayonnage {copy}"
    return Problem(kind=ProblemKind.MIRROR_MISSING, object=name, sentence=f"{where}. {REMEDY}")


def _altered(name: str, copy: int) -> Problem:
    where = f"Le fichier {name} du miroir du journal a changé sur le rayonnage {copy}"
    return Problem(kind=ProblemKind.MIRROR_ALTERED, object=name, sentence=f"{where}. {REMEDY}")
