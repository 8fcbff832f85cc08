"""Whatever the bytes, reading gives an invoice or one French sentence, and says what it did not keep."""

import dataclasses
import json
import os
import random
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from faitfoi.einvoice.cii import write_cii
from faitfoi.einvoice.findings import Severity
from faitfoi.einvoice.jsonform import to_json
from faitfoi.einvoice.model import Note
from faitfoi.einvoice.reading import Format, Reading, Unreadable, read
from faitfoi.einvoice.ubl import write_ubl
from tests.einvoice.material import CORPORA, credit_note, full_invoice, needs_corpora

_NOT_INVOICES = {"xml_dummy.xml", "xml_invalid_1.xml", "xml_invalid_2.xml", "pdf_plain.pdf", "pdf_invalid.pdf"}
_NO_XML_INSIDE = {"00_ZugferdDocumentPdfBuilder_PrintLayout.pdf"}


def files(folder: str) -> list[Path]:
    return sorted(path for path in (CORPORA / folder).rglob("*") if path.suffix.lower() in {".xml", ".pdf"})


@needs_corpora
@pytest.mark.parametrize(
    "folder", ["en16931-examples/cii", "en16931-examples/ubl", "zugferd-pdf", "zugferd-xml", "horstoeko", "xrechnung"]
)
def test_every_public_invoice_is_read(folder: str) -> None:
    paths = files(folder)
    assert paths
    for path in paths:
        if path.name in _NOT_INVOICES | _NO_XML_INSIDE:
            with pytest.raises(Unreadable):
                read(path.read_bytes())
            continue
        reading = read(path.read_bytes())
        assert reading.invoice.number, path
        assert reading.invoice.issue_date, path
        assert reading.invoice.totals.due is not None, path
        assert reading.invoice.seller.name or path.name == "xml_en16931_5.xml", path  # made without parties
        # A few official examples still name the ZUGFeRD 1 profile in an EN 16931 document.
        assert reading.profile or b"urn:ferd:CrossIndustryDocument:invoice:1p0:comfort" in path.read_bytes(), path
        assert not [found for found in reading.findings if found.severity is Severity.FATAL], path
        assert (reading.pdf is not None) == (path.suffix.lower() == ".pdf")


@needs_corpora
def test_all_five_factur_x_profiles_are_among_them() -> None:
    profiles = Counter(read(path.read_bytes()).profile for path in files("zugferd-pdf"))
    assert {"MINIMUM", "BASIC WL", "BASIC", "EN 16931", "EXTENDED"} <= set(profiles)


@needs_corpora
def test_a_real_invoice_gives_what_a_person_reads_on_it() -> None:
    reading = read((CORPORA / "en16931-examples/ubl/examples/ubl-tc434-example2.xml").read_bytes())
    invoice = reading.invoice
    assert (invoice.number, invoice.issue_date, invoice.currency) == ("TOSL108", date(2013, 6, 30), "NOK")
    assert invoice.totals.due == Decimal("801.78")
    assert [line.net_amount for line in invoice.lines][:2] == [Decimal("1273.00"), Decimal("-3.96")]
    assert len(invoice.vat_breakdown) == 3


def test_what_is_not_kept_is_said_once_for_each_kind() -> None:
    stranger = b"<x:y xmlns:x='urn:x'>1</x:y>"
    source = write_cii(full_invoice()).replace(b"<ram:LineID>", stranger + stranger + b"<ram:LineID>")
    reading = read(source)
    (found, second) = reading.findings
    assert (found.rule, found.path.rpartition("/")[2]) == ("FF-NOT-KEPT", "x:y[1]")
    assert second.path.endswith("BuyerOrderReferencedDocument/x:y[1]")
    assert reading.invoice == full_invoice()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (write_cii(full_invoice()), Format.CII),
        (b"\xef\xbb\xbf" + write_cii(full_invoice()), Format.CII),
        (write_ubl(full_invoice()), Format.UBL_INVOICE),
        (write_ubl(credit_note()), Format.UBL_CREDIT_NOTE),
        (json.dumps(to_json(full_invoice())).encode(), Format.JSON),
        (b"\xef\xbb\xbf \n" + json.dumps(to_json(full_invoice())).encode(), Format.JSON),
        (write_cii(full_invoice()).decode().replace("UTF-8", "UTF-16").encode("utf-16"), Format.CII),
    ],
)
def test_content_decides_the_format(data: bytes, expected: Format) -> None:
    reading = read(data)
    assert reading.format is expected
    assert reading.invoice.lines == full_invoice().lines
    assert reading.profile == "EN 16931"
    assert reading.xml == (b"" if expected is Format.JSON else data)
    assert not reading.signed


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "vide"),
        (b"  \n ", "vide"),
        (b"UNB+UNOC:3+SENDER+RECEIVER'", "pas une facture"),
        (b"PK\x03\x04zip", "pas une facture"),
        (b"<html/>", "html"),
        (b'<x:CrossIndustryDocument xmlns:x="urn:ferd:CrossIndustryDocument:invoice:1p0"/>', "ZUGFeRD 1.0"),
        (b"<!DOCTYPE a><a/>", "DOCTYPE"),
        (b'{"number": ', "mal formé"),
        (b"[1]", "pas une facture"),
        (b"%PDF-1.7 and nothing more", "endommagé"),
    ],
)
def test_what_is_no_invoice_is_refused_with_a_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(Unreadable, match=sentence) as caught:
        read(data)
    assert caught.value.reason.endswith((".", "?"))


def outcome(data: bytes) -> Reading | str:
    try:
        return read(data)
    except Unreadable as refused:
        return refused.reason


def test_truncated_or_scrambled_files_never_crash_the_reader() -> None:
    chance = random.Random(2026)
    sources = [write_cii(full_invoice()), write_ubl(full_invoice()), json.dumps(to_json(full_invoice())).encode()]
    for source in sources:
        for _ in range(60):
            cut = source[: chance.randrange(len(source))]
            assert outcome(cut)
            scrambled = bytearray(source)
            for _ in range(chance.randrange(1, 12)):
                scrambled[chance.randrange(len(scrambled))] = chance.randrange(256)
            assert outcome(bytes(scrambled))
    for size in (1, 100, 5000):
        assert outcome(chance.randbytes(size))
        assert outcome(b"%PDF-1.4\n" + chance.randbytes(size))
        assert outcome(b"<" + chance.randbytes(size))


def test_an_empty_shell_is_read_as_an_empty_invoice() -> None:
    shell = write_cii(full_invoice())
    start, end = shell.index(b"<rsm:ExchangedDocumentContext"), shell.index(b"</rsm:CrossIndustryInvoice")
    reading = read(shell[:start] + shell[end:])
    assert reading.invoice.number == ""
    assert reading.invoice.issue_date is None
    assert reading.invoice.totals.due is None
    assert reading.invoice.lines == ()


@pytest.mark.parametrize(
    ("before", "after", "term"),
    [
        (b"<ram:DuePayableAmount>99.99<", b"<ram:DuePayableAmount>99,99<", "BT-115"),
        (b"<ram:DuePayableAmount>99.99<", b"<ram:DuePayableAmount>1e5<", "BT-115"),
        (b"<ram:DuePayableAmount>99.99<", b"<ram:DuePayableAmount>NaN<", "BT-115"),
        (b"<ram:DuePayableAmount>99.99<", b"<ram:DuePayableAmount>" + b"9" * 90 + b"<", "BT-115"),
        (b'format="102">20261120<', b'format="102">20261320<', "BT-2"),
        (b'format="102">20261120<', b'format="610">202611<', "BT-2"),
        (b"mimeCode=", b"x=", ""),
    ],
)
def test_a_value_that_makes_no_sense_is_reported_and_left_out(before: bytes, after: bytes, term: str) -> None:
    source = write_cii(full_invoice())
    assert before in source
    reading = read(source.replace(before, after, 1))
    if term:
        (found,) = (each for each in reading.findings if each.rule == "FF-VALUE")
        assert (found.term, found.severity) == (term, Severity.FATAL)
        assert found.path.endswith(("Amount", "String"))
        assert reading.invoice != full_invoice()
    else:
        assert [(found.rule, found.path.rpartition(":")[2]) for found in reading.findings] == [
            ("FF-NOT-KEPT", "AttachmentBinaryObject")
        ]


def test_a_damaged_attachment_is_reported() -> None:
    source = write_ubl(full_invoice())
    start = source.index(b">", source.index(b"<cbc:EmbeddedDocumentBinaryObject")) + 1
    reading = read(source[:start] + b"!!!!" + source[start:])
    assert [found.term for found in reading.findings] == ["BT-125"]
    assert reading.invoice.supporting_documents[0].attachment is None


def test_a_second_value_is_reported_not_chosen_in_silence() -> None:
    source = write_ubl(full_invoice())
    doubled = source.replace(
        b"<cbc:BuyerReference>", b"<cbc:BuyerReference>first</cbc:BuyerReference><cbc:BuyerReference>", 1
    )
    reading = read(doubled)
    assert reading.invoice.buyer_reference == "first"
    assert [(found.rule, found.value) for found in reading.findings] == [("FF-REPEATED", "SERVICE-ACHATS")]


def test_remarks_are_bounded_whatever_the_document() -> None:
    invoice = full_invoice()
    many = dataclasses.replace(invoice, notes=tuple(Note(text=f"n{n}") for n in range(1000)))
    source = write_ubl(many).replace(b"<cbc:Note>", b"<cbc:IssueTime>").replace(b"</cbc:Note>", b"</cbc:IssueTime>")
    assert len(read(source).findings) <= 200


@pytest.mark.skipif(not os.environ.get("FAITFOI_SPEED"), reason="a measure, not a promise: FAITFOI_SPEED=1 shows it")
def test_speed_of_reading_and_writing() -> None:
    import time

    invoice = full_invoice()
    long = dataclasses.replace(invoice, lines=invoice.lines * 12)
    for write in (write_cii, write_ubl):
        data = write(long)
        begun = time.perf_counter()
        for _ in range(50):
            read(data)
        middle = time.perf_counter()
        for _ in range(50):
            write(long)
        end = time.perf_counter()
        print(f"{write.__name__}: read {(middle - begun) * 20:.2f} ms, write {(end - middle) * 20:.2f} ms")
