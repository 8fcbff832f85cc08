"""The model knows every business term of EN 16931-1, once each."""

import dataclasses
from datetime import date
from decimal import Decimal

import pytest

from faitfoi.einvoice.model import Buyer, Invoice, Seller, Totals, term_paths
from faitfoi.einvoice.model_terms import paths, terms


def test_every_business_term_and_group_of_the_norm_has_exactly_one_field() -> None:
    # BT-4 was withdrawn before publication; the third address lines are BT-162 to BT-165.
    expected = {f"BT-{n}" for n in range(1, 166) if n != 4} | {f"BG-{n}" for n in range(1, 33)}
    assert set(term_paths()) == expected
    assert len(terms(Invoice)) == len(paths(Invoice))


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
    assert paths(Invoice)[term] == path
    assert terms(Invoice)[path] == term


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
