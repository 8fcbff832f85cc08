"""Costs in the seconds of one machine: what a bound on work is held to, whatever machine measures it and who shares it.

Only processor time counts, so that neighbours cost little. A bound is written in seconds of the machine on which it was
found; `reference(spent)` turns processor seconds of this one into those, by what a fixed piece of work takes here.
"""

import re
import time
from collections.abc import Callable
from functools import cache

PIECE = 0.005
"""Processor seconds that `_piece` took, at best, on the machine the bounds were found on."""


def reference(spent: float) -> float:
    """Turn processor seconds of this machine into those of the machine the bounds were found on."""
    return spent * PIECE / _here()


def cost(act: Callable[[], object]) -> float:
    """Do something once; how many processor seconds it takes on the machine the bounds were found on."""
    return reference(_spent(act))


@cache
def _here() -> float:
    return min(_spent(_piece) for _ in range(20))


def _piece() -> None:
    """Some of what our programs do most: names, numbers, text."""
    table = {f"BT-{n}": n for n in range(10_000)}
    text = " ".join(sorted(table))
    assert sum(table[name] for name in re.findall(r"BT-\d+", text)) == 49_995_000


def _spent(act: Callable[[], object]) -> float:
    began = time.process_time()
    act()
    return time.process_time() - began
