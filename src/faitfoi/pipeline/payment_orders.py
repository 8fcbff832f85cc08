"""A payment as a program tells it, read strictly: what is not understood to the letter is refused, never guessed."""

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NoReturn
from uuid import UUID

from faitfoi.pipeline.payments import Part

FIELDS = frozenset({"invoice", "issue_date", "document", "paid_on", "amount", "parts", "reference", "declare"})
PART_FIELDS = frozenset({"rate", "amount"})
DECIMAL = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,6})?")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
KEY = re.compile(r"[ -~]{1,100}")
LONGEST = 140


class CallRefused(ValueError):
    """A call that records nothing: the text is a French sentence with the remedy, `code` a word that stays the same."""

    def __init__(self, sentence: str, *, code: str, field: str = "") -> None:
        super().__init__(sentence)
        self.code = code
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A payment to record: of which invoice, when, how much of each VAT rate, and whether it is to be declared (212).

    `issue_date` (BT-2) and `document` tell invoices of one number (BT-1) apart. `declare` None leaves it to the rule.
    """

    key: str
    invoice: str
    issue_date: date | None
    document: UUID | None
    paid_on: date
    amount: Decimal
    parts: tuple[Part, ...]
    reference: str
    declare: bool | None


def read_order(body: bytes, key: str) -> Order:
    """Read a call's body (JSON in UTF-8) and its `Idempotency-Key`. Raises CallRefused."""
    if not KEY.fullmatch(key):
        raise CallRefused(
            "L’en-tête Idempotency-Key manque, ou n’est pas fait de 1 à 100 caractères ASCII. Donnez à chaque paiement "
            "une clé à lui, la même à chaque nouvel essai : il ne sera enregistré qu’une fois.",
            code="idempotency_key",
            field="Idempotency-Key",
        )
    told = _object(_json(body), FIELDS, "", "Le paiement")
    declare = told.get("declare")
    if not isinstance(declare, bool | None):
        _refuse("declare", declare, "écrivez true ou false, ou retirez ce champ")
    parts = told.get("parts", [])
    if not isinstance(parts, list):
        _refuse("parts", parts, 'écrivez une liste, par exemple [{"rate": "20", "amount": "120.00"}]')
    return Order(
        key=key,
        invoice=_text(told, "invoice"),
        issue_date=_day(told, "issue_date") if "issue_date" in told else None,
        document=read_identifier(_text(told, "document")) if "document" in told else None,
        paid_on=_day(told, "paid_on"),
        amount=_decimal(told, "amount"),
        parts=tuple(_part(one, f"parts[{place}]") for place, one in enumerate(parts)),
        reference=_text(told, "reference").strip() if told.get("reference", "") != "" else "",
        declare=declare,
    )


def read_identifier(text: str) -> UUID:
    """Read the identifier of a document. Raises CallRefused."""
    try:
        return UUID(text)
    except ValueError:
        _refuse("document", text, "écrivez l’identifiant du document, qui est dans l’adresse de sa page")


def read_text(text: str, field: str) -> str:
    """Return a text of one line, 1 to 140 characters. Raises CallRefused."""
    if not 0 < len(text) <= LONGEST or any(unicodedata.category(one) in {"Cc", "Cs"} for one in text):
        _refuse(field, text, f"écrivez 1 à {LONGEST} caractères, sur une ligne")
    return text


def read_day(text: str, field: str) -> date:
    """Read a day. Raises CallRefused."""
    try:
        # date.fromisoformat takes other ways of writing a day too, such as 2026-W47-5.
        return date.fromisoformat(text if DAY.fullmatch(text) else "")
    except ValueError:
        _refuse(field, text, "écrivez un jour qui existe, AAAA-MM-JJ")


def _json(body: bytes) -> object:
    try:
        return json.loads(body.decode(), object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        if isinstance(error, CallRefused):
            raise
        raise CallRefused(
            "Le corps de l’appel n’est pas un objet JSON en UTF-8. Corrigez-le, puis rappelez.", code="not_json"
        ) from error


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    told = dict(pairs)
    if len(told) != len(pairs):
        raise ValueError("a name twice")
    return told


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _object(told: object, fields: frozenset[str], place: str, what: str) -> Mapping[str, object]:
    if not isinstance(told, dict):
        raise CallRefused(f"{what} n’est pas un objet JSON : écrivez {{…}}.", code="not_json", field=place)
    for name in told:
        if name not in fields:
            raise CallRefused(
                f"{what} a un champ inconnu, « {_shown(name)} ». Les champs sont : {', '.join(sorted(fields))}.",
                code="unknown_field",
                field=f"{place}.{_shown(name)}".lstrip("."),
            )
    return told


def _part(told: object, place: str) -> Part:
    part = _object(told, PART_FIELDS, place, f"« {place} »")
    return Part(rate=_decimal(part, "rate", place), amount=_decimal(part, "amount", place))


def _text(told: Mapping[str, object], name: str, place: str = "") -> str:
    field = f"{place}.{name}".lstrip(".")
    if name not in told:
        raise CallRefused(f"Le champ « {field} » manque : ajoutez-le.", code="missing_field", field=field)
    value = told[name]
    if not isinstance(value, str):
        _refuse(field, value, "écrivez-le entre guillemets, comme un texte")
    return read_text(value, field)


def _day(told: Mapping[str, object], name: str) -> date:
    return read_day(_text(told, name), name)


def _decimal(told: Mapping[str, object], name: str, place: str = "") -> Decimal:
    text, field = _text(told, name, place), f"{place}.{name}".lstrip(".")
    if not DECIMAL.fullmatch(text):
        _refuse(field, text, "écrivez un nombre décimal, par exemple 120.00")
    return Decimal(text)


def _refuse(field: str, value: object, remedy: str) -> NoReturn:
    raise CallRefused(f"Le champ « {field} » vaut « {_shown(value)} » : {remedy}.", code="bad_value", field=field)


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text[:60].encode(errors="replace").decode()
