"""The demonstration's files never change, read back as what they hold, and three are wrong in three ways."""

import os
from pathlib import Path

import pytest

from faitfoi.cli.demonstration.builder import build, corpora_files, file_of, terms_of_sale
from faitfoi.cli.demonstration.invoices import Piece, pieces
from faitfoi.einvoice.findings import Severity
from faitfoi.einvoice.official import check_official
from faitfoi.einvoice.reading import Format, Unreadable, read

SLUGS = ("trois-vallees", "val-clair")
PIECES = {(slug, piece.invoice.number): piece for slug in SLUGS for piece in pieces(slug)}
SHARED = Path(os.environ.get("FAITFOI_SHARED", Path(__file__).parents[2].parent / "shared"))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    return build(tmp_path_factory.mktemp("demonstration"))


def spoilt(how: str) -> tuple[str, Piece]:
    ((slug, piece),) = [(slug, piece) for (slug, _), piece in PIECES.items() if piece.spoilt == how]
    return slug, piece


def expected_format(piece: Piece) -> Format:
    if piece.form == "ubl":
        return Format.UBL_CREDIT_NOTE if piece.invoice.is_credit_note else Format.UBL_INVOICE
    return {"facturx": Format.FACTURX, "cii": Format.CII}.get(piece.form, Format.JSON)


def test_the_same_bytes_are_written_at_every_run(built: dict[str, list[Path]], tmp_path: Path) -> None:
    again = build(tmp_path)
    for slug in SLUGS:
        assert [path.name for path in again[slug]] == [path.name for path in built[slug]]
        assert [path.read_bytes() for path in again[slug]] == [path.read_bytes() for path in built[slug]]


def test_every_piece_has_its_file(built: dict[str, list[Path]]) -> None:
    assert {slug: [path.name for path in paths] for slug, paths in built.items()} == {
        slug: [piece.file for piece in pieces(slug)] for slug in SLUGS
    }


@pytest.mark.parametrize(("slug", "number"), [key for key, piece in PIECES.items() if not piece.spoilt])
def test_a_good_file_reads_back_as_the_invoice_it_holds(slug: str, number: str) -> None:
    piece = PIECES[slug, number]
    reading = read(file_of(slug, piece))
    assert reading.format is expected_format(piece)
    assert reading.invoice == piece.invoice
    assert reading.findings == ()
    assert not reading.signed


def test_the_truncated_file_cannot_be_read() -> None:
    slug, piece = spoilt("truncated")
    content = file_of(slug, piece)
    assert content.startswith(b"%PDF-")
    with pytest.raises(Unreadable) as refusal:
        read(content)
    assert refusal.value.reason


def test_the_file_with_a_script_is_refused_for_its_script() -> None:
    slug, piece = spoilt("script")
    with pytest.raises(Unreadable, match=r"(?i)script"):
        read(file_of(slug, piece))


def test_the_amount_due_breaks_one_rule_and_no_other() -> None:
    slug, piece = spoilt("amount due")
    findings = check_official(read(file_of(slug, piece)).xml, br_fr=True)
    fatal = {finding.rule for finding in findings if finding.severity is Severity.FATAL}
    assert fatal == {piece.ends.rule} == {"BR-CO-16"}


def test_the_terms_of_sale_are_a_pdf_that_does_not_change() -> None:
    assert terms_of_sale("trois-vallees").startswith(b"%PDF-")
    assert terms_of_sale("trois-vallees") == terms_of_sale("trois-vallees")


@pytest.mark.skipif(not (SHARED / "corpora").is_dir(), reason=f"no public corpora in {SHARED}")
def test_the_real_pdfs_are_all_pdfs_in_a_fixed_order() -> None:
    found = corpora_files(SHARED)
    assert len(found) > 50
    assert found == sorted(found)
    assert all(path.read_bytes()[:1024].find(b"%PDF-") >= 0 for path in found)


def test_without_the_corpora_there_is_nothing_to_add(tmp_path: Path) -> None:
    assert corpora_files(tmp_path) == []
