"""What the library's commands say to people: the line of the invoice, the field, the value, the remedy."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.text import Text

from faitfoi.einvoice.findings import Severity
from faitfoi.einvoice.places import term_name

STYLE = {Severity.FATAL: "red", Severity.WARNING: "yellow", Severity.INFORMATION: "cyan"}
MARK = {Severity.FATAL: "✗", Severity.WARNING: "!", Severity.INFORMATION: "·"}
ORDER = tuple(Severity)
FORMATS = {
    "facturx": "Factur-X",
    "cii": "CII",
    "ubl_invoice": "UBL",
    "ubl_credit_note": "UBL CreditNote",
    "json": "JSON",
}
WORDS = {
    "fr": {
        "valid": "valide",
        "invalid": "non valide",
        "unreadable": "illisible",
        "colon": " : ",
        "quoted": "« {} »",
        "more": " et {} autres",
        "one_more": " et 1 autre",
        "remarks": "{} remarques sans conséquence : --all les montre",
        "one_remark": "1 remarque sans conséquence : --all la montre",
        "files": "{} en {} s : {}, {}, {}.",
        "file": "fichier",
        "known": "Déjà jugés, repris du compte rendu : {}.",
        "broken": "Règles les plus enfreintes : {}.",
        "stopped": "Interrompu : {} sur {}.",
    },
    "en": {
        "valid": "valid",
        "invalid": "not valid",
        "unreadable": "unreadable",
        "colon": ": ",
        "quoted": "“{}”",
        "more": " and {} others",
        "one_more": " and 1 other",
        "remarks": "{} harmless remarks: --all shows them",
        "one_remark": "1 harmless remark: --all shows it",
        "files": "{} in {} s: {}, {}, {}.",
        "file": "file",
        "known": "Judged before, taken from the report: {}.",
        "broken": "Rules most often broken: {}.",
        "stopped": "Interrupted: {} of {}.",
    },
}
_PLACES_SHOWN = 3
_RULES_SHOWN = 5
_LONGEST_VALUE = 80


@dataclass(slots=True)
class Subject:
    """A business term that is at fault, wherever it is."""

    term: str
    places: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    times: int = 0

    def add(self, finding: dict[str, Any]) -> None:
        """Count one more finding about it."""
        self.times += 1
        if finding["place"] and finding["place"] not in self.places:
            self.places.append(finding["place"])
        if finding["value"] and finding["value"] not in self.values:
            self.values.append(finding["value"])


@dataclass(slots=True)
class Group:
    """Findings that say the same, of several places."""

    first: dict[str, Any]
    subjects: dict[str, Subject] = field(default_factory=dict)


@dataclass(slots=True)
class Counts:
    """What all the files add up to."""

    files: int = 0
    valid: int = 0
    invalid: int = 0
    unreadable: int = 0
    broken: Counter[str] = field(default_factory=Counter)

    def add(self, row: dict[str, Any]) -> None:
        """Count one report."""
        self.files += 1
        if "unreadable" in row:
            self.unreadable += 1
        elif row["valid"]:
            self.valid += 1
        else:
            self.invalid += 1
            fatal = (each["rule"] for each in row["findings"] if each["severity"] == Severity.FATAL)
            self.broken.update(set(fatal))


def show_report(
    console: Console, name: str, row: dict[str, Any], *, language: str, everything: bool, official: bool = False
) -> None:
    """Print one file's report, the gravest first; `official` keeps the official words beside ours."""
    words = WORDS[language]
    if "unreadable" in row:
        console.print(Text.assemble((f"? {words['unreadable']}", "bold red"), f"  {name}"))
        console.print(Text(f"    {row['unreadable']}"))
        return
    good = row["valid"]
    state = (f"✓ {words['valid']}", "bold green") if good else (f"✗ {words['invalid']}", "bold red")
    facts = " · ".join(filter(None, (FORMATS.get(row["format"], row["format"]), row["profile"], row["number"])))
    console.print(Text.assemble(state, f"  {name}  ", (facts, "dim")))
    findings = row["findings"]
    shown = [each for each in findings if everything or each["severity"] != Severity.INFORMATION]
    show_findings(console, shown, language=language, official=official)
    if hidden := len(findings) - len(shown):
        told = words["one_remark"] if hidden == 1 else words["remarks"].format(hidden)
        console.print(Text(f"  · {told}", style="dim"))


def show_findings(
    console: Console, findings: Iterable[dict[str, Any]], *, language: str, official: bool = False
) -> None:
    """Print findings, the gravest first, those that say the same together."""
    for group in _groups(findings, language):
        _show_group(console, group, language, official=official)


def show_counts(console: Console, counts: Counts, *, seconds: float, known: int, language: str) -> None:
    """Print what many files add up to."""
    words = WORDS[language]
    shown = f"{seconds:.1f}".replace(".", "," if language == "fr" else ".")
    states = ("valid", counts.valid), ("invalid", counts.invalid), ("unreadable", counts.unreadable)
    french = language == "fr"
    told = words["files"].format(
        how_many(counts.files, words["file"]),
        shown,
        *(how_many(number, words[state], plural=french) for state, number in states),
    )
    console.print(Text(told, style="bold"))
    if known:
        console.print(Text(words["known"].format(known)))
    if counts.invalid > 1:
        most = ", ".join(f"{rule} ({times})" for rule, times in counts.broken.most_common(_RULES_SHOWN))
        console.print(Text(words["broken"].format(most)))


def how_many(number: int, what: str, *, plural: bool = True) -> str:
    """A number and what it counts, which takes an s from two on."""
    return f"{number} {what}{'s' if plural and number > 1 else ''}"


def sentence(finding: dict[str, Any], language: str) -> str:
    """What a finding says, in that language where it has it."""
    if language == "fr":
        return str(finding["message_fr"] or finding["message"])
    return str(finding["message"])


def remedy(finding: dict[str, Any], language: str) -> str:
    """What to do about it, in that language; empty where nobody has written it."""
    return str(finding["remedy_fr" if language == "fr" else "remedy"])


def field_name(term: str, language: str) -> str:
    """A business term as people know it: « net à payer (BT-115) »."""
    name = term_name(term, language=language)
    return f"{name} ({term})" if name else term


def _groups(findings: Iterable[dict[str, Any]], language: str) -> list[Group]:
    found: dict[tuple[str, ...], Group] = {}
    for each in findings:
        group = found.setdefault((each["severity"], each["rule"], sentence(each, language)), Group(first=each))
        group.subjects.setdefault(each["term"], Subject(term=each["term"])).add(each)
    return sorted(found.values(), key=lambda group: ORDER.index(Severity(group.first["severity"])))


def _show_group(console: Console, group: Group, language: str, *, official: bool) -> None:
    severity = Severity(group.first["severity"])
    style = STYLE[severity]
    rule = group.first["rule"]
    for rank, subject in enumerate(group.subjects.values()):
        head = Text.assemble((f"  {MARK[severity]} ", style), (rule, f"bold {style}"))
        told = _subject(subject, style, language)
        console.print(Text.assemble(" " * len(head) if rank else head, "  ", told) if told else head)
    said = sentence(group.first, language)
    console.print(Text(f"    {said}"))
    if official and said != group.first["message"]:
        console.print(Text(f"    {group.first['message']}", style="dim"))
    if told_remedy := remedy(group.first, language):
        console.print(Text.assemble(("    → ", "green"), told_remedy))


def _subject(subject: Subject, style: str, language: str) -> Text:
    """The place, the field and the value."""
    words = WORDS[language]
    named = (_listed(subject.places, words), field_name(subject.term, language))
    told = Text(" · ".join(filter(None, named)))
    if subject.values:
        quoted = [words["quoted"].format(_short(value)) for value in subject.values]
        told.append((words["colon"] if told else "") + _listed(quoted, words), style=style)
    elif subject.times > 1 and not subject.places:
        told.append(f"  × {subject.times}", style="dim")
    return told


def _listed(items: list[str], words: dict[str, str]) -> str:
    more = len(items) - _PLACES_SHOWN
    told = ", ".join(items[:_PLACES_SHOWN])
    if more <= 0:
        return told
    return told + (words["one_more"] if more == 1 else words["more"].format(more))


def _short(value: str) -> str:
    line = " ".join(value.split())
    return line if len(line) <= _LONGEST_VALUE else line[: _LONGEST_VALUE - 1] + "…"
