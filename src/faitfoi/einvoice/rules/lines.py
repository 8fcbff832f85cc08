"""Which lines most rules need not look at: an invoice of a thousand lines has few that are out of the ordinary."""

from collections.abc import Iterable
from decimal import Decimal

from faitfoi.einvoice.model import InvoiceLine
from faitfoi.einvoice.rules.marks import NOT_VAT, filled

_ZERO = Decimal(0)

Placed = tuple[int, InvoiceLine]
"""A line and its position."""


def particular(lines: Iterable[InvoiceLine]) -> list[Placed]:
    """The lines that are not plain, with their positions."""
    return [(place, line) for place, line in enumerate(lines) if not is_plain(line)]


def is_plain(line: InvoiceLine) -> bool:
    """Whether a line has all that each must have, a price above nought, and nothing else that rules ask something of.

    What is not looked at here, rules look for on every line: codes, rates, decimals, other lines' identifiers.
    """
    price, item, category = line.price, line.item, line.vat.category
    return (
        filled(line.identifier)
        and line.quantity is not None
        and line.unit != ""
        and line.net_amount is not None
        and price.net is not None
        and price.net > _ZERO
        and category != ""
        and category[0] != NOT_VAT
        and filled(item.name)
        and price.gross is None
        and line.period is None
        and line.invoiced_object is None
        and not (
            line.allowances
            or line.charges
            or item.attributes
            or item.classifications
            or item.standard_identifier
            or item.origin_country
            or price.base_quantity_unit
        )
    )
