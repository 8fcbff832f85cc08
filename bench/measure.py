"""What the benchmarks share: how calls are timed on a machine that others use too, and where figures are kept."""

import gc
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("FAITFOI_SHARED", ROOT.parent / "shared"))
RESULTS = ROOT / "build" / "bench.json"

Call = Callable[[], object]


def fastest(calls: Mapping[str, Call], *, seconds: float) -> dict[str, float]:
    """Milliseconds of the fastest run of each call. They take turns for about `seconds`, three turns at least.

    What else the machine does makes a run slower, never faster: of runs that take turns, the fastest of each are
    those that were disturbed least, and may be compared.
    """
    for call in calls.values():
        call()  # what is loaded or compiled once is not of the call
    best = dict.fromkeys(calls, float("inf"))
    turns, end = 0, time.monotonic() + seconds
    gc.disable()  # what one call leaves behind must not be swept up in another's time
    while turns < 3 or time.monotonic() < end:
        turns += 1
        gc.collect()
        for name, call in calls.items():
            # Short calls are repeated within their turn, so that a turn of theirs weighs as much as another's.
            for _ in range(1 + int(20 / max(best[name], 1)) if turns > 1 else 1):
                start = time.perf_counter()
                call()
                best[name] = min(best[name], 1000 * (time.perf_counter() - start))
    gc.enable()
    return best


def keep(figures: Mapping[str, object]) -> None:
    """Write figures beside those that other benchmarks have kept in build/bench.json."""
    RESULTS.parent.mkdir(exist_ok=True)
    kept = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    RESULTS.write_text(json.dumps({**kept, **figures}, indent=2, ensure_ascii=False) + "\n")


def stop(reason: str) -> None:
    """End the benchmark: what is compared does not do the same work."""
    sys.exit(f"{reason} There is nothing to compare.")
