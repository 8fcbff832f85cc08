"""Financial years (exercices): those that end with the month at whose end an organisation closes its books."""

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

DECEMBER = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class FinancialYear:
    """Twelve months, both days included; `year` is the one it ends in, and its name."""

    year: int
    first_day: date
    last_day: date


def financial_year(day: date, *, ends_in: int) -> FinancialYear:
    """Return the financial year that `day` falls in, for books closed at the end of the month `ends_in` (1 to 12)."""
    return year_named(day.year + (day.month > ends_in), ends_in=ends_in)


def year_named(year: int, *, ends_in: int) -> FinancialYear:
    """Return the financial year that ends in `year`."""
    before = date(year - 1, ends_in, monthrange(year - 1, ends_in)[1])
    last = date(year, ends_in, monthrange(year, ends_in)[1])
    return FinancialYear(year=year, first_day=before + timedelta(days=1), last_day=last)


def multirange(years: Iterable[int], *, ends_in: int) -> str:
    """Write the days of several financial years as PostgreSQL's datemultirange; `{}` holds no day."""
    named = (year_named(year, ends_in=ends_in) for year in sorted(set(years)))
    return "{" + ",".join(f"[{each.first_day},{each.last_day}]" for each in named) + "}"
