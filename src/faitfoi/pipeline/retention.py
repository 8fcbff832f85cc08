"""How long each thing is kept: so many years from the end of its financial year, and never less than the law asks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from faitfoi.accounts.financial_years import year_named
from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.records.journal import write_entry
from faitfoi.records.models import RetentionRule

MOST_YEARS = 100
EARLIEST, LATEST = date(1900, 1, 1), date(9000, 1, 1)


class TooShort(ValueError):
    """A rule would keep something less long than the law asks; the message is a French sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A class of what is kept: its French name, the fewest years, and why no fewer."""

    name: str
    least: int
    why: str


CATEGORIES: Mapping[str, Category] = {
    "invoice": Category(
        name="factures et avoirs émis, avec leurs accusés",
        least=10,
        why="article L123-22 du code de commerce",
    ),
    "proof": Category(name="attestations", least=10, why="elles prouvent des pièces gardées dix ans"),
    "journal": Category(name="journal", least=10, why="il prouve des pièces gardées dix ans"),
    "received": Category(name="fichiers reçus et refusés", least=1, why="le temps qu’un refus soit contesté"),
}
"""By the first part of a retention class: `invoice_2026` is the invoices of the financial year 2026."""


def invoice_class(organisation: Organisation, issued: date) -> str:
    """The retention class of what belongs to an invoice: packs of one class have one term."""
    return f"invoice_{organisation.financial_year(_plausible(issued)).year}"


def _plausible(issued: date) -> date:
    """A day of which the financial year and its term can be told: nothing stops an invoice from being dated 9999."""
    return min(max(issued, EARLIEST), LATEST)


def years_of(category: str) -> int:
    """How many years the current organisation keeps a category. Runs inside `acting_for`."""
    rule = RetentionRule.objects.filter(category=category).first()
    return rule.years if rule else CATEGORIES[category].least


def rules() -> dict[str, int]:
    """The years in force for each category. Runs inside `acting_for`."""
    return {category: years_of(category) for category in CATEGORIES}


def set_rule(organisation_id: UUID, category: str, years: int, *, actor: str) -> None:
    """Keep a category so many years from the end of the financial year. Raises TooShort; the journal says it."""
    known = CATEGORIES.get(category)
    if known is None:
        raise TooShort(f"« {category} » n’est pas une catégorie d’ici. Choisissez l’une de : {', '.join(CATEGORIES)}.")
    if not known.least <= years <= MOST_YEARS:
        raise TooShort(
            f"Catégorie « {category} » ({known.name}) : {years} ans ne vont pas ; au moins {known.least} ans "
            f"({known.why}), au plus {MOST_YEARS}. Donnez un nombre entre les deux."
        )
    with acting_for(organisation_id):
        rule = RetentionRule.objects.update_or_create(
            organisation_id=organisation_id, category=category, defaults={"years": years}
        )[0]
        write_entry("retention_changed", actor=actor, rows=[rule], category=category, years=years)


def keep_until(organisation: Organisation, issued: date) -> date:
    """The last day on which an invoice issued on that day is kept. Runs inside `acting_for`."""
    closed = organisation.financial_year(_plausible(issued)).year
    return year_named(closed + years_of("invoice"), ends_in=organisation.financial_year_ends_in).last_day


def kept_until(organisation_id: UUID, retention: str, *, today: date) -> datetime:
    """Until when a shelf that locks keeps a pack of this class written today: midnight after its last day, UTC."""
    with acting_for(organisation_id):
        organisation = Organisation.objects.get(id=organisation_id)
        category = retention.partition("_")[0]
        years = years_of(category) if category in CATEGORIES else CATEGORIES["invoice"].least
    return last_moment(organisation, retention, years=years, today=today)


def last_moment(organisation: Organisation, retention: str, *, years: int, today: date) -> datetime:
    """Midnight (UTC) after the last day of a pack of this class, kept so many years."""
    category, _, year = retention.partition("_")
    if category == "received":
        day = today + timedelta(days=366 * years)
    else:
        closed = int(year) if year else organisation.financial_year(today).year
        day = year_named(closed + years, ends_in=organisation.financial_year_ends_in).last_day
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=UTC)
