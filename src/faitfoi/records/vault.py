"""Credentials at rest: encrypted with a key that is a file of the installation, never a row of the database."""

import json
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

from faitfoi.accounts.models import ChannelKey
from faitfoi.accounts.secret_files import kept_secret
from faitfoi.accounts.tenancy import require_organisation
from faitfoi.records.journal import write_entry
from faitfoi.records.models_party import ChannelSettings


class VaultClosed(RuntimeError):
    """The key does not open what is stored."""


def save_channel_settings(channel: ChannelKey, values: dict[str, str], *, actor: str) -> None:
    """Keep the settings of one channel for the current organisation; the journal says that they changed, not what."""
    sealed = lock(values)
    row, _ = ChannelSettings.objects.update_or_create(
        organisation_id=require_organisation(), channel=channel, defaults={"sealed_values": sealed}
    )
    write_entry("channel_settings_changed", actor=actor, rows=[row], channel=channel)


def channel_settings(channel: str) -> dict[str, str] | None:
    """Return the current organisation's settings for a channel, or None when it has none. Raises VaultClosed."""
    row = ChannelSettings.objects.filter(channel=channel).first()
    if row is None:
        return None
    return unlock(bytes(row.sealed_values))


def lock(values: dict[str, str]) -> bytes:
    """Encrypt settings with the installation's key."""
    return _fernet().encrypt(json.dumps(values, sort_keys=True).encode())


def unlock(sealed: bytes) -> dict[str, str]:
    """Return what `lock` encrypted. Raises VaultClosed."""
    try:
        values: dict[str, str] = json.loads(_fernet().decrypt(sealed))
    except InvalidToken as error:
        raise VaultClosed(
            f"La clé {_key_path()} n’ouvre pas les identifiants enregistrés : remettez la clé d’origine, "
            "ou saisissez de nouveau les identifiants du canal."
        ) from error
    return values


def installation_secret() -> bytes:
    """Return the installation's key, which also encrypts what is kept in files (a seal key: `evidence.keys`)."""
    return kept_secret(_key_path(), Fernet.generate_key)


def _key_path() -> Path:
    given: Path | None = settings.FAITFOI_VAULT_KEY
    return given or Path(settings.FAITFOI_HOME) / "keys" / "credentials.key"


def _fernet() -> Fernet:
    return Fernet(installation_secret())
