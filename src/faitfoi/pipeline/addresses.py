"""What returned messages teach about an address, and when nothing more is sent to it.

A bad address counts at once, when the report is about that very address and not about a server that was away; a full
mailbox, after its third message came back over five days; what the server says of us (filters, reputation,
authentication) never counts against the address: it is an alarm for the operator.
"""

import logging
from datetime import datetime, timedelta

from django.utils import timezone

from faitfoi.accounts.models import ChannelKey
from faitfoi.accounts.tenancy import require_organisation
from faitfoi.channels.contract import Refused, RemoteEvent
from faitfoi.channels.smtp_mail_message import plain_address
from faitfoi.intake.bounce_codes import BounceClass
from faitfoi.intake.bounce_recipients import BouncedRecipient
from faitfoi.records.journal import write_entry
from faitfoi.records.models import Alarm, Delivery, MailStanding
from faitfoi.records.storable import storable

log = logging.getLogger(__name__)

MOST_FULL = 3
FULL_OVER = timedelta(days=5)
MOST_KEPT = 20
CAUSE = "mail_policy"


class UnknownAddress(LookupError):
    """Nothing has been learnt about this address; a French sentence."""


def verdict_of(person: BouncedRecipient, address: str) -> str:
    """Return what a report teaches about the address that we wrote to; empty when it teaches nothing.

    It may be about somebody behind that address (a list, a forwarding), or about a server that was away for days.
    """
    try:
        ours = {address.lower(), plain_address(address).lower()}
    except ValueError:
        ours = {address.lower()}
    told = {each.lower() for each in (person.address, person.original) if each}
    was_away = person.kind is BounceClass.HARD and person.status.startswith(("4.", "5.4.7"))
    about_somebody_else = bool(told) and not told & ours and person.kind is not BounceClass.POLICY
    return "" if was_away or about_somebody_else else person.kind.value


def learn(delivery: Delivery, event: RemoteEvent, *, actor: str) -> None:
    """Draw what follows for the address from one new piece of news. Runs inside `acting_for`, in its transaction."""
    if delivery.channel != ChannelKey.EMAIL:
        return
    match event.verdict:
        case "policy":
            _alarm(delivery, event)
        case "hard" | "complaint":
            _set(delivery, event, MailStanding.State.HARD, actor=actor)
        case "full":
            _count_full(delivery, event, actor=actor)
        case "delivered":
            _forgive(delivery, event, actor=actor)


def refuse_if_known_bad(delivery: Delivery) -> None:
    """Raise Refused for an address that does not receive, unless a person asked for this sending since it was learnt.

    Runs inside `acting_for`.
    """
    if delivery.channel != ChannelKey.EMAIL:
        return
    known = MailStanding.objects.filter(address=delivery.address.lower(), state=MailStanding.State.HARD).first()
    if known is None or (delivery.sequence > 1 and delivery.created_at > known.since):
        return
    raise Refused(
        f"Rien n’est parti : {delivery.address} ne reçoit pas depuis le {known.since:%d/%m/%Y}. {known.sentence} "
        "Corrigez l’adresse dans la fiche du client ; si elle est bonne, dites-le à la page « Courrier ».",
        code=known.code,
    )


def known_bad() -> list[MailStanding]:
    """The addresses that nothing is sent to, the latest first. Runs inside `acting_for`."""
    return list(MailStanding.objects.filter(state=MailStanding.State.HARD).order_by("-since"))


def declare_good(address: str, *, actor: str) -> None:
    """Write that a person holds an address for good: messages leave to it again. Runs inside `acting_for`.

    Raises UnknownAddress with a French sentence when nothing was held against it.
    """
    known = MailStanding.objects.select_for_update().filter(address=address.strip().lower()).first()
    if known is None or known.state == MailStanding.State.GOOD:
        raise UnknownAddress(f"Rien n’est retenu contre l’adresse « {address.strip()[:254]} ».")
    _write(known, MailStanding.State.GOOD, at=timezone.now(), full_at=[], actor=actor)


def _count_full(delivery: Delivery, event: RemoteEvent, *, actor: str) -> None:
    known = _standing(delivery)
    told = sorted({*known.full_at, event.at.isoformat()})[-MOST_KEPT:] if known else [event.at.isoformat()]
    instants = [datetime.fromisoformat(each) for each in told]
    lasting = len(instants) >= MOST_FULL and instants[-1] - instants[0] >= FULL_OVER
    state = MailStanding.State.HARD if lasting else MailStanding.State.FULL
    _set(delivery, event, state, full_at=told, actor=actor)


def _forgive(delivery: Delivery, event: RemoteEvent, *, actor: str) -> None:
    """What arrived says that the mailbox has room again; a bad address is not mended by what another server says."""
    known = _standing(delivery)
    if known is not None and known.state == MailStanding.State.FULL:
        _write(known, MailStanding.State.GOOD, at=event.at, full_at=[], actor=actor)


def _standing(delivery: Delivery) -> MailStanding | None:
    return MailStanding.objects.select_for_update().filter(address=delivery.address.lower()).first()


def _set(
    delivery: Delivery,
    event: RemoteEvent,
    state: MailStanding.State,
    *,
    full_at: list[str] | None = None,
    actor: str,
) -> None:
    organisation_id = require_organisation()
    known = _standing(delivery)
    if known is None:
        address = delivery.address.lower()
        MailStanding.objects.bulk_create(  # two pieces of news may come at once: one row, whoever writes it
            [MailStanding(organisation_id=organisation_id, address=address, since=event.at)], ignore_conflicts=True
        )
        known = MailStanding.objects.select_for_update().get(address=address)
    elif known.state == MailStanding.State.HARD and state != MailStanding.State.HARD:
        state = MailStanding.State.HARD
    known.code, known.sentence = storable(event.code)[:80], storable(event.reason)
    _write(known, state, at=event.at, full_at=full_at, actor=actor)


def _write(
    known: MailStanding, state: MailStanding.State, *, at: datetime, full_at: list[str] | None = None, actor: str
) -> None:
    if known.state != state:
        known.state, known.since = state, at
    if full_at is not None:
        known.full_at = full_at
    known.save()
    write_entry("mail_address_judged", actor=actor, rows=[known], standing=str(known.id), state=str(known.state))


def _alarm(delivery: Delivery, event: RemoteEvent) -> None:
    """Tell everybody, and the operator's log alone whose server: the alarm stands on every organisation's pages."""
    log.warning(
        "the server of %s turned mail away because of us (%s)", delivery.address.rpartition("@")[2], event.code[:20]
    )
    Alarm.objects.update_or_create(
        cause=CAUSE,
        defaults={
            "sentence": "Un serveur a écarté du courrier à cause de l’expéditeur : filtre, réputation ou "
            "authentification (SPF, DKIM, DMARC). Aucune adresse n’est en cause. La personne qui gère cette "
            "installation vérifie le domaine d’envoi, puis tape « faitfoi mail quiet »."
        },
    )
