"""What an organisation can say of its archive: the years in force, what is held, what waits for a second person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from faitfoi.accounts.models import Membership, Organisation
from faitfoi.pipeline.elimination import eliminable
from faitfoi.pipeline.holding import OPERATOR, holds_in_force
from faitfoi.pipeline.retention import CATEGORIES, Category, rules
from faitfoi.records.models import Attestation, Document, Elimination, Hold

SHOWN = 50
NAMED = 20
"""Documents that a request names on the page; the others are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldShown:
    """A hold in force, who placed it, and whether whoever looks did: then another person lifts it."""

    hold: Hold
    who: str
    mine: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestShown:
    """A request for elimination, who asked and who decided, its documents (the first ones), and its attestation."""

    request: Elimination
    who: str
    decided_by: str
    mine: bool
    documents: tuple[Document, ...]
    total: int
    attestation: Attestation | None

    @property
    def more(self) -> int:
        """How many of its documents are not named."""
        return self.total - len(self.documents)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveView:
    """All of it, as it is now."""

    rules: tuple[tuple[Category, int], ...]
    holds: tuple[HoldShown, ...]
    requests: tuple[RequestShown, ...]
    expired: tuple[Document, ...]
    expired_total: int
    attestations: tuple[Attestation, ...]


def archive_of(organisation: Organisation, *, day: date, actor: str) -> ArchiveView:
    """Gather what the page « Archive » shows to `actor`. Runs inside `acting_for`."""
    names = _names(organisation)
    expired = eliminable(organisation, day=day)
    requests = Elimination.objects.order_by("-id")[:SHOWN]
    attestations = Attestation.objects.select_related("document").order_by("-number")[:SHOWN]
    return ArchiveView(
        rules=tuple((CATEGORIES[name], years) for name, years in rules().items()),
        holds=tuple(
            HoldShown(hold=hold, who=_who(hold.placed_by, names), mine=hold.placed_by == actor)
            for hold in holds_in_force()
        ),
        requests=tuple(_shown(each, names, actor=actor) for each in requests),
        expired=tuple(expired[:SHOWN]),
        expired_total=len(expired),
        attestations=tuple(attestations),
    )


def _shown(request: Elimination, names: Mapping[str, str], *, actor: str) -> RequestShown:
    items = request.items.select_related("document").order_by("document__issue_date", "id")
    return RequestShown(
        request=request,
        who=_who(request.requested_by, names),
        decided_by=_who(request.decided_by, names) if request.decided_by else "",
        mine=request.requested_by == actor,
        documents=tuple(item.document for item in items[:NAMED]),
        total=items.count(),
        attestation=request.attestations.first(),
    )


def _names(organisation: Organisation) -> dict[str, str]:
    members = Membership.objects.filter(organisation=organisation).select_related("user")
    return {f"user:{each.user_id}": str(each.user) for each in members}


def _who(actor: str, names: Mapping[str, str]) -> str:
    if actor == OPERATOR:
        return "la personne qui gère cette installation"
    return names.get(actor, "une personne qui n’a plus de compte ici")
