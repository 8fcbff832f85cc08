"""Whether our rules and the official sheets say the same of a document, by rule id."""

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from faitfoi.einvoice.cii import write_cii
from faitfoi.einvoice.findings import Finding
from faitfoi.einvoice.official import check_official
from faitfoi.einvoice.reading import Reading, read
from faitfoi.einvoice.rules.engine import Family
from faitfoi.einvoice.rules.judging import check_reading, syntax_of
from faitfoi.einvoice.rules.sheets import Sheet, held_by, sheet_of

FRENCH_IDS: Final = "BR-FR-"
_NAMED = re.compile(r"\s*\[(BR-[\w-]+)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What both judges say of one document, as ids of the rules found broken.

    `ours` and `official` hold the ids that both judges can report: the rules of EN 16931 that the document's sheet
    holds (BR-…, BR-CO-…, BR-DEC-…, BR-CL-…, the VAT families, in the extended profiles BR-FXEXT-… or BR-FREXT-…) and
    the French ones (BR-FR-…) under the ids of that syntax. `extra` are our own rules (FF-…), which the official judge
    does not have; `apart` the official ids that judge the syntax and other bodies' demands, which our rules leave to
    the readers: UBL-…, CII-…, FX-SCH-… without a BR- id in their text, PEPPOL-…, BR-DE-…, FF-XSD for the schema.
    `unjudged` are ids on which the official judge gave no verdict, because the sheet that holds them stopped.
    `ours_ms` and `official_ms` are the times of the two judgements in milliseconds, each from the document's bytes.
    """

    ours: frozenset[str]
    official: frozenset[str]
    extra: frozenset[str]
    apart: frozenset[str]
    unjudged: frozenset[str]
    ours_ms: float
    official_ms: float

    @property
    def only_ours(self) -> frozenset[str]:
        """False alarms."""
        return self.ours - self.official - self.unjudged

    @property
    def only_official(self) -> frozenset[str]:
        """What we missed."""
        return self.official - self.ours - self.unjudged

    @property
    def differences(self) -> frozenset[str]:
        """False alarms and misses together; empty when the judges agree."""
        return self.only_ours | self.only_official

    @property
    def verdicts(self) -> int:
        """How many rules at least one judge finds broken, and on which both gave a verdict."""
        return len((self.ours | self.official) - self.unjudged)

    @property
    def agreed_verdicts(self) -> int:
        """How many rules both judges find broken."""
        return len((self.ours & self.official) - self.unjudged)


def compare(document: bytes | Reading, *, br_fr: bool = True) -> Agreement:
    """Both verdicts on one document: a Factur-X or ZUGFeRD PDF, CII, UBL, our JSON, or what was read from one.

    The official judge runs the schema and the document's sheet, and the French rules (BR-FR-Flux2) unless `br_fr` is
    False; ours runs the same families and our own rules. JSON is judged as the CII it would become. Raises
    `einvoice.reading.Unreadable` when the document cannot be read.
    """
    reading = read(document) if isinstance(document, bytes) else document
    if not reading.xml:
        reading = read(write_cii(reading.invoice))
    sheet = sheet_of(reading.invoice.process.specification, syntax_of(reading.format))
    families = (Family.EN16931, Family.OURS, *((Family.FRENCH,) if br_fr else ()))
    started = time.perf_counter()
    ours = check_reading(reading, families=families)
    between = time.perf_counter()
    official = check_official(reading.xml, br_fr=br_fr)
    ended = time.perf_counter()
    found, expected = ids_compared(ours, sheet), ids_compared(official, sheet)
    return Agreement(
        ours=found,
        official=expected,
        extra=frozenset(finding.rule for finding in ours) - found,
        apart=frozenset(map(official_id, official)) - expected,
        unjudged=_unjudged(reading.xml, found | expected) if _stopped(official) else frozenset(),
        ours_ms=1000 * (between - started),
        official_ms=1000 * (ended - between),
    )


def ids_compared(findings: Iterable[Finding], sheet: Sheet) -> frozenset[str]:
    """The ids among those findings that both judges can report on a document of that sheet; see `Agreement`."""
    held = held_by(sheet)
    named = map(official_id, findings)
    return frozenset(rule for rule in named if rule in held or rule.startswith(FRENCH_IDS))


def official_id(finding: Finding) -> str:
    """The id of an official finding as EN 16931 knows it.

    Factur-X's BASIC and MINIMUM sheets number every rule FX-SCH-A-…, and name EN 16931's in their text; an assertion
    without a number is named there too.
    """
    by_number = finding.rule.startswith("FX-SCH-") or finding.rule == "FF-SCHEMATRON"
    named = _NAMED.match(finding.message) if by_number else None
    return named.group(1) if named else finding.rule


def _stopped(official: Iterable[Finding]) -> bool:
    return any(finding.rule == "FF-XSLT" for finding in official)


def _unjudged(xml: bytes, rules: frozenset[str]) -> frozenset[str]:
    """The rules of the sheet that stopped before its verdict: nothing can be said of them."""
    core_stopped = _stopped(check_official(xml, br_fr=False))
    return frozenset(rule for rule in rules if core_stopped or rule.startswith(FRENCH_IDS))
