"""How a field of the model says which business term of EN 16931-1 it holds, and how to look one up from the other."""

import dataclasses
import types
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

_TERM = "term"
_INSIDE = "inside"


def term(code: str, **inside: str) -> Mapping[str, object]:
    """Metadata of a dataclass field that holds the business term or group `code` ("BT-106", "BG-5").

    `inside` names the terms of the fields of a shared group (an address has other terms for the seller than
    for the buyer): `term("BG-5", city="BT-37")`. Source: EN 16931-1, clause 6.3.
    """
    return {_TERM: code, _INSIDE: inside}


@cache
def paths(root: type) -> Mapping[str, str]:
    """Map each business term or group under the dataclass `root` to the path of its field.

    Repeated groups are written with `[]`: `{"BT-106": "totals.line_net", "BT-131": "lines[].net_amount"}`.
    """
    return types.MappingProxyType(dict(_walk(root, "", {})))


@cache
def terms(root: type) -> Mapping[str, str]:
    """Map each field path under `root` to its business term: the inverse of `paths`."""
    return types.MappingProxyType({path: code for code, path in paths(root).items()})


def _walk(cls: type, prefix: str, given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    hints = get_type_hints(cls)
    for field in dataclasses.fields(cls):
        code = given.get(field.name) or field.metadata.get(_TERM)
        inner, repeated = _group(hints[field.name])
        path = prefix + field.name + ("[]" if repeated else "")
        if code:
            yield str(code), path
        if inner is not None:
            yield from _walk(inner, path + ".", field.metadata.get(_INSIDE) or {})


def _group(hint: Any) -> tuple[type | None, bool]:
    """The dataclass behind `X`, `X | None` or `tuple[X, ...]` (None for a plain value), and whether it repeats."""
    origin = get_origin(hint)
    if origin is tuple:
        return _group(get_args(hint)[0])[0], True
    if origin in {types.UnionType, Union}:
        (hint,) = (arg for arg in get_args(hint) if arg is not type(None))
        return _group(hint)
    return (hint if dataclasses.is_dataclass(hint) and isinstance(hint, type) else None), False
