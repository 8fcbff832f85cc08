"""Keys, PDFs of our own and the real ones; a validator that is not ours."""

import os
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from uuid import UUID

import pikepdf
import pytest

from faitfoi.evidence.seal import SealKey, create_key, load_key

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
ALICE = UUID("01980000-0000-7000-8000-00000000a11c")
SECRET = b"the installation's secret, of tests only"
CHARLIE = UUID("01980000-0000-7000-8000-0000000c4a11")
SHARED = Path(os.environ.get("FAITFOI_SHARED", Path(__file__).parents[2].parent / "shared"))


def make_key(folder: Path, algorithm: str = "P-256") -> SealKey:
    if algorithm == "RSA-3072":
        create_key(folder, organisation="CUMA des Trois Vallées", at=AT, secret=SECRET, algorithm="RSA-3072")
    else:
        create_key(folder, organisation="CUMA des Trois Vallées", at=AT, secret=SECRET)
    return load_key(folder, secret=SECRET)


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> SealKey:
    return make_key(tmp_path_factory.mktemp("keys") / "alice")


@pytest.fixture(scope="session")
def other_key(tmp_path_factory: pytest.TempPathFactory) -> SealKey:
    return make_key(tmp_path_factory.mktemp("keys") / "charlie")


def plain_pdf(*, streams: bool = False, pages: int = 1) -> bytes:
    """A small PDF as pikepdf writes it: with a table of cross-references, or with streams and packed objects."""
    document = pikepdf.new()
    for _ in range(pages):
        document.add_blank_page()
    output = BytesIO()
    mode = pikepdf.ObjectStreamMode.generate if streams else pikepdf.ObjectStreamMode.disable
    document.save(output, object_stream_mode=mode, static_id=True)
    return output.getvalue()


def real_pdfs() -> list[Path]:
    """Every PDF of the shared corpora, in order; none when they are not there."""
    return sorted(SHARED.glob("corpora/**/*.pdf"))
