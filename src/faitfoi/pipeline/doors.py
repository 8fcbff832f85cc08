"""Doors by which other programs come in: each of one organisation, its secret told once and kept hashed, revocable.

Mail providers call an address that holds the secret (`mail_calls`); programs that use the API send it (`tokens`).
"""

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from faitfoi.accounts.models import Organisation
from faitfoi.records.models import WebhookDoor


def new_door(
    organisation: Organisation, provider: str, *, name: str = "", expires_at: datetime | None = None
) -> tuple[WebhookDoor, str]:
    """Write a door with a new secret, which nobody can be told again. Runs inside `acting_for`; the caller journals."""
    secret = secrets.token_urlsafe(32)
    made = WebhookDoor.objects.create(
        digest=_digest(secret), organisation_id=organisation.id, provider=provider, name=name, expires_at=expires_at
    )
    return made, secret


def find_door(secret: str, providers: Collection[str]) -> WebhookDoor | None:
    """Return the door, revoked or not, that a secret opens, or None.

    Looked for by its hash, of which a caller chooses nothing: how long it takes tells nothing of the secret.
    """
    return WebhookDoor.objects.filter(digest=_digest(secret), provider__in=providers).first()


def list_doors(organisation: Organisation, providers: Collection[str]) -> list[WebhookDoor]:
    """Return the doors that an organisation has made, open ones first, then the newest."""
    doors = WebhookDoor.objects.filter(organisation_id=organisation.id, provider__in=providers)
    return sorted(doors, key=lambda door: (door.revoked_at is None, door.created_at), reverse=True)


def close_door(organisation: Organisation, door_id: UUID, providers: Collection[str]) -> WebhookDoor | None:
    """Close a door for ever; None when none of theirs was open. Runs inside `acting_for`; the caller journals."""
    open_ones = WebhookDoor.objects.select_for_update().filter(
        id=door_id, organisation_id=organisation.id, provider__in=providers, revoked_at=None
    )
    door = open_ones.first()
    if door is not None:
        door.revoked_at = timezone.now()
        door.save(update_fields=["revoked_at"])
    return door


def note_call(door: WebhookDoor, said: str) -> None:
    """Remember the last call, by a word of its caller's, for whoever looks after the door."""
    WebhookDoor.objects.filter(id=door.id).update(called_at=timezone.now(), call_said=said)


def note_foreign(door: WebhookDoor, news: int) -> None:
    """Count what was told of things that are not ours."""
    WebhookDoor.objects.filter(id=door.id).update(foreign_news=F("foreign_news") + news)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
