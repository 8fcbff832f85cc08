"""Arithmetic as the CII sheets do it: XPath adds untyped values in binary floating point.

Differences from decimal sums are far below a cent, and yet decide where a sum falls on half a cent: our verdict must
fall on the same side.
"""

import math
from collections.abc import Iterable
from decimal import Decimal


def double_sum(amounts: Iterable[Decimal | None]) -> float:
    """The sum of those that are there, added one after the other (`sum` compensates for errors since Python 3.12)."""
    result = 0.0
    for amount in amounts:
        if amount is not None:
            result += float(amount)
    return result


def double_cents(amount: float) -> float:
    """`round(x * 10 * 10) div 100`, with XPath's rounding of halves upwards."""
    return double_round(amount * 10 * 10) / 100


def double_round(amount: float) -> float:
    """`round(x)`: halves go up, also below zero."""
    floor = math.floor(amount)
    rounded = float(floor + 1 if amount - floor >= 0.5 else floor)
    return math.copysign(rounded, amount) if rounded == 0 else rounded


def equal(written: Decimal | None, number: float) -> bool:
    """`written = number` for a value read from the document: Saxon then takes -0.00 for another number than 0."""
    if written is None:
        return False
    value = float(written)
    return value == number and (value != 0 or math.copysign(1, value) == math.copysign(1, number))


def at_least_zero(written: Decimal) -> bool:
    """`written >= 0` for a value read from the document, which for Saxon -0.00 is not."""
    return written > 0 or equal(written, 0.0)
