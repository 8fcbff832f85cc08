"""Returns read by IMAP, and the return path tried each day: a message to ourselves must come back as bounces do."""

import logging
from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.intake.bounces import read_verp, verp_address
from faitfoi.intake.imap_returns import CannotRead, read_mailbox_settings, read_new
from faitfoi.pipeline.following import returned_mail
from faitfoi.pipeline.mail_trial import new_token, parcel_to_ourselves, send_parcel
from faitfoi.pipeline.parcels import return_secret
from faitfoi.pipeline.rollback import stopped
from faitfoi.records.journal import write_entry
from faitfoi.records.models import Alarm, MailboxPlace, ReturnCheck, ReturnToken
from faitfoi.records.vault import VaultClosed, channel_settings

log = logging.getLogger(__name__)

MUST_BE_BACK_IN = timedelta(minutes=30)
FORGOTTEN_AFTER = timedelta(days=30)
_TEXT = {
    "invoice": ("Essai du chemin de retour", "Message de Faitfoi à lui-même : il doit revenir, rien n’est à faire.")
}


def read_returns(organisation_id: UUID, *, actor: str) -> int:
    """Take in what is new in the organisation's mailbox; returns how many messages. An alarm says when it is closed.

    The place moves past each message once what it tells is written down.
    """
    settings = _settings(organisation_id)
    try:
        mailbox = read_mailbox_settings(settings)
    except ValueError:
        return 0  # judged when it was saved; an older one waits for the next setting
    if mailbox is None and settings:  # nobody reads it any more
        Alarm.objects.filter(cause=_cause("imap", organisation_id)).delete()
    if mailbox is None or stopped():
        return 0
    with acting_for(organisation_id):
        place, _ = MailboxPlace.objects.get_or_create(
            mailbox=mailbox.name, defaults={"organisation_id": organisation_id, "validity": 0}
        )
    taken = 0
    try:
        for each in read_new(mailbox, validity=place.validity, uid=place.uid):
            take_back(each.recipients)
            returned_mail(each.raw, each.recipients, actor=actor)
            with acting_for(organisation_id):
                MailboxPlace.objects.filter(id=place.id).update(validity=each.validity, uid=each.uid)
            taken += 1
    except CannotRead as error:
        log.warning("%s", error)  # it names the server; the alarm stands on every organisation's pages
        _alarm(
            "imap",
            organisation_id,
            "Une boîte de retours du courrier ne se lit plus, et des refus restent inconnus : vérifiez le compte IMAP "
            "(« faitfoi channel set email imap_…= »).",
        )
    else:
        Alarm.objects.filter(cause=_cause("imap", organisation_id)).delete()
    return taken


def try_return_path(organisation_id: UUID, *, actor: str) -> str:
    """Send a message to one of our own return addresses; returns a French sentence, empty when none can be tried."""
    settings = _settings(organisation_id)
    domain = settings.get("return_domain", "")
    if not domain or stopped():
        return ""
    token = new_token()
    with acting_for(organisation_id):
        ReturnCheck.objects.filter(sent_at__lt=timezone.now() - FORGOTTEN_AFTER).delete()
        row = ReturnToken.objects.create(message_ref=token, organisation_id=organisation_id)
        check = ReturnCheck.objects.create(organisation_id=organisation_id, token=token, sent_at=timezone.now())
        write_entry("return_path_tried", actor=actor, rows=[row])
        name = Organisation.objects.get(id=organisation_id).name
    address = verp_address(token, domain=domain, secret=return_secret())
    trouble = send_parcel(
        settings, parcel_to_ourselves(organisation_id, token, address=address, name=name, texts=_TEXT, back=address)
    )
    if trouble:
        with acting_for(organisation_id):
            ReturnCheck.objects.filter(id=check.id).update(trouble=trouble)
        return f"Le message d’essai n’est pas parti : {trouble}"
    return f"Un message d’essai est parti vers {address} : il doit revenir dans les 30 minutes."


def take_back(recipients: tuple[str, ...]) -> int:
    """Note the messages to ourselves among what came back; returns how many."""
    back = 0
    for recipient in recipients:
        token = read_verp(recipient, secret=return_secret())
        row = ReturnToken.objects.filter(message_ref=token).first() if token else None
        if row is None:
            continue
        with acting_for(row.organisation_id):
            back += ReturnCheck.objects.filter(token=row.message_ref, back_at=None).update(back_at=timezone.now())
    return back


def last_return_check() -> ReturnCheck | None:
    """The last message to ourselves, which must come back by the way that refusals take. Runs inside `acting_for`."""
    return ReturnCheck.objects.order_by("-sent_at").first()


def watch_return_path(organisation_id: UUID) -> bool:
    """Raise the alarm while the last message to ourselves is overdue, end it once one is back; True while raised."""
    with acting_for(organisation_id):
        last = last_return_check()
    if last is None:
        return False
    settings = _settings(organisation_id)
    if settings and not settings.get("return_domain"):  # there is no such path any more
        Alarm.objects.filter(cause=_cause("back", organisation_id)).delete()
        return False
    overdue = last.back_at is None and timezone.now() - last.sent_at > MUST_BE_BACK_IN
    if overdue:
        _alarm(
            "back",
            organisation_id,
            "Un message d’essai n’est pas revenu par l’adresse de retour : les refus du courrier ne vous "
            "parviennent plus, et « envoyée » ne veut plus dire « arrivée ». Vérifiez le domaine de retour et "
            f"« faitfoi returns ». {last.trouble}".strip(),
        )
    elif last.back_at is not None:
        Alarm.objects.filter(cause=_cause("back", organisation_id)).delete()
    return overdue


def _settings(organisation_id: UUID) -> dict[str, str]:
    with acting_for(organisation_id):
        try:
            return channel_settings(ChannelKey.EMAIL) or {}
        except VaultClosed:
            return {}


def _cause(kind: str, organisation_id: UUID) -> str:
    """One alarm for each organisation, of which the pages of others learn no name."""
    return f"{kind}{organisation_id}"


def _alarm(kind: str, organisation_id: UUID, sentence: str) -> None:
    Alarm.objects.update_or_create(cause=_cause(kind, organisation_id), defaults={"sentence": sentence})
