"""Write the tables of docs/json.md from the model, so that they name every field with its term."""

import dataclasses
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args, get_type_hints

from faitfoi.einvoice.model import Invoice
from faitfoi.einvoice.model_terms import group_of

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "json.md"
_SHOWN = 6
_KINDS = {str: "text", bool: "true or false", Decimal: "number", date: "date", bytes: "base64"}


def tables() -> str:
    """One section for each group of the model, in the order in which they are met."""
    groups: list[type] = []
    codes: dict[tuple[type, str], dict[str, None]] = {}
    _collect(Invoice, {}, groups, codes)
    return "\n\n".join(_table(group, codes) for group in groups)


def _collect(
    group: type, given: dict[str, str], groups: list[type], codes: dict[tuple[type, str], dict[str, None]]
) -> None:
    known = group in groups
    if not known:
        groups.append(group)
    hints = get_type_hints(group)
    for field in dataclasses.fields(group):
        if code := given.get(field.name) or field.metadata.get("term"):
            also = () if field.name in given else field.metadata.get("also", ())
            codes.setdefault((group, field.name), {})["/".join((code, *also))] = None
        inner, _ = group_of(hints[field.name])
        if inner is None or inner is group:
            continue
        start = field.name + "."
        below = {name[len(start) :]: code for name, code in given.items() if name.startswith(start)}
        _collect(inner, {**field.metadata.get("inside", {}), **below}, groups, codes)


def _table(group: type, codes: dict[tuple[type, str], dict[str, None]]) -> str:
    hints = get_type_hints(group)
    rows = [f"### {group.__name__}", "", "| field | value | term |", "|---|---|---|"]
    for field in dataclasses.fields(group):
        name = f"**`{field.name}`**" if _is_required(group, field, hints[field.name]) else f"`{field.name}`"
        said = _said(list(codes.get((group, field.name), ())))
        rows.append(f"| {name} | {_kind(hints[field.name])} | {said} |")
    return "\n".join(rows)


def _said(terms: list[str]) -> str:
    """The terms of a field, those of EN 16931 first; a shared field has too many to name them all."""
    if len(terms) == 1:
        return ", ".join(terms[0].split("/"))
    codes = sorted((term.split("/")[0] for term in terms), key=lambda code: "-X-" in code)
    return ", ".join(codes) if len(codes) < _SHOWN else f"{', '.join(codes[: _SHOWN - 1])}…"


def _is_required(group: type, field: "dataclasses.Field[Any]", hint: Any) -> bool:
    if field.default is not dataclasses.MISSING or field.name == "totals":
        return False
    return type(None) not in get_args(hint) or (group is Invoice and field.name == "issue_date")


def _kind(hint: Any) -> str:
    inner, repeated = group_of(hint)
    if inner is not None:
        kind = f"[{inner.__name__}](#{inner.__name__.lower()})"
    else:
        plain = next(arg for arg in (*get_args(hint), hint) if arg in _KINDS)
        kind = _KINDS[plain]
    return f"{kind} list" if repeated else kind


def main() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    head = re.split(r"(?m)^### Invoice$", text)[0]
    DOCUMENT.write_text(head + tables() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
