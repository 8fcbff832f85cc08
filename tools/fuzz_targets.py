"""What a spoilt file goes through, and what it may be answered with: a refusal in words, never another exception."""

import json
from datetime import UTC, datetime

from faitfoi.einvoice.checking import check_received
from faitfoi.einvoice.cii import write_cii
from faitfoi.einvoice.facturx import SignedPdf, attach, replace
from faitfoi.einvoice.jsonform import to_json
from faitfoi.einvoice.model import Invoice
from faitfoi.einvoice.pdfa import look_into
from faitfoi.einvoice.pdfa_wrap import wrap
from faitfoi.einvoice.profiles import EN16931
from faitfoi.einvoice.reading import Unreadable, read
from faitfoi.einvoice.rules import check_rules
from faitfoi.einvoice.ubl import write_ubl
from faitfoi.evidence.pdf_update import SealRefused, lay_out

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
_XML = b"<invoice/>"


def exercise(data: bytes) -> str:
    """Read, check and write back, and treat a PDF in every way we have; what became of it, in one word."""
    if b"%PDF-" in data[:1024]:
        _treat(data)
    try:
        reading = read(data)
    except Unreadable as error:
        _must_speak(error.reason)
        return "refused"
    check_received(reading)
    for finding in check_rules(reading.invoice):
        _must_speak(finding.message)
    _write(reading.invoice)
    return "read"


def _treat(pdf: bytes) -> None:
    for treat in (
        look_into,
        lambda each: wrap(each, at=AT),
        lambda each: attach(each, _XML, at=AT, specification=EN16931),
        lambda each: replace(each, _XML, at=AT, specification=EN16931),
        lambda each: lay_out(each, 4096, AT),
    ):
        try:
            treat(pdf)
        except Unreadable as error:
            _must_speak(error.reason)
        except (SignedPdf, SealRefused) as error:
            _must_speak(str(error))


def _write(invoice: Invoice) -> None:
    """What could be read can be written, and what was written can be read."""
    for written in (write_cii(invoice), write_ubl(invoice), json.dumps(to_json(invoice)).encode()):
        read(written)


def _must_speak(sentence: str) -> None:
    assert len(sentence) > 10, f"not a sentence: {sentence!r}"  # noqa: S101  # this is a test
    assert sentence.rstrip()[-1] in ".?»!)", f"not a sentence: {sentence[-80:]!r}"  # noqa: S101
