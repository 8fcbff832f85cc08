"""A backup is whole or not there, puts back what it took, and never replaces anything for good."""

from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from faitfoi.database import embedded, roles
from faitfoi.database.backup import back_up, put_back
from faitfoi.database.errors import DatabaseUnavailable

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def rows(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [text for (text,) in connection.execute("SELECT word FROM kept ORDER BY word").fetchall()]


def write(url: str, statement: bytes) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def test_a_backup_brings_rows_roles_and_isolation_back(folder: Path, tmp_path: Path) -> None:
    server = embedded.start(folder)
    for statement in (
        b"CREATE TABLE kept (word text)",
        b"INSERT INTO kept VALUES ('before')",
        b"CREATE TABLE hidden (word text); ALTER TABLE hidden ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
        b"INSERT INTO kept VALUES ('also')",
    ):
        write(server.owner_url, statement)
    write(roles.on_database(server.superuser_url, roles.DATABASE), b"INSERT INTO hidden VALUES ('of somebody')")
    file = tmp_path / "monday.dump"

    assert back_up(folder, file) == file.stat().st_size > 0
    assert file.stat().st_mode & 0o077 == 0
    write(server.app_url, b"DELETE FROM kept")
    aside = put_back(folder, file, at=AT)

    assert rows(server.app_url) == ["also", "before"]
    with psycopg.connect(server.app_url) as connection:
        assert connection.execute("SELECT count(*) FROM hidden").fetchone() == (0,)  # still held by its policy
    with psycopg.connect(roles.on_database(server.superuser_url, roles.DATABASE)) as connection:
        assert connection.execute("SELECT count(*) FROM hidden").fetchone() == (1,)
    assert rows(roles.on_database(server.superuser_url, aside)) == []
    write(server.owner_url, b"CREATE TABLE later (word text)")
    write(server.app_url, b"INSERT INTO later VALUES ('the application may still write')")


def test_a_damaged_or_missing_file_changes_nothing(folder: Path, tmp_path: Path) -> None:
    server = embedded.start(folder)
    write(server.owner_url, b"CREATE TABLE kept (word text); INSERT INTO kept VALUES ('here')")
    file = tmp_path / "monday.dump"
    back_up(folder, file)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])

    with pytest.raises(DatabaseUnavailable, match="rien n'a été changé"):
        put_back(folder, file, at=AT)
    with pytest.raises(DatabaseUnavailable, match="n'est pas un fichier"):
        put_back(folder, tmp_path / "absent.dump", at=AT)
    with pytest.raises(DatabaseUnavailable, match="n'en remplace jamais une autre"):
        back_up(folder, file)
    assert rows(server.app_url) == ["here"]
    assert [path.name for path in tmp_path.iterdir()] == ["monday.dump"]


def test_a_database_in_use_is_left_alone(folder: Path, tmp_path: Path) -> None:
    server = embedded.start(folder)
    write(server.owner_url, b"CREATE TABLE kept (word text); INSERT INTO kept VALUES ('here')")
    file = tmp_path / "monday.dump"
    back_up(folder, file)
    with psycopg.connect(server.app_url), pytest.raises(DatabaseUnavailable, match="sert encore"):
        put_back(folder, file, at=AT)
    assert rows(server.app_url) == ["here"]
    put_back(folder, file, at=AT)
    assert rows(server.app_url) == ["here"]
