"""The demonstration shows fictitious people only, and every file of it ends the way it is said to."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from faitfoi.cli.demonstration.seed import logo, seed

IDENTIFIERS = {"siren": 9, "siret": 14}


def tables(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from tables(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from tables(inner)


def luhn(number: str) -> bool:
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(number))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def vat_number(siren: str) -> str:
    return f"FR{(12 + 3 * (int(siren) % 97)) % 97:02d}{siren}"


@pytest.mark.parametrize(("field", "length"), IDENTIFIERS.items())
def test_every_company_number_is_of_the_unassigned_series_with_a_valid_key(field: str, length: int) -> None:
    numbers = [table[field] for table in tables(dict(seed())) if table.get(field)]
    assert len(numbers) > 10
    for number in numbers:
        assert len(number) == length
        assert number.startswith("000")
        assert luhn(number[:9])
        assert luhn(number)


def test_siret_and_vat_number_are_those_of_the_siren() -> None:
    for table in tables(dict(seed())):
        siren = table.get("siren")
        if siren:
            assert table["siret"].startswith(siren)
            assert table.get("vat_number", vat_number(siren)) == vat_number(siren)


def test_every_mailbox_is_an_example() -> None:
    addresses = [value for table in tables(dict(seed())) for key, value in table.items() if "email" in key and value]
    mailboxes = [address for address in addresses if "@" in address]
    assert len(mailboxes) > 15
    assert all(re.fullmatch(r"[a-z.]+@[a-z.-]+\.example", address) for address in mailboxes)


def test_one_public_customer_is_unknown_to_chorus_pro() -> None:
    known = {structure["siret"] for structure in seed()["chorus_structures"]}
    public = [table for table in tables(dict(seed())) if table.get("nature") == "public"]
    assert [table["name"] for table in public if table["siret"] not in known] == ["Lycée agricole de Valmorne"]


def test_a_structure_that_asks_for_a_service_has_the_one_on_the_customer_record() -> None:
    structures = {structure["siret"]: structure for structure in seed()["chorus_structures"]}
    for table in tables(dict(seed())):
        if table.get("nature") != "public" or table["siret"] not in structures:
            continue
        structure = structures[table["siret"]]
        assert structure["code_service"] == table["code_service_required"]
        assert structure["engagement"] == table["engagement_required"]
        services = {service["code"] for service in structure["services"] if service["active"]}
        assert table.get("code_service", "") in services | {""}
        assert table.get("code_service") or not structure["code_service"]


def test_every_organisation_has_a_logo() -> None:
    for table in seed()["organisations"]:
        assert logo(table["slug"]).startswith(b"<svg")
