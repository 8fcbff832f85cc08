"""Invoices that others wrote are laid out too, and nothing they say is missing from the page."""

import dataclasses
import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from faitfoi.einvoice.page import Look, render_page
from faitfoi.einvoice.reading import Unreadable, read
from tests.einvoice.pages import CREATED, page_texts, plain

SHARED = Path(os.environ.get("FAITFOI_SHARED", Path(__file__).parents[3] / "shared"))
CORPORA = SHARED / "corpora"


def corpus(*names: str) -> list[Path]:
    found = (path for name in names for path in sorted((CORPORA / name).rglob("*")))
    return [path for path in found if path.suffix.lower() in {".xml", ".pdf"}]


def words(value: object) -> Iterator[str]:
    """Every word of every text of the invoice; what pages do with the ends of lines is not looked at."""
    if isinstance(value, str):
        yield from map(comparable, value.split())
    elif isinstance(value, tuple):
        for each in value:
            yield from words(each)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from words(getattr(value, field.name))


def comparable(text: str) -> str:
    """Without hyphens, which extraction loses at the end of a line, nor what separates an electronic address."""
    return plain(unicodedata.normalize("NFC", text)).translate(dict.fromkeys(map(ord, "-\x02")))


def missing(path: Path) -> list[str] | None:
    """Words of the invoice that its page lacks; None when the file holds no invoice we read."""
    try:
        document = read(path.read_bytes()).invoice
    except Unreadable:
        return None
    pdf = render_page(document, look=Look(), created=CREATED, xml=None)
    text = comparable("".join(page_texts(pdf)))
    return sorted({word for word in words(document) if len(word) > 5 and word not in text})


@pytest.mark.skipif(not CORPORA.is_dir(), reason=f"no public test data in {CORPORA}")
@pytest.mark.parametrize("path", corpus("en16931-examples"), ids=lambda path: path.name)
def test_every_word_of_the_official_examples_is_on_the_page(path: Path) -> None:
    assert not missing(path)


@pytest.mark.slow
@pytest.mark.skipif(not CORPORA.is_dir(), reason=f"no public test data in {CORPORA}")
def test_every_word_of_the_other_corpora_is_on_the_page() -> None:
    lost = {path.name: missing(path) for path in corpus("xrechnung", "zugferd-xml", "zugferd-pdf", "horstoeko")}
    laid_out = [name for name, words_lost in lost.items() if words_lost is not None]
    assert len(laid_out) > 100
    assert {name: words_lost for name, words_lost in lost.items() if words_lost} == {}
