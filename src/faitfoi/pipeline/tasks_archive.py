"""Requests for elimination that wait for a second person."""

from django.db.models import Count

from faitfoi.accounts.models import Organisation
from faitfoi.pipeline.tasks import Button, Family, Task, due_after
from faitfoi.records.models import Elimination

DAYS = 14


def count() -> int:
    """How many requests nobody has answered yet."""
    return Elimination.objects.filter(state=Elimination.State.REQUESTED).count()


def tasks(organisation: Organisation, most: int) -> list[Task]:
    """One task for each of them, oldest first."""
    waiting = Elimination.objects.filter(state=Elimination.State.REQUESTED).annotate(pieces=Count("items"))
    return [_task(organisation, each, pieces=each.pieces) for each in waiting.order_by("id")[:most]]


def _task(organisation: Organisation, asked: Elimination, *, pieces: int) -> Task:
    many = f"{pieces} pièces" if pieces > 1 else "une pièce"
    return Task(
        key=f"elimination:{asked.pk}",
        kind="elimination",
        title=f"Une demande d’élimination de {many} attend une seconde personne",
        happened=asked.reason,
        who="Un responsable qui n’a pas fait la demande.",
        todo="Parcourez les pièces sur la page « Archive », puis approuvez ou refusez. Ce qui est éliminé ne revient "
        "pas ; d’ici là rien ne part.",
        since=asked.created_at,
        due=due_after(organisation, asked.created_at, DAYS),
        mood="waiting",
        buttons=(Button(label="Voir la demande", page="archive", post=False, main=True),),
    )


ARCHIVE = Family(name="archive", count=count, tasks=tasks)
