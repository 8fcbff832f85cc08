"""The conserved counts of a batch as three sums that anybody can check with a pencil."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from faitfoi.pipeline.counts import Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One count; `key` is its name in `Counts` and the filter of its lines."""

    key: str
    label: str | Promise
    meaning: str | Promise
    count: int
    mood: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """A whole and its parts; `agrees` is recomputed here, never assumed."""

    whole: Term
    parts: list[Term]

    @property
    def agrees(self) -> bool:
        """True when the parts add up to the whole."""
        return self.whole.count == sum(part.count for part in self.parts)


# key: (label, meaning, mood)
TERMS: dict[str, tuple[str | Promise, str | Promise, str]] = {
    "received": (_("received"), _("files handed over"), "going"),
    "waiting": (_("being read"), _("not judged yet"), "going"),
    "ready": (_("ready"), _("checked, sealed and routed"), "done"),
    "needs_someone": (_("need someone"), _("sealed, but something is missing before they can leave"), "trouble"),
    "refused": (_("refused"), _("unreadable or invalid: nothing was sent"), "trouble"),
    "selected": (_("selected"), _("meant to leave"), "going"),
    "sent": (_("sent"), _("left, or perhaps left"), "going"),
    "held": (_("not sent yet"), _("prepared or just leaving"), "waiting"),
    "failed": (_("failed"), _("certainly not sent: to be corrected"), "trouble"),
    "skipped": (_("skipped"), _("already done before, or kept without being sent"), "going"),
    "accepted": (_("accepted"), _("taken by the other side, not delivered yet"), "going"),
    "delivered": (_("delivered"), _("reached the recipient"), "done"),
    "returned": (_("returned"), _("came back"), "trouble"),
    "rejected": (_("rejected"), _("refused after the deposit"), "trouble"),
    "pending": (_("pending"), _("left, no news yet"), "going"),
    "unknown": (_("outcome unknown"), _("the answer was lost: being looked for, or a person decides"), "lost"),
}

SUMS = (
    ("received", ("ready", "needs_someone", "refused", "waiting")),
    ("selected", ("sent", "held", "failed", "skipped")),
    ("sent", ("accepted", "delivered", "returned", "rejected", "pending", "unknown")),
)


def add_up(counts: Counts) -> list[Sum]:
    """Lay the counts out as sums; what is still being read shows only while there is some."""
    return [
        Sum(
            whole=_term(counts, whole),
            parts=[_term(counts, part) for part in parts if part != "waiting" or counts.waiting],
        )
        for whole, parts in SUMS
    ]


def _term(counts: Counts, key: str) -> Term:
    label, meaning, mood = TERMS[key]
    return Term(key=key, label=label, meaning=meaning, count=getattr(counts, key), mood=mood)
