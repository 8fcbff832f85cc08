"""What is written is read back equal, in every syntax, and the schemas accept the order it is written in."""

import dataclasses
import json
import re

import pytest
from hypothesis import HealthCheck, given, settings
from lxml import etree

from faitfoi.einvoice.cii import read_cii, write_cii
from faitfoi.einvoice.fitting import NOT_IN_CII, NOT_IN_UBL, fit, without
from faitfoi.einvoice.jsonform import from_json, to_json
from faitfoi.einvoice.model import Identifier, Invoice, InvoiceLine, Note, term_of
from faitfoi.einvoice.profiles import Profile
from faitfoi.einvoice.reading import Unreadable, read
from faitfoi.einvoice.ubl import read_ubl, write_ubl
from faitfoi.einvoice.xml import parse_xml
from tests.einvoice.material import CORPORA, credit_note, full_invoice, needs_corpora, schema
from tests.einvoice.strategies import extended_invoices, invoices

bounded = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

few = settings(bounded, max_examples=12)


@pytest.mark.parametrize("invoice", [full_invoice(), credit_note()], ids=["invoice", "credit note"])
def test_a_complete_invoice_survives_every_syntax_without_a_remark(invoice: Invoice) -> None:
    assert read_cii(parse_xml(write_cii(invoice))) == (invoice, ())
    assert read_ubl(parse_xml(write_ubl(invoice))) == (invoice, ())
    assert from_json(json.dumps(to_json(invoice)).encode()) == invoice


def test_the_complete_invoice_leaves_no_term_of_the_norm_without_a_value() -> None:
    empty = [path for path in _empty(full_invoice(), "") if (found := term_of(path)) is None or not found.is_extension]
    assert empty == ["seller.contact.department", "buyer.contact.department", "lines[].extended", "extended"]


def _empty(value: object, path: str) -> list[str]:
    """Paths of the fields of `value` that hold nothing; a scheme may be absent."""
    if not dataclasses.is_dataclass(value):
        return []
    found = []
    for field in dataclasses.fields(value):
        here = getattr(value, field.name)
        if here in {"", None, ()}:
            found += [] if field.name == "scheme" else [path + field.name]
        elif isinstance(here, tuple):
            found += _empty(here[0], f"{path}{field.name}[].")
        else:
            found += _empty(here, f"{path}{field.name}.")
    return found


def test_written_documents_obey_their_schemas() -> None:
    schema("cii").assertValid(etree.fromstring(write_cii(full_invoice())))
    schema("invoice").assertValid(etree.fromstring(write_ubl(full_invoice())))
    schema("credit_note").assertValid(etree.fromstring(write_ubl(credit_note())))


@bounded
@given(invoices())
def test_any_invoice_survives_cii(invoice: Invoice) -> None:
    written = write_cii(invoice)
    schema("cii").assertValid(etree.fromstring(written))
    assert read_cii(parse_xml(written)) == (invoice, ())


@bounded
@given(invoices())
def test_any_invoice_survives_ubl(invoice: Invoice) -> None:
    written = write_ubl(invoice)
    schema("credit_note" if invoice.is_credit_note else "invoice").assertValid(etree.fromstring(written))
    assert read_ubl(parse_xml(written)) == (invoice, ())


@bounded
@given(invoices())
def test_any_invoice_survives_json(invoice: Invoice) -> None:
    assert from_json(json.dumps(to_json(invoice)).encode()) == invoice


@few
@given(extended_invoices())
def test_any_extended_invoice_survives_cii(invoice: Invoice) -> None:
    fitted, _ = fit(invoice, profile=Profile.EXTENDED_CTC_FR, ubl=False)
    assert read_cii(parse_xml(write_cii(fitted))) == (fitted, ())


@few
@given(extended_invoices())
def test_any_extended_invoice_survives_ubl_and_from_there_cii(invoice: Invoice) -> None:
    fitted, _ = fit(invoice, profile=Profile.EXTENDED_CTC_FR, ubl=True)
    written = write_ubl(fitted)
    schema("credit_note" if invoice.is_credit_note else "invoice").assertValid(etree.fromstring(written))
    assert read_ubl(parse_xml(written)) == (fitted, ())
    in_both, _ = fit(fitted, profile=Profile.EXTENDED_CTC_FR, ubl=False)
    assert read_cii(parse_xml(write_cii(in_both))) == (in_both, ())


@few
@given(extended_invoices())
def test_any_extended_invoice_survives_json(invoice: Invoice) -> None:
    assert from_json(json.dumps(to_json(invoice)).encode()) == invoice


def test_lines_end_alike_in_every_syntax() -> None:
    windows = write_cii(full_invoice()).replace(b"30 jours\n", b"30 jours&#13;\n")
    assert b"&#13;" in windows
    assert read(windows).invoice == full_invoice()


def test_prefixes_do_not_matter() -> None:
    written = write_cii(full_invoice())
    renamed = re.sub(rb"\bram:|\bxmlns:ram=", lambda found: found[0].replace(b"ram", b"x1"), written)
    assert renamed != written
    assert read_cii(parse_xml(renamed)) == (full_invoice(), ())


def test_a_note_subject_is_a_prefix_in_ubl_and_an_element_in_cii() -> None:
    invoice = dataclasses.replace(full_invoice(), notes=(Note(text="40 EUR", subject_code="PMT"),))
    assert b"<cbc:Note>#PMT#40 EUR</cbc:Note>" in write_ubl(invoice)
    assert b"<ram:SubjectCode>PMT</ram:SubjectCode>" in write_cii(invoice)


@pytest.mark.parametrize(("code", "in_cii"), [("3", b"5"), ("35", b"29"), ("432", b"72")])
def test_the_tax_point_code_speaks_each_syntax_s_list(code: str, in_cii: bytes) -> None:
    invoice = dataclasses.replace(full_invoice(), vat_point_date_code=code)
    assert b"<ram:DueDateTypeCode>" + in_cii + b"<" in write_cii(invoice)
    assert b"<cbc:DescriptionCode>" + code.encode() + b"<" in write_ubl(invoice)


def test_the_creditor_identifier_belongs_to_the_payee_or_else_to_the_seller() -> None:
    alone = dataclasses.replace(full_invoice(), payee=None)
    for invoice in (full_invoice(), alone):
        root = etree.fromstring(write_ubl(invoice))
        (identifier,) = (element for element in root.iter() if element.get("schemeID") == "SEPA")
        _, holder, *_ = (etree.QName(element).localname for element in identifier.iterancestors())
        assert holder == ("PayeeParty" if invoice.payee else "Party")


def test_numbers_that_are_not_finite_are_never_written() -> None:
    from decimal import Decimal

    broken = dataclasses.replace(full_invoice(), totals=dataclasses.replace(full_invoice().totals, due=Decimal("NaN")))
    for write in (write_cii, write_ubl, to_json):
        with pytest.raises(ValueError, match="fini"):
            write(broken)


def _priced_alike(invoice: Invoice) -> Invoice:
    """The invoice with gross price and discount both said where one was: no syntax has room for one alone."""

    def line(before: InvoiceLine) -> InvoiceLine:
        price = before.price
        if price.gross is not None and price.discount is None:
            price = dataclasses.replace(price, discount=price.gross - (price.net or 0))
        elif price.discount is not None and price.gross is None:
            price = dataclasses.replace(price, gross=(price.net or 0) + price.discount)
        return dataclasses.replace(before, price=price)

    return dataclasses.replace(invoice, lines=tuple(line(each) for each in invoice.lines))


def _identified_alike(invoice: Invoice) -> Invoice:
    """CII writes identifiers without a scheme first."""

    def ordered(found: tuple[Identifier, ...]) -> tuple[Identifier, ...]:
        return tuple(sorted(found, key=lambda each: each.scheme != ""))

    seller = dataclasses.replace(invoice.seller, identifiers=ordered(invoice.seller.identifiers))
    buyer = dataclasses.replace(invoice.buyer, identifiers=ordered(invoice.buyer.identifiers))
    return dataclasses.replace(invoice, seller=seller, buyer=buyer)


def _referenced_alike(invoice: Invoice) -> Invoice:
    """CII lets a line name an invoiced object (130) among its other documents too; UBL has one place for both."""

    def line(before: InvoiceLine) -> InvoiceLine:
        if (more := before.extended) is None:
            return before
        objects = [each for each in more.documents if each.type_code == "130"]
        moved = (Identifier(value=each.reference, scheme=each.reference_type) for each in objects)
        others = tuple(each for each in more.documents if each not in objects)
        changed = dataclasses.replace(more, objects=(*more.objects, *moved), documents=others)
        return dataclasses.replace(before, extended=changed)

    return dataclasses.replace(invoice, lines=tuple(line(each) for each in invoice.lines))


@needs_corpora
@pytest.mark.parametrize(
    "folder", ["en16931-examples/cii", "en16931-examples/ubl", "zugferd-xml", "zugferd-pdf", "horstoeko", "xrechnung"]
)
def test_real_invoices_go_from_syntax_to_syntax_and_back(folder: str) -> None:
    paths = [path for path in sorted((CORPORA / folder).rglob("*")) if path.suffix.lower() in {".xml", ".pdf"}]
    assert paths
    for path in paths:
        try:
            reading = read(path.read_bytes())
        except Unreadable:
            continue
        invoice = _referenced_alike(_identified_alike(_priced_alike(reading.invoice)))
        in_cii, _ = without(invoice, NOT_IN_CII)
        assert read(write_cii(invoice)).invoice == in_cii, path.name
        in_ubl, _ = without(invoice, NOT_IN_UBL)
        assert read(write_ubl(invoice)).invoice == in_ubl, path.name
        in_both, _ = without(in_ubl, NOT_IN_CII)
        assert read(write_cii(read(write_ubl(in_both)).invoice)).invoice == in_both, path.name
