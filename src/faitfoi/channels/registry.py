"""Every channel by its key. A key is written in the database: it is for ever."""

from collections.abc import Callable, Mapping

from faitfoi.channels.afnor_pa import PlateformeAgreee
from faitfoi.channels.chorus_pro import ChorusPro
from faitfoi.channels.contract import Channel
from faitfoi.channels.smtp_mail import SmtpMail

CHANNELS: Mapping[str, Callable[[dict[str, str]], Channel]] = {
    "email": SmtpMail,
    "chorus_pro": ChorusPro,
    "plateforme_agreee": PlateformeAgreee,
}


def able(capability: type) -> tuple[str, ...]:
    """Return the keys of the channels that have a capability of the contract that is methods alone (`Feeding`…)."""
    return tuple(key for key, make in CHANNELS.items() if isinstance(make, type) and issubclass(make, capability))


def can_be_asked(key: str) -> bool:
    """Whether a channel's other side can be asked if something has arrived (`Channel.asks`), settings or not."""
    return bool(getattr(CHANNELS.get(key), "asks", True))


def open_channel(key: str, settings: dict[str, str]) -> Channel:
    """Open the channel of this key with an organisation's settings, decrypted.

    The settings are those that the channel's module documents. Raises KeyError for a key that has never existed, and
    ValueError with a French sentence when a setting is missing or impossible. The caller closes the channel.
    """
    return CHANNELS[key](settings)
