"""One document before both judges, and why they differ when they do."""

from dataclasses import dataclass

from faitfoi.einvoice.cii import write_cii
from faitfoi.einvoice.model import Invoice
from faitfoi.einvoice.official import check_official
from faitfoi.einvoice.reading import read
from faitfoi.einvoice.rules import Syntax, sheet_of
from faitfoi.einvoice.rules.agreement import Agreement, compare, ids_compared
from faitfoi.einvoice.rules.judging import syntax_of
from faitfoi.einvoice.ubl import write_ubl


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What both judges say of one document, by rule id.

    `read_away` holds the differences that are gone when the official judge sees what our reader understood instead
    of the document itself: the value was lost while reading (white space, a repeated element…), not by a rule.
    """

    agreement: Agreement
    read_away: frozenset[str]

    @property
    def well_formed(self) -> bool:
        """False when the official schema refuses the document before any rule."""
        return "FF-XSD" not in self.agreement.apart


def explain(xml: bytes) -> Comparison:
    """Both verdicts on one CII or UBL document. Raises `einvoice.reading.Unreadable` when it cannot be read."""
    reading = read(xml)
    agreement = compare(reading)
    read_away: frozenset[str] = frozenset()
    if agreement.differences:
        syntax = syntax_of(reading.format)
        sheet = sheet_of(reading.invoice.process.specification, syntax)
        understood = ids_compared(check_official(rewritten(reading.invoice, syntax), br_fr=True), sheet)
        read_away = frozenset(
            rule for rule in agreement.differences if (rule in agreement.ours) == (rule in understood)
        )
    return Comparison(agreement=agreement, read_away=read_away)


def rewritten(invoice: Invoice, syntax: Syntax) -> bytes:
    """What our reader understood, written again in the same syntax."""
    return write_cii(invoice) if syntax is Syntax.CII else write_ubl(invoice)
