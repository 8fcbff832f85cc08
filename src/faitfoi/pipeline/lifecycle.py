"""What the lifecycle's messages leave of an invoice: the present status by the time of events, and what contradicts it.

French contracts §3.3. Messages come repeated and out of order; all are kept. A status that ends the invoice (210, 213,
220, 501) is never taken back by a later one: that is a contradiction, and a person's task. Pure.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from faitfoi.channels.contract import Grade, RemoteEvent
from faitfoi.einvoice.cdar_codes import STATUSES

DUPLICATE_REASONS = frozenset({"DOUBLON", "REJ_UNI"})
REFUSALS = frozenset({"210", "213"})
"""After these no further mandatory status goes out, and a credit note is kept, never sent."""
TAKEN = frozenset(code for code in STATUSES if code not in {"210", "213", "221", "501"})
KNOWN_BEFORE = (
    " La plateforme avait déjà pris cette facture : ce rejet ne vise que le second envoi, la facture reste valable. "
    "Il n’y a rien à annuler ni à renvoyer."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One status that was told of an invoice; `duplicate` marks a rejection that is only about a second sending."""

    code: str
    at: datetime
    grade: str = ""
    who: str = ""
    reason: str = ""

    @property
    def ends(self) -> bool:
        """Whether it ends the invoice."""
        known = STATUSES.get(self.code)
        return bool(known and known.terminal) and self.grade != Grade.DUPLICATE


def weigh(event: RemoteEvent, *, reasons: Collection[str], told: Sequence[Told]) -> RemoteEvent:
    """Give an event the grade that it deserves beside what was told before of the same invoice.

    A 213 for a duplicate never changes an invoice that was taken (complaint B13); where none is known to have been
    taken, somebody must look, and still nothing is rejected.
    """
    if event.code != "213" or not reasons or not set(reasons) <= DUPLICATE_REASONS:
        return event
    known = KNOWN_BEFORE if any(one.code in TAKEN for one in told) else ""
    return replace(event, grade=Grade.DUPLICATE, reason=event.reason + known)


def present(told: Sequence[Told]) -> Told | None:
    """Return the status by which the invoice stands: the one that ended it, else the last by the time of events."""
    in_order = sorted((one for one in told if one.code in STATUSES), key=lambda one: one.at)
    return next((one for one in in_order if one.ends), in_order[-1] if in_order else None)


def contradictions(told: Sequence[Told]) -> list[Told]:
    """Return what was told after the status that ended the invoice, oldest first: somebody must look."""
    end = present(told)
    if end is None or not end.ends:
        return []
    later = [one for one in told if one.at > end.at and one.code in STATUSES and one.code not in {"220", end.code}]
    return sorted(later, key=lambda one: one.at)


def is_refused(told: Sequence[Told]) -> bool:
    """Whether the buyer has refused the invoice (210), or a platform rejected it (213): no credit note may be sent."""
    return any(one.ends and one.code in REFUSALS for one in told)
