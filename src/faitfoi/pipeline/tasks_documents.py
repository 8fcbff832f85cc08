"""Sealed documents that wait for a way: a contact, a number or a setting is missing."""

from django.db.models import QuerySet

from faitfoi.accounts.models import Organisation
from faitfoi.pipeline.tasks import Button, Family, Task, due_after
from faitfoi.records.models import Document

DAYS = 2


def count() -> int:
    """How many documents wait."""
    return _waiting().count()


def tasks(organisation: Organisation, most: int) -> list[Task]:
    """One task for each document that waits, oldest first."""
    waiting = _waiting().select_related("customer").order_by("id")[:most]
    return [_task(organisation, document) for document in waiting]


def _waiting() -> QuerySet[Document]:
    return Document.objects.exclude(waiting_for="")


def _task(organisation: Organisation, document: Document) -> Task:
    about = {"document_id": document.pk}
    buttons = [
        Button(label="Ouvrir la facture", page="document", about=about, post=False),
        Button(label="Relancer", page="route_again", about=about, main=True),
    ]
    if document.customer_id is not None:
        buttons.insert(
            0,
            Button(
                label="Ouvrir la fiche du client",
                page="edit_customer",
                about={"customer_id": document.customer_id},
                post=False,
            ),
        )
    return Task(
        key=f"document:{document.pk}",
        kind="waiting",
        title=f"{document.number} ne peut pas partir",
        happened=document.waiting_for,
        who="Vous : rien n’est parti.",
        todo="Complétez ce qui manque, sur la fiche du client ou sur la page de la facture, puis relancez. Elle est "
        "aussi tentée de nouveau chaque jour.",
        since=document.created_at,
        due=due_after(organisation, document.created_at, DAYS),
        document=document,
        buttons=tuple(buttons),
    )


DOCUMENTS = Family(name="documents", count=count, tasks=tasks)
