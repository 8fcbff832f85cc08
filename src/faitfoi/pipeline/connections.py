"""How each channel answers: its last good call, its last failure in words, its environment, what expires when."""

from datetime import datetime, timedelta

from django.db.models import Q

from faitfoi.accounts.tenancy import require_organisation
from faitfoi.records.models import ChannelHealth

QUIET = timedelta(minutes=1)
"""A good call is written down at most this often: ten thousand deliveries are one piece of news here."""


def noted_good(channel: str, *, at: datetime) -> None:
    """Note that the channel has just answered as it should. Runs inside `acting_for`."""
    organisation_id = require_organisation()
    stale = Q(good_at=None) | Q(good_at__lt=at - QUIET)
    mine = ChannelHealth.objects.filter(channel=channel)
    # Looked at before it is written: a row that every worker updated would make them wait for each other.
    if mine.filter(~stale).exists():
        return
    ChannelHealth.objects.update_or_create(organisation_id=organisation_id, channel=channel, defaults={"good_at": at})


def noted_bad(channel: str, reason: str, *, at: datetime) -> None:
    """Note why the channel could not be used: a failure of the connection, not of a document. Inside `acting_for`."""
    ChannelHealth.objects.update_or_create(
        organisation_id=require_organisation(), channel=channel, defaults={"bad_at": at, "bad_reason": reason}
    )
