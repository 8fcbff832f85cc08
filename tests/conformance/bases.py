"""Valid French invoices of every kind that the rules tell apart: what mutations start from.

Each is valid under EN 16931 and BR-FR in CII and in UBL (`test_bases.py` asks the official judge), but for those of
the profile MINIMUM, which has no place for what BR-FR asks for.
"""

from collections.abc import Iterator
from functools import cache

from faitfoi.einvoice.cii import write_cii
from faitfoi.einvoice.model import Invoice
from faitfoi.einvoice.ubl import write_ubl
from tests.conformance import plain_bases, rare_bases
from tests.conformance.extended_bases import extended_documents
from tests.conformance.profile_bases import profiled


@cache
def documents() -> tuple[tuple[str, bytes], ...]:
    """Every base as (`name.cii` or `name.ubl`, its XML), then those of the other profiles (`name.basic.cii`)."""
    written = [(f"{name}.cii", write_cii(invoice)) for name, invoice in invoices()]
    written += [(f"{name}.ubl", write_ubl(invoice)) for name, invoice in invoices()]
    return (*written, *extended_documents(), *profiled(invoices()))


def invoices() -> Iterator[tuple[str, Invoice]]:
    """Every base as (name, invoice)."""
    yield "plain", plain_bases.plain()
    yield "two_rates", plain_bases.two_rates()
    yield "allowances", plain_bases.with_allowances()
    yield "credit_note", plain_bases.credit_note()
    yield "corrective", plain_bases.corrective()
    yield "paid", plain_bases.paid()
    yield "references", rare_bases.with_references()
    yield "parties", rare_bases.with_parties()
    yield "foreign_currency", rare_bases.foreign_currency()
    yield "direct_debit", rare_bases.direct_debit()
    yield "card", rare_bases.card()
    yield "global_rebate", plain_bases.global_rebate()
    yield "single_taxable_person", rare_bases.single_taxable_person()
    yield "prices", rare_bases.with_prices()
    yield "two_categories", plain_bases.two_categories()
    for category in ("Z", "E", "AE", "K", "G", "O"):
        yield f"category_{category}", plain_bases.untaxed(category)
