"""Invoices that Chorus Pro wants recycled or completed, and news from it that no list of ours has."""

from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.channels.contract import Grade
from faitfoi.pipeline.chorus_halts import Halt, Halted, halted, halted_deliveries
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
LABELS = {Halt.RECYCLE: "Dire où elle va", Halt.COMPLETE: "Joindre les pièces"}


def count() -> int:
    """How many deliveries wait for an answer of ours on Chorus Pro."""
    return _unanswered().count() + _untold().count()


def tasks(organisation: Organisation, most: int) -> list[Task]:
    """One task for each delivery that waits for an answer of ours, oldest first."""
    waiting = _unanswered().select_related("document__customer").order_by("id")[:most]
    found = [_halt(organisation, each) for delivery in waiting if (each := halted(delivery)) is not None]
    untold = _untold().select_related("document").order_by("id")[:most]
    return [*found, *(_unknown(organisation, delivery) for delivery in untold)]


def _unanswered() -> QuerySet[Delivery]:
    """The halted deliveries without an answer; one whose answer failed is a task of its own (`tasks_acts`)."""
    given = Act.objects.filter(delivery=OuterRef("pk"), created_at__gte=OuterRef("halted_at"))
    return halted_deliveries().filter(~Exists(given))


def _untold() -> QuerySet[Delivery]:
    """The deliveries of which Chorus Pro has said last something that no list of ours has."""
    said = Event.objects.filter(delivery=OuterRef("pk"), axis=Event.Axis.THEIRS)
    later = said.filter(at__gt=OuterRef("unknown_at"), grade__in=[g.value for g in Grade if g != Grade.UNKNOWN_CODE])
    unknown = Event.objects.filter(grade=Grade.UNKNOWN_CODE.value, delivery__channel=ChannelKey.CHORUS_PRO)
    followed = Delivery.objects.filter(channel=ChannelKey.CHORUS_PRO).exclude(next_poll_at=None)
    newest = unknown.filter(delivery=OuterRef("pk")).order_by("-at").values("at")[:1]
    return followed.annotate(unknown_at=Subquery(newest)).exclude(unknown_at=None).filter(~Exists(later))


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


def _unknown(organisation: Organisation, delivery: Delivery) -> Task:
    last = Event.objects.filter(delivery=delivery, grade=Grade.UNKNOWN_CODE.value).order_by("-at").first()
    since: datetime = last.at if last else delivery.created_at
    return Task(
        key=f"unknown:{delivery.pk}",
        kind="chorus_unknown",
        title=f"{delivery.document.number} : Chorus Pro a dit ce que nous ne connaissons pas",
        happened=last.reason if last else "",
        who="Qui a accès à Chorus Pro.",
        todo="Regardez sur le portail ce que cela veut dire pour cette facture, et signalez-nous ce code.",
        since=since,
        due=due_after(organisation, since, 2),
        document=delivery.document,
    )


CHORUS = Family(name="chorus", count=count, tasks=tasks)
