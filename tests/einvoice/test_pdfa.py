"""A PDF that is no PDF/A is told why, and wrapped when its pages allow it; a PDF/A takes the invoice."""

import io
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from pikepdf import Array, Dictionary, Name, Pdf, String

from faitfoi.einvoice.cii import write_cii
from faitfoi.einvoice.facturx import NotPdfA, SignedPdf, attach, extract
from faitfoi.einvoice.pdfa import look_into
from faitfoi.einvoice.pdfa_wrap import wrap
from faitfoi.einvoice.profiles import EN16931
from faitfoi.einvoice.xml import Unreadable
from tests.einvoice import plain_pdfs
from tests.einvoice.material import CORPORA, full_invoice, needs_corpora
from tests.einvoice.plain_pdfs import AT, Standard, by_typst, changed, drawn, unembedded

XML = write_cii(full_invoice())


def rules(pdf: bytes) -> set[str]:
    return {finding.rule for finding in look_into(pdf).findings}


def picture(pdf: bytes, page: int = 0) -> bytes:
    with pypdfium2.PdfDocument(pdf) as document:
        return bytes(document[page].render(scale=1, may_draw_forms=False).to_pil().tobytes())


def claim_of(pdf: bytes) -> tuple[int, str]:
    claim = look_into(pdf).claim
    assert claim is not None
    return claim.part, claim.level


@pytest.mark.parametrize("standard", ["a-1b", "a-2b", "a-2u", "a-3b", "a-2a", "a-3a"])
def test_a_pdf_a_is_found_to_be_one_and_takes_the_invoice(standard: Standard) -> None:
    pdf = by_typst(standard)
    assert look_into(pdf).findings == ()
    made = attach(pdf, XML, at=AT, specification=EN16931)
    assert extract(made) == XML
    assert claim_of(made) == (3, standard[-1].upper())
    assert look_into(made).findings == ()
    assert picture(made) == picture(pdf)
    assert attach(pdf, XML, at=AT, specification=EN16931) == made


def test_a_pdf_a_4_is_told_that_a_factur_x_is_a_pdf_a_3() -> None:
    with pytest.raises(NotPdfA, match=r"PDF/A-4.* : un Factur-X est un PDF/A-3") as caught:
        attach(by_typst("a-4f"), XML, at=AT, specification=EN16931)
    assert [finding.rule for finding in caught.value.findings] == ["FF-PDF-PART"]


def test_an_ordinary_pdf_is_refused_with_every_reason_and_its_remedy() -> None:
    pdf = changed(unembedded(), plain_pdfs.scripted)
    with pytest.raises(NotPdfA, match=r"Helvetica.*JavaScript|JavaScript.*Helvetica") as refused:
        attach(pdf, XML, at=AT, specification=EN16931)
    assert refused.value.findings == look_into(pdf).findings
    found = {finding.rule: finding for finding in look_into(pdf).findings}
    assert set(found) == {
        "FF-PDF-CLAIM", "FF-PDF-OUTPUT-INTENT", "FF-PDF-FONT", "FF-PDF-SCRIPT", "FF-PDF-ACTION", "FF-PDF-ANNOTATION",
    }  # fmt: skip
    assert found["FF-PDF-FONT"].value == "Helvetica"
    assert "Helvetica" in found["FF-PDF-FONT"].message_fr
    for finding in found.values():
        assert finding.message_fr.endswith(".")
        assert finding.message.endswith(".")
        assert finding.remedy_fr.endswith(".")
        assert finding.remedy.endswith(".")
    with pytest.raises(NotPdfA, match=r"n’est pas un PDF/A\. .*Helvetica.*Exportez-le en incorporant") as caught:
        attach(unembedded(), XML, at=AT, specification=EN16931)
    assert isinstance(caught.value, Unreadable)


def state(pdf: Pdf) -> None:
    pdf.pages[0].obj.Resources.ExtGState = Dictionary(G=Dictionary(TR=Name.Identity))
    pdf.pages[0].contents_add(b"/G gs")


def wide(pdf: Pdf) -> None:
    pdf.pages[0].obj.MediaBox = Array([0, 0, 20_000, 800])


def external(pdf: Pdf) -> None:
    stream = pdf.make_stream(b"")
    stream.stream_dict.F = String("ailleurs.bin")
    pdf.pages[0].obj.Resources.XObject = Dictionary(X=stream)


def postscript(pdf: Pdf) -> None:
    stream = pdf.make_stream(b"showpage")
    stream.stream_dict.Subtype = Name.PS
    pdf.pages[0].obj.Resources.XObject = Dictionary(X=stream)
    pdf.pages[0].contents_add(b"/X Do")


def broken_xmp(pdf: Pdf) -> None:
    pdf.Root.Metadata = pdf.make_stream(b"<x:xmpmeta")


def untagged(pdf: Pdf) -> None:
    del pdf.Root["/StructTreeRoot"]


def xfa(pdf: Pdf) -> None:
    pdf.Root.AcroForm = Dictionary(Fields=Array([]), XFA=pdf.make_stream(b"<xdp/>"))


def cmyk(pdf: Pdf) -> None:
    pdf.pages[0].contents_add(b"0 1 0 0 k 0 0 9 9 re f")


def lzw(pdf: Pdf) -> None:
    stream = pdf.make_stream(b"\x80\x0b\x60\x50\x22\x0c\x0c\x85\x01")
    stream.stream_dict.Filter = Name.LZWDecode
    pdf.pages[0].obj.Resources.XObject = Dictionary(X=stream)


FAULTS: dict[str, tuple[Standard, Callable[[Pdf], object], str]] = {
    "transparency in A-1": ("a-1b", plain_pdfs.borrowing, "FF-PDF-TRANSPARENCY"),
    "file in A-1": ("a-1b", plain_pdfs.with_file("a.csv", b"1;2"), "FF-PDF-ATTACHMENT"),
    "file nobody mentions in A-3": ("a-3b", plain_pdfs.with_file("a.csv", b"1;2"), "FF-PDF-ATTACHMENT"),
    "layers in A-1": ("a-1b", plain_pdfs.layered, "FF-PDF-LAYERS"),
    "layer without name": ("a-3b", plain_pdfs.layered, "FF-PDF-LAYERS"),
    "interpolated picture": ("a-3b", plain_pdfs.pictured, "FF-PDF-IMAGE"),
    "transfer function": ("a-3b", state, "FF-PDF-STATE"),
    "page of seven metres": ("a-3b", wide, "FF-PDF-PAGE"),
    "content elsewhere": ("a-3b", external, "FF-PDF-EXTERNAL"),
    "PostScript": ("a-3b", postscript, "FF-PDF-POSTSCRIPT"),
    "unreadable XMP": ("a-3b", broken_xmp, "FF-PDF-XMP"),
    "no tags in level A": ("a-3a", untagged, "FF-PDF-TAGGED"),
    "XFA": ("a-3b", xfa, "FF-PDF-XFA"),
    "other colours than the intent's": ("a-3b", cmyk, "FF-PDF-COLOUR"),
    "LZW": ("a-3b", lzw, "FF-PDF-FILTER"),
    "note without look": ("a-3b", plain_pdfs.noted, "FF-PDF-ANNOTATION"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_each_fault_is_seen_alone(case: str) -> None:
    standard, change, rule = FAULTS[case]
    assert rules(changed(by_typst(standard), change)) == {rule}


def test_only_what_the_page_uses_is_asked_of() -> None:
    unused = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)

    def change(pdf: Pdf) -> None:
        pdf.pages[0].obj.Resources.Font.Unused = unused
        pdf.pages[0].contents_add(b"BT /Unused 9 Tf 3 Tr (mots sous une page scannee) Tj ET")

    assert rules(changed(by_typst("a-3b"), change)) == set()


def test_an_encrypted_pdf_is_told_so() -> None:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(by_typst())) as pdf:
        pdf.save(out, encryption=pikepdf.Encryption(owner="o", user="u"))
    assert rules(out.getvalue()) == {"FF-PDF-ENCRYPTED"}
    with pytest.raises(NotPdfA, match="chiffré"):
        wrap(out.getvalue(), at=AT)


def test_forms_that_call_each_other_without_end_are_no_trap() -> None:
    def change(pdf: Pdf) -> None:
        forms = [pdf.make_stream(b"/A Do /B Do /A Do /B Do") for _ in range(20)]
        for number, form in enumerate(forms):
            following = forms[(number + 1) % len(forms)]
            form.stream_dict.Subtype = Name.Form
            form.stream_dict.BBox = Array([0, 0, 9, 9])
            form.stream_dict.Resources = Dictionary(XObject=Dictionary(A=following, B=following))
        pdf.pages[0].obj.Resources.XObject = Dictionary(A=forms[0])
        pdf.pages[0].contents_add(b"/A Do")

    assert rules(changed(by_typst("a-3b"), change)) == set()


WRAPPED: dict[str, Callable[[], bytes]] = {
    "typst": by_typst,
    "transparent": lambda: by_typst(glass=True),
    "PDF 2.0": lambda: by_typst("2.0"),
    "PDF/A-4": lambda: by_typst("a-4"),
    "scripts": lambda: changed(by_typst(), plain_pdfs.scripted),
    "notes": lambda: changed(by_typst(), plain_pdfs.noted),
    "layer": lambda: changed(by_typst(), plain_pdfs.layered),
    "picture": lambda: changed(by_typst(), plain_pdfs.pictured),
    "borrowed resources": lambda: changed(by_typst(), plain_pdfs.borrowing),
    "file": lambda: changed(by_typst(), plain_pdfs.with_file("relevé.csv", b"1;2")),
    "A-1 gone wrong": lambda: changed(by_typst("a-1b"), plain_pdfs.borrowing),
    "drawn": lambda: drawn(b"0.5 g 0 0 100 100 re f BI /W 1 /H 1 /BPC 8 /CS /RGB ID abc EI"),
}


def wrapped_by(name: str) -> bytes:
    return wrap(WRAPPED[name](), at=AT)


@pytest.mark.parametrize("name", WRAPPED)
def test_a_wrapped_pdf_shows_the_same_pages_and_takes_the_invoice(name: str) -> None:
    before, after = WRAPPED[name](), wrapped_by(name)
    assert rules(before)
    assert look_into(before).wrappable
    assert look_into(after).findings == ()
    assert claim_of(after) == (3, "B")
    # Viewers draw notes over the page, which now has them in it; and they smooth a small picture as they like.
    if name not in {"notes", "scripts", "picture"}:
        with pypdfium2.PdfDocument(before) as document:
            count = len(document)
        assert [picture(before, page) for page in range(count)] == [picture(after, page) for page in range(count)]
    assert after == wrapped_by(name)
    made = attach(after, XML, at=AT, specification=EN16931)
    assert extract(made) == XML
    assert look_into(made).findings == ()


def test_wrapping_keeps_links_and_files_and_drops_what_acts() -> None:
    before = changed(changed(by_typst(), plain_pdfs.scripted), plain_pdfs.with_file("relevé.csv", b"1;2"))
    after = wrap(before, at=AT)
    assert b"JavaScript" not in after
    with pikepdf.open(io.BytesIO(after)) as pdf:
        assert "/AcroForm" not in pdf.Root
        assert "/OpenAction" not in pdf.Root
        assert [str(each.A.URI) for each in pdf.pages[0].obj.Annots.as_list()] == ["https://trois-vallees.example/"]
        assert pdf.attachments["relevé.csv"].get_file().read_bytes() == b"1;2"
        with pdf.open_metadata() as metadata:
            assert metadata["dc:title"] == "Facture F-2026-117"


def test_a_stamp_becomes_part_of_its_page() -> None:
    before = by_typst()
    after = wrap(changed(before, plain_pdfs.noted), at=AT)
    assert picture(after) != picture(before)


def filled(pdf: Pdf) -> None:
    field = pdf.make_indirect(
        Dictionary(
            Type=Name.Annot, Subtype=Name.Widget, FT=Name.Tx, T=String("total"), V=String("1140,00"), F=4,
            Rect=Array([50, 50, 200, 70]), DA=String("/Helv 10 Tf 0 g"),
        )
    )  # fmt: skip
    helvetica = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
    fonts = Dictionary(Font=Dictionary(Helv=helvetica))
    pdf.Root.AcroForm = Dictionary(Fields=Array([field]), NeedAppearances=True, DR=fonts)
    pdf.pages[0].obj.Annots = Array([field])


def filled_without_look(pdf: Pdf) -> None:
    filled(pdf)
    pdf.Root.AcroForm.NeedAppearances = False


UNWRAPPABLE: dict[str, tuple[Callable[[], bytes], str]] = {
    "fonts": (unembedded, "FF-PDF-FONT"),
    "a form written with a font that is not there": (lambda: changed(by_typst(), filled), "FF-PDF-FONT"),
    "a value that no look shows": (lambda: changed(by_typst(), filled_without_look), "FF-PDF-FORM"),
    "colours for print": (lambda: drawn(b"0 1 0 0 k 0 0 9 9 re f"), "FF-PDF-COLOUR"),
    "layers that differ on paper": (
        lambda: changed(by_typst(), lambda pdf: plain_pdfs.layered(pdf, by_use=True)),
        "FF-PDF-LAYERS-USE",
    ),
    "XFA": (lambda: changed(by_typst(), xfa), "FF-PDF-XFA"),
    "PostScript": (lambda: changed(by_typst(), postscript), "FF-PDF-POSTSCRIPT"),
    "a page of seven metres": (lambda: changed(by_typst(), wide), "FF-PDF-PAGE"),
}


@pytest.mark.parametrize("case", UNWRAPPABLE)
def test_what_would_change_what_is_shown_is_refused(case: str) -> None:
    make, rule = UNWRAPPABLE[case]
    with pytest.raises(NotPdfA, match="ne peut pas être enveloppé") as caught:
        wrap(make(), at=AT)
    assert [finding.rule for finding in caught.value.findings] == [rule]


@needs_corpora
def test_a_signed_pdf_is_neither_wrapped_nor_given_an_invoice() -> None:
    signed = next((CORPORA / "signed-pdf").rglob("minimal-signed-twice-both-created.pdf")).read_bytes()
    assert not look_into(signed).wrappable
    with pytest.raises(SignedPdf):
        wrap(signed, at=AT)
    with pytest.raises(SignedPdf):
        attach(signed, XML, at=AT, specification=EN16931)


def test_wrapping_needs_an_instant() -> None:
    with pytest.raises(ValueError, match="time zone"):
        wrap(by_typst(), at=datetime(2026, 11, 21))  # noqa: DTZ001 -- the point of the test


def test_what_a_browser_prints_can_be_wrapped(tmp_path: Path) -> None:
    printed = plain_pdfs.by_chromium(tmp_path)
    if printed is None:
        pytest.skip("no Chromium here")
    after = wrap(printed, at=AT)
    assert look_into(after).findings == ()
    assert extract(attach(after, XML, at=AT, specification=EN16931)) == XML
