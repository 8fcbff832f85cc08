"""Lets a customer's waiting documents leave together, once somebody has mended the record."""

from dataclasses import dataclass
from uuid import UUID

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.einvoice.reading import Unreadable
from faitfoi.evidence.shelf import ObjectAltered, ObjectMissing
from faitfoi.pipeline.customers import buyer_of, fold, match_customer
from faitfoi.pipeline.rerouting import route_again
from faitfoi.records.models import Customer, Document

MOST = 50
"""Documents of one request: each is read again and may be laid out, tens of milliseconds."""

MOST_A_DAY = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Relaunched:
    """How many documents left, why others still wait (in French, by number), and how many were not tried."""

    left: int
    still: dict[str, str]
    untried: int


def waiting_documents(customer: Customer) -> list[Document]:
    """Return the documents that wait for this customer's record, oldest first. Runs inside `acting_for`.

    Those that matched nobody when they came are among them if their buyer is this customer now.
    """
    waiting = Document.objects.exclude(waiting_for="").order_by("id")
    theirs = waiting.filter(customer=customer)
    unclaimed = [d for d in waiting.filter(customer=None) if _may_be(customer, d) and _is(customer, d)]
    return sorted([*theirs, *unclaimed], key=lambda document: document.id)


def relaunch(organisation: Organisation, customer: Customer, *, actor: str) -> Relaunched:
    """Look again for a way for each document that waits for this customer's record. Outside any transaction."""
    with acting_for(organisation.id):
        waiting = waiting_documents(customer)
    still: dict[str, str] = {}
    for document in waiting[:MOST]:
        reason = _route(organisation, document.id, actor=actor)
        if reason:
            still[document.number] = reason
    tried = min(len(waiting), MOST)
    return Relaunched(left=tried - len(still), still=still, untried=len(waiting) - tried)


def relaunch_everything(organisation: Organisation, *, actor: str) -> int:
    """Look again for a way for every document that waits, as each day: a record, a setting or the law has changed.

    Returns how many left.
    """
    with acting_for(organisation.id):
        waiting = list(
            Document.objects.exclude(waiting_for="").order_by("id").values_list("id", flat=True)[:MOST_A_DAY]
        )
    return sum(1 for document_id in waiting if not _route(organisation, document_id, actor=actor))


def _route(organisation: Organisation, document_id: UUID, *, actor: str) -> str:
    """Route one document; one whose bytes are damaged waits on and does not keep the others."""
    try:
        return route_again(organisation, document_id, actor=actor)
    except Unreadable as error:
        return error.reason
    except (ObjectMissing, ObjectAltered):
        return "Le fichier conservé manque ou a été modifié : prévenez la personne qui gère cette installation."


def _may_be(customer: Customer, document: Document) -> bool:
    """Whether the buyer carries the customer's name or a number of theirs: cheap, before the true comparison."""
    told = str(document.invoice.get("buyer", ""))
    numbers = [number for number in (customer.siren, customer.siret, customer.vat_number) if number]
    return fold(document.buyer_name) == customer.search_key or any(number in told for number in numbers)


def _is(customer: Customer, document: Document) -> bool:
    return match_customer(buyer_of(document)) == customer
