"""The readable copy says everything, adds up, carries its XML untouched, and is what it claims to be."""

import dataclasses
import os
import re
import threading
from decimal import Decimal
from pathlib import Path

import pytest

from faitfoi.einvoice.model import Buyer, Invoice, Item, PrecedingInvoice, Seller, Totals, VatBreakdown
from faitfoi.einvoice.page import Look, render_page
from faitfoi.einvoice.page_estimate import seems_one_page
from faitfoi.einvoice.page_fit import fits_in_cell
from faitfoi.einvoice.page_numbers import day, number
from faitfoi.einvoice.page_view import page_view
from tests.einvoice.pages import CREATED, LOOK, Everything, attachments, cii, invoice, page_texts, plain, xmp
from tests.oracles.verapdf import verapdf


def render(document: Invoice, *, look: Look = LOOK, xml: bytes | None = None, mark: str = "") -> bytes:
    return render_page(document, look=look, created=CREATED, xml=xml, mark=mark)


def text_of(pdf: bytes) -> str:
    return plain("".join(page_texts(pdf)))


def test_every_term_of_the_model_can_be_read_on_the_page() -> None:
    everything = Everything()
    document = everything.build(Invoice)
    text = text_of(render(document))
    shown = [plain(each) for each in everything.texts] + [plain(day(each)) for each in everything.dates]
    shown += [plain(number(each, decimals=2)) for each in everything.amounts]
    assert [each for each in shown if each not in text] == []
    assert len(everything.texts) > 100


def test_the_page_speaks_french_to_a_french_customer() -> None:
    text = text_of(render(invoice(3)))
    for said in (
        "FactureN°F-2026-117",
        "SIREN000000018",
        "SIRET00000001800010",
        "N°TVAFR66000000018",
        "12,5ha",
        "20%",
        "Netàpayer",
        "IBANFR7630006000011234567890189",
        "VirementSEPA",
        "Fraisderecouvrement:Indemnité",
        "Prestationdeservices(S1)",
        "Page1/1",
        "Échéance",
    ):
        assert said in text


@pytest.mark.parametrize(
    ("type_code", "said"),
    [
        ("380", "Facture"),
        ("381", "Avoir"),
        ("384", "Facture rectificative"),
        ("386", "Facture d’acompte"),
        ("389", "Autofacturation"),
        ("999", "Facture"),
    ],
)
def test_the_title_is_the_type_of_the_document(type_code: str, said: str) -> None:
    assert plain(said) in text_of(render(invoice(1, type_code=type_code)))


def test_a_credit_note_names_what_it_credits_and_asks_for_no_payment() -> None:
    note = invoice(
        1, type_code="381", preceding_invoices=(PrecedingInvoice(number="F-2026-101", issue_date=CREATED.date()),)
    )
    text = text_of(render(note))
    assert plain("Se rapporte à la facture n° F-2026-101 du 21/11/2026") in text
    assert plain("Net en votre faveur") in text
    assert plain("Net à payer") not in text
    assert plain("Scannez") not in text


def test_reverse_charge_is_said_in_words_with_its_reason() -> None:
    reverse = VatBreakdown(
        taxable_amount=Decimal(100),
        tax_amount=Decimal(0),
        category="AE",
        rate=Decimal(0),
        exemption_reason="Sous-traitance de travaux immobiliers",
        exemption_reason_code="VATEX-FR-AE",
    )
    text = text_of(render(invoice(1, vat_breakdown=(reverse,))))
    assert plain("Autoliquidation : Sous-traitance de travaux immobiliers (VATEX-FR-AE)") in text


def carried(page: str, words: str) -> Decimal | None:
    found = re.search(rf"{plain(words)}([\d,]+?\d,\d\d)", page)
    return Decimal(found[1].replace(",", ".")) if found else None


def total(document: Invoice, lines: int) -> Decimal:
    return sum((line.net_amount or Decimal(0) for line in document.lines[:lines]), Decimal(0))


@pytest.mark.parametrize("lines", [13, 26, 27, 60, 61, 150])
def test_carried_totals_add_up_from_page_to_page(lines: int) -> None:
    document = invoice(lines)
    pages = [plain(page) for page in page_texts(render(document))]
    assert len(pages) > 1
    before = 0
    for at, page in enumerate(pages, start=1):
        until = before + sum(f"bon{number:04}" in page for number in range(1, lines + 1))
        assert all(f"bon{number:04}" in page for number in range(before + 1, until + 1))
        assert carried(page, "Report") == (total(document, before) if 0 < before < lines else None)
        assert carried(page, "À reporter") == (total(document, until) if until < lines else None)
        assert f"Page{at}/{len(pages)}" in page
        before = until
    assert before == lines


def test_the_guess_of_one_page_is_right_to_a_line_or_two() -> None:
    def fits(lines: int) -> bool:
        return len(page_texts(render(invoice(lines)))) == 1

    guessed = max(lines for lines in range(1, 40) if seems_one_page(page_view(invoice(lines))))
    assert fits(guessed - 1)
    assert not fits(guessed + 2)


@pytest.mark.parametrize("characters", ["Moissonnage parcelle 1 - ilot ", "W", "@œm", "0123456789", "’il", 'É»x"r'])
def test_a_row_said_to_take_one_line_takes_one(characters: str) -> None:
    """The longest name that is said to fit: drawn on more lines, it would run into the next row."""
    room = 90.0
    names = [(characters * 80)[:size] for size in range(1, 200)]
    name = max((each for each in names if fits_in_cell(each, width=room, semibold=True)), key=len)
    document = invoice(1)
    line = dataclasses.replace(document.lines[0], item=Item(name=name.strip()), allowances=(), note="")
    view = page_view(dataclasses.replace(document, lines=(line,)))
    assert view["lines"][0]["short"]  # type: ignore[index]  # the view is plain JSON
    drawn = page_texts(render(dataclasses.replace(document, lines=(line,))))[0]
    assert any(plain(name) in plain(each) for each in drawn.splitlines())


def test_one_page_has_no_carried_total() -> None:
    text = text_of(render(invoice(2)))
    assert "Report" not in text
    assert "reporter" not in text


def test_the_xml_is_attached_byte_for_byte() -> None:
    xml = cii().replace(b"UTF-8", b"ISO-8859-1").replace(b"<rsm:Exch", b"<!-- \xe9 -->\r\n<rsm:Exch")
    assert attachments(render(invoice(3), xml=xml)) == {"factur-x.xml": (xml, "/Alternative")}


@pytest.mark.parametrize(
    ("guideline", "level", "relationship"),
    [
        ("urn:factur-x.eu:1p0:minimum", "MINIMUM", "/Data"),
        ("urn:factur-x.eu:1p0:basicwl", "BASIC WL", "/Data"),
        ("urn:cen.eu:en16931:2017#compliant#urn:factur-x.eu:1p0:basic", "BASIC", "/Alternative"),
        ("urn:cen.eu:en16931:2017", "EN 16931", "/Alternative"),
        ("urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0", "XRECHNUNG", "/Alternative"),
        ("urn:cen.eu:en16931:2017#conformant#urn:factur-x.eu:1p0:extended", "EXTENDED", "/Alternative"),
    ],
)
def test_the_profile_decides_what_the_xmp_and_the_attachment_declare(
    guideline: str, level: str, relationship: str
) -> None:
    pdf = render(invoice(1), xml=cii(guideline))
    assert attachments(pdf)["factur-x.xml"][1] == relationship
    packet = xmp(pdf)
    assert f"<fx:ConformanceLevel>{level}</fx:ConformanceLevel>" in packet
    assert "<fx:DocumentFileName>factur-x.xml</fx:DocumentFileName>" in packet
    assert "<pdfaid:part>3</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance>" in packet


def test_the_same_invoice_gives_the_same_bytes() -> None:
    first, second = (render(invoice(30), xml=cii()) for _ in range(2))
    assert first == second
    assert render(invoice(30), xml=cii("urn:factur-x.eu:1p0:basicwl")) != first


def test_a_copy_says_so_on_every_page_and_carries_nothing() -> None:
    pdf = render(invoice(40), mark="COPIE")
    assert all(page.count("COPIE") >= 1 for page in map(plain, page_texts(pdf)))
    assert attachments(pdf) == {}
    assert "factur-x" not in xmp(pdf)
    assert "COPIE" not in text_of(render(invoice(40)))


def test_a_copy_with_data_is_refused() -> None:
    with pytest.raises(ValueError, match="no XML"):
        render(invoice(1), xml=cii(), mark="COPIE")


def test_an_xml_of_another_syntax_is_refused() -> None:
    with pytest.raises(ValueError, match="CII"):
        render(invoice(1), xml=b"<Invoice xmlns='urn:oasis:names:specification:ubl:schema:xsd:Invoice-2'/>")


def test_a_creation_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        render_page(invoice(1), look=LOOK, created=CREATED.replace(tzinfo=None), xml=None)


@pytest.mark.parametrize(
    "name",
    [
        '#panic("x")',
        "*gras* _x_ $1$ ]#[",
        '"; #sys.inputs',
        "\\ ` @a <b> // c /* d",
        "a & b < c",
        "Ж α ½",
        "#let x = 1",
    ],
)
def test_what_an_invoice_says_is_text_never_code(name: str) -> None:
    assert plain(name) in text_of(render(invoice(1, buyer=Buyer(name=name))))


def test_a_decomposed_accent_is_drawn_as_one_letter() -> None:
    assert "été" in text_of(render(invoice(1, buyer=Buyer(name="e\u0301te\u0301"))))


def test_a_character_no_font_draws_is_spelled_out_not_lost() -> None:
    text = text_of(render(invoice(1, buyer=Buyer(name="Ferme 中 😀 \x07\x08\x9f \\u0007"))))
    assert "Ferme[U+4E2D][U+1F600][U+0007][U+0008][U+009F]\\u0007" in text


def test_a_word_wider_than_its_column_is_broken_not_cut() -> None:
    word = "X" * 150
    document = invoice(1, buyer=Buyer(name=word), purchase_order_reference=word, payment_terms=word)
    assert text_of(render(document)).count(word) == 3


def test_a_line_longer_than_a_page_goes_on_to_the_next() -> None:
    document = invoice(1)
    line = dataclasses.replace(document.lines[0], note=" ".join(f"mot{at}" for at in range(3000)))
    pages = page_texts(render(dataclasses.replace(document, lines=(line,))))
    assert len(pages) > 1
    assert set(re.findall(r"mot\d+", "".join(pages))) == {f"mot{at}" for at in range(3000)}


def test_an_invoice_without_a_line_or_any_option_is_laid_out() -> None:
    bare = Invoice(
        number="1",
        issue_date=None,
        type_code="380",
        currency="EUR",
        seller=Seller(name="A"),
        buyer=Buyer(name="B"),
        totals=Totals(),
    )
    assert "FactureN°1" in text_of(render(bare))


def test_threads_lay_out_side_by_side_with_the_same_result() -> None:
    results: list[bytes] = []
    threads = [threading.Thread(target=lambda: results.append(render(invoice(3)))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 3
    assert set(results) == {render(invoice(3))}


def test_a_forked_child_is_told_instead_of_waiting_for_ever() -> None:
    render(invoice(1))
    child = os.fork()
    if child == 0:
        try:
            render(invoice(1))
        except RuntimeError:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_an_ordinary_transfer_shows_a_code_to_scan() -> None:
    assert "Scannez" in text_of(render(invoice(1)))
    payment = page_view(invoice(1))["payment"]
    assert isinstance(payment, dict)
    assert payment["qr"].startswith("<svg")


@pytest.mark.oracle
def test_verapdf_finds_every_kind_of_page_conformant(tmp_path: Path) -> None:
    credit = invoice(2, type_code="381", preceding_invoices=(PrecedingInvoice(number="F-2026-101", issue_date=None),))
    everything = Everything().build(Invoice)
    pdfs = {
        "invoice": render(invoice(3), xml=cii()),
        "pages": render(invoice(60), xml=cii("urn:factur-x.eu:1p0:basicwl")),
        "credit": render(credit, xml=cii()),
        "copy": render(invoice(30), mark="COPIE"),
        "everything": render(everything, xml=cii("urn:cen.eu:en16931:2017#conformant#urn:factur-x.eu:1p0:extended")),
        "strange": render(invoice(1, buyer=Buyer(name="Ж שלום 中 😀 ½"))),
    }
    broken = render(invoice(1)).replace(b"<pdfaid:part>3", b"<pdfaid:part>2").replace(b"/Marked true", b"/Marked fals")
    paths = {tmp_path / f"{name}.pdf": content for name, content in (pdfs | {"broken": broken}).items()}
    for path, content in paths.items():
        path.write_bytes(content)
    for flavour in ("3a", "ua1"):
        verdicts = verapdf(paths, flavour)
        assert verdicts.pop(tmp_path / "broken.pdf") != (), "the oracle must be able to say no"
        assert set(verdicts.values()) == {()}, verdicts
