"""The journal's mirror: what a witness is about to see lies on the shelves first, and can be read without a database.

A segment is `journal/<first index, 12 digits>-<last>.jsonl`, one canonical JSON line an entry:
`{"body":"…","details":null or {"offset":…,"pack":"…","size":…},"index":…}`. The details of each organisation lie apart,
in packs `journal/details/<organisation>/<SHA-256>`, so that they can be erased and nothing else; an entry names its own
by their SHA-256, so a place that lies is seen.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.utils import timezone

from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.leaves import canonical, leaf_hash
from faitfoi.evidence.shelf import ObjectAltered, ObjectMissing
from faitfoi.pipeline.installation import store
from faitfoi.records.models import JournalDetails, JournalEntry, JournalLeaf, MirroredSegment

FOLDER = "journal/"
DETAILS = "journal/details/"
MIRROR_LOCK = 0x0FA17F03  # any constant: PostgreSQL's advisory lock of the one who writes the mirror
MOST_ENTRIES = 5_000
"""Entries of one segment: a few megabytes, read in one go."""
KEPT = timedelta(days=11 * 366)
"""How long a shelf that locks keeps a segment: ten years from the end of the financial year (C. com. L123-22)."""
_SEGMENT = re.compile(r"journal/([0-9]{12})-([0-9]{1,15})\.jsonl")


class MirrorDiffers(Exception):
    """The mirror holds other entries at these places: the journal went back and went on. A French sentence."""


class MirrorSilent(Exception):
    """A shelf does not take the segment: nothing that it should hold may be shown to a witness. A French sentence."""


class MirrorDamaged(Exception):
    """A segment or the details that an entry names are missing or altered. A French sentence that names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MirroredEntry:
    """One entry as the mirror holds it; `details` is None when it has none, or when they have been erased."""

    index: int
    body: str
    details: str | None

    @property
    def leaf(self) -> bytes:
        """The leaf of the entry (RFC 6962 §2.1)."""
        return leaf_hash(self.body.encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A file of the mirror, and the indices of the entries in it, both included."""

    first: int
    last: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Numbered:
    index: int
    entry_id: UUID
    organisation_id: UUID


def mirror(*, size: int) -> int:
    """Have the first `size` entries of the journal in the mirror, on every shelf; returns how many were written now.

    Safe to run at once in many workers and to be killed at any moment: what was written without being noted is
    written again, the same bytes under the same names or a longer segment beside. Call it outside any transaction.
    Raises MirrorSilent, MirrorDiffers.
    """
    if _mirrored() >= size:
        return 0
    with _alone():
        written = 0
        while (start := _mirrored()) < size:
            segment = _next(start, size)
            _write(segment)
            written += len(segment)
    return written


def segments(start: int = 0) -> list[Segment]:
    """The segments of the mirror that hold entry `start` or later ones, by their places. Asks the shelves only."""
    names = {name for shelf in store().shelves for name in shelf.names(FOLDER)}
    matched = ((name, _SEGMENT.fullmatch(name)) for name in names)
    found = [Segment(first=int(m[1]), last=int(m[2]), name=name) for name, m in matched if m]
    return sorted((each for each in found if each.last >= start), key=lambda each: (each.first, each.last))


def mirrored_entries(start: int = 0) -> Iterator[MirroredEntry]:
    """Every entry of the mirror from index `start` on, each once and in order, its details held to their name.

    Segments may overlap (a worker was killed before noting one): what was told is passed over, and must be the same.
    Raises MirrorDamaged at a hole, at bytes that do not read, or where two segments say different things.
    """
    following = start
    told: dict[int, bytes] = {}
    for segment in segments(start):
        if segment.first > following:
            raise MirrorDamaged(f"Le miroir du journal n’a plus l’écriture {following} : il reprend à {segment.first}.")
        for entry in read_segment(segment):
            if entry.index < following:
                if told.get(entry.index, entry.leaf) != entry.leaf:
                    raise MirrorDamaged(f"Le miroir du journal dit deux choses de l’écriture {entry.index}.")
                continue
            told[entry.index] = entry.leaf
            following = entry.index + 1
            yield entry


def read_segment(segment: Segment) -> Iterator[MirroredEntry]:
    """The entries of one segment, from the first shelf that holds it whole. Raises MirrorDamaged."""
    for shelf in store().shelves:
        try:
            lines = [json.loads(line) for line in shelf.get(segment.name).splitlines()]
            indices = [line["index"] for line in lines]
            if indices != list(range(segment.first, segment.last + 1)):
                continue
            read = [(line["index"], str(line["body"]), line["details"]) for line in lines]
        except (ObjectMissing, OSError, ValueError, LookupError, TypeError):
            continue
        break
    else:
        raise MirrorDamaged(f"Le segment {segment.name} du miroir ne se lit plus, sur aucune copie.")
    for index, body, place in read:
        yield MirroredEntry(index=index, body=body, details=_details_at(place, body) if place else None)


def places_in_mirror(segment: Segment) -> Iterator[tuple[int, str, int, int]]:
    """Where the details of a segment's entries lie: index, pack, offset, size. Raises MirrorDamaged."""
    for shelf in store().shelves:
        try:
            lines = [json.loads(line) for line in shelf.get(segment.name).splitlines()]
        except (ObjectMissing, OSError, ValueError):
            continue
        for line in lines:
            if place := line["details"]:
                yield int(line["index"]), str(place["pack"]), int(place["offset"]), int(place["size"])
        return
    raise MirrorDamaged(f"Le segment {segment.name} du miroir ne se lit plus, sur aucune copie.")


def _details_at(place: dict[str, object], body: str) -> str | None:
    """The details at a place, held to the name that the entry gives them; None when they were erased everywhere."""
    wanted = json.loads(body).get("details")
    lying = False
    for shelf in store().shelves:
        try:
            content = shelf.get(str(place["pack"]), start=int(str(place["offset"])), size=int(str(place["size"])))
        except (ObjectMissing, OSError):
            continue
        if hashlib.sha256(content).hexdigest() == wanted:
            return content.decode()
        # Zeros are what an elimination leaves (`pipeline.mirror_erasing`).
        lying = lying or any(content)
    if lying:
        raise MirrorDamaged(f"Les détails {wanted} ont changé dans {place['pack']}.")
    return None


def _mirrored() -> int:
    """How many entries the tables know to be in the mirror."""
    last = MirroredSegment.objects.order_by("-first").first()
    return last.last + 1 if last else 0


@contextmanager
def _alone() -> Iterator[None]:
    # Held by the session, not by a transaction: shelves are written meanwhile. A killed worker's goes with it.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIRROR_LOCK])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [MIRROR_LOCK])


def _next(start: int, size: int) -> list[_Numbered]:
    leaves = JournalLeaf.objects.filter(index__gte=start, index__lt=min(size, start + MOST_ENTRIES)).order_by("index")
    found = [
        _Numbered(index=index, entry_id=entry_id, organisation_id=organisation_id)
        for index, entry_id, organisation_id in leaves.values_list("index", "entry_id", "organisation_id")
        if index is not None
    ]
    if [each.index for each in found] != list(range(start, start + len(found))) or not found:
        raise MirrorDiffers(f"Le journal n’a plus d’écriture {start}, que sa tête compte : lancez « faitfoi fsck ».")
    return found


def _write(numbered: list[_Numbered]) -> None:
    """Put one segment and its details on every shelf, then note that it is there."""
    texts: dict[UUID, tuple[str, dict[str, object] | None]] = {}
    until = timezone.now() + KEPT
    try:
        for organisation_id in dict.fromkeys(each.organisation_id for each in numbered):
            own = [each.entry_id for each in numbered if each.organisation_id == organisation_id]
            texts |= _keep_details(organisation_id, own, until=until)
        lines = [
            canonical({"body": texts[each.entry_id][0], "details": texts[each.entry_id][1], "index": each.index})
            for each in numbered
        ]
        content = b"".join(line + b"\n" for line in lines)
        first, last = numbered[0].index, numbered[-1].index
        name = f"{FOLDER}{first:012d}-{last}.jsonl"
        store().put(name, content, keep_until=until)
    except KeyError as error:
        raise MirrorDiffers(
            f"L’écriture {error} du journal a disparu de sa table : lancez « faitfoi fsck »."
        ) from error
    except ObjectAltered as error:
        raise MirrorDiffers(
            f"Le miroir du journal garde d’autres écritures à la même place ({error}) : la base a été ramenée en "
            "arrière, puis a continué sans elles."
        ) from error
    except OSError as error:
        raise MirrorSilent(f"Le miroir du journal ne s’écrit pas : {error}") from error
    sha256 = hashlib.sha256(content).hexdigest()
    MirroredSegment.objects.create(first=first, last=last, sha256=sha256)


def _keep_details(
    organisation_id: UUID, entry_ids: list[UUID], *, until: datetime
) -> dict[UUID, tuple[str, dict[str, object] | None]]:
    """Keep the details of some entries of one organisation in one pack; returns each body, and the details' place."""
    with acting_for(organisation_id):
        bodies = dict(JournalEntry.objects.filter(id__in=entry_ids).values_list("id", "body"))
        details = dict(JournalDetails.objects.filter(entry_id__in=entry_ids).values_list("entry_id", "body"))
    contents = {entry_id: details[entry_id].encode() for entry_id in entry_ids if entry_id in details}
    whole = b"".join(contents.values())
    name = f"{DETAILS}{organisation_id}/{hashlib.sha256(whole).hexdigest()}"
    if whole:
        store().put(name, whole, keep_until=until)
    places: dict[UUID, dict[str, object]] = {}
    offset = 0
    for entry_id, content in contents.items():
        places[entry_id] = {"offset": offset, "pack": name, "size": len(content)}
        offset += len(content)
    return {entry_id: (body, places.get(entry_id)) for entry_id, body in bodies.items()}
