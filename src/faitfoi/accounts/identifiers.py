"""Identifiers that sort by the time they were made (UUIDv7, RFC 9562 §5.7)."""

import os
import threading
import time
from uuid import UUID

_turn = threading.Lock()
_last = 0


def uuid7() -> UUID:
    """Return a new UUIDv7, greater than every one this process has made before.

    48 bits of Unix milliseconds, 12 of their fraction (RFC 9562 §6.2, method 3), 62 random ones. Two entries that one
    transaction writes within a millisecond keep their order.
    """
    global _last
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    stamp = milliseconds << 12 | (rest << 12) // 1_000_000
    with _turn:
        stamp = _last = max(stamp, _last + 1)
    return UUID(
        int=(stamp >> 12) << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64 | 0x2 << 62 | int.from_bytes(os.urandom(8)) >> 2
    )
