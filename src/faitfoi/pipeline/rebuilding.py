"""`faitfoi rebuild`: the tables made again from the journal's images, compared, and put right where they differ.

It works as the role that owns the tables, one transaction for each organisation, on what one instant shows: work may
go on during a comparison, and waits during a mending. What was done stays done when it is interrupted.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

import psycopg
from django.db import models
from psycopg import sql
from psycopg.types.json import Jsonb

from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.leaves import leaf_hash
from faitfoi.evidence.merkle import Frontier
from faitfoi.pipeline.mirroring import MirroredEntry
from faitfoi.records.images import (
    Image,
    NoImage,
    imaged_fields,
    key_of,
    passing,
    projected,
    read_details,
    secret,
    table,
)
from faitfoi.records.journal import write_entry

AT_ONCE = 2_000
LONGEST_VALUE = 80
MOST_NAMED = 100
"""Rows that the entry of a mending names; it counts the others."""
UNUSABLE = "!"
"""What a row that comes back has for a secret that no image holds: nothing that opens anything."""

Progress = Callable[[str, int], None]


class CannotRebuild(Exception):
    """The journal itself does not hold: nothing was changed. A French sentence that names the entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One entry to put down: its body, the leaf that it must give, its details (None: none, or erased)."""

    body: str
    leaf: bytes
    details: str | None
    index: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A row that is not what the journal says: missing, one too many, or with other values (there, in the journal)."""

    table: str
    key: str
    kind: str
    columns: dict[str, tuple[str, str]]

    @property
    def sentence(self) -> str:
        """The same in French."""
        row = f"{self.table} {self.key}"
        if self.kind == "missing":
            return f"{row} : manque dans la table, le journal l’a."
        if self.kind == "extra":
            return f"{row} : est dans la table, aucune écriture du journal ne l’y a mise."
        told = " ; ".join(f"{name} = {there}, le journal dit {said}" for name, (there, said) in self.columns.items())
        return f"{row} : {told}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What came of one organisation: entries read, rows that they give, rows that differ, details that were erased."""

    organisation: UUID
    entries: int
    rows: int
    erased: int
    differences: tuple[Difference, ...]


def rebuild(
    owner: psycopg.Connection,
    organisation_id: UUID,
    *,
    mend: bool,
    actor: str,
    entries: Iterable[MirroredEntry] | None = None,
    progress: Progress | None = None,
) -> Rebuilt:
    """Make one organisation's tables again from its entries and compare; with `mend` put right what differs.

    `owner` is a connection of the tables' owner, in no transaction. `entries` are the mirror's, of this organisation
    and in order; without them the database's own are read. Raises CannotRebuild.
    """
    with owner.transaction():
        owner.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        owner.execute(sql.SQL("SET LOCAL faitfoi.organisation = {}").format(sql.Literal(str(organisation_id))))
        if mend:
            _hold(owner)
        for model in projected():
            owner.execute(_draft(model))
        sources = _from_tables(owner) if entries is None else _from_mirror(entries)
        read, erased = _put_down(owner, sources, progress=progress)
        found = [(model, _compare(owner, model, organisation_id)) for model in projected()]
        rows = sum(_count(owner, model) for model in projected())
        differences = tuple(each for _, some in found for each in some)
        if mend and differences:
            _mend(owner, [(model, some) for model, some in found if some])
            _tell(organisation_id, differences, actor=actor)
    return Rebuilt(organisation=organisation_id, entries=read, rows=rows, erased=erased, differences=differences)


def mirrored_root(entries: Iterable[MirroredEntry], size: int) -> tuple[bytes, set[UUID]]:
    """The root of the mirror's first `size` entries, and whose they are. Raises CannotRebuild when there are fewer."""
    frontier, whose = Frontier(), set()
    for entry in entries:
        if frontier.size < size:
            frontier.append(entry.leaf)
        whose.add(_organisation_of(entry.body))
    if frontier.size < size:
        raise CannotRebuild(f"Le miroir n’a que {frontier.size} écritures ; le témoin en a vu {size}.")
    return frontier.root(), whose


def _organisation_of(body: str) -> UUID:
    return UUID(json.loads(body)["organisation"])


def _from_tables(owner: psycopg.Connection) -> Iterator[Source]:
    """The organisation's own entries, numbered ones first."""
    with owner.cursor("entries") as cursor:
        cursor.itersize = AT_ONCE
        cursor.execute(
            "SELECT leaf.index, entry.body, leaf.leaf, details.body FROM records_journalentry AS entry "
            "JOIN records_journalleaf AS leaf ON leaf.entry_id = entry.id "
            "LEFT JOIN records_journaldetails AS details ON details.entry_id = entry.id "
            "ORDER BY leaf.index NULLS LAST, leaf.arrival"
        )
        for index, body, leaf, details in cursor:
            yield Source(index=index, body=body, leaf=bytes(leaf), details=details)


def _from_mirror(entries: Iterable[MirroredEntry]) -> Iterator[Source]:
    for entry in entries:
        yield Source(index=entry.index, body=entry.body, leaf=entry.leaf, details=entry.details)


def _put_down(owner: psycopg.Connection, sources: Iterable[Source], *, progress: Progress | None) -> tuple[int, int]:
    """Put the images down in order, each entry held to its leaf and each details to their name first."""
    waiting: dict[type[models.Model], dict[object, Image]] = {}
    read = erased = held = 0
    for source in sources:
        read += 1
        images = _images(source)
        erased += images is None
        for image in images or ():
            waiting.setdefault(image.model, {})[image.key] = image
            held += 1
        if held >= AT_ONCE:
            _flush(owner, waiting)
            held = 0
        if progress is not None:
            progress("entries", read)
    _flush(owner, waiting)
    return read, erased


def _images(source: Source) -> list[Image] | None:
    """The images of one entry; None when its details were erased."""
    whom = f"L’écriture {source.index if source.index is not None else 'sans numéro'} du journal"
    body = source.body.encode()
    if leaf_hash(body) != source.leaf:
        raise CannotRebuild(f"{whom} ne donne plus son empreinte : lancez « faitfoi fsck ». Rien n’a été changé.")
    wanted = json.loads(body).get("details")
    if wanted is None:
        return []
    if source.details is None:
        return None
    if hashlib.sha256(source.details.encode()).hexdigest() != wanted:
        raise CannotRebuild(f"{whom} a d’autres détails que ceux qu’elle nomme. Rien n’a été changé.")
    try:
        return read_details(source.details)
    except NoImage as error:
        raise CannotRebuild(f"{whom} : ses détails ne se lisent pas ({error}). Rien n’a été changé.") from error


def _flush(owner: psycopg.Connection, waiting: dict[type[models.Model], dict[object, Image]]) -> None:
    for model, images in waiting.items():
        columns = [str(field.column) for field in imaged_fields(model)]
        key = str(key_of(model).column)
        gone = [image.key for image in images.values() if image.row is None]
        with owner.cursor() as cursor:
            for each in gone:
                cursor.execute(
                    sql.SQL("DELETE FROM {} WHERE {} = %s").format(_draft_name(model), sql.Identifier(key)), [each]
                )
            cursor.executemany(
                sql.SQL("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT ({}) DO UPDATE SET ({}) = ROW ({})").format(
                    _draft_name(model),
                    _names(columns),
                    sql.SQL(", ").join([sql.Placeholder()] * len(columns)),
                    sql.Identifier(key),
                    _names(columns),
                    sql.SQL(", ").join(sql.SQL("excluded.{}").format(sql.Identifier(each)) for each in columns),
                ),
                [_values(model, image.row) for image in images.values() if image.row is not None],
            )
    waiting.clear()


def _values(model: type[models.Model], row: "object") -> list[object]:
    assert isinstance(row, dict)  # noqa: S101  # images that are gone are left out above
    return [
        Jsonb(row[str(field.column)])
        if isinstance(field, models.JSONField) and row[str(field.column)] is not None
        else row[str(field.column)]
        for field in imaged_fields(model)
    ]


def _draft_name(model: type[models.Model]) -> sql.Identifier:
    return sql.Identifier(f"rebuilt_{table(model).db_table}")


def _draft(model: type[models.Model]) -> sql.Composed:
    """A table beside, of the same columns, which goes with the transaction."""
    free = [field for field in table(model).concrete_fields if field.name in secret(model)]
    changes = [sql.SQL("ADD PRIMARY KEY ({})").format(sql.Identifier(str(key_of(model).column)))]
    changes += [sql.SQL("ALTER {} DROP NOT NULL").format(sql.Identifier(str(field.column))) for field in free]
    return sql.SQL("CREATE TEMP TABLE {} (LIKE public.{}) ON COMMIT DROP; ALTER TABLE {} {}").format(
        _draft_name(model), _table(model), _draft_name(model), sql.SQL(", ").join(changes)
    )


def _table(model: type[models.Model]) -> sql.Identifier:
    return sql.Identifier(table(model).db_table)


def _names(columns: Iterable[str], *, of: str = "") -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(of, each) if of else sql.Identifier(each) for each in columns)


def _own(model: type[models.Model], organisation_id: UUID) -> sql.Composed:
    """Which rows of a table are this organisation's: of one of the whole installation, those that its journal names."""
    columns = {str(field.column) for field in table(model).concrete_fields}
    if "organisation_id" in columns:
        return sql.SQL("organisation_id = {}").format(sql.Literal(organisation_id))
    if table(model).label == "accounts.Organisation":
        return sql.SQL("id = {}").format(sql.Literal(organisation_id))
    key = sql.Identifier(str(key_of(model).column))
    return sql.SQL("{} IN (SELECT {} FROM {})").format(key, key, _draft_name(model))


def _compare(owner: psycopg.Connection, model: type[models.Model], organisation_id: UUID) -> list[Difference]:
    compared = [str(field.column) for field in imaged_fields(model) if field.name not in passing(model)]
    key = str(key_of(model).column)
    told = sql.SQL(", ").join(
        sql.SQL("there.{}::text, journal.{}::text").format(sql.Identifier(each), sql.Identifier(each))
        for each in compared
    )
    found = owner.execute(
        sql.SQL(
            "SELECT there.{key}::text, journal.{key}::text, {told} "
            "FROM (SELECT * FROM public.{table} WHERE {own}) AS there FULL JOIN {draft} AS journal "
            "ON there.{key} = journal.{key} "
            "WHERE there.{key} IS NULL OR journal.{key} IS NULL OR ({there}) IS DISTINCT FROM ({journal}) "
            "ORDER BY coalesce(there.{key}, journal.{key})"
        ).format(
            key=sql.Identifier(key),
            told=told,
            table=_table(model),
            own=_own(model, organisation_id),
            draft=_draft_name(model),
            there=_names(compared, of="there"),
            journal=_names(compared, of="journal"),
        )
    )
    return [_difference(model, compared, list(row)) for row in found]


def _difference(model: type[models.Model], compared: list[str], row: list[str | None]) -> Difference:
    there, journal, *values = row
    kind = "missing" if there is None else "extra" if journal is None else "changed"
    pairs = zip(compared, values[::2], values[1::2], strict=True)
    columns = {name: (_short(old), _short(new)) for name, old, new in pairs if old != new} if kind == "changed" else {}
    return Difference(table=table(model).db_table, key=str(there or journal), kind=kind, columns=columns)


def _short(value: str | None) -> str:
    text = "rien" if value is None else f"« {value} »"
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def _count(owner: psycopg.Connection, model: type[models.Model]) -> int:
    found = owner.execute(sql.SQL("SELECT count(*) FROM {}").format(_draft_name(model))).fetchone()
    return int(found[0]) if found else 0


def _hold(owner: psycopg.Connection) -> None:
    """Let nobody write the tables before this transaction ends. Before anything is read: it decides the instant."""
    owner.execute(
        sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(
            sql.SQL(", ").join(sql.SQL("public.{}").format(_table(model)) for model in projected())
        )
    )


def _mend(owner: psycopg.Connection, found: list[tuple[type[models.Model], list[Difference]]]) -> None:
    """Put the journal's rows in the place of those that differ; what passes, and secrets, stay as they are there."""
    owner.execute("SET CONSTRAINTS ALL DEFERRED")
    for model, _ in found:
        owner.execute(sql.SQL("ALTER TABLE public.{} DISABLE TRIGGER USER").format(_table(model)))
        _keep_what_passes(owner, model)
    for model, differences in reversed(found):
        present = [each.key for each in differences if each.kind != "missing"]
        owner.execute(
            sql.SQL("DELETE FROM public.{} WHERE {}::text = ANY (%s)").format(
                _table(model), sql.Identifier(str(key_of(model).column))
            ),
            [present],
        )
    for model, differences in found:
        columns = _names(str(field.column) for field in table(model).concrete_fields)
        owner.execute(
            sql.SQL("INSERT INTO public.{} ({}) SELECT {} FROM {} WHERE {}::text = ANY (%s)").format(
                _table(model), columns, columns, _draft_name(model), sql.Identifier(str(key_of(model).column))
            ),
            [[each.key for each in differences if each.kind != "extra"]],
        )
    owner.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for model, _ in found:
        owner.execute(sql.SQL("ALTER TABLE public.{} ENABLE TRIGGER USER").format(_table(model)))


def _keep_what_passes(owner: psycopg.Connection, model: type[models.Model]) -> None:
    kept = passing(model) | secret(model)
    columns = [str(field.column) for field in table(model).concrete_fields if field.name in kept]
    key = sql.Identifier(str(key_of(model).column))
    for column in map(sql.Identifier, columns):
        owner.execute(
            sql.SQL(
                "UPDATE {} AS journal SET {} = there.{} FROM public.{} AS there WHERE there.{} = journal.{}"
            ).format(_draft_name(model), column, column, _table(model), key, key)
        )
    for field in table(model).concrete_fields:
        if field.name in secret(model) and not field.null:
            column = sql.Identifier(str(field.column))
            owner.execute(
                sql.SQL("UPDATE {} SET {} = %s WHERE {} IS NULL").format(_draft_name(model), column, column),
                [UNUSABLE],
            )


def _tell(organisation_id: UUID, differences: tuple[Difference, ...], *, actor: str) -> None:
    """Journal the mending: an act like any other."""
    with acting_for(organisation_id):
        write_entry(
            "tables_rebuilt",
            actor=actor,
            rows_mended=len(differences),
            named=[f"{each.kind} {each.table} {each.key}" for each in differences[:MOST_NAMED]],
        )
