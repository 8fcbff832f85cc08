"""Many files judged at once: one desk a core, each with children of its own that bear the limits.

A thread here only carries bytes to its children and reports back, so threads are enough to keep every core at work,
and memory does not grow with the number of files.
"""

import hashlib
import threading
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faitfoi.cli.library_files import read_file
from faitfoi.cli.library_ledger import Ledger
from faitfoi.einvoice.findings import Severity
from faitfoi.einvoice.xml import Unreadable
from faitfoi.pipeline.sandbox import Judge, Sandbox

Row = dict[str, Any]

OFFICIAL_SECONDS = 120.0
"""For one file: the official judge takes a second for a thousand lines."""
_AHEAD = 64
"""Files in hand for each desk: one that is long keeps the others waiting only when it is that late."""
_EMPTY = ("term", "message_fr", "remedy", "remedy_fr", "value", "line", "item", "place", "path", "field")
_STOPPED = "Le juge officiel n’a pas rendu son verdict sur ce document : il a épuisé le temps ou la mémoire accordés."


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of each file: a check, or the comparison of both judges."""

    compare: bool = False
    official: bool = False
    br_fr: bool | None = None
    language: str = "fr"


class Desk:
    """Answers the question for one file at a time; its children start when they are first needed."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._reader = Sandbox()
        self._judge = Sandbox(official=True, seconds=OFFICIAL_SECONDS)

    def answer(self, data: bytes) -> Row:
        """The report, or the comparison. Raises Unreadable."""
        return self._compare(data) if self._question.compare else self._check(data)

    def close(self) -> None:
        """End the children."""
        self._reader.close()
        self._judge.close()

    def _check(self, data: bytes) -> Row:
        asked = self._question
        judge = Judge.NOBODY if asked.official else Judge.OURS
        row, xml = self._reader.report(
            data, judge=judge, br_fr=asked.br_fr, language=asked.language, xml=asked.official
        )
        if asked.official:
            try:
                found, _ = self._judge.report(xml, judge=Judge.OFFICIAL, br_fr=asked.br_fr, language=asked.language)
            except Unreadable:
                found = {"findings": [finding("FF-XSLT", _STOPPED)], "valid": False}
            row["findings"] += found["findings"]
            row["valid"] = row["valid"] and found["valid"]
        return row

    def _compare(self, data: bytes) -> Row:
        # Read under the strict limits first: the official judge only ever sees what passed them.
        _, xml = self._reader.report(data, judge=Judge.NOBODY, xml=True)
        try:
            return self._judge.compare(xml, br_fr=self._question.br_fr)
        except Unreadable:
            raise Unreadable(_STOPPED) from None


def answers(
    paths: Iterable[Path], question: Question, *, jobs: int, ledger: Ledger | None = None
) -> Generator[tuple[Path, Row]]:
    """Every file with its answer, in the order of `paths`; what cannot be read says so under `unreadable`.

    Closing the iterator waits for the files in hand, then ends the children. `ledger` gives back what it knows, and
    keeps what is new.
    """
    mine = threading.local()
    desks: list[Desk] = []

    def open_desk() -> None:
        mine.desk = Desk(question)
        desks.append(mine.desk)

    def work(path: Path) -> Row:
        try:
            data = read_file(path)
        except Unreadable as error:
            return {"unreadable": error.reason}
        digest = hashlib.sha256(data).hexdigest() if ledger is not None else ""
        known = ledger.find(path, digest) if ledger is not None else None
        if known is not None:
            return known
        try:
            row = mine.desk.answer(data)
        except Unreadable as error:
            row = {"unreadable": error.reason}
        if ledger is not None:
            ledger.add(path, digest, row)
        return dict(row)

    waiting: deque[tuple[Path, Future[Row]]] = deque()
    pool = ThreadPoolExecutor(jobs, initializer=open_desk)
    try:
        for path in paths:
            waiting.append((path, pool.submit(work, path)))
            if len(waiting) >= jobs * _AHEAD:
                yield _next(waiting)
        while waiting:
            yield _next(waiting)
    finally:
        pool.shutdown(cancel_futures=True)
        for desk in desks:
            desk.close()


def finding(rule: str, message: str) -> dict[str, str]:
    """A fatal finding about the whole document, as reports hold them."""
    told = dict.fromkeys(_EMPTY, "")
    return {"rule": rule, "severity": Severity.FATAL.value, "message": message, **told}


def _next(waiting: deque[tuple[Path, Future[Row]]]) -> tuple[Path, Row]:
    path, future = waiting.popleft()
    return path, future.result()
