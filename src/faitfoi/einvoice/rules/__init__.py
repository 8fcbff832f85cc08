"""Every rule as one function on the model: EN 16931, the French rules, and ours where they are silent."""

from faitfoi.einvoice.rules import catalogue
from faitfoi.einvoice.rules.case import Case
from faitfoi.einvoice.rules.engine import DEFAULT_FAMILIES, RULES, Family, Offence, Rule, check_rules, rule
from faitfoi.einvoice.rules.sheets import Sheet, Syntax, sheet_of

__all__ = [
    "DEFAULT_FAMILIES",
    "RULES",
    "Case",
    "Family",
    "Offence",
    "Rule",
    "Sheet",
    "Syntax",
    "catalogue",
    "check_rules",
    "rule",
    "sheet_of",
]
