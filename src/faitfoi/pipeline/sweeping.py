"""Takes away what killed writers left: packs that no row and no entry ever named, and half-written files."""

from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.shelf import FolderShelf
from faitfoi.evidence.store import pack_digest
from faitfoi.pipeline.installation import store
from faitfoi.pipeline.witnessing import may_number
from faitfoi.records.objects import hold_pack, is_named

ORPHANED_AFTER = timedelta(days=1)
"""How long a pack may wait for its rows: no transaction lasts so long, so what is older was killed before them."""


def sweep_orphans(organisation_id: UUID) -> int:
    """Remove the packs of killed writers, a day old at least; returns how many.

    Nothing is swept on a journal that is behind its witness: what its lost end names looks like an orphan.
    """
    if not may_number():
        return 0
    before = timezone.now() - ORPHANED_AFTER
    swept = 0
    for name in list(store().first.names(f"{organisation_id}/")):
        if store().first.written(name) >= before:
            continue
        with acting_for(organisation_id):
            hold_pack(name)
            if not is_named(name.split("/")[1], pack_digest(name)):
                store().remove(name)
                swept += 1
    return swept


def sweep_leftovers() -> int:
    """Remove half-written files a day old; returns how many."""
    before = timezone.now() - ORPHANED_AFTER
    return sum(shelf.sweep(before=before) for shelf in store().shelves if isinstance(shelf, FolderShelf))
