"""Seller and buyers of the demonstration's invoices: the record of `seed.toml` and the address of the invoice book."""

from collections.abc import Mapping
from typing import Any

from faitfoi.cli.demonstration.seed import organisation
from faitfoi.einvoice.model import Address, Buyer, Contact, Identifier, Seller

Table = Mapping[str, Any]

SIREN = "0002"
SIRET = "0009"
FRENCH_ADDRESS = "0225"
MAILBOX = "EM"

# BAR of BT-21: how the tax office will have to be told, by nature of the customer; public buyers have no value.
TREATMENTS = {"taxable": "B2B", "foreign": "B2BINT", "not_taxable": "B2C", "consumer": "B2C"}


def seller_of(book: Table) -> Seller:
    """The seller (BG-4) of a book: the organisation's identity, the book's address and contact."""
    table = book["seller"]
    record = organisation(table["reference"])
    return Seller(
        name=record["name"],
        identifiers=(Identifier(value=record["siret"], scheme=SIRET),),
        legal_registration=Identifier(value=record["siren"], scheme=SIREN),
        vat_identifier=table.get("vat_identifier", ""),
        tax_registration=table.get("tax_registration", ""),
        additional_legal_information=table["legal_information"],
        electronic_address=Identifier(value=record["siren"], scheme=FRENCH_ADDRESS),
        address=address(table),
        contact=Contact(point=table["contact"], telephone=table["telephone"], email=table["email"]),
    )


def buyer_of(reference: str, book: Table) -> Buyer:
    """The buyer (BG-7) of that customer reference, or the one the book alone knows."""
    record = _record(reference, book)
    siren = record.get("siren", "")
    siret = record.get("siret", "")
    return Buyer(
        name=record["name"],
        identifiers=(Identifier(value=siret, scheme=SIRET),) if siret else (),
        legal_registration=Identifier(value=siren, scheme=SIREN) if siren else None,
        vat_identifier=record.get("vat_number", ""),
        electronic_address=_electronic_address(record),
        address=address(record),
    )


def nature_of(reference: str, book: Table) -> str:
    """What that buyer is before the law (`records.stages.Nature`)."""
    return str(_record(reference, book)["nature"])


def address(table: Table) -> Address:
    """A postal address from a table, in France unless it says otherwise."""
    return Address(
        line_one=table["line_one"],
        line_two=table.get("line_two", ""),
        city=table["city"],
        postcode=table["postcode"],
        country=table.get("country", "FR"),
    )


def _record(reference: str, book: Table) -> Table:
    known = {one["reference"]: one for one in organisation(book["seller"]["reference"])["customers"]}
    record: dict[str, Any] = {**known.get(reference, {}), **book["buyers"][reference]}
    return record


def _electronic_address(record: Table) -> Identifier:
    if value := record.get("electronic_address"):
        return Identifier(value=value, scheme=record.get("scheme", FRENCH_ADDRESS))
    return Identifier(value=record["billing_email"], scheme=MAILBOX)
