"""What a message says: its object and its short body, as text and as HTML of the same words.

No picture, no link: nothing to track, nothing to click, nothing that a filter may take for phishing.
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from string import Template

MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin",
    "juillet", "août", "septembre", "octobre", "novembre", "décembre",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the words are about; every text is on one line already. `payable` is empty when nothing is to be said."""

    document_kind: str
    purpose: str
    number: str
    issue_date: date
    seller_name: str
    seller_siret: str
    payable: str
    annexes: Sequence[str]
    can_answer: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One message's object and the two forms of its body."""

    subject: str
    plain: str
    html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Noun:
    bare: str
    yours: str
    of_the: str
    issued: str
    amount: str


_NOUNS = {
    "invoice": _Noun(
        bare="facture", yours="votre facture", of_the="de la facture", issued="émise par", amount="Montant à payer"
    ),
    "credit_note": _Noun(
        bare="avoir", yours="votre avoir", of_the="de l’avoir", issued="émis par", amount="Montant de l’avoir"
    ),
}


def word(facts: Facts) -> Words:
    """Give the words for one document. Raises KeyError for a document kind that has no words."""
    noun = _NOUNS[facts.document_kind]
    subject = _subject(facts, noun)
    rows = _rows(facts, noun)
    values = {
        "opening": _opening(facts, noun),
        "closing": _closing(facts),
        "signature": facts.seller_name,
    }
    plain = _template("message.txt").substitute(values, facts="\n".join(f"{name} : {value}" for name, value in rows))
    escaped = {name: html.escape(value) for name, value in values.items()}
    cells = "\n".join(
        f'<tr><td style="padding-right: 1.5em;">{html.escape(name)}</td><td>{html.escape(value)}</td></tr>'
        for name, value in rows
    )
    page = _template("message.html").substitute(escaped, facts=cells, subject=html.escape(subject))
    return Words(subject=subject, plain=plain, html=page)


def write_day(day: date) -> str:
    """Write a day as French does: « 1er septembre 2026 »."""
    return f"{'1er' if day.day == 1 else day.day} {MONTHS[day.month - 1]} {day.year}"


def _subject(facts: Facts, noun: _Noun) -> str:
    match facts.purpose:
        case "copy":
            return f"Copie {noun.of_the} {facts.number} – {facts.seller_name}"
        case "notice":
            return f"Pour information : {noun.bare} {facts.number} – {facts.seller_name}"
        case _:
            return f"{noun.bare.capitalize()} {facts.number} du {write_day(facts.issue_date)} – {facts.seller_name}"


def _opening(facts: Facts, noun: _Noun) -> str:
    named = f"{facts.number} du {write_day(facts.issue_date)}, {noun.issued} {facts.seller_name}"
    if facts.purpose in {"copy", "notice"}:
        return (
            f"Vous trouverez ci-joint, pour information, une copie {noun.of_the} {named}. "
            "L’original vous est remis par une autre voie : cette copie ne le remplace pas, "
            "et il n’y a pas lieu de l’enregistrer une seconde fois."
        )
    return f"Vous trouverez ci-joint {noun.yours} {named}."


def _rows(facts: Facts, noun: _Noun) -> list[tuple[str, str]]:
    rows = [
        ("Émetteur", f"{facts.seller_name} (SIRET {facts.seller_siret})" if facts.seller_siret else facts.seller_name),
        ("Numéro", facts.number),
        ("Date", write_day(facts.issue_date)),
    ]
    if facts.payable:
        rows.append((noun.amount, facts.payable))
    if facts.annexes:
        rows.append(("Également joint", ", ".join(facts.annexes)))
    return rows


def _closing(facts: Facts) -> str:
    if facts.can_answer:
        return "Pour toute question, il suffit de répondre à ce message."
    return "Pour toute question, votre interlocuteur habituel reste à votre disposition."


@cache
def _template(name: str) -> Template:
    return Template((files("faitfoi.channels.texts") / name).read_text(encoding="utf-8"))
