"""A visible seal is drawn once and put on the page; what the page says stays, and so do its claims and its seal."""

import io
from functools import partial

import pikepdf
import pytest

from faitfoi.einvoice.page import Look, render_page
from faitfoi.evidence.pdf_update import lay_out
from faitfoi.evidence.seal import SealKey, seal
from faitfoi.evidence.seal_check import SealState, check_seal
from faitfoi.evidence.seal_judge import Mark, judge_signatures
from faitfoi.evidence.seal_stamp import PlaceRefused, draw_stamp, read_place
from faitfoi.pipeline.sandbox import Sandbox
from tests.einvoice.pages import invoice
from tests.evidence.conftest import AT, plain_pdf

PLACE = read_place("360 20 180 36")


def test_the_stamp_is_outlines_only_and_the_same_every_time() -> None:
    stamp = draw_stamp("CUMA des Trois Vallées", PLACE)
    draw_stamp.cache_clear()
    assert draw_stamp("CUMA des Trois Vallées", PLACE) == stamp
    operators = {line.split()[-1] for line in stamp.content.splitlines()}
    assert operators <= {"q", "Q", "cm", "G", "f", "S"}
    assert stamp.content.count("q") == stamp.content.count("Q")


@pytest.mark.parametrize("streams", [False, True])
def test_a_visible_seal_holds_and_the_page_keeps_what_it_drew(key: SealKey, *, streams: bool) -> None:
    page = render_page(invoice(3), look=Look(), created=AT, xml=None)
    visible = partial(lay_out, stamp=draw_stamp("CUMA des Trois Vallées", PLACE))
    for pdf in (page, plain_pdf(streams=streams)):
        sealed = seal(pdf, key, at=AT, lay_out=visible)
        assert sealed.startswith(pdf)
        assert check_seal(sealed, [key.certificate]) is SealState.INTACT
        assert judge_signatures(sealed).mark is Mark.GOOD
        with pikepdf.open(io.BytesIO(pdf)) as old, pikepdf.open(io.BytesIO(sealed)) as new:
            before, after = old.pages[0].obj, new.pages[0].obj
            drawn = operators_of(before) if "/Contents" in before else []
            assert operators_of(after)[1 : 1 + len(drawn)] == drawn
            assert set(before.get("/Resources", pikepdf.Dictionary()).keys()) <= set(after.Resources.keys())
            assert "/FaitfoiSeal" in after.Resources.XObject


def operators_of(page: pikepdf.Object) -> list[str]:
    return [f"{each.operator} {list(each.operands)}" for each in pikepdf.parse_content_stream(page)]


def test_the_limited_child_draws_the_same(key: SealKey) -> None:
    stamp = draw_stamp("CUMA des Trois Vallées", PLACE)
    with Sandbox() as sandbox:
        assert sandbox.lay_out(plain_pdf(), 3000, AT, stamp) == lay_out(plain_pdf(), 3000, AT, stamp)


@pytest.mark.parametrize("text", ["", "1 2 3", "a b c d", "-1 0 100 30", "0 0 10 30", "0 0 100 900"])
def test_a_place_that_is_none_says_how_to_write_it(text: str) -> None:
    with pytest.raises(PlaceRefused, match=r"points"):
        read_place(text)
