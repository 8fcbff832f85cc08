"""Whom an alarm concerns: everybody of the installation, or the people of one organisation."""

from uuid import UUID

from django.db.models import Q

from faitfoi.records.models import Alarm

ARCHIVE = "archive:"


def archive_alarm(organisation_id: UUID) -> str:
    """The cause of the alarm about what one organisation's archive no longer gives."""
    return f"{ARCHIVE}{organisation_id.hex}"


def alarms_for(organisation_id: UUID) -> list[Alarm]:
    """The alarms that the people of an organisation should know, the oldest first: no other one's archive."""
    others = Q(cause__startswith=ARCHIVE) & ~Q(cause=archive_alarm(organisation_id))
    return list(Alarm.objects.exclude(others).order_by("since"))
