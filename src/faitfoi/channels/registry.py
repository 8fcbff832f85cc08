"""Every channel by its key. A key is written in the database: it is for ever."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import cast

from faitfoi.channels.contract import Channel

CHANNELS: Mapping[str, str] = {
    "email": "faitfoi.channels.smtp_mail:SmtpMail",
    "chorus_pro": "faitfoi.channels.chorus_pro:ChorusPro",
}
"""Key → module and class. Imported when opened, so that one channel's dependency never stops another."""


def open_channel(key: str, settings: dict[str, str]) -> Channel:
    """Open the channel of this key with an organisation's settings, decrypted.

    The settings are those that the channel's module documents. Raises KeyError for a key that has never existed, and
    ValueError with a French sentence when a setting is missing or impossible. The caller closes the channel.
    """
    module, _, name = CHANNELS[key].partition(":")
    make = cast("Callable[[dict[str, str]], Channel]", getattr(import_module(module), name))
    return make(settings)
