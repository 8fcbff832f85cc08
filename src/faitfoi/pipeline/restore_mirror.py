"""Goes through the journal's mirror from where the database stops: one way, or several where two journals were."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from faitfoi.evidence.leaves import leaf_hash
from faitfoi.pipeline.mirroring import MirrorDamaged, MirroredEntry, Segment, read_segment, segments

MOST_CHAINS = 64
"""Ways through the mirror that are tried: more than one only where a journal was continued twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One entry as the mirror has it: its place, the text that is hashed, and the images of its rows if they remain."""

    index: int
    body: str
    details: str | None
    entry_id: UUID
    organisation_id: UUID

    @property
    def leaf(self) -> bytes:
        """The leaf of the entry."""
        return leaf_hash(self.body.encode())

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the entry says."""
        facts: Mapping[str, Any] = json.loads(self.body)
        return facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A way through the mirror: the segments in their order, and the lines from the entry that was asked for."""

    segments: tuple[Segment, ...]
    lines: tuple[Line, ...]


def chains(start: int) -> Iterator[Chain]:
    """Every way to go on from entry `start` through the mirror's segments, those that go furthest first.

    There is one, unless a journal that had gone back was mirrored before a witness stopped it: which of them is true,
    only a witness says.
    """
    known = segments(start)
    # Depth first, without recursion: a mirror has many thousand segments.
    waiting: list[tuple[int, tuple[Segment, ...]]] = [(start, ())]
    found: list[tuple[int, tuple[Segment, ...]]] = []
    while waiting and len(found) < MOST_CHAINS:
        at, chosen = waiting.pop()
        nexts = [each for each in known if each.first <= at <= each.last]
        if not nexts:
            found.append((at, chosen))
        waiting += [(each.last + 1, (*chosen, each)) for each in sorted(nexts, key=lambda each: each.last)]
    for _, chosen in sorted(found, key=lambda each: each[0], reverse=True):
        yield _read(start, chosen)


def _read(start: int, chosen: tuple[Segment, ...]) -> Chain:
    """The lines of a chain, up to the first segment that no shelf can read."""
    lines: list[Line] = []
    for number, segment in enumerate(chosen):
        try:
            entries = list(read_segment(segment))
        except MirrorDamaged:
            return Chain(segments=chosen[:number], lines=tuple(lines))
        lines += [_line(entry) for entry in entries if entry.index >= start + len(lines)]
    return Chain(segments=chosen, lines=tuple(lines))


def _line(entry: MirroredEntry) -> Line:
    facts = json.loads(entry.body)
    return Line(
        index=entry.index,
        body=entry.body,
        details=entry.details,
        entry_id=UUID(facts["id"]),
        organisation_id=UUID(facts["organisation"]),
    )
