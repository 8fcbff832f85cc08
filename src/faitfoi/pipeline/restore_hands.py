"""The one moment at which tables that only grow may be put right: as their owner, in one transaction, for a restore.

The role that serves can neither do this nor be told to; the address of the owner is needed (`FAITFOI_OWNER_URL`).
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, connections, transaction

from faitfoi.pipeline.restore_files import CannotRestore

_PLACES = ("NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")
_GUARDED = (
    "SELECT DISTINCT relation.relname FROM pg_trigger AS guard "
    "JOIN pg_class AS relation ON relation.oid = guard.tgrelid WHERE NOT guard.tgisinternal "
    "AND relation.relname ~ '^(records|accounts)_' ORDER BY 1"
)


@contextmanager
def tables_put_right() -> Iterator[None]:
    """Open a transaction as the owner of the tables, in which what only grows may be changed; nobody else writes.

    Row-level security still holds: work for one organisation at a time with `acting_for`. Raises CannotRestore when the
    owner's address is not known.
    """
    with _as_owner(), transaction.atomic():
        guarded = _guarded()
        _turn(guarded, "DISABLE")
        yield
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        _turn(guarded, "ENABLE")


def _guarded() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_GUARDED)
        return [name for (name,) in cursor.fetchall()]


def _turn(tables: list[str], how: str) -> None:
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"ALTER TABLE {connection.ops.quote_name(table)} {how} TRIGGER USER")


@contextmanager
def _as_owner() -> Iterator[None]:
    """Have this process's connection be the owner's for a moment."""
    if "owner" not in connections:
        raise CannotRestore(
            "Donnez dans FAITFOI_OWNER_URL l’adresse du rôle propriétaire de la base : remettre le journal en état lui "
            "est réservé."
        )
    before = dict(connection.settings_dict)
    connection.close()
    owner = connections["owner"].settings_dict
    connection.settings_dict.update({name: owner[name] for name in _PLACES})
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)
