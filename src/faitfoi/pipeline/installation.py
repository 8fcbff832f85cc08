"""Where this installation keeps its bytes and keys, and what day it is for an organisation."""

from datetime import date
from functools import cache
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from faitfoi.accounts.models import Organisation
from faitfoi.evidence.seal import SealKey, create_key, load_key
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


def seal_folder(organisation_id: UUID) -> Path:
    """Return the folder of one organisation's seal key."""
    return Path(settings.FAITFOI_HOME) / "keys" / "seal" / str(organisation_id)


def ensure_seal_key(organisation: Organisation) -> None:
    """Make the organisation's seal key at first need; an existing one is never touched."""
    folder = seal_folder(organisation.id)
    if not (folder / "certificate.pem").exists():
        create_key(folder, organisation=organisation.name, at=timezone.now())


@cache
def seal_key(organisation_id: UUID) -> SealKey:
    """Return the organisation's seal key, parsed once per process."""
    return load_key(seal_folder(organisation_id))


def today(organisation: Organisation) -> date:
    """Return the legal day of the organisation; a demonstration has a fixed one (`FAITFOI_TODAY`)."""
    if settings.FAITFOI_TODAY:
        return date.fromisoformat(settings.FAITFOI_TODAY)
    return organisation.legal_day(timezone.now())
