"""The law's own tables, dated: from when who must issue how. Data, with the source of each row; never a constant.

`data/legal_ways.toml` is read once. A day of the past keeps its answer, since no row before it ever changes.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from faitfoi.accounts.models import ChannelKey, SizeClass
from faitfoi.records.stages import Nature

TABLES = Path(__file__).parent / "data" / "legal_ways.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Obligation:
    """From `since` on, a seller of this size must invoice customers of this nature by the way of the law."""

    nature: Nature
    size: SizeClass
    since: date
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """The channels allowed for customers of a nature from `since` on, the preferred one first."""

    nature: Nature
    obliged: bool
    since: date
    channels: tuple[ChannelKey, ...]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalTables:
    """The tables as they stood at `edition`."""

    edition: date
    obligations: tuple[Obligation, ...]
    ways: tuple[Way, ...]

    def start(self, nature: Nature, size: SizeClass) -> Obligation | None:
        """Return from when a seller of this size must; None where the law asks nothing."""
        fitting = [row for row in self.obligations if (row.nature, row.size) == (nature, size)]
        return min(fitting, key=lambda row: row.since, default=None)

    def way(self, nature: Nature, *, obliged: bool, day: date) -> Way:
        """Return what is allowed on a day: the last row begun by then; before all of them, the first."""
        rows = sorted(
            (row for row in self.ways if (row.nature, row.obliged) == (nature, obliged)), key=lambda row: row.since
        )
        begun = [row for row in rows if row.since <= day]
        return (begun or rows)[-1 if begun else 0]

    def has_way(self, nature: Nature, *, day: date) -> bool:
        """Whether the way of the law existed on a day."""
        return any(row.nature is nature and row.obliged and row.since <= day for row in self.ways)

    def known_on(self, day: date) -> "LegalTables":
        """Return the rows that were in force by a day: what somebody who could not see further had to go by."""
        return LegalTables(
            edition=day,
            obligations=tuple(row for row in self.obligations if row.since <= day),
            ways=tuple(row for row in self.ways if row.since <= day),
        )


@cache
def legal_tables() -> LegalTables:
    """Return the tables of this version."""
    return read_tables(tomllib.loads(TABLES.read_text(encoding="utf-8")))


def read_tables(told: Mapping[str, Any]) -> LegalTables:
    """Read the tables from their TOML. Raises KeyError and ValueError for what they do not know."""
    return LegalTables(
        edition=told["edition"],
        obligations=tuple(
            Obligation(
                nature=Nature(row["nature"]), size=SizeClass(row["size"]), since=row["from"], source=row["source"]
            )
            for row in told["obligation"]
        ),
        ways=tuple(
            Way(
                nature=Nature(row["nature"]),
                obliged=row["obliged"],
                since=row["from"],
                channels=tuple(ChannelKey(channel) for channel in row["channels"]),
                source=row["source"],
            )
            for row in told["way"]
        ),
    )
