"""Signatures of others: good ones are found good, and what was added, hidden, replaced or wrapped is refused."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from pyhanko.pdf_utils import generic as typeless
from pyhanko.pdf_utils import writer as typeless_pages
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from faitfoi.einvoice.page import Look, render_page
from faitfoi.evidence.seal import SealKey, seal
from faitfoi.evidence.seal_judge import SENTENCES, Mark, judge_signatures, verdict_from
from faitfoi.pipeline.sandbox import Sandbox
from tests.einvoice.pages import invoice
from tests.evidence.conftest import AT, SHARED, plain_pdf

# Only a part of pyHanko says its types.
generic: Any = typeless
pages: Any = typeless_pages
CORPUS = SHARED / "corpora" / "signed-pdf"
# What each signed file of the corpus is, by its authors' tests; docs/seal.md tells why of each.
KNOWN = {
    "certified-with-indirect-refs-in-dir.pdf": Mark.GOOD,
    "ed448-disallowed-hash.pdf": Mark.WEAK,
    "extensions-direct.pdf": Mark.GOOD,
    "form-update-ap-indirect-sneaky-trailer.pdf": Mark.CHANGED_AFTER,
    "form-update-no-override-appearance-stream-ap-indirect-sneaky.pdf": Mark.CHANGED_AFTER,
    "form-update-original-ap-type-wrong.pdf": Mark.GOOD,
    "form-update-override-appearance-stream-ap-indirect.pdf": Mark.GOOD,
    "minimal-signed-twice-both-created.pdf": Mark.GOOD,
    "minimal-signed-twice-no-sig-type.pdf": Mark.GOOD,
    "pades-lta-dss-indirect-arrs-test.pdf": Mark.EXTENDED,
    "pades-with-old-style-signing-cert-attr-issser.pdf": Mark.GOOD,
    "pades-with-old-style-signing-cert-attr.pdf": Mark.GOOD,
    "pdf-sig-with-econtent.pdf": Mark.UNREADABLE,
    "signature-gap-too-big.pdf": Mark.COVERAGE,
    "weird-byterange.pdf": Mark.COVERAGE,
}


@pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no corpus under {CORPUS}")
def test_every_file_of_the_corpus_is_judged_as_its_authors_meant() -> None:
    with Sandbox() as sandbox:
        marks = {path.name: sandbox.judge_signatures(path.read_bytes()).mark for path in sorted(CORPUS.rglob("*.pdf"))}
    assert len(marks) == 59
    assert {name: marks[name] for name in KNOWN} == KNOWN
    others = {name: mark for name, mark in marks.items() if name not in KNOWN}
    assert {name for name, mark in others.items() if mark not in {Mark.NOT_SIGNED, Mark.UNREADABLE}} == set()


@pytest.fixture(scope="module")
def signed(key: SealKey) -> bytes:
    """A real page of an invoice, with our seal."""
    return seal(render_page(invoice(3), look=Look(), created=AT, xml=None), key, at=AT)


def test_our_own_seals_are_good_in_the_eyes_of_the_judge(signed: bytes, key: SealKey) -> None:
    for pdf in (signed, seal(plain_pdf(streams=True), key, at=AT), seal(plain_pdf(pages=3), key, at=AT)):
        verdict = judge_signatures(pdf)
        assert verdict.mark is Mark.GOOD
        assert "CUMA des Trois Vallées" in verdict.signatures[0].signer
        assert verdict_from(verdict.facts()) == verdict


def updated(pdf: bytes, change: Callable[[Any], None]) -> bytes:
    """The PDF with one more update, as an attacker appends it."""
    writer: Any = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def add_a_page(writer: Any) -> None:
    stream = writer.add_object(generic.StreamObject(stream_data=b"0 0 100 100 re f"))
    writer.insert_page(
        pages.PageObject(contents=stream, media_box=generic.ArrayObject(map(generic.NumberObject, (0, 0, 9, 9))))
    )


def page_of(writer: Any) -> Any:
    reference, _ = writer.find_page_for_modification(0)
    return reference.get_object()


def replace_the_content(writer: Any) -> None:
    """Shadow attack "replace": the page's content is another's."""
    page = page_of(writer)
    page["/Contents"] = writer.add_object(generic.StreamObject(stream_data=b"BT ET 0 0 100 100 re f"))
    writer.update_container(page)


def lay_something_over(writer: Any) -> None:
    """Shadow attack "hide": a white rectangle as an annotation over what was signed."""
    form = generic.StreamObject(
        {
            generic.pdf_name("/Type"): generic.pdf_name("/XObject"),
            generic.pdf_name("/Subtype"): generic.pdf_name("/Form"),
            generic.pdf_name("/BBox"): generic.ArrayObject(map(generic.NumberObject, (0, 0, 100, 100))),
        },
        stream_data=b"1 g 0 0 100 100 re f",
    )
    appearance = writer.add_object(form)
    note = generic.DictionaryObject(
        {
            generic.pdf_name("/Type"): generic.pdf_name("/Annot"),
            generic.pdf_name("/Subtype"): generic.pdf_name("/Stamp"),
            generic.pdf_name("/Rect"): generic.ArrayObject(map(generic.NumberObject, (0, 0, 500, 500))),
            generic.pdf_name("/F"): generic.NumberObject(4),
            generic.pdf_name("/AP"): generic.DictionaryObject({generic.pdf_name("/N"): appearance}),
        }
    )
    page = page_of(writer)
    annotations = page["/Annots"]
    annotations.append(writer.add_object(note))
    writer.update_container(annotations)
    writer.update_container(page)


def hide_what_was_signed(writer: Any) -> None:
    """Shadow attack "hide and replace": the catalogue shows another tree of pages."""
    tree = generic.DictionaryObject(
        {
            generic.pdf_name("/Type"): generic.pdf_name("/Pages"),
            generic.pdf_name("/Count"): generic.NumberObject(0),
            generic.pdf_name("/Kids"): generic.ArrayObject(),
        }
    )
    writer.root["/Pages"] = writer.add_object(tree)
    writer.update_root()


def swap_a_font(writer: Any) -> None:
    """Shadow attack on fonts: the same codes draw other figures."""
    page = page_of(writer)
    fonts = page["/Resources"]["/Font"]
    for name in fonts:
        fonts[name] = writer.add_object(
            generic.DictionaryObject(
                {
                    generic.pdf_name("/Type"): generic.pdf_name("/Font"),
                    generic.pdf_name("/Subtype"): generic.pdf_name("/Type1"),
                    generic.pdf_name("/BaseFont"): generic.pdf_name("/ZapfDingbats"),
                }
            )
        )
    writer.update_container(fonts)


def start_a_script(writer: Any) -> None:
    action = generic.DictionaryObject(
        {
            generic.pdf_name("/S"): generic.pdf_name("/JavaScript"),
            generic.pdf_name("/JS"): generic.pdf_string("app.alert(1)"),
        }
    )
    writer.root["/OpenAction"] = writer.add_object(action)
    writer.update_root()


def change_the_attached_invoice(writer: Any) -> None:
    writer.root["/AF"] = generic.ArrayObject()
    writer.update_root()


@pytest.mark.parametrize(
    "attack",
    [
        add_a_page,
        replace_the_content,
        lay_something_over,
        hide_what_was_signed,
        swap_a_font,
        start_a_script,
        change_the_attached_invoice,
    ],
)
def test_what_is_added_after_the_signature_is_refused(signed: bytes, attack: Callable[[Any], None]) -> None:
    verdict = judge_signatures(updated(signed, attack))
    assert verdict.mark in {Mark.CHANGED_AFTER, Mark.FILLED_AFTER}
    assert not verdict.sound


def test_a_field_filled_after_the_last_signature_is_refused(key: SealKey) -> None:
    document = pikepdf.open(io.BytesIO(plain_pdf()))
    field = document.make_indirect(
        pikepdf.Dictionary(
            Type=pikepdf.Name.Annot,
            Subtype=pikepdf.Name.Widget,
            FT=pikepdf.Name.Tx,
            T="montant",
            V="100",
            Rect=[10, 10, 100, 30],
            P=document.pages[0].obj,
        )
    )
    document.pages[0].Annots = pikepdf.Array([field])
    document.Root.AcroForm = pikepdf.Dictionary(Fields=[field])
    out = io.BytesIO()
    document.save(out, static_id=True)
    pdf = seal(out.getvalue(), key, at=AT)
    assert judge_signatures(pdf).sound

    def fill(writer: Any) -> None:
        found = writer.root["/AcroForm"]["/Fields"][0]
        found["/V"] = generic.pdf_string("900")
        writer.update_container(found)

    assert judge_signatures(updated(pdf, fill)).mark is Mark.FILLED_AFTER


def test_bytes_and_lies_about_the_ranges_are_refused(signed: bytes) -> None:
    marks = {
        "bytes after the end": judge_signatures(signed + b"% added\n").mark,
        "a byte changed": judge_signatures(signed.replace(b"/MediaBox", b"/Mediabox", 1)).mark,
        "an empty range": judge_signatures(emptied(signed, b"/ByteRange[0 0 0 0]")).mark,
        "no contents": judge_signatures(signed.replace(b"/Contents<", b"/Kontents<")).mark,
        "a negative range": judge_signatures(emptied(signed, b"/ByteRange[-1 5 9 9]")).mark,
    }
    assert {name for name, mark in marks.items() if mark in {Mark.GOOD, Mark.EXTENDED}} == set()


def emptied(pdf: bytes, ranges: bytes) -> bytes:
    start = pdf.rindex(b"/ByteRange")
    end = pdf.index(b"]", start) + 1
    return pdf[:start] + ranges.ljust(end - start) + pdf[end:]


def test_a_wrapped_signature_is_refused(signed: bytes) -> None:
    """The bytes that were signed are kept, moved behind others, and the range points at where they are now."""
    start = signed.rindex(b"/ByteRange")
    end = signed.index(b"]", start) + 1
    _, gap, resume, rest = (int(number) for number in signed[start + len(b"/ByteRange[") : end - 1].split())
    hidden = signed.replace(b"/Type/Pages", b"/Type/Qages", 1) if b"/Type/Pages" in signed else signed
    wrapped = hidden + signed[:gap] + signed[gap:]
    moved = b"/ByteRange[%d %d %d %d]" % (len(hidden), gap, len(hidden) + resume, rest)
    place = len(hidden) + start
    wrapped = wrapped[:place] + moved.ljust(end - start) + wrapped[end + len(hidden) :]
    assert not judge_signatures(wrapped).sound


def test_every_mark_has_its_sentence_and_its_remedy() -> None:
    assert set(SENTENCES) == set(Mark)
    assert all(sentence.endswith(".") for sentence in SENTENCES.values())


def test_damaged_files_are_judged_without_a_trace(signed: bytes) -> None:
    step = max(1, len(signed) // 40)
    with Sandbox() as sandbox:
        for place in range(0, len(signed), step):
            spoilt = bytearray(signed)
            spoilt[place] ^= 0x11
            assert not sandbox.judge_signatures(bytes(spoilt)).sound, place


def test_the_command_says_what_holds(tmp_path: Path, signed: bytes) -> None:
    import subprocess
    import sys

    good, bad = tmp_path / "bonne.pdf", tmp_path / "changée.pdf"
    good.write_bytes(signed)
    bad.write_bytes(updated(signed, add_a_page))
    command = [sys.executable, "-m", "faitfoi.cli", "seal", "check"]
    done = subprocess.run([*command, good], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.startswith("✓")) == (0, True), done.stdout + done.stderr
    done = subprocess.run([*command, good, bad], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "modifié après la signature" in done.stdout
