"""Deliveries that only a person can bring further, and the exits there are from where each stands."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from faitfoi.accounts.models import Organisation
from faitfoi.channels.registry import can_be_asked
from faitfoi.pipeline.chorus_halts import halted
from faitfoi.pipeline.resending import Settlement, why_not_again
from faitfoi.pipeline.tasks import Button, Family, Task, due_after
from faitfoi.records.models import Delivery, Event
from faitfoi.records.stages import Purpose, Stage

LATE = timedelta(minutes=10)
"""A delivery that was due longer ago should have gone: the worker is probably stopped (complaint A10)."""
TOO_LONG = timedelta(days=1)
"""However often it was tried: prepared yesterday and not sent is told each day."""
NEED_A_PERSON = (Stage.UNKNOWN, Stage.TO_FIX, Stage.HELD, Stage.RETURNED, Stage.REJECTED)
DAYS = {Stage.UNKNOWN: 2, Stage.TO_FIX: 1, Stage.HELD: 1, Stage.RETURNED: 3, Stage.REJECTED: 3, Stage.ROUTED: 0}
TITLES = {
    Stage.UNKNOWN: "est peut-être arrivée : son sort est inconnu",
    Stage.TO_FIX: "n’est pas partie : à corriger",
    Stage.HELD: "n’a pas pu partir, malgré tous les essais",
    Stage.RETURNED: "est revenue : le client ne l’a pas",
    Stage.REJECTED: "a été rejetée après son dépôt",
    Stage.ROUTED: "est préparée et n’est pas partie",
}
MOODS = {Stage.UNKNOWN: "lost", Stage.HELD: "waiting", Stage.ROUTED: "waiting"}


def count() -> int:
    """How many deliveries wait for a person."""
    return _open().count()


def tasks(organisation: Organisation, most: int) -> list[Task]:
    """One task for each delivery that waits for a person, oldest first."""
    waiting = list(_open().select_related("document__customer").order_by("id")[:most])
    last = _last_words(delivery.pk for delivery in waiting)
    return [_task(organisation, delivery, last.get(delivery.pk)) for delivery in waiting]


def exits_of(delivery: Delivery) -> tuple[Button, ...]:
    """What a person may do about a delivery where it stands; nothing when it goes on by itself or is settled."""
    if delivery.settled:
        return ()
    match Stage(delivery.stage):
        case Stage.UNKNOWN | Stage.RETURNED if delivery.purpose == Purpose.NOTICE:
            return _notice(delivery)
        case Stage.UNKNOWN:
            return _unknown(delivery)
        case Stage.TO_FIX:
            return (_retry(delivery), *_record(delivery))
        case Stage.HELD:
            return (_retry(delivery), Button(label="Voir la connexion", page="connections", post=False))
        case Stage.RETURNED:
            anew = _exit(delivery, "Renvoyer à l’adresse de la fiche", "resend", main=True)
            handed = _settle(delivery, "Remise autrement", Settlement.HANDED_OVER, "Comment, et quand ?")
            return (*_record(delivery), anew, handed)
        case Stage.REJECTED:
            return _rejected(delivery)
        case _:
            return ()


def _buttons(delivery: Delivery) -> tuple[Button, ...]:
    """The exits, as the list offers them: with the guided page of a rejection, and never none."""
    if Stage(delivery.stage) is Stage.REJECTED and halted(delivery) is not None:
        about = {"delivery_id": delivery.pk}
        guided = Button(label="Régler ce rejet pas à pas", page="chorus_task", about=about, post=False)
        return (guided, *exits_of(delivery))
    look = Button(label="Regarder l’envoi", page="document", about={"document_id": delivery.document_id}, post=False)
    return exits_of(delivery) or (look,)


def _notice(delivery: Delivery) -> tuple[Button, ...]:
    """The invoice itself lies where it was deposited: a notice may be forgotten."""
    anew = _exit(delivery, "Renvoyer l’avis à l’adresse de la fiche", "resend")
    noted = _settle(delivery, "Classer", Settlement.NOTED, "Pourquoi n’y a-t-il plus rien à faire ?", main=False)
    return (*_record(delivery), anew, noted)


def _unknown(delivery: Delivery) -> tuple[Button, ...]:
    arrived = _exit(delivery, "Elle est arrivée", "arrived", asks="Comment le savez-vous ?", optional=True, main=True)
    sure = "Je m’en suis assuré : elle n’est pas arrivée. Elle repart sous un nouvel envoi."
    anew = _exit(delivery, "Elle n’est pas arrivée, renvoyer", "resend", asks=sure, tick=True)
    if not can_be_asked(delivery.channel):
        return (arrived, anew)
    return (arrived, _exit(delivery, "Demander de nouveau", "ask"), anew)


def _rejected(delivery: Delivery) -> tuple[Button, ...]:
    asked = "Numéros de l’avoir et de la nouvelle facture"
    replaced = _settle(delivery, "Remplacée", Settlement.REPLACED, asked)
    noted = _settle(delivery, "Classer", Settlement.NOTED, "Pourquoi n’y a-t-il plus rien à faire ?", main=False)
    if why_not_again(delivery):
        return (replaced, noted)
    return (*_record(delivery), _exit(delivery, "Déposer de nouveau", "resend", main=True), replaced, noted)


def _retry(delivery: Delivery) -> Button:
    return Button(label="Faire repartir", page="send_again", about={"delivery_id": delivery.pk}, main=True)


def _record(delivery: Delivery) -> tuple[Button, ...]:
    customer = delivery.document.customer_id
    if customer is None:
        return ()
    return (
        Button(label="Ouvrir la fiche du client", page="edit_customer", about={"customer_id": customer}, post=False),
    )


def _exit(
    delivery: Delivery,
    label: str,
    exit_: str,
    *,
    asks: str = "",
    tick: bool = False,
    optional: bool = False,
    main: bool = False,
) -> Button:
    return Button(
        label=label,
        page="delivery_exit",
        about={"delivery_id": delivery.pk},
        given={"exit": exit_},
        asks=asks,
        tick=tick,
        optional=optional,
        main=main,
    )


def _settle(delivery: Delivery, label: str, how: Settlement, asks: str, *, main: bool = True) -> Button:
    return Button(
        label=label,
        page="delivery_exit",
        about={"delivery_id": delivery.pk},
        given={"exit": how.value},
        asks=asks,
        main=main and how is Settlement.REPLACED,
    )


def _open() -> QuerySet[Delivery]:
    now = timezone.now()
    stopped = Q(stage__in=NEED_A_PERSON, settled="")
    late = Q(stage=Stage.ROUTED) & (Q(next_attempt_at__lt=now - LATE) | Q(created_at__lt=now - TOO_LONG))
    return Delivery.objects.filter(stopped | late)


def _last_words(delivery_ids: Iterable[UUID]) -> dict[UUID, Event]:
    """The last thing said of each delivery with its reason."""
    events = Event.objects.filter(delivery_id__in=list(delivery_ids)).exclude(reason="").order_by("id")
    return {event.delivery_id: event for event in events if event.delivery_id is not None}


def _task(organisation: Organisation, delivery: Delivery, last: Event | None) -> Task:
    stage, document = Stage(delivery.stage), delivery.document
    since: datetime = last.at if last else delivery.created_at
    what = "" if delivery.purpose == Purpose.LEGAL else f" ({delivery.get_purpose_display()})"
    return Task(
        key=f"delivery:{delivery.pk}",
        kind=stage.value,
        title=f"{document.number}{what} {_title(stage, delivery)}",
        happened=last.reason if last else "Aucune raison n’a été donnée.",
        who=_who(stage, delivery),
        todo=_todo(stage, delivery),
        since=since,
        due=due_after(organisation, since, DAYS[stage]),
        mood=MOODS.get(stage, "trouble"),
        document=document,
        buttons=_buttons(delivery),
    )


def _title(stage: Stage, delivery: Delivery) -> str:
    """A copy or a notice that comes back says nothing of the invoice itself."""
    beside = delivery.purpose != Purpose.LEGAL
    return "est revenue sans avoir été remise" if beside and stage is Stage.RETURNED else TITLES[stage]


def _who(stage: Stage, delivery: Delivery) -> str:
    channel = delivery.get_channel_display()
    return {
        Stage.UNKNOWN: f"Qui a accès à {channel}." if can_be_asked(delivery.channel) else "Vous, avec le client.",
        Stage.TO_FIX: "Vous : rien n’est parti.",
        Stage.HELD: f"Qui gère les réglages du canal « {channel} » : rien n’est parti.",
        Stage.RETURNED: "Vous, avec le client.",
        Stage.REJECTED: "Vous, dans votre logiciel de facturation.",
        Stage.ROUTED: "Qui gère cette installation : rien n’est parti.",
    }[stage]


def _todo(stage: Stage, delivery: Delivery) -> str:
    address = delivery.address
    if delivery.purpose == Purpose.NOTICE and stage in {Stage.UNKNOWN, Stage.RETURNED}:
        return (
            "La facture elle-même est déposée : seul l’avis manque peut-être. Corrigez l’adresse de la fiche et "
            "renvoyez l’avis, ou classez."
        )
    if delivery.purpose == Purpose.COPY and stage is Stage.RETURNED:
        return (
            "Seule la copie manque : la facture suit son propre chemin. Demandez au client une adresse qui marche, "
            "corrigez sa fiche, puis renvoyez la copie ; ou dites comment vous la lui avez donnée."
        )
    return {
        Stage.UNKNOWN: f"Demandez à {address} si elle est arrivée, et dites-le ici. Pas de renvoi avant la réponse."
        if not can_be_asked(delivery.channel)
        else "Cherchez-la de l’autre côté, et dites ici si elle y est. Ne la déposez pas une seconde fois avant.",
        Stage.TO_FIX: "Corrigez ce que dit la réponse, puis faites repartir.",
        Stage.HELD: "Remettez en ordre ce que dit le message (connexion, identifiants, quota), puis faites repartir. "
        "Elle est aussi tentée de nouveau chaque jour, et dès qu’un réglage du canal change.",
        Stage.RETURNED: "Si son adresse est en cause, demandez-lui la bonne, corrigez sa fiche, puis renvoyez ; sinon "
        "réglez d’abord ce qui est dit, ou remettez-lui la facture autrement.",
        Stage.REJECTED: why_not_again(delivery)
        or "Aucune facture n’a été créée de l’autre côté : corrigez la cause, puis déposez de nouveau.",
        Stage.ROUTED: "Si la liste ne diminue pas, l’ouvrier est sans doute arrêté : lancez « faitfoi run ».",
    }[stage]


DELIVERIES = Family(name="deliveries", count=count, tasks=tasks)
