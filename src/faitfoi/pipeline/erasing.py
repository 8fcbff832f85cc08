"""The steps of an elimination: rows emptied, packs written anew without its objects, old packs off the shelves."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from uuid import UUID

from django.db import connection
from django.db.models import Model
from django.utils import timezone

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.shelf import ObjectMissing
from faitfoi.evidence.store import Pack, pack_name
from faitfoi.pipeline import archive
from faitfoi.pipeline.holding import refuse_held
from faitfoi.pipeline.installation import store
from faitfoi.records.images import Image, read_details
from faitfoi.records.journal import write_entry
from faitfoi.records.models import (
    Act,
    ActAttempt,
    ActFile,
    Attempt,
    BatchLine,
    Delivery,
    Document,
    EliminationItem,
    Event,
    JournalDetails,
    JournalEntry,
    JournalLeaf,
    StoredObject,
)
from faitfoi.records.objects import hold_pack, place_of, retire_pack

ELIMINATED = "document_eliminated"
TELL_LINES = ("lines_told_anew", "lines_received", "lines_judged_anew", "line_waits_for_seal", "line_refused")
"""Entries whose details tell the files of several documents."""
OBJECTS_OF_ONE_ENTRY = 200
"""Two fingerprints take 194 bytes: an entry stays under 60 kB."""


def erase_document(organisation_id: UUID, item_id: UUID, *, actor: str) -> None:
    """Empty the rows of one document, erase the details of its entries, and write down that it is eliminated; once.

    Raises Held when a hold came since the approval: both wait for the organisation's row, so one sees the other.
    """
    with acting_for(organisation_id), _only_growing_tables_let_go():
        Organisation.objects.select_for_update(no_key=True).get(id=organisation_id)
        item = EliminationItem.objects.select_for_update().get(id=item_id)
        if item.done:
            return
        document = Document.objects.select_for_update().get(id=item.document_id)
        refuse_held(document)
        _empty(document)
        item.done = True
        item.save(update_fields=["done"])
        entries = JournalEntry.objects.filter(document_id=document.id).values_list("id", flat=True)
        details = JournalDetails.objects.filter(entry_id__in=list(entries))
        # What those details alone carried is carried by the entry of the elimination, as it now stands.
        rows = [item, *_present([image for each in details for image in read_details(each.body)], but=item)]
        details.delete()
        objects = list(item.objects_gone)
        for start in range(0, max(len(objects), 1), OBJECTS_OF_ONE_ENTRY):
            some = objects[start : start + OBJECTS_OF_ONE_ENTRY]
            write_entry(
                ELIMINATED,
                actor=actor,
                document_id=document.id,
                rows=rows if start == 0 else (),
                elimination=str(item.elimination_id),
                fingerprints=[digest for each in some for digest in each.split(" ")],
            )


def erase_lines(organisation_id: UUID, document_ids: Collection[UUID], *, elimination_id: UUID, actor: str) -> None:
    """Erase the names that the files of these documents came under, where entries tell them with other files'."""
    with acting_for(organisation_id):
        theirs = set(BatchLine.objects.filter(document__in=document_ids).values_list("id", flat=True))
        entries = list(JournalEntry.objects.filter(kind__in=TELL_LINES).values_list("id", flat=True))
    for entry_id in entries:
        with acting_for(organisation_id), _only_growing_tables_let_go():
            details = JournalDetails.objects.filter(entry_id=entry_id)
            images = [image for each in details for image in read_details(each.body)]
            told = [image for image in images if image.model is BatchLine and image.key in theirs]
            if any(image.row and image.row["filename"] for image in told):
                rows = _present(images)
                details.delete()
                write_entry(TELL_LINES[0], actor=actor, rows=rows, elimination=str(elimination_id))


def erase_again(organisation_id: UUID, *, actor: str) -> None:
    """Erase once more what a restored backup brought back of the documents that the journal says eliminated.

    Their rows are already what the elimination left; the details of their earlier entries, and the names that their
    files came under, are erased here. Outside any transaction; again as often as wanted.
    """
    with acting_for(organisation_id), _only_growing_tables_let_go():
        told = JournalEntry.objects.filter(kind=ELIMINATED).values_list("id", "document_id")
        ended: dict[UUID | None, int] = {}
        indices = dict(JournalLeaf.objects.filter(entry_id__in=[i for i, _ in told]).values_list("entry_id", "index"))
        for entry_id, document_id in told:
            if (index := indices.get(entry_id)) is not None:
                ended[document_id] = min(index, ended.get(document_id, index))
        for document_id, index in ended.items():
            entries = JournalEntry.objects.filter(document_id=document_id).values_list("id", flat=True)
            earlier = JournalLeaf.objects.filter(entry_id__in=list(entries), index__lt=index)
            JournalDetails.objects.filter(entry_id__in=list(earlier.values_list("entry_id", flat=True))).delete()
        done = EliminationItem.objects.filter(done=True).order_by("id")
        gone = list(done.values_list("document_id", "elimination_id"))
    if gone:
        erase_lines(organisation_id, [each for each, _ in gone], elimination_id=gone[-1][1], actor=actor)


def rewrite_pack(organisation_id: UUID, place: str, doomed: Collection[str], *, actor: str) -> None:
    """Write a pack (`<class>/<SHA-256>`) anew without the objects that must go, and move the rows; once.

    The survivors are read back verified: a pack that lies stops the elimination, nothing is lost.
    """
    retention, _, pack = place.partition("/")
    with acting_for(organisation_id):
        rows = list(StoredObject.objects.filter(retention=retention, pack=pack).order_by("offset"))
    staying = [row for row in rows if row.sha256 not in doomed]
    if len(staying) == len(rows):
        return  # an earlier run has moved them
    fresh: Pack | None = None
    if staying:
        contents = [store().read(place_of(row)) for row in staying]
        fresh = archive.pack(organisation_id, contents, retention=retention)
    with acting_for(organisation_id):
        hold_pack(pack_name(organisation_id, retention, pack))
        gone = list(StoredObject.objects.filter(retention=retention, pack=pack))
        if {row.pk for row in gone} != {row.pk for row in rows}:
            raise RuntimeError(f"the pack {place} has changed while it was written anew")
        if fresh is not None:
            archive.claim(fresh, actor=actor)
        retire_pack(retention, pack, actor=actor)


def remove_packs(organisation_id: UUID, places: Sequence[str]) -> None:
    """Take packs that no row names any more off every shelf; again as often as wanted.

    Raises PermissionError where a shelf still keeps one by itself.
    """
    for place in places:
        retention, _, pack = place.partition("/")
        name = pack_name(organisation_id, retention, pack)
        with acting_for(organisation_id):
            hold_pack(name)
            named = StoredObject.objects.filter(retention=retention, pack=pack).exists()
            if not named:
                # A hold that somebody placed on a database which had gone back may still be noted there.
                for shelf in store().shelves:
                    with suppress(ObjectMissing):
                        shelf.hold(name, held=False)
                store().remove(name)


@contextmanager
def _only_growing_tables_let_go() -> Iterator[None]:
    """Let the tables that only grow be emptied of what an elimination erases, as long as this transaction lasts."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('faitfoi.elimination', 'on', true)")
    yield
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('faitfoi.elimination', '', true)")


def _present(images: Sequence[Image], *, but: Model | None = None) -> list[Model]:
    """The rows that images tell of, as they now stand, each once; those that are no more are left out."""
    keys: dict[type[Model], set[object]] = {}
    for image in images:
        keys.setdefault(image.model, set()).add(image.key)
    found = [row for model, wanted in keys.items() for row in model._default_manager.filter(pk__in=wanted)]  # noqa: SLF001
    return [row for row in found if row != but]


def _empty(document: Document) -> None:
    """Leave of a document its number, its day, its fingerprints, and where its deliveries ended; nothing of people."""
    document.eliminated_at = timezone.now()
    document.customer = None
    document.seller_name = document.buyer_name = document.profile = document.waiting_for = document.engagement = ""
    document.invoice, document.findings = {}, []
    document.total_with_vat = document.due = 0
    document.due_date = None
    document.save()
    for delivery in Delivery.objects.filter(document=document):
        delivery.address = delivery.reason = delivery.settled = ""
        delivery.references = {}
        delivery.next_attempt_at = delivery.next_question_at = delivery.next_poll_at = None
        delivery.save()
    Attempt.objects.filter(delivery__document=document).update(detail="")
    acts = Act.objects.filter(delivery__document=document)
    acts.update(values={}, references={}, reason="", settled="", next_attempt_at=None, next_question_at=None)
    ActFile.objects.filter(act__in=acts).update(filename="")
    ActAttempt.objects.filter(act__in=acts).update(detail="")
    Event.objects.filter(document=document).update(reason="", who="")
    BatchLine.objects.filter(document=document).update(filename="", findings=[], reason="")
