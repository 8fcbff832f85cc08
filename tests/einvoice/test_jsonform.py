"""Our JSON is strict, says in French what to mend, and its documentation is true."""

import dataclasses
import json
import re
from typing import Any

import pytest
from lxml import etree

from faitfoi.einvoice import model
from faitfoi.einvoice.cii import write_cii
from faitfoi.einvoice.findings import is_valid
from faitfoi.einvoice.jsonform import from_json, to_json
from faitfoi.einvoice.model import Identifier, Totals
from faitfoi.einvoice.official import check_official
from faitfoi.einvoice.profiles import EN16931
from faitfoi.einvoice.ubl import write_ubl
from faitfoi.einvoice.xml import Unreadable
from tests.einvoice.material import ROOT, full_invoice, schema

DOCUMENT = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
SMALLEST, COMPLETE = re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)


def smallest(**changes: Any) -> bytes:
    return json.dumps({**json.loads(SMALLEST), **changes}).encode()


def refusal(data: bytes) -> str:
    with pytest.raises(Unreadable) as caught:
        from_json(data)
    return caught.value.reason


def test_the_documented_example_is_complete_and_obeys_the_schemas() -> None:
    invoice = from_json(COMPLETE.encode())
    assert invoice == full_invoice()
    assert json.loads(COMPLETE) == to_json(invoice)
    schema("cii").assertValid(etree.fromstring(write_cii(invoice)))
    schema("invoice").assertValid(etree.fromstring(write_ubl(invoice)))


def test_the_documented_smallest_invoice_passes_the_official_rules() -> None:
    invoice = from_json(SMALLEST.encode())
    assert invoice.totals.due is not None
    assert invoice.process.specification == EN16931
    for written in (write_cii(invoice), write_ubl(invoice)):
        findings = check_official(written, br_fr=False)
        assert is_valid(findings), findings


def test_the_documented_tables_name_every_field_with_its_term() -> None:
    described: dict[str, dict[str, str]] = {}
    for title, table in re.findall(r"### (\w+)\n(.*?)(?=\n###|\Z)", DOCUMENT, re.DOTALL):
        rows = re.findall(r"\| \**`(\w+)`\** \| [^|]+ \| ([^|]*?) ?\|", table)
        described[title] = {name: term.strip() for name, term in rows}
    exported = [getattr(model, name) for name in model.__all__]
    groups = [each for each in exported if isinstance(each, type) and each is not model.Term]
    assert set(described) == {group.__name__ for group in groups}
    for group in groups:
        fields = {field.name: field.metadata.get("term") for field in dataclasses.fields(group)}
        assert set(described[group.__name__]) == set(fields)
        for field, term in fields.items():
            assert not term or described[group.__name__][field].split(", ")[0] == term


def test_given_totals_are_taken_as_they_are() -> None:
    invoice = from_json(smallest(totals={"due": "1.00"}))
    assert invoice.totals == dataclasses.replace(Totals(), due=invoice.totals.due)
    assert invoice.lines[0].net_amount is None
    assert invoice.vat_breakdown == ()


def test_a_prepayment_alone_is_taken_into_account() -> None:
    assert str(from_json(smallest(totals={"paid": "10.00"})).totals.due) == "25.96"


def test_incomplete_invoices_survive_too() -> None:
    bare = dataclasses.replace(
        full_invoice(), issue_date=None, totals=Totals(), lines=(), vat_breakdown=(), process=model.ProcessControl()
    )
    assert from_json(json.dumps(to_json(bare)).encode()) == bare


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"issue_date": "20/11/2026"}, ["issue_date", "BT-2", "20/11/2026", "2026-11-21"]),
        ({"issue_date": "2026-02-30"}, ["issue_date", "BT-2", "2026-02-30"]),
        ({"number": 117}, ["number", "BT-1", "117", "guillemets"]),
        ({"totals": {"paid": 12.5}}, ["totals.paid", "BT-113", "12.5", "guillemets"]),
        ({"totals": {"paid": "12,50"}}, ["totals.paid", "BT-113", "12,50", "point"]),
        ({"totals": {"paid": "1e3"}}, ["totals.paid", "1e3", "nombre"]),
        ({"totals": {"paid": True}}, ["totals.paid", "true"]),
        ({"byer": {}}, ["byer", "vouliez-vous « buyer »"]),
        ({"lines": {}}, ["lines", "BG-25", "liste"]),
        ({"seller": "Aulnes"}, ["seller", "BG-4", "objet"]),
        ({"seller": {}}, ["seller.name", "BT-27", "manque"]),
        ({"notes": [{"text": "a\u0000b"}]}, ["notes[0].text", "BT-22", "contrôle"]),
        ({"lines": []}, ["lines", "totals.due", "BT-115"]),
        (
            {"lines": [{"identifier": "1", "net_amount": "x", "vat": {"rat": "20"}}]},
            ["lines[0].net_amount", "BT-131", "vouliez-vous « rate »"],
        ),
        (
            {
                "supporting_documents": [
                    {"reference": "1", "attachment": {"content": "?", "media_type": "", "filename": ""}}
                ]
            },
            ["attachment.content", "base64"],
        ),
    ],
)
def test_a_mistake_is_named_with_its_place_value_and_remedy(changes: dict[str, Any], parts: list[str]) -> None:
    sentence = refusal(smallest(**changes))
    for part in parts:
        assert part in sentence


def test_several_mistakes_are_told_at_once_but_not_without_end() -> None:
    lines = [{"identifier": "1", "quantity": 1} for _ in range(20)]
    sentence = refusal(smallest(lines=lines, number=1))
    assert sentence.count("guillemets") == 5
    assert "16 autres" in sentence


@pytest.mark.parametrize("missing", ["number", "issue_date", "type_code", "currency", "seller", "buyer"])
def test_what_no_invoice_can_do_without_is_asked_for(missing: str) -> None:
    document = json.loads(SMALLEST)
    del document[missing]
    assert f"Il manque « {missing} »" in refusal(json.dumps(document).encode())


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b'{"number": "1", "number": "2"}', "deux fois"),
        (b'{"totals": NaN}', "NaN"),
        (b'{"a": ' * 100_000, "imbriqué"),
        (b'{"a": ' + b"9" * 10_000 + b"}", "raisonnable"),
        ('{"number": "é"}'.encode("latin-1"), "UTF-8"),
        (b'{"number": "1",}', "mal formé"),
        (b"[]", "objet"),
    ],
)
def test_hostile_or_broken_json_is_refused(data: bytes, part: str) -> None:
    assert part in refusal(data)


def test_texts_are_kept_as_xml_would() -> None:
    invoice = from_json(smallest(payment_terms="  30 jours\r\nfin de mois\r"))
    assert invoice.payment_terms == "30 jours\nfin de mois"


def test_an_identifier_says_its_scheme() -> None:
    invoice = from_json(smallest(invoiced_object={"value": "A", "scheme": "ABT"}))
    assert invoice.invoiced_object == Identifier(value="A", scheme="ABT")
