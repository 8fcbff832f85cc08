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
    or empty when none is named; `path` the place in the source document (an XPath with the usual prefixes, in our JSON
    `$.lines[2].quantity`), the field for a model that no document was read for; `field` the field of the model
    (`lines[2].quantity`) when our rules know it; `value` the offending value if known; `line` the identifier (BT-126)
    of the invoice line; `source` the version of the rules and where the rule was learnt, for those that come in dated
    packs, in French.
    `message_fr` and the remedies are empty where nobody has written them: `message` is then all there is.
    """

    rule: str
    severity: Severity
    message: str
    term: str = ""
    path: str = ""
    field: str = ""
    value: str = ""
    line: str = ""
    message_fr: str = ""
    remedy: str = ""
    remedy_fr: str = ""
    source: str = ""


def is_valid(findings: tuple[Finding, ...]) -> bool:
    """True when no finding is fatal."""
    return all(finding.severity is not Severity.FATAL for finding in findings)
