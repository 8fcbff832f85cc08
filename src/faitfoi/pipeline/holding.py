"""Legal holds (gels): placed by one person with a reason, lifted by another; they beat every term of retention."""

from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from faitfoi.accounts.duties import Duty, check_second_person, member
from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.store import pack_name
from faitfoi.pipeline.belongings import belongings_of
from faitfoi.pipeline.installation import store
from faitfoi.pipeline.rollback import stopped
from faitfoi.pipeline.witnessing import may_send
from faitfoi.records.journal import write_entry
from faitfoi.records.models import Document, Hold, StoredObject

LONGEST_REASON = 2_000
OPERATOR = "operator"


class CannotHold(ValueError):
    """The hold cannot be placed or lifted; the message is a French sentence saying what to do."""


class Held(ValueError):
    """A document is held, so it stays whatever was approved; the message is a French sentence saying what to do."""


def place_hold(
    organisation_id: UUID,
    *,
    reason: str,
    actor: str,
    document_id: UUID | None = None,
    customer_id: UUID | None = None,
    period: tuple[date, date] | None = None,
) -> Hold:
    """Hold a document, a customer's, a period's (both days included), or all of the organisation's when none is given.

    The operator's word is enough to protect; a member needs the duty to ask. The packs concerned are then held on the
    shelves too, and the witnesses are shown it: no backup makes it forgotten. Raises CannotHold, NotApart. Call it
    outside any transaction.
    """
    if not reason.strip():
        raise CannotHold("Un gel se motive : dites pourquoi (litige, contrôle fiscal…).")
    if period and period[0] > period[1]:
        raise CannotHold("La période finit avant de commencer : inversez les deux jours.")
    scope = (
        Hold.Scope.DOCUMENT
        if document_id
        else Hold.Scope.CUSTOMER
        if customer_id
        else Hold.Scope.PERIOD
        if period
        else Hold.Scope.ORGANISATION
    )
    with acting_for(organisation_id):
        if actor != OPERATOR:
            member(organisation_id, actor, duty=Duty.ASK)
        # Approvals and holds wait for each other: a document is never held and approved for elimination at once.
        Organisation.objects.select_for_update(no_key=True).get(id=organisation_id)
        hold = Hold.objects.create(
            organisation_id=organisation_id,
            scope=scope,
            document_id=document_id,
            customer_id=customer_id,
            first_day=period[0] if period else None,
            last_day=period[1] if period else None,
            reason=reason.strip()[:LONGEST_REASON],
            placed_by=actor,
        )
        _written("hold_placed", hold, actor=actor)
    _apply(organisation_id)
    may_send()  # the hold stands whether a witness answers or not; an alarm says it when none does
    return hold


def lift_hold(organisation_id: UUID, hold_id: UUID, *, reason: str, actor: str) -> Hold:
    """Lift a hold: another person than whoever placed it, with a reason. Raises CannotHold, NotApart.

    Once lifted stays lifted, whoever asks again. Call it outside any transaction.
    """
    if not reason.strip():
        raise CannotHold("La levée d’un gel se motive : dites pourquoi il n’est plus nécessaire.")
    with acting_for(organisation_id):
        hold = Hold.objects.select_for_update().filter(id=hold_id).first()
        if hold is None or hold.lifted_at is not None:
            raise CannotHold("Ce gel n’est plus en vigueur : quelqu’un l’a levé entre-temps.")
        check_second_person(organisation_id, asked_by=hold.placed_by, approved_by=actor)
        hold.lifted_at, hold.lifted_by = timezone.now(), actor
        hold.lift_reason = reason.strip()[:LONGEST_REASON]
        hold.save(update_fields=["lifted_at", "lifted_by", "lift_reason"])
        _written("hold_lifted", hold, actor=actor)
    _apply(organisation_id)
    return hold


def holds_in_force() -> list[Hold]:
    """The holds of the current organisation, oldest first. Runs inside `acting_for`."""
    return list(Hold.objects.filter(lifted_at=None).select_related("document", "customer").order_by("id"))


def holds_over(document: Document, holds: Iterable[Hold] | None = None) -> list[Hold]:
    """The holds in force that cover a document. Runs inside `acting_for`."""
    return [hold for hold in (holds_in_force() if holds is None else holds) if _covers(hold, document)]


def refuse_held(document: Document, holds: Iterable[Hold] | None = None) -> None:
    """Raise Held when a hold in force covers a document. Runs inside `acting_for`."""
    if over := holds_over(document, holds):
        placed = over[0].created_at
        raise Held(
            f"La pièce {document.number} est gelée depuis le {placed:%d/%m/%Y} : faites d’abord lever le gel par une "
            "autre personne."
        )


def _covers(hold: Hold, document: Document) -> bool:
    match hold.scope:
        case Hold.Scope.DOCUMENT:
            return hold.document_id == document.id
        case Hold.Scope.CUSTOMER:
            return hold.customer_id == document.customer_id
        case Hold.Scope.PERIOD:
            first, last = hold.first_day, hold.last_day
            return first is not None and last is not None and first <= document.issue_date <= last
        case _:
            return True


def _apply(organisation_id: UUID) -> None:
    """Have the shelves hold the packs of what is held, and let the others go.

    After the commit, and whole each time: a stop in between is put right by the next hold, or by `apply_holds` of the
    timetable; what decides of an elimination is the rows, the shelves only refuse besides. A database that went back
    may have forgotten a hold: while it is stopped, nothing is let go.
    """
    keep_all = bool(stopped())
    with acting_for(organisation_id):
        wanted = _packs_held()
        known = {
            pack_name(organisation_id, retention, pack)
            for retention, pack in StoredObject.objects.values_list("retention", "pack").distinct()
        }
    for name in sorted(wanted if keep_all else known):
        store().hold(name, held=name in wanted)


def apply_holds(organisation_id: UUID) -> None:
    """Bring the shelves to what the holds say. Outside any transaction; safe to run at any time."""
    _apply(organisation_id)


def _packs_held() -> set[str]:
    conditions = Q(pk__in=[])
    for hold in holds_in_force():
        match hold.scope:
            case Hold.Scope.DOCUMENT:
                conditions |= Q(id=hold.document_id)
            case Hold.Scope.CUSTOMER:
                conditions |= Q(customer_id=hold.customer_id)
            case Hold.Scope.PERIOD:
                conditions |= Q(issue_date__range=(hold.first_day, hold.last_day))
            case _:
                conditions |= Q(pk__isnull=False)
    digests = {
        sha256
        for document in Document.objects.filter(conditions, eliminated_at=None).iterator()
        for sha256 in belongings_of(document)
    }
    rows = StoredObject.objects.filter(sha256__in=digests)
    return {pack_name(row.organisation_id, row.retention, row.pack) for row in rows}


def _written(kind: str, hold: Hold, *, actor: str) -> None:
    facts: dict[str, Any] = {"hold": str(hold.id), "scope": str(hold.scope)}
    if hold.customer_id:
        facts["customer"] = str(hold.customer_id)
    if hold.first_day and hold.last_day:
        facts |= {"first_day": hold.first_day.isoformat(), "last_day": hold.last_day.isoformat()}
    write_entry(kind, actor=actor, document_id=hold.document_id, rows=[hold], **facts)
