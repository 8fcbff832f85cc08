"""One invoice before the rules, with what several of them need computed once."""

from functools import cached_property

from faitfoi.einvoice.model import Invoice
from faitfoi.einvoice.rules.sheets import Sheet, Syntax, sheet_of


class Case:
    """What a rule is given: the invoice, its syntax, the sheet that would judge it, and shared sums.

    Everything is read-only and computed at first use; a case serves one check and is thrown away.
    """

    def __init__(self, invoice: Invoice, *, syntax: Syntax) -> None:
        self.invoice = invoice
        self.syntax = syntax
        self.ubl = syntax is not Syntax.CII

    @cached_property
    def sheet(self) -> Sheet:
        """The official sheet for this document."""
        return sheet_of(self.invoice.process.specification, self.syntax)
