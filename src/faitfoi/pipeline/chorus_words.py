"""What Chorus Pro said last of an invoice, where it asks for something, and flows that it has left behind.

Whoever must do something is told so until later news, or until somebody has written that it is dealt with.
"""

from django.db.models import Exists, OuterRef, Q, QuerySet

from faitfoi.accounts.models import ChannelKey
from faitfoi.channels.contract import Grade
from faitfoi.pipeline.handled import is_handled
from faitfoi.records.models import Delivery, Event
from faitfoi.records.stages import Stage

WORDS = ("chorus_pro:facture:", "chorus_pro:flux:")
"""How the identities of an invoice's statuses and of a flow's states begin; users' actions are other news."""
LEFT_BEHIND = frozenset({"IN_INCIDENTE", "IN_A_RELANCER", "IN_ERREUR_INTERNE"})
"""The states of a flow that Chorus Pro does not bring further by itself (contract §1.3: resend)."""


def open_questions() -> QuerySet[Event]:
    """Return the news that only a person can answer: what is asked for, and what no list of ours has.

    Runs inside `acting_for`.
    """
    said = Event.objects.filter(delivery_id=OuterRef("delivery_id"), axis=Event.Axis.THEIRS)
    later = said.filter(Q(at__gt=OuterRef("at")) | Q(at=OuterRef("at"), id__gt=OuterRef("id")))
    asks = Q(grade=Grade.ACTION_NEEDED) & _worded() & ~Exists(later.filter(_worded()))
    strange = Q(grade=Grade.UNKNOWN_CODE) & ~Exists(later)
    news = Event.objects.filter(axis=Event.Axis.THEIRS, delivery__channel=ChannelKey.CHORUS_PRO, delivery__settled="")
    return news.exclude(delivery__stage=Stage.REJECTED).filter(asks | strange).exclude(is_handled())


def left_behind(delivery: Delivery) -> bool:
    """Whether Chorus Pro has left the flow behind, with no invoice made of it. Runs inside `acting_for`."""
    if delivery.channel != ChannelKey.CHORUS_PRO or delivery.stage != Stage.SENT:
        return False
    last = Event.objects.filter(_worded(), delivery=delivery).order_by("-at", "-id").first()
    return last is not None and last.code in LEFT_BEHIND


def _worded() -> Q:
    one, other = WORDS
    return Q(identity__startswith=one) | Q(identity__startswith=other)
