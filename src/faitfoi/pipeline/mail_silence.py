"""Mail providers that call no more: told by the provider itself, or seen by each day's look at what left meanwhile.

Without their calls refusals stay unknown, and nothing else shows it: « envoyée » no longer means « arrivée ».
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from faitfoi.accounts.models import ChannelKey
from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.contract import Grade
from faitfoi.channels.mail_providers import PROVIDERS
from faitfoi.records.journal import write_entry
from faitfoi.records.models import Alarm, Attempt, Event, ReturnCheck, WebhookDoor

PATIENCE = timedelta(days=1)
"""How long after a message has left its provider may still call about it."""
ENDED, SILENT = "ended:", "silent:"
MEANWHILE = (
    "En attendant, les refus du courrier ne vous parviennent plus, et « envoyée » ne veut plus dire « arrivée »."
)
ENDED_SENTENCE = (
    "Amazon SES n’appelle plus une de vos adresses : l’abonnement SNS a été annulé. Abonnez-la de nouveau au sujet "
    "SNS, dans la console d’AWS (Faitfoi confirme de lui-même), ou fermez-la sous « Prestataires d’envoi » si c’est "
    "voulu. "
    f"{MEANWHILE}"
)


def note_subscription(door: WebhookDoor, *, ended: bool) -> None:
    """Raise the alarm of a subscription that was ended, or end it when one begins again."""
    with acting_for(door.organisation_id):
        kind = "mail_calls_ended" if ended else "mail_calls_begun"
        write_entry(kind, actor=door.provider, provider=door.provider, door=str(door.id))
        if ended:
            Alarm.objects.update_or_create(cause=_cause(ENDED, door), defaults={"sentence": ENDED_SENTENCE})
        else:
            Alarm.objects.filter(cause=_cause(ENDED, door)).delete()


def heard(door: WebhookDoor) -> None:
    """End the alarm of silence: the provider has called."""
    Alarm.objects.filter(cause=_cause(SILENT, door)).delete()


def forget_alarms(door: WebhookDoor) -> None:
    """End the alarms of an address that was closed."""
    Alarm.objects.filter(cause__in=[_cause(ENDED, door), _cause(SILENT, door)]).delete()


def watch_calls(organisation_id: UUID) -> int:
    """Raise the alarm for each provider that used to tell what it delivered, and is silent about what left since.

    The daily message to ourselves is among what left. Returns how many are silent.
    """
    silent = 0
    for door in WebhookDoor.objects.filter(
        organisation_id=organisation_id, provider__in=PROVIDERS, revoked_at=None, called_at__isnull=False
    ):
        with acting_for(organisation_id):
            told = Event.objects.filter(who=door.provider, delivery__channel=ChannelKey.EMAIL)
            tells_all = told.filter(grade=Grade.DELIVERED).exists()
            last = told.order_by("-created_at").values_list("created_at", flat=True).first()
            since = door.called_at if door.call_said == "kept" else last
            if not tells_all or since is None or not _left_between(since, timezone.now() - PATIENCE):
                continue
        Alarm.objects.update_or_create(cause=_cause(SILENT, door), defaults={"sentence": _sentence(door, since)})
        silent += 1
    return silent


def _left_between(first: datetime, last: datetime) -> bool:
    """Whether a message has left after the last call, long enough ago for another one. Runs inside `acting_for`."""
    taken = Attempt.objects.filter(delivery__channel=ChannelKey.EMAIL, outcome=Attempt.Outcome.RECEIPT)
    to_ourselves = ReturnCheck.objects.filter(sent_at__gt=first, sent_at__lt=last, trouble="")
    return taken.filter(finished_at__gt=first, finished_at__lt=last).exists() or to_ourselves.exists()


def _sentence(door: WebhookDoor, since: datetime) -> str:
    return (
        f"Le prestataire d’envoi « {door.provider} » n’a rien dit depuis le {timezone.localtime(since):%d/%m/%Y}, "
        "alors que du courrier est parti. Vérifiez chez lui l’adresse qu’il appelle et son mot de passe ou sa "
        f"signature, ou donnez-lui-en une autre sous « Prestataires d’envoi ». {MEANWHILE}"
    )


def _cause(kind: str, door: WebhookDoor) -> str:
    """One alarm for each address, of which the pages of others learn no name."""
    return f"{kind}{door.id.hex}"
