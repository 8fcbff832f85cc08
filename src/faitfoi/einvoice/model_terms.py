"""How a field of the model says which business term it holds, and how to look one up from the other."""

import dataclasses
import re
import types
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

_TERM = "term"
_ALSO = "also"
_INSIDE = "inside"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A business term or group: its code, its other codes if it has any, its field path, whether it holds others.

    `code` is that of EN 16931-1 (`BT-131`, `BG-25`), else that of Factur-X EXTENDED (`BT-X-8`) or XRechnung
    (`BG-DEX-01`); `also` are the codes of EXTENDED-CTC-FR (`EXT-FR-FE-163`) for the same thing. Repeated groups are
    written `[]` in `path`: `lines[].net_amount`.
    """

    code: str
    path: str
    also: tuple[str, ...] = ()
    is_group: bool = False

    @property
    def is_extension(self) -> bool:
        """Whether only an extension of EN 16931 knows it."""
        number = self.code.split("-")[1]
        return not number.isdigit() or int(number) > (_LAST_GROUP if self.code.startswith("BG") else _LAST_TERM)


_LAST_TERM = 165
_LAST_GROUP = 32


def term(codes: str, groups: Mapping[str, str] | None = None, /, **inside: str) -> Mapping[str, object]:
    """Metadata of a dataclass field that holds the business term or group `codes` ("BT-106", "BG-5").

    Other codes of the same term follow a slash: "BT-X-8/EXT-FR-FE-163". `inside` names the terms of the fields of a
    shared group (an address has other terms for the seller than for the buyer): `term("BG-5", city="BT-37")`;
    `groups` does the same by path, for groups inside it: `{"address.city": "BT-X-352"}`.
    Source: EN 16931-1, clause 6.3; Factur-X 1.0, EXTENDED; EXTENDED-CTC-FR.
    """
    code, *also = codes.split("/")
    return {_TERM: code, _ALSO: tuple(also), _INSIDE: {**(groups or {}), **inside}}


@cache
def all_terms(root: type) -> tuple[Term, ...]:
    """Every term under the dataclass `root`, in the order of its fields."""
    return tuple(_walk(root, "", {}, ()))


@cache
def paths(root: type) -> Mapping[str, str]:
    """Map each business term or group under the dataclass `root`, by any of its codes, to the path of its field.

    Repeated groups are written with `[]`: `{"BT-106": "totals.line_net", "BT-131": "lines[].net_amount"}`.
    """
    return types.MappingProxyType(
        {code: each.path for each in reversed(all_terms(root)) for code in (*each.also, each.code)}
    )


@cache
def terms(root: type) -> Mapping[str, str]:
    """Map each field path under `root` to the code of its business term: the inverse of `paths`."""
    return types.MappingProxyType({each.path: each.code for each in all_terms(root)})


def term_at(root: type, path: str) -> Term | None:
    """The term of the field at `path` under `root`, with or without the places in its lists."""
    general = re.sub(r"\[[0-9]*\]", "[]", path)
    known = _by_path(root)
    return known.get(general) or known.get(general + "[]") or known.get(general.removesuffix("[]"))


@cache
def _by_path(root: type) -> Mapping[str, Term]:
    return {each.path: each for each in all_terms(root)}


def _walk(cls: type, prefix: str, given: Mapping[str, str], above: tuple[type, ...]) -> Iterator[Term]:
    hints = get_type_hints(cls)
    for field in dataclasses.fields(cls):
        own = field.metadata
        codes = given[field.name].split("/") if field.name in given else [own.get(_TERM), *own.get(_ALSO, ())]
        inner, repeated = group_of(hints[field.name])
        path = prefix + field.name + ("[]" if repeated else "")
        if codes[0]:
            yield Term(code=codes[0], path=path, also=tuple(codes[1:]), is_group=inner is not None)
        if inner is not None and inner not in (*above, cls):
            start = field.name + "."
            below = {name[len(start) :]: code for name, code in given.items() if name.startswith(start)}
            yield from _walk(inner, path + ".", {**own.get(_INSIDE, {}), **below}, (*above, cls))


def group_of(hint: Any) -> tuple[type | None, bool]:
    """The dataclass behind `X`, `X | None` or `tuple[X, ...]` (None for a plain value), and whether it repeats."""
    origin = get_origin(hint)
    if origin is tuple:
        return group_of(get_args(hint)[0])[0], True
    if origin in {types.UnionType, Union}:
        (hint,) = (arg for arg in get_args(hint) if arg is not type(None))
        return group_of(hint)
    return (hint if dataclasses.is_dataclass(hint) and isinstance(hint, type) else None), False
