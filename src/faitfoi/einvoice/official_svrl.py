"""Schematron's report (SVRL, ISO/IEC 19757-3) read into findings."""

import re
from collections.abc import Iterator
from typing import cast

from lxml import etree

from faitfoi.einvoice.findings import Finding, Severity

_SVRL = "{http://purl.oclc.org/dsdl/svrl}"
_TERM = re.compile(r"(?<![A-Za-z])B[TG]-\d+(?:-\d+)?")
_NAMESPACE_TEST = re.compile(r"\[namespace-uri\(\)\s*=\s*(?:'[^']*'|\"[^\"]*\")\]|Q\{[^}]*\}|\*:")
_STEP = re.compile(r"(@?)(?:[\w.-]+:)?([\w.-]+)(?:\[(\d+)\])?$")
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)

# Empty elements are untidy, not wrong: the sheet itself writes "still status warning" after its own message.
_INFORMATION = frozenset({"PEPPOL-EN16931-R008"})


def read_svrl(svrl: str, root: etree._Element) -> Iterator[Finding]:
    """The failed assertions and successful reports of one report, in its order; `root` is the document judged.

    Severity is the `flag`, fatal when absent. `path` keeps names and positions without namespaces; `value` is the
    text found there when it is a leaf.
    """
    report = etree.fromstring(svrl.encode(), parser=_PARSER)
    for failed in report.iter(f"{_SVRL}failed-assert", f"{_SVRL}successful-report"):
        message = " ".join("".join(cast("Iterator[str]", failed.itertext())).split())
        rule = failed.get("id") or "FF-SCHEMATRON"
        path = short_path(failed.get("location", ""))
        yield Finding(
            rule=rule,
            severity=_severity(rule, failed.get("flag")),
            message=message,
            term=term_in(message, rule, failed.get("test", "")),
            path=path,
            value=_value_at(root, path),
        )


def term_in(*texts: str) -> str:
    """The first business term (`BT-106`) the texts name, in order; else the first group (`BG-25`); else ''."""
    terms = [match.group() for text in texts for match in _TERM.finditer(text)]
    return next((term for term in terms if term.startswith("BT")), terms[0] if terms else "")


def short_path(location: str) -> str:
    """An SVRL location without its namespaces: `/Invoice[1]/TaxTotal[1]`."""
    return _NAMESPACE_TEST.sub("", location)


def _severity(rule: str, flag: str | None) -> Severity:
    if rule in _INFORMATION:
        return Severity.INFORMATION
    match (flag or "fatal").strip().lower():
        case "warning":
            return Severity.WARNING
        case "information" | "info":
            return Severity.INFORMATION
        case _:
            return Severity.FATAL


def _value_at(root: etree._Element, path: str) -> str:
    """The text of the leaf or attribute at a short path; '' for a branch, or when the path leads nowhere."""
    node = root
    for step in path.split("/")[2:]:
        match = _STEP.match(step)
        if match is None:
            return ""
        attribute, name, position = match.groups()
        if attribute:
            return node.get(name, "")
        same = [child for child in node if isinstance(child.tag, str) and etree.QName(child).localname == name]
        if len(same) < int(position or 1):
            return ""
        node = same[int(position or 1) - 1]
    return "" if len(node) else (node.text or "").strip()
