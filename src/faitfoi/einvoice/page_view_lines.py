"""The lines of the invoice as rows of the page (BG-25 to BG-32), with everything each line says."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import accumulate, chain
from typing import TypedDict

from faitfoi.einvoice import page_words
from faitfoi.einvoice.model import Identifier, Invoice, InvoiceLine, LineAllowanceCharge
from faitfoi.einvoice.page_fit import fits_in_cell
from faitfoi.einvoice.page_numbers import NARROW, amount, breakable, days, number, percent, symbol
from faitfoi.einvoice.page_view_extended import line_facts

PAGE_WIDTH = 174.0
"""What an A4 page holds between its margins, in millimetres."""

# What a character of the table takes, in millimetres, at 9 pt; what a cell's two insets take.
_CHARACTER = 1.58
_INSETS = 3.7
_WIDEST = 34.0

# The longest words, in characters, that a cell and a designation can hold.
_CELL = 14
_WORD = 32

# A row that may be taller than half a page has to be allowed to continue on the next one.
_LONG = 1500


def line_table(invoice: Invoice) -> dict[str, object]:
    """`columns` (heading, width in mm, 0 = what is left) and `lines`, one row each, with the total carried so far.

    The second cell of a row is left empty: its `name` and `details` stand there. `short` says that a row certainly
    takes one line, `long` that it may be taller than half a page.
    """
    discounted = any(line.allowances or line.charges for line in invoice.lines)
    heads = ["", "Désignation", "Quantité", "PU HT", "Remise", "TVA", f"Montant HT ({symbol(invoice.currency)})"]
    shown = [at for at in range(len(heads)) if discounted or heads[at] != "Remise"]
    carried = accumulate(line.net_amount or Decimal(0) for line in invoice.lines)
    rows = [_row(line, so_far, shown) for line, so_far in zip(invoice.lines, carried, strict=True)]
    widths = [
        0 if heads[at] == "Désignation" else column_width(heads[at], [row["cells"][place] for row in rows])
        for place, at in enumerate(shown)
    ]
    for row in rows:
        row["short"] = _is_short(row, widths)
    return {
        "columns": [
            {"head": heads[at], "width": width, "words": at < 2} for at, width in zip(shown, widths, strict=True)
        ],
        "lines": rows,
    }


class _Row(TypedDict):
    cells: list[str]
    name: str
    details: str
    short: bool
    long: bool
    carried: str


def _row(line: InvoiceLine, carried: Decimal, shown: list[int]) -> _Row:
    quantity = "" if line.quantity is None else number(line.quantity)
    cells = [
        line.identifier,
        "",
        f"{quantity} {page_words.unit(line.unit, line.quantity)}".strip(),
        _price(line),
        _discount(line),
        _vat(line),
        amount(line.net_amount),
    ]
    details = breakable("\n".join(_details(line)), _WORD)
    return {
        "cells": [breakable(cells[at], _CELL) for at in shown],
        "name": breakable(line.item.name, _WORD),
        "details": details,
        "short": False,
        "long": len(details) + len(line.item.name) > _LONG,
        "carried": amount(carried),
    }


def _is_short(row: _Row, widths: list[float]) -> bool:
    """Whether the row certainly takes one line of text."""
    cells = zip(row["cells"], widths, strict=True)
    return (
        not row["details"]
        and fits_in_cell(row["name"], width=PAGE_WIDTH - sum(widths), semibold=True)
        and all(fits_in_cell(cell, width=width) for cell, width in cells if cell)
    )


def column_width(head: str, cells: list[str]) -> float:
    """What the longest of a column's texts takes, in millimetres; no more than a fifth of the page."""
    longest = max(map(len, (head, *cells)))
    return round(min(_WIDEST, longest * _CHARACTER + _INSETS), 1)


def _price(line: InvoiceLine) -> str:
    if line.price.net is None:
        return ""
    price = number(line.price.net, decimals=2)
    base = line.price.base_quantity
    unit = line.price.base_quantity_unit
    if base is None or (base == 1 and unit in ("", line.unit)):
        return price
    return f"{price} pour {number(base)}{NARROW}{page_words.unit(unit or line.unit, base)}".rstrip()


def _discount(line: InvoiceLine) -> str:
    taken = sum((each.amount or Decimal(0) for each in line.allowances), Decimal(0))
    added = sum((each.amount or Decimal(0) for each in line.charges), Decimal(0))
    if not (line.allowances or line.charges):
        return ""
    (single,) = line.allowances if len(line.allowances) == 1 and not line.charges else (None,)
    if single is not None and single.percentage is not None:
        return percent(-single.percentage)
    return f"{'+' if added > taken else ''}{amount(added - taken)}"


def _vat(line: InvoiceLine) -> str:
    rate, category = line.vat.rate, line.vat.category
    return page_words.vat_short(category, percent(rate) if rate or category in ("", "S") else "")


def _details(line: InvoiceLine) -> Iterator[str]:
    """Every other thing the line says, a paragraph for each kind."""
    if line.item.description:
        yield line.item.description
    facts = _joined(chain(_item_facts(line), _line_facts(line)))
    if facts:
        yield facts
    for each in line.allowances:
        yield _adjustment("Remise", each, sign=-1)
    for each in line.charges:
        yield _adjustment("Supplément", each, sign=1)
    if line.note:
        yield line.note
    yield from line_facts(line)
    for inner in line.sub_lines:
        yield " · ".join(part for part in _sub_line(inner) if part)


def _sub_line(line: InvoiceLine) -> Iterator[str]:
    """A line inside the line, in one paragraph."""
    quantity = "" if line.quantity is None else number(line.quantity, decimals=2)
    yield f"{line.identifier} {line.item.name}".strip()
    yield f"{quantity} {page_words.unit(line.unit, line.quantity)}".strip()
    yield f"à {_price(line)}" if line.price.net is not None else ""
    yield f"TVA {_vat(line)}" if line.vat.category or line.vat.rate is not None else ""
    yield amount(line.net_amount)
    yield from _details(line)


def _item_facts(line: InvoiceLine) -> Iterator[tuple[str, str]]:
    item = line.item
    yield "Réf.", item.seller_identifier
    yield "Votre réf.", item.buyer_identifier
    yield from _identified(item.standard_identifier, "Article")
    for attribute in item.attributes:
        label = " ".join(part for part in (attribute.name, attribute.code) if part)
        measure = attribute.measure
        if measure is not None and measure.value is not None:
            yield label, f"{number(measure.value, decimals=2)} {page_words.unit(measure.unit, measure.value)}"
        yield label, attribute.value
    for each in item.classifications:
        yield " ".join(part for part in ("Classe", each.scheme, each.version) if part), each.code
    yield "Origine", page_words.country(item.origin_country)


def _line_facts(line: InvoiceLine) -> Iterator[tuple[str, str]]:
    price = line.price
    yield "Période", days(line.period.start, line.period.end) if line.period else ""
    yield from _identified(line.invoiced_object, "Objet")
    yield "Ligne de commande", line.purchase_order_line_reference
    yield "Votre imputation", line.buyer_accounting_reference
    yield "Prix brut", "" if price.gross is None else number(price.gross, decimals=2)
    yield "Rabais unitaire", "" if price.discount is None else number(price.discount, decimals=2)


def _adjustment(kind: str, each: LineAllowanceCharge, *, sign: int) -> str:
    """`Remise : fidélité, 10 % de 120,00 : −12,00`, with what is given of it."""
    reason = ", ".join(part for part in (each.reason, f"code {each.reason_code}" if each.reason_code else "") if part)
    label = ", ".join(part for part in (named(kind, reason), share(each.percentage, each.base_amount)) if part)
    return f"{label} : {amount(sign * each.amount)}" if each.amount is not None else label


def named(kind: str, said: str) -> str:
    """`Remise : fidélité`; only what is said when it begins with that word already, only the word when nothing is."""
    if not said or said.lower().startswith(kind.lower()):
        return said or kind
    return f"{kind} : {said}"


def share(percentage: Decimal | None, base: Decimal | None) -> str:
    """`10 % de 120,00`, or whichever half is given."""
    if percentage is not None and base is not None:
        return f"{percent(percentage)} de {amount(base)}"
    return percent(percentage) or (f"base {amount(base)}" if base is not None else "")


def _identified(identifier: Identifier | None, label: str) -> list[tuple[str, str]]:
    if identifier is None:
        return []
    return [(page_words.scheme(identifier.scheme) if identifier.scheme else label, identifier.value)]


def _joined(facts: Iterator[tuple[str, str]]) -> str:
    return " · ".join(f"{label} : {value}" for label, value in facts if value)
