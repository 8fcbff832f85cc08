"""Messages to ourselves, by which a mail server or the way back is tried: they carry no invoice."""

import secrets
from uuid import UUID

from django.utils import timezone

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.channels.contract import Attachment, NotSent, OutcomeUnknown, Parcel, Refused
from faitfoi.channels.registry import open_channel
from faitfoi.pipeline.connections import Trial, try_settings

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_TEXT = {
    "invoice": (
        "Essai du serveur d’envoi",
        "Vous avez demandé ce message d’essai depuis Faitfoi. S’il est arrivé, vos factures peuvent partir par ce "
        "serveur. Il n’y a rien à faire.",
    )
}


def new_token() -> str:
    """Return a token as deliveries have theirs, for a message that is no delivery."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(26))


def send_parcel(settings: dict[str, str], parcel: Parcel) -> str:
    """Send a message to ourselves by these settings; returns why it did not leave, in French, empty when it did."""
    try:
        channel = open_channel(ChannelKey.EMAIL, settings)
    except ValueError as error:
        return str(error)
    try:
        channel.send(parcel)
    except (NotSent, Refused, OutcomeUnknown) as error:
        return error.reason
    finally:
        channel.close()
    return ""


def parcel_to_ourselves(
    organisation_id: UUID, token: str, *, address: str, name: str, texts: dict[str, tuple[str, str]], back: str = ""
) -> Parcel:
    """Return a message of the organisation of that name to an address of its own; what fails returns to `back`."""
    return Parcel(
        key=f"{organisation_id}:trial:{token}",
        message_ref=token,
        number="essai",
        issue_date=timezone.localdate(),
        document_kind="invoice",
        seller_name=name,
        seller_siret="",
        buyer_name=name,
        address=address,
        artefact=Attachment(filename="essai.txt", media_type="text/plain", content=b"Message d'essai.\r\n"),
        settings={},
        return_path=back,
        texts=texts,
    )


def rehearse(organisation: Organisation, values: dict[str, str], address: str) -> Trial:
    """Try settings that nobody has kept yet, then send a message by them to whoever asks. Raises CannotSetUp.

    Call it outside any transaction.
    """
    trial = try_settings(organisation, ChannelKey.EMAIL, values)
    if trial.problem:
        return trial
    parcel = parcel_to_ourselves(organisation.id, new_token(), address=address, name=organisation.name, texts=_TEXT)
    if problem := send_parcel(values, parcel):
        return Trial(problem=f"Le message d’essai n’est pas parti : {problem}", environment=trial.environment)
    told = (
        f"Un message d’essai est parti vers {address} : regardez s’il arrive, et s’il n’est pas rangé en indésirable."
    )
    return Trial(environment=trial.environment, told=told)
