"""What the demonstration says at its end of what waits for a person: the very list of the page « À faire »."""

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.task_list import list_tasks
from faitfoi.pipeline.tasks import Task


def tell_tasks(organisations: Iterable[Organisation], console: Console) -> int:
    """Print each organisation's tasks, with who can act and by which button; returns how many there are."""
    total = 0
    for organisation in organisations:
        with acting_for(organisation.id):
            tasks = list_tasks(organisation)
        if not tasks:
            continue
        total += len(tasks)
        console.print(f"\n[bold]À faire[/] — {escape(organisation.name)} ({len(tasks)})")
        for task in tasks:
            console.print(f"· {escape(task.title)}.\n  {escape(_how(task))}", highlight=False, soft_wrap=True)
    return total


def _how(task: Task) -> str:
    """Who can act, and the buttons that the page offers."""
    labels = " ou ".join(f"« {button.label} »" for button in task.buttons)
    who = task.who.rstrip(".")
    return f"{who}. {labels}." if labels else f"{who}."
