"""What the project says of itself stays true: sizes, sources, sentences, and a rehearsal for every channel."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from faitfoi.accounts.models import ChannelKey
from faitfoi.channels.registry import CHANNELS
from faitfoi.pipeline.legal import legal_tables
from tests.channels.fault_matrix import MATRIX, unsaid
from tests.channels.test_channels import RIGS

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


def missing(key: str) -> list[str]:
    """Name what a channel still lacks of the promise of `docs/adding-a-channel.md`, each with where it belongs."""
    page = (ROOT / "docs" / "adding-a-channel.md").read_text()
    row = re.search(rf"^\| `{key}` \|.*?`(channels/\w+\.py)` \| `(simulators/\w+\.py)`", page, re.MULTILINE)
    written = [ROOT / "src" / "faitfoi" / name for name in row.groups()] if row else []
    make = CHANNELS.get(key)
    lawful = {channel for way in legal_tables().ways for channel in way.channels}
    there = {
        "one file: a class of that key in src/faitfoi/channels": getattr(make, "key", "") == key,
        "one registry line: src/faitfoi/channels/registry.py": make is not None,
        "one simulator, and the page's row that names both files: docs/adding-a-channel.md": bool(written)
        and all(path.is_file() for path in written),
        "its name: ChannelKey in src/faitfoi/accounts/models.py": key in ChannelKey.values,
        "an invoice that it may carry: src/faitfoi/pipeline/data/legal_ways.toml": key in lawful,
        "what each way to fail does to it: tests/channels/fault_matrix.py": key in MATRIX,
        "its other side for the matrix: RIGS in tests/channels/test_channels.py": key in RIGS,
    }
    return [what for what, holds in there.items() if not holds]


def test_every_channel_has_all_that_a_channel_has() -> None:
    assert {key: missing(key) for key in CHANNELS} == {key: [] for key in CHANNELS}


def test_what_a_channel_lacks_is_named_part_by_part() -> None:
    assert [what.partition(":")[0] for what in missing("pigeon")] == [
        "one file",
        "one registry line",
        "one simulator, and the page's row that names both files",
        "its name",
        "an invoice that it may carry",
        "what each way to fail does to it",
        "its other side for the matrix",
    ]
    assert missing("portal")[0].startswith("one file")  # a key that the law knows, and no channel carries yet


def test_every_row_of_channels_is_of_one_that_exists() -> None:
    page = (ROOT / "docs" / "adding-a-channel.md").read_text()
    assert set(re.findall(r"^\| `(\w+)` \|.*`channels/", page, re.MULTILINE)) == set(MATRIX) == set(CHANNELS)


def test_every_channel_says_what_each_way_to_fail_does_to_it() -> None:
    assert unsaid() == []


@pytest.mark.parametrize("room", ["deliver", "acting", "acting_questions", "questions", "tries"])
def test_what_carries_documents_names_no_channel(room: str) -> None:
    """A new channel is not a new case there: what it can do beyond the contract is a capability that it has."""
    text = (ROOT / "src" / "faitfoi" / "pipeline" / f"{room}.py").read_text()
    assert [key for key in CHANNELS if re.search(rf"\b{key}\b", text, re.IGNORECASE)] == []
    assert "ChannelKey" not in text


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
