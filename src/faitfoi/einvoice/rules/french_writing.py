"""How the French rules want things written: one test for each kind of text, used on the model and on documents."""

import re
import tomllib
from collections.abc import Callable
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, Final

Holds = Callable[[str], bool]
"""A test of one text as it is written."""

LONGEST_NUMBER: Final = 35
LONGEST_ADDRESS: Final = 125
LONGEST_ROUTING_CODE: Final = 100
_LONGEST_AMOUNT = 19
_LONGEST_RATE = 4

_SPACES = re.compile(r"[ \t\r\n]+")
_DOCUMENT_NUMBER = re.compile(r"[A-Za-z0-9+\-_/]+")
_SIGNS = re.compile(r"[A-Za-z0-9+\-_.]+")
_SIREN = re.compile(r"\d{9}")
_SIRET = re.compile(r"\d{14}")
_AMOUNT = re.compile(r"-?\d{1,19}(\.\d{1,2})?")
_QUANTITY = re.compile(r"-?\d{1,19}(\.\d{1,4})?")
_PRICE = re.compile(r"\d{1,19}(\.\d{1,6})?")
_SIGNED_PRICE = re.compile(r"-?\d{1,19}(\.\d{1,6})?")
_RATE = re.compile(r"\d{1,4}(\.\d{1,2})?")


def codes(name: str) -> frozenset[str]:
    """One of the lists that the French rules close, from `data/french_codes.toml`, where its source stands."""
    return frozenset(_lists()[name]["codes"])


@cache
def _lists() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("data", "french_codes.toml").read_text(encoding="utf-8"))


TYPE_CODES: Final = codes("document_types")
FRAMEWORKS: Final = codes("frameworks")
TREATMENTS: Final = codes("treatments")
CATEGORIES: Final = codes("vat_categories")
RATES: Final = codes("vat_rates")
DOCUMENT_CODES: Final = codes("supporting_documents")
PREPAYMENT: Final = frozenset({"386", "500", "503"})
"""Types of document (BT-3) for a payment in advance."""
PAID: Final = frozenset({"B2", "S2", "M2"})
"""Cadres de facturation (BT-23) of an invoice already paid."""
SEVERAL_SELLERS: Final = frozenset({"S8", "B8", "M8"})
"""Cadres de facturation (BT-23) of an invoice for several sellers."""
ON_BEHALF: Final = frozenset({"S9", "B9", "M9"})
"""Cadres de facturation (BT-23) of an invoice on behalf of a third party: its prices may be negative."""
ISLANDS: Final = frozenset({"L", "M"})
"""VAT categories that EN 16931 has for Spanish islands."""


def normal(text: str) -> str:
    """The text as XPath's normalize-space makes it."""
    return _SPACES.sub(" ", text).strip(" ")


def first_after(notes: str, subject: str) -> str:
    """What the first note of a subject says in UBL, up to the next `#`; empty when there is none."""
    return notes.partition(f"#{subject}#")[2].partition("#")[0]


def at_most(length: int) -> Holds:
    """A test that a text has no more characters than `length`."""
    return lambda text: len(text) <= length


def is_document_number(text: str) -> bool:
    """Letters without accents, digits and + - _ / only, without any space."""
    return " " not in text and _DOCUMENT_NUMBER.fullmatch(normal(text)) is not None


def has_allowed_signs(text: str) -> bool:
    """Letters without accents, digits and + - _ . only: addresses and routing codes."""
    return _SIGNS.fullmatch(text) is not None


def is_siren(text: str) -> bool:
    """Nine digits."""
    return _SIREN.fullmatch(normal(text)) is not None


def is_exact_siren(text: str) -> bool:
    """Nine digits without any space."""
    return _SIREN.fullmatch(text) is not None


def is_siret(text: str) -> bool:
    """Fourteen digits."""
    return _SIRET.fullmatch(text) is not None


def is_amount(text: str) -> bool:
    """At most 2 decimals and 19 signs without the point."""
    return _fits(_AMOUNT, text, _LONGEST_AMOUNT)


def is_quantity(text: str) -> bool:
    """At most 4 decimals and 19 signs without the point."""
    return _fits(_QUANTITY, text, _LONGEST_AMOUNT)


def is_price(text: str) -> bool:
    """Not negative, at most 6 decimals and 19 digits."""
    return _fits(_PRICE, text, _LONGEST_AMOUNT)


def is_signed_price(text: str) -> bool:
    """At most 6 decimals and 19 signs without the point."""
    return _fits(_SIGNED_PRICE, text, _LONGEST_AMOUNT)


def is_rate(text: str) -> bool:
    """Not negative, at most 2 decimals and 4 digits."""
    return _fits(_RATE, text, _LONGEST_RATE)


def _fits(pattern: re.Pattern[str], text: str, longest: int) -> bool:
    plain = text.strip(" \t\r\n")
    if pattern.fullmatch(plain) is None:
        return False
    return len(plain) <= longest or len(plain.replace(".", "")) <= longest


def is_type_code(text: str) -> bool:
    """A type of document used in France."""
    return text in TYPE_CODES


def is_framework(text: str) -> bool:
    """A cadre de facturation."""
    return text in FRAMEWORKS


def is_category(text: str) -> bool:
    """A VAT category used in France."""
    return text in CATEGORIES


def is_no_island(text: str) -> bool:
    """No VAT category of the Spanish islands."""
    return text not in ISLANDS


def is_french_rate(text: str) -> bool:
    """A VAT rate of France, past or present."""
    return text in RATES


def is_worded(text: str) -> bool:
    """A text that is not only white space."""
    return bool(normal(text))


def is_day(text: str) -> bool:
    """A day of the years 2000 to 2099 as UBL writes it."""
    return _DAY.fullmatch(text) is not None and _is_in_calendar(text)


def is_compact_day(text: str) -> bool:
    """The same as CII writes it, whatever stands after its eight digits."""
    return _COMPACT_DAY.fullmatch(text[:8]) is not None and _is_in_calendar(text[:8])


_DAY = re.compile(r"20\d{2}-\d{2}-\d{2}")
_COMPACT_DAY = re.compile(r"20\d{6}")


def _is_in_calendar(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False
