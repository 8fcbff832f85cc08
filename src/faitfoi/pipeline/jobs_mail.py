"""The timetable of e-mail: returns are read each minute, and the return path is tried each day."""

from procrastinate.contrib.django import app

from faitfoi.pipeline.deliver import WORKER
from faitfoi.pipeline.jobs import every_organisation
from faitfoi.pipeline.mailboxes import read_returns, try_return_path, watch_return_path


@app.periodic(cron="* * * * *")
@app.task(name="watch_mail", queue="steward", queueing_lock="watch_mail")
def watch_mail(timestamp: int) -> None:  # noqa: ARG001
    """Read the mailboxes of returns, and see whether the messages to ourselves came back."""
    for organisation_id in every_organisation():
        read_returns(organisation_id, actor=WORKER)
        watch_return_path(organisation_id)


@app.periodic(cron="31 6 * * *")
@app.task(name="try_return_paths", queue="steward", queueing_lock="try_return_paths")
def try_return_paths(timestamp: int) -> None:  # noqa: ARG001
    """Send each organisation's message to itself, which must come back the way bounces do."""
    for organisation_id in every_organisation():
        try_return_path(organisation_id, actor=WORKER)
