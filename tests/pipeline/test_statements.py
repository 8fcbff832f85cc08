"""How often PostgreSQL is asked for each document: a ceiling, since an exchange more is seen by nobody."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.pipeline.cast import FARMER, TOWN, Scene, file

FEW, MORE = 5, 15
PREPARED = 2
"""Statements for one document more in a chunk that is prepared: only how Chorus Pro wants it is asked for each."""
DELIVERED = 29
"""Statements for one document more that leaves: its claim, and what was answered.

Six of them are of the test, whose own transaction makes savepoints of theirs.
"""


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], int]:
    """Return how many statements an act has sent, Django's and those that are prepared alike."""
    sent: list[object] = []
    execute = psycopg.Cursor.execute

    def noting(self: "psycopg.Cursor[Any]", query: Any, params: Any = None, **more: Any) -> "psycopg.Cursor[Any]":
        sent.append(query)
        return execute(self, query, params, **more)

    monkeypatch.setattr(psycopg.Cursor, "execute", noting)

    def count(act: Callable[[], object]) -> int:
        sent.clear()
        act()
        return len(sent)

    return count


def test_each_document_more_costs_few_statements(scene: Scene, counted: Callable[[Callable[[], object]], int]) -> None:
    scene.send(file("W-1"), file("W-2", TOWN))  # keys made, Chorus Pro asked
    asked: dict[int, tuple[int, int]] = {}
    for series, documents in (("A", FEW), ("B", MORE)):
        batch = scene.hand_over(*(file(f"{series}-{n}", FARMER if n % 5 else TOWN) for n in range(1, documents + 1)))
        asked[documents] = counted(lambda batch=batch: scene.prepare(batch)), counted(scene.deliver)  # type: ignore[misc]
        assert scene.counts(batch).sent == documents
    prepared, delivered = ((more - few) / (MORE - FEW) for few, more in zip(asked[FEW], asked[MORE], strict=True))
    assert prepared <= PREPARED
    assert delivered <= DELIVERED
