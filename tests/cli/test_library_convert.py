"""`faitfoi convert` and `render`: any syntax to any other, and nothing lost in silence."""

import os
from pathlib import Path

import pikepdf
import pytest

from faitfoi.einvoice.reading import Format, read
from tests.cli.commands import ask, run

PAIRS = [
    ("TV-2026-0401.pdf", "ubl"),
    ("TV-2026-0401.pdf", "cii"),
    ("TV-2026-0402.xml", "cii"),
    ("TV-2026-0402.xml", "json"),
    ("TV-2026-0406.json", "facturx"),
    ("TV-2026-0406.json", "ubl"),
    ("AV-2026-0031.xml", "facturx"),
    ("AV-2026-0031.xml", "ubl"),
]
TARGETS = {"cii": {Format.CII}, "ubl": {Format.UBL_INVOICE, Format.UBL_CREDIT_NOTE}, "json": {Format.JSON}}
TARGETS |= {"facturx": {Format.FACTURX}}


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_every_syntax_becomes_every_other_and_says_the_same(
    inbox: Path, tmp_path: Path, source: str, target: str
) -> None:
    done = ask("convert", inbox / source, "--to", target, "-o", tmp_path / "made")
    made = read((tmp_path / "made").read_bytes())
    assert done.exit_code == 0, done.stderr
    assert done.stderr == ""
    assert made.format in TARGETS[target]
    assert made.invoice == read((inbox / source).read_bytes()).invoice


def test_what_is_in_that_syntax_already_is_left_as_it_is(inbox: Path) -> None:
    xml = (inbox / "TV-2026-0402.xml").read_bytes()
    assert run("convert", "-", "--to", "ubl", stdin=xml).stdout == xml


def test_a_profile_is_declared(inbox: Path) -> None:
    made = read(run("convert", inbox / "TV-2026-0401.pdf", "-t", "ubl", "--profile", "peppol").stdout)
    assert made.profile == "PEPPOL BIS BILLING"


def test_what_a_syntax_cannot_hold_is_said_and_refused_when_strict(inbox: Path, tmp_path: Path) -> None:
    xml = (inbox / "TV-2026-0402.xml").read_bytes()
    foreign = xml.replace(b"<cbc:ID>", b"<cbc:UUID>0f9c</cbc:UUID><cbc:ID>", 1)
    source, output = tmp_path / "foreign.xml", tmp_path / "out.xml"
    source.write_bytes(foreign)
    done = ask("convert", source, "--to", "cii", "-o", output)
    assert done.exit_code == 0
    assert "n’est pas repris" in done.stderr
    assert "UUID" in done.stderr
    output.unlink()
    strict = ask("convert", source, "--to", "cii", "-o", output, "--strict")
    assert strict.exit_code == 1
    assert "rien n’est écrit" in strict.stderr
    assert not output.exists()


def test_a_result_that_is_not_valid_is_said(wrong: Path, tmp_path: Path) -> None:
    done = ask("convert", wrong, "--to", "ubl", "-o", tmp_path / "out.xml")
    assert done.exit_code == 0
    assert "n’est pas valide (BR-CO-10" in done.stderr
    assert ask("convert", wrong, "--to", "ubl", "--strict").exit_code == 1


def test_an_unreadable_file_and_an_unwritable_path_are_two(inbox: Path, tmp_path: Path) -> None:
    (tmp_path / "noise").write_bytes(b"\x00" * 50)
    assert ask("convert", tmp_path / "noise", "--to", "cii").exit_code == 2
    done = ask("convert", inbox / "TV-2026-0401.pdf", "--to", "cii", "-o", tmp_path / "no" / "where")
    assert done.exit_code == 2
    assert "son dossier n’existe pas" in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_file_that_may_not_be_written_is_not_replaced(inbox: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.xml"
    kept.write_text("kept")
    kept.chmod(0o444)
    assert ask("convert", inbox / "TV-2026-0401.pdf", "--to", "cii", "-o", kept).exit_code == 2
    assert kept.read_text() == "kept"


def test_render_lays_any_syntax_out_without_its_data(inbox: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.pdf"
    done = ask("render", inbox / "TV-2026-0402.xml", "-o", page, "--mark", "COPIE", "--accent", "#204020")
    assert done.exit_code == 0, done.stderr
    with pikepdf.open(page) as opened:
        assert len(opened.pages) >= 1
        assert not opened.attachments
    assert ask("extract", page).exit_code == 2


def test_render_makes_the_same_bytes_at_the_same_date(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")
    first, second = (run("render", inbox / "TV-2026-0402.xml").stdout for _ in range(2))
    assert first.startswith(b"%PDF-")
    assert first == second


def test_a_look_that_cannot_be_drawn_is_one_sentence(inbox: Path, tmp_path: Path) -> None:
    done = ask("render", inbox / "TV-2026-0402.xml", "--accent", "red", "-o", tmp_path / "p.pdf")
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "p.pdf").exists()


def test_a_pdf_a_given_to_us_carries_the_invoice(inbox: Path, tmp_path: Path) -> None:
    page, made = tmp_path / "page.pdf", tmp_path / "facturx.pdf"
    assert ask("render", inbox / "TV-2026-0402.xml", "-o", page, "--footer", "Ours").exit_code == 0
    done = ask("convert", inbox / "TV-2026-0402.xml", "--to", "facturx", "--pdf", page, "-o", made)
    assert done.exit_code == 0, done.stderr
    assert read(made.read_bytes()).invoice == read((inbox / "TV-2026-0402.xml").read_bytes()).invoice
    with pikepdf.open(made) as opened, pikepdf.open(page) as given:
        assert [each.Contents.read_bytes() for each in opened.pages] == [
            each.Contents.read_bytes() for each in given.pages
        ]


def test_a_pdf_that_is_no_pdf_a_is_refused_with_reasons_and_wrapped_on_demand(inbox: Path, tmp_path: Path) -> None:
    plain, made = tmp_path / "plain.pdf", tmp_path / "facturx.pdf"
    document = pikepdf.new()
    document.add_blank_page()
    document.save(plain)
    arguments = ("convert", inbox / "TV-2026-0402.xml", "--to", "facturx", "--pdf", plain, "-o", made)
    refused = ask(*arguments)
    assert refused.exit_code == 1
    assert "FF-PDF-CLAIM" in refused.stderr
    assert "--wrap" in refused.stderr
    assert not made.exists()
    wrapped = ask(*arguments, "--wrap")
    assert wrapped.exit_code == 0, wrapped.stderr
    assert read(made.read_bytes()).format is Format.FACTURX


def test_options_that_do_not_go_together_are_one_sentence(inbox: Path) -> None:
    assert ask("convert", inbox / "TV-2026-0402.xml", "--to", "ubl", "--pdf", "x.pdf").exit_code == 2
    assert "--pdf" in ask("convert", inbox / "TV-2026-0402.xml", "--to", "facturx", "--wrap").stderr
