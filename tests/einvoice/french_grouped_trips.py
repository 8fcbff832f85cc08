"""All changes, those that break the rules on grouped invoices included (several sellers, invoicing on behalf)."""

from dataclasses import replace
from decimal import Decimal

from faitfoi.einvoice.model import Identifier, InvoiceLine, Price
from tests.einvoice.french_trips import TRIPS, address, process, seller, trips

__all__ = ["TRIPS"]


def _of_origin(line: InvoiceLine) -> InvoiceLine:
    return replace(line, invoiced_object=Identifier(value="O-1", scheme="AFL"), price=Price(net=Decimal(1)))


_SEVERAL = "BR-FR-MV-02_EXT-FR-FE-163 BR-FR-MV-06_EXT-FR-FE-167"
_BEHALF = "BR-FR-BD-02_EXT-FR-FE-163 BR-FR-BD-02_BT-47 BR-FR-MV-06_EXT-FR-FE-167"
trips(
    "several sellers",
    lambda i: process(replace(i, lines=tuple(map(_of_origin, i.lines))), "M8"),
    cii=_SEVERAL,
    ubl=f"{_SEVERAL} BR-FR-MV-01_EXT-FR-FE-163",
)
trips(
    "several sellers without origin",
    lambda i: process(i, "S8"),
    cii=f"{_SEVERAL} BR-FR-MV-07_BT-128",
    ubl=f"{_SEVERAL} BR-FR-MV-07_BT-128 BR-FR-MV-01_EXT-FR-FE-163",
)
trips(
    "several sellers self-billed",
    lambda i: seller(
        process(replace(i, type_code="389", lines=tuple(map(_of_origin, i.lines))), "B8"),
        electronic_address=address("000000018"),
    ),
    cii=f"{_SEVERAL} BR-FR-MV-13_BT-3",
    ubl=f"{_SEVERAL} BR-FR-MV-13_BT-3 BR-FR-MV-01_EXT-FR-FE-163",
)
trips(
    "on behalf, not self-billed",
    lambda i: process(replace(i, lines=tuple(map(_of_origin, i.lines))), "S9"),
    cii=f"{_BEHALF} BR-FR-BD-02_BT-31 BR-FR-BD-13_BT-3",
    ubl=f"{_BEHALF} BR-FR-BD-02_BT-30 BR-FR-MV-BD_BT-3 BR-FR-MV-01_EXT-FR-FE-163",
)
