"""Webhooks of a plateforme agréée: created, listed and removed; and whether a call is believed (French contracts §2.1).

A call names a flow and nothing more is taken from it: what it says is fetched by that name. It is believed only when
its signature is right over the very bytes received, and its hour is near:

    HMAC-SHA256(signing key, SHA-256(body + "@" + timestamp)), in base64

The contract does not say whether the digest enters the HMAC raw or as hex; `webhook_digest` says it.
"""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from faitfoi.channels.afnor_http import Connection
from faitfoi.channels.afnor_settings import PaSettings
from faitfoi.channels.chorus_pro_codes import objects, text
from faitfoi.channels.contract import NotSent
from faitfoi.channels.http_wire import Request, read_object

STALE = timedelta(minutes=5)
MOST_BYTES = 256 * 1024


class NotBelieved(Exception):
    """A call that is not the platform's, or not of now. Its text is for the log, never for whoever called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One webhook as the platform has it; `signing_key` is told once, when it is created."""

    identifier: str
    address: str
    created_at: str
    signing_key: str = ""


def read_call(settings: PaSettings, body: bytes, *, signature: str, timestamp: str, now: datetime) -> str:
    """Return the flow that a call names. Raises NotBelieved."""
    if not settings.signing_key:
        raise NotBelieved("no webhook was created")
    if len(body) > MOST_BYTES:
        raise NotBelieved("too long")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 13):
        raise NotBelieved("no timestamp")
    if abs(now.timestamp() - int(timestamp)) > STALE.total_seconds():
        raise NotBelieved("stale")
    if not hmac.compare_digest(sign(settings, body, timestamp=timestamp), _decode(signature)):
        raise NotBelieved("the signature is not right")
    flow = text((read_object(body) or {}).get("flowId"))
    if not flow or len(flow) > 64:
        raise NotBelieved("no flow is named")
    return flow


def sign(settings: PaSettings, body: bytes, *, timestamp: str) -> bytes:
    """Make the signature of a body at an hour, as bytes."""
    digest = hashlib.sha256(body + b"@" + timestamp.encode())
    message = digest.digest() if settings.webhook_digest == "raw" else digest.hexdigest().encode()
    return hmac.new(_decode(settings.signing_key), message, hashlib.sha256).digest()


def create(connection: Connection, settings: PaSettings, address: str) -> Webhook:
    """Have the platform call an address when a lifecycle message is there. Raises NotSent."""
    wanted = {"callbackUrl": address, "flowTypes": ["CustomerInvoiceLC"], "flowDirection": "In"}
    answer, _ = connection.ask_object(
        Request(
            method="POST",
            url=connection.flow_url(settings.webhooks_path),
            content=json.dumps(wanted).encode(),
            media_type="application/json",
        )
    )
    made = _read({**wanted, **answer})
    if not made.identifier or not _decode(made.signing_key):
        raise NotSent("La plateforme agréée a créé le webhook sans donner de clé de signature lisible. Supprimez-le.")
    return made


def listed(connection: Connection, settings: PaSettings) -> list[Webhook]:
    """List the webhooks that the platform has. Raises NotSent."""
    answer, _ = connection.ask_object(Request(method="GET", url=connection.flow_url(settings.webhooks_path)))
    return [_read(one) for one in objects(answer.get("webhooks"))]


def remove(connection: Connection, settings: PaSettings, identifier: str) -> bool:
    """Have the platform forget a webhook; False when it has none of that name. Raises NotSent."""
    url = connection.flow_url(f"{settings.webhooks_path}/{quote(identifier, safe='')}")
    return connection.ask(Request(method="DELETE", url=url)).status != 404


def _read(told: dict[str, object]) -> Webhook:
    return Webhook(
        identifier=text(told.get("webhookId")),
        address=text(told.get("callbackUrl")),
        created_at=text(told.get("createdAt")),
        signing_key=text(told.get("signingKey")),
    )


def _decode(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return b""
