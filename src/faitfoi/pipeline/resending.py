"""A person's exits from where a delivery cannot go on by itself: it has arrived, ask again, send anew, settle it.

Each is deliberate and journalled. Sending anew raises the sequence: another delivery of the same sealed document, which
the customer's record of today addresses; the former one is kept as it ended.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

from django.utils import timezone

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline import archive
from faitfoi.pipeline.chorus_words import left_behind
from faitfoi.pipeline.customers import facts_for, match_customer
from faitfoi.pipeline.due import ask_later
from faitfoi.pipeline.installation import sandbox, today
from faitfoi.pipeline.judging import Refusal, Verdict
from faitfoi.pipeline.notices import notify
from faitfoi.pipeline.opening import keep_artefacts, make_due, open_one
from faitfoi.pipeline.renderings import Rendering, open_workshop, render_for_way
from faitfoi.pipeline.retention import invoice_class
from faitfoi.pipeline.rollback import stopped
from faitfoi.pipeline.routing import Decision, Leg, NoRoute, decide
from faitfoi.pipeline.sealing import CannotSeal
from faitfoi.records.journal import write_entry
from faitfoi.records.models import Delivery, Document, Event
from faitfoi.records.stages import Purpose, Stage
from faitfoi.records.transitions import move

ENDED_BADLY = frozenset({Stage.UNKNOWN, Stage.RETURNED, Stage.REJECTED})
FLOW_LEVEL = ("IN_", "ack:")
"""Chorus Pro's states of a flow: a rejected one has created no invoice there, so its number is free (contract §1.3)."""


class Settlement(StrEnum):
    """How a person ended what could not end by itself."""

    REPLACED = "replaced"  # a credit note and a new invoice
    HANDED_OVER = "handed_over"  # the customer got it by another way
    NOTED = "noted"  # nothing more is to be done

    def sentence(self, note: str) -> str:
        """Say it in French, with what the person wrote."""
        said = {
            Settlement.REPLACED: "Remplacée par un avoir et une nouvelle facture",
            Settlement.HANDED_OVER: "Remise au client par un autre moyen",
            Settlement.NOTED: "Classée : il n’y a plus rien à faire",
        }[self]
        return f"{said} ({note})." if note else f"{said}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Anew:
    """What is ready for a new sending: the way, and the renderings that it lacks."""

    leg: Leg
    way: Decision
    rendered: tuple[Rendering, ...]


class CannotResend(Exception):
    """It may not or cannot be sent anew; the message is a French sentence with the remedy."""


def it_has_arrived(delivery_id: UUID, *, actor: str, how: str = "") -> bool:
    """Write down that a person knows it has arrived; later news may still say otherwise. Inside `acting_for`."""
    if stopped():
        return False
    said = f" ({how})" if how else ""
    moved = move(
        delivery_id,
        source=Stage.UNKNOWN,
        target=Stage.DELIVERED,
        actor=actor,
        reason=f"Une personne s’en est assurée : elle est arrivée{said}.",
        timetable={"next_question_at": None},
    )
    if moved:
        notify(delivery_id, actor=actor)
    return moved


def ask_again(delivery_id: UUID, *, actor: str) -> bool:
    """Have the other side asked once more about a delivery of unknown outcome. Runs inside `acting_for`."""
    if stopped():
        return False
    moved = move(
        delivery_id,
        source=Stage.UNKNOWN,
        target=Stage.TO_FIND,
        actor=actor,
        reason="Une personne fait de nouveau poser la question.",
        timetable={"next_question_at": timezone.now(), "questions_asked": 0},
    )
    if moved:
        ask_later(Delivery.objects.get(id=delivery_id).organisation_id, [delivery_id])
    return moved


def settle(delivery_id: UUID, how: Settlement, *, note: str, actor: str) -> bool:
    """Write how a person ended what came back, was rejected or is unknown; nobody is asked about it any more.

    The stage stays: it is what happened. False when it ended otherwise meanwhile. Runs inside `acting_for`.
    """
    found = Delivery.objects.select_for_update(of=("self",)).filter(id=delivery_id, stage__in=ENDED_BADLY, settled="")
    delivery = found.first()
    if delivery is None or stopped():
        return False
    _settle(delivery, how.sentence(note.strip()[:200]), actor=actor, how=how.value)
    return True


def why_not_again(delivery: Delivery) -> str:
    """Say why this delivery may not be sent anew, in French; empty when it may. Runs inside `acting_for`.

    A rejected legal delivery keeps its number for ever (contract §3.3, Chorus Pro's REJETEE): credit note and new
    invoice. Only what was turned away, or left behind, before any invoice was made of it may leave again.
    """
    if delivery.stage not in ENDED_BADLY and not left_behind(delivery):
        return "Cet envoi n’attend pas d’être refait : regardez où il en est."
    if delivery.settled or delivery.later().exists():
        return "Une personne a déjà décidé pour cet envoi."
    if delivery.stage == Stage.REJECTED and delivery.purpose == Purpose.LEGAL:
        said = Event.objects.filter(delivery=delivery, axis=Event.Axis.THEIRS, grade="rejected").order_by("-id").first()
        if said is None or not said.code.startswith(FLOW_LEVEL):
            return (
                "Une facture rejetée ne repart pas sous le même numéro : faites un avoir, puis une nouvelle facture "
                "sous un nouveau numéro."
            )
    return ""


def resend(organisation: Organisation, delivery_id: UUID, *, actor: str) -> Delivery:
    """Send a document anew for the same purpose, as a person decided, by the way that is right today.

    Call it outside any transaction. Raises CannotResend.
    """
    if sentence := stopped():
        raise CannotResend(sentence)
    with acting_for(organisation.id):
        delivery = Delivery.objects.select_related("document__customer").get(id=delivery_id)
        if sentence := why_not_again(delivery):
            raise CannotResend(sentence)
    anew = _ready(organisation, delivery)
    kept = None
    if anew.rendered:
        retention = invoice_class(organisation, delivery.document.issue_date)
        kept = archive.pack(organisation.id, [each.content for each in anew.rendered], retention=retention)
    with acting_for(organisation.id):
        document = Document.objects.select_for_update(of=("self",)).get(id=delivery.document_id)
        former = Delivery.objects.select_for_update(of=("self",)).get(id=delivery_id)
        if sentence := why_not_again(former):
            raise CannotResend(sentence)  # somebody else, or news, was faster
        if kept is not None:
            archive.claim(kept, actor=actor)
        return _open_anew(document, former, anew, actor=actor)


def _ready(organisation: Organisation, delivery: Delivery) -> Anew:
    """Decide the way again, with the customer's record as it is now, and make what it needs. Raises CannotResend."""
    document, purpose = delivery.document, Purpose(delivery.purpose)
    reading = sandbox().read(archive.fetch(organisation.id, document.original_sha256))
    with acting_for(organisation.id):
        customer = document.customer or match_customer(reading.invoice.buyer)
        if customer is None:
            raise CannotResend(f"Le client de {document.number} n’a pas de fiche : créez-la, puis renvoyez.")
        day, engagement = today(organisation), document.engagement
        way = decide(facts_for(organisation, customer, reading.invoice, day=day, engagement=engagement))
        present = set(document.artefacts.values_list("role", flat=True))
    if isinstance(way, NoRoute):
        raise CannotResend(way.reason)
    leg = {Purpose.LEGAL: way.legal, Purpose.COPY: way.copy, Purpose.NOTICE: way.notice}[purpose]
    if leg is None:
        asked = "Aucun avis n’est plus demandé" if purpose is Purpose.NOTICE else "Aucune copie n’est plus demandée"
        raise CannotResend(f"{asked} pour ce client : rien ne repart.")
    verdict = Verdict(
        reading=reading,
        seller_siren=document.seller_siren,
        customer=customer,
        way=way,
        findings=(),
        engagement=document.engagement,
    )
    try:
        rendered = render_for_way(open_workshop(organisation), verdict, at=timezone.now())
    except Refusal as refusal:
        raise CannotResend(refusal.reason) from refusal
    except CannotSeal as error:
        raise CannotResend(str(error)) from error
    missing = tuple(each for each in rendered if each.role.value not in present)
    return Anew(leg=leg, way=way, rendered=missing)


def _open_anew(document: Document, former: Delivery, anew: Anew, *, actor: str) -> Delivery:
    artefacts = {artefact.role: artefact for artefact in document.artefacts.all()}
    if anew.rendered:
        artefacts |= keep_artefacts(document, anew.rendered, kind="document_rendered", actor=actor)
    sequence = former.sequence + 1
    _settle(former, f"Renvoyée par une personne (envoi n° {sequence}).", actor=actor, how="resent")
    leg = replace(anew.leg, reason=f"{anew.leg.reason} Envoi n° {sequence}, décidé par une personne.")
    made = open_one(document, artefacts, leg, purpose=Purpose(former.purpose), actor=actor, sequence=sequence)
    make_due(document.organisation_id, [made])
    return made


def _settle(delivery: Delivery, sentence: str, *, actor: str, how: str) -> None:
    delivery.settled = sentence
    delivery.save(update_fields=["settled"])
    write_entry(
        "delivery_settled",
        actor=actor,
        document_id=delivery.document_id,
        rows=[delivery],
        delivery=str(delivery.id),
        how=how,
    )
