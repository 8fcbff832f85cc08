"""Which deliveries of a chunk go to Chorus Pro in one flow, when the channel's setting allows several.

Each keeps its own attempt, claimed before and settled together with the others; what becomes of each is told by its
own line of the flow's report.
"""

from collections.abc import Collection
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from faitfoi.accounts.models import ChannelKey
from faitfoi.channels.chorus_pro_archive import ROOM
from faitfoi.channels.chorus_pro_deposit import MAX_FILE
from faitfoi.channels.chorus_pro_settings import read_together
from faitfoi.channels.chorus_pro_submission import Mode, read_mode
from faitfoi.records.models import Attempt, Delivery
from faitfoi.records.stages import Stage


def shares_flows(settings: dict[str, str]) -> bool:
    """Whether the channel's settings let several invoices share a flow."""
    return read_together(settings.get("factures_par_flux", "")) > 1


def flow_companions(delivery: Delivery, settings: dict[str, str], *, among: Collection[UUID]) -> list[UUID]:
    """Return the deliveries that may share this one's flow, within its limits. Runs inside `acting_for`.

    One that was refused before goes alone: in company, nobody would know which of them the refusal is about.
    """
    most, mode = read_together(settings.get("factures_par_flux", "")), read_mode(settings.get("depot", ""))
    if most == 1:
        return []
    refused = Attempt.objects.filter(delivery=OuterRef("pk"), outcome=Attempt.Outcome.REFUSED)
    by_flow = Q(document__customer__chorus_deposit=Mode.FLOW.value)
    if mode is Mode.FLOW:
        by_flow |= Q(document__customer=None) | Q(document__customer__chorus_deposit="")
    able = Delivery.objects.filter(
        by_flow,
        ~Exists(refused),
        id__in=[*among, delivery.id],
        channel=ChannelKey.CHORUS_PRO,
        purpose=delivery.purpose,
        artefact__media_type=delivery.artefact.media_type,
        artefact__size__lte=MAX_FILE,
    )
    if not able.filter(id=delivery.id).exists():
        return []
    now = timezone.now()
    due = able.filter(Q(next_attempt_at=None) | Q(next_attempt_at__lte=now), stage=Stage.ROUTED)
    chosen: list[UUID] = []
    room = ROOM - delivery.artefact.size
    for each, size in due.exclude(id=delivery.id).order_by("id").values_list("id", "artefact__size"):
        if size <= room and len(chosen) < most - 1:
            chosen.append(each)
            room -= size
    return chosen
