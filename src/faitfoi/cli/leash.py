"""Ends a child of the supervisor when the supervisor itself has died, even of kill -9."""

import os
import signal
import threading

LEASH = "FAITFOI_LEASH"


def hold() -> None:
    """Watch the pipe whose other end the supervisor holds, when there is one: its end is our SIGTERM."""
    descriptor = os.environ.pop(LEASH, "")
    if descriptor:
        threading.Thread(target=_watch, args=(int(descriptor),), name="leash", daemon=True).start()


def _watch(descriptor: int) -> None:
    os.read(descriptor, 1)  # nothing is ever written: this returns when the last writer is gone
    os.kill(os.getpid(), signal.SIGTERM)
