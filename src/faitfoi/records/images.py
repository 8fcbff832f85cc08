"""Rows as text that says them exactly, so that the tables can be made again from the journal.

An image holds the concrete fields of a row as plain JSON, one way of writing each value: what a row's image says is
what a row read back from the table says. `rebuilding` puts images back; the entry names their text by its SHA-256.
"""

import base64
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, TypeAlias
from uuid import UUID

from django.apps import apps
from django.db import models
from django.db.models.options import Options

from faitfoi.evidence.leaves import LARGEST_INTEGER, canonical

SALT_BYTES = 16
Plain = str | int | bool | None
Column: TypeAlias = "models.Field[Any, Any]"


class NoImage(ValueError):
    """A value or a text has no image: a bug, or details that are not ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What a row was at the end of an act: its fields by column, ready for the table; None when the act removed it."""

    model: type[models.Model]
    key: object
    row: Mapping[str, object] | None


def projected() -> list[type[models.Model]]:
    """The tables that the journal can make again: all of accounts and records, but those that say why not.

    A model says so by `not_projected`, a sentence. In an order in which each refers to earlier ones only.
    """
    found = [model for app in ("accounts", "records") for model in apps.get_app_config(app).get_models()]
    return _in_order([model for model in found if not hasattr(model, "not_projected")])


def _in_order(found: list[type[models.Model]]) -> list[type[models.Model]]:
    """Put models after those that their foreign keys lead to."""
    done: list[type[models.Model]] = []
    while found:
        ready = [model for model in found if not (_leads_to(model) - {model}) & set(found)]
        done += ready
        found = [model for model in found if model not in ready]
    return done


def _leads_to(model: type[models.Model]) -> set[type[models.Model]]:
    related = (field.related_model for field in table(model).concrete_fields if field.is_relation)
    return {target for target in related if isinstance(target, type)}


def passing(model: type[models.Model]) -> frozenset[str]:
    """The fields of a model that pass (hours of the timetable): imaged, never compared nor put right."""
    return getattr(model, "passing_fields", frozenset())


def secret(model: type[models.Model]) -> frozenset[str]:
    """The fields of a model that no image holds, since they are secrets (a password's hash)."""
    return getattr(model, "secret_fields", frozenset())


def imaged_fields(model: type[models.Model]) -> list[Column]:
    """The fields that an image of this model holds, in the table's order."""
    hidden = secret(model)
    return [field for field in table(model).concrete_fields if field.name not in hidden]


def table(model: type[models.Model]) -> "Options[models.Model]":
    """What Django knows of a model's table."""
    return model._meta  # noqa: SLF001  # Django's documented model API


def key_of(model: type[models.Model]) -> Column:
    """The field of a model's primary key."""
    key: Column | None = table(model).pk
    if key is None:
        raise NoImage(f"{model.__name__} has no primary key")
    return key


def details_of(rows: Iterable[models.Model], gone: Iterable[models.Model] = ()) -> str:
    """The details of one act: the images of the rows it wrote and the keys of those it removed, under a random salt.

    The salt keeps the SHA-256 that the entry names from telling anything once the details are erased.
    """
    told: list[dict[str, object]] = [{"row": _row(row), "table": table(type(row)).label_lower} for row in rows]
    told += [{"gone": _plain(key_of(type(row)), row.pk), "table": table(type(row)).label_lower} for row in gone]
    return canonical({"rows": told, "salt": secrets.token_hex(SALT_BYTES)}).decode()


def read_details(text: str) -> list[Image]:
    """The images that `details_of` wrote, in their order. Raises NoImage for any other text."""
    try:
        told = json.loads(text)["rows"]
        return [_read(each) for each in told]
    except (ValueError, KeyError, TypeError, LookupError) as error:
        raise NoImage(f"These details do not read: {error}") from error


def _row(row: models.Model) -> dict[str, Plain]:
    return {str(field.column): _plain(field, getattr(row, field.attname)) for field in imaged_fields(type(row))}


def _read(told: Mapping[str, Any]) -> Image:
    model = apps.get_model(told["table"])
    key = key_of(model)
    if "gone" in told:
        return Image(model=model, key=_value(key, told["gone"]), row=None)
    present = {str(field.column): field for field in imaged_fields(model)}
    # A column that has gone since is left out; one that has come since has its default.
    row = {column: _value(present[column], plain) for column, plain in told["row"].items() if column in present}
    absent = [field for column, field in present.items() if column not in row]
    row |= {str(field.column): field.get_default() for field in absent}
    return Image(model=model, key=row[str(key.column)], row=row)


def _plain(field: Column, value: object) -> Plain:
    """A value of a field as JSON keeps it exactly, in the one form that the table gives back."""
    field = _target(field)
    if value is None:
        return None
    if isinstance(field, models.JSONField):
        return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    if isinstance(field, models.BinaryField):
        return base64.b64encode(bytes(value)).decode()  # type: ignore[call-overload]
    exact = field.to_python(value)
    match exact:
        case bool():
            return exact
        case int():
            return int(exact) if abs(exact) <= LARGEST_INTEGER else str(int(exact))
        case float():
            return repr(exact)
        case Decimal():
            places = getattr(field, "decimal_places", None)
            return f"{exact if places is None else exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):f}"
        case datetime():
            if exact.tzinfo is None:
                raise NoImage(f"{field}: an hour without its zone")
            return exact.astimezone(UTC).isoformat()
        case date() | UUID():
            return str(exact)
        case str():
            return str(exact)
    raise NoImage(f"{field}: a {type(exact).__name__} has no image; write how it is to be said in records.images")


def _value(field: Column, plain: Plain) -> object:
    """The value that `_plain` wrote."""
    field = _target(field)
    if plain is None:
        return None
    if isinstance(field, models.JSONField):
        return json.loads(str(plain))
    if isinstance(field, models.BinaryField):
        return base64.b64decode(str(plain), validate=True)
    if isinstance(field, models.FloatField):
        return float(str(plain))
    return field.to_python(plain)


def _target(field: Column) -> Column:
    """The field that a foreign key's column copies."""
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    return field
