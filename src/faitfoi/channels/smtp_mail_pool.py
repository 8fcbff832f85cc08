"""Connections to relays that wait for their next message, shared by all jobs of a process.

What makes it safe: a connection is probed (RSET) *before* a message begins, so one that died while it waited is known
before anything can have left; and whatever failed never comes back here.
"""

import atexit
import contextlib
import smtplib
import threading
import time
from collections import defaultdict
from collections.abc import Hashable

from faitfoi.channels.smtp_mail_wire import RelayClient

MOST_WAITING = 4
"""Connections kept for one account; more are left at once."""
LONGEST_WAIT = 30.0
"""Seconds; relays hang up after one to five minutes."""
MOST_CARRIED = 100
"""Messages over one connection: many relays take no more."""
_QUIT_PATIENCE = 2.0


class Pool:
    """Connections at rest, by account. Thread-safe; a connection is in the hands of one thread or here."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[Hashable, list[tuple[float, RelayClient]]] = defaultdict(list)

    def take(self, account: Hashable) -> RelayClient | None:
        """The connection that has waited least, or None; those that waited too long are left."""
        with self._lock:
            waiting = self._waiting[account]
            fresh = [each for each in waiting if time.monotonic() - each[0] < LONGEST_WAIT]
            stale = [client for since, client in waiting if time.monotonic() - since >= LONGEST_WAIT]
            taken = fresh.pop()[1] if fresh else None
            self._waiting[account] = fresh
        for client in stale:
            leave(client)
        return taken

    def give(self, account: Hashable, client: RelayClient) -> None:
        """Keep a connection on which nothing is under way, or take leave of it."""
        if client.carried < MOST_CARRIED:
            with self._lock:
                waiting = self._waiting[account]
                if len(waiting) < MOST_WAITING:
                    waiting.append((time.monotonic(), client))
                    return
        leave(client)

    def empty(self) -> None:
        """Take leave of every relay."""
        with self._lock:
            waiting = [client for each in self._waiting.values() for _, client in each]
            self._waiting.clear()
        for client in waiting:
            leave(client)


def leave(client: RelayClient) -> None:
    """Say QUIT and close."""
    client.until = time.monotonic() + _QUIT_PATIENCE
    with contextlib.suppress(smtplib.SMTPException, OSError):  # it has hung up first; nothing was under way
        client.say("QUIT")
    client.close()


POOL = Pool()
atexit.register(POOL.empty)
