"""A document that was read, judged by our rules with the facts its model does not keep."""

from collections.abc import Collection
from dataclasses import replace

from faitfoi.einvoice.findings import Finding
from faitfoi.einvoice.reading import Format, Reading
from faitfoi.einvoice.rules.engine import DEFAULT_FAMILIES, Family, check_rules
from faitfoi.einvoice.rules.look import look
from faitfoi.einvoice.rules.sheets import Syntax
from faitfoi.einvoice.xml import parse_xml

_SYNTAXES = {Format.UBL_INVOICE: Syntax.UBL_INVOICE, Format.UBL_CREDIT_NOTE: Syntax.UBL_CREDIT_NOTE}


def syntax_of(kind: Format) -> Syntax:
    """The syntax that decides which official sheet ours must equal; our JSON is judged as the CII it would become."""
    return _SYNTAXES.get(kind, Syntax.CII)


def check_reading(reading: Reading, *, families: Collection[Family] = DEFAULT_FAMILIES) -> tuple[Finding, ...]:
    """Everything our rules have to say about a document that was read; see `check_rules`.

    The reader's own findings are not repeated.
    """
    syntax = syntax_of(reading.format)
    if not reading.xml:
        findings = check_rules(reading.invoice, syntax=syntax, families=families)
        return tuple(replace(finding, path=f"$.{finding.field}" if finding.field else "$") for finding in findings)
    invoice, source = look(parse_xml(reading.xml), reading.invoice, reading.findings)
    return check_rules(invoice, syntax=syntax, families=families, source=source)
