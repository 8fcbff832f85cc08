"""Our JSON form of the EN 16931 invoice: the model's names, amounts and dates as strings. See docs/json.md.

Strict both ways: `from_json(to_json(invoice))` is `invoice`, and whatever is not understood is refused with a French
sentence naming the field, its value and the remedy. When `totals` has no `due`, what follows from the lines is
computed (`amounts.complete`).
"""

import base64
import binascii
import dataclasses
import difflib
import json
import re
import types
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from faitfoi.einvoice.amounts import complete
from faitfoi.einvoice.model import Invoice, ProcessControl, Totals, term_of
from faitfoi.einvoice.profiles import EN16931
from faitfoi.einvoice.xml import MAX_LINES, Unreadable
from faitfoi.einvoice.xml_groups import NUMBER, clean
from faitfoi.einvoice.xml_out import plain

MAX_JSON_BYTES = 32 * 1024 * 1024

MAX_JSON_MARKS = 1_000_000
"""The most values read: an invoice of 10,000 lines has fewer. Empty lists take twenty times their bytes."""

_MAX_PROBLEMS = 5
_MOST_PROBLEMS = 100
"""In one list; the others would be said of as many."""
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML 1.0 cannot hold, so that whatever is read can be written."""


class _Problem(Exception):
    """One or more sentences about what is wrong; gathered, never shown one by one."""

    def __init__(self, *sentences: str) -> None:
        super().__init__(*sentences)
        self.sentences = sentences


def to_json(invoice: Invoice) -> dict[str, object]:
    """`invoice` as values that `json.dumps` takes: absent terms are left out, amounts and dates are strings."""
    written = _write(invoice)
    # Said even when empty, so that reading back neither computes nor assumes anything.
    written["totals"] = {**_write(invoice.totals), "due": _plain_or_none(invoice.totals.due)}
    written["process"] = {**_write(invoice.process), "specification": invoice.process.specification}
    return written


def from_json(data: bytes) -> Invoice:
    """Read our JSON, UTF-8. Raises Unreadable with up to five French sentences about what to mend."""
    if len(data) > MAX_JSON_BYTES:
        raise Unreadable(f"Le fichier JSON pèse {len(data)} octets, plus que les {MAX_JSON_BYTES} acceptés.")
    if sum(data.count(mark) for mark in (b"{", b"[", b",")) > MAX_JSON_MARKS:
        raise Unreadable(f"Le fichier JSON compte plus de {MAX_JSON_MARKS} valeurs : scindez la facture.")
    document = _parse(data)
    if not isinstance(document, dict):
        raise Unreadable("Le JSON doit être un objet « { … } » qui décrit une facture.")
    lines = document.get("lines")
    if isinstance(lines, list) and len(lines) > MAX_LINES:
        raise Unreadable(f"La facture compte {len(lines)} lignes, plus que les {MAX_LINES} acceptées : scindez-la.")
    try:
        invoice = _read_object(Invoice, document, "")
    except _Problem as problem:
        shown = list(problem.sentences[:_MAX_PROBLEMS])
        if len(problem.sentences) > _MAX_PROBLEMS:
            shown.append(f"Et {len(problem.sentences) - _MAX_PROBLEMS} autres erreurs.")
        raise Unreadable(" ".join(shown)) from None
    assert isinstance(invoice, Invoice)  # noqa: S101 -- tells mypy what _read_object(Invoice, …) gives
    totals = document.get("totals")
    if isinstance(totals, dict) and "due" in totals:
        return invoice
    if not invoice.lines:
        raise Unreadable("Il manque les lignes (lines, BG-25) ou le net à payer (totals.due, BT-115) : ajoutez-les.")
    return complete(invoice)


def _parse(data: bytes) -> object:
    try:
        return json.loads(data.decode("utf-8-sig"), object_pairs_hook=_object, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise Unreadable("Le JSON doit être en UTF-8 : enregistrez-le dans cet encodage.") from error
    except json.JSONDecodeError as error:
        where = f"ligne {error.lineno}, colonne {error.colno}"
        raise Unreadable(f"Le JSON est mal formé ({where}) : vérifiez virgules, guillemets et accolades.") from error
    except (RecursionError, ValueError) as error:
        raise Unreadable("Le JSON est imbriqué ou chiffré au-delà du raisonnable : simplifiez-le.") from error
    except _Problem as problem:
        raise Unreadable(problem.sentences[0]) from None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Problem(f"« {twice[:80]} » est donné deux fois dans le même objet : n’en gardez qu’un.")
    return found


def _no_constant(name: str) -> object:
    raise _Problem(f"{name} n’est pas une valeur acceptée : écrivez un nombre entre guillemets.")


# --- writing


def _write(value: object) -> dict[str, object]:
    """The fields of a dataclass that differ from what their absence means."""
    written: dict[str, object] = {}
    for field in dataclasses.fields(value):  # type: ignore[arg-type]  # always one of the model's groups
        given = getattr(value, field.name)
        if field.default is dataclasses.MISSING or given != field.default:
            written[field.name] = _write_value(given)
    return written


def _write_value(value: object) -> object:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, tuple):
        return [_write_value(item) for item in value]
    return _write(value) if dataclasses.is_dataclass(value) else value


def _plain_or_none(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)


# --- reading


_Reader = Callable[[object, str], object]


@cache
def _readers(cls: type) -> Mapping[str, _Reader]:
    hints = get_type_hints(cls)
    return {field.name: _reader(hints[field.name]) for field in dataclasses.fields(cls)}


def _reader(hint: Any) -> _Reader:
    """The function that reads a JSON value of the type `hint`, at a path."""
    origin = get_origin(hint)
    if origin is tuple:
        return _list_reader(_reader(get_args(hint)[0]))
    if origin in {types.UnionType, Union}:
        (inner,) = (arg for arg in get_args(hint) if arg is not type(None))
        read = _reader(inner)
        return lambda value, path: None if value is None else read(value, path)
    if dataclasses.is_dataclass(hint):
        return lambda value, path: _read_object(hint, value, path)
    return {str: _read_text, bool: _read_bool, Decimal: _read_number, date: _read_date, bytes: _read_bytes}[hint]


def _list_reader(read: _Reader) -> _Reader:
    def read_list(value: object, path: str) -> object:
        if not isinstance(value, list):
            raise _Problem(f"{_named(path)} doit être une liste « [ … ] ».")
        items: list[object] = []
        problems: list[str] = []
        for position, item in enumerate(value):
            try:
                items.append(read(item, f"{path}[{position}]"))
            except _Problem as problem:
                problems.extend(problem.sentences)
                if len(problems) > _MOST_PROBLEMS:
                    break
        if problems:
            raise _Problem(*problems)
        return tuple(items)

    return read_list


def _read_object(cls: Any, value: object, path: str) -> object:
    if not isinstance(value, dict):
        raise _Problem(f"{_named(path)} doit être un objet « {{ … }} ».")
    readers = _readers(cls)
    values: dict[str, object] = {}
    problems: list[str] = []
    for name, given in value.items():
        here = f"{path}.{name}" if path else name
        if name not in readers:
            problems.append(_unknown(here, name, readers))
            continue
        try:
            values[name] = readers[name](given, here)
        except _Problem as problem:
            problems.extend(problem.sentences)
    problems.extend(_missing(cls, value, values, path))
    if problems:
        raise _Problem(*problems)
    return cls(**values)


def _missing(cls: type, given: Mapping[str, object], values: dict[str, object], path: str) -> list[str]:
    """Fill in what may be left out; name what may not."""
    if cls is Invoice:
        values.setdefault("totals", Totals())
        values.setdefault("process", ProcessControl(specification=EN16931))
    if cls is ProcessControl:
        values.setdefault("specification", EN16931)
    problems = []
    for name, nullable in _undefaulted(cls):
        if name in given or name in values:
            continue
        if nullable and not (cls is Invoice and name == "issue_date"):
            values[name] = None
        else:
            here = f"{path}.{name}" if path else name
            problems.append(f"Il manque {_named(here)} : ajoutez-le.")
    return problems


@cache
def _undefaulted(cls: Any) -> tuple[tuple[str, bool], ...]:
    """The fields of a dataclass that have no default, and whether each may be None."""
    hints = get_type_hints(cls)
    return tuple(
        (field.name, type(None) in get_args(hints[field.name]))
        for field in dataclasses.fields(cls)
        if field.default is dataclasses.MISSING
    )


def _unknown(here: str, name: str, known: Mapping[str, _Reader]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    remedy = f"vouliez-vous « {close[0]} » ?" if close else f"les champs possibles ici sont {', '.join(known)}."
    return f"« {here[:120]} » n’est pas un champ connu : {remedy}"


def _read_text(value: object, path: str) -> str:
    if not isinstance(value, str):
        raise _Problem(f"{_named(path)} vaut {_shown(value)} : écrivez un texte entre guillemets.")
    if _FORBIDDEN.search(value):
        raise _Problem(f"{_named(path)} contient un caractère de contrôle que XML n’accepte pas : retirez-le.")
    return clean(value)


def _read_bool(value: object, path: str) -> bool:
    if not isinstance(value, bool):
        raise _Problem(f"{_named(path)} vaut {_shown(value)} : écrivez true ou false, sans guillemets.")
    return value


def _read_number(value: object, path: str) -> Decimal:
    if not isinstance(value, str):
        raise _Problem(f'{_named(path)} vaut {_shown(value)} : écrivez le nombre entre guillemets, comme "12.50".')
    text = value.strip()
    if not NUMBER.fullmatch(text):
        raise _Problem(
            f"{_named(path)} vaut {_shown(value)}, qui n’est pas un nombre : "
            'écrivez des chiffres et un point pour les décimales, comme "12.50".'
        )
    return Decimal(text)


def _read_date(value: object, path: str) -> date:
    text = value.strip() if isinstance(value, str) else ""
    if _DATE.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise _Problem(f'{_named(path)} vaut {_shown(value)}, qui n’est pas une date : écrivez-la "2026-11-21".')


def _read_bytes(value: object, path: str) -> bytes:
    try:
        return base64.b64decode(value if isinstance(value, str) else "?", validate=True)
    except (binascii.Error, ValueError):
        sentence = f"{_named(path)} doit être le contenu du fichier en base64 : encodez-le de nouveau."
        raise _Problem(sentence) from None


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"


def _named(path: str) -> str:
    """A path with the business term it holds: « lines[2].net_amount » (BT-131)."""
    known = term_of(path)
    return f"« {path} » ({known.code})" if known is not None else f"« {path} »"
