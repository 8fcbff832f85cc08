"""What mail providers call back with (Postmark, Mailgun, SES, Brevo, Mailjet), read into the one normal form.

Authenticity first, over the raw bytes, in constant time; then the body is read. Opens and clicks are left out: no
pixel of ours, and theirs prove little. The address called holds a 256-bit secret; beside it, by settings:

| provider | setting | what is verified |
|---|---|---|
| `postmark`, `brevo`, `mailjet` | `webhook_password` (and `webhook_user`) | HTTP Basic, where set |
| `mailgun` | `webhook_mailgun_key` | hex HMAC-SHA256 of timestamp and token, at most a day old |
| `ses` | `webhook_ses_topic` | the signature of SNS, by a certificate from an address of AWS only; the topic |
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from faitfoi.channels.contract import Grade, News, RemoteEvent
from faitfoi.channels.mail_provider_news import NotRead, news_of

PROVIDERS = ("postmark", "mailgun", "ses", "brevo", "mailjet")
LONGEST_CALL = 1024 * 1024
CONFIRM, ENDED = "SubscriptionConfirmation", "UnsubscribeConfirmation"
"""The envelopes of SNS by which an address of ours begins, and ends, to be called: `News.about["subscription"]`."""
_SECRET = frozenset({"authorization", "cookie"})
OLDEST = timedelta(days=1)
_SNS_HOST = re.compile(r"sns\.[a-z0-9-]{3,30}\.amazonaws\.com(?:\.cn)?")
_SNS_CERTIFICATE = re.compile(r"(?:\.cn)?/[A-Za-z0-9-]{1,100}\.pem")
_SNS_TOPIC = re.compile(r"arn:aws(?:-[a-z]+)*:sns:[a-z0-9-]{3,30}:[0-9]{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?")
_SNS_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    CONFIRM: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    ENDED: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}


class Forged(Exception):
    """The call does not prove that it comes from the provider: nothing in it is believed."""


Fetch = Callable[[str], bytes]
"""Fetches an address that was found on the allow-list: an SNS certificate, or the confirmation of a subscription."""


def read_call(
    provider: str, *, headers: Mapping[str, str], body: bytes, settings: Mapping[str, str], now: datetime, fetch: Fetch
) -> tuple[News, ...]:
    """Verify a call and give its news. `headers` have lower-case names. Raises Forged, or NotRead for odd bytes."""
    if len(body) > LONGEST_CALL:
        raise NotRead("the call is too long")
    if provider in {"postmark", "brevo", "mailjet"}:
        _check_basic(headers, settings)
    told = _parsed(body)
    if provider == "mailgun":
        _check_mailgun(told, settings, now=now)
    if provider == "ses":
        kind, told = _notification(told, settings, fetch=fetch)
        if kind in {CONFIRM, ENDED}:
            return (_of_subscription(kind, raw=body, now=now),)
    # Kept as it came, but for what would open the door to whoever reads the archive.
    told_headers = [f"{name}: {value}\r\n" for name, value in sorted(headers.items()) if name not in _SECRET]
    raw = "".join(told_headers).encode() + b"\r\n" + body
    return tuple(news_of(provider, told, raw=raw, now=now))


def check_proofs(settings: Mapping[str, str]) -> None:
    """Say what cannot prove any call among the settings above. Raises ValueError with a French sentence."""
    user, password = settings.get("webhook_user", ""), settings.get("webhook_password", "")
    if ":" in user or (user and not password):
        raise ValueError(
            "Réglages du courrier : webhook_user va avec webhook_password, et ne contient pas de deux-points."
        )
    if any(character.isspace() for character in settings.get("webhook_mailgun_key", "")):
        raise ValueError("Réglages du courrier : webhook_mailgun_key contient une espace ; recopiez la clé de Mailgun.")
    topic = settings.get("webhook_ses_topic", "")
    if topic and not _SNS_TOPIC.fullmatch(topic):
        raise ValueError(
            f"Réglages du courrier : webhook_ses_topic vaut « {topic[:80]} » ; recopiez l’ARN du sujet SNS, qui "
            "commence par arn:aws:sns:."
        )


def allowed_by_sns(url: str) -> bool:
    """Whether an address is one of SNS itself: https, an AWS host of that service, the usual port."""
    parts = urlsplit(url)
    return (
        parts.scheme == "https" and bool(_SNS_HOST.fullmatch(parts.hostname or "")) and parts.netloc == parts.hostname
    )


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise NotRead("the call is not JSON") from None


def _check_basic(headers: Mapping[str, str], settings: Mapping[str, str]) -> None:
    password = settings.get("webhook_password", "")
    if not password:
        return  # the secret of the address alone opens
    wanted = base64.b64encode(f"{settings.get('webhook_user', '')}:{password}".encode()).decode()
    if not hmac.compare_digest(headers.get("authorization", "").encode(), f"Basic {wanted}".encode()):
        raise Forged("wrong user or password")


def _check_mailgun(told: Any, settings: Mapping[str, str], *, now: datetime) -> None:
    """Their signature stands in the body: three texts are taken from it, and nothing else before they agree."""
    signature = told.get("signature") if isinstance(told, dict) else None
    key = settings.get("webhook_mailgun_key", "")
    if not isinstance(signature, dict) or not key:
        raise Forged("no signature, or no key set (webhook_mailgun_key)")
    stamp, token = str(signature.get("timestamp", "")), str(signature.get("token", ""))
    wanted = hmac.new(key.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(wanted.encode(), str(signature.get("signature", "")).encode()):
        raise Forged("wrong signature")
    if not re.fullmatch(r"[0-9]{9,11}", stamp) or abs(now.timestamp() - int(stamp)) > OLDEST.total_seconds():
        raise Forged("the signature is too old")


def _of_subscription(kind: str, *, raw: bytes, now: datetime) -> News:
    """News of no message: whether we are called at all."""
    event = RemoteEvent(
        identity=f"ses:{hashlib.sha256(raw).hexdigest()}",
        code=kind,
        grade=Grade.ACTION_NEEDED if kind == ENDED else Grade.DELAYED,
        at=now,
        who="ses",
        raw=raw,
    )
    return News(about={"subscription": kind}, event=event)


def _notification(told: Any, settings: Mapping[str, str], *, fetch: Fetch) -> tuple[str, Any]:
    """What kind of SNS envelope it is, and the event inside; its signature is verified before anything is believed.

    A subscription that is asked for is confirmed; one that was ended is never taken up again by ourselves, although
    the envelope has an address for that: whoever ended it may have meant it.
    """
    kind = told.get("Type") if isinstance(told, dict) else None
    if not isinstance(kind, str) or kind not in _SNS_SIGNED:
        raise Forged("not a message of SNS")
    topic = settings.get("webhook_ses_topic", "")
    if not topic or not hmac.compare_digest(str(told.get("TopicArn", "")).encode(), topic.encode()):
        raise Forged("another topic, or none set (webhook_ses_topic)")
    address = str(told.get("SigningCertURL", ""))
    if not allowed_by_sns(address) or not _SNS_CERTIFICATE.fullmatch(address.partition("amazonaws.com")[2]):
        raise Forged("the certificate is not at an address of SNS")
    signed = "".join(f"{name}\n{told[name]}\n" for name in _SNS_SIGNED[kind] if isinstance(told.get(name), str))
    algorithm = SHA256() if told.get("SignatureVersion") == "2" else SHA1()  # noqa: S303 -- version 1 is theirs
    try:
        key = x509.load_pem_x509_certificate(fetch(address)).public_key()
        signature = base64.b64decode(str(told.get("Signature", "")), validate=True)
    except ValueError:
        raise Forged("the certificate or the signature does not read") from None
    if not isinstance(key, RSAPublicKey):
        raise Forged("not a key of SNS")
    try:
        key.verify(signature, signed.encode(), PKCS1v15(), algorithm)
    except InvalidSignature:
        raise Forged("wrong signature") from None
    if kind == CONFIRM:
        asked = str(told.get("SubscribeURL", ""))
        if not allowed_by_sns(asked) or parse_qs(urlsplit(asked).query).get("Action") != ["ConfirmSubscription"]:
            raise Forged("the confirmation is not at an address of SNS")
        fetch(asked)
    if kind in {CONFIRM, ENDED}:
        return kind, {}
    return kind, _parsed(str(told.get("Message", "")).encode())
