"""A command typed wrong is answered in French, with what is expected there, by code 2 and without a traceback."""

import subprocess
import sys

import pytest

from tests.waiting import PATIENCE


def typed(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "faitfoi.cli", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ("route", "--on", "hier", "--batch", "1"),
            "« hier » ne convient pas à --on. Il y faut une date, comme 2027-09-01.",
        ),
        (("returned", "--from", "2024-13-45"), "« 2024-13-45 » ne convient pas à --from"),
        (("route", "F-1", "--demain"), "L’option --demain n’existe pas."),
        (("route", "F-1", "F-2"), "« F-2 » est de trop."),
        (("route", "F-1", "--on"), "L’option --on attend une valeur."),
        (("token", "add"), "Il manque « name »"),
        (("envoyer",), "La commande « envoyer » n’existe pas."),
        (("convert", "x.pdf", "--to", "pigeon"), "« pigeon » ne convient pas à --to. Il y faut l’un de : "),
    ],
)
def test_what_is_typed_wrong_is_said_in_french_with_what_is_expected(words: tuple[str, ...], sentence: str) -> None:
    done = typed(*words)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "--help »" in done.stderr
    for foreign in ("Usage", "Error", "Invalid", "Missing", "Traceback"):
        assert foreign not in done.stderr
    assert done.stdout == ""


def test_a_command_keeps_its_code() -> None:
    assert typed("--help").returncode == 0
    assert typed("explain", "BR-CO-10").returncode == 0
    assert typed("check", "/nowhere/at-all.pdf").returncode == 2
