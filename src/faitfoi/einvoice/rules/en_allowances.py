"""EN 16931: allowances and charges, of the document (BG-20, BG-21) and of its lines (BG-27, BG-28).

The same six demands are made of each of the four groups, under ids of their own: each row below is one rule.
"""

from collections.abc import Callable, Iterator
from typing import TypeAlias

from faitfoi.einvoice.model import DocumentAllowanceCharge, LineAllowanceCharge
from faitfoi.einvoice.rules.case import Case, in_cents
from faitfoi.einvoice.rules.engine import Offence, rule
from faitfoi.einvoice.rules.marks import NOT_VAT

_Value: TypeAlias = DocumentAllowanceCharge | LineAllowanceCharge
_Member: TypeAlias = tuple[str, _Value, str]
_Group: TypeAlias = Callable[[Case], Iterator[_Member]]
_Demand: TypeAlias = Callable[[Case, _Value], bool]


def _allowances(case: Case) -> Iterator[_Member]:
    return ((f"allowances[{place}]", value, "") for place, value in enumerate(case.invoice.allowances))


def _charges(case: Case) -> Iterator[_Member]:
    return ((f"charges[{place}]", value, "") for place, value in enumerate(case.charges_proper))


def _line_allowances(case: Case) -> Iterator[_Member]:
    return iter(case.line_allowances)


def _line_charges(case: Case) -> Iterator[_Member]:
    return iter(case.line_charges)


def _has_amount(case: Case, value: _Value) -> bool:
    # The readers give an amount they cannot read the term of an allowance, whatever it is.
    return case.stated(value.amount, "BT-92" if isinstance(value, DocumentAllowanceCharge) else "BT-136")


def _has_category(_case: Case, value: _Value) -> bool:
    category = value.vat_category if isinstance(value, DocumentAllowanceCharge) else ""
    return bool(category) and not category.startswith(NOT_VAT)


def _has_reason(_case: Case, value: _Value) -> bool:
    return bool(value.reason or value.reason_code)


def _amount_in_cents(_case: Case, value: _Value) -> bool:
    return in_cents(value.amount)


def _base_in_cents(_case: Case, value: _Value) -> bool:
    return in_cents(value.base_amount)


def _agrees(_case: Case, _value: _Value) -> bool:
    # No program can tell whether a text and a code mean the same: the official sheets do not try either.
    return True


_AMOUNT = (_has_amount, "amount")
_CATEGORY = (_has_category, "vat_category")
_REASON = (_has_reason, "reason")
_AGREES = (_agrees, "reason_code")
_CENTS = (_amount_in_cents, "amount")
_BASE_CENTS = (_base_in_cents, "base_amount")

_Row: TypeAlias = tuple[str, str, _Group, tuple[_Demand, str], str]

_ROWS: tuple[_Row, ...] = (
    ("BR-31", "BT-92", _allowances, _AMOUNT, "Each allowance on the document (BG-20) has an amount (BT-92)."),
    ("BR-32", "BT-95", _allowances, _CATEGORY, "Each allowance on the document (BG-20) has a VAT category (BT-95)."),
    (
        "BR-33",
        "BT-97",
        _allowances,
        _REASON,
        "Each allowance on the document (BG-20) has a reason in words (BT-97) or by a code (BT-98).",
    ),
    ("BR-36", "BT-99", _charges, _AMOUNT, "Each charge on the document (BG-21) has an amount (BT-99)."),
    ("BR-37", "BT-102", _charges, _CATEGORY, "Each charge on the document (BG-21) has a VAT category (BT-102)."),
    (
        "BR-38",
        "BT-104",
        _charges,
        _REASON,
        "Each charge on the document (BG-21) has a reason in words (BT-104) or by a code (BT-105).",
    ),
    ("BR-41", "BT-136", _line_allowances, _AMOUNT, "Each allowance on a line (BG-27) has an amount (BT-136)."),
    (
        "BR-42",
        "BT-139",
        _line_allowances,
        _REASON,
        "Each allowance on a line (BG-27) has a reason in words (BT-139) or by a code (BT-140).",
    ),
    ("BR-43", "BT-141", _line_charges, _AMOUNT, "Each charge on a line (BG-28) has an amount (BT-141)."),
    (
        "BR-44",
        "BT-144",
        _line_charges,
        _REASON,
        "Each charge on a line (BG-28) has a reason in words (BT-144) or by a code (BT-145).",
    ),
    (
        "BR-CO-05",
        "BT-98",
        _allowances,
        _AGREES,
        "The code (BT-98) and the words (BT-97) that explain an allowance on the document mean the same.",
    ),
    (
        "BR-CO-06",
        "BT-105",
        _charges,
        _AGREES,
        "The code (BT-105) and the words (BT-104) that explain a charge on the document mean the same.",
    ),
    (
        "BR-CO-07",
        "BT-140",
        _line_allowances,
        _AGREES,
        "The code (BT-140) and the words (BT-139) that explain an allowance on a line mean the same.",
    ),
    (
        "BR-CO-08",
        "BT-145",
        _line_charges,
        _AGREES,
        "The code (BT-145) and the words (BT-144) that explain a charge on a line mean the same.",
    ),
    (
        "BR-CO-21",
        "BT-97",
        _allowances,
        _REASON,
        "An allowance on the document (BG-20) is explained, in words (BT-97), by a code (BT-98) or by both.",
    ),
    (
        "BR-CO-22",
        "BT-104",
        _charges,
        _REASON,
        "A charge on the document (BG-21) is explained, in words (BT-104), by a code (BT-105) or by both.",
    ),
    (
        "BR-CO-23",
        "BT-139",
        _line_allowances,
        _REASON,
        "An allowance on a line (BG-27) is explained, in words (BT-139), by a code (BT-140) or by both.",
    ),
    (
        "BR-CO-24",
        "BT-144",
        _line_charges,
        _REASON,
        "A charge on a line (BG-28) is explained, in words (BT-144), by a code (BT-145) or by both.",
    ),
    (
        "BR-DEC-01",
        "BT-92",
        _allowances,
        _CENTS,
        "The amount of an allowance on the document (BT-92) has at most two decimals.",
    ),
    (
        "BR-DEC-02",
        "BT-93",
        _allowances,
        _BASE_CENTS,
        "The base of an allowance on the document (BT-93) has at most two decimals.",
    ),
    (
        "BR-DEC-05",
        "BT-99",
        _charges,
        _CENTS,
        "The amount of a charge on the document (BT-99) has at most two decimals.",
    ),
    (
        "BR-DEC-06",
        "BT-100",
        _charges,
        _BASE_CENTS,
        "The base of a charge on the document (BT-100) has at most two decimals.",
    ),
    (
        "BR-DEC-24",
        "BT-136",
        _line_allowances,
        _CENTS,
        "The amount of an allowance on a line (BT-136) has at most two decimals.",
    ),
    (
        "BR-DEC-25",
        "BT-137",
        _line_allowances,
        _BASE_CENTS,
        "The base of an allowance on a line (BT-137) has at most two decimals.",
    ),
    (
        "BR-DEC-27",
        "BT-141",
        _line_charges,
        _CENTS,
        "The amount of a charge on a line (BT-141) has at most two decimals.",
    ),
    (
        "BR-DEC-28",
        "BT-142",
        _line_charges,
        _BASE_CENTS,
        "The base of a charge on a line (BT-142) has at most two decimals.",
    ),
)


def _write(row: _Row) -> None:
    rule_id, term, group, (demand, field), sentence = row

    @rule(rule_id, term, sentence=sentence)
    def check(case: Case) -> Iterator[Offence]:
        for path, value, line in group(case):
            if not demand(case, value):
                found = getattr(value, field)
                yield Offence(path=f"{path}.{field}", value="" if found is None else str(found), line=line)


for _row in _ROWS:
    _write(_row)
