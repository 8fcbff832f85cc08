"""Whatever is posted, a page answers in words: it never breaks."""

import pytest
from django.test import Client

from tests.web.conftest import Work
from tests.web.test_access import addresses

FIELDS = (
    "address", "amount", "answer", "body", "code", "comment", "customer", "email", "engagement", "exit", "grouping",
    "kind", "language", "name", "nature", "notice", "pace", "paid_on", "paper", "place", "provider", "reason",
    "reference", "reverse", "service", "siret", "step", "subject", "tick", "until", "year",
)  # fmt: skip
"""Names of fields of the forms; a page takes those it knows."""


def test_a_nul_character_is_turned_away_by_every_page_before_it_reaches_the_database(
    as_alice: Client, documents: Work
) -> None:
    for address in addresses():
        if address.tenant:
            answer = as_alice.post(address.of(documents), dict.fromkeys(FIELDS, "a\0b"))
            assert answer.status_code == 400, address.route
            assert "Traceback" not in answer.content.decode()


@pytest.mark.parametrize("value", ["", "é" * 60, "x" * 20_000, "-1", "NaN", "2024-02-31", "<b>"])
def test_no_page_breaks_on_what_it_does_not_expect(as_alice: Client, documents: Work, value: str) -> None:
    for address in addresses():
        if address.tenant and address.name not in {"check_connection", "try_return", "run_controls", "trail"}:
            answer = as_alice.post(address.of(documents), dict.fromkeys(FIELDS, value))
            assert answer.status_code < 500, address.route
