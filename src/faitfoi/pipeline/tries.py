"""What deliveries and acts do alike: how often each is tried and asked about, how long it waits, and what comes then.

Decided here, without a table; `deliver` and `acting` write it down.
"""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from faitfoi.channels.contract import CannotTell, NotFound, NotSent
from faitfoi.records.stages import Stage

MOST_ATTEMPTS = 8
MOST_QUESTIONS = 6
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=6)
LEASE_MARGIN = timedelta(seconds=5)
"""How long a claim may wait before its sending begins, and how much longer than its deadline its lease lasts."""

WORKER = f"{socket.gethostname()}:{os.getpid()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setback:
    """Where goes what certainly did not leave: back to leave again at `at`, or before a person (`at` is None)."""

    target: Stage
    reason: str
    at: datetime | None

    @property
    def timetable(self) -> Mapping[str, datetime | None]:
        """What to write with the move."""
        return {"next_attempt_at": self.at, "next_question_at": None}


def after_failure(error: NotSent, *, made: int, source: Stage, now: datetime) -> Setback:
    """Decide what comes after so many attempts: a wait that grows, or a person after the last.

    What the sweeper has taken back already (`source` is TO_FIND) is tried again: nobody need ask about it any more.
    """
    if is_last_try(made) and source is Stage.SENDING:
        return Setback(target=Stage.HELD, reason=f"Rien n’est parti, après {made} essais : {error.reason}", at=None)
    return Setback(target=Stage.ROUTED, reason=error.reason, at=now + wait_after(made, error))


def is_last_try(made: int) -> bool:
    """Whether a person comes next after so many attempts.

    Counted anew once a person has put it back: what they mended deserves more than one try.
    """
    return made % MOST_ATTEMPTS == 0


def wait_after(made: int, error: NotSent) -> timedelta:
    """How long to wait after so many attempts: twice as long each time, longer where waiting alone will not mend it."""
    tried = (made - 1) % MOST_ATTEMPTS
    return min(FIRST_WAIT * (1 << tried) * (4 if error.precondition else 1), LONGEST_WAIT)


def asks_again_at(answer: NotFound | CannotTell, *, asked: int, now: datetime) -> datetime | None:
    """Return when to ask once more what so many questions have not told; None when a person must decide."""
    pointless = isinstance(answer, CannotTell) and not answer.ask_again
    if pointless or asked >= MOST_QUESTIONS:
        return None
    return now + min(FIRST_WAIT * (1 << asked), LONGEST_WAIT)
