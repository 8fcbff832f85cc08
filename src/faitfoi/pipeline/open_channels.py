"""Channels opened once per job, with the organisation's own settings."""

from uuid import UUID

from faitfoi.channels.contract import Channel, NotSent
from faitfoi.channels.registry import open_channel
from faitfoi.pipeline.mail_languages import texts_of
from faitfoi.records.models import Delivery
from faitfoi.records.vault import VaultClosed, channel_settings


class Channels:
    """The channels of one organisation, opened once per job so that connections are shared by its chunk."""

    def __init__(self, organisation_id: UUID) -> None:
        self._organisation_id = organisation_id
        self._settings: dict[str, dict[str, str]] = {}
        self._open: dict[str, Channel] = {}
        self._by_delivery: dict[UUID, Channel] = {}
        self._words: dict[str, dict[str, tuple[str, str]]] = {}

    def __enter__(self) -> "Channels":
        return self

    def __exit__(self, *_: object) -> None:
        for channel in self._open.values():
            channel.close()

    def settings_of(self, key: str) -> dict[str, str]:
        """Return the channel's settings. Runs inside `acting_for`."""
        if key not in self._settings:
            self._settings[key] = channel_settings(key) or {}
        return self._settings[key]

    def words(self, language: str) -> dict[str, tuple[str, str]]:
        """Return the organisation's own texts in a language. Runs inside `acting_for`."""
        if language not in self._words:
            self._words[language] = texts_of(language)
        return self._words[language]

    def open(self, delivery: Delivery) -> Channel:
        """Return the delivery's channel. Runs inside `acting_for`. Raises NotSent when its settings do not serve."""
        channel = self.open_key(delivery.channel)
        self._by_delivery[delivery.id] = channel
        return channel

    def open_key(self, key: str) -> Channel:
        """Return the channel of that key. Runs inside `acting_for`. Raises NotSent when its settings do not serve."""
        if key not in self._open:
            try:
                self._open[key] = open_channel(key, self.settings_of(key))
            except (ValueError, VaultClosed) as error:
                raise NotSent(str(error), precondition=True) from error
        return self._open[key]

    def of(self, delivery_id: UUID) -> Channel:
        """Return the channel opened for a delivery."""
        return self._by_delivery[delivery_id]
