"""Every kind of PDF we write is what it says it is: veraPDF finds no fault, and Mustang reads our Factur-X."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from faitfoi.evidence.seal import SealKey
from tests.evidence.conftest import SHARED, make_key, real_pdfs
from tests.oracles.mustang import mustang
from tests.oracles.our_pdfs import Kind, every_kind, real_ones
from tests.oracles.verapdf import verapdf

pytestmark = pytest.mark.oracle


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> SealKey:
    return make_key(tmp_path_factory.mktemp("keys") / "alice")


def faults(kinds: Iterable[Kind], folder: Path) -> dict[str, dict[str, tuple[str, ...]]]:
    """What veraPDF has against each file, flavour by flavour; one Java machine for each flavour."""
    written: dict[str, list[Path]] = {}
    for name, flavours, pdf in kinds:
        path = folder / f"{name}.pdf"
        path.write_bytes(pdf)
        for flavour in flavours:
            written.setdefault(flavour, []).append(path)
    judged = {flavour: verapdf(paths, flavour) for flavour, paths in sorted(written.items())}
    for flavour, verdicts in judged.items():
        print(f"veraPDF {flavour}: {len(verdicts)} files")
    return {
        flavour: bad
        for flavour, verdicts in judged.items()
        if (bad := {path.name: why for path, why in verdicts.items() if why})
    }


def test_verapdf_has_nothing_against_any_kind_of_pdf_we_write(tmp_path: Path, key: SealKey) -> None:
    assert faults(every_kind(key, tmp_path), tmp_path) == {}


@pytest.mark.skipif(not real_pdfs(), reason=f"no corpora under {SHARED}")
def test_verapdf_has_nothing_against_real_pdfs_that_took_our_invoice(tmp_path: Path) -> None:
    assert faults(real_ones(), tmp_path) == {}


def test_mustang_finds_our_factur_x_valid(tmp_path: Path, key: SealKey) -> None:
    wanted = {"page-en16931", "page-extended-sealed", "attached-a-2b-basic", "wrapped-attached-transparent"}
    paths = []
    for name, _, pdf in every_kind(key, tmp_path):
        if name in wanted:
            paths.append(tmp_path / f"{name}.pdf")
            paths[-1].write_bytes(pdf)
    assert {path.stem for path in paths} == wanted
    assert mustang(paths) == dict.fromkeys(paths, ())
