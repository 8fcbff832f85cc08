"""What a PDF claims to be before its seal, it still is after: veraPDF says so."""

from pathlib import Path

import pytest

from faitfoi.einvoice.cii import write_cii
from faitfoi.einvoice.page import Look, render_page
from faitfoi.evidence.seal import SealKey, seal
from tests.einvoice.pages import invoice
from tests.evidence.conftest import AT, SHARED, real_pdfs
from tests.oracles.verapdf import verapdf

pytestmark = pytest.mark.oracle


@pytest.mark.parametrize("flavour", ["3a", "ua1"])
def test_a_sealed_page_keeps_its_claims(tmp_path: Path, key: SealKey, flavour: str) -> None:
    sealed = []
    for lines in (3, 60):
        data = invoice(lines)
        pdf = render_page(data, look=Look(), created=AT, xml=write_cii(data))
        sealed.append(tmp_path / f"{lines}.pdf")
        sealed[-1].write_bytes(seal(pdf, key, at=AT))
    assert verapdf(sealed, flavour) == dict.fromkeys(sealed, ())


@pytest.mark.skipif(not real_pdfs(), reason=f"no corpora under {SHARED}")
@pytest.mark.parametrize("flavour", ["1b", "3b"])
def test_a_real_invoice_is_judged_alike_before_and_after(tmp_path: Path, key: SealKey, flavour: str) -> None:
    originals, sealed = tmp_path / "originals", tmp_path / "sealed"
    originals.mkdir()
    sealed.mkdir()
    for number, path in enumerate(path for path in real_pdfs() if "signed-pdf" not in path.parts):
        pdf = path.read_bytes()
        (originals / f"{number:03}.pdf").write_bytes(pdf)
        (sealed / f"{number:03}.pdf").write_bytes(seal(pdf, key, at=AT))
    before = {path.name: set(why) for path, why in verapdf(sorted(originals.iterdir()), flavour).items()}
    after = {path.name: set(why) for path, why in verapdf(sorted(sealed.iterdir()), flavour).items()}
    assert after == before
    assert set() in before.values()
