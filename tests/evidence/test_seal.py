"""A seal that others can check, on any PDF, never twice."""

import logging
import random
import re
from contextlib import closing
from datetime import timedelta
from io import BytesIO
from itertools import product
from pathlib import Path

import pikepdf
import pypdfium2 as pdfium
import pytest
from pyhanko.pdf_utils.misc import PdfReadError
from pyhanko.pdf_utils.reader import PdfFileReader

from faitfoi.evidence.pdf_update import DAMAGED
from faitfoi.evidence.seal import KeyRefused, SealKey, SealRefused, is_signed, seal
from faitfoi.evidence.seal_check import SealState, check_seal
from tests.evidence.conftest import AT, SHARED, make_key, plain_pdf, real_pdfs
from tests.evidence.oracle import Verdict, judge
from tests.work import cost

SOUND = Verdict(valid=True, intact=True, trusted=True, covers_all=True, claimed=AT)


@pytest.fixture(autouse=True)
def quiet() -> None:
    # pyHanko tells of each damaged certificate path at length; the verdict is what is asserted.
    logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
    logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL)


@pytest.mark.parametrize("streams", [False, True], ids=["table", "streams"])
@pytest.mark.parametrize("algorithm", ["P-256", "RSA-3072"])
def test_another_program_finds_the_seal_valid(tmp_path: Path, algorithm: str, *, streams: bool) -> None:
    key = make_key(tmp_path / "key", algorithm)
    sealed = seal(plain_pdf(streams=streams, pages=3), key, at=AT)
    assert judge(sealed, key.certificate, at=AT) == SOUND
    assert check_seal(sealed, [key.certificate]) is SealState.INTACT


@pytest.mark.parametrize("streams", [False, True], ids=["table", "streams"])
def test_the_original_bytes_come_first_and_untouched(key: SealKey, *, streams: bool) -> None:
    pdf = plain_pdf(streams=streams)
    sealed = seal(pdf, key, at=AT)
    assert sealed.startswith(pdf)
    before, after = pikepdf.open(BytesIO(pdf)), pikepdf.open(BytesIO(sealed))
    assert after.check_pdf_syntax() == []
    assert after.pdf_version == before.pdf_version
    assert "/Version" not in after.Root
    assert after.trailer.ID[0] == before.trailer.ID[0]
    assert after.trailer.ID[1] != before.trailer.ID[1]
    assert len(after.objects) == len(before.objects) + (4 if streams else 3)


def test_what_a_page_inherits_it_still_inherits(key: SealKey) -> None:
    pdf = with_inherited_box()
    sealed = seal(pdf, key, at=AT)
    assert b"/MediaBox" not in sealed[len(pdf) :]
    assert drawn(sealed) == drawn(pdf) == [((300.0, 400.0), "")]
    assert judge(sealed, key.certificate, at=AT) == SOUND


def test_any_flipped_byte_is_caught_by_both_checkers(key: SealKey) -> None:
    sealed = seal(plain_pdf(streams=True), key, at=AT)
    start, end = gap(sealed)
    dice = random.Random(20261121)
    places = [9, len(sealed) - 2, *dice.sample([at for at in range(len(sealed)) if not start <= at < end], 150)]
    for at in places:
        damaged = bytearray(sealed)
        damaged[at] ^= 1 << dice.randrange(8)
        assert check_seal(bytes(damaged), [key.certificate]) is not SealState.INTACT, at
    damaged = bytearray(sealed)
    damaged[9] ^= 1
    assert judge(bytes(damaged), key.certificate, at=AT).intact is False


def test_any_flipped_digit_of_the_seal_itself_is_caught(key: SealKey) -> None:
    sealed = seal(plain_pdf(), key, at=AT)
    start, end = gap(sealed)
    dice = random.Random(7)
    signed = [at for at in range(start + 1, end - 1) if sealed[at : end - 1].strip(b"0")]
    for at in dice.sample(signed, 150):
        damaged = bytearray(sealed)
        damaged[at] = ord("0") if sealed[at] != ord("0") else ord("1")
        assert check_seal(bytes(damaged), [key.certificate]) is not SealState.INTACT, at - start


def test_bytes_added_after_the_seal_are_caught(key: SealKey) -> None:
    sealed = seal(plain_pdf(), key, at=AT)
    assert check_seal(sealed + b"%%", [key.certificate]) is SealState.INCOMPLETE


def test_the_seal_of_another_organisation_is_not_ours(key: SealKey, other_key: SealKey) -> None:
    sealed = seal(plain_pdf(), key, at=AT)
    assert check_seal(sealed, [other_key.certificate]) is SealState.UNKNOWN_CERTIFICATE
    assert check_seal(sealed, []) is SealState.UNKNOWN_CERTIFICATE
    assert judge(sealed, other_key.certificate, at=AT).trusted is False
    assert check_seal(plain_pdf(), [key.certificate]) is SealState.ABSENT


def test_a_second_seal_is_refused(key: SealKey, other_key: SealKey) -> None:
    sealed = seal(plain_pdf(), key, at=AT)
    assert is_signed(sealed)
    assert not is_signed(plain_pdf())
    for again in (key, other_key):
        with pytest.raises(SealRefused, match="porte déjà une signature"):
            seal(sealed, again, at=AT)


def test_a_signature_hidden_from_a_byte_search_is_seen_all_the_same(key: SealKey) -> None:
    document = pikepdf.open(BytesIO(seal(plain_pdf(), key, at=AT)))
    output = BytesIO()
    document.save(output, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    rewritten = output.getvalue().replace(b"/ByteRange [ ", b"/Byte#52ange[")
    assert b"/ByteRange" not in rewritten
    assert is_signed(rewritten)


def test_the_same_document_at_the_same_instant_differs_only_by_the_signature(key: SealKey) -> None:
    first, second = (seal(plain_pdf(), key, at=AT) for _ in range(2))
    start, end = gap(first)
    assert (first[:start], first[end:]) == (second[:start], second[end:])


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda pdf: b"<Invoice/>", "ne commence pas comme un PDF"),
        (lambda pdf: b"\n" + pdf, "ne commence pas comme un PDF"),
        (lambda pdf: pdf[: len(pdf) // 2], "endommagée"),
        (lambda pdf: pdf.replace(b"startxref\n", b"startxref\n9"), "endommagée"),
        (lambda pdf: pdf.replace(b"/Kids", b"/Kins"), "endommagée"),
        (lambda pdf: pdf.replace(b"/Pages", b"/Pag#65"), "endommagée"),
        (lambda pdf: pdf.replace(b"trailer <<", b"trailer << /XRefStm 15"), "deux tables"),
        (lambda pdf: b"%PDF-1.7\n", "endommagée"),
        (lambda pdf: pdf.replace(b"4 0 obj", b"3 0 obj"), "endommagée"),
    ],
)  # fmt: skip
def test_what_cannot_be_sealed_says_why(key: SealKey, damage: "object", reason: str) -> None:
    assert callable(damage)
    with pytest.raises(SealRefused, match=reason):
        seal(damage(plain_pdf()), key, at=AT)


def test_an_object_that_takes_the_place_of_another_does_not_end_the_process(key: SealKey) -> None:
    # Read while the page is looked through, it would free the very entries that are looked at.
    pdf = plain_pdf(pages=3)
    places = [found.span(1) for found in re.finditer(rb"(\d) 0 (?:obj|R)", pdf)]
    outcomes = set[SealState | str]()
    for (start, end), number in product(places, range(10)):
        try:
            outcomes.add(check_seal(seal(b"%s%d%s" % (pdf[:start], number, pdf[end:]), key, at=AT), [key.certificate]))
        except SealRefused as refusal:
            outcomes.add(refusal.reason)
    assert outcomes == {SealState.INTACT, DAMAGED}


@pytest.mark.parametrize("entry", ["/Kids", "/Fields"])
def test_a_tree_that_refers_to_itself_comes_to_an_end(key: SealKey, entry: str) -> None:
    with pikepdf.open(BytesIO(with_form(indirect=True))) as document:
        node = document.make_indirect(pikepdf.Dictionary(Type=pikepdf.Name.Pages))
        node.Kids = pikepdf.Array([node, node])
        if entry == "/Kids":
            document.Root.Pages.Kids = pikepdf.Array([node])
        else:
            document.Root.AcroForm.Fields = pikepdf.Array([node])
            del document.pages[0].obj["/Annots"]
        output = BytesIO()
        document.save(output)
    with pytest.raises(SealRefused, match="endommagée"):
        seal(output.getvalue(), key, at=AT)


def test_a_protected_pdf_is_refused_even_when_it_opens_without_a_password(key: SealKey) -> None:
    for user in ("", "secret"):
        output = BytesIO()
        document = pikepdf.open(BytesIO(plain_pdf()))
        document.save(output, encryption=pikepdf.Encryption(owner="owner", user=user))
        with pytest.raises(SealRefused, match="mot de passe"):
            seal(output.getvalue(), key, at=AT)


@pytest.mark.parametrize("indirect", [False, True], ids=["direct", "indirect"])
def test_a_form_keeps_its_fields_and_gets_ours_beside(key: SealKey, *, indirect: bool) -> None:
    pdf = with_form(indirect=indirect)
    sealed = seal(pdf, key, at=AT)
    assert judge(sealed, key.certificate, at=AT) == SOUND
    document = pikepdf.open(BytesIO(sealed))
    form = document.Root.AcroForm
    assert [str(field.T) for field in form.Fields] == ["Faitfoi", "Faitfoi2"]
    assert int(form.SigFlags) == 3
    assert str(form.DA) == "/Helv 0 Tf"


def test_a_form_whose_content_can_change_is_refused(key: SealKey) -> None:
    with pytest.raises(SealRefused, match="XFA"):
        seal(with_form(indirect=False, xfa=True), key, at=AT)


def test_a_seal_outside_its_certificate_s_time_is_refused(key: SealKey) -> None:
    for at in (AT - timedelta(days=1), AT.replace(year=2036, month=11, day=22)):
        with pytest.raises(KeyRefused, match="vaut du 21/11/2026 au 20/11/2036"):
            seal(plain_pdf(), key, at=at)


@pytest.mark.skipif(not real_pdfs(), reason=f"no corpora under {SHARED}")
def test_every_real_pdf_is_sealed_and_valid_or_refused_with_its_reason(key: SealKey) -> None:
    sealed, invoices, refused = 0, 0, dict[Path, str]()
    for path in real_pdfs():
        pdf = path.read_bytes()
        is_invoice = "signed-pdf" not in path.parts
        try:
            result = seal(pdf, key, at=AT)
        except SealRefused as refusal:
            refused[path] = refusal.reason
            continue
        assert check_seal(result, [key.certificate]) is SealState.INTACT, path
        if is_invoice:
            assert drawn(result) == drawn(pdf), path
        # A few files made to be malformed are refused by pyHanko before any seal; no invoice is among them.
        if is_invoice or read_by_pyhanko(pdf):
            assert judge(result, key.certificate, at=AT) == SOUND, path
        sealed += 1
        invoices += is_invoice
    assert invoices == sum("signed-pdf" not in path.parts for path in real_pdfs())
    assert sealed + len(refused) == len(real_pdfs())
    assert all(reason.endswith(".") for reason in refused.values())


def test_a_seal_costs_a_few_milliseconds_at_most(key: SealKey) -> None:
    pdf = plain_pdf(streams=True)
    seal(pdf, key, at=AT)
    # 300 a second and per core on an idle machine; the bound leaves room for a busy one.
    assert cost(lambda: [seal(pdf, key, at=AT) for _ in range(50)]) / 50 < 0.01


def gap(sealed: bytes) -> tuple[int, int]:
    found = re.search(rb"/ByteRange\[0 (\d+) (\d+) \d+\]", sealed)
    assert found
    return int(found[1]), int(found[2])


def drawn(pdf: bytes) -> list[tuple[tuple[float, float], str]]:
    """Size and text of each page, as the reader of a browser finds them."""
    with closing(pdfium.PdfDocument(pdf)) as document:
        return [(page.get_size(), page.get_textpage().get_text_range()) for page in document]


def with_inherited_box() -> bytes:
    document = pikepdf.open(BytesIO(plain_pdf()))
    del document.pages[0].obj["/MediaBox"]
    document.Root.Pages.MediaBox = pikepdf.Array([0, 0, 300, 400])
    output = BytesIO()
    document.save(output)
    return output.getvalue()


def read_by_pyhanko(pdf: bytes) -> bool:
    try:
        return "/Pages" in PdfFileReader(BytesIO(pdf)).root
    except PdfReadError:
        return False


def with_form(*, indirect: bool, xfa: bool = False) -> bytes:
    document = pikepdf.open(BytesIO(plain_pdf()))
    page = document.pages[0].obj
    field = document.make_indirect(
        pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Widget, FT=pikepdf.Name.Sig,
                           T=pikepdf.String("Faitfoi"), F=4, Rect=pikepdf.Array([0, 0, 0, 0]), P=page)
    )  # fmt: skip
    page.Annots = document.make_indirect(pikepdf.Array([field]))
    form = pikepdf.Dictionary(Fields=pikepdf.Array([field]), DA=pikepdf.String("/Helv 0 Tf"))
    if xfa:
        form["/XFA"] = document.make_stream(b"<xdp/>")
    document.Root.AcroForm = document.make_indirect(form) if indirect else form
    output = BytesIO()
    document.save(output)
    return output.getvalue()
