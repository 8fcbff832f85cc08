"""The code lists as the official sheets hold them, from a dated data file; they differ a little between syntaxes."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from faitfoi.einvoice.rules.sheets import Sheet

# What each sheet adds to the codes that all share, the first variant that a list has.
_VARIANTS = {
    Sheet.UBL: ("ubl",),
    Sheet.UBL_CTC_FR: ("ctc_ubl", "ubl"),
    Sheet.EXTENDED: ("extended",),
    Sheet.CII_CTC_FR: ("ctc_cii", "extended"),
}


class CodeList:
    """Codes to look one up in; `text` is all of them with a blank before and after each, as the sheets hold them."""

    __slots__ = ("all", "text")

    def __init__(self, codes: tuple[str, ...]) -> None:
        self.all = frozenset(codes)
        self.text = f" {' '.join(codes)} "

    def __contains__(self, code: object) -> bool:
        return code in self.all

    def __len__(self) -> int:
        return len(self.all)


@cache
def code_lists(sheet: Sheet) -> Mapping[str, CodeList]:
    """The lists by name, as `sheet` holds them."""
    variants = _VARIANTS.get(sheet, ("cii",))
    return {
        name: CodeList((*table["codes"].split(), *next((table[key] for key in variants if key in table), "").split()))
        for name, table in _tables().items()
    }


@cache
def _tables() -> Mapping[str, Mapping[str, str]]:
    text = files(__package__).joinpath("data", "code_lists.toml").read_text(encoding="utf-8")
    content: dict[str, Any] = tomllib.loads(text)
    return {name: table for name, table in content.items() if isinstance(table, dict)}
