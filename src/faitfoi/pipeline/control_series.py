"""Recognises the series behind numbers that somebody else has given, and says what is missing in each.

A number is read as text and runs of digits (`F-2026-0117`). Among numbers of the same shape, one run is the counter and
the others name the series. What cannot be told is said, not guessed.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

DIGITS = re.compile(r"(\d+)")
HOLE = "\0"
"""Where the counter stands in a series' name while it is computed: no number kept in a table contains it."""
LONGEST = 15
"""Digits of a counter: a longer run is an identifier, not a count."""
SPARSE = 50
"""So many absent numbers, and twice as many as are there: the numbers are not consecutive by design."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A number that was given, on which day, by which seller; `document` is only carried along."""

    number: str
    day: date
    seller: str
    document: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Absent numbers of a series, from `first` to `last` written as the series writes them, and the ones around."""

    series: str
    first: str
    last: str
    missing: int
    before: Given
    after: Given


@dataclass(frozen=True, slots=True, kw_only=True)
class Untold:
    """Numbers of which nothing can be said, and why (a French sentence)."""

    sample: Given
    count: int
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Consecutive numbers that were recognised as one series of one seller; `count` of them are there."""

    name: str
    seller: str
    count: int
    first: Given
    last: Given


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the numbers say: the series, their gaps, and what cannot be told."""

    series: tuple[Series, ...]
    gaps: tuple[Gap, ...]
    untold: tuple[Untold, ...]


Counted = tuple[int, str, Given]
"""The counter, as written, and the number it stands in."""


def read_series(numbers: Iterable[Given]) -> Reading:
    """Recognise the series of each seller and what each lacks between its first and its last number.

    Numbers issued before the first one that is here, or after the last, are beyond what can be told.
    """
    shapes: dict[tuple[str, str], list[Given]] = defaultdict(list)
    for given in numbers:
        shapes[given.seller, DIGITS.sub(HOLE, given.number)].append(given)
    series: list[Series] = []
    gaps: list[Gap] = []
    untold: list[Untold] = []
    for (seller, shape), members in sorted(shapes.items()):
        for name, counted in _split(shape, members):
            if name is None:
                untold.append(_no_counter(counted[0][2], len(counted)))
                continue
            found = list(_gaps(name, counted))
            if _is_sparse(found, len(counted)):
                untold.append(_not_consecutive(name, counted))
                continue
            series.append(
                Series(name=_shown(name), seller=seller, count=len(counted), first=counted[0][2], last=counted[-1][2])
            )
            gaps += found
    return Reading(series=tuple(series), gaps=tuple(gaps), untold=tuple(untold))


def _split(shape: str, members: list[Given]) -> Iterator[tuple[str | None, list[Counted]]]:
    """Cut the numbers of one shape into series, each in the order of its counter; None names what has no counter."""
    runs = [DIGITS.findall(each.number) for each in members]
    place = _place_of_counter(runs)
    if place is None:
        yield None, [(0, "", each) for each in members]
        return
    series: dict[str, list[Counted]] = defaultdict(list)
    for each, digits in zip(members, runs, strict=True):
        name = _named(shape, [*digits[:place], HOLE, *digits[place + 1 :]])
        series[name].append((int(digits[place]), digits[place], each))
    for name, counted in sorted(series.items()):
        counted.sort(key=lambda each: (each[0], each[2].day))
        for part in _years(counted):
            yield name, part


def _place_of_counter(runs: list[list[str]]) -> int | None:
    """The run of digits whose removal leaves the fewest series; the last one when several do."""
    places = [place for place in range(len(runs[0])) if all(len(digits[place]) <= LONGEST for digits in runs)]
    if not places:
        return None
    return min(
        places,
        key=lambda place: (len({(*digits[:place], *digits[place + 1 :]) for digits in runs}), -place),
    )


def _named(shape: str, digits: list[str]) -> str:
    parts = shape.split(HOLE)
    return "".join(part + run for part, run in zip(parts, [*digits, ""], strict=True))


def _years(counted: list[Counted]) -> Iterator[list[Counted]]:
    """Cut a series where its counter begins with the year (`2026`, `26`): it starts again with each year.

    A counter that starts again without saying so is one series here: its numbers are burnt by year.
    """
    by_year: dict[int, list[Counted]] = defaultdict(list)
    for each in counted:
        by_year[each[2].day.year].append(each)
    starts_again = len({each[0] for each in counted}) < len(counted)
    says_the_year = all(text.startswith((f"{each.day.year}", f"{each.day.year % 100:02}")) for _, text, each in counted)
    if len(by_year) > 1 and (starts_again or says_the_year or _begins_low(by_year)):
        yield from (part for _, part in sorted(by_year.items()))
    else:
        yield counted


def _begins_low(by_year: dict[int, list[Counted]]) -> bool:
    """Whether some year begins below where the one before had come: the counter was set back."""
    years = sorted(by_year)
    return any(by_year[later][0][0] <= by_year[earlier][-1][0] for earlier, later in pairwise(years))


def _gaps(name: str, counted: list[Counted]) -> Iterator[Gap]:
    for (low, written, before), (high, _, after) in pairwise(counted):
        if high > low + 1:
            width = len(written)
            yield Gap(
                series=_shown(name),
                first=name.replace(HOLE, f"{low + 1:0{width}}"),
                last=name.replace(HOLE, f"{high - 1:0{width}}"),
                missing=high - low - 1,
                before=before,
                after=after,
            )


def _is_sparse(gaps: list[Gap], count: int) -> bool:
    missing = sum(gap.missing for gap in gaps)
    return missing > SPARSE and missing > 2 * count


def _no_counter(sample: Given, count: int) -> Untold:
    return Untold(
        sample=sample,
        count=count,
        sentence=f"{count} numéro(s) comme {sample.number} ne contiennent pas de compteur : "
        "on ne peut pas dire s’il en manque.",
    )


def _not_consecutive(name: str, counted: list[Counted]) -> Untold:
    first, last = counted[0][2], counted[-1][2]
    return Untold(
        sample=first,
        count=len(counted),
        sentence=f"Les {len(counted)} numéro(s) de la série {_shown(name)}, de {first.number} à {last.number}, ne se "
        "suivent pas : ou bien d’autres logiciels en donnent, ou bien ce n’est pas un compteur. On ne peut pas dire "
        "s’il en manque.",
    )


def _shown(name: str) -> str:
    return name.replace(HOLE, "#")
