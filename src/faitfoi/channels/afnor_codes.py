"""What the lifecycle's statuses, reasons and acknowledgements mean to us, and the event that each makes. Pure.

French contracts §2.1 (reading rule) and §3.3. The sentences are ours, in dated lists; a code that no list has is never
guessed: it is kept, shown and alarmed as UNKNOWN_CODE. Who said it is always told (complaint B21).
"""

import csv
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from importlib.resources import files

from faitfoi.channels.chorus_pro_codes import objects, text
from faitfoi.channels.contract import Grade, News, RemoteEvent
from faitfoi.einvoice.cdar import TRANSMISSION, Cdar, CdarDetail, CdarParty, CdarReference
from faitfoi.einvoice.cdar_codes import ACTIONS, REASONS, ROLES, STATUSES

PLATFORM = "Plateforme agréée"
SELLERS_PLATFORM, BUYERS_PLATFORM = "Votre plateforme agréée", "Plateforme agréée de l’acheteur"
SAID_BY_THE_BUYERS = frozenset({"202", "203", "221"})
SAID_BY_THE_SELLERS = frozenset({"200", "201"})
NOT_DELIVERED = "NON_TRANSMISE"


@dataclass(frozen=True, slots=True, kw_only=True)
class AckReason:
    """One reasonCode of an acknowledgement: what it leaves certain, and our sentence."""

    meaning: str  # document, already_there, damaged, act, unclear
    sentence: str


@cache
def status_sentences() -> Mapping[str, tuple[Grade, str]]:
    """Give the grade and the sentence of each lifecycle status."""
    return {row["code"]: (Grade(row["grade"]), row["sentence"]) for row in _rows("lifecycle_statuses.csv")}


@cache
def reason_sentences() -> Mapping[str, str]:
    """Give the sentence of each reason: the object, the field and the remedy."""
    return {row["code"]: row["sentence"] for row in _rows("lifecycle_reasons.csv")}


@cache
def ack_reasons() -> Mapping[str, AckReason]:
    """Give what each reasonCode of an acknowledgement means; their list is open."""
    return {
        row["code"]: AckReason(meaning=row["meaning"], sentence=row["sentence"])
        for row in _rows("afnor_ack_reasons.csv")
    }


def _rows(name: str) -> list[dict[str, str]]:
    content = files("faitfoi.channels").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(content.splitlines()))


def news_of(cdar: Cdar, raw: bytes, *, flow: str, published: datetime) -> tuple[News, ...]:
    """Tell each thing that a CDAR says about an invoice. `published` stands for an instant that it does not give."""
    return tuple(
        News(about=_about(reference, flow), event=_event(cdar, reference, raw, published=published))
        for reference in cdar.references
    )


def _about(reference: CdarReference, flow: str) -> dict[str, str]:
    seller = reference.seller.identifier.value if reference.seller and reference.seller.identifier else ""
    told = {"lifecycleFlowId": flow, "number": reference.number, "seller_siren": seller[:9]}
    told["reasons"] = " ".join(detail.reason_code for detail in reference.details if detail.reason_code)
    if reference.issue_date is not None:
        told["issue_date"] = reference.issue_date.isoformat()
    return {name: value for name, value in told.items() if value}


def _event(cdar: Cdar, reference: CdarReference, raw: bytes, *, published: datetime) -> RemoteEvent:
    code = reference.code
    at = cdar.at or published
    known = status_sentences().get(code)
    grade = known[0] if known else Grade.UNKNOWN_CODE
    if code == "200" and any(detail.reason_code == NOT_DELIVERED for detail in reference.details):
        grade = Grade.ACTION_NEEDED  # deposited, but the buyer does not have it: French contracts §2.2
    sentence = known[1] if known else unknown_status(code)
    return RemoteEvent(
        identity=_identity(cdar, reference),
        code=code,
        grade=grade,
        at=at,
        reason=" ".join([sentence, *_explained(reference)]),
        who=who_said(cdar, code),
        final=False,
        raw=raw,
    )


def unknown_status(code: str) -> str:
    """Say what to do with a status that no list of ours has."""
    if not code:
        return "La plateforme n’a donné aucun statut. Regardez la facture chez elle."
    return (
        f"La plateforme a donné le statut « {code} », qui n’est dans aucune de nos listes. "
        "Regardez la facture chez elle et signalez-nous ce code."
    )


def _identity(cdar: Cdar, reference: CdarReference) -> str:
    """Name what is said by its content, so that the same message under another flow is recognised."""
    issuer = cdar.issuer or cdar.sender
    said = "|".join(
        (
            cdar.identifier,
            reference.code,
            cdar.at.isoformat() if cdar.at else "",
            repr(issuer),
            repr(reference.details),
        )
    )
    return f"cdv:{reference.code}:{hashlib.sha256(said.encode()).hexdigest()[:40]}"


def who_said(cdar: Cdar, code: str) -> str:
    """Name whoever says it: the platform (whose, where that is certain) or the party, with its number."""
    issuer = cdar.issuer or CdarParty()
    if cdar.phase == TRANSMISSION:
        named = issuer.name or (cdar.sender.name if cdar.sender else "")
        whose = (
            BUYERS_PLATFORM
            if code in SAID_BY_THE_BUYERS
            else SELLERS_PLATFORM
            if code in SAID_BY_THE_SELLERS
            else "Une plateforme agréée, celle du vendeur ou de l’acheteur"
        )
        return f"{whose} ({named})" if named else whose
    role = ROLES.get(issuer.role, issuer.role or "partie inconnue")
    named = " ".join(filter(None, (issuer.name, issuer.identifier.value if issuer.identifier else "")))
    return f"{role[:1].upper()}{role[1:]} ({named})" if named else f"{role[:1].upper()}{role[1:]}"


def _explained(reference: CdarReference) -> Iterable[str]:
    for detail in reference.details:
        yield from _detail(detail)


def _detail(detail: CdarDetail) -> Iterable[str]:
    if detail.reason_code:
        label = REASONS[detail.reason_code][0] if detail.reason_code in REASONS else "motif inconnu de nos listes"
        said = reason_sentences().get(detail.reason_code, "")
        yield f"Motif {detail.reason_code} : {label}. {said}".strip()
    own = [detail.reason] if detail.reason else []
    own += detail.notes
    known = REASONS.get(detail.reason_code, ("",))[0]
    quoted = " ".join(f"« {sentence[:1000]} »" for sentence in own if sentence and sentence != known)
    if quoted:
        yield f"Il est écrit : {quoted}"
    if detail.action_code and detail.action_code != "NOA":
        yield f"Il est demandé : {ACTIONS.get(detail.action_code, detail.action or detail.action_code)}."


def label_of(code: str) -> str:
    """Return a status with its French name: `207 En litige`."""
    known = STATUSES.get(code)
    return f"{code} {known.label}" if known else code


def ack_details(flow: Mapping[str, object]) -> tuple[str, list[dict[str, object]]]:
    """Return the status of a flow's acknowledgement and its details."""
    told = flow.get("acknowledgement")
    if not isinstance(told, dict):
        return "", []
    return text(told.get("status")), objects(told.get("details"))


def already_there(flow: Mapping[str, object]) -> bool:
    """Whether a flow was put aside because the platform had the invoice before: that is no refusal."""
    status, details = ack_details(flow)
    errors = [detail for detail in details if text(detail.get("level")) != "Warning"]
    codes = {text(detail.get("reasonCode")) for detail in errors}
    return status == "Error" and codes == {"AlreadyExistingFlow"}


def ack_event(flow: Mapping[str, object], raw: bytes, *, at: datetime) -> RemoteEvent | None:
    """Read a flow's acknowledgement. `Ok` is the technical checks passed, not the buyer reached; None while pending."""
    status, details = ack_details(flow)
    identifier = text(flow.get("flowId"))
    if status in {"", "Pending"}:
        return None
    codes = {text(detail.get("reasonCode")) for detail in details if text(detail.get("level")) != "Warning"}
    said = "".join(f" {sentence}" for sentence in dict.fromkeys(map(_ack_sentence, details)))
    if status == "Ok":
        grade, reason = Grade.ACCEPTED, "La plateforme a pris la facture : ses contrôles techniques sont passés."
    elif status == "Error" and already_there(flow):
        grade, reason = (
            Grade.ACTION_NEEDED,
            (
                "La plateforme dit avoir déjà cette facture. Rien n’est renvoyé : vérifiez chez elle que la première "
                "est bien la vôtre."
            ),
        )
    elif status == "Error" and codes <= {"OtherTechnicalError"}:
        grade, reason = Grade.ACTION_NEEDED, "La plateforme n’a pas pu traiter la facture."
    elif status == "Error":
        grade, reason = Grade.REJECTED, "La plateforme n’a pas pris la facture : ses contrôles techniques ont échoué."
    else:
        grade, reason = (
            Grade.UNKNOWN_CODE,
            (f"La plateforme a donné l’accusé « {status} », qui n’est dans aucune de nos listes. Regardez chez elle."),
        )
    return RemoteEvent(
        identity=f"ack:{identifier}:{status}",
        code=f"ack:{status}",
        grade=grade,
        at=at,
        reason=f"{reason}{said}",
        who=SELLERS_PLATFORM,
        final=True,
        raw=raw,
    )


def act_event(flow: Mapping[str, object], raw: bytes, *, at: datetime) -> RemoteEvent | None:
    """Read what became of a status of ours: it never changes the invoice. None while their checks go on."""
    event = ack_event(flow, raw, at=at)
    if event is None:
        return None
    status, details = ack_details(flow)
    if status == "Ok" or already_there(flow):
        return replace(event, grade=Grade.DELAYED, reason="La plateforme a pris le statut que vous avez déclaré.")
    said = " ".join(dict.fromkeys(map(_ack_sentence, details)))
    reason = f"La plateforme n’a pas pris le statut que vous avez déclaré : la facture n’a pas changé. {said}".strip()
    return replace(event, grade=Grade.ACTION_NEEDED, reason=reason)


def _ack_sentence(detail: Mapping[str, object]) -> str:
    code = text(detail.get("reasonCode"))
    known = ack_reasons().get(code)
    written = text(detail.get("reasonMessage"))[:500]
    return " ".join(
        filter(
            None,
            (
                f"{code} :" if code else "",
                known.sentence if known else "motif hors de nos listes.",
                f"La plateforme écrit : « {written} »" if written else "",
                f"(objet : {text(detail.get('item'))})" if text(detail.get("item")) else "",
            ),
        )
    )
