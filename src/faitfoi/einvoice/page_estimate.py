"""How tall a page will be, roughly: only to choose how to lay it out first, never what it shows."""

from collections.abc import Mapping
from typing import Any

# Millimetres, measured on pages: what A4 holds between the margins, and a further line of text in the three sizes used.
_PAGE = 262.0
_LINE = 3.85
_DETAIL = 3.35
_SMALL = 3.1


def seems_one_page(view: Mapping[str, Any]) -> bool:
    """Whether everything in the view (of `page_view`) seems to fit on one page.

    A wrong answer costs a second layout, not a wrong page.
    """
    head = 27 + max(_party(view["seller"]), _party(view["buyer"]) + 7)
    if view["others"]:
        head += (5 + max(map(_party, view["others"]))) * -(-len(view["others"]) // 3)
    head += 8 + 9.2 * -(-len(view["facts"]) // view["facts_per_row"]) + (9 if view["preceding"] else 0)
    lines = 4.6 + sum(map(_line, view["lines"]))
    adjustments = 13 + 4.6 * len(view["adjustments"]) if view["adjustments"] else 0
    vat = 9 + 4.6 * len(view["vat"]) + _SMALL * _rows(view["vat_notes"], 75)
    totals = 3 + max(vat, 3 + 4.75 * len(view["totals"]))
    height: float = head + lines + adjustments + totals + _payment(view["payment"]) + _notes(view)
    return height <= _PAGE


def _party(who: Mapping[str, str]) -> float:
    return 8 + _LINE * _rows(who["address"].strip(), 45) + _SMALL * _rows(who["facts"], 62)


def _line(line: Mapping[str, str]) -> float:
    return 1.1 + _LINE * _rows(line["name"], 50) + _DETAIL * _rows(line["details"], 75)


def _payment(payment: Mapping[str, Any]) -> float:
    if not (payment["facts"] or payment["terms"]):
        return 0
    words = 4 + _LINE * _rows(payment["terms"], 90) + 3.7 * len(payment["facts"])
    return 7 + max(words, 31.5 if payment["qr"] else 0)


def _notes(view: Mapping[str, Any]) -> float:
    notes = sum(_DETAIL * _rows(each["label"] + each["text"], 135) for each in view["notes"])
    return 4 + notes + _DETAIL * (_rows(view["documents"], 135) + _rows(view["processing"], 135)) + 1


def _rows(text: str, width: int) -> int:
    """Lines that a text takes at about `width` characters a line; none for no text."""
    return sum(1 + len(part) // width for part in text.split("\n")) if text else 0
