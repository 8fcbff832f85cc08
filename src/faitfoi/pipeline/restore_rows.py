"""Puts the rows of the journal's tail back into the tables, before what was written locally since.

What left the house is in the tail, so the tail wins: a local row that it contradicts is set aside, under an entry that
says which. The local entries themselves are all kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import models

from faitfoi.pipeline.restore_mirror import Line
from faitfoi.records.images import Image, details_of, key_of, projected, read_details, table
from faitfoi.records.journal import ROWS_OF_ONE_ENTRY, write_entry
from faitfoi.records.models import JournalDetails

Place = tuple[type[models.Model], object]
SET_ASIDE = "rows_set_aside"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """Local rows that the tail contradicts: those it says otherwise, and those it leaves no room for."""

    said_otherwise: frozenset[Place]
    no_room: frozenset[Place]


def folded(details: Iterable[str | None]) -> dict[Place, Image]:
    """The last image of each row that these details hold, in their order."""
    return {(image.model, image.key): image for each in details if each for image in read_details(each)}


def put_back(tail: Sequence[Line], local: Sequence[UUID], *, actor: str) -> Contest:
    """Bring the tables of the running organisation to where the tail leaves them; `local` are entries it has not.

    Runs inside `acting_for`, with every line of the tail of that organisation. Raises NoImage for details not ours.
    """
    theirs = folded(line.details for line in tail)
    ours = folded(JournalDetails.objects.filter(entry_id__in=local).order_by("entry_id").values_list("body", flat=True))
    contest = Contest(said_otherwise=frozenset(ours.keys() & theirs.keys()), no_room=_without_room(ours, theirs))
    removed = _remove(contest.no_room)
    _write(theirs)
    kept = [row for model, key in sorted(contest.said_otherwise, key=str) for row in _present(model, key)]
    for start in range(0, max(len(kept), len(removed)), ROWS_OF_ONE_ENTRY):
        end = start + ROWS_OF_ONE_ENTRY
        write_entry(SET_ASIDE, actor=actor, rows=kept[start:end], gone=removed[start:end])
    return contest


def _write(images: Mapping[Place, Image]) -> None:
    """Make the rows what their images say: what goes first, then what is there, then what is new."""
    for model in reversed(projected()):
        gone = [key for named, key in images if named is model and images[named, key].row is None]
        for key in gone:
            _forget(model, key)
    fresh: list[models.Model] = []
    for model in projected():
        for (named, key), image in images.items():
            if named is not model or image.row is None:
                continue
            present = _present(model, key)
            if not present:
                fresh.append(model(**_attributes(model, image.row)))
            elif read_details(details_of(present))[0] != image:
                _of(model, key).update(**_attributes(model, image.row))
    for row in fresh:
        row.save(force_insert=True)


def _attributes(model: type[models.Model], row: Mapping[str, object]) -> dict[str, object]:
    """An image's fields by the names that a model takes them under."""
    names = {str(field.column): field.attname for field in table(model).concrete_fields}
    return {names[column]: value for column, value in row.items()}


def _without_room(ours: Mapping[Place, Image], theirs: Mapping[Place, Image]) -> frozenset[Place]:
    """Local rows that hold a unique place which the tail gives to another row, and the local rows that need them."""
    taken = {mark: image.key for image in theirs.values() for mark in _marks(image)}
    lost = {
        place
        for place, image in ours.items()
        if place not in theirs and any(taken.get(mark, image.key) != image.key for mark in _marks(image))
    }
    while True:
        more = {
            place
            for place, image in ours.items()
            if place not in lost and place not in theirs and any(target in lost for target in _leads_to(image))
        }
        if not more:
            return frozenset(lost)
        lost |= more


def _marks(image: Image) -> list[tuple[object, ...]]:
    """Each unique place that a row holds: the table, the columns, and their values."""
    if image.row is None:
        return []
    options = table(image.model)
    columns_of = {field.name: str(field.column) for field in options.concrete_fields}
    groups: list[tuple[str, ...]] = [
        (str(field.column),) for field in options.concrete_fields if field.unique and not field.primary_key
    ]
    groups += [
        tuple(columns_of[name] for name in constraint.fields)
        for constraint in options.constraints
        if isinstance(constraint, models.UniqueConstraint) and constraint.condition is None
    ]
    return [
        (image.model, columns, *(str(image.row[column]) for column in columns))
        for columns in groups
        if all(image.row.get(column) is not None for column in columns)
    ]


def _leads_to(image: Image) -> list[Place]:
    assert image.row is not None  # noqa: S101  # a removed local row is no longer there to be lost
    return [
        (field.related_model, image.row[str(field.column)])
        for field in table(image.model).concrete_fields
        if isinstance(field, models.ForeignKey) and isinstance(field.related_model, type)
    ]


def _remove(places: Iterable[Place]) -> list[models.Model]:
    """Take local rows away, those that lead to others first; returns what they were."""
    order = {model: number for number, model in enumerate(projected())}
    removed: list[models.Model] = []
    for model, key in sorted(places, key=lambda place: order[place[0]], reverse=True):
        removed += _present(model, key)
        _forget(model, key)
    return removed


def _present(model: type[models.Model], key: object) -> list[models.Model]:
    return list(_of(model, key))


def _of(model: type[models.Model], key: object) -> "models.QuerySet[models.Model]":
    return model._default_manager.filter(**{str(key_of(model).name): key})  # noqa: SLF001  # Django's documented model API


def _forget(model: type[models.Model], key: object) -> None:
    # Past Django's own cascade, which would look at rows that are to be written in a moment: the constraints are
    # deferred, and hold at the end of the transaction.
    rows = _of(model, key)
    rows._raw_delete(rows.db)  # noqa: SLF001
