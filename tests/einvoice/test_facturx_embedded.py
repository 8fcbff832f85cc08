"""The invoice is found wherever the PDF mentions it, however it is named; what is said wrongly of it is told."""

import io
from collections.abc import Callable

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Pdf, String

from faitfoi.einvoice.cii import write_cii
from faitfoi.einvoice.facturx import attach, extract, replace, unpack
from faitfoi.einvoice.pdfa import look_into
from faitfoi.einvoice.profiles import EN16931
from faitfoi.einvoice.reading import read
from tests.einvoice.material import full_invoice
from tests.einvoice.plain_pdfs import AT, by_typst, changed, drawn, stream, with_file

XML = write_cii(full_invoice())
OTHER = XML.replace(b"F-2026-117", b"F-2026-118")


def specification(pdf: Pdf, content: bytes = XML, **names: object) -> pikepdf.Object:
    file = stream(pdf, content, Type=Name.EmbeddedFile)
    words = {f"/{key}": value for key, value in (names or {"F": String("factur-x.xml")}).items()}
    return pdf.make_indirect(Dictionary({"/Type": Name.Filespec, "/EF": Dictionary(F=file), **words}))


def in_tree(pdf: Pdf, file: pikepdf.Object, key: object = "clé") -> None:
    pdf.Root.Names = Dictionary(EmbeddedFiles=Dictionary(Names=Array([key, file])))


def pinned(pdf: Pdf, content: bytes = XML) -> None:
    """A paper clip on the page, as some programs attach files."""
    clip = Dictionary(
        Type=Name.Annot, Subtype=Name.FileAttachment, Rect=Array([9, 9, 20, 20]), FS=specification(pdf, content)
    )
    pdf.pages[0].obj.Annots = Array([pdf.make_indirect(clip)])


def of_the_page(pdf: Pdf) -> None:
    pdf.pages[0].obj.AF = Array([specification(pdf)])


WHERE: dict[str, Callable[[Pdf], object]] = {
    "pinned to the page": pinned,
    "associated with the page": of_the_page,
    "associated with the document, alone": lambda pdf: pdf.Root.__setattr__("AF", specification(pdf)),
    "only a key": lambda pdf: in_tree(pdf, specification(pdf, Desc=String("x")), "ZUGFeRD-invoice.xml"),
    "big-endian": lambda pdf: in_tree(pdf, specification(pdf, UF=String("\ufefffactur-x.xml".encode("utf-16-be")))),
    "little-endian": lambda pdf: in_tree(pdf, specification(pdf, F=String("factur-x.xml".encode("utf-16")))),
    "UTF-8 with its mark": lambda pdf: in_tree(pdf, specification(pdf, UF=String(b"\xef\xbb\xbffactur-x.xml"))),
    "with a nought behind": lambda pdf: in_tree(pdf, specification(pdf, F=String(b"factur-x.xml\x00"))),
    "a name object": lambda pdf: in_tree(pdf, specification(pdf, F=Name("/factur-x.xml"))),
    "with its path": lambda pdf: in_tree(pdf, specification(pdf, F=String("C:\\Factures\\Factur-X.XML "))),
    "under the name of another system": lambda pdf: in_tree(pdf, specification(pdf, Unix=String("xrechnung.xml"))),
    "shown otherwise": lambda pdf: in_tree(
        pdf, specification(pdf, UF=String("Données de la facture"), F=String("factur-x.xml"))
    ),
}


@pytest.mark.parametrize("case", WHERE)
def test_the_invoice_is_found(case: str) -> None:
    pdf = changed(drawn(b""), WHERE[case])
    assert extract(pdf) == XML
    assert read(pdf).invoice == full_invoice()


def test_the_stream_may_stand_under_any_key() -> None:
    def change(pdf: Pdf) -> None:
        file = specification(pdf)
        file.EF = Dictionary(DOS=file.EF.F)
        in_tree(pdf, file)

    assert extract(changed(drawn(b""), change)) == XML


@pytest.mark.parametrize("case", ["pinned to the page", "associated with the page"])
def test_no_page_goes_on_showing_an_invoice_that_was_replaced(case: str) -> None:
    made = replace(changed(drawn(b""), WHERE[case]), OTHER, at=AT, specification=EN16931)
    assert extract(made) == OTHER
    with pikepdf.open(io.BytesIO(made)) as pdf:
        assert not list(pdf.pages[0].obj.get("/Annots", []))
        assert not list(pdf.pages[0].obj.get("/AF", []))
        assert len(list(pdf.attachments)) == 1


def test_a_type_and_a_size_that_are_not_so_are_said_and_the_bytes_decide() -> None:
    def change(pdf: Pdf) -> None:
        file = specification(pdf)
        file.EF.F.stream_dict.Subtype = Name("/image/jpeg")
        file.EF.F.stream_dict.Params = Dictionary(Size=12)
        in_tree(pdf, file)

    contents = unpack(changed(drawn(b""), change))
    assert contents.xml == XML
    assert [finding.rule for finding in contents.findings] == ["FF-PDF-ATTACHED-TYPE", "FF-PDF-ATTACHED-SIZE"]
    assert "image/jpeg" in contents.findings[0].message_fr
    assert f"{len(XML)} octets" in contents.findings[1].message_fr
    reading = read(changed(drawn(b""), change))
    assert contents.findings == reading.findings[:2]
    assert unpack(changed(drawn(b""), WHERE["pinned to the page"])).findings == ()


def test_files_of_a_pdf_a_2_are_associated_when_it_becomes_a_pdf_a_3() -> None:
    before = changed(by_typst("a-2b"), with_file("conditions.pdf", by_typst("a-2b")))
    assert look_into(before).findings == ()
    made = attach(before, XML, at=AT, specification=EN16931)
    with pikepdf.open(io.BytesIO(made)) as pdf:
        assert {str(file.UF): str(file.AFRelationship) for file in pdf.Root.AF.as_list()} == {
            "conditions.pdf": "/Unspecified",
            "factur-x.xml": "/Alternative",
        }
        assert pdf.Root.AF[0].EF.F.stream_dict.Subtype == Name("/application/pdf")
    assert look_into(made).findings == ()
