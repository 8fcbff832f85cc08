"""What the pages list, read inside the organisation's transaction. Reads only: nothing here changes anything."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from faitfoi.pipeline.customers import fold
from faitfoi.records.models import Delivery, Document
from faitfoi.records.stages import Purpose, Stage

LATE = timedelta(minutes=10)
"""A prepared delivery older than this should have gone: somebody must know (complaint A10)."""

WITHOUT_DELIVERY = "sans-envoi"
"""Filter of the documents that no delivery carries yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Why documents wait for somebody: the stage of their legal delivery (None: there is none), and the words."""

    stage: Stage | None
    title: str | Promise
    explanation: str | Promise
    mood: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Documents that wait for somebody for the same reason; `shown` are the first of `total`.

    `state` is the filter of the documents' list that shows them all.
    """

    key: str
    state: str
    kind: Kind
    shown: list[Document]
    total: int


KINDS = (
    Kind(
        stage=Stage.UNKNOWN,
        title=pgettext_lazy("group", "Outcome unknown"),
        explanation=_(
            "The answer was lost: each may have arrived. "
            "Ask the customer before anything else; never send again blindly."
        ),
        mood="lost",
    ),
    Kind(
        stage=Stage.ROUTED,
        title=_("Prepared but not sent"),
        explanation=_(
            "Ready for more than ten minutes and still here. "
            "If the list does not shrink, the worker is probably stopped."
        ),
        mood="trouble",
    ),
    Kind(
        stage=Stage.HELD,
        title=pgettext_lazy("group", "On hold"),
        explanation=_("Certainly not sent: something must be put right first (settings, credentials, quota)."),
        mood="waiting",
    ),
    Kind(
        stage=None,
        title=_("Needs someone before it can leave"),
        explanation=_("Checked and sealed, but something is missing to choose a channel: nothing was sent."),
        mood="trouble",
    ),
    Kind(
        stage=Stage.TO_FIX,
        title=pgettext_lazy("group", "To be corrected"),
        explanation=_("The other side has read it and does not take it. Correct what it says, then send it again."),
        mood="trouble",
    ),
    Kind(
        stage=Stage.RETURNED,
        title=pgettext_lazy("group", "Returned"),
        explanation=_("The message came back: the customer does not have it."),
        mood="trouble",
    ),
    Kind(
        stage=Stage.REJECTED,
        title=pgettext_lazy("group", "Rejected"),
        explanation=_("Refused after the deposit: the customer will not pay it as it stands."),
        mood="trouble",
    ),
)


def with_stage(documents: QuerySet[Document]) -> QuerySet[Document]:
    """Add `stage`: that of the latest legal delivery, None when there is none."""
    legal = Delivery.objects.filter(document=OuterRef("pk"), purpose=Purpose.LEGAL).order_by("-sequence")
    return documents.annotate(stage=Subquery(legal.values("stage")[:1]))


def find_documents(query: str, state: str) -> QuerySet[Document]:
    """Find documents by number or customer (accents and case do not matter), newest first.

    `state` is a stage, `sans-envoi`, or anything else for all.
    """
    found = with_stage(Document.objects.select_related("customer"))
    for word in query.split():
        found = found.filter(
            Q(number__icontains=word) | Q(buyer_name__icontains=word) | Q(customer__search_key__contains=fold(word))
        )
    if state in Stage.values:
        found = found.filter(Q(stage=state))
    elif state == WITHOUT_DELIVERY:
        found = found.filter(Q(stage=None))
    return found.order_by("-issue_date", "-id")


def waiting_for_someone(*, most: int = 6) -> list[Group]:
    """List what a person must look at, the gravest first; groups without anything are left out."""
    groups = [_read(kind, most) for kind in KINDS]
    return [group for group in groups if group.total]


def _read(kind: Kind, most: int) -> Group:
    which = Q(stage=kind.stage)
    if kind.stage == Stage.ROUTED:
        which &= Q(Exists(_late_deliveries()))
    documents = with_stage(Document.objects.all()).filter(which)
    return Group(
        key=(kind.stage or WITHOUT_DELIVERY).replace("_", "-"),
        state=kind.stage or WITHOUT_DELIVERY,
        kind=kind,
        shown=list(documents.order_by("-id")[:most]),
        total=documents.count(),
    )


def _late_deliveries() -> QuerySet[Delivery]:
    return Delivery.objects.filter(
        document=OuterRef("pk"), purpose=Purpose.LEGAL, stage=Stage.ROUTED, created_at__lt=timezone.now() - LATE
    )
