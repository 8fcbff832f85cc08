"""What a manager may set of the e-mail channel on pages: the pace, what travels together, and what proves the calls.

Secrets are never shown again: a page says only whether one is kept.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.setting_up import CannotSetUp, set_channel
from faitfoi.records.vault import VaultClosed, channel_settings

SECRETS = frozenset({"webhook_password", "webhook_mailgun_key"})
PROOFS = ("provider", "webhook_user", "webhook_password", "webhook_mailgun_key", "webhook_ses_topic")
DEPARTURE = ("grouping", "pace", "pace_domain")


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSetUp:
    """What is kept today: the plain values by name, and the names of the secrets that there are.

    `channel` is whether the e-mail channel is set up at all.
    """

    channel: bool
    values: Mapping[str, str]
    kept: frozenset[str]


def present_set_up() -> MailSetUp:
    """Tell what is kept, without any secret. Runs inside `acting_for`."""
    try:
        settings = channel_settings(ChannelKey.EMAIL)
    except VaultClosed:
        settings = None
    known = settings or {}
    shown = ("return_domain", *PROOFS, *DEPARTURE)
    return MailSetUp(
        channel=settings is not None,
        values={name: known.get(name, "") for name in shown if name not in SECRETS},
        kept=frozenset(name for name in SECRETS if known.get(name)),
    )


def save_proofs(
    organisation: Organisation, given: Mapping[str, str], *, forget: Collection[str] = (), actor: str
) -> None:
    """Keep what proves a provider's calls; a secret left empty stays, unless it is to be forgotten.

    Raises CannotSetUp with a French sentence.
    """
    plain = {name: given.get(name, "").strip() for name in PROOFS if name not in SECRETS}
    typed = {name: given.get(name, "") for name in SECRETS if given.get(name) or name in forget}
    _change(organisation, plain | typed, actor=actor)


def save_departure(organisation: Organisation, given: Mapping[str, str], *, actor: str) -> None:
    """Keep how fast mails leave and what travels together. Raises CannotSetUp with a French sentence."""
    _change(organisation, {name: given.get(name, "").strip() for name in DEPARTURE}, actor=actor)


def _change(organisation: Organisation, chosen: Mapping[str, str], *, actor: str) -> None:
    """Keep some settings of the channel as `faitfoi channel set` would, and the others as they are."""
    with acting_for(organisation.id):
        try:
            present = channel_settings(ChannelKey.EMAIL)
        except VaultClosed as error:
            raise CannotSetUp(str(error)) from error
    if present is None:
        raise CannotSetUp(
            "Le canal e-mail n’est pas encore réglé : réglez le serveur d’envoi dans « Connexions », puis revenez ici."
        )
    values = {name: value for name, value in {**present, **chosen}.items() if value or name not in chosen}
    set_channel(organisation, ChannelKey.EMAIL, values, actor=actor)
