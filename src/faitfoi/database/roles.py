"""The two roles and the database, made once per cluster; fast copies of databases for the tests.

`faitfoi_owner` owns the database and runs the migrations. `faitfoi_app` serves: it reads and writes rows, never
changes tables, never passes over row-level security, and cannot TRUNCATE (which would).
"""

from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

OWNER = "faitfoi_owner"
APP = "faitfoi_app"
DATABASE = "faitfoi"

_MARK = "faitfoi: roles 1"


def prepare(superuser_url: str) -> None:
    """Make roles, database and privileges; does nothing on a cluster where all that is done.

    `superuser_url` leads to the maintenance database `postgres`. An interrupted run is finished by the next.
    """
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        done = connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s AND shobj_description(oid, 'pg_database') = %s",
            [DATABASE, _MARK],
        ).fetchone()
        if done:
            return
        for role in (OWNER, APP):
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
            connection.execute(
                sql.SQL("ALTER ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS").format(
                    sql.Identifier(role)
                )
            )
        if not _exists(connection, DATABASE):
            _create(connection, DATABASE, template=None)
    _grant(superuser_url, DATABASE)
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(DATABASE), sql.Literal(_MARK)))


def create_database(superuser_url: str, name: str, *, template: str | None = None) -> None:
    """Create a database owned by `faitfoi_owner` with the application's privileges; a copy of `template` if given.

    A copy takes a tenth of a second and needs that nobody is connected to `template`.
    Raises psycopg.errors.DuplicateDatabase, ObjectInUse.
    """
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        _create(connection, name, template=template)
    if template is None:
        _grant(superuser_url, name)
    else:
        with psycopg.connect(superuser_url, autocommit=True) as connection:
            _grant_connection(connection, name)  # a copy has the template's tables and rights, not its own doors


def drop_database(superuser_url: str, name: str) -> None:
    """Drop a database if it is there, closing the connections of whoever still uses it."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def database_exists(superuser_url: str, name: str) -> bool:
    """Whether the cluster has a database of that name."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        return _exists(connection, name)


def on_database(url: str, name: str) -> str:
    """The same server and role as `url`, another database."""
    return urlunsplit(urlsplit(url)._replace(path="/" + quote(name, safe="")))


def _exists(connection: psycopg.Connection, name: str) -> bool:
    return connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None


def _create(connection: psycopg.Connection, name: str, *, template: str | None) -> None:
    connection.execute(
        sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(template or "template1")
        )
    )


def _grant(superuser_url: str, name: str) -> None:
    owner, app = sql.Identifier(OWNER), sql.Identifier(APP)
    with psycopg.connect(on_database(superuser_url, name), autocommit=True) as connection:
        _grant_connection(connection, name)
        for statement in (
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
            "GRANT USAGE ON SCHEMA public TO {app}",
            "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public "
            "GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {app}",
            "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {app}",
        ):
            connection.execute(sql.SQL(statement).format(owner=owner, app=app))


def _grant_connection(connection: psycopg.Connection, name: str) -> None:
    database, app = sql.Identifier(name), sql.Identifier(APP)
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    connection.execute(sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(database, app))
