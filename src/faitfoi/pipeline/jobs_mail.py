"""The timetable of e-mail: returns are read each minute, and the return path is tried each day."""

from uuid import UUID

from procrastinate.contrib.django import app

from faitfoi.pipeline.due import mail_later
from faitfoi.pipeline.jobs import every_organisation
from faitfoi.pipeline.mail_silence import watch_calls
from faitfoi.pipeline.mailboxes import read_returns, try_return_path, watch_return_path
from faitfoi.pipeline.tries import WORKER


@app.periodic(cron="* * * * *")
@app.task(name="watch_mail", queue="steward", queueing_lock="watch_mail")
def watch_mail(timestamp: int) -> None:  # noqa: ARG001
    """Have each organisation's mailbox of returns read: one server that does not answer holds nobody else's."""
    for organisation_id in every_organisation():
        mail_later("watch_mail_of", organisation_id)


@app.task(name="watch_mail_of", queue="journey")
def watch_mail_of(*, organisation_id: str) -> None:
    """Read one organisation's mailbox of returns, and see whether its message to itself came back."""
    read_returns(UUID(organisation_id), actor=WORKER)
    watch_return_path(UUID(organisation_id))


@app.periodic(cron="31 6 * * *")
@app.task(name="try_return_paths", queue="steward", queueing_lock="try_return_paths")
def try_return_paths(timestamp: int) -> None:  # noqa: ARG001
    """Have each organisation's message to itself sent, which must come back the way bounces do."""
    for organisation_id in every_organisation():
        mail_later("try_return_path_of", organisation_id)


@app.task(name="try_return_path_of", queue="journey")
def try_return_path_of(*, organisation_id: str) -> None:
    """Send one organisation's message to itself, and see whether its mail providers still call."""
    try_return_path(UUID(organisation_id), actor=WORKER)
    watch_calls(UUID(organisation_id))
