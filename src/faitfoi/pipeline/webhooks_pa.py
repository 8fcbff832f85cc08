"""Webhooks of the plateforme agréée: managed by command, and each call answered at once and fetched by a job."""

from uuid import UUID

from django.utils import timezone

from faitfoi.accounts.models import ChannelKey
from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.afnor_pa import PlateformeAgreee
from faitfoi.channels.afnor_settings import read_settings
from faitfoi.channels.afnor_webhooks import NotBelieved, Webhook, create, listed, read_call, remove
from faitfoi.channels.contract import NotSent
from faitfoi.pipeline.due import fetch_later
from faitfoi.records.vault import VaultClosed, channel_settings, save_channel_settings

CHANNEL = ChannelKey.PLATEFORME_AGREEE
NO_CHANNEL = "La plateforme agréée n’est pas encore réglée pour cette organisation : « faitfoi channel set »."


class CannotManage(Exception):
    """The webhook cannot be managed; the text is a French sentence."""


def called(organisation_id: UUID, body: bytes, *, signature: str, timestamp: str) -> bool:
    """Take a call in: whether it is believed. What it names is fetched by a job, so that the answer is quick."""
    with acting_for(organisation_id):
        try:
            values = channel_settings(CHANNEL)
            settings = read_settings(values or {})
            flow = read_call(settings, body, signature=signature, timestamp=timestamp, now=timezone.now())
        except (NotBelieved, ValueError, VaultClosed):
            return False
        fetch_later(organisation_id, flow)
    return True


def add(organisation_id: UUID, address: str, *, actor: str) -> Webhook:
    """Create a webhook and keep its key among the channel's settings. Raises CannotManage."""
    if not address.startswith("https://") and not address.startswith("http://127.0.0.1"):
        raise CannotManage(f"L’adresse « {address} » doit commencer par https:// : la plateforme y appelle.")
    values, channel = _open(organisation_id)
    try:
        made = create(channel.connection, channel.settings, address)
    except NotSent as error:
        raise CannotManage(error.reason) from error
    finally:
        channel.close()
    with acting_for(organisation_id):
        save_channel_settings(CHANNEL, {**values, "signing_key": made.signing_key}, actor=actor)
    return made


def known(organisation_id: UUID) -> list[Webhook]:
    """List the webhooks that the platform has. Raises CannotManage."""
    _, channel = _open(organisation_id)
    try:
        return listed(channel.connection, channel.settings)
    except NotSent as error:
        raise CannotManage(error.reason) from error
    finally:
        channel.close()


def forget(organisation_id: UUID, identifier: str) -> bool:
    """Have the platform forget a webhook; False when it has none of that name. Raises CannotManage."""
    _, channel = _open(organisation_id)
    try:
        return remove(channel.connection, channel.settings, identifier)
    except NotSent as error:
        raise CannotManage(error.reason) from error
    finally:
        channel.close()


def _open(organisation_id: UUID) -> tuple[dict[str, str], PlateformeAgreee]:
    with acting_for(organisation_id):
        try:
            values = channel_settings(CHANNEL)
        except VaultClosed as error:
            raise CannotManage(str(error)) from error
    if values is None:
        raise CannotManage(NO_CHANNEL)
    return values, PlateformeAgreee(values)
