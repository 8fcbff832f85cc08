"""Where the objects of an organisation lie: the rows that name them, written with their entry or not at all."""

from collections.abc import Iterable

from django.db import connection

from faitfoi.accounts.tenancy import require_organisation
from faitfoi.evidence.store import Pack, Place, pack_name
from faitfoi.records.journal import write_entry
from faitfoi.records.models_journal import JournalEntry
from faitfoi.records.models_storage import StoredObject

KEPT = "objects_kept"
"""The entry that names a pack and its objects."""
RETIRED = "pack_retired"
"""The entry after which a pack's bytes are no longer expected on any shelf."""


def write_pack(pack: Pack, *, actor: str) -> bool:
    """Write a durable pack's rows and their entry; False when they are there already. Runs inside `acting_for`."""
    if pack.organisation != require_organisation():
        raise ValueError(f"this pack is of {pack.organisation}")
    hold_pack(pack.name)
    if StoredObject.objects.filter(pack=pack.digest.sha256, retention=pack.retention).exists():
        return False
    rows = [
        StoredObject(
            organisation_id=pack.organisation,
            sha256=each.digest.sha256,
            sha512=each.digest.sha512,
            size=each.digest.size,
            pack=pack.digest.sha256,
            offset=each.offset,
            retention=pack.retention,
        )
        for each in pack.objects
    ]
    StoredObject.objects.bulk_create(rows)
    write_entry(
        KEPT,
        actor=actor,
        rows=rows,
        pack=pack.digest.sha256,
        sha512=pack.digest.sha512,
        size=pack.digest.size,
        retention=pack.retention,
        objects=[f"{row.sha256} {row.sha512} {row.offset} {row.size}" for row in rows],
    )
    return True


def retire_pack(retention: str, sha256: str, *, actor: str) -> None:
    """Forget a pack's rows, with an entry, before its bytes are removed: by elimination or a rewrite only.

    Runs inside `acting_for`. What outlives it is claimed in another pack before.
    """
    name = pack_name(require_organisation(), retention, sha256)
    hold_pack(name)
    gone = list(StoredObject.objects.filter(pack=sha256, retention=retention))
    StoredObject.objects.filter(pack=sha256, retention=retention).delete()
    write_entry(RETIRED, actor=actor, gone=gone, name=name, pack=sha256, retention=retention)


def hold_pack(name: str) -> None:
    """Let nobody else claim or sweep this pack before the running transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"pack {name}"])


def places_of(sha256: str) -> list[Place]:
    """Return every place of an object of the current organisation, oldest first. Runs inside `acting_for`."""
    return [place_of(row) for row in StoredObject.objects.filter(sha256=sha256)]


def places_of_all(sha256s: Iterable[str]) -> dict[str, list[Place]]:
    """Return every place of several objects, as `places_of` does for one. Runs inside `acting_for`."""
    places: dict[str, list[Place]] = {}
    for row in StoredObject.objects.filter(sha256__in=list(sha256s)):
        places.setdefault(row.sha256, []).append(place_of(row))
    return places


def place_of(row: StoredObject) -> Place:
    """Return where one row says that its object lies."""
    return Place(
        sha256=row.sha256,
        pack=pack_name(row.organisation_id, row.retention, row.pack),
        offset=row.offset,
        size=row.size,
    )


def is_named(retention: str, sha256: str) -> bool:
    """Whether a row or an entry of the current organisation names this pack. Runs inside `acting_for`."""
    if StoredObject.objects.filter(retention=retention, pack=sha256).exists():
        return True
    return JournalEntry.objects.filter(kind=KEPT, body__contains=f'"pack":"{sha256}"').exists()
