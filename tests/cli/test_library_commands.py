"""`faitfoi check` and `extract`, as a user runs them: exit codes, JSON, bytes, words."""

import json
from pathlib import Path

import pytest

from faitfoi.einvoice.cii import write_cii
from faitfoi.einvoice.facturx import extract
from faitfoi.einvoice.jsonform import from_json, to_json
from faitfoi.einvoice.reading import read
from tests.cli.commands import ask, run

FINDING = {"rule", "severity", "term", "message", "message_fr", "remedy", "remedy_fr"}
FINDING |= {"value", "line", "item", "place", "path", "field"}


def test_check_gives_one_json_object_per_file_and_zero_when_all_are_valid(inbox: Path) -> None:
    files = [inbox / "TV-2026-0401.pdf", inbox / "TV-2026-0402.xml", inbox / "TV-2026-0406.json"]
    done = run("check", "--json", *files)
    verdicts = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stdout
    assert [verdict["file"] for verdict in verdicts] == [str(file) for file in files]
    for verdict in verdicts:
        assert set(verdict) == {"file", "format", "profile", "number", "valid", "findings"}
        assert verdict["valid"] is True


def test_check_says_one_for_an_invalid_file_and_two_for_an_unreadable_one(
    inbox: Path, wrong: Path, tmp_path: Path
) -> None:
    invalid = ask("check", "--json", wrong)
    verdict = json.loads(invalid.stdout)
    assert invalid.exit_code == 1
    finding = next(f for f in verdict["findings"] if f["rule"] == "BR-CO-10")
    assert set(finding) == FINDING
    assert finding["severity"] == "fatal"
    assert finding["value"] == "1.00"

    torn = tmp_path / "torn.pdf"
    torn.write_bytes((inbox / "TV-2026-0401.pdf").read_bytes()[:3000])
    assert ask("check", inbox / "TV-2026-0402.xml", torn, wrong).exit_code == 2


def test_a_file_that_cannot_be_opened_is_one_sentence(tmp_path: Path) -> None:
    done = ask("check", tmp_path / "absent.xml")
    assert done.exit_code == 2
    assert "n’existe pas" in done.stdout
    unreadable = json.loads(ask("check", "--json", tmp_path / "absent.xml").stdout)
    assert unreadable["valid"] is False
    assert [finding["rule"] for finding in unreadable["findings"]] == ["FF-UNREADABLE"]
    assert set(unreadable["findings"][0]) == FINDING


def test_the_official_judge_finds_the_same_and_keeps_its_own_words(wrong: Path) -> None:
    done = ask("check", "--json", "--official", wrong)
    finding = next(f for f in json.loads(done.stdout)["findings"] if f["rule"] == "BR-CO-10")
    assert done.exit_code == 1
    assert finding["message"].startswith("[BR-CO-10]")
    assert finding["message_fr"] == "Le total des lignes (BT-106) est la somme de leurs montants nets (BT-131)."
    assert finding["remedy_fr"]


def test_the_report_names_the_line_the_field_the_value_and_the_remedy(inbox: Path, tmp_path: Path) -> None:
    given = json.loads((inbox / "TV-2026-0406.json").read_text())
    given["lines"][1]["price"]["net"] = "-2.50"
    given["lines"][1]["item"]["name"] = "Gazole"
    path = tmp_path / "negative.xml"
    path.write_bytes(write_cii(from_json(json.dumps(given).encode())))
    french, english = ask("check", path), ask("check", "--lang", "en", path)
    assert french.exit_code == 1
    assert "BR-27  ligne 2 « Gazole » · prix unitaire net (BT-146) : « -2.50 »" in french.stdout
    assert "→" in french.stdout
    assert "/" not in french.stdout.partition("BR-27")[2]  # no XPath
    assert "BR-27  line 2 “Gazole” · net price (BT-146): “-2.50”" in english.stdout


def test_french_rules_advise_a_french_seller_and_block_when_asked_to(inbox: Path, tmp_path: Path) -> None:
    given = to_json(read((inbox / "TV-2026-0402.xml").read_bytes()).invoice)
    given["notes"] = []
    path = tmp_path / "without-notes.json"
    path.write_text(json.dumps(given))

    def severities(*options: str) -> tuple[int, set[str]]:
        done = ask("check", "--json", *options, path)
        found = json.loads(done.stdout)["findings"]
        return done.exit_code, {each["severity"] for each in found if each["rule"].startswith("BR-FR-05")}

    assert severities() == (0, {"warning"})
    assert severities("--br-fr") == (1, {"fatal"})
    assert severities("--no-br-fr") == (0, set())


def test_check_reads_standard_input(inbox: Path) -> None:
    done = run("check", "--json", "-", stdin=(inbox / "TV-2026-0401.pdf").read_bytes())
    assert done.returncode == 0
    assert json.loads(done.stdout)["format"] == "facturx"


def test_what_is_piped_has_no_colour_and_no_bar(inbox: Path, wrong: Path) -> None:
    done = run("check", inbox / "TV-2026-0402.xml", wrong)
    assert b"\x1b" not in done.stdout + done.stderr
    assert done.stderr == b""


def test_extract_gives_the_embedded_xml_byte_for_byte(inbox: Path, tmp_path: Path) -> None:
    pdf = inbox / "TV-2026-0401.pdf"
    done = run("extract", pdf)
    assert done.returncode == 0
    assert done.stdout == extract(pdf.read_bytes())
    assert done.stdout.startswith(b"<?xml")
    assert ask("extract", pdf, "--output", tmp_path / "out.xml").exit_code == 0
    assert (tmp_path / "out.xml").read_bytes() == done.stdout


def test_extract_of_a_file_without_invoice_is_one_sentence_and_two(inbox: Path) -> None:
    done = run("extract", inbox / "TV-2026-0402.xml")
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert done.stderr.strip()


@pytest.mark.parametrize("target", ["absent/out.xml", ".", "file.xml/out.xml"])
def test_what_cannot_be_written_is_one_sentence_and_leaves_nothing(inbox: Path, tmp_path: Path, target: str) -> None:
    (tmp_path / "file.xml").write_text("kept")
    before = sorted(tmp_path.iterdir())
    done = ask("extract", inbox / "TV-2026-0401.pdf", "-o", tmp_path / target)
    assert done.exit_code == 2
    assert "impossible d’écrire" in done.stderr
    assert done.stderr.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "file.xml").read_text() == "kept"


def test_a_reader_that_goes_away_is_no_traceback(inbox: Path) -> None:
    files = " ".join(f"'{path}'" for path in sorted(inbox.glob("TV*.json")) * 3)
    done = run_shell(f"check --json {files} | head -1")
    assert b"Traceback" not in done
    assert b"BrokenPipe" not in done


def run_shell(line: str) -> bytes:
    import shlex
    import subprocess

    from tests.cli.commands import PROGRAM

    command = f"{shlex.join(PROGRAM)} {line}"
    return subprocess.run(command, shell=True, capture_output=True, check=False).stderr


def test_the_schema_counts_and_is_said_in_words(inbox: Path, tmp_path: Path) -> None:
    path = tmp_path / "misplaced.xml"
    content = (inbox / "TV-2026-0402.xml").read_bytes()
    start, end = content.index(b"<cbc:IssueDate>"), content.index(b"</cbc:IssueDate>") + len(b"</cbc:IssueDate>")
    date = content[start:end]
    seller = b"<cac:AccountingSupplierParty>"
    moved = content.replace(date, b"").replace(seller, date + seller)
    path.write_bytes(moved)
    done = ask("check", path)
    assert done.exit_code == 1
    assert "FF-XSD" in done.stdout
    assert "n’a pas sa place ici, le schéma y attend" in done.stdout
    assert "urn:" not in done.stdout
