"""The door for messages that come back: called by the listener's thread, one message at a time."""

from django.db import close_old_connections

from faitfoi.pipeline.deliver import WORKER
from faitfoi.pipeline.following import returned_mail


def take_in(raw: bytes, recipients: tuple[str, ...]) -> None:
    """Write down what a returning message tells; raises when it could not be written, so that it is sent again."""
    close_old_connections()
    returned_mail(raw, recipients, actor=WORKER)
