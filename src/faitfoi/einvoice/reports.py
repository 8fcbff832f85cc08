"""What was found in an invoice, as values that `json.dumps` takes: what the commands print and processes exchange."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from faitfoi.einvoice.findings import Finding, is_valid
from faitfoi.einvoice.model import Invoice
from faitfoi.einvoice.places import place_of, value_of
from faitfoi.einvoice.reading import Reading

if TYPE_CHECKING:  # it would load the official judge
    from faitfoi.einvoice.rules.agreement import Agreement


def report(reading: Reading, findings: Iterable[Finding], *, language: str = "fr") -> dict[str, object]:
    """One document and the findings about it; `place` is in that language ("fr" or "en"), messages in both."""
    told = tuple(findings)
    return {
        "format": reading.format.value,
        "profile": reading.profile,
        "number": reading.invoice.number,
        "valid": is_valid(told),
        "findings": as_rows(told, reading.invoice, language=language),
    }


def as_rows(findings: Iterable[Finding], invoice: Invoice, *, language: str = "fr") -> list[dict[str, str]]:
    """Findings about one invoice, each with its place in words."""
    return [_finding(finding, invoice, language) for finding in findings]


def comparison(agreement: "Agreement") -> dict[str, object]:
    """Both verdicts on one document: ids in order, with our own rules (`own`) and those of the syntax (`apart`) apart.

    `unjudged` are ids on which the official judge stopped before its verdict. Times in milliseconds.
    """
    return {
        "ours": sorted(agreement.ours),
        "official": sorted(agreement.official),
        "only_ours": sorted(agreement.only_ours),
        "only_official": sorted(agreement.only_official),
        "own": sorted(agreement.extra),
        "apart": sorted(agreement.apart),
        "unjudged": sorted(agreement.unjudged),
        "verdicts": agreement.verdicts,
        "agreed_verdicts": agreement.agreed_verdicts,
        "ours_ms": round(agreement.ours_ms, 3),
        "official_ms": round(agreement.official_ms, 3),
    }


def _finding(finding: Finding, invoice: Invoice, language: str) -> dict[str, str]:
    place = place_of(finding, invoice, language=language)
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "term": finding.term,
        "message": finding.message,
        "message_fr": finding.message_fr,
        "remedy": finding.remedy,
        "remedy_fr": finding.remedy_fr,
        "value": value_of(finding, invoice),
        "line": place.line,
        "item": place.item,
        "place": place.words,
        "path": finding.path,
        "field": finding.field,
    }
