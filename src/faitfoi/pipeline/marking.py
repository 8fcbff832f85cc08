"""High-water marks: how many numbers each seller has used in each year, and the last one, under every checkpoint.

A line of the checkpoint commits to their text by its SHA-256, under a salt, so a witness learns nothing; the text lies
on the shelves, as `journal/marks/<size, 12 digits>-<SHA-256>.json`, before a witness is asked. They follow from the
journal: what stands at a size is what its entries burnt, and nothing later.
"""

import contextlib
import hashlib
import json
import re
import secrets
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID

from django.db.models import Count
from django.utils import timezone

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for, directory
from faitfoi.evidence.leaves import canonical
from faitfoi.evidence.shelf import ObjectAltered, ObjectMissing
from faitfoi.evidence.witness_held import write_whole
from faitfoi.pipeline.epochs import GAP
from faitfoi.pipeline.installation import store
from faitfoi.pipeline.mirroring import KEPT, MOST_ENTRIES, MirrorSilent
from faitfoi.pipeline.witnesses import journal_folder
from faitfoi.records.models import BurntNumber, Checkpoint, JournalEntry, JournalLeaf, Series

MARKS = "journal/marks/"
LINE = "marks sha256:"
BURNING = ("document_sealed", "document_imported")
"""The entries that come with a burnt number, each of its document."""
ADVANCED = "series_advanced"
_NAME = re.compile(r"journal/marks/([0-9]{12})-([0-9a-f]{64})\.json")

Place = tuple[str, str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How many numbers were used, the last one, and how many of them only the marks remember."""

    count: int
    last: str
    lost: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What was used, by organisation (under the salt), seller's SIREN and year; `origin` is the log's name.

    `series` is the last number of each series of ours in a year, by organisation and the row's id.
    """

    origin: str
    salt: str
    numbers: dict[Place, Mark] = field(default_factory=dict)
    series: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The one text that the checkpoint's line names."""
        told = [
            {"count": mark.count, "last": mark.last, "lost": mark.lost, "organisation": who, "seller": siren, "year": y}
            for (who, siren, y), mark in sorted(self.numbers.items())
        ]
        series = [
            {"last": last, "organisation": who, "series": row} for (who, row), last in sorted(self.series.items())
        ]
        said = {"numbers": told, "origin": self.origin, "salt": self.salt, "series": series, "v": 1}
        return canonical(said).decode()

    @classmethod
    def read(cls, text: str) -> "Marks":
        """The marks that a text says. Raises ValueError, KeyError or TypeError for any other text."""
        told = json.loads(text)
        numbers = {
            (str(each["organisation"]), str(each["seller"]), int(each["year"])): Mark(
                count=int(each["count"]), last=str(each["last"]), lost=int(each["lost"])
            )
            for each in told["numbers"]
        }
        series = {
            (str(each["organisation"]), str(each["series"])): int(each["last"]) for each in told.get("series", [])
        }
        return cls(origin=str(told["origin"]), salt=str(told["salt"]), numbers=numbers, series=series)

    def of(self, organisation_id: UUID) -> dict[tuple[str, int], Mark]:
        """The marks of one organisation, by seller and year."""
        who = _hidden(self.salt, organisation_id)
        return {(siren, year): mark for (name, siren, year), mark in self.numbers.items() if name == who}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelvedMarks:
    """Marks that lie on the shelves, and the size of the journal that they first stood at."""

    size: int
    marks: Marks


def line_of(name: str) -> str:
    """The checkpoint's line for the marks of that name."""
    return f"{LINE}{name.removesuffix('.json')[-64:]}"


def read_marks(name: str) -> Marks | None:
    """The marks of that name, from the first shelf that has them whole; None when none has."""
    matched = _NAME.fullmatch(name)
    for shelf in store().shelves if matched else ():
        try:
            content = shelf.get(name)
        except (ObjectMissing, OSError):
            continue
        if matched and hashlib.sha256(content).hexdigest() == matched[2]:
            return Marks.read(content.decode())
    return None


def keep_marks(*, size: int, origin: str) -> str:
    """The name of the marks of the journal's first `size` entries, on every shelf when this returns; "" for none.

    Only what came after the last checkpoint is read, or all when its marks are no longer on a shelf. Call it outside
    `acting_for`. Raises MirrorSilent.
    """
    if not size:
        return ""
    base = Checkpoint.objects.filter(size__lte=size).exclude(marks="").order_by("-size").first()
    if base is not None and base.size == size:
        return base.marks
    known = read_marks(base.marks) if base else None
    marks = Marks(
        origin=origin,
        salt=known.salt if known else secrets.token_hex(16),
        numbers=dict(known.numbers) if known else {},
        series=dict(known.series) if known else {},
    )
    for first in range(base.size if base and known else 0, size, MOST_ENTRIES):
        _add(marks, first, min(size, first + MOST_ENTRIES))
    if base is not None and marks == known:
        return base.marks
    content = marks.text.encode()
    name = f"{MARKS}{size:012d}-{hashlib.sha256(content).hexdigest()}.json"
    try:
        store().put(name, content, keep_until=timezone.now() + KEPT)
    except (OSError, ObjectAltered) as error:
        raise MirrorSilent(f"Les derniers numéros donnés ne s’écrivent pas à côté du miroir : {error}") from error
    if name in (aside := _aside()):
        _write_aside(aside - {name})
    return name


def last_marks(origin: str) -> ShelvedMarks | None:
    """The last marks on the shelves under this name of the log, from the first copy that reads. Raises OSError."""
    for size, name in _names():
        marks = read_marks(name)
        if marks is not None and marks.origin == origin:
            return ShelvedMarks(size=size, marks=marks)
    return None


def set_aside_after(fork: int, *, size: int, origin: str) -> None:
    """After a restore: what a journal that went on from `fork` without its tail has marked counts no more.

    The marks of the true journal, `size` entries, are on every shelf first. Safe to run again. Raises MirrorSilent.
    """
    kept = keep_marks(size=size, origin=origin)
    others = [name for at, name in _names() if at > fork and name != kept]
    if not others:
        return
    # In a file of ours first: a shelf that locks what it holds removes nothing.
    _write_aside({*_aside(), *others})
    for name in others:
        with contextlib.suppress(OSError):
            store().remove(name)


def missing_numbers(marks: Marks) -> list[str]:
    """Where the tables hold fewer numbers than the marks say, in French; nothing when they hold all of them."""
    with directory():
        everybody = list(Organisation.objects.values_list("id", "slug"))
    known = {_hidden(marks.salt, organisation_id) for organisation_id, _ in everybody}
    found = [f"organisation inconnue ici, {y}" for who, _, y in sorted(marks.numbers) if who not in known]
    for organisation_id, slug in everybody:
        wanted = marks.of(organisation_id)
        if not wanted:
            continue
        who = _hidden(marks.salt, organisation_id)
        given = {row: last for (name, row), last in marks.series.items() if name == who}
        with acting_for(organisation_id):
            rows = {str(row): last for row, last in Series.objects.filter(id__in=given).values_list("id", "last")}
            found += [
                f"{slug}, série {row} : dernier numéro {last} ; ici {rows.get(row, 0)}"
                for row, last in sorted(given.items())
                if rows.get(row, 0) < last
            ]
            counted = counts()
            for (siren, year), mark in sorted(wanted.items()):
                held = counted.get((siren, year), 0)
                here = BurntNumber.objects.filter(seller_siren=siren, year=year, number=mark.last).exists()
                if held < mark.count - mark.lost or not (here or mark.lost):
                    found.append(f"{slug}, {siren}, {year} : {mark.count} numéros, le dernier {mark.last} ; ici {held}")
    return found


def counts() -> dict[tuple[str, int], int]:
    """How many numbers the tables hold, by seller and year. Runs inside `acting_for`."""
    # Without its order, which would count each row apart.
    grouped = BurntNumber.objects.order_by().values("seller_siren", "year").annotate(held=Count("id"))
    return {(each["seller_siren"], each["year"]): each["held"] for each in grouped}


def told_in_gap(marks: Marks, organisation_id: UUID) -> list[str]:
    """What a gap says of an organisation's marks: « SIREN/year/count/lost/last », where lost ones are only known here.

    Runs inside `acting_for`, once the tables hold all that could be brought back.
    """
    counted = counts()
    told = []
    for (siren, year), mark in sorted(marks.of(organisation_id).items()):
        held = counted.get((siren, year), 0)
        lost = max(mark.count - held, 0)
        if lost:
            told.append(f"{siren}/{year}/{held + lost}/{lost}/{mark.last}")
    return told


def _names() -> Iterator[tuple[int, str]]:
    """Size and name of each text of marks on a shelf, the last first."""
    names = {name for shelf in store().shelves for name in shelf.names(MARKS)}
    for name in sorted(names - _aside(), reverse=True):
        if matched := _NAME.fullmatch(name):
            yield int(matched[1]), name


def _add(marks: Marks, start: int, end: int) -> None:
    """Add what the entries from `start` to `end` (excluded) burnt, in their order."""
    leaves = JournalLeaf.objects.filter(index__gte=start, index__lt=end).order_by("index")
    by_organisation: dict[UUID, list[UUID]] = defaultdict(list)
    for entry_id, organisation_id in leaves.values_list("entry_id", "organisation_id"):
        by_organisation[organisation_id].append(entry_id)
    for organisation_id, entry_ids in by_organisation.items():
        with acting_for(organisation_id):
            entries = JournalEntry.objects.filter(id__in=entry_ids, kind__in=(*BURNING, ADVANCED, GAP)).order_by()
            told = {
                entry_id: (kind, document_id, body)
                for entry_id, kind, document_id, body in entries.values_list("id", "kind", "document_id", "body")
            }
            documents = [document_id for kind, document_id, _ in told.values() if document_id and kind != GAP]
            burnt = {row.document_id: row for row in BurntNumber.objects.filter(document_id__in=documents).order_by()}
        who = _hidden(marks.salt, organisation_id)
        for kind, document_id, body in (told[entry_id] for entry_id in entry_ids if entry_id in told):
            if kind == GAP:
                _take_gap(marks, who, body)
            elif kind == ADVANCED:
                facts = json.loads(body)
                marks.series[who, str(facts["series"])] = int(facts["last_number"])
            elif document_id and (row := burnt.get(document_id)) is not None:
                place = (who, row.seller_siren, row.year)
                before = marks.numbers.get(place, Mark(count=0, last=""))
                marks.numbers[place] = replace(before, count=before.count + 1, last=row.number)


def _take_gap(marks: Marks, who: str, body: str) -> None:
    for told in json.loads(body).get("marks", []):
        siren, year, count, lost, last = str(told).split("/", 4)
        marks.numbers[who, siren, int(year)] = Mark(count=int(count), last=last, lost=int(lost))


def _hidden(salt: str, organisation_id: UUID) -> str:
    return hashlib.sha256(f"{salt}{organisation_id}".encode()).hexdigest()


def _aside() -> set[str]:
    """The names of marks that a governed restore has found to be of a journal that went on without its tail."""
    try:
        return set(_aside_file().read_text().splitlines())
    except FileNotFoundError:
        return set()


def _write_aside(names: set[str]) -> None:
    _aside_file().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(_aside_file(), "".join(f"{name}\n" for name in sorted(names)).encode())


def _aside_file() -> Path:
    return journal_folder() / "marks-aside"
