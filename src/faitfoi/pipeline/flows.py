"""Which deliveries may go to Chorus Pro in one flow, as far as the books tell (`pipeline.company` chooses among them).

What becomes of each is told by its own line of the flow's report.
"""

from collections.abc import Mapping

from django.db.models import Exists, OuterRef, Q, QuerySet

from faitfoi.accounts.models import ChannelKey
from faitfoi.channels.chorus_pro_deposit import MAX_FILE
from faitfoi.channels.chorus_pro_submission import Mode, read_mode
from faitfoi.records.models import Attempt, Delivery


def of_one_flow(delivery: Delivery, settings: Mapping[str, str]) -> QuerySet[Delivery]:
    """Select what may share this one's flow, itself included unless it must go alone. Runs inside `acting_for`.

    One that was refused before goes alone: in company, nobody would know which of them the refusal is about.
    """
    refused = Attempt.objects.filter(delivery=OuterRef("pk"), outcome=Attempt.Outcome.REFUSED)
    by_flow = Q(document__customer__chorus_deposit=Mode.FLOW.value)
    if read_mode(settings.get("depot", "")) is Mode.FLOW:
        by_flow |= Q(document__customer=None) | Q(document__customer__chorus_deposit="")
    return Delivery.objects.filter(
        by_flow,
        ~Exists(refused),
        channel=ChannelKey.CHORUS_PRO,
        purpose=delivery.purpose,
        artefact__media_type=delivery.artefact.media_type,
        artefact__size__lte=MAX_FILE,
    )
