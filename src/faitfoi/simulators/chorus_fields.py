"""How the Chorus Pro simulator describes the fields of a request, and tells what is wrong with one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a request: its kind, whether it must be there, its enumeration or its own fields."""

    kind: str  # text, integer, number, boolean, date, list of one of these, object
    required: bool = False
    values: tuple[str, ...] = ()
    fields: Mapping[str, "Field"] | None = None
    longest: int = 0


TEXT = Field(kind="text")
INTEGER = Field(kind="integer")
NUMBER = Field(kind="number")
BOOLEAN = Field(kind="boolean")
DATE = Field(kind="date")
LANGUAGE = Field(kind="text", values=("FR", "EN"))


def faults_of_shape(fields: Mapping[str, Field], body: Mapping[str, object], *, inside: str = "") -> list[str]:
    """List what is wrong with a request, one French sentence each; nothing when it is well formed."""
    wrong = [f"Le champ {inside}{name} n’existe pas." for name in body if name not in fields]
    for name, expected in fields.items():
        value = body.get(name)
        if value is None or value == "":
            if expected.required:
                wrong.append(f"Le champ {inside}{name} est obligatoire.")
            continue
        if not _is_of_kind(value, expected.kind):
            wrong.append(f"Le champ {inside}{name} n’est pas de type {expected.kind}.")
            continue
        if expected.values and value not in expected.values:
            wrong.append(f"La valeur {value} du champ {inside}{name} n’est pas admise.")
        if expected.longest and isinstance(value, str) and len(value) > expected.longest:
            wrong.append(f"Le champ {inside}{name} dépasse {expected.longest} caractères.")
        if expected.fields is not None:
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, dict):
                    wrong.extend(faults_of_shape(expected.fields, each, inside=f"{inside}{name}."))
    return wrong


def _is_of_kind(value: object, kind: str) -> bool:
    if kind.startswith("list of "):
        return isinstance(value, list) and all(_is_of_kind(item, kind.removeprefix("list of ")) for item in value)
    if kind == "date":
        return isinstance(value, str) and _is_date(value)
    if kind == "boolean":
        return isinstance(value, bool)
    types: dict[str, tuple[type, ...]] = {
        "text": (str,),
        "integer": (int,),
        "number": (int, float),
        "object": (dict,),
    }
    return isinstance(value, types[kind]) and not isinstance(value, bool)


def _is_date(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
