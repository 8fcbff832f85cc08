"""Which deliveries may go to Chorus Pro in one flow, as far as the books tell (`pipeline.company` chooses among them).

What becomes of each is told by its own line of the flow's report.
"""

from collections.abc import Mapping

from django.db.models import Q, QuerySet

from faitfoi.accounts.models import ChannelKey
from faitfoi.channels.chorus_pro_deposit import MAX_FILE
from faitfoi.channels.chorus_pro_submission import Mode, read_mode
from faitfoi.records.models import Delivery


def of_one_flow(delivery: Delivery, settings: Mapping[str, str]) -> QuerySet[Delivery]:
    """Select what may share this one's flow, itself included unless it goes by no flow. Runs inside `acting_for`."""
    by_flow = Q(document__customer__chorus_deposit=Mode.FLOW.value)
    if read_mode(settings.get("depot", "")) is Mode.FLOW:
        by_flow |= Q(document__customer=None) | Q(document__customer__chorus_deposit="")
    return Delivery.objects.filter(
        by_flow,
        channel=ChannelKey.CHORUS_PRO,
        purpose=delivery.purpose,
        artefact__media_type=delivery.artefact.media_type,
        artefact__size__lte=MAX_FILE,
    )
