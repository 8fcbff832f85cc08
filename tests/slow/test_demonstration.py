"""The demonstration as a stranger runs it, twice, in an empty folder: every count agrees, and nothing leaves twice."""

import io
import json
import os
import subprocess
import sys
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from asn1crypto.pem import unarmor
from asn1crypto.x509 import Certificate
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from faitfoi.cli.demonstration.invoices import pieces
from tests.oracles.verapdf import verapdf
from tests.waiting import PATIENCE

pytestmark = pytest.mark.slow

SUMS = (
    ("received", ("ready", "needs_someone", "refused")),
    ("selected", ("sent", "held", "failed", "skipped")),
    ("sent", ("accepted", "delivered", "returned", "rejected", "pending", "unknown")),
)

PLACES = {"to_fix": "failed", "kept": "skipped"}
"""Under which count a last stage stands, where the name differs."""


def run(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `faitfoi WORDS` with the embedded database of its own home."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("FAITFOI_", "DATABASE_"))}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    return subprocess.run(
        [sys.executable, "-m", "faitfoi.cli", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=12 * PATIENCE,
        cwd=home,
        env={**environment, "FAITFOI_HOME": str(home), "COLUMNS": "200"},
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def first(home: Path) -> subprocess.CompletedProcess[str]:
    return run(home, "demo", "--once")


def figures(done: subprocess.CompletedProcess[str]) -> dict[str, int]:
    told: dict[str, int] = json.loads(done.stdout.strip().splitlines()[-1])
    return told


def other_side(home: Path) -> dict[str, int]:
    seen: dict[str, int] = json.loads((home / "other-side.json").read_text())
    return seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A sealed PDF and the certificate of its seal (PEM), as a dossier hands them out."""

    name: str
    pdf: bytes
    certificate: bytes


@pytest.fixture(scope="module")
def sealed_pdfs(home: Path, first: subprocess.CompletedProcess[str]) -> list[Sealed]:
    """Every sealed PDF of the demonstration."""
    found = []
    organisations = [line.split("\t")[0] for line in run(home, "organisation", "list").stdout.splitlines()]
    for slug in organisations:
        folder = home / "dossiers" / slug
        done = run(home, "dossier", "--all", "--organisation", slug, "-o", str(folder))
        assert done.returncode == 0, done.stderr
        for path in sorted(folder.rglob("*.zip")):
            with zipfile.ZipFile(path) as archive:
                files = {name.partition("/")[2]: name for name in archive.namelist()}
                if (certificate := files.get("data/certificats/cachet.pem")) is not None:
                    pdf = archive.read(files["data/facture.pdf"])
                    found.append(Sealed(name=path.name, pdf=pdf, certificate=archive.read(certificate)))
    assert len(found) >= 20
    return found


def test_the_demonstration_ends_with_counts_that_agree(first: subprocess.CompletedProcess[str]) -> None:
    assert first.returncode == 0, first.stdout + first.stderr
    told = figures(first)
    for whole, parts in SUMS:
        assert told[whole] == sum(told[part] for part in parts), (whole, told)
    assert told == expected() | {"lost": 0, "doubled": 0}


def expected() -> dict[str, int]:
    """What the ends written beside the invoices add up to."""
    ends = [piece.ends for slug in ("trois-vallees", "val-clair") for piece in pieces(slug)]
    outcomes = Counter(end.outcome for end in ends)
    places = Counter(PLACES.get(end.stage, end.stage) for end in ends if end.stage)
    counts = {name: outcomes[name] for name in ("ready", "needs_someone", "refused")}
    counts |= {name: places[name] for name in ("held", "failed", "skipped", *SUMS[2][1])}
    return counts | {
        "received": len(ends),
        "selected": outcomes["ready"],
        "sent": sum(places[name] for name in SUMS[2][1]),
    }


def test_every_file_ends_as_it_is_said_to(home: Path, first: subprocess.CompletedProcess[str]) -> None:
    for slug in ("trois-vallees", "val-clair"):
        listed = run(home, "documents", "--json", "--organisation", slug).stdout.splitlines()
        stages = {row["number"]: row["stage"] for row in map(json.loads, listed)}
        ended = {piece.invoice.number: piece.ends for piece in pieces(slug) if piece.ends.outcome != "refused"}
        fixed = {"to_fix": "failed"}
        assert stages == {
            number: fixed.get(end.stage, end.stage) if end.outcome == "ready" else end.outcome
            for number, end in ended.items()
        }


def test_what_waits_for_a_person_is_told_with_who_can_act_and_a_button(
    first: subprocess.CompletedProcess[str],
) -> None:
    lines = first.stdout.splitlines()
    tasks = {
        line.removeprefix("· ").split()[0]: lines[place + 1] for place, line in enumerate(lines) if line[:2] == "· "
    }
    person = {"held", "to_fix", "unknown", "returned", "rejected"}
    asking = {"A_RECYCLER", "SUSPENDUE", "200", "206", "207", "208", "221"}
    for slug in ("trois-vallees", "val-clair"):
        for piece in pieces(slug):
            end, number = piece.ends, piece.invoice.number
            copy_is_back = end.copy_stage == "returned"
            waits = end.outcome == "needs_someone" or end.stage in person or end.status in asking or copy_is_back
            assert (number in tasks) == waits, number
    for number, how in tasks.items():
        assert how.strip(), number
        assert "« " in how, number


def test_a_second_run_sends_nothing(home: Path, first: subprocess.CompletedProcess[str]) -> None:
    before = other_side(home)
    assert len(before) >= figures(first)["sent"]
    again = run(home, "demo", "--once")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "déjà fait" in again.stdout
    assert other_side(home) == before  # every run adds what its simulators received: this one added nothing
    told = figures(again)
    assert told["lost"] == told["doubled"] == 0
    assert told["received"] == figures(first)["received"]


def test_nothing_of_the_demonstration_is_left_running(home: Path, first: subprocess.CompletedProcess[str]) -> None:
    left = [
        command
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and str(home) in (command := _command(entry) + _environment(entry))
    ]
    assert left == []


def test_the_sealed_pdfs_validate_with_somebody_else_s_tool(sealed_pdfs: list[Sealed]) -> None:
    for sealed in sealed_pdfs:
        roots = [Certificate.load(der) for _, _, der in unarmor(sealed.certificate, multiple=True)]
        (signature,) = PdfFileReader(io.BytesIO(sealed.pdf)).embedded_signatures
        status = validate_pdf_signature(signature, ValidationContext(trust_roots=roots, allow_fetching=False))
        assert status.bottom_line, sealed.name
        assert status.coverage is SignatureCoverageLevel.ENTIRE_FILE


@pytest.mark.oracle
def test_the_sealed_pdfs_keep_their_claim_of_pdf_a_3a(sealed_pdfs: list[Sealed], tmp_path: Path) -> None:
    laid_out = []
    for sealed in sealed_pdfs:
        copy = tmp_path / f"{sealed.name}.pdf"
        copy.write_bytes(sealed.pdf)
        laid_out.append(copy)
    assert {path.name: reasons for path, reasons in verapdf(laid_out, "3a").items() if reasons} == {}


def test_the_archive_is_sound_and_says_so(home: Path, first: subprocess.CompletedProcess[str]) -> None:
    done = run(home, "fsck", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["sound"] is True


def _command(entry: Path) -> str:
    try:
        return (entry / "cmdline").read_bytes().replace(b"\x00", b" ").decode(errors="replace")
    except OSError:
        return ""


def _environment(entry: Path) -> str:
    try:
        return (entry / "environ").read_bytes().decode(errors="replace")
    except OSError:
        return ""
