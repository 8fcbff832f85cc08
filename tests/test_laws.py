"""Each law of the house holds on the real code, and catches a violation planted in a copy of it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent

DOWN = "Imports go down, rooms on one floor do not know each other"
WIRE = "Only the pipeline touches the channels"
STARTS = "Only the command line starts the simulators"
SIMULATORS = "Simulators know only the invoice library"
PURE = "The library is pure"
NO_DJANGO = "Wire, proof and intake know no Django"

# room where it is planted, what it imports, the law that must say so
VIOLATIONS = [
    ("einvoice", "faitfoi.evidence.store", DOWN),
    ("database", "faitfoi.records.models", DOWN),
    ("evidence", "faitfoi.accounts.models", DOWN),
    ("accounts", "faitfoi.records.models", DOWN),
    ("intake", "faitfoi.records.models", DOWN),
    ("channels", "faitfoi.intake", DOWN),
    ("records", "faitfoi.pipeline.receive", DOWN),
    ("pipeline", "faitfoi.web.urls", DOWN),
    ("web", "faitfoi.cli.database", DOWN),
    ("web", "faitfoi.simulators.control", DOWN),
    ("web", "faitfoi.channels.contract", WIRE),
    ("cli", "faitfoi.channels.registry", WIRE),
    ("records", "faitfoi.channels.contract", WIRE),
    ("pipeline", "faitfoi.simulators.control", STARTS),
    ("simulators", "faitfoi.evidence.store", SIMULATORS),
    ("simulators", "faitfoi.channels.contract", SIMULATORS),
    ("simulators", "django.conf", SIMULATORS),
    ("einvoice", "django.utils.timezone", PURE),
    ("einvoice", "httpx", PURE),
    ("einvoice", "socket", PURE),
    ("einvoice", "subprocess", PURE),
    ("einvoice", "urllib.request", PURE),
    ("channels", "django.conf", NO_DJANGO),
    ("evidence", "django.db.models", NO_DJANGO),
    ("intake", "django.conf", NO_DJANGO),
    ("database", "django.db", NO_DJANGO),
]


def copy(place: Path) -> Path:
    """The code and its laws, where a test may spoil them."""
    shutil.copytree(ROOT / "src", place / "src", ignore=shutil.ignore_patterns("__pycache__", "*.mo", "static"))
    for name in ("pyproject.toml", "CHANGELOG.md"):
        shutil.copy(ROOT / name, place)
    return place


def plant(place: Path, room: str, name: str, text: str) -> None:
    folder = place / "src" / "faitfoi" / room
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)


def laws(place: Path) -> tuple[int, dict[str, str]]:
    """The exit code of import-linter in `place`, and what it says of each contract ("KEPT", or the imports)."""
    done = subprocess.run(
        [BIN / "lint-imports", "--no-cache", "--no-logo"],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(place / "src"), "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    summary = dict(re.findall(r"^(.+?) (KEPT|BROKEN)\b", done.stdout, flags=re.MULTILINE))
    _, _, details = done.stdout.partition("Broken contracts")
    parts = re.split(r"^(.+)\n-+\n", details, flags=re.MULTILINE)
    told = dict(zip(parts[1::2], parts[2::2], strict=False))
    return done.returncode, {
        name: told.get(name, done.stdout) if word == "BROKEN" else word for name, word in summary.items()
    }


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the linter says of a tree with every violation in it."""
    place = copy(tmp_path_factory.mktemp("spoilt"))
    for number, (room, target, _) in enumerate(VIOLATIONS):
        plant(place, room, f"planted_{number}.py", f"import {target}\n")
    code, told = laws(place)
    assert code == 1
    return told


@pytest.mark.parametrize("number", range(len(VIOLATIONS)), ids=lambda number: "-".join(VIOLATIONS[number][:2]))
def test_a_planted_violation_is_named_by_its_law(spoilt: dict[str, str], number: int) -> None:
    room, target, law = VIOLATIONS[number]
    outside = not target.startswith("faitfoi.")
    shown = target.split(".")[0] if outside else target  # packages of others are one node of the graph
    assert re.search(rf"faitfoi\.{room}\.planted_{number} -> {re.escape(shown)}\b", spoilt[law]), spoilt[law]


def test_a_room_that_is_on_no_floor_is_refused(tmp_path: Path) -> None:
    place = copy(tmp_path)
    plant(place, "helpers", "__init__.py", "")
    code, told = laws(place)

    assert code == 1
    assert "helpers" in told[DOWN]


def test_the_real_code_keeps_every_law() -> None:
    code, told = laws(ROOT)

    assert told == dict.fromkeys((DOWN, WIRE, STARTS, SIMULATORS, PURE, NO_DJANGO), "KEPT")
    assert code == 0


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("from datetime import datetime; x = datetime.now()", "TID251"),
        ("import datetime; x = datetime.date.today()", "TID251"),
        ("from datetime import datetime; x = datetime.utcnow()", "TID251"),
        ("from . import store", "TID252"),
        ("try:\n    pass\nexcept Exception:\n    pass", "BLE001"),
        ("print('x')", "T201"),
    ],
)
def test_ruff_refuses_what_the_house_does_not_do(tmp_path: Path, line: str, rule: str) -> None:
    place = tmp_path / "src" / "faitfoi" / "einvoice" / "planted.py"
    place.parent.mkdir(parents=True)
    place.write_text(f'"""Planted."""\n\n{line}\n')
    done = subprocess.run(
        [BIN / "ruff", "check", "--no-cache", "--config", ROOT / "pyproject.toml", "--output-format", "concise", place],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert f" {rule} " in done.stdout
