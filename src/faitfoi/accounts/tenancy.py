"""Which organisation a transaction works for, and the row-level security that holds it there.

PostgreSQL shows and takes only rows whose `organisation_id` equals the setting `faitfoi.organisation`, which lives as
long as the transaction. Unset means no rows. The application role can neither bypass this nor be the superuser.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import LiteralString
from uuid import UUID
from weakref import WeakKeyDictionary

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

# What `acting_for` has told the database, by connection, so that nobody has to ask it back. Were this wrong, PostgreSQL
# would still show and take the rows of its own setting only.
_told: WeakKeyDictionary[BaseDatabaseWrapper, UUID] = WeakKeyDictionary()
_cursors: WeakKeyDictionary[BaseDatabaseWrapper, psycopg.Cursor] = WeakKeyDictionary()


class NoOrganisation(RuntimeError):
    """A tenant's table was about to be written outside `acting_for`."""


@contextmanager
def acting_for(organisation_id: UUID) -> Iterator[None]:
    """Open a transaction (or savepoint) that sees and writes the rows of one organisation only.

    Nesting for the same organisation is allowed; for another one it raises NoOrganisation, since the outer
    transaction would go on under the wrong name.
    """
    here = connections[DEFAULT_DB_ALIAS]
    nested = here.in_atomic_block
    outer = _told.get(here) if nested else None
    if outer is not None and outer != organisation_id:
        raise NoOrganisation(f"this transaction works for {outer}, not for {organisation_id}")
    with transaction.atomic():
        if outer is not None:
            yield
            return
        _set_local("faitfoi.organisation", str(organisation_id))
        _told[here] = organisation_id
        try:
            yield
        finally:
            # Before the commit: what runs after it works for nobody.
            del _told[here]
        if nested:
            # A rollback forgets the setting by itself; a released savepoint does not.
            _set_local("faitfoi.organisation", "")


@contextmanager
def only_days(ranges: str) -> Iterator[None]:
    """Hold the running transaction, inside this block, to the documents issued on some days: what an auditor may read.

    `ranges` is a datemultirange (`financial_years.multirange`); `{}` shows nothing. It cannot be widened inside.
    Raises NoOrganisation outside `acting_for`.
    """
    require_organisation()
    if not ranges:
        raise ValueError("an empty text would show every day: give {} for none")
    if _setting("faitfoi.days"):
        raise ValueError("this transaction is held to its days already")
    _set_local("faitfoi.days", ranges)
    try:
        yield
    finally:
        if not connection.needs_rollback:
            _set_local("faitfoi.days", "")


@contextmanager
def signed_in(user_id: UUID) -> Iterator[None]:
    """Open a transaction that sees the memberships of one user, and through them the organisations they may open."""
    with transaction.atomic():
        _set_local("faitfoi.user", str(user_id))
        try:
            yield
        finally:
            if not connection.needs_rollback:
                _set_local("faitfoi.user", "")


@contextmanager
def directory() -> Iterator[None]:
    """Open a transaction that may list organisations, nothing of theirs: for the operator's commands and workers."""
    with transaction.atomic():
        _set_local("faitfoi.directory", "on")
        try:
            yield
        finally:
            if not connection.needs_rollback:
                _set_local("faitfoi.directory", "")


def current_organisation() -> UUID | None:
    """Return the organisation of the running transaction, or None."""
    return _told.get(connections[DEFAULT_DB_ALIAS])


def require_organisation() -> UUID:
    """Return the organisation of the running transaction; raises NoOrganisation when there is none."""
    found = current_organisation()
    if found is None:
        raise NoOrganisation("no organisation is set for this transaction: open it with acting_for()")
    return found


def run_prepared(statement: LiteralString, values: Sequence[object]) -> psycopg.Cursor:
    """Run a statement past Django's cursors and what wraps them; fetch its rows before the next one.

    For the few that run for every entry: what Django adds would cost as much again. Raises Django's errors.
    """
    here = connections[DEFAULT_DB_ALIAS]
    here.validate_no_broken_transaction()
    here.ensure_connection()
    cursor = _cursors.get(here)
    if cursor is None or cursor.connection is not here.connection:
        cursor = _cursors[here] = psycopg.Cursor(here.connection)
    with here.wrap_database_errors:
        return cursor.execute(statement, values)


def bypass_of_current_role() -> str | None:
    """Say why the connected role would not be held by row-level security, or None when it is held."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        name, superuser, bypass = cursor.fetchone()
    if superuser or bypass:
        return (
            f"Le rôle PostgreSQL « {name} » passe outre le cloisonnement des organisations "
            f"({'SUPERUSER' if superuser else 'BYPASSRLS'}). Donnez dans DATABASE_URL un rôle sans ces droits."
        )
    return None


def isolation_sql(table: str, references: dict[str, str]) -> str:
    """Return the SQL that puts `table` under forced row-level security, by its column `organisation_id`.

    `references` maps each foreign-key column to the tenant table it points to: a composite foreign key then makes
    a row that points into another organisation impossible (a plain one is checked past row-level security).
    """
    # Names come from our own migrations, never from input.
    parts = [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY organisation ON {table} "
        f"USING (organisation_id = {CURRENT}) WITH CHECK (organisation_id = {CURRENT})",
        f"ALTER TABLE {table} ADD CONSTRAINT {table}_own UNIQUE (organisation_id, id)",
    ]
    parts += [
        f"ALTER TABLE {table} ADD CONSTRAINT {table}_{column}_own FOREIGN KEY (organisation_id, {column}) "
        f"REFERENCES {target} (organisation_id, id) DEFERRABLE INITIALLY DEFERRED"
        for column, target in references.items()
    ]
    return ";\n".join(parts) + ";"


CURRENT = "nullif(current_setting('faitfoi.organisation', true), '')::uuid"


def days_sql(table: str, condition: str) -> str:
    """Return the SQL that shows a transaction held to some days (`only_days`) only the rows that fit.

    `condition` may name `{table}` and `{days}`. What it looks up in other tables is held to the same days.
    """
    fits = condition.format(table=table, days=DAYS)
    return f"CREATE POLICY days ON {table} AS RESTRICTIVE FOR SELECT USING ({NO_DAYS} OR ({fits}));"


# In a sub-select each, so that they are read once for a statement, not once for a row: 20,000 documents are searched
# in 40 ms instead of 106, and in 57 instead of 1,024 by an auditor.
# Never '' where it is cast: the planner may try the cast before it knows that no days are set.
DAYS = "(SELECT coalesce(nullif(current_setting('faitfoi.days', true), ''), '{}')::datemultirange)"
NO_DAYS = "(SELECT nullif(current_setting('faitfoi.days', true), '') IS NULL)"


def append_only_sql(table: str) -> str:
    """Return the SQL that refuses UPDATE and DELETE on `table`, whoever asks."""
    return f"""
    CREATE FUNCTION {table}_keep() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION '{table} only grows: % refused', TG_OP; END $$;
    CREATE TRIGGER {table}_keep BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_keep();
    """


def _setting(name: str) -> str:
    found = run_prepared("SELECT coalesce(current_setting(%s, true), '')", [name]).fetchone()
    return str(found[0]) if found else ""


def _set_local(name: str, value: str) -> None:
    run_prepared("SELECT set_config(%s, %s, true)", [name, value])
