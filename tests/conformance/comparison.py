"""One document before both judges: which official rules each of them finds broken.

UBL-*, CII-*, FX-SCH-* and the schema judge the syntax: our readers' findings answer them, not our rules.
"""

import re
from dataclasses import dataclass
from typing import Final

from faitfoi.einvoice.cii import write_cii
from faitfoi.einvoice.findings import Finding
from faitfoi.einvoice.model import Invoice
from faitfoi.einvoice.official import check_official
from faitfoi.einvoice.reading import read
from faitfoi.einvoice.rules import Family, Sheet, Syntax, sheet_of
from faitfoi.einvoice.rules.agreement import official_id
from faitfoi.einvoice.rules.judging import check_reading, syntax_of
from faitfoi.einvoice.rules.sheets import held_by
from faitfoi.einvoice.ubl import write_ubl

_FRENCH = re.compile(r"BR-FR-")

_FAMILIES: Final = (Family.EN16931, Family.FRENCH)


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
    syntax = syntax_of(reading.format)
    sheet = sheet_of(reading.invoice.process.specification, syntax)
    ours = compared(check_reading(reading, families=_FAMILIES), sheet)
    findings = check_official(reading.xml, br_fr=True)
    official = compared(findings, sheet)
    unjudged: frozenset[str] = frozenset()
    if any(finding.rule == "FF-XSLT" for finding in findings):
        unjudged = _unjudged(reading.xml, ours | official)
    read_away: frozenset[str] = frozenset()
    different = (ours ^ official) - unjudged
    if different:
        understood = compared(check_official(rewritten(reading.invoice, syntax), br_fr=True), sheet)
        read_away = frozenset(rule for rule in different if (rule in ours) == (rule in understood))
    return Comparison(
        ours=ours,
        official=official,
        read_away=read_away,
        well_formed=not any(finding.rule == "FF-XSD" for finding in findings),
        unjudged=unjudged,
    )


def compared(findings: tuple[Finding, ...], sheet: Sheet) -> frozenset[str]:
    """The ids that both judges know: the French ones, and those that the document's sheet of EN 16931 holds."""
    held = held_by(sheet)
    named = (official_id(finding) for finding in findings)
    return frozenset(rule for rule in named if rule in held or _FRENCH.match(rule))


def rewritten(invoice: Invoice, syntax: Syntax) -> bytes:
    """What our reader understood, written again in the same syntax."""
    return write_cii(invoice) if syntax is Syntax.CII else write_ubl(invoice)


def _unjudged(xml: bytes, rules: frozenset[str]) -> frozenset[str]:
    """The rules of the sheet that stopped before its verdict: nothing can be said of them."""
    core_stopped = any(finding.rule == "FF-XSLT" for finding in check_official(xml, br_fr=False))
    return frozenset(rule for rule in rules if core_stopped or _FRENCH.match(rule))
