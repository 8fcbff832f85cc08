"""The model knows every business term of EN 16931-1, once each."""

import dataclasses
from datetime import date
from decimal import Decimal

import pytest

from faitfoi.einvoice.model import Buyer, Invoice, Seller, Totals, path_of, term_of, term_paths, terms


def test_every_business_term_and_group_of_the_norm_has_exactly_one_field() -> None:
    # BT-4 was withdrawn before publication; the third address lines are BT-162 to BT-165.
    expected = {f"BT-{n}" for n in range(1, 166) if n != 4} | {f"BG-{n}" for n in range(1, 33)}
    of_the_norm = [each for each in terms() if not each.is_extension and each.code.count("-") == 1]
    assert len(expected) == 164 + 32
    assert {each.code for each in of_the_norm} == expected
    assert len(of_the_norm) == len(expected)
    assert all(path_of(each.code) == each.path and term_of(each.path) == each for each in of_the_norm)
    assert all(each.is_group == each.code.startswith("BG-") for each in of_the_norm if each.code not in _MADE_OF_PARTS)


_MADE_OF_PARTS = {"BT-18", "BT-29", "BT-30", "BT-34", "BT-46", "BT-47", "BT-49", "BT-60", "BT-61", "BT-71", "BT-125",
                  "BT-128", "BT-157", "BT-158"}  # fmt: skip
"""Terms that come with a scheme, or with the type and name of a file."""


def test_every_term_of_the_extensions_leads_to_a_field_and_back() -> None:
    extended = [each for each in terms() if each.is_extension]
    assert len(extended) > 350
    for each in extended:
        assert term_of(each.path) == each
        assert all(path_of(code) == path_of(each.code) for code in each.also)
    codes = [code for each in extended for code in each.also]
    assert len(codes) == len(set(codes))


def test_the_french_codes_that_the_french_rules_name_are_known() -> None:
    for number in ("02", "06", "12", "29", "46", "52", "69", "75", "92", "98", "115", "121", "136", "137", "138", "146",
                   "158", "159", "162", "163", "164", "167", "177", "181", "182", "184", "BG-12"):  # fmt: skip
        assert path_of(f"EXT-FR-FE-{number}"), number


def test_a_place_in_a_list_does_not_hide_the_term() -> None:
    found = term_of("lines[12].extended.subtype")
    assert found is not None
    assert (found.code, found.also, found.path) == ("BT-X-8", ("EXT-FR-FE-163",), "lines[].extended.subtype")
    assert term_of("lines[3].item.classifications[1]") == term_of("lines[].item.classifications")
    assert term_of("lines[3].nothing") is None
    assert path_of("BT-4") == ""


@pytest.mark.parametrize(
    ("term", "path"),
    [
        ("BT-1", "number"),
        ("BT-37", "seller.address.city"),
        ("BT-52", "buyer.address.city"),
        ("BT-106", "totals.line_net"),
        ("BT-131", "lines[].net_amount"),
        ("BT-141", "lines[].charges[].amount"),
        ("BT-158", "lines[].item.classifications[]"),
        ("BT-91", "payment.direct_debit.debited_account"),
    ],
)
def test_a_term_leads_to_its_field_and_back(term: str, path: str) -> None:
    assert path_of(term) == term_paths()[term] == path
    found = term_of(path)
    assert found is not None
    assert found.code == term


def test_an_invoice_cannot_be_changed_once_made() -> None:
    invoice = Invoice(
        number="F-1",
        issue_date=date(2026, 11, 21),
        type_code="381",
        currency="EUR",
        seller=Seller(name="Coopérative des Aulnes"),
        buyer=Buyer(name="Commune d’Essai"),
        totals=Totals(due=Decimal("12.00")),
    )
    assert invoice.is_credit_note
    assert not dataclasses.replace(invoice, type_code="380").is_credit_note
    with pytest.raises(dataclasses.FrozenInstanceError):
        invoice.number = "F-2"  # type: ignore[misc]
