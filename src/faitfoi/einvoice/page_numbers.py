"""Numbers, dates and account numbers as French pages write them."""

import re
from datetime import date
from decimal import Decimal

NARROW = "\u202f"
"""Narrow no-break space: between thousands, before a per cent sign."""

ZERO_WIDTH = "\u200b"
"""Where a long word may be broken; nothing to see."""

_NO_BREAK = "\u00a0"
_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£"}


def number(value: Decimal, *, decimals: int = 0) -> str:
    """`1 234,5`: at least `decimals` decimals, and every further one that counts."""
    sign = "−" if value < 0 else ""
    digits, _, fraction = f"{abs(value):f}".partition(".")
    fraction = fraction.rstrip("0").ljust(decimals, "0")
    digits = digits.lstrip("0") or "0"
    groups = [digits[max(0, end - 3) : end] for end in range(len(digits), 0, -3)]
    return sign + NARROW.join(reversed(groups)) + (f",{fraction}" if fraction else "")


def money(value: Decimal | None, currency: str) -> str:
    """`1 234,56 €`; empty when absent. A currency without a symbol that everybody reads is written by its code."""
    if value is None:
        return ""
    return f"{number(value, decimals=2)}{_NO_BREAK}{symbol(currency)}".rstrip(_NO_BREAK)


def symbol(currency: str) -> str:
    """`€`, or the currency's code."""
    return _SYMBOLS.get(currency, currency)


def amount(value: Decimal | None) -> str:
    """`1 234,56` for a column whose heading tells the currency; empty when absent."""
    return "" if value is None else number(value, decimals=2)


def percent(value: Decimal | None) -> str:
    """`5,5 %`; empty when absent."""
    return "" if value is None else f"{number(value)}{NARROW}%"


def day(value: date | None) -> str:
    """`21/11/2026`; empty when absent."""
    return "" if value is None else f"{value:%d/%m/%Y}"


def days(start: date | None, end: date | None) -> str:
    """`du 01/11/2026 au 30/11/2026`, with one bound when there is only one."""
    if start and end:
        return f"du {day(start)} au {day(end)}"
    return f"à partir du {day(start)}" if start else f"jusqu’au {day(end)}"


def grouped(account: str) -> str:
    """An IBAN in groups of four, other account numbers as they are."""
    return _NO_BREAK.join(account[at : at + 4] for at in range(0, len(account), 4)) if is_iban(account) else account


def is_iban(account: str) -> bool:
    """Whether the two check digits of an IBAN hold (ISO 13616, modulo 97)."""
    if not (15 <= len(account) <= 34 and account.isascii() and account.isalnum() and account[:2].isalpha()):
        return False
    return checks_modulo_97(account)


def checks_modulo_97(identifier: str) -> bool:
    """ISO 7064 MOD 97-10 with its first four characters moved last, as in IBAN and ISO 11649 references."""
    moved = identifier[4:] + identifier[:4]
    return int("".join(str(int(character, 36)) for character in moved)) % 97 == 1


def breakable(text: str, longest: int) -> str:
    """The text with a place to break inside each word longer than `longest`, which would leave its column otherwise."""
    if len(text) <= longest:
        return text
    return re.sub(rf"\S{{{longest}}}(?=\S)", lambda found: found[0] + ZERO_WIDTH, text)


def registration(value: str, scheme: str) -> str:
    """SIREN and SIRET in the groups people read them in; anything else as it is."""
    if scheme == "0002" and len(value) == 9:
        return _NO_BREAK.join((value[:3], value[3:6], value[6:]))
    if scheme == "0009" and len(value) == 14:
        return _NO_BREAK.join((value[:3], value[3:6], value[6:9], value[9:]))
    return value
