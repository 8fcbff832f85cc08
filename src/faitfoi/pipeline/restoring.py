"""The governed restore: asked for with its list, approved by somebody else, replayed to the witness's root, told.

It is the only way out of a journal that went back: no setting lifts the stop. Each step is a file or one transaction,
so that a restore that was killed is run again.
"""

import hashlib
import json
import secrets
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from uuid import UUID

from django.db import connection
from django.utils import timezone

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for, directory, require_organisation
from faitfoi.evidence.leaves import leaf_hash
from faitfoi.evidence.witness_held import write_whole
from faitfoi.pipeline.account_events import without_password
from faitfoi.pipeline.doubting import settle_doubts
from faitfoi.pipeline.epochs import GAP, begin_epoch, next_origin, read_burnt
from faitfoi.pipeline.erasing import erase_again
from faitfoi.pipeline.installation import store
from faitfoi.pipeline.marking import last_marks, set_aside_after, told_in_gap
from faitfoi.pipeline.restore_files import (
    VALID_FOR,
    CannotRestore,
    Request,
    Said,
    all_requests,
    read_request,
    write_done,
    write_request,
    write_said,
)
from faitfoi.pipeline.restore_hands import tables_put_right
from faitfoi.pipeline.restore_mirror import Line
from faitfoi.pipeline.restore_people import check_apart, known, may_ask
from faitfoi.pipeline.restore_plan import Plan, make_plan, vouched
from faitfoi.pipeline.restore_rows import folded, put_back
from faitfoi.pipeline.rollback import doubt_file
from faitfoi.pipeline.witnesses import held, log_signer
from faitfoi.pipeline.witnessing import witnessed
from faitfoi.records.journal import SEQUENCER_LOCK, complete_nodes, write_entry
from faitfoi.records.models import (
    BurntNumber,
    Checkpoint,
    CheckpointStamp,
    Delivery,
    Document,
    JournalDetails,
    JournalEntry,
    JournalHead,
    JournalLeaf,
    JournalNode,
    MirroredSegment,
)

SCOPE = "journal"
ACTOR = "restore"
RESTORED = "restored"
"""The entry of an organisation to which a restore brought something back; `partial` when the rest is lost for good."""
DOCUMENTS_NAMED = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a restore brought back: entries, documents, and the size that the witnesses have now seen."""

    entries: int
    documents: int
    size: int
    without_password: tuple[str, ...]
    """The addresses of accounts that nobody can open before they are given a password: no journal holds those."""


def request_restore(*, email: str, password: str, reason: str, backup: str, burnt: Sequence[str] = ()) -> Request:
    """Write a request with the exact list of what the database lacks. Raises CannotRestore.

    `burnt` are lines `organisation;SIREN;year;number`: what is known from outside of a part that is lost for good.
    """
    who = known(email, password)
    if not may_ask(who):
        raise CannotRestore("Ce compte ne peut pas demander une remise en état : son rôle ne le permet pas.")
    if not reason.strip():
        raise CannotRestore("Dites pourquoi (--reason) : qui approuvera doit le savoir.")
    plan = make_plan()
    if plan.fork == plan.had == plan.size and plan.seen <= plan.had:
        raise CannotRestore("La base et le journal vu par le témoin s’accordent : il n’y a rien à remettre en état.")
    now = timezone.now()
    name = f"{now.astimezone(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    facts = {
        "v": 1,
        "id": name,
        "scope": SCOPE,
        "by": str(who.id),
        "at": now.isoformat(),
        "reason": reason.strip(),
        "backup": backup.strip(),
        **_facts_of(plan),
        "burnt": {**read_burnt(list(burnt))},
        "epoch": next_origin() if plan.lost else "",
    }
    return write_request(name, facts)


def approve(name: str, *, email: str, password: str) -> Request:
    """Approve a request: another person than who asked, with their password. Raises CannotRestore."""
    request, who = _open_request(name), known(email, password)
    check_apart(request, f"user:{who.id}")
    said = Said(who=str(who.id), at=timezone.now(), request_sha256=request.sha256, refused=False, reason="")
    write_said(request, said)
    return read_request(name)


def refuse(name: str, *, email: str, password: str, reason: str) -> Request:
    """Refuse a request, for good; the refusal is kept. Raises CannotRestore."""
    request, who = _open_request(name), known(email, password)
    said = Said(who=str(who.id), at=timezone.now(), request_sha256=request.sha256, refused=True, reason=reason)
    write_said(request, said)
    return read_request(name)


def run_restore(name: str) -> Done:
    """Carry an approved request out. Safe to run again after a kill at any moment. Raises CannotRestore.

    The workers must be stopped, or wait: nothing is numbered or sent until the end.
    """
    request = read_request(name)
    if request.done_at is not None:
        raise CannotRestore(f"La demande {name} a déjà été exécutée le {request.done_at:%d/%m/%Y à %H:%M} UTC.")
    if not _applied(request):
        _apply(request)
    for organisation_id in _organisations():
        erase_again(organisation_id, actor=ACTOR)
    if request.facts["epoch"]:
        begin_epoch(request.facts["epoch"])
    else:
        missing = request.facts["missing"]
        set_aside_after(missing["from"], size=missing["to"], origin=log_signer().name)
    size = witnessed()
    settle_doubts(actor=ACTOR)
    write_done(request, timezone.now())
    missing = request.facts["missing"]
    return Done(
        entries=missing["to"] - missing["from"],
        documents=len(missing["documents"]),
        size=size,
        without_password=tuple(without_password()),
    )


def requests() -> list[Request]:
    """Every request and what became of it, oldest first."""
    return all_requests()


def _apply(request: Request) -> None:
    """Put the tail back in one transaction, with the entries that tell of it."""
    if request.refused:
        raise CannotRestore(f"La demande {request.name} a été refusée : faites-en une autre.")
    approvals = request.approvals(timezone.now())
    if not approvals:
        hours = int(VALID_FOR.total_seconds() // 3600)
        raise CannotRestore(
            f"La demande {request.name} n’est approuvée par personne d’autre, ou ne l’est plus : une approbation vaut "
            f"{hours} heures. « faitfoi restore approve {request.name} »."
        )
    for each in approvals:
        check_apart(request, f"user:{each.who}")  # who has lost the right meanwhile approves nothing
    plan = make_plan()
    if _facts_of(plan)["missing"] != request.facts["missing"]:
        raise CannotRestore("Ce qui manque n’est plus ce qui a été approuvé : faites une nouvelle demande.")
    if not plan.lost and not vouched(plan):
        raise CannotRestore(
            "Aucun témoin n’a reconnu le journal du miroir, ou l’un d’eux en connaît un autre : rien n’a été changé."
        )
    write_whole(doubt_file(), b"")  # before anything can be sent: what was announced may have left
    with tables_put_right():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SEQUENCER_LOCK])
        local = _cut(plan)
        by_organisation: dict[UUID, list[Line]] = defaultdict(list)
        for line in plan.tail:
            by_organisation[line.organisation_id].append(line)
        everybody = _organisations() if plan.lost else []
        for organisation_id in sorted({*by_organisation, *local, *everybody}):
            lines = by_organisation.get(organisation_id, [])
            with acting_for(organisation_id):
                put_back(lines, local.get(organisation_id, []), actor=ACTOR)
                _insert(lines)
                _tell_restored(request, plan, lines)
                _tell(request, approvals, plan, entries=len(lines))
        if plan.lost:
            CheckpointStamp.objects.filter(checkpoint__size__gt=plan.size).delete()
            Checkpoint.objects.filter(size__gt=plan.size).delete()
        JournalHead.objects.create(size=plan.size, root=plan.root, frontier=plan.frontier)
        complete_nodes(plan.size)


def _cut(plan: Plan) -> dict[UUID, list[UUID]]:
    """Take their places from all entries after the fork; returns those that the tail has not, by organisation.

    They are numbered again after the tail, in the order in which they came.
    """
    beyond = JournalLeaf.objects.filter(index__gte=plan.fork) | JournalLeaf.objects.filter(index=None)
    local: dict[UUID, list[UUID]] = defaultdict(list)
    for entry_id, organisation_id in beyond.values_list("entry_id", "organisation_id"):
        if entry_id not in plan.entries:
            local[organisation_id].append(entry_id)
    JournalLeaf.objects.filter(index__gte=plan.fork).update(index=None)
    JournalHead.objects.filter(size__gt=plan.fork).delete()
    Checkpoint.objects.filter(size__gt=plan.fork).update(marks="")  # they followed from entries that lose their places
    JournalHead.objects.filter(size=plan.size).delete()
    MirroredSegment.objects.filter(last__gte=plan.fork).delete()
    for segment in plan.segments:
        content = store().get(segment.name)
        sha256 = hashlib.sha256(content).hexdigest()
        MirroredSegment.objects.update_or_create(first=segment.first, defaults={"last": segment.last, "sha256": sha256})
    for level in range(1, 8):
        JournalNode.objects.filter(level=level, position__gte=plan.fork >> (8 * level)).delete()
    return local


def _insert(lines: list[Line]) -> None:
    """Write the tail's entries, with their places; what the database has of them is made what it was."""
    for line in lines:
        facts = line.facts
        JournalEntry.objects.update_or_create(
            id=line.entry_id,
            defaults={
                "organisation_id": line.organisation_id,
                "kind": facts["type"],
                "document_id": facts.get("document"),
                "body": line.body,
            },
        )
        JournalLeaf.objects.update_or_create(
            entry_id=line.entry_id,
            defaults={
                "organisation_id": line.organisation_id,
                "leaf": leaf_hash(line.body.encode()),
                "index": line.index,
            },
        )
        if line.details is not None:
            JournalDetails.objects.update_or_create(
                entry_id=line.entry_id, defaults={"organisation_id": line.organisation_id, "body": line.details}
            )


def _tell(request: Request, approvals: list[Said], plan: Plan, *, entries: int) -> None:
    """Write in the organisation's journal that it was restored, on whose word."""
    name, sha256 = request.name, request.sha256
    asked = f"user:{request.facts['by']}"
    write_entry("restore_requested", actor=asked, request=name, request_sha256=sha256, said_at=request.facts["at"])
    for said in approvals:
        who, at = f"user:{said.who}", said.at.isoformat()
        write_entry("restore_approved", actor=who, request=name, request_sha256=sha256, said_at=at)
    if plan.lost:
        _tell_gap(request, plan)
    write_entry(
        "restore_done",
        actor=ACTOR,
        request=name,
        request_sha256=sha256,
        entries=entries,
        first_index=plan.fork,
        size=plan.size,
        root=plan.root.hex(),
    )


def _tell_restored(request: Request, plan: Plan, lines: Sequence[Line]) -> None:
    """Write what came back into this organisation's journal, whether it is all or a part; nothing when nothing did."""
    if not lines:
        return
    documents = sorted({str(line.facts["document"]) for line in lines if line.facts.get("document")})
    for start in range(0, max(len(documents), 1), DOCUMENTS_NAMED):
        write_entry(
            RESTORED,
            actor=ACTOR,
            request=request.name,
            entries=len(lines),
            first_index=lines[0].index,
            last_index=lines[-1].index,
            documents=documents[start : start + DOCUMENTS_NAMED],
            partial=bool(plan.lost),
        )


def _tell_gap(request: Request, plan: Plan) -> None:
    """Write which places and numbers are lost, and to what the next epoch commits. Runs inside `acting_for`."""
    furthest = held().furthest(log_signer().verifier)
    organisation_id = require_organisation()
    numbers = request.facts["burnt"].get(str(organisation_id), [])
    shelved = last_marks(log_signer().name)
    marks = told_in_gap(shelved.marks, organisation_id) if shelved else []
    first, last = plan.lost.start, plan.lost.stop - 1
    write_entry(GAP, actor=ACTOR, first_index=first, last_index=last, numbers=numbers, marks=marks)
    write_entry(
        "epoch",
        actor=ACTOR,
        origin=request.facts["epoch"],
        former_origin=log_signer().name,
        former_size=plan.seen,
        former_root=furthest.root.hex() if furthest and furthest.size == plan.seen else "",
        request_sha256=request.sha256,
    )


def _organisations() -> list[UUID]:
    with directory():
        return list(Organisation.objects.values_list("id", flat=True))


def _applied(request: Request) -> bool:
    """Whether the transaction of this request was committed: a kill may have come just after."""
    for organisation_id in _organisations():
        with acting_for(organisation_id):
            told = JournalEntry.objects.filter(kind="restore_done").values_list("body", flat=True)
            if any(json.loads(body).get("request") == request.name for body in told):
                return True
    return False


def _facts_of(plan: Plan) -> dict[str, object]:
    """What a request says of the journal: what the database has, what was seen, and what is missing."""
    rows = folded(line.details for line in plan.tail)
    burnt = [image.row for image in rows.values() if image.model is BurntNumber and image.row]
    stages: dict[str, list[str]] = defaultdict(list)
    for image in rows.values():
        if image.model is Delivery and image.row:
            stages[str(image.row["document_id"])].append(f"{image.row['channel']} {image.row['stage']}")
    named = {str(row["document_id"]): str(row["number"]) for row in burnt}
    for image in rows.values():
        if image.model is Document and image.row:
            named.setdefault(str(image.key), str(image.row["number"]))
    return {
        "has": plan.had,
        "sound": plan.fork,
        "seen": plan.seen,
        "missing": {
            "from": plan.fork,
            "to": plan.size,
            "root": plan.root.hex(),
            "numbers": sorted(f"{row['seller_siren']}/{row['year']}/{row['number']}" for row in burnt),
            "documents": [
                {"id": document, "number": number, "channels": sorted(stages.get(document, []))}
                for document, number in sorted(named.items())
            ],
            "deliveries_moved": sorted(stages.keys() - named.keys()),
            "lost": [plan.lost.start, plan.lost.stop] if plan.lost else [],
        },
    }


def _open_request(name: str) -> Request:
    request = read_request(name)
    if request.done_at is not None or request.refused:
        raise CannotRestore(f"La demande {name} est close : elle a été {'refusée' if request.refused else 'exécutée'}.")
    return request
