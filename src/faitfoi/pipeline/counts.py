"""The batch's arithmetic, derived from lines and deliveries and conserved by construction.

received = waiting + ready + needs_someone + refused · selected = sent + held + failed + skipped ·
sent = accepted + delivered + returned + rejected + pending + unknown. Only legal deliveries count.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields

from faitfoi.records.models import Batch, Delivery, Document
from faitfoi.records.stages import LineOutcome, Purpose, Stage

HELD = frozenset({Stage.ROUTED, Stage.SENDING, Stage.HELD})
UNKNOWN = frozenset({Stage.TO_FIND, Stage.UNKNOWN})

LABELS = {
    "waiting": "en cours de lecture",
    "needs_someone": "attend quelqu’un",
    "refused": "refusée",
    "held": "pas encore partie",
    "failed": "à corriger",
    "pending": "partie, réponse attendue",
    "accepted": "acceptée",
    "delivered": "remise",
    "returned": "revenue",
    "rejected": "rejetée",
    "unknown": "sort inconnu",
    "kept": "gardée, non envoyée",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many files and legal deliveries stand where."""

    received: int = 0
    waiting: int = 0
    ready: int = 0
    needs_someone: int = 0
    refused: int = 0
    selected: int = 0
    sent: int = 0
    held: int = 0
    failed: int = 0
    skipped: int = 0
    accepted: int = 0
    delivered: int = 0
    returned: int = 0
    rejected: int = 0
    pending: int = 0
    unknown: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})

    @property
    def unsettled(self) -> int:
        """How many may still change by themselves."""
        return self.waiting + self.held + self.pending + self.accepted

    def disagreements(self) -> list[str]:
        """Say which sums do not agree; empty when the count is conserved."""
        sums = {
            "received": (self.received, self.waiting + self.ready + self.needs_someone + self.refused),
            "selected = ready": (self.selected, self.ready),
            "selected": (self.selected, self.sent + self.held + self.failed + self.skipped),
            "sent": (
                self.sent,
                self.accepted + self.delivered + self.returned + self.rejected + self.pending + self.unknown,
            ),
        }
        return [f"{name}: {left} ≠ {right}" for name, (left, right) in sums.items() if left != right]

    def as_dict(self) -> dict[str, int]:
        """Return the counts by name."""
        return asdict(self)


def place_of(stage: Stage) -> str:
    """Return under which count a legal delivery at this stage stands."""
    if stage in HELD:
        return "held"
    if stage in UNKNOWN:
        return "unknown"
    return {Stage.TO_FIX: "failed", Stage.SENT: "pending"}.get(stage, stage.value)


def count_batch(batch: Batch) -> Counts:
    """Count one batch. Runs inside `acting_for`."""
    lines = list(batch.lines.values_list("outcome", "already_done", "document_id"))
    outcomes = Counter(outcome for outcome, _, _ in lines)
    skipped = sum(1 for outcome, already_done, _ in lines if already_done and outcome == LineOutcome.READY)
    kept = set(batch.lines.exclude(document__kept_because="").values_list("document_id", flat=True)) - {None}
    skipped += sum(outcome == LineOutcome.READY and not done and one in kept for outcome, done, one in lines)
    fresh = [
        document
        for outcome, done, document in lines
        if outcome == LineOutcome.READY and not done and document not in kept
    ]
    latest = latest_legal_stages(fresh)
    places = Counter(place_of(latest[document]) if document in latest else "held" for document in fresh)
    sent = sum(n for place, n in places.items() if place not in {"held", "failed"})
    return Counts(
        received=len(lines),
        waiting=outcomes[LineOutcome.WAITING],
        ready=outcomes[LineOutcome.READY],
        needs_someone=outcomes[LineOutcome.NEEDS_SOMEONE],
        refused=outcomes[LineOutcome.REFUSED],
        selected=outcomes[LineOutcome.READY],
        sent=sent,
        skipped=skipped,
        **places,
    )


def latest_legal_stages(document_ids: Iterable[object]) -> dict[object, Stage]:
    """Map each document to the stage of its latest legal delivery. Runs inside `acting_for`."""
    rows = (
        Delivery.objects.filter(document_id__in=list(document_ids), purpose=Purpose.LEGAL)
        .order_by("sequence")
        .values_list("document_id", "stage")
    )
    return {document_id: Stage(stage) for document_id, stage in rows}


def stage_of(document: Document) -> tuple[str, str]:
    """Return where the document stands, as a code of the count and its French label."""
    if document.kept_because:
        return "kept", LABELS["kept"]
    return standing(document.waiting_for, latest_legal_stages([document.id]).get(document.id))


def standing(waiting_for: str, stage: Stage | None) -> tuple[str, str]:
    """Return where a document stands that waits for that and whose latest legal delivery is at that stage, if any."""
    place = "needs_someone" if waiting_for else place_of(stage) if stage else "held"
    return place, LABELS[place]
