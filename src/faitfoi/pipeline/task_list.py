"""The one list of what needs a person, from every family of tasks: those due first come first."""

from faitfoi.accounts.models import Organisation
from faitfoi.pipeline.tasks import Family, Task
from faitfoi.pipeline.tasks_acts import ACTS
from faitfoi.pipeline.tasks_archive import ARCHIVE
from faitfoi.pipeline.tasks_chorus import CHORUS
from faitfoi.pipeline.tasks_deliveries import DELIVERIES
from faitfoi.pipeline.tasks_documents import DOCUMENTS
from faitfoi.pipeline.tasks_pa import PLATEFORME

FAMILIES: tuple[Family, ...] = (
    DELIVERIES,
    DOCUMENTS,
    ACTS,
    PLATEFORME,
    CHORUS,
    ARCHIVE,
)
"""A new family: its file `tasks_<name>.py`, and its line here."""

MOST = 200


def count_tasks() -> int:
    """Return how many tasks there are. Runs inside `acting_for`."""
    return sum(family.count() for family in FAMILIES)


def list_tasks(organisation: Organisation, *, most: int = MOST) -> list[Task]:
    """Return the tasks, soonest due first, at most so many of each family. Runs inside `acting_for`."""
    found = [task for family in FAMILIES for task in family.tasks(organisation, most)]
    return sorted(found, key=lambda task: (task.due, task.since, task.key))
