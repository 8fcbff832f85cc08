"""What Chorus Pro's states, actions and return codes mean to us: dated copies of its lists, with our own sentences.

French contracts §1.3. A value that no list has is never guessed: it is kept, shown and alarmed as UNKNOWN_CODE.
"""

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from faitfoi.channels.contract import Grade, RemoteEvent

PARIS = ZoneInfo("Europe/Paris")
CHORUS = "Chorus Pro"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """One line of one of our lists."""

    grade: Grade
    final: bool
    sentence: str
    who: str = CHORUS
    integrated: bool = False  # a flow state by which its invoices exist


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnCode:
    """What one codeRetour of one operation leaves certain."""

    meaning: str
    sentence: str


@cache
def flow_states() -> Mapping[str, Meaning]:
    """Give the meaning of each etatCourantDepotFlux."""
    return _meanings("chorus_flow_states.csv")


@cache
def invoice_statuses() -> Mapping[str, Meaning]:
    """Give the meaning of each invoice status."""
    return _meanings("chorus_invoice_statuses.csv")


@cache
def user_actions() -> Mapping[str, Meaning]:
    """Give the meaning of each histoActionCode."""
    return _meanings("chorus_actions.csv")


@cache
def return_codes() -> Mapping[tuple[str, str], ReturnCode]:
    """Give the known envelope codes by (operation, codeRetour); the official list was never published."""
    return {
        (row["operation"], row["code"]): ReturnCode(meaning=row["meaning"], sentence=row["sentence"])
        for row in _rows("chorus_return_codes.csv")
    }


def _meanings(name: str) -> Mapping[str, Meaning]:
    return {
        row["code"]: Meaning(
            grade=Grade(row["grade"]),
            final=row.get("final") == "yes",
            sentence=row["sentence"],
            who=row.get("who") or CHORUS,
            integrated=row.get("integrated") == "yes",
        )
        for row in _rows(name)
    }


def _rows(name: str) -> list[dict[str, str]]:
    text = files("faitfoi.channels").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def read_instant(value: object) -> datetime | None:
    """Read one of Chorus Pro's three forms of date: a day, a day and minute, or ISO. Naive means Europe/Paris."""
    if not isinstance(value, str):
        return None
    try:
        instant = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=PARIS)


def start_of(day: date) -> datetime:
    """Give the first instant of a legal day."""
    return datetime.combine(day, time.min, tzinfo=PARIS)


def objects(value: object) -> list[dict[str, object]]:
    """Give the JSON objects of a list, and nothing for what is not one."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: object) -> str:
    """Give a JSON string or number as text, and nothing for the rest."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).strip()


def flow_event(
    report: Mapping[str, object], raw: bytes, *, flow: str, number: str, issued: date, shared: bool = False
) -> RemoteEvent:
    """Read the state of a flow (consulterCRDetaille) for one of its invoices.

    A partial integration that names our invoice is a rejection. `shared` when other invoices travelled in the flow:
    what is said of them is no business of ours.
    """
    code = text(report.get("etatCourantDepotFlux"))
    stated = read_instant(report.get("dateHeureEtatCourantFlux"))
    known = flow_states().get(code)
    complaints = [line for line in objects(report.get("listeErreurDP")) if text(line.get("libelleErreurDP"))]
    ours = [line for line in complaints if text(line.get("numeroDP")) == number]
    nameless = [line for line in complaints if not text(line.get("numeroDP"))]
    technical = objects(report.get("listeErreurTechnique"))
    sentence = known.sentence if known else _unknown(code)
    if code == "IN_INTEGRE_PARTIEL" and ours:
        known = flow_states()["IN_REJETE"]
        sentence = known.sentence
    elif code == "IN_INTEGRE_PARTIEL" and nameless:
        # Some invoice was refused and the report does not say which: only the invoice itself, once shown, settles it.
        known = flow_states()["IN_RECU"]
        sentence = "Chorus Pro a refusé une partie du dépôt sans dire laquelle : nous y cherchons cette facture."
    elif code == "IN_REJETE" and shared and complaints and not ours and not nameless and not technical:
        sentence = (
            "Chorus Pro a rejeté tout le dépôt à cause d’une autre facture ; il ne reproche rien à celle-ci. "
            "Déposez-la de nouveau."
        )
    about_us = complaints if code == "IN_REJETE" and not shared else [*ours, *nameless]
    said = _said(
        [
            *(text(line["libelleErreurDP"]) for line in about_us),
            *(text(line.get("libelleErreur")) for line in technical),
        ]
    )
    return RemoteEvent(
        identity=f"flux:{flow}:{code}" + (f"@{stated.isoformat()}" if stated else ""),
        code=code,
        grade=known.grade if known else Grade.UNKNOWN_CODE,
        at=stated or read_instant(report.get("dateDepotFlux")) or start_of(issued),
        reason=sentence + said,
        who=CHORUS,
        final=bool(known and known.final),
        raw=raw,
    )


def status_event(
    entry: Mapping[str, object], *, invoice: str, code: str, at: datetime | None, comment: str, issued: date
) -> RemoteEvent:
    """Read one passage of an invoice through a status; `entry` is the line as they sent it."""
    known = invoice_statuses().get(code)
    return RemoteEvent(
        identity=f"facture:{invoice}:{code}" + (f"@{_minute(at)}" if at else ""),
        code=code,
        grade=known.grade if known else Grade.UNKNOWN_CODE,
        at=at or start_of(issued),
        reason=(known.sentence if known else _unknown(code)) + _said([comment]),
        who=_person(entry, "histoStatutUtilisateur", known.who if known else CHORUS),
        final=bool(known and known.final),
        raw=_dump(entry),
    )


def action_event(entry: Mapping[str, object], *, invoice: str, issued: date) -> RemoteEvent:
    """Read what a user did with an invoice: a download, above all."""
    code = text(entry.get("histoActionCode"))
    at = read_instant(entry.get("histoActionDateHeure"))
    known = user_actions().get(code)
    return RemoteEvent(
        identity=f"action:{invoice}:{code}:{text(entry.get('histoActionId'))}" + (f"@{_minute(at)}" if at else ""),
        code=code,
        grade=known.grade if known else Grade.UNKNOWN_CODE,
        at=at or start_of(issued),
        reason=known.sentence if known else _unknown(code),
        who=_person(entry, "histoActionUtilisateur", known.who if known else CHORUS),
        final=False,
        raw=_dump(entry),
    )


def _minute(at: datetime) -> str:
    """Name an instant to the minute, in Paris: one operation tells seconds where another does not."""
    return at.astimezone(PARIS).isoformat(timespec="minutes")


def _unknown(code: str) -> str:
    if not code:
        return "Chorus Pro n’a donné aucun état. Regardez la facture sur le portail."
    return (
        f"Chorus Pro a donné « {code} », qui n’est dans aucune de nos listes. "
        "Regardez la facture sur le portail et signalez-nous ce code."
    )


def _said(sentences: Iterable[str]) -> str:
    quoted = "".join(f" « {sentence} »" for sentence in dict.fromkeys(sentences) if sentence)
    return f" Chorus Pro écrit :{quoted}" if quoted else ""


def _person(entry: Mapping[str, object], prefix: str, role: str) -> str:
    name = f"{text(entry.get(prefix + 'Prenom'))} {text(entry.get(prefix + 'Nom'))}".strip()
    return f"{name} ({role})" if name else role


def _dump(entry: Mapping[str, object]) -> bytes:
    return json.dumps(entry, ensure_ascii=False, sort_keys=True).encode()
