"""The code lists as the official sheets hold them, from a dated data file; they differ a little between syntaxes."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from faitfoi.einvoice.rules.sheets import Sheet

_VARIANTS = {
    Sheet.UBL: ("ubl",),
    Sheet.UBL_CTC_FR: ("ubl",),
    Sheet.EXTENDED: ("extended",),
    Sheet.CII_CTC_FR: ("extended",),
}


class CodeList:
    """Codes to look one up in; `text` is all of them with a blank before and after each, as the sheets hold them."""

    __slots__ = ("_codes", "text")

    def __init__(self, codes: tuple[str, ...]) -> None:
        self._codes = frozenset(codes)
        self.text = f" {' '.join(codes)} "

    def __contains__(self, code: object) -> bool:
        return code in self._codes

    def __len__(self) -> int:
        return len(self._codes)


@cache
def code_lists(sheet: Sheet) -> Mapping[str, CodeList]:
    """The lists by name, as `sheet` holds them."""
    variants = _VARIANTS.get(sheet, ("cii",))
    return {
        name: CodeList(tuple(code for key in ("codes", *variants) for code in table.get(key, "").split()))
        for name, table in _tables().items()
    }


@cache
def _tables() -> Mapping[str, Mapping[str, str]]:
    text = files(__package__).joinpath("data", "code_lists.toml").read_text(encoding="utf-8")
    content: dict[str, Any] = tomllib.loads(text)
    return {name: table for name, table in content.items() if isinstance(table, dict)}
