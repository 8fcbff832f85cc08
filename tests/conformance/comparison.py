"""One document before both judges: which official rules each of them finds broken."""

import re
from dataclasses import dataclass
from typing import Final

from faitfoi.einvoice.cii import write_cii
from faitfoi.einvoice.findings import Finding
from faitfoi.einvoice.model import Invoice
from faitfoi.einvoice.official import check_official
from faitfoi.einvoice.reading import Format, read
from faitfoi.einvoice.rules import Family, Syntax, check_rules
from faitfoi.einvoice.ubl import write_ubl

# UBL-*, CII-*, FX-SCH-* and the schema judge the syntax: our readers' findings answer them, not our rules.
_COMPARED = re.compile(r"BR-")
_FRENCH = re.compile(r"BR-FR-")

SYNTAXES: Final = {
    Format.CII: Syntax.CII,
    Format.FACTURX: Syntax.CII,
    Format.UBL_INVOICE: Syntax.UBL_INVOICE,
    Format.UBL_CREDIT_NOTE: Syntax.UBL_CREDIT_NOTE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What both judges say of one document, by rule id.

    `read_away` holds the differences that are gone when the official judge sees what our reader understood instead
    of the document itself: the value was lost while reading (white space, a repeated element…), not by a rule.
    `well_formed` is False when the official schema refuses the document before any rule.
    """

    ours: frozenset[str]
    official: frozenset[str]
    read_away: frozenset[str]
    well_formed: bool
    unjudged: frozenset[str]

    @property
    def false_alarms(self) -> frozenset[str]:
        """What only we find."""
        return self.ours - self.official - self.unjudged

    @property
    def misses(self) -> frozenset[str]:
        """What only the official judge finds."""
        return self.official - self.ours - self.unjudged

    @property
    def differences(self) -> frozenset[str]:
        """False alarms and misses together."""
        return self.false_alarms | self.misses


def compare(xml: bytes) -> Comparison:
    """Both verdicts on one CII or UBL document. Raises `einvoice.reading.Unreadable` when it cannot be read."""
    reading = read(xml)
    syntax = SYNTAXES[reading.format]
    ours = our_ids(reading.invoice, syntax)
    findings = check_official(reading.xml, br_fr=True)
    official = compared(findings)
    unjudged: frozenset[str] = frozenset()
    if any(finding.rule == "FF-XSLT" for finding in findings):
        unjudged = _unjudged(reading.xml, ours | official)
    read_away: frozenset[str] = frozenset()
    different = (ours ^ official) - unjudged
    if different:
        understood = compared(check_official(rewritten(reading.invoice, syntax), br_fr=True))
        read_away = frozenset(rule for rule in different if (rule in ours) == (rule in understood))
    return Comparison(
        ours=ours,
        official=official,
        read_away=read_away,
        well_formed=not any(finding.rule == "FF-XSD" for finding in findings),
        unjudged=unjudged,
    )


def our_ids(invoice: Invoice, syntax: Syntax) -> frozenset[str]:
    """The official ids that our rules find broken, the French ones included."""
    return compared(check_rules(invoice, syntax=syntax, families=(Family.EN16931, Family.FRENCH)))


def compared(findings: tuple[Finding, ...]) -> frozenset[str]:
    """The ids that both judges know."""
    return frozenset(finding.rule for finding in findings if _COMPARED.match(finding.rule))


def rewritten(invoice: Invoice, syntax: Syntax) -> bytes:
    """What our reader understood, written again in the same syntax."""
    return write_cii(invoice) if syntax is Syntax.CII else write_ubl(invoice)


def _unjudged(xml: bytes, rules: frozenset[str]) -> frozenset[str]:
    """The rules of the sheet that stopped before its verdict: nothing can be said of them."""
    core_stopped = any(finding.rule == "FF-XSLT" for finding in check_official(xml, br_fr=False))
    return frozenset(rule for rule in rules if core_stopped or _FRENCH.match(rule))
