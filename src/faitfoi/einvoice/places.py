"""Where in an invoice a finding is, in words that people use: « ligne 3 « Gazole » », not an XPath."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files

from faitfoi.einvoice.findings import Finding
from faitfoi.einvoice.model import DocumentAllowanceCharge, Identifier, Invoice, InvoiceLine, term_paths

LANGUAGES = ("fr", "en")

_STEP = re.compile(r"(?:^|[./])(?:[\w-]+:)?(\w+)(?:\[(\d+)\])?")
_MODEL_LINE = re.compile(r"^lines\[(\d+)\]")
_MODEL_GROUP = re.compile(r"^(vat_breakdown|allowances|charges|notes|supporting_documents)\[(\d+)\]")
_LINES = frozenset({"IncludedSupplyChainTradeLineItem", "InvoiceLine", "CreditNoteLine"})
_LONGEST = 60
_INNER = frozenset({"address", "contact"})  # they say nothing of whose they are

_WORDS = {
    "fr": {
        "line": "ligne {0}",
        "named": "ligne {0} « {1} »",
        "vat_breakdown": "TVA {0}",
        "allowances": "remise {0}",
        "charges": "frais {0}",
        "notes": "note {0}",
        "supporting_documents": "pièce {0}",
    },
    "en": {
        "line": "line {0}",
        "named": "line {0} “{1}”",
        "vat_breakdown": "VAT {0}",
        "allowances": "allowance {0}",
        "charges": "charge {0}",
        "notes": "note {0}",
        "supporting_documents": "document {0}",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The invoice line a finding is about, as people know it; both empty when it is about the whole document.

    `line` is its identifier (BT-126), or its rank from 1 when it has none; `item` the name of its item (BT-153);
    `words` the place in words, which may also be another repeated group (`remise 2`).
    """

    line: str = ""
    item: str = ""
    words: str = ""


def place_of(finding: Finding, invoice: Invoice, *, language: str = "fr") -> Place:
    """The place of `finding` in the invoice it is about, in French ("fr") or English ("en")."""
    said = _WORDS[language]
    found = _line(finding, invoice)
    if found is not None:
        rank, line = found
        name = line.item.name if line is not None else ""
        name = name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"
        known = (line.identifier if line is not None else "") or finding.line or str(rank)
        words = said["named"].format(known, name) if name else said["line"].format(known)
        return Place(line=known, item=name, words=words)
    group = _MODEL_GROUP.match(finding.field or finding.path)
    if group is None:
        return Place()
    return Place(words=said[group[1]].format(_member(invoice, group[1], int(group[2]))))


def term_name(code: str, *, language: str = "fr") -> str:
    """What people call the business term `code` ("BT-131": « montant net de la ligne »); empty when it has no name.

    A term of the extended profiles is called by its field and by what holds it: « ville (payeur) ».
    """
    which = LANGUAGES.index(language)
    names = _names("names")
    if code in names:
        return names[code][which]
    *holders, last = term_paths().get(code, "").replace("[]", "").split(".")
    fields = _names("fields")
    if last not in fields:
        return ""
    known = {**fields, **_names("holders")}
    holder = next((known[each][which] for each in reversed(holders) if each in known and each not in _INNER), "")
    return f"{fields[last][which]} ({holder})" if holder else fields[last][which]


def value_of(finding: Finding, invoice: Invoice) -> str:
    """The offending value: what the finding says, else what the invoice has for its term; empty when it has none."""
    if finding.value:
        return finding.value
    path = term_paths().get(finding.term, "")
    if path.startswith("lines[]."):
        found = _line(finding, invoice)
        owner: object = found[1] if found is not None else None
        path = path.removeprefix("lines[].")
    else:
        owner = invoice
    for name in path.split("."):
        if owner is None or not name or name.endswith("[]"):
            return ""
        owner = getattr(owner, name)
    return _told(owner)


def _told(value: object) -> str:
    """A plain value in words; empty for a group."""
    if isinstance(value, Identifier):
        return value.value
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else str(value)
    return str(value) if isinstance(value, (str, date)) else ""


def _line(finding: Finding, invoice: Invoice) -> tuple[int, InvoiceLine | None] | None:
    """The rank from 1 and the line a finding is about; the line is None when the model has no such one."""
    lines = invoice.lines
    model = _MODEL_LINE.match(finding.field or finding.path)
    if model is not None:
        return _at(int(model[1]) + 1, lines)
    for step in _STEP.finditer(finding.path):
        if step[1] in _LINES:
            return _at(int(step[2] or 1), lines)
    if finding.line:
        named = (place for place, line in enumerate(lines) if line.identifier == finding.line)
        return _at(next(named, len(lines)) + 1, lines)
    return None


def _at(rank: int, lines: tuple[InvoiceLine, ...]) -> tuple[int, InvoiceLine | None]:
    return rank, lines[rank - 1] if rank <= len(lines) else None


def _member(invoice: Invoice, group: str, index: int) -> str:
    """How to call one member of a repeated group: what it says of itself, else its rank from 1."""
    members: tuple[object, ...] = getattr(invoice, group)
    member = members[index] if index < len(members) else None
    if isinstance(member, DocumentAllowanceCharge) and member.reason:
        return f"{index + 1} « {member.reason[:_LONGEST]} »"
    if group == "vat_breakdown" and index < len(members):
        part = invoice.vat_breakdown[index]
        return " ".join(filter(None, (part.category, _rate(part.rate)))) or str(index + 1)
    return str(index + 1)


def _rate(rate: Decimal | None) -> str:
    return "" if rate is None else f"{rate.normalize():f} %"


@cache
def _names(table: str) -> Mapping[str, list[str]]:
    text = files(__package__).joinpath("term_names.toml").read_text(encoding="utf-8")
    names: dict[str, list[str]] = tomllib.loads(text)[table]
    return names
