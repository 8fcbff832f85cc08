"""The application's role serves rows and nothing more; databases are copied with their rights."""

import os
from collections.abc import Iterator

import psycopg
import pytest

from faitfoi.database import roles
from faitfoi.database.embedded import Running
from tests.postgres import cluster, fresh_database

NAME = f"test_roles_{os.getpid()}"  # workers share the server


@pytest.fixture
def database() -> Iterator[Running]:
    found = fresh_database(NAME)
    with psycopg.connect(found.owner_url, autocommit=True) as owner:
        owner.execute(
            "CREATE TABLE note (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, organisation int, text text)"
        )
        owner.execute("ALTER TABLE note ENABLE ROW LEVEL SECURITY")
        owner.execute("ALTER TABLE note FORCE ROW LEVEL SECURITY")
        owner.execute(
            "CREATE POLICY own ON note USING "
            "(organisation = nullif(current_setting('test.organisation', true), '')::int)"
        )
    yield found
    roles.drop_database(cluster().superuser_url, NAME)


def test_the_application_reads_and_writes_rows_of_tables_it_does_not_own(database: Running) -> None:
    with psycopg.connect(database.app_url) as app:
        app.execute("SELECT set_config('test.organisation', '1', true)")
        app.execute("INSERT INTO note (organisation, text) VALUES (1, 'a')")
        app.execute("UPDATE note SET text = 'b'")
        assert app.execute("SELECT text FROM note").fetchall() == [("b",)]
        app.execute("DELETE FROM note")


def test_the_application_sees_nothing_when_no_organisation_is_set(database: Running) -> None:
    with psycopg.connect(database.app_url) as app:
        app.execute("SELECT set_config('test.organisation', '1', true)")
        app.execute("INSERT INTO note (organisation, text) VALUES (1, 'a')")
        app.commit()
        assert app.execute("SELECT count(*) FROM note").fetchone() == (0,)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (a int)",
        "ALTER TABLE note ADD COLUMN more int",
        "ALTER TABLE note DISABLE ROW LEVEL SECURITY",
        "DROP POLICY own ON note",
        "TRUNCATE note",
        "SET ROLE faitfoi_owner",
        "CREATE SCHEMA mine",
        "CREATE ROLE mine",
        "COPY note FROM PROGRAM 'true'",
    ],
)
def test_the_application_cannot_change_what_guards_it(database: Running, statement: str) -> None:
    with psycopg.connect(database.app_url) as app, pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute(statement.encode())


def test_neither_role_passes_over_row_level_security(database: Running) -> None:
    with psycopg.connect(database.superuser_url) as superuser:
        found = superuser.execute(
            "SELECT rolname, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication FROM pg_roles "
            "WHERE rolname LIKE 'faitfoi%' ORDER BY rolname"
        ).fetchall()
    assert found == [(role, False, False, False, False, False) for role in ("faitfoi_app", "faitfoi_owner")]


def test_a_copy_has_the_tables_and_the_rights_of_its_template(database: Running) -> None:
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("SELECT set_config('test.organisation', '7', true)")
        owner.execute("INSERT INTO note (organisation, text) VALUES (7, 'kept')")
    copy = fresh_database(f"{NAME}_copy", template=NAME)

    with psycopg.connect(copy.owner_url, autocommit=True) as owner:
        owner.execute("CREATE TABLE later (a int)")
    with psycopg.connect(copy.app_url) as app:
        app.execute("SELECT set_config('test.organisation', '7', true)")
        assert app.execute("SELECT text FROM note").fetchall() == [("kept",)]
        assert app.execute("SELECT count(*) FROM later").fetchone() == (0,)
    roles.drop_database(cluster().superuser_url, f"{NAME}_copy")
    assert not roles.database_exists(cluster().superuser_url, f"{NAME}_copy")


def test_preparing_twice_changes_nothing(database: Running) -> None:
    roles.prepare(cluster().superuser_url)
    roles.prepare(cluster().superuser_url)
    assert roles.database_exists(database.superuser_url, "faitfoi")
