"""What the project says of itself stays true: sizes, sources, sentences, and a rehearsal for every channel."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from faitfoi.channels.registry import CHANNELS
from tests.channels.fault_matrix import MATRIX, unsaid

ROOT = Path(__file__).parents[1]

# In pieces, so that this very file does not name them.
REGISTRIES = [
    r"pypi\.(?:org|python)", r"python" + r"hosted\.org", r"npm" + r"js\.(?:org|com)", r"yarn" + r"pkg\.com",
    r"repo1?\.maven\.", r"maven" + r"\.org", r"mvn" + r"repository", r"crates" + r"\.io", r"ruby" + r"gems\.org",
    r"proxy\.go" + r"lang", r"docker" + r"\.(?:io|com)", r"gh" + r"cr\.io", r"quay" + r"\.io",
    r"(?:deb|ftp)\.deb" + r"ian\.",
    r"archive\.ubu" + r"ntu", r"conda\." + r"anaconda", r"conda-" + r"forge\.org",
]  # fmt: skip


def tracked(*patterns: str) -> list[Path]:
    """The project's own files (committed or about to be) that match one of the patterns."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip("not in a git working tree: the project's own files cannot be told from the others")
    return [ROOT / line for line in done.stdout.splitlines() if (ROOT / line).is_file()]


def test_no_file_of_code_has_four_hundred_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in tracked("*.py")
        if "migrations" not in path.parts and (lines := len(path.read_text(encoding="utf-8").splitlines())) >= 400
    }
    assert long == {}


def test_no_file_names_the_host_of_a_registry() -> None:
    pattern = re.compile("|".join(REGISTRIES).encode())
    named = [str(path.relative_to(ROOT)) for path in tracked() if pattern.search(path.read_bytes())]
    assert named == []


def test_every_dependency_has_its_sentence() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted: set[str] = set()
    for requirements in (
        project["project"]["dependencies"],
        *project["project"]["optional-dependencies"].values(),
        *project["dependency-groups"].values(),
    ):
        wanted |= {re.split(r"[\[<>=!~ ]", text)[0] for text in requirements if isinstance(text, str)}
    page = (ROOT / "docs" / "decisions" / "dependencies.md").read_text()
    told = dict(re.findall(r"^\| `([^`]+)` \| (.+) \|$", page, flags=re.MULTILINE))

    assert set(told) == wanted
    for name, cells in told.items():
        assert len(cells.split(" | ")) == 3, name


def test_every_channel_has_a_simulator_and_its_row() -> None:
    page = (ROOT / "docs" / "adding-a-channel.md").read_text()
    rows = {
        row[0]: row
        for row in re.findall(r"^\| `(\w+)` \|.*?`(channels/\w+\.py)` \| `(simulators/\w+\.py)`", page, re.M)
    }

    assert set(rows) == set(CHANNELS)
    for _, channel, simulator in rows.values():
        assert (ROOT / "src" / "faitfoi" / channel).is_file()
        assert (ROOT / "src" / "faitfoi" / simulator).is_file()


def test_every_channel_says_what_each_way_to_fail_does_to_it() -> None:
    assert set(MATRIX) == set(CHANNELS)
    assert unsaid() == []


def test_every_target_of_make_that_the_help_shows_is_declared() -> None:
    text = (ROOT / "Makefile").read_text()
    shown = re.findall(r"^([a-z-]+):.*## ", text, flags=re.MULTILINE)
    order = ["setup", "demo", "run", "worker", "test", "test-slow", "test-faults", "check", "fix", "bench"]
    order += ["conformance", "fuzz", "mutate-dossier", "core-alone", "laws", "rules", "messages", "lock"]

    assert shown == ["help", *order]
    declared = re.search(r"^\.PHONY: (.+)$", text, flags=re.MULTILINE)
    assert declared is not None
    assert set(shown) <= set(declared[1].split())


def test_every_link_between_the_pages_leads_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in tracked("*.md")
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []
