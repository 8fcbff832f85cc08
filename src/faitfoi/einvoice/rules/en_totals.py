"""EN 16931: the totals of the document (BG-22) follow from its lines, allowances, charges and VAT."""

from decimal import Decimal

from faitfoi.einvoice.rules.case import Case
from faitfoi.einvoice.rules.engine import rule


@rule("BR-CO-10", "BT-106")
def sum_of_line_net_amounts(case: Case) -> bool:
    """The lines' net amounts (BT-131) add up to the total given for them (BT-106)."""
    lines = case.invoice.lines
    return case.invoice.totals.line_net == sum((line.net_amount or Decimal(0) for line in lines), Decimal(0))
