"""The lines behind each count of a batch: the same places as `pipeline.counts`, so that a count and its list agree."""

from django.db.models import Case, OuterRef, Q, QuerySet, Subquery, Value, When

from faitfoi.pipeline.counts import place_of
from faitfoi.records.models import Batch, BatchLine, Delivery
from faitfoi.records.stages import LineOutcome, Purpose, Stage
from faitfoi.web.words import KEPT

PLACES = ("held", "failed", "pending", "accepted", "delivered", "returned", "rejected", "unknown")
SENT = ("pending", "accepted", "delivered", "returned", "rejected", "unknown")
KEPT_LINE = Q(document__kept_because__gt="")
FRESH = Q(outcome=LineOutcome.READY, already_done=False)


def lines_of(batch: Batch, key: str = "") -> QuerySet[BatchLine]:
    """Return the lines counted under `key` (a name of `Counts`), with `stage`; all of them for any other key."""
    legal = Delivery.objects.filter(document=OuterRef("document"), purpose=Purpose.LEGAL).order_by("-sequence")
    kept = When(KEPT_LINE, then=Value(KEPT))
    stage = Case(kept, default=Subquery(legal.values("stage")[:1]))
    lines = batch.lines.select_related("document").annotate(stage=stage).order_by("position")
    if key in {LineOutcome.WAITING, LineOutcome.NEEDS_SOMEONE, LineOutcome.REFUSED}:
        return lines.filter(outcome=key)
    if key in {LineOutcome.READY, "selected"}:
        return lines.filter(outcome=LineOutcome.READY)
    if key == "skipped":
        return lines.filter(Q(already_done=True) | KEPT_LINE, outcome=LineOutcome.READY)
    if key == "sent":
        return lines.filter(FRESH, stage__in=[stage for place in SENT for stage in _stages(place)])
    if key == "held":
        return lines.filter(FRESH & (Q(stage__in=_stages(key)) | Q(stage=None)))
    if key in PLACES:
        return lines.filter(FRESH, stage__in=_stages(key))
    return lines


def _stages(place: str) -> list[str]:
    return [stage.value for stage in Stage if place_of(stage) == place]
