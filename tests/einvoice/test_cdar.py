"""A CDAR is read whole, and what we write passes the schema and says what it was made from."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from lxml import etree

from faitfoi.einvoice.cdar import CdarAmount, CdarDetail, UnreadableCdar, read_cdar
from faitfoi.einvoice.cdar_write import write_cdar
from faitfoi.einvoice.xml import UnreadableXml

SHARED = Path(os.environ.get("FAITFOI_SHARED") or Path(__file__).parents[3] / "shared")
CONTRACTS = SHARED / "contracts"
SAMPLES = sorted((CONTRACTS / "samples").glob("cdar_*.xml")) if CONTRACTS.is_dir() else []
needs_contracts = pytest.mark.skipif(not SAMPLES, reason="the shared contracts are not here")


def schema() -> etree.XMLSchema:
    name = "CrossDomainAcknowledgementAndResponse_100pD22B.xsd"
    return etree.XMLSchema(etree.parse(CONTRACTS / "xsd" / "cdar_d22b" / name))


@needs_contracts
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_reads_whole_and_comes_back_as_it_was(sample: Path) -> None:
    original = sample.read_bytes()
    cdar = read_cdar(original)
    written = write_cdar(cdar)
    assert read_cdar(written) == cdar
    assert leaves(written) == leaves(original)
    schema().assertValid(etree.fromstring(written))


def leaves(data: bytes) -> list[tuple[str, str, dict[str, str]]]:
    """Everything that a message holds: element, text and attributes, in order."""
    root = etree.fromstring(data)
    return [
        (
            etree.QName(element).localname,
            (element.text or "").strip(),
            {str(name): str(value) for name, value in element.attrib.items()},
        )
        for element in root.iter(etree.Element)
    ]


@needs_contracts
def test_a_status_says_who_when_why_and_what_is_asked() -> None:
    cdar = read_cdar((CONTRACTS / "samples" / "cdar_207_en_litige.xml").read_bytes())
    assert cdar.issuer is not None
    assert (cdar.issuer.role, cdar.at) == ("BY", datetime(2026, 11, 25, 10, tzinfo=UTC))
    (detail,) = cdar.references[0].details
    assert (detail.reason_code, detail.action_code, detail.sequence) == ("QTE_ERR", "CNP", 1)


@needs_contracts
def test_amounts_keep_their_cents_and_their_rate() -> None:
    cdar = read_cdar((CONTRACTS / "samples" / "cdar_212_encaissee.xml").read_bytes())
    amounts = cdar.references[0].details[0].amounts
    assert [(one.amount, one.rate) for one in amounts] == [
        (Decimal("1500.00"), Decimal(20)),
        (Decimal("105.50"), Decimal("5.5")),
    ]
    negative = replace(
        cdar.references[0],
        details=(CdarDetail(sequence=1, amounts=(CdarAmount(type_code="MEN", amount=Decimal("-12.50")),)),),
    )
    again = read_cdar(write_cdar(replace(cdar, references=(negative,))))
    assert again.references[0].details[0].amounts[0].amount == Decimal("-12.50")


def test_another_message_is_refused_by_a_sentence() -> None:
    with pytest.raises(UnreadableCdar, match="cycle de vie"):
        read_cdar(b"<Invoice/>")
    with pytest.raises(UnreadableXml):
        read_cdar(b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')
