"""Nothing leaves before its witnesses have seen that it was about to: deliveries and acts alike."""

from collections.abc import Callable
from uuid import UUID

from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.archive import has_room
from faitfoi.pipeline.doubting import settle_doubts
from faitfoi.pipeline.rollback import note_database, stopped
from faitfoi.pipeline.witnessing import SILENT, may_send
from faitfoi.records.journal import Draft, write_entries
from faitfoi.records.models import Alarm


def announce(organisation_id: UUID, kind: str, fact: str, name: Callable[[], list[str]], *, actor: str) -> bool:
    """Write an entry of that kind naming, under `fact`, what is about to leave, and have it witnessed; False: wait.

    `name` reads the ids in the transaction of the entry. After a lost database, what was announced may have left and
    becomes a question (`doubting`); what was not certainly has not.
    """
    if not has_room():
        return False  # what the other side answers could not be kept
    if Alarm.objects.filter(cause=SILENT).exists() and not may_send():
        return False  # while they wait, nothing is announced at each try
    note_database()
    if stopped():
        return False
    settle_doubts(actor=actor)
    with acting_for(organisation_id):
        named = name()
        if named:
            write_entries([Draft(kind=kind, facts={fact: named})], actor=actor)
    return not named or may_send()
