"""The door for messages that come back: called by the listener's thread, one message at a time."""

from django.db import close_old_connections

from faitfoi.intake.bounces import read_verp
from faitfoi.pipeline.following import returned_mail
from faitfoi.pipeline.mailboxes import take_back
from faitfoi.pipeline.parcels import return_secret
from faitfoi.pipeline.rollback import stopped
from faitfoi.pipeline.tries import WORKER


class NotNow(Exception):
    """The journal is not the one that its witnesses know: news is not written on it; the message is French."""


def is_ours(address: str) -> bool:
    """Whether we gave this return address out; anything else is turned away at the door."""
    return read_verp(address, secret=return_secret()) is not None


def take_in(raw: bytes, recipients: tuple[str, ...]) -> None:
    """Write down what a returning message tells; raises when it could not be written, so that it is sent again."""
    close_old_connections()
    if sentence := stopped():
        raise NotNow(sentence)  # whoever sent it keeps it, and sends it again
    take_back(recipients)
    returned_mail(raw, recipients, actor=WORKER)
