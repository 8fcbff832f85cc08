"""How a rule that both extended profiles hold, under ids of their own, is written once."""

from collections.abc import Callable

from faitfoi.einvoice.findings import Severity
from faitfoi.einvoice.rules.engine import CheckT, rule

_SOURCES = {"BR-FXEXT-": "Factur-X EXTENDED", "BR-FREXT-": "EXTENDED-CTC-FR"}


def both_profiles(
    number: str, *terms: str, severity: Severity = Severity.FATAL, sentence: str = ""
) -> Callable[[CheckT], CheckT]:
    """Register a rule as BR-FXEXT-`number` (Factur-X EXTENDED) and BR-FREXT-`number` (EXTENDED-CTC-FR)."""

    def register(check: CheckT) -> CheckT:
        for prefix, source in _SOURCES.items():
            rule(prefix + number, *terms, severity=severity, source=source, sentence=sentence)(check)
        return check

    return register


def under_ids(
    ids: tuple[str, ...], *terms: str, severity: Severity = Severity.FATAL, sentence: str = ""
) -> Callable[[CheckT], CheckT]:
    """Register one rule under several ids, when the profiles do not number it alike."""

    def register(check: CheckT) -> CheckT:
        for rule_id in ids:
            source = next(name for prefix, name in _SOURCES.items() if rule_id.startswith(prefix))
            rule(rule_id, *terms, severity=severity, source=source, sentence=sentence)(check)
        return check

    return register
