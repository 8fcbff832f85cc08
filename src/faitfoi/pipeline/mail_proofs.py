"""What proves that a call comes from the mail provider: a manager gives it, and it is kept with the e-mail channel.

Secrets are never shown again: a page says only whether one is kept.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.setting_up import CannotSetUp, set_channel
from faitfoi.records.vault import VaultClosed, channel_settings

SECRETS = frozenset({"webhook_password", "webhook_mailgun_key"})
NAMES = ("provider", "webhook_user", "webhook_password", "webhook_mailgun_key", "webhook_ses_topic")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proofs:
    """What is kept today: the plain values by name, and the names of the secrets that there are.

    `channel` is whether the e-mail channel is set up at all.
    """

    channel: bool
    values: Mapping[str, str]
    kept: frozenset[str]


def present_proofs() -> Proofs:
    """Tell what is kept, without any secret. Runs inside `acting_for`."""
    try:
        settings = channel_settings(ChannelKey.EMAIL)
    except VaultClosed:
        settings = None
    known = settings or {}
    return Proofs(
        channel=settings is not None,
        values={name: known.get(name, "") for name in NAMES if name not in SECRETS},
        kept=frozenset(name for name in SECRETS if known.get(name)),
    )


def save_proofs(
    organisation: Organisation, given: Mapping[str, str], *, forget: Collection[str] = (), actor: str
) -> None:
    """Keep what was given, as `faitfoi channel set` would; a secret left empty stays, unless it is to be forgotten.

    Raises CannotSetUp with a French sentence.
    """
    with acting_for(organisation.id):
        try:
            present = channel_settings(ChannelKey.EMAIL)
        except VaultClosed as error:
            raise CannotSetUp(str(error)) from error
    if present is None:
        raise CannotSetUp(
            "Le canal e-mail n’est pas encore réglé : demandez-le à la personne qui gère cette installation, puis "
            "revenez ici."
        )
    values = {name: value for name, value in present.items() if name not in NAMES}
    for name in NAMES:
        typed = given.get(name, "") if name in SECRETS else given.get(name, "").strip()
        stays = name in SECRETS and name not in forget
        value = typed or (present.get(name, "") if stays else "")
        if value:
            values[name] = value
    set_channel(organisation, ChannelKey.EMAIL, values, actor=actor)
