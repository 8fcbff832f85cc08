"""The one way in which tests wait: for something to hold, never for time to pass.

A test's verdict must be the same on a machine ten times faster or slower, or shared by many: so what is awaited is a
condition, looked at often, and the patience is longer than any machine at work needs. It only ends a test that hangs.
"""

import time
from collections.abc import Callable

PATIENCE = 300.0
"""Seconds after which what is awaited will not happen any more. No verdict but "it hangs" depends on it."""
INTERVAL = 0.02


def wait_for(
    holds: Callable[[], bool],
    what: str | Callable[[], str],
    *,
    meanwhile: Callable[[], object] = lambda: None,
    every: float = INTERVAL,
) -> None:
    """Return once something holds. `meanwhile` is called between two looks, and may raise that it never will.

    `what` says it when patience ends: AssertionError. `every`: seconds between two looks, more where one is dear.
    """
    ends = time.monotonic() + PATIENCE
    while not holds():
        meanwhile()
        assert time.monotonic() < ends, f"never: {what if isinstance(what, str) else what()}"
        time.sleep(every)
