"""A finding says where in the source document: for each field of the model the very element that holds its value."""

import dataclasses
import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any, cast

import pytest
from lxml import etree

from faitfoi.einvoice.cii import read_cii, write_cii
from faitfoi.einvoice.findings import Finding
from faitfoi.einvoice.jsonform import to_json
from faitfoi.einvoice.model import Attachment, Classification, Identifier, Invoice, Note
from faitfoi.einvoice.reading import read
from faitfoi.einvoice.rules import Family
from faitfoi.einvoice.rules.judging import check_reading
from faitfoi.einvoice.rules.source_paths import NAMESPACES, SourcePaths
from faitfoi.einvoice.ubl import read_ubl, write_ubl
from faitfoi.einvoice.xml import parse_xml
from tests.conformance.bases import invoices
from tests.conformance.plain_bases import plain
from tests.conformance.tree import remove
from tests.einvoice.material import credit_note, full_invoice
from tests.work import cost

EVERYTHING = [("full", full_invoice()), ("full credit note", credit_note()), *invoices()]
WRITERS = {"cii": (write_cii, read_cii), "ubl": (write_ubl, read_ubl)}
# Beside a gross price, CII writes the price it gives; UBL writes no discount without a base for it.
DERIVED = {"vat_point_date_code"}  # each syntax has a code list of its own for BT-8


def fields(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Every field that has a value, as (path in the model, value as a document would write it)."""
    if not value and not isinstance(value, Decimal):
        return
    if isinstance(value, tuple):
        for place, member in enumerate(value):
            yield from fields(member, f"{path}[{place}]")
    elif isinstance(value, Identifier):
        yield path, value.value
    elif isinstance(value, Classification):
        yield path, value.code
    elif isinstance(value, Attachment):
        yield f"{path}.media_type", value.media_type
        yield f"{path}.filename", value.filename
    elif isinstance(value, Note):
        yield path, value.text
    elif dataclasses.is_dataclass(value):
        for each in dataclasses.fields(value):
            yield from fields(getattr(value, each.name), f"{path}.{each.name}" if path else each.name)
    elif isinstance(value, Decimal):
        yield path, format(value, "f")
    elif isinstance(value, date):
        yield path, value.isoformat()
    else:
        yield path, str(value)


def said_at(root: etree._Element, path: str) -> list[str]:
    """What stands at an XPath: the text of elements, the value of attributes."""
    found = cast("list[Any]", root.xpath(path, namespaces=dict(NAMESPACES)))
    return [each.strip() if isinstance(each, str) else "".join(each.itertext()).strip() for each in found]


@pytest.mark.parametrize("syntax", WRITERS)
@pytest.mark.parametrize(("name", "invoice"), EVERYTHING, ids=[name for name, _ in EVERYTHING])
def test_the_path_of_a_field_leads_to_its_value(name: str, invoice: Invoice, syntax: str) -> None:
    write, reader = WRITERS[syntax]
    root = parse_xml(write(invoice))
    understood, _ = reader(root)
    paths = SourcePaths(root, ubl=syntax == "ubl")

    wrong = {}
    for field, value in fields(understood):
        found = said_at(root, paths.of_field(field))
        fits = len(found) == 1 and (found[0] == value or found[0] == value.replace("-", "") or value in found[0])
        if not fits and field not in DERIVED:
            wrong[field] = (value, paths.of_field(field), found)
    assert wrong == {}


def test_what_is_missing_is_looked_for_where_it_should_be() -> None:
    root = parse_xml(write_cii(plain()))
    for quantity in list(root.iter("{*}BilledQuantity")):
        remove(quantity)
    paths = SourcePaths(root, ubl=False)

    transaction = "/rsm:CrossIndustryInvoice/rsm:SupplyChainTradeTransaction"
    line = f"{transaction}/ram:IncludedSupplyChainTradeLineItem[1]"
    assert paths.of_field("lines[0].quantity") == f"{line}/ram:SpecifiedLineTradeDelivery"
    assert paths.of_field("payee.name") == f"{transaction}/ram:ApplicableHeaderTradeSettlement"
    assert paths.of_field("lines[7].quantity") == "/rsm:CrossIndustryInvoice"
    assert paths.of_field("") == "/rsm:CrossIndustryInvoice"


def wrong(invoice: Invoice) -> Invoice:
    """The invoice with another line, of a negative price, and a number that is too long."""
    line = invoice.lines[0]
    bad = dataclasses.replace(line, identifier="B", price=dataclasses.replace(line.price, net=Decimal(-1)))
    return dataclasses.replace(invoice, number="F" * 40, lines=(*invoice.lines, bad))


def test_a_finding_has_the_path_in_the_document_and_the_field_of_the_model() -> None:
    found = {each.rule: each for each in check_reading(read(write_ubl(wrong(plain()))))}

    price = found["BR-27"]
    assert price.path == "/ubl-invoice:Invoice/cac:InvoiceLine[3]/cac:Price/cbc:PriceAmount"
    assert (price.field, price.value, price.line) == ("lines[2].price.net", "-1", "B")
    assert found["BR-CO-10"].path == "/ubl-invoice:Invoice/cac:LegalMonetaryTotal/cbc:LineExtensionAmount"
    assert (found["BR-CO-10"].field, found["BR-CO-10"].term) == ("totals.line_net", "BT-106")


def test_a_rule_judged_on_the_document_itself_says_where() -> None:
    xml = write_cii(plain()).replace(b'format="102">2026', b'format="102">1926', 1)
    (finding,) = check_reading(read(xml), families=(Family.FRENCH,))

    assert finding.rule == "BR-FR-03_BT-2"
    assert finding.path.endswith("/rsm:ExchangedDocument/ram:IssueDateTime/udt:DateTimeString")


def test_a_date_that_cannot_be_read_is_found_again() -> None:
    xml = (
        write_ubl(plain()).replace(b"</cbc:DueDate>", b"</cbc:DueDate>").replace(b"<cbc:DueDate>2", b"<cbc:DueDate>x2")
    )
    found = [each for each in check_reading(read(xml)) if each.rule == "FF-DATE"]

    assert [each.path for each in found] == ["/ubl-invoice:Invoice/cbc:DueDate"]


def test_our_json_has_json_paths() -> None:
    data = json.dumps(to_json(wrong(plain()))).encode()
    found = {each.rule: each for each in check_reading(read(data))}

    assert found["BR-27"].path == "$.lines[2].price.net"


def test_the_cost_of_findings_grows_as_their_number() -> None:
    few, many = (judged_without_categories(lines) for lines in (500, 10_000))
    assert many < 60 * few  # twenty times as many; were it their square, four hundred


def judged_without_categories(count: int) -> float:
    """The processor seconds it takes to judge so many lines, each of which breaks BR-CO-04."""
    lines = tuple(
        dataclasses.replace(line, identifier=str(place), vat=dataclasses.replace(line.vat, category=""))
        for place, line in enumerate(plain().lines[:1] * count)
    )
    reading = read(write_cii(dataclasses.replace(plain(), lines=lines)))
    found = list[Finding]()
    spent = cost(lambda: found.extend(check_reading(reading)))
    assert len({each.path for each in found if each.rule == "BR-CO-04"}) == count
    return spent
