"""A PDF gives its XML byte for byte, or a sentence; an unsigned one can be given another XML."""

import io
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Pdf, Stream, String

from faitfoi.einvoice.cii import write_cii
from faitfoi.einvoice.facturx import SignedPdf, extract, inspect, replace, unpack
from faitfoi.einvoice.facturx_safety import MAX_STREAM_BYTES
from faitfoi.einvoice.facturx_xmp import FacturXProperties, with_facturx
from faitfoi.einvoice.profiles import EN16931
from faitfoi.einvoice.reading import Format, Unreadable, read
from tests.einvoice.material import CORPORA, full_invoice, needs_corpora
from tests.oracles.verapdf import verapdf

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
XML = write_cii(full_invoice())


def made(change: Callable[[Pdf], object] = lambda _: None, **saving: object) -> bytes:
    """A one-page PDF of our own after `change`."""
    pdf = pikepdf.new()
    pdf.add_blank_page()
    change(pdf)
    out = io.BytesIO()
    pdf.save(out, **saving)  # type: ignore[arg-type]
    return out.getvalue()


def embedded(pdf: Pdf, name: str, content: bytes) -> pikepdf.Object:
    stream = Stream(pdf, content)
    stream.stream_dict.Type = Name.EmbeddedFile
    return pdf.make_indirect(Dictionary(Type=Name.Filespec, F=String(name), UF=String(name), EF=Dictionary(F=stream)))


def in_tree(pdf: Pdf, *files: pikepdf.Object) -> None:
    flat = [value for file in files for value in (file.UF, file)]
    pdf.Root.Names = Dictionary(EmbeddedFiles=Dictionary(Names=Array(flat)))


@pytest.mark.parametrize(
    "name",
    ["factur-x.xml", "Factur-X.xml", "zugferd-invoice.xml", "ZUGFeRD-invoice.xml", "xrechnung.xml", "facture.xml"],
)
def test_the_xml_is_found_under_every_name_in_use(name: str) -> None:
    data = made(lambda pdf: in_tree(pdf, embedded(pdf, "cgv.xml", b"<cgv/>"), embedded(pdf, name, XML)))
    assert extract(data) == XML
    reading = read(data)
    assert (reading.format, reading.pdf, reading.xml, reading.signed) == (Format.FACTURX, data, XML, False)
    assert reading.invoice == full_invoice()


def test_the_name_tree_may_have_branches() -> None:
    def change(pdf: Pdf) -> None:
        leaf = pdf.make_indirect(Dictionary(Names=Array([String("a"), embedded(pdf, "factur-x.xml", XML)])))
        kid = pdf.make_indirect(Dictionary(Kids=Array([leaf])))
        pdf.Root.Names = Dictionary(EmbeddedFiles=Dictionary(Kids=Array([kid])))

    assert extract(made(change)) == XML


def test_a_file_named_only_by_af_is_found() -> None:
    def change(pdf: Pdf) -> None:
        pdf.Root.AF = Array([embedded(pdf, "factur-x.xml", XML)])

    assert extract(made(change)) == XML


def test_a_name_tree_that_bites_its_tail_ends() -> None:
    def change(pdf: Pdf) -> None:
        node = pdf.make_indirect(Dictionary())
        node.Kids = Array([node])
        pdf.Root.Names = Dictionary(EmbeddedFiles=node)

    with pytest.raises(Unreadable, match="ne contient pas"):
        extract(made(change))


def test_a_plain_pdf_is_told_apart() -> None:
    with pytest.raises(Unreadable, match="ne contient pas de facture électronique"):
        read(made())


def test_two_unnamed_invoices_are_not_chosen_between() -> None:
    data = made(lambda pdf: in_tree(pdf, embedded(pdf, "a.xml", XML), embedded(pdf, "b.xml", XML)))
    with pytest.raises(Unreadable):
        extract(data)


def action(**entries: object) -> Dictionary:
    return Dictionary({f"/{key}": value for key, value in entries.items()})


def on_opening(pdf: Pdf, value: pikepdf.Object) -> None:
    pdf.Root.OpenAction = value


def on_page(pdf: Pdf, value: pikepdf.Object) -> None:
    pdf.pages[0].obj.AA = Dictionary(O=value)


def on_annotation(pdf: Pdf, value: pikepdf.Object) -> None:
    link = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=Array([0, 0, 9, 9]), A=value)
    pdf.pages[0].obj.Annots = Array([pdf.make_indirect(link)])


def script_name(pdf: Pdf) -> None:
    script = Dictionary(S=Name.JavaScript, JS=String("app.alert(1)"))
    pdf.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array([String("x"), script])))


def xfa(pdf: Pdf) -> None:
    pdf.Root.AcroForm = Dictionary(XFA=Stream(pdf, b"<xdp/>"), Fields=Array([]))


def rich_media(pdf: Pdf) -> None:
    pdf.pages[0].obj.Annots = Array([Dictionary(Type=Name.Annot, Subtype=Name.RichMedia, Rect=Array([0, 0, 9, 9]))])


def bomb(pdf: Pdf) -> None:
    packed = zlib.compress(bytes(MAX_STREAM_BYTES + 1), 1)
    pdf.Root.Bomb = Stream(pdf, packed)
    pdf.Root.Bomb.stream_dict.Filter = Name.FlateDecode


def double_bomb(pdf: Pdf) -> None:
    packed = zlib.compress(zlib.compress(bytes(MAX_STREAM_BYTES + 1), 1), 9)
    pdf.Root.Bomb = Stream(pdf, packed)
    pdf.Root.Bomb.stream_dict.Filter = Array([Name.FlateDecode, Name.FlateDecode])


def chained(pdf: Pdf) -> None:
    page = Array([pdf.pages[0].obj, Name.Fit])
    pdf.Root.OpenAction = Dictionary(S=Name.GoTo, D=page, Next=Array([Dictionary(S=Name.URI, URI=String("x"))]))


HOSTILE: dict[str, tuple[Callable[[Pdf], object], str]] = {
    "script on opening": (lambda pdf: on_opening(pdf, action(S=Name.JavaScript, JS=String("x"))), "JavaScript"),
    "script behind a reference": (
        lambda pdf: on_opening(pdf, pdf.make_indirect(action(S=Name.JavaScript, JS=Stream(pdf, b"x")))),
        "JavaScript",
    ),
    "script on a page": (lambda pdf: on_page(pdf, action(S=Name.JavaScript, JS=String("x"))), "JavaScript"),
    "script on a link": (lambda pdf: on_annotation(pdf, action(S=Name.JavaScript, JS=String("x"))), "JavaScript"),
    "named script": (script_name, "JavaScript"),
    "launch": (lambda pdf: on_annotation(pdf, action(S=Name.Launch, F=String("cmd.exe"))), "lance un programme"),
    "launch on opening": (lambda pdf: on_opening(pdf, action(S=Name.Launch, F=String("sh"))), "lance un programme"),
    "address on opening": (lambda pdf: on_opening(pdf, action(S=Name.URI, URI=String("x"))), "tout seul"),
    "address chained to a move": (chained, "tout seul"),
    "address on a page": (lambda pdf: on_page(pdf, action(S=Name.URI, URI=String("x"))), "tout seul"),
    "form sent": (lambda pdf: on_annotation(pdf, action(S=Name.SubmitForm, F=String("x"))), "envoie ou importe"),
    "XFA": (xfa, "XFA"),
    "rich media": (rich_media, "RichMedia"),
    "bomb": (bomb, "gonfle"),
    "bomb in a bomb": (double_bomb, "gonfle"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_pdf_is_refused_with_one_sentence(case: str) -> None:
    change, sentence = HOSTILE[case]

    def both(pdf: Pdf) -> None:
        in_tree(pdf, embedded(pdf, "factur-x.xml", XML))
        names = pdf.Root.Names.EmbeddedFiles
        change(pdf)
        if "/EmbeddedFiles" not in pdf.Root.Names:
            pdf.Root.Names.EmbeddedFiles = names

    data = made(both, stream_decode_level=pikepdf.StreamDecodeLevel.none)
    with pytest.raises(Unreadable, match=sentence) as caught:
        read(data)
    assert caught.value.reason.count(". ") == 0
    with pytest.raises(Unreadable):
        replace(data, XML, at=AT, specification=EN16931)


def test_an_escaped_name_hides_nothing() -> None:
    data = made(lambda pdf: on_opening(pdf, action(S=Name.JavaScript, JS=String("x")))).replace(
        b"/JavaScript", b"/JavaScri#70t"
    )
    assert b"/JavaScript" not in data
    with pytest.raises(Unreadable, match="JavaScript"):
        inspect(data)


def test_an_xml_bomb_inside_is_refused() -> None:
    def change(pdf: Pdf) -> None:
        file = embedded(pdf, "factur-x.xml", zlib.compress(b"<a>" + bytes(40 * 1024 * 1024), 9))
        file.EF.F.stream_dict.Filter = Name.FlateDecode
        in_tree(pdf, file)

    with pytest.raises(Unreadable, match="gonfle"):
        extract(made(change, stream_decode_level=pikepdf.StreamDecodeLevel.none))


@pytest.mark.parametrize("password", ["", "secret"])
def test_an_encrypted_pdf_is_refused_even_without_a_password(password: str) -> None:
    locked = made(
        lambda pdf: in_tree(pdf, embedded(pdf, "factur-x.xml", XML)),
        encryption=pikepdf.Encryption(owner="owner", user=password),
    )
    for open_it in (inspect, extract, read):
        with pytest.raises(Unreadable, match="chiffré"):
            open_it(locked)


def test_harmless_things_pass() -> None:
    def change(pdf: Pdf) -> None:
        pdf.Root.OpenAction = Array([pdf.pages[0].obj, Name.Fit])
        on_annotation(pdf, action(S=Name.URI, URI=String("https://aulnes.example/")))
        pdf.Root.Lang = String("fr /JavaScript /Launch")  # words in a text are only words
        in_tree(pdf, embedded(pdf, "factur-x.xml", XML))

    assert not unpack(made(change)).signed


@needs_corpora
def test_signed_pdfs_are_recognised() -> None:
    folder = next((CORPORA / "signed-pdf").rglob("pdf"))
    for name in ("minimal-signed-twice-both-created.pdf", "pades-lta-dss-indirect-arrs-test.pdf"):
        assert inspect((folder / name).read_bytes()).signed
    for name in ("empty-a4.pdf", "minimal-two-fields.pdf"):
        assert not inspect((folder / name).read_bytes()).signed


@needs_corpora
def test_a_signed_pdf_never_gets_another_xml() -> None:
    signed = next((CORPORA / "signed-pdf").rglob("minimal-signed-twice-both-created.pdf"))
    with pytest.raises(SignedPdf):
        replace(signed.read_bytes(), XML, at=AT, specification=EN16931)


def test_another_xml_takes_the_place_of_the_first() -> None:
    other = XML.replace(b"F-2026-117", b"F-2026-118")
    first = made(lambda pdf: in_tree(pdf, embedded(pdf, "ZUGFeRD-invoice.xml", XML), embedded(pdf, "z.csv", b"1;2")))
    second = replace(first, other, at=AT, specification=EN16931)
    assert extract(second) == other
    assert replace(first, other, at=AT, specification=EN16931) == second
    with pikepdf.open(io.BytesIO(second)) as pdf:
        assert sorted(pdf.attachments) == ["factur-x.xml", "z.csv"]
        assert [str(file.UF) for file in pdf.Root.AF.as_list()] == ["factur-x.xml"]
        file = pdf.Root.AF[0]
        assert file.AFRelationship == Name.Alternative
        assert file.EF.F.stream_dict.Subtype == Name("/text/xml")
        assert str(file.EF.F.stream_dict.Params.ModDate).startswith("D:20261121093000")
        with pdf.open_metadata() as metadata:
            fx = "{urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#}"
            assert [
                metadata[fx + name] for name in ("DocumentType", "DocumentFileName", "Version", "ConformanceLevel")
            ] == [
                "INVOICE",
                "factur-x.xml",
                "1.0",
                "EN 16931",
            ]


@needs_corpora
def test_real_factur_x_files_keep_their_page_and_their_claim() -> None:
    for path in sorted((CORPORA / "zugferd-pdf").rglob("correct/**/*.pdf"))[::5]:
        before = path.read_bytes()
        after = replace(before, XML, at=AT, specification=EN16931)
        assert extract(after) == XML, path
        with pikepdf.open(io.BytesIO(before)) as old, pikepdf.open(io.BytesIO(after)) as new:
            assert old.pdf_version == new.pdf_version
            pages = [
                [page.Contents.read_bytes() for page in pdf.pages if isinstance(page.Contents, Stream)]
                for pdf in (old, new)
            ]
            assert pages[0] == pages[1]
            packets = [pdf.Root.Metadata.read_bytes() for pdf in (old, new)]
            assert (
                packets[1].count(b"urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#</pdfaSchema:namespaceURI>") == 1
            )
            assert b"zugferd:pdfa" not in packets[1]
            with old.open_metadata() as was, new.open_metadata() as now:
                assert was.pdfa_status == now.pdfa_status
                assert was.get("dc:title") == now.get("dc:title")


@needs_corpora
@pytest.mark.oracle
def test_verapdf_still_finds_them_conformant(tmp_path: Path) -> None:
    paths = []
    for number, path in enumerate(sorted((CORPORA / "zugferd-pdf").rglob("correct/**/*.pdf"))[::8]):
        paths.append(tmp_path / f"{number}.pdf")
        paths[-1].write_bytes(replace(path.read_bytes(), XML, at=AT, specification=EN16931))
    assert paths
    assert set(verapdf(paths, "3b").values()) == {()}


def test_xmp_says_it_once_however_often_it_is_written() -> None:
    properties = FacturXProperties(filename="factur-x.xml", conformance_level="BASIC")
    once = with_facturx(b"", properties)
    assert with_facturx(once, properties) == once
    assert once.count(b"ConformanceLevel>BASIC<") == 1
    assert once.startswith(b"<?xpacket begin=")
