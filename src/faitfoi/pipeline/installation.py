"""Where this installation keeps its bytes, who reads hostile files, and what day it is for an organisation."""

from datetime import date
from functools import cache

from django.conf import settings
from django.utils import timezone

from faitfoi.accounts.models import Organisation
from faitfoi.evidence.shelves import open_shelf
from faitfoi.evidence.store import Store
from faitfoi.pipeline.sandbox import Sandbox


@cache
def store() -> Store:
    """Return where this installation keeps its bytes."""
    shelves = [open_shelf(address, reserve=settings.FAITFOI_RESERVE_MB * 1_000_000) for address in addresses()]
    return Store(*shelves)


def addresses() -> tuple[str, ...]:
    """Return where the shelves are, the first one first."""
    return tuple(filter(None, (settings.FAITFOI_SHELF, settings.FAITFOI_SECOND_SHELF)))


@cache
def sandbox() -> Sandbox:
    """Return this process's door to the child that reads hostile files."""
    return Sandbox()


def today(organisation: Organisation) -> date:
    """Return the legal day of the organisation; a demonstration has a fixed one (`FAITFOI_TODAY`)."""
    if settings.FAITFOI_TODAY:
        return date.fromisoformat(settings.FAITFOI_TODAY)
    return organisation.legal_day(timezone.now())
