"""What a message says: its object and its short body, as text and as HTML of the same words.

No picture, no link of ours: nothing to track, nothing to click, nothing that a filter may take for phishing. The words
are ours (`catalogue`) or the organisation's own; what they may name stands between braces, and nothing is computed.
"""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from faitfoi.channels.texts.catalogue import (
    ANSWERS,
    FALLBACK,
    KINDS,
    LABELS,
    LANGUAGES,
    MONTHS,
    NOUNS,
    PLACES,
    TEXTS,
)

PLACEHOLDERS = ("number", "numbers", "date", "seller", "siret", "buyer", "amount", "count", "place", "answer", "facts")
LONGEST_SUBJECT = 200
LONGEST_BODY = 5000
MOST_NAMED = 6
"""Numbers in an object; the body names them all."""
_BRACED = re.compile(r"\{([^{}]*)\}")


class BadText(ValueError):
    """A text that cannot be used; a French sentence that names what is wrong, and what may stand there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the words are about; every text is on one line already. `payable` is empty when nothing is to be said.

    `texts` are the organisation's own by kind (object, body), in `language`; `place` is the channel of the invoice that
    a notice is about.
    """

    document_kind: str
    purpose: str
    number: str
    issue_date: date
    seller_name: str
    seller_siret: str
    payable: str
    annexes: Sequence[str]
    can_answer: bool
    buyer_name: str = ""
    place: str = ""
    language: str = FALLBACK
    texts: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One message's object and the two forms of its body, and the language they are in."""

    subject: str
    plain: str
    html: str
    language: str


def word(facts: Facts, others: Sequence[Facts] = ()) -> Words:
    """Give the words for one document, or for several in one message. Raises KeyError for a kind without words.

    A language without words falls back to French; `Words.language` says so.
    """
    language = facts.language if facts.language in LANGUAGES else FALLBACK
    kind = _kind(facts, several=bool(others))
    own = facts.texts if language == facts.language else {}
    subject, body = own.get(kind) or TEXTS[language, kind]
    every = (facts, *others)
    values = _values(facts, every, language=language)
    rows = [row for each in every for row in _rows(each, language=language, several=bool(others))]
    if facts.annexes:
        rows.append((LABELS[language]["annexes"], ", ".join(facts.annexes)))
    shown = " ".join(_filled(subject, values | {"facts": ""}).split())
    return Words(
        subject=shown,
        plain=_plain(body, values, rows, language=language),
        html=_page(body, values, rows, subject=shown, language=language),
        language=language,
    )


def check_text(language: str, kind: str, subject: str, body: str) -> None:
    """Raise BadText unless an organisation may say this."""
    if language not in LANGUAGES:
        raise BadText(f"La langue « {language[:10]} » n’a pas de textes : choisissez {' ou '.join(LANGUAGES)}.")
    if kind not in KINDS:
        raise BadText(f"La sorte de message « {kind[:30]} » n’existe pas : choisissez parmi {', '.join(KINDS)}.")
    if not subject.strip() or len(subject) > LONGEST_SUBJECT or "\n" in subject.strip():
        raise BadText(f"L’objet doit tenir sur une ligne, de 1 à {LONGEST_SUBJECT} caractères.")
    if not body.strip() or len(body) > LONGEST_BODY:
        raise BadText(f"Le texte doit avoir de 1 à {LONGEST_BODY} caractères.")
    for place, text in (("L’objet", subject), ("Le texte", body)):
        unknown = [name for name in _BRACED.findall(text) if name not in PLACEHOLDERS]
        stray = _BRACED.sub("", text)
        if unknown or "{" in stray or "}" in stray:
            named = f"« {{{unknown[0][:30]}}} »" if unknown else "une accolade seule"
            known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
            raise BadText(f"{place} contient {named}, que rien ne remplit. Vous pouvez écrire {known}.")
    if "{facts}" in subject:
        raise BadText("L’objet ne peut pas contenir {facts} : ce tableau va dans le texte.")


def write_day(day: date, language: str = "fr") -> str:
    """Write a day as the language does: « 1er septembre 2026 », "1 September 2026"."""
    first = "1er" if language == "fr" else "1"
    return f"{first if day.day == 1 else day.day} {MONTHS[language][day.month - 1]} {day.year}"


def _kind(facts: Facts, *, several: bool) -> str:
    if facts.document_kind not in {"invoice", "credit_note"}:
        raise KeyError(facts.document_kind)
    noun = "several" if several else facts.document_kind
    return f"{facts.purpose}_{noun}" if facts.purpose in {"copy", "notice"} else noun


def _values(facts: Facts, every: Sequence[Facts], *, language: str) -> dict[str, str]:
    return {
        "number": facts.number,
        "numbers": ", ".join([each.number for each in every[:MOST_NAMED]] + ["…"] * (len(every) > MOST_NAMED)),
        "count": str(len(every)),
        "date": write_day(facts.issue_date, language),
        "seller": facts.seller_name,
        "siret": facts.seller_siret,
        "buyer": facts.buyer_name,
        "amount": facts.payable,
        "place": PLACES.get((language, facts.place), ""),
        "answer": ANSWERS[language, facts.can_answer],
    }


def _rows(facts: Facts, *, language: str, several: bool) -> list[tuple[str, str]]:
    labels = LABELS[language]
    if several:
        noun = NOUNS[language, facts.document_kind].capitalize()
        place = PLACES.get((language, facts.place), "")
        told = [facts.number, write_day(facts.issue_date, language), facts.payable, place]
        return [(noun, ", ".join(each for each in told if each))]
    seller = f"{facts.seller_name} (SIRET {facts.seller_siret})" if facts.seller_siret else facts.seller_name
    rows = [
        (labels["seller"], seller),
        (labels["number"], facts.number),
        (labels["date"], write_day(facts.issue_date, language)),
    ]
    if facts.payable:
        rows.append((labels[facts.document_kind], facts.payable))
    if place := PLACES.get((language, facts.place), ""):
        rows.append((labels["place"], place))
    return rows


def _filled(text: str, values: dict[str, str]) -> str:
    return _BRACED.sub(lambda found: values.get(found.group(1), found.group()), text)


def _plain(body: str, values: dict[str, str], rows: Sequence[tuple[str, str]], *, language: str) -> str:
    table = "\n".join(f"{name}{LABELS[language]['colon']}{value}" for name, value in rows)
    return _filled(body.replace("\r\n", "\n").strip(), values | {"facts": table}) + "\n"


def _page(body: str, values: dict[str, str], rows: Sequence[tuple[str, str]], *, subject: str, language: str) -> str:
    cells = "\n".join(
        f'<tr><td style="padding-right: 1.5em;">{html.escape(name)}</td><td>{html.escape(value)}</td></tr>'
        for name, value in rows
    )
    table = f'<table role="presentation" style="border-collapse: collapse;">\n{cells}\n</table>'
    escaped = {name: html.escape(value) for name, value in values.items()}
    blocks = []
    for block in re.split(r"\n[ \t]*\n", body.replace("\r\n", "\n").strip()):
        if block.strip() == "{facts}":
            blocks.append(table)
            continue
        lines = _filled(html.escape(block, quote=False), escaped | {"facts": f"</p>{table}<p>"})
        blocks.append(f"<p>{'<br>'.join(lines.splitlines())}</p>")
    return (
        f'<!DOCTYPE html>\n<html lang="{language}">\n<head><meta charset="utf-8"><title>{html.escape(subject)}</title>'
        '</head>\n<body style="font-family: sans-serif; font-size: 15px; line-height: 1.5; color: #222222;">\n'
        + "\n".join(blocks)
        + "\n</body>\n</html>\n"
    )
