"""`faitfoi check` and `extract`, as a user runs them: exit codes, JSON, bytes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from faitfoi.cli.demonstration.builder import build
from faitfoi.einvoice.facturx import extract


@pytest.fixture(scope="session")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demonstration's files."""
    folder = tmp_path_factory.mktemp("inbox")
    build(folder)
    return folder / "trois-vallees"


def run(*arguments: str | Path, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "faitfoi.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, input=stdin, check=False)


def test_check_gives_one_json_object_per_file_and_zero_when_all_are_valid(inbox: Path) -> None:
    files = [inbox / "TV-2026-0401.pdf", inbox / "TV-2026-0402.xml", inbox / "TV-2026-0406.json"]
    done = run("check", "--json", *files)
    verdicts = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stdout
    assert [verdict["file"] for verdict in verdicts] == [str(file) for file in files]
    for verdict in verdicts:
        assert set(verdict) == {"file", "format", "profile", "valid", "findings"}
        assert verdict["valid"] is True


def test_check_says_one_for_an_invalid_file_and_two_for_an_unreadable_one(inbox: Path, tmp_path: Path) -> None:
    xml = next(path for path in sorted(inbox.glob("TV*.xml")) if b"CrossIndustryInvoice" in path.read_bytes())
    wrong = tmp_path / "wrong.xml"
    content = xml.read_bytes()
    amount = content.split(b"<ram:LineTotalAmount>")[-1].split(b"</")[0]
    wrong.write_bytes(content.replace(b"<ram:LineTotalAmount>" + amount, b"<ram:LineTotalAmount>1.00"))
    invalid = run("check", "--json", wrong)
    verdict = json.loads(invalid.stdout)
    assert invalid.returncode == 1
    finding = next(f for f in verdict["findings"] if f["rule"] == "BR-CO-10")
    assert set(finding) == {"rule", "severity", "term", "message"}
    assert finding["severity"] == "fatal"

    torn = tmp_path / "torn.pdf"
    torn.write_bytes((inbox / "TV-2026-0401.pdf").read_bytes()[:3000])
    assert run("check", xml, torn, wrong).returncode == 2
    assert run("check", tmp_path / "absent.xml").returncode == 2


def test_check_reads_standard_input(inbox: Path) -> None:
    done = run("check", "--json", "-", stdin=(inbox / "TV-2026-0401.pdf").read_bytes())
    assert done.returncode == 0
    assert json.loads(done.stdout)["format"] == "facturx"


def test_extract_gives_the_embedded_xml_byte_for_byte(inbox: Path, tmp_path: Path) -> None:
    pdf = inbox / "TV-2026-0401.pdf"
    done = run("extract", pdf)
    assert done.returncode == 0
    assert done.stdout == extract(pdf.read_bytes())
    assert done.stdout.startswith(b"<?xml")
    assert run("extract", pdf, "--output", tmp_path / "out.xml").returncode == 0
    assert (tmp_path / "out.xml").read_bytes() == done.stdout


def test_extract_of_a_file_without_invoice_is_one_sentence_and_two(inbox: Path) -> None:
    done = run("extract", inbox / "TV-2026-0402.xml")
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert done.stderr.strip()
