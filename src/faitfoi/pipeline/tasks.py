"""What needs a person: one kind of thing to do, whoever finds it (`task_list` puts all of it into one list)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from faitfoi.accounts.models import Organisation
from faitfoi.records.models import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """One thing that a person may do about a task: a page of ours to post to, or to open.

    `page` is the name of its address and `about` what the address names besides the organisation. A page that is
    posted to gets `given`, and what the person types or ticks under `asks` (its label; `tick` for a box that must be
    ticked, since the act cannot be undone).
    """

    label: str
    page: str
    about: dict[str, UUID] = field(default_factory=dict)
    post: bool = True
    given: dict[str, str] = field(default_factory=dict)
    asks: str = ""
    tick: bool = False
    optional: bool = False
    main: bool = False

    @property
    def ident(self) -> str:
        """A name for what is typed, of its own on a page of many tasks."""
        return "-".join([self.page, *map(str, self.about.values()), *self.given.values()])


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Something that only a person can bring further, in French: what happened, who can act, what to do, by when.

    `kind` sorts and filters; `mood` is that of its badge (trouble, lost, waiting).
    """

    key: str
    kind: str
    title: str
    happened: str
    who: str
    todo: str
    since: datetime
    due: date
    mood: str = "trouble"
    document: Document | None = None
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Where tasks of some kinds come from. Both run inside `acting_for`.

    `count` is asked for on every page, so it must be one cheap question; `tasks` gives the oldest `most` of them.
    """

    name: str
    count: Callable[[], int]
    tasks: Callable[[Organisation, int], list[Task]]


def due_after(organisation: Organisation, since: datetime, days: int) -> date:
    """The day by which a person should have acted: so many days on, and never on a Saturday or a Sunday."""
    day = organisation.legal_day(since) + timedelta(days=days)
    return day + timedelta(days=max(0, 7 - day.weekday()) % 7 if day.weekday() >= 5 else 0)
