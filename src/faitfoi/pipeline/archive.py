"""The archive: packs made durable before the transaction that needs them, claimed in it, read back verified.

kept = archive.pack(organisation.id, contents, retention=archive.INVOICE)   # outside any transaction
with acting_for(organisation.id):
    archive.claim(kept, actor=actor)                                        # with the rows that name the objects
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for, current_organisation
from faitfoi.evidence.shelf import FolderShelf, NoRoom, ObjectAltered, ObjectMissing
from faitfoi.evidence.store import Pack, Place, pack_digest
from faitfoi.pipeline import retention as terms
from faitfoi.pipeline.installation import store
from faitfoi.records.journal import write_entry
from faitfoi.records.models import Alarm
from faitfoi.records.objects import places_of, write_pack

INVOICE = "invoice"
"""What proves an invoice: its renderings, what the other side said. Ten years from the end of the financial year."""
RECEIVED = "received"
"""What was handed over, before it is judged: an original that becomes an invoice is kept again with its renderings."""
PROOF = "proof"
"""What proves by itself and is about others: attestations. Kept as long as what it is about, and never eliminated."""

ACTOR = "archive"
FULL = "disk"
"""The alarm's cause when a disk has reached its reserve."""

log = logging.getLogger(__name__)


def pack(organisation_id: UUID, contents: Sequence[bytes], *, retention: str = INVOICE) -> Pack:
    """Lay contents into one pack, durable on every shelf when this returns. Call it outside any transaction.

    At most `evidence.store.MOST_OBJECTS` and `MOST_BYTES` (ValueError; `portions` divides). Raises NoRoom at the
    reserve of the disk, OSError as the system gives it: nothing is acknowledged then.
    """
    # Folders know no term: nobody is asked for one, at each answer of the other side, that nothing would keep.
    locks = not all(isinstance(shelf, FolderShelf) for shelf in store().shelves)
    until = kept_until(organisation_id, retention) if locks else None
    return store().pack(organisation_id, contents, retention=retention, keep_until=until)


def has_room() -> bool:
    """Whether the disks have more than their reserve; if not, an alarm says so, and work that writes waits."""
    try:
        for shelf in store().shelves:
            if isinstance(shelf, FolderShelf):
                shelf.refuse_when_full()
    except NoRoom as error:
        Alarm.objects.update_or_create(
            cause=FULL, defaults={"sentence": f"Rien n’est reçu ni envoyé. {error.strerror}"}
        )
        return False
    Alarm.objects.filter(cause=FULL).delete()
    return True


def kept_until(organisation_id: UUID, retention: str) -> datetime:
    """Return until when a shelf that locks keeps what is packed now: the end of the day that the law asks for.

    It follows the class (`pipeline.retention`): ten years or more from the end of the financial year for an invoice.
    """
    with acting_for(organisation_id):
        day = Organisation.objects.get(id=organisation_id).legal_day(timezone.now())
    return terms.kept_until(organisation_id, retention, today=day)


def claim(kept: Pack, *, actor: str) -> None:
    """Write the rows that name a pack's objects, and their entry; once, however often. Runs inside `acting_for`.

    Raises ObjectMissing when the pack, left by an earlier try, has been swept meanwhile: the work is to be done again.
    """
    if write_pack(kept, actor=actor) and not kept.fresh:
        store().first.written(kept.name)


def fetch(organisation_id: UUID, sha256: str, *, places: Sequence[Place] = ()) -> bytes:
    """Return an object's bytes, verified; a first copy that lies is mended from the second, and journalled.

    `places` are where it lies, where they have been read already (`records.objects.places_of_all`).

    Raises ObjectMissing when nobody kept it, ObjectAltered when no copy is whole any more.
    """
    places = places or _places(organisation_id, sha256)
    trouble: ObjectMissing | ObjectAltered = ObjectMissing(
        f"L’objet {sha256} de l’organisation {organisation_id} n’est pas dans le coffre. Restaurez-le depuis la "
        "seconde copie."
    )
    for place in places:
        try:
            return store().read(place)
        except (ObjectMissing, ObjectAltered) as error:
            trouble = error
            if _mended(organisation_id, place):
                return store().read(place)
    raise trouble


def _places(organisation_id: UUID, sha256: str) -> list[Place]:
    if current_organisation() == organisation_id:
        return places_of(sha256)  # without a savepoint: nothing is written
    with acting_for(organisation_id):
        return places_of(sha256)


def _mended(organisation_id: UUID, place: Place) -> bool:
    """Mend a pack from its whole copy and write it down; False when there is none."""
    if store().second is None:
        return False
    try:
        copies = store().mend(place.pack, keep_until=kept_until(organisation_id, place.pack.split("/")[1]))
    except ObjectAltered:
        return False
    log.warning("pack %s was mended on its shelves: %s", place.pack, ", ".join(copies))
    with acting_for(organisation_id):
        write_entry(
            "object_repaired", actor=ACTOR, pack=pack_digest(place.pack), sha256=place.sha256, copies=list(copies)
        )
    return True
