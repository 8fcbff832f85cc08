"""Where the objects of an organisation lie: the rows that name them, written with their entry or not at all."""

from uuid import UUID

from django.db import connection

from faitfoi.accounts.tenancy import require_organisation
from faitfoi.evidence.store import Pack, Place, pack_name
from faitfoi.records.journal import write_entry
from faitfoi.records.models_storage import StoredObject


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
        "objects_kept",
        actor=actor,
        pack=pack.digest.sha256,
        sha512=pack.digest.sha512,
        size=pack.digest.size,
        retention=pack.retention,
        objects=[f"{row.sha256} {row.sha512} {row.offset} {row.size}" for row in rows],
    )
    return True


def hold_pack(name: str) -> None:
    """Let nobody else claim or sweep this pack before the running transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"pack {name}"])


def places_of(sha256: str) -> list[Place]:
    """Return every place of an object of the current organisation, oldest first. Runs inside `acting_for`."""
    return [place_of(row) for row in StoredObject.objects.filter(sha256=sha256)]


def place_of(row: StoredObject) -> Place:
    """Return where one row says that its object lies."""
    return Place(
        sha256=row.sha256,
        pack=pack_name(row.organisation_id, row.retention, row.pack),
        offset=row.offset,
        size=row.size,
    )


def names_pack(organisation_id: UUID, retention: str, sha256: str) -> bool:
    """Whether a row says that an object lies in this pack. Runs inside `acting_for`."""
    return StoredObject.objects.filter(organisation_id=organisation_id, retention=retention, pack=sha256).exists()
