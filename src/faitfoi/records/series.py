"""Numbers without a gap: taken under the lock of their series, in the transaction that issues; undone with it."""

import re
from collections.abc import Callable
from uuid import UUID

from faitfoi.accounts.tenancy import require_organisation
from faitfoi.records.journal import write_entry
from faitfoi.records.models import Series

MOST_DIGITS = 9
_PATTERN = re.compile(r"[A-Za-z0-9/_+-]*")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,20}")
_COUNTER = re.compile(r"\{n(?::0([1-9])d)?\}")
_YEAR = "{year}"


class SeriesRefused(ValueError):
    """A series cannot be made, found or continued; a French sentence."""


def add_series(name: str, *, seller_siren: str, pattern: str, year: int, actor: str) -> Series:
    """Begin a series for a seller, from number 1 of each year. Runs inside `acting_for`. Raises SeriesRefused.

    `pattern` holds `{year}` and `{n}` or `{n:05d}` once each, beside letters, digits and - _ / +.
    """
    if not _NAME.fullmatch(name):
        raise SeriesRefused(f"Le nom « {name[:40]} » ne convient pas : 1 à 20 lettres, chiffres, - ou _.")
    rest = _COUNTER.sub("", pattern.replace(_YEAR, ""))
    counted = len(_COUNTER.findall(pattern))
    if pattern.count(_YEAR) != 1 or counted != 1 or not _PATTERN.fullmatch(rest) or len(pattern) > 40:
        raise SeriesRefused(
            f"Le modèle « {pattern[:60]} » ne convient pas : il lui faut {{year}} et {{n}} (ou {{n:05d}}), une fois "
            "chacun, et seulement des lettres, chiffres, - _ / + autour. Par exemple F-{year}-{n:05d}."
        )
    for other in Series.objects.filter(seller_siren=seller_siren):
        if other.name == name:
            raise SeriesRefused(f"La série {name} existe déjà pour ce vendeur ({other.pattern}).")
        if other.pattern == pattern:
            raise SeriesRefused(f"La série {other.name} donne déjà les numéros {pattern} pour ce vendeur.")
    made = Series.objects.create(
        organisation_id=require_organisation(), name=name, seller_siren=seller_siren, pattern=pattern, year=year
    )
    write_entry("series_created", actor=actor, rows=[made], series=str(made.id))
    return made


def named(name: str, *, seller_siren: str) -> Series:
    """The first row of a series; an empty name is the seller's only one. Runs inside `acting_for`.

    Raises SeriesRefused when there is none, or several for an empty name.
    """
    own = Series.objects.filter(seller_siren=seller_siren).order_by("name", "year")
    first_rows = list({row.name: row for row in reversed(own)}.values())
    found = [row for row in first_rows if name in {"", row.name}]
    if len(found) == 1:
        return found[0]
    known = ", ".join(sorted(row.name for row in first_rows)) or "aucune"
    wanted = f"la série « {name[:40]} » n’existe pas" if name else "il faut nommer une série dans « number » : {F}"
    raise SeriesRefused(f"Cette facture n’a pas de numéro (BT-1), et {wanted} (séries de ce vendeur : {known}).")


def lock(series: Series) -> None:
    """Let nobody else take a number of this series before the running transaction ends. Runs inside `acting_for`."""
    Series.objects.order_by().select_for_update().get(id=series.id)


def take(series: Series, *, year: int, is_used: Callable[[str], bool]) -> tuple[Series, str]:
    """Take the next number of that year that no invoice carries, of a series that is locked; returns both.

    A transaction that fails gives it back. The caller journals it (`tell_taken`). Runs inside `acting_for`.
    """
    row, _ = Series.objects.get_or_create(
        organisation_id=series.organisation_id,
        seller_siren=series.seller_siren,
        name=series.name,
        year=year,
        defaults={"pattern": series.pattern},
    )
    while True:
        row.last += 1
        number = row.pattern.format(year=year, n=row.last)
        if not is_used(number):
            break
    row.save(update_fields=["last"])
    return row, number


def tell_taken(row: Series, *, document_id: UUID, actor: str) -> None:
    """Write down that a document has the last number of a series. Runs inside `acting_for`."""
    write_entry(
        "series_advanced", actor=actor, document_id=document_id, rows=[row], series=str(row.id), last_number=row.last
    )
