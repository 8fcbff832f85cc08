"""The door for mail providers' calls: found by the secret in its address, verified, then kept as news of deliveries."""

from collections.abc import Mapping
from email.utils import parseaddr
from uuid import UUID

import httpx
from django.utils import timezone

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.contract import Grade, News
from faitfoi.channels.mail_provider_news import NotRead
from faitfoi.channels.mail_providers import ENDED, PROVIDERS, Fetch, Forged, read_call
from faitfoi.pipeline import archive
from faitfoi.pipeline.collecting import bury
from faitfoi.pipeline.doors import close_door, find_door, list_doors, new_door, note_call, note_foreign
from faitfoi.pipeline.following import record
from faitfoi.pipeline.grouping import carried_with
from faitfoi.pipeline.mail_silence import forget_alarms, heard, note_subscription
from faitfoi.pipeline.rollback import stopped
from faitfoi.records.journal import write_entry
from faitfoi.records.models import Delivery, ReturnCheck, ReturnToken, WebhookDoor
from faitfoi.records.vault import channel_settings

ACTOR = "mail provider"
CALLS = {
    "kept": "prise en compte",
    "forged": "refusée, elle ne prouve pas qu’elle vient du prestataire",
    "unread": "refusée, elle ne se lit pas",
    "revoked": "refusée, l’adresse est fermée",
    "ended": "la dernière : l’abonnement a été annulé",
}
"""What became of the last call, in French."""
_PATIENCE = 5.0


class NoDoor(LookupError):
    """Nobody gave this address out, or it is of a provider that we do not know; a French sentence."""


class Revoked(Exception):
    """This address was given out and taken back."""


class NotNow(Exception):
    """The journal is not the one that its witnesses know: the provider is to call again."""


def open_door(organisation: Organisation, provider: str, *, actor: str) -> str:
    """Make the secret of an address that a provider may call; it is told once, only its hash is kept. Raises NoDoor."""
    if provider not in PROVIDERS:
        raise NoDoor(f"« {provider[:30]} » n’est pas un prestataire connu : choisissez parmi {', '.join(PROVIDERS)}.")
    with acting_for(organisation.id):
        door, secret = new_door(organisation, provider)
        write_entry("webhook_opened", actor=actor, rows=[door], provider=provider)
    return secret


def take_call(secret: str, *, headers: Mapping[str, str], body: bytes, fetch: Fetch | None = None) -> int:
    """Verify a call, keep what it tells, return how much was new; outside any transaction.

    Raises NoDoor for an unknown secret, Revoked, Forged, NotRead, NotNow (call again), httpx.HTTPError (certificate
    not had).
    """
    door = find_door(secret, PROVIDERS)
    if door is None:
        raise NoDoor("unknown address")
    if door.revoked_at is not None:
        note_call(door, "revoked")
        raise Revoked
    if sentence := stopped():
        raise NotNow(sentence)
    try:
        news, settings = _read(door, headers=headers, body=body, fetch=fetch)
    except Forged:
        note_call(door, "forged")
        raise
    except NotRead:
        note_call(door, "unread")
        raise
    ended = [one.about["subscription"] == ENDED for one in news if "subscription" in one.about]
    of_mail = [one for one in news if "subscription" not in one.about]
    ours = [one for one in of_mail if not is_foreign(one, settings)]
    fresh = sum(_keep(door.organisation_id, one) for one in ours)
    if len(ours) < len(of_mail):
        note_foreign(door, len(of_mail) - len(ours))
    for has_ended in ended:
        note_subscription(door, ended=has_ended)
    heard(door)
    note_call(door, "ended" if any(ended) else "kept")
    return fresh


def doors_of(organisation: Organisation) -> list[WebhookDoor]:
    """Return the addresses that an organisation has given out, open ones first, then the newest."""
    return list_doors(organisation, PROVIDERS)


def revoke_door(organisation: Organisation, door_id: UUID, *, actor: str) -> bool:
    """Take an address back for ever: it answers that it is gone; False when none of the organisation's was open."""
    with acting_for(organisation.id):
        door = close_door(organisation, door_id, PROVIDERS)
        if door is None:
            return False
        write_entry("webhook_revoked", actor=actor, rows=[door], provider=door.provider, door=str(door.id))
    forget_alarms(door)
    return True


def is_foreign(one: News, settings: Mapping[str, str]) -> bool:
    """Whether news is provably of a mail that another program sent with the same account.

    Each of ours bears a reference of ours, and leaves from our address: what has neither is not ours. Where the
    provider does not tell who sent it, nothing is proved.
    """
    sender = one.about.get("sender", "")
    own = parseaddr(settings.get("sender_address", ""))[1].lower()
    if one.about.get("message_ref") or "@" not in sender or not own:
        return False
    return sender != own and sender.rpartition("@")[2] != settings.get("return_domain", "").lower()


def said_of(door: WebhookDoor) -> str:
    """Say in French what became of the last call, and how much was not about our mail; empty when never called."""
    said = [CALLS.get(door.call_said, "")]
    if door.foreign_news == 1:
        said.append("1 nouvelle d’un courriel que Faitfoi n’a pas envoyé, laissée de côté")
    elif door.foreign_news:
        said.append(f"{door.foreign_news} nouvelles de courriels que Faitfoi n’a pas envoyés, laissées de côté")
    return " ; ".join(filter(None, said))


def _read(
    door: WebhookDoor, *, headers: Mapping[str, str], body: bytes, fetch: Fetch | None
) -> tuple[tuple[News, ...], Mapping[str, str]]:
    """Verify a call: its news, and the settings of the organisation's mail. Raises Forged, NotRead."""
    with acting_for(door.organisation_id):
        settings = channel_settings(ChannelKey.EMAIL) or {}
    told = {name.lower(): value for name, value in headers.items() if name.lower() != "cookie"}
    now, fetch = timezone.now(), fetch or _fetched
    return read_call(door.provider, headers=told, body=body, settings=settings, now=now, fetch=fetch), settings


def _keep(organisation_id: UUID, one: News) -> int:
    """Keep one piece of news of the deliveries it is about; a dead letter when none is ours."""
    reference = one.about.get("message_ref", "")
    if _is_of_our_test(organisation_id, reference, one):
        return 0
    token = ReturnToken.objects.filter(message_ref=reference, organisation_id=organisation_id).first()
    with acting_for(organisation_id):
        found = token and Delivery.objects.select_related("document").filter(message_ref=reference).first()
        carried = carried_with(found) if found else []
    if not carried:
        kept = archive.pack(organisation_id, [one.event.raw], retention=archive.RECEIVED)
        with acting_for(organisation_id):
            archive.claim(kept, actor=ACTOR)
            return int(bury(organisation_id, ChannelKey.EMAIL, one, actor=ACTOR))
    return sum(record(each, [one.event], actor=ACTOR) for each in carried)


def _is_of_our_test(organisation_id: UUID, reference: str, one: News) -> bool:
    """Whether it is about the daily message to ourselves, which is no delivery; one that came back says why."""
    with acting_for(organisation_id):
        check = ReturnCheck.objects.filter(token=reference).first() if reference else None
        if check is not None and one.event.grade is Grade.RETURNED:
            ReturnCheck.objects.filter(id=check.id).update(trouble=one.event.reason)
    return check is not None


def _fetched(address: str) -> bytes:
    """Fetch what `mail_providers` found on its list of addresses; never follows elsewhere."""
    answer = httpx.get(address, timeout=_PATIENCE, follow_redirects=False)
    answer.raise_for_status()
    return answer.content[:100_000]


__all__ = ["PROVIDERS", "Forged", "NoDoor", "NotNow", "NotRead", "Revoked", "open_door", "take_call"]
