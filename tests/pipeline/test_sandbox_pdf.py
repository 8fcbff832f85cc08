"""What is asked of a PDF from outside goes through the limited child, with its reasons."""

from collections.abc import Iterator

import pytest

from faitfoi.einvoice.pdfa import NotPdfA, PdfAClaim, look_into
from faitfoi.einvoice.profiles import EN16931
from faitfoi.pipeline.sandbox import Sandbox
from tests.einvoice.plain_pdfs import AT, by_typst, unembedded

XML = b"<invoice/>"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as made:
        yield made


def test_the_child_says_why_a_pdf_is_not_a_pdf_a(sandbox: Sandbox) -> None:
    for pdf in (by_typst(), by_typst("a-2u"), unembedded()):
        assert sandbox.look_into(pdf) == look_into(pdf)


def test_the_child_attaches_to_a_pdf_a_and_wraps_only_on_demand(sandbox: Sandbox) -> None:
    made = sandbox.attach(by_typst("a-2u"), XML, at=AT, specification=EN16931)
    assert look_into(made).claim == PdfAClaim(part=3, level="U")
    assert sandbox.extract(made) == XML
    with pytest.raises(NotPdfA, match="n’est pas un PDF/A") as refused:
        sandbox.attach(by_typst(), XML, at=AT, specification=EN16931)
    assert refused.value.findings == look_into(by_typst()).findings
    wrapped = sandbox.attach(by_typst(), XML, at=AT, specification=EN16931, wrap=True)
    assert look_into(wrapped).claim == PdfAClaim(part=3, level="B")
    with pytest.raises(NotPdfA, match=r"ne peut pas être enveloppé.*Helvetica"):
        sandbox.attach(unembedded(), XML, at=AT, specification=EN16931, wrap=True)
