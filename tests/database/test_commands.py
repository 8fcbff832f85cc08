"""`faitfoi database …` says what is so and leaves somebody else's server alone."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from faitfoi.cli.database import app


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(words))
    return result.exit_code, result.output


def test_start_status_stop_by_hand(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    place = ("--folder", str(folder))

    assert run("status", *place) == (
        3,
        f"Aucune base dans {folder}. Pour la créer : faitfoi database start --folder {folder}\n",
    )
    assert run("start", *place)[1].startswith("Base démarrée : ")
    assert run("start", *place)[1].startswith("Base déjà en marche : ")
    code, words = run("status", *place)
    assert code == 0
    assert words.startswith("En marche : PostgreSQL 18, processus ")
    assert run("stop", *place) == (0, "Base arrêtée.\n")
    assert run("stop", *place) == (0, "La base était déjà arrêtée.\n")
    assert run("status", *place)[0] == 3


@pytest.mark.parametrize("command", ["start", "stop", "status"])
def test_with_database_url_nothing_is_started_and_it_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://db.example/faitfoi")
    code, words = run(command, "--folder", str(folder))

    assert code == 0
    assert "DATABASE_URL est défini" in words
    assert not folder.exists()


def test_a_base_that_cannot_start_is_told_in_a_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    folder.write_text("not a folder")
    code, words = run("start", "--folder", str(folder))

    assert code == 1
    assert "n'est pas accessible" in words
    assert "Traceback" not in words
    folder.unlink()
