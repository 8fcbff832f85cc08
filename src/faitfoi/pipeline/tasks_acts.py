"""Acts that cannot go on by themselves: refused, held, or of unknown outcome."""

from django.db.models import QuerySet

from faitfoi.accounts.models import Organisation
from faitfoi.pipeline.tasks import Button, Family, Task, due_after
from faitfoi.records.models import Act
from faitfoi.records.stages import Stage

DAYS = 1
TITLE = {
    Stage.TO_FIX: "n’a pas été acceptée",
    Stage.HELD: "n’a pas pu partir",
    Stage.UNKNOWN: "a un sort inconnu",
}
WHAT_TO_DO = {
    Stage.TO_FIX: "Corrigez ce que dit la réponse, puis faites-la repartir ; ou dites comment vous l’avez réglée.",
    Stage.HELD: "Remettez en ordre ce que dit le message, puis faites-la repartir.",
    Stage.UNKNOWN: "Regardez de l’autre côté si elle y est, puis dites-le ici. Ne la refaites pas avant.",
}


def count() -> int:
    """How many acts wait for a person."""
    return _open().count()


def tasks(organisation: Organisation, most: int) -> list[Task]:
    """One task for each act that waits, oldest first."""
    waiting = _open().select_related("delivery__document").order_by("id")[:most]
    return [_task(organisation, act) for act in waiting]


def _open() -> QuerySet[Act]:
    return Act.objects.filter(stage__in=list(TITLE), settled="")


def _task(organisation: Organisation, act: Act) -> Task:
    stage, document = Stage(act.stage), act.delivery.document
    about = {"act_id": act.pk}
    settled = Button(
        label="C’est réglé",
        page="act_exit",
        about=about,
        given={"exit": "settle"},
        asks="Comment ? (vu sur le portail, fait à la main…)",
    )
    again = Button(label="Faire repartir", page="act_exit", about=about, given={"exit": "retry"}, main=True)
    return Task(
        key=f"act:{act.pk}",
        kind=f"act_{stage.value}",
        title=f"La démarche « {act.kind} » pour {document.number} {TITLE[stage]}",
        happened=act.reason,
        who=f"Qui a accès à {act.delivery.get_channel_display()}.",
        todo=WHAT_TO_DO[stage],
        since=act.created_at,
        due=due_after(organisation, act.created_at, DAYS),
        mood="lost" if stage is Stage.UNKNOWN else "trouble",
        document=document,
        buttons=(settled,) if stage is Stage.UNKNOWN else (again, settled),
    )


ACTS = Family(name="acts", count=count, tasks=tasks)
