"""Elimination, once the term has passed: asked for by one person, approved by another, done step by step, attested.

Every step can be stopped and taken up again (`run`): the rows first say that the documents are eliminated, then the
packs are written anew without their objects, then the old packs leave the shelves, then the attestation is issued. What
stays for ever: the numbers, the fingerprints, the journal. Nothing goes while the database is behind its witnesses, for
it may have forgotten a hold; and bytes leave the shelves once a witness has seen what says where the others now lie.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import date
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.utils import timezone

from faitfoi.accounts.duties import Duty, check_second_person, member
from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.shelf import ObjectAltered, ObjectMissing
from faitfoi.evidence.witness_wire import WitnessSilent
from faitfoi.pipeline.attesting import CannotAttest
from faitfoi.pipeline.belongings import belongings_of, fingerprints_of, only_theirs
from faitfoi.pipeline.eliminated import attest_elimination
from faitfoi.pipeline.erasing import erase_document, erase_lines, remove_packs, rewrite_pack
from faitfoi.pipeline.holding import OPERATOR, Held, holds_in_force, refuse_held
from faitfoi.pipeline.installation import today
from faitfoi.pipeline.mirror_erasing import forget_in_mirror
from faitfoi.pipeline.retention import keep_until
from faitfoi.pipeline.rollback import stopped
from faitfoi.pipeline.sealing import CannotSeal
from faitfoi.pipeline.witnessing import JournalBehind, witnessed
from faitfoi.records.journal import shares, write_entry
from faitfoi.records.models import Document, Elimination, EliminationItem, Hold, StoredObject
from faitfoi.records.stages import Stage

log = logging.getLogger(__name__)

LONGEST_REASON = 2_000
MOST_DOCUMENTS = 2_000
"""Of one request: an attestation names each of their objects."""
_PENDING = (Elimination.State.REQUESTED, Elimination.State.APPROVED)
_GOING_ON = frozenset({Stage.ROUTED, Stage.SENDING, Stage.TO_FIND, Stage.TO_FIX, Stage.HELD})


class CannotEliminate(ValueError):
    """Something may not be eliminated, or not yet; the message is a French sentence saying why."""


_WAITS = (
    *(CannotAttest, CannotEliminate, CannotSeal, JournalBehind),
    *(ObjectAltered, ObjectMissing, OSError, WitnessSilent),
)


def request_elimination(organisation_id: UUID, document_ids: Sequence[UUID], *, reason: str, actor: str) -> Elimination:
    """Ask for documents to be eliminated; nothing goes before another person approves.

    Raises CannotEliminate with the first document that may not be, NotApart for whoever may not ask.
    """
    if not reason.strip():
        raise CannotEliminate("Une élimination se motive : dites pourquoi ces pièces ne sont plus gardées.")
    if not 0 < len(document_ids) <= MOST_DOCUMENTS:
        raise CannotEliminate(
            f"{len(document_ids)} documents : une demande en nomme de 1 à {MOST_DOCUMENTS}. Faites-en plusieurs."
        )
    _refuse_when_stopped()
    with acting_for(organisation_id):
        if actor != OPERATOR:
            member(organisation_id, actor, duty=Duty.ASK)
        organisation = Organisation.objects.select_for_update(no_key=True).get(id=organisation_id)
        documents = _documents(document_ids)
        _refuse_the_first(organisation, documents)
        elimination = Elimination.objects.create(
            organisation_id=organisation_id, reason=reason.strip()[:LONGEST_REASON], requested_by=actor
        )
        items = [
            EliminationItem(organisation_id=organisation_id, elimination=elimination, document=document)
            for document in documents
        ]
        EliminationItem.objects.bulk_create(items)
        for share in shares([elimination, *items]):
            write_entry(
                "elimination_requested",
                actor=actor,
                rows=share,
                elimination=str(elimination.id),
                documents=len(documents),
            )
    return elimination


def refuse_elimination(organisation_id: UUID, elimination_id: UUID, *, reason: str, actor: str) -> Elimination:
    """Say no to a request: any member who may approve; and whoever asked, a clerk or the operator, may withdraw it.

    Raises CannotEliminate, NotApart.
    """
    with acting_for(organisation_id):
        asked_by = Elimination.objects.values_list("requested_by", flat=True).get(id=elimination_id)
        if asked_by != actor:
            member(organisation_id, actor, duty=Duty.APPROVE)
        elif actor != OPERATOR:
            member(organisation_id, actor, duty=Duty.ASK)
        return _decided(elimination_id, Elimination.State.REFUSED, reason=reason, actor=actor)


def approve_elimination(organisation_id: UUID, elimination_id: UUID, *, actor: str, reason: str = "") -> Elimination:
    """Approve a request of another person; each document is looked at again: a hold may have come meanwhile.

    From here `run` does it, and can be taken up again whatever stops it. Raises CannotEliminate, NotApart.
    """
    _refuse_when_stopped()
    with acting_for(organisation_id):
        organisation = Organisation.objects.select_for_update(no_key=True).get(id=organisation_id)
        waiting = Elimination.objects.get(id=elimination_id)
        check_second_person(organisation_id, asked_by=waiting.requested_by, approved_by=actor)
        documents = _documents(waiting.items.values_list("document_id", flat=True))
        _refuse_the_first(organisation, documents)
        elimination = _decided(elimination_id, Elimination.State.APPROVED, reason=reason, actor=actor)
        doomed: set[str] = set()
        for item in waiting.items.select_related("document"):
            # A document's own list names what goes with it; what it shares with the living stays.
            theirs = only_theirs(organisation, belongings_of(item.document), documents)
            item.objects_gone = fingerprints_of(theirs)
            item.save(update_fields=["objects_gone"])
            doomed |= theirs
        rows = StoredObject.objects.filter(sha256__in=doomed)
        packs = rows.values_list("retention", "pack").distinct()
        elimination.packs = sorted(f"{retention}/{pack}" for retention, pack in packs)
        elimination.save(update_fields=["packs"])
        for share in shares([elimination, *waiting.items.all()]):
            write_entry("elimination_approved", actor=actor, rows=share, elimination=str(elimination.id))
    return elimination


def run(organisation_id: UUID, elimination_id: UUID, *, actor: str) -> Elimination:
    """Do what was approved, from wherever it stopped; outside any transaction.

    Raises CannotEliminate when it is not approved, or a hold came since; PermissionError when a shelf keeps a pack
    by itself (its term or its hold); and what `attesting.issue` raises: it is then taken up later.
    """
    _refuse_when_stopped()
    with acting_for(organisation_id):
        elimination = Elimination.objects.get(id=elimination_id)
        if elimination.state == Elimination.State.DONE:
            return elimination
        if elimination.state != Elimination.State.APPROVED:
            raise CannotEliminate("Cette élimination n’est pas approuvée : une seconde personne doit d’abord le faire.")
        items = list(elimination.items.filter(done=False).values_list("id", flat=True))
    try:
        for item_id in items:
            erase_document(organisation_id, item_id, actor=actor)
    except Held as error:
        raise CannotEliminate(str(error)) from error
    with acting_for(organisation_id):
        gone = [digests for (digests,) in elimination.items.values_list("objects_gone")]
        document_ids = list(elimination.items.values_list("document_id", flat=True))
    erase_lines(organisation_id, document_ids, elimination_id=elimination_id, actor=actor)
    doomed = {each.partition(" ")[0] for digests in gone for each in digests}
    for place in elimination.packs:
        rewrite_pack(organisation_id, place, doomed, actor=actor)
    witnessed()  # a backup that comes back from here on is seen, and the mirror brings the new places back
    remove_packs(organisation_id, elimination.packs)
    forget_in_mirror(organisation_id)
    return _attested(organisation_id, elimination_id, actor=actor)


def finish_eliminations(organisation_id: UUID, *, actor: str) -> int:
    """Take up what is approved and not done; what a shelf still keeps by itself waits for another day."""
    with acting_for(organisation_id):
        left = list(Elimination.objects.filter(state=Elimination.State.APPROVED).order_by("id"))
    for each in left:
        try:
            run(organisation_id, each.id, actor=actor)
        except _WAITS as error:
            log.warning("elimination %s waits: %s", each.id, error)
    return len(left)


def why_not(organisation: Organisation, document: Document, holds: Sequence[Hold], *, day: date) -> str:
    """Why a document may not be eliminated on that day, as a French sentence; empty when it may.

    Runs inside `acting_for`.
    """
    called = f"La pièce {document.number}"
    if document.eliminated_at is not None:
        return f"{called} est déjà éliminée."
    try:
        refuse_held(document, holds)
    except Held as error:
        return str(error)
    last = keep_until(organisation, document.issue_date)
    if day <= last:
        return f"{called} se garde jusqu’au {last:%d/%m/%Y} : elle ne peut pas être éliminée avant."
    if document.waiting_for or document.deliveries.filter(stage__in=_GOING_ON).exists():
        return f"L’envoi de {document.number} n’est pas terminé : menez-le à son terme d’abord."
    return ""


def eliminable(organisation: Organisation, *, day: date, most: int = MOST_DOCUMENTS) -> list[Document]:
    """The documents that may be eliminated on that day and are in no request yet, oldest first.

    Runs inside `acting_for`.
    """
    holds, found = holds_in_force(), []
    pending = EliminationItem.objects.filter(elimination__state__in=_PENDING, document=OuterRef("pk"))
    kept = Document.objects.filter(~Exists(pending), eliminated_at=None)
    for document in kept.order_by("issue_date", "id").iterator():
        if day <= keep_until(organisation, document.issue_date):
            break
        if not why_not(organisation, document, holds, day=day):
            found.append(document)
        if len(found) == most:
            break
    return found


def _refuse_when_stopped() -> None:
    if reason := stopped():
        raise CannotEliminate(f"Rien n’est éliminé tant que la base est en arrière. {reason}")


def _documents(document_ids: Iterable[UUID]) -> list[Document]:
    wanted = set(document_ids)
    found = list(Document.objects.filter(id__in=wanted).order_by("id"))
    if len(found) != len(wanted):
        raise CannotEliminate("Une des pièces demandées n’existe pas ici. Vérifiez les numéros.")
    return found


def _refuse_the_first(organisation: Organisation, documents: Iterable[Document]) -> None:
    holds, day = holds_in_force(), today(organisation)
    for document in documents:
        if reason := why_not(organisation, document, holds, day=day):
            raise CannotEliminate(reason)
        pending = EliminationItem.objects.filter(document=document, elimination__state=Elimination.State.APPROVED)
        if pending.exists():
            raise CannotEliminate(f"L’élimination de {document.number} est déjà approuvée et se termine.")


def _decided(elimination_id: UUID, state: Elimination.State, *, reason: str, actor: str) -> Elimination:
    elimination = Elimination.objects.select_for_update().get(id=elimination_id)
    if elimination.state != Elimination.State.REQUESTED:
        raise CannotEliminate(f"Cette demande est déjà {elimination.get_state_display()}.")
    elimination.state, elimination.decided_by, elimination.decided_at = state, actor, timezone.now()
    elimination.decision_reason = reason.strip()[:LONGEST_REASON]
    elimination.save(update_fields=["state", "decided_by", "decided_at", "decision_reason"])
    if state == Elimination.State.REFUSED:
        write_entry("elimination_refused", actor=actor, rows=[elimination], elimination=str(elimination.id))
    return elimination


def _attested(organisation_id: UUID, elimination_id: UUID, *, actor: str) -> Elimination:
    attest_elimination(organisation_id, elimination_id, actor=actor)
    with acting_for(organisation_id):
        elimination = Elimination.objects.select_for_update().get(id=elimination_id)
        if elimination.state == Elimination.State.APPROVED:
            elimination.state = Elimination.State.DONE
            elimination.save(update_fields=["state"])
            write_entry("elimination_done", actor=actor, rows=[elimination], elimination=str(elimination.id))
    return elimination
