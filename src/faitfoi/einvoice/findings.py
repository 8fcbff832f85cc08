"""What a check has to say about an invoice: data, never an exception."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Weight of a finding; `fatal` makes the invoice invalid (SVRL `flag`, absent = fatal)."""

    FATAL = "fatal"
    WARNING = "warning"
    INFORMATION = "information"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One remark on one document.

    `rule` is the official id verbatim (`BR-CO-10`), or ours in the form `FF-…`; `term` the business term (`BT-106`)
    or empty when none is named; `path` the place in the source document; `value` the offending value if known.
    """

    rule: str
    severity: Severity
    message: str
    term: str = ""
    path: str = ""
    value: str = ""


def is_valid(findings: tuple[Finding, ...]) -> bool:
    """True when no finding is fatal."""
    return all(finding.severity is not Severity.FATAL for finding in findings)
