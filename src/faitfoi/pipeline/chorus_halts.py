"""The three halts of an invoice on Chorus Pro, each with its own guided task: recycle, complete, or start anew.

Users mix them up (complaint A11): recycling changes where the invoice goes and keeps its number; completing joins
papers and keeps everything; a rejected one is over: a credit note and a new invoice, under a new number, follow it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.chorus_pro_limits import check_attachments
from faitfoi.channels.contract import Attachment, Refused
from faitfoi.evidence.store import digest_of
from faitfoi.pipeline import archive
from faitfoi.pipeline.acting import CannotAct, Part, ask_act
from faitfoi.pipeline.customers import ROUTING_SCHEME
from faitfoi.pipeline.installation import today
from faitfoi.pipeline.obligations import known_of, lacks
from faitfoi.pipeline.retention import invoice_class
from faitfoi.pipeline.structures import NotTold, look_up
from faitfoi.records.models import Act, Delivery, Event, Structure
from faitfoi.records.stages import Stage

STATUSES = "chorus_pro:facture:"
"""How the identity of an invoice's status begins; flow states and users' actions are other news."""
MOST_FILES = 20
LONGEST_COMMENT = 255
ONGOING = frozenset({Stage.ROUTED, Stage.SENDING, Stage.TO_FIND, Stage.SENT})
PAPERS = ("bon de livraison", "bon de commande", "procès-verbal", "autre")


class Halt(StrEnum):
    """The status at which an invoice waits for its supplier, or has ended."""

    RECYCLE = "A_RECYCLER"
    COMPLETE = "SUSPENDUE"
    REJECTED = "REJETEE"


KINDS = {Halt.RECYCLE: "recycler", Halt.COMPLETE: "completer", Halt.REJECTED: "traiterRejet"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Halted:
    """One delivery at a halt: what was said of it, and the act that answers it, if it was asked for already."""

    delivery: Delivery
    halt: Halt
    event: Event
    act: Act | None

    @property
    def under_way(self) -> bool:
        """Whether an answer was given that goes on by itself, or has ended well."""
        return self.act is not None and self.act.stage in ONGOING


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A file that a person joins to a suspended invoice."""

    filename: str
    media_type: str
    content: bytes = field(repr=False)


def halted(delivery: Delivery) -> Halted | None:
    """Tell at which halt a delivery stands; None when it stands at none. Runs inside `acting_for`."""
    if delivery.channel != ChannelKey.CHORUS_PRO:
        return None
    last = Event.objects.filter(delivery=delivery, identity__startswith=STATUSES).order_by("-at", "-id").first()
    if last is None or last.code not in KINDS:
        return None
    halt = Halt(last.code)
    act = Act.objects.filter(delivery=delivery, kind=KINDS[halt], intent=str(last.id)).order_by("-sequence").first()
    return Halted(delivery=delivery, halt=halt, event=last, act=act)


def halted_deliveries() -> QuerySet[Delivery]:
    """The deliveries that wait to be recycled or completed, answered or not. Runs inside `acting_for`."""
    said = Event.objects.filter(delivery=OuterRef("pk"), identity__startswith=STATUSES).order_by("-at", "-id")
    followed = Delivery.objects.filter(channel=ChannelKey.CHORUS_PRO).exclude(next_poll_at=None)
    stands = followed.annotate(
        status=Subquery(said.values("code")[:1]), halted_at=Subquery(said.values("created_at")[:1])
    )
    return stands.filter(status__in=[Halt.RECYCLE.value, Halt.COMPLETE.value])


def recycle(
    organisation: Organisation,
    delivery_id: UUID,
    *,
    siret: str,
    code: str,
    engagement: str,
    comment: str,
    actor: str,
) -> Act:
    """Ask for another recipient, service or engagement on the same number, once it is one that Chorus Pro would take.

    Call it outside any transaction. Raises CannotAct with the field, the value and the remedy.
    """
    plain, code, engagement = "".join(siret.split()), code.strip(), engagement.strip()
    if len(plain) != 14 or not plain.isdigit():
        raise CannotAct(f"« {siret} » n’est pas un SIRET : il compte 14 chiffres. Vérifiez-le avec le client.")
    if len(engagement) > 50 or len(code) > 100:
        raise CannotAct("Le numéro d’engagement a 50 caractères au plus, le code service 100. Vérifiez-les.")
    try:
        known = known_of(look_up(organisation.id, plain, services=[code] if code else [], actor=actor))
    except NotTold:
        with acting_for(organisation.id):
            # What it said last, if anything.
            known = known_of(Structure.objects.get(siret=plain, channel=ChannelKey.CHORUS_PRO))
    if lack := lacks(known, name="ce destinataire", code_service=code, engagement=engagement, day=today(organisation)):
        raise CannotAct(f"Chorus Pro refuserait ce recyclage : {lack}")
    values = {"siret": plain, "code_service": code, "engagement": engagement, "commentaire": _short(comment)}
    with acting_for(organisation.id):
        found = _at(delivery_id, Halt.RECYCLE)
        before = {name: value for name, value in present_routing(found.delivery).items() if name in values}
        if all(values[name] == value for name, value in before.items()):
            raise CannotAct(
                "Rien ne change : Chorus Pro demande un autre destinataire, un autre service ou un autre engagement. "
                "Demandez au client lequel, puis corrigez-le ici."
            )
        return ask_act(
            found.delivery,
            kind=KINDS[Halt.RECYCLE],
            values=values,
            actor=actor,
            intent=str(found.event.id),
            again=found.act is not None,
        )


def complete(
    organisation: Organisation,
    delivery_id: UUID,
    *,
    files: Sequence[Paper],
    paper: str,
    comment: str,
    actor: str,
) -> Act:
    """Join papers, a comment, or both to a suspended invoice. Call it outside any transaction. Raises CannotAct."""
    if not files and not comment.strip():
        raise CannotAct(
            "Joignez au moins un fichier, ou répondez par un commentaire : le destinataire attend l’un d’eux."
        )
    if len(files) > MOST_FILES:
        raise CannotAct(f"{len(files)} fichiers : joignez-en {MOST_FILES} au plus à la fois.")
    try:
        check_attachments(
            Attachment(filename=each.filename, media_type=each.media_type, content=each.content) for each in files
        )
    except Refused as error:
        raise CannotAct(error.reason) from None
    with acting_for(organisation.id):
        retention = invoice_class(organisation, _at(delivery_id, Halt.COMPLETE).delivery.document.issue_date)
    contents = list({digest_of(each.content).sha256: each.content for each in files}.values())
    kept = archive.pack(organisation.id, contents, retention=retention) if contents else None
    parts = [
        Part(filename=each.filename, media_type=each.media_type, sha256=digest_of(each.content).sha256)
        for each in files
    ]
    with acting_for(organisation.id):
        found = _at(delivery_id, Halt.COMPLETE)
        if kept is not None:
            archive.claim(kept, actor=actor)
        return ask_act(
            found.delivery,
            kind=KINDS[Halt.COMPLETE],
            values={"commentaire": _short(comment), "type": paper if paper in PAPERS else ""},
            files=parts,
            actor=actor,
            intent=str(found.event.id),
            again=found.act is not None,
        )


def acknowledge(organisation: Organisation, delivery_id: UUID, *, actor: str) -> Act:
    """Tell Chorus Pro that a rejection has been read; the invoice stays rejected. Raises CannotAct."""
    with acting_for(organisation.id):
        found = _at(delivery_id, Halt.REJECTED)
        return ask_act(
            found.delivery,
            kind=KINDS[Halt.REJECTED],
            actor=actor,
            intent=str(found.event.id),
            again=found.act is not None,
        )


def present_routing(delivery: Delivery) -> dict[str, str]:
    """Where an invoice goes now: recipient, service, engagement, as the last recycling or the document says."""
    document = delivery.document
    last = Act.objects.filter(delivery=delivery, kind=KINDS[Halt.RECYCLE], stage=Stage.SENT).order_by("-id").first()
    if last is not None:
        return {name: str(last.values.get(name, "")) for name in ("siret", "code_service", "engagement")}
    named = [each["value"] for each in document.invoice.get("buyer", {}).get("identifiers", ()) if _routes(each)]
    kept = document.customer.code_service if document.customer else ""
    return {
        "siret": delivery.address,
        "code_service": next(iter(named), kept or document.invoice.get("buyer_reference", "")),
        "engagement": document.engagement or document.invoice.get("purchase_order_reference", ""),
    }


def _routes(identifier: dict[str, str]) -> bool:
    return identifier.get("scheme") == ROUTING_SCHEME


def _at(delivery_id: UUID, halt: Halt) -> Halted:
    """Find a delivery at this halt whose answer may be given. Runs inside `acting_for`. Raises CannotAct."""
    delivery = Delivery.objects.select_related("document__customer").filter(id=delivery_id).first()
    found = halted(delivery) if delivery else None
    if found is None or found.halt is not halt:
        raise CannotAct("La facture n’en est plus là : Chorus Pro a donné d’autres nouvelles. Rouvrez sa page.")
    if found.under_way:
        raise CannotAct("La réponse est déjà donnée : Chorus Pro l’a, ou va la recevoir. Suivez-la sur sa page.")
    return found


def _short(comment: str) -> str:
    return " ".join(comment.split())[:LONGEST_COMMENT]
