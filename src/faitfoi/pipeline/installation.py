"""Where this installation keeps its bytes, who reads hostile files, and what day it is for an organisation."""

from datetime import date
from functools import cache
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from faitfoi.accounts.models import Organisation
from faitfoi.evidence.shelf import FolderShelf
from faitfoi.evidence.store import Store
from faitfoi.pipeline.sandbox import Sandbox


@cache
def store() -> Store:
    """Return where this installation keeps its bytes."""
    return Store(FolderShelf(Path(settings.FAITFOI_HOME) / "store"))


@cache
def sandbox() -> Sandbox:
    """Return this process's door to the child that reads hostile files."""
    return Sandbox()


def today(organisation: Organisation) -> date:
    """Return the legal day of the organisation; a demonstration has a fixed one (`FAITFOI_TODAY`)."""
    if settings.FAITFOI_TODAY:
        return date.fromisoformat(settings.FAITFOI_TODAY)
    return organisation.legal_day(timezone.now())
