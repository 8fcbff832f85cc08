"""The statuses that a seller may declare by itself of an invoice at a plateforme agréée: 220 and 224 to 228.

French contracts §3.3 and `lifecycle_statuses.csv` say which are the seller's; 209 answers a suspension
(`answers_pa`), 212 a payment (`payments`), and all others are the buyer's or a platform's to say. What is offered:

    220  once a corrective invoice that names this one is itself at the platform
    224  on the invoice of a subcontractor (BT-23 S3 or S5)
    225, 226  while it is not factored; 225 also after 226, which it discloses
    227  at any time, with the new account
    228  while it is factored; to the platform alone where the buyer was never told of it
"""

from collections.abc import Sequence
from dataclasses import dataclass

from faitfoi.accounts.models import ChannelKey
from faitfoi.channels.afnor_acts import TO_PLATFORM
from faitfoi.einvoice.cdar_codes import STATUSES
from faitfoi.pipeline.acting import CannotAct, ask_act
from faitfoi.pipeline.collecting import told_of
from faitfoi.pipeline.lifecycle import Told, present
from faitfoi.pipeline.payments import THEY_HAVE_IT, act_values, delivery_to_tell
from faitfoi.records.models import Act, Delivery, Document, Event
from faitfoi.records.models_document import DocumentKind
from faitfoi.records.stages import Purpose

CORRECTIVE = ("384", "471", "472", "473")
FACTORED = frozenset({"393", "501", "472", "473"})
"""BT-3 of what was factored when it was issued."""
SUBCONTRACTED = frozenset({"S3", "S5"})
FACTORING = frozenset({"225", "226", "228"})
HIDDEN = "226"
MOST_TYPED = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A status that may be declared now: what it says and who reads it, and what is to be typed, in French."""

    code: str
    sentence: str
    asks: str
    required: bool = False

    @property
    def label(self) -> str:
        """The catalogue's own name, with the code."""
        return f"{STATUSES[self.code].label} ({self.code})"


DIRECT_PAYMENT = Offer(
    code="224",
    sentence="L’acheteur apprend que vous demandez à être payé directement, comme sous-traitant.",
    asks="Ce que l’acheteur doit savoir (facultatif)",
)
FACTORED_NOW = Offer(
    code="225",
    sentence="L’acheteur apprend que la créance est cédée : il paiera le factor et non plus vous.",
    asks="Nom du factor et compte à payer (l’acheteur le lira)",
    required=True,
)
FACTORED_HIDDEN = Offer(
    code=HIDDEN,
    sentence="Seule votre plateforme apprend que la créance est cédée : rien n’en est dit à l’acheteur.",
    asks="Nom du factor (facultatif, la plateforme seule le lira)",
)
OTHER_ACCOUNT = Offer(
    code="227",
    sentence="L’acheteur apprend que le compte à payer n’est plus celui de la facture.",
    asks="Nouveau compte (IBAN) et son titulaire (l’acheteur le lira)",
    required=True,
)
NOT_FACTORED = Offer(
    code="228",
    sentence="L’acheteur apprend que la créance n’est plus cédée : il vous paie de nouveau.",
    asks="Ce que l’acheteur doit savoir (facultatif)",
)
NOT_FACTORED_HIDDEN = Offer(
    code="228",
    sentence="Seule votre plateforme l’apprend : l’acheteur n’a jamais su que la créance était cédée.",
    asks="Précision (facultatif, la plateforme seule la lira)",
)


def offers(document: Document) -> tuple[Offer, ...]:
    """Return what the seller may declare of a document now; nothing where the platform does not have it in force.

    Runs inside `acting_for`.
    """
    delivery = delivery_to_tell(document) if document.kind == DocumentKind.INVOICE else None
    if delivery is None or not _in_force(told_of(document.id)):
        return ()
    declared = declared_of(document)
    if "220" in declared:
        return ()
    factored = _factored(document, declared)
    found = [_replaced(by) for by in _correctives(document)[:1]]
    if _business_process(document) in SUBCONTRACTED and "224" not in declared:
        found.append(DIRECT_PAYMENT)
    if factored != "225":
        found.append(FACTORED_NOW)
    if not factored:
        found.append(FACTORED_HIDDEN)
    found.append(OTHER_ACCOUNT)
    if factored:
        found.append(NOT_FACTORED_HIDDEN if factored == HIDDEN else NOT_FACTORED)
    return tuple(found)


def declare(document: Document, code: str, *, note: str, actor: str) -> Act:
    """Have a status that is offered declared, once. Runs inside `acting_for`. Raises CannotAct."""
    locked = Document.objects.select_for_update(of=("self",)).get(id=document.id)  # two who declare do so in turn
    offer = next((one for one in offers(locked) if one.code == code), None)
    delivery = delivery_to_tell(locked)
    if offer is None or delivery is None:
        raise CannotAct(f"Le statut {code} n’est pas à déclarer sur {document.number} : rien n’est dit.")
    typed = " ".join(note.split())[:MOST_TYPED]
    if offer.required and not typed:
        raise CannotAct(f"Le statut {offer.label} demande une précision : {offer.asks}. Écrivez-la, puis déclarez.")
    values = act_values(locked, delivery)
    if by := _correctives(locked)[:1] if code == "220" else []:
        typed = f"Remplacée par la facture rectificative {by[0].number} du {by[0].issue_date:%d/%m/%Y}. {typed}".strip()
    if typed:
        values["note"] = typed
    if offer in {FACTORED_HIDDEN, NOT_FACTORED_HIDDEN}:
        values[TO_PLATFORM] = "yes"
    return ask_act(delivery, kind=code, intent=_next_intent(locked, code), values=values, actor=actor)


def declared_of(document: Document) -> list[str]:
    """Return the statuses that we have declared of a document and that stand, oldest first. Inside `acting_for`."""
    acts = Act.objects.filter(delivery__document=document, delivery__channel=ChannelKey.PLATEFORME_AGREEE, settled="")
    return [act.kind for act in acts.order_by("id") if not _was_turned_away(act)]


def _was_turned_away(act: Act) -> bool:
    """Whether the platform's checks did not take it: then it was never said."""
    flow = str(act.references.get("flowId", ""))
    return (
        bool(flow) and Event.objects.filter(delivery=act.delivery_id, identity__contains=f"ack:{flow}:Error").exists()
    )


def _in_force(told: Sequence[Told]) -> bool:
    """Whether the platform has said that it has the invoice, and nobody has ended it."""
    status = present(told)
    return status is not None and not status.ends


def _factored(document: Document, declared: Sequence[str]) -> str:
    """Return 225 or 226 while the invoice is factored, the one by which it is; empty while it is not."""
    said = [code for code in declared if code in FACTORING]
    if said:
        return "" if said[-1] == "228" else said[-1]
    return "225" if str(document.invoice.get("type_code", "")) in FACTORED else ""


def _correctives(document: Document) -> list[Document]:
    """The corrective invoices that name a document and are at the platform themselves."""
    named = Document.objects.filter(
        seller_siren=document.seller_siren,
        kind=DocumentKind.INVOICE,
        invoice__type_code__in=CORRECTIVE,
        invoice__preceding_invoices__contains=[{"number": document.number}],
    )
    there = Delivery.objects.filter(
        document__in=named, channel=ChannelKey.PLATEFORME_AGREEE, purpose=Purpose.LEGAL, stage__in=THEY_HAVE_IT
    )
    return [each.document for each in there.select_related("document").order_by("id")]


def _replaced(by: Document) -> Offer:
    return Offer(
        code="220",
        sentence=f"L’acheteur apprend que {by.number}, rectificative, remplace cette facture, qui n’est plus à payer.",
        asks="Ce que l’acheteur doit savoir de plus (facultatif)",
    )


def _business_process(document: Document) -> str:
    process = document.invoice.get("process")
    return str(process.get("business_process", "")) if isinstance(process, dict) else ""


def _next_intent(document: Document, code: str) -> str:
    """Name the occasion, so that what was undone or turned away may be said again: how often it was asked before."""
    asked = Act.objects.filter(delivery__document=document, kind=code).count()
    return f"declared {asked + 1}"
