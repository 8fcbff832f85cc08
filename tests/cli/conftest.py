"""The demonstration's invoices, made once for all the tests of commands."""

from pathlib import Path

import pytest

from faitfoi.cli.demonstration.builder import build


@pytest.fixture(scope="session")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demonstration's files."""
    folder = tmp_path_factory.mktemp("inbox")
    build(folder)
    return folder / "trois-vallees"


@pytest.fixture
def wrong(inbox: Path, tmp_path: Path) -> Path:
    """A CII whose lines do not add up: BR-CO-10 says so."""
    content = next(data for path in sorted(inbox.glob("TV*.xml")) if b"CrossIndustry" in (data := path.read_bytes()))
    amount = content.split(b"<ram:LineTotalAmount>")[-1].split(b"</")[0]
    path = tmp_path / "wrong.xml"
    path.write_bytes(content.replace(b"<ram:LineTotalAmount>" + amount, b"<ram:LineTotalAmount>1.00"))
    return path
