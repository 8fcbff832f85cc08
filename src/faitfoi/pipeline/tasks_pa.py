"""What needs a person in the lifecycle of invoices at a plateforme agréée, and the news that fits no invoice."""

from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.channels.contract import Grade
from faitfoi.pipeline.answers_pa import SUSPENDED
from faitfoi.pipeline.handled import is_handled
from faitfoi.pipeline.tasks import Button, Family, Task, due_after
from faitfoi.records.models import DeadLetter, Document, Event
from faitfoi.records.stages import Stage

MOST_OF_ONE = 20
ENDING = ("210", "213", "501")
AFTER_THE_END = frozenset({"200", "201", "202", "203", "204", "205", "206", "207", "208", "209", "211", "212", "214"})
ADDRESSED = frozenset({"200", "221"})
"""Statuses about the buyer's address, which is on the customer's record."""
DAYS = {"206": 5, "207": 3, "208": 3, "221": 1, "200": 2, "213": 2}
TITLES = {
    "200": "est déposée, mais l’acheteur ne la reçoit pas",
    "206": "n’est approuvée qu’en partie",
    "207": "est contestée par l’acheteur",
    "208": "est suspendue : il manque quelque chose à l’acheteur",
    "221": "n’a pas pu être remise : erreur de routage",
    "213": "est dite en doublon",
}
WHAT_TO_DO = {
    "200": "Envoyez-lui une copie par un autre moyen, puis classez.",
    "206": "Voyez son motif avec lui ; émettez un avoir partiel s’il a raison, puis classez.",
    "207": "Appelez-le et donnez-lui ce qu’il demande ; la suite vient d’elle-même, ou classez.",
    "208": "Donnez-lui ce qui manque, puis dites la facture complétée. Ne la renvoyez pas.",
    "221": "Vérifiez son adresse de facturation électronique, corrigez sa fiche, puis classez.",
    "213": "Vérifiez chez votre plateforme que la première est bien arrivée, puis classez.",
}


def count() -> int:
    """How many statuses and pieces of news wait for a person."""
    return _open().count() + _letters().count()


def tasks(organisation: Organisation, most: int) -> list[Task]:
    """One task for each, oldest first."""
    events = _open().select_related("document__customer", "delivery").order_by("at", "id")[:most]
    found = [_task(organisation, event) for event in events]
    return found + [_letter(organisation, letter) for letter in _letters().order_by("id")[:most]]


def said_of(organisation: Organisation, document: Document) -> list[Task]:
    """Return what the lifecycle asks about one document, oldest first. Runs inside `acting_for`."""
    events = _open().filter(document=document).select_related("document__customer", "delivery").order_by("at", "id")
    return [_task(organisation, event) for event in events[:MOST_OF_ONE]]


def _open() -> QuerySet[Event]:
    """The statuses that ask for something, that nothing later has answered and nobody has settled."""
    same = Event.objects.filter(delivery_id=OuterRef("delivery_id"), axis=Event.Axis.THEIRS)
    later = same.filter(code__regex=r"^\d{3}$", at__gt=OuterRef("at")).exclude(grade=Grade.DUPLICATE)
    ended = same.filter(code__in=ENDING, grade=Grade.REJECTED, at__lt=OuterRef("at"))
    taken = Event.objects.filter(
        document_id=OuterRef("document_id"), axis=Event.Axis.THEIRS, code__in=AFTER_THE_END
    ).exclude(id=OuterRef("id"))
    asks = Q(grade=Grade.ACTION_NEEDED) & ~Exists(later)
    doubled = Q(grade=Grade.DUPLICATE) & ~Exists(taken)
    strange = Q(grade=Grade.UNKNOWN_CODE)
    contradicts = Q(code__in=AFTER_THE_END) & Exists(ended)
    said = Event.objects.filter(axis=Event.Axis.THEIRS, delivery__channel=ChannelKey.PLATEFORME_AGREEE)
    return said.filter(asks | doubled | strange | contradicts).exclude(is_handled())


def _letters() -> QuerySet[DeadLetter]:
    return DeadLetter.objects.filter(settled_at=None)


def _task(organisation: Organisation, event: Event) -> Task:
    number, after = event.document.number, _after_the_end(event)
    if after:
        title = f"{number} : un statut {event.code} est arrivé après son refus ou son rejet"
        todo = "Les deux se contredisent : demandez à votre plateforme lequel vaut. Rien n’a changé ici."
    elif event.grade == Grade.UNKNOWN_CODE:
        title = f"{number} : la plateforme dit « {event.code} », que nous ne connaissons pas"
        todo = "Regardez la facture chez votre plateforme, puis classez."
    else:
        title = f"{number} {TITLES.get(event.code, 'demande quelqu’un')}"
        todo = WHAT_TO_DO.get(event.code, "Lisez ce qui est dit, faites-le, puis classez.")
    return Task(
        key=f"status:{event.id}",
        kind="status",
        title=title,
        happened=f"{event.who} : {event.reason}" if event.who else event.reason,
        who="Vous, avec l’acheteur." if event.code in {"206", "207", "208"} else "Vous.",
        todo=todo,
        since=event.at,
        due=due_after(organisation, max(event.at, event.created_at), DAYS.get(event.code, 2)),
        mood="lost" if after or event.grade == Grade.UNKNOWN_CODE else "trouble",
        document=event.document,
        buttons=_buttons(event, after=after),
    )


def _after_the_end(event: Event) -> bool:
    return (
        event.delivery is not None
        and event.delivery.stage == Stage.REJECTED
        and event.grade not in {Grade.DUPLICATE, Grade.UNKNOWN_CODE}
    )


def _buttons(event: Event, *, after: bool) -> tuple[Button, ...]:
    about = {"event_id": event.id}
    done = Button(label="Classer", page="answer_news", about=about, given={"exit": "handled"}, asks="Ce qui a été fait")
    if event.code == SUSPENDED and not after:
        asks = "Ce que vous avez donné (l’acheteur le lira)"
        said = Button(
            label="Dire complétée (209)",
            page="answer_news",
            about=about,
            given={"exit": "complete"},
            asks=asks,
            main=True,
        )
        return (said, done)
    if event.code in ADDRESSED and event.document.customer_id is not None:
        record = {"customer_id": event.document.customer_id}
        return (Button(label="Ouvrir la fiche du client", page="edit_customer", about=record, post=False), done)
    return (done,)


def _letter(organisation: Organisation, letter: DeadLetter) -> Task:
    number = letter.about.get("number", "")
    about = f"de la facture {number}" if number else "que nous n’avons pas pu lire"
    since: datetime = letter.created_at
    named = {"letter_id": letter.id}
    return Task(
        key=f"letter:{letter.id}",
        kind="letter",
        title=f"Une nouvelle {about} ne correspond à aucun envoi",
        happened=f"{letter.who} : {letter.reason}" if letter.who else letter.reason,
        who="Vous.",
        todo="Si la facture est bien la vôtre, cherchez de nouveau ; sinon signalez-la à votre plateforme et classez.",
        since=since,
        due=due_after(organisation, since, 3),
        mood="lost",
        buttons=(
            Button(
                label="Chercher de nouveau", page="unattached_news", about=named, given={"exit": "again"}, main=True
            ),
            Button(label="Classer", page="unattached_news", about=named, given={"exit": "settle"}),
        ),
    )


PLATEFORME = Family(name="pa", count=count, tasks=tasks)
