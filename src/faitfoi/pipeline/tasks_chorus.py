"""Invoices that Chorus Pro wants recycled or completed, what else it asks for, and news that no list of ours has."""

from django.db.models import Exists, OuterRef, QuerySet

from faitfoi.accounts.models import Organisation
from faitfoi.channels.contract import Grade
from faitfoi.pipeline.chorus_halts import Halt, Halted, halted, halted_deliveries
from faitfoi.pipeline.chorus_words import LEFT_BEHIND, open_questions
from faitfoi.pipeline.tasks import Button, Family, Task, due_after
from faitfoi.records.models import Act, Delivery, Event

DAYS = {Halt.RECYCLE: 2, Halt.COMPLETE: 3}
TITLES = {
    Halt.RECYCLE: "est à recycler : elle n’est pas chez le bon destinataire",
    Halt.COMPLETE: "est suspendue : le destinataire demande des pièces",
}
WHAT_TO_DO = {
    Halt.RECYCLE: "Demandez au client le bon destinataire, service ou engagement, puis dites-le ici. Le numéro reste "
    "le même : n’émettez pas d’autre facture.",
    Halt.COMPLETE: "Joignez les pièces demandées. Le numéro reste le même : n’émettez pas d’autre facture.",
}
ASKED, LEFT, UNKNOWN = "chorus_asked", "chorus_left", "chorus_unknown"
QUESTIONS = {
    ASKED: "attend quelque chose de vous sur Chorus Pro",
    LEFT: "est restée à l’entrée de Chorus Pro : son dépôt n’avance plus",
    UNKNOWN: ": Chorus Pro a dit ce que nous ne connaissons pas",
}
HOW = {
    ASKED: "Faites sur le portail ce que dit le message : la suite se verra d’elle-même. S’il n’y a plus rien à faire, "
    "classez.",
    LEFT: "Regardez sur le portail si la facture y est. Si Chorus Pro relance ce dépôt, la suite se verra "
    "d’elle-même ; sinon déposez-la de nouveau, sous le même numéro.",
    UNKNOWN: "Regardez sur le portail ce que cela veut dire pour cette facture, signalez-nous ce code, puis classez.",
}
LABELS = {Halt.RECYCLE: "Dire où elle va", Halt.COMPLETE: "Joindre les pièces"}


def count() -> int:
    """How many deliveries wait for an answer of ours on Chorus Pro."""
    return _unanswered().count() + _asked().count()


def tasks(organisation: Organisation, most: int) -> list[Task]:
    """One task for each delivery that waits for an answer of ours, oldest first."""
    waiting = _unanswered().select_related("document__customer").order_by("id")[:most]
    found = [_halt(organisation, each) for delivery in waiting if (each := halted(delivery)) is not None]
    asked = _asked().select_related("document", "delivery").order_by("at", "id")[:most]
    return [*found, *(_question(organisation, event) for event in asked)]


def _unanswered() -> QuerySet[Delivery]:
    """The halted deliveries without an answer; one whose answer failed is a task of its own (`tasks_acts`)."""
    given = Act.objects.filter(delivery=OuterRef("pk"), created_at__gte=OuterRef("halted_at"))
    return halted_deliveries().filter(~Exists(given))


def _asked() -> QuerySet[Event]:
    """What Chorus Pro asks for otherwise than by the halts, and what we do not know."""
    return open_questions().exclude(code__in=[halt.value for halt in DAYS])


def _halt(organisation: Organisation, found: Halted) -> Task:
    document, since = found.delivery.document, found.event.at
    return Task(
        key=f"halt:{found.event.pk}",
        kind=f"chorus_{found.halt.lower()}",
        title=f"{document.number} {TITLES[found.halt]}",
        happened=found.event.reason,
        who="Vous, avec le client.",
        todo=WHAT_TO_DO[found.halt],
        since=since,
        due=due_after(organisation, since, DAYS[found.halt]),
        document=document,
        buttons=(
            Button(
                label=LABELS[found.halt],
                page="chorus_task",
                about={"delivery_id": found.delivery.pk},
                post=False,
                main=True,
            ),
        ),
    )


def _question(organisation: Organisation, event: Event) -> Task:
    delivery, kind = event.delivery, _kind_of(event)
    assert delivery is not None  # noqa: S101  # the news is found by its delivery
    dealt_with = Button(
        label="Classer",
        page="answer_news",
        about={"event_id": event.pk},
        given={"exit": "handled"},
        asks="Ce qui a été fait",
    )
    again = Button(
        label="Déposer de nouveau",
        page="delivery_exit",
        about={"delivery_id": delivery.pk},
        given={"exit": "resend"},
        asks="Je m’en suis assuré : Chorus Pro n’a pas cette facture. Elle repart par un nouveau dépôt.",
        tick=True,
    )
    return Task(
        key=f"asked:{event.pk}",
        kind=kind,
        title=f"{event.document.number} {QUESTIONS[kind]}",
        happened=event.reason,
        who="Qui a accès à Chorus Pro.",
        todo=HOW[kind],
        since=event.at,
        due=due_after(organisation, event.at, 2),
        mood="lost" if kind == UNKNOWN else "trouble",
        document=event.document,
        buttons=(again, dealt_with) if kind == LEFT else (dealt_with,),
    )


def _kind_of(event: Event) -> str:
    if event.grade == Grade.UNKNOWN_CODE:
        return UNKNOWN
    return LEFT if event.code in LEFT_BEHIND else ASKED


CHORUS = Family(name="chorus", count=count, tasks=tasks)
