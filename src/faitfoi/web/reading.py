"""What the pages list, read inside the organisation's transaction. Reads only: nothing here changes anything."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Subquery, Value, When
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from faitfoi.accounts.models import Organisation
from faitfoi.einvoice.model import Buyer
from faitfoi.pipeline.customers import draft_customer, fold
from faitfoi.records.models import Customer, Delivery, Document
from faitfoi.records.stages import Purpose, Stage
from faitfoi.web.words import KEPT

LATE = timedelta(minutes=10)
"""A delivery that was due longer ago than this should have gone: somebody must know (complaint A10)."""

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
    """Add `stage`: that of the latest legal delivery, None when there is none, `KEPT` when none is wanted."""
    legal = Delivery.objects.filter(document=OuterRef("pk"), purpose=Purpose.LEGAL).order_by("-sequence")
    kept = When(kept_because__gt="", then=Value(KEPT))
    return documents.annotate(stage=Case(kept, default=Subquery(legal.values("stage")[:1])))


def standing_at(state: str) -> QuerySet[Document]:
    """Return the documents at a stage, those that wait for a way (`sans-envoi`), or all for anything else."""
    if state == WITHOUT_DELIVERY:
        return Document.objects.exclude(waiting_for="")
    if state in Stage.values:
        return Document.objects.filter(pk__in=_latest_legal().filter(stage=state).values("document"))
    return Document.objects.all()


def find_documents(query: str, state: str) -> QuerySet[Document]:
    """Find documents by number or customer (accents and case do not matter), newest first; `state` as above."""
    found = with_stage(standing_at(state).select_related("customer"))
    for word in query.split():
        found = found.filter(
            Q(number__icontains=word) | Q(buyer_name__icontains=word) | Q(customer__search_key__contains=fold(word))
        )
    return found.order_by("-issue_date", "-id")


def find_customers(query: str) -> QuerySet[Customer]:
    """Find customers by name (accents and case do not matter), reference, SIREN, SIRET or VAT number, by name."""
    # A number is written in groups of three as often as not.
    joined = "".join(query.split())
    found = Customer.objects.all()
    for word in [joined] if joined.isdigit() else query.split():
        found = found.filter(
            Q(search_key__contains=fold(word))
            | Q(reference__icontains=word)
            | Q(siren__startswith=word)
            | Q(siret__startswith=word)
            | Q(vat_number__icontains=word)
        )
    return found.order_by("search_key", "id")


def resembling(buyer: Buyer, *, most: int = 5) -> list[Customer]:
    """Return the records that an invoice's buyer might be: the same name, SIREN or e-mail."""
    drafted = draft_customer(Organisation(), buyer)
    alike = Q(search_key=drafted.search_key)
    for name in ("siren", "siret", "vat_number", "billing_email"):
        if value := getattr(drafted, name):
            alike |= Q(**{name: value})
    return list(Customer.objects.filter(alike).order_by("search_key", "id")[:most])


def waiting_for_someone(*, most: int = 6) -> list[Group]:
    """List what a person must look at, the gravest first; groups without anything are left out."""
    groups = [_read(kind, most) for kind in KINDS]
    return [group for group in groups if group.total]


def _read(kind: Kind, most: int) -> Group:
    state = kind.stage or WITHOUT_DELIVERY
    documents = standing_at(state)
    if kind.stage is not None:
        documents = Document.objects.filter(pk__in=_latest_legal().filter(stage=state, settled="").values("document"))
    if kind.stage == Stage.ROUTED:
        due_before = timezone.now() - LATE
        late = _latest_legal().filter(stage=Stage.ROUTED, next_attempt_at__lt=due_before)
        documents = documents.filter(pk__in=late.values("document"))
    return Group(
        key=state.replace("_", "-"),
        state=state,
        kind=kind,
        shown=list(documents.order_by("-id")[:most]),
        total=documents.count(),
    )


def _latest_legal() -> QuerySet[Delivery]:
    """Return the legal deliveries that no later one of the same document has followed."""
    later = Delivery.objects.filter(
        document=OuterRef("document"), purpose=Purpose.LEGAL, sequence__gt=OuterRef("sequence")
    )
    return Delivery.objects.filter(~Exists(later), purpose=Purpose.LEGAL)
