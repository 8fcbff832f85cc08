"""Sign a message so that its domain answers for it (DKIM, RFC 6376), and say the DNS record.

RSA only: every receiver verifies it, and few verify Ed25519 (RFC 8463).

relaxed/simple: headers may be folded anew on the way; the body is 7-bit already, and nobody has a reason to touch it.
What a reader believes (`From`, `Reply-To`, `Content-Type`…) is signed once more than it occurs, so that none can be
added.
"""

import base64
import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

SMALLEST_RSA = 2048
_SIGNED = (
    "from", "reply-to", "to", "subject", "date", "message-id", "mime-version", "content-type", "auto-submitted",
    "content-language",
)  # fmt: skip
_ONCE_MORE = ("from", "sender", "reply-to", "to", "cc", "subject", "date", "message-id", "mime-version", "content-type")
_SPACES = re.compile(r"[ \t]+")
_SELECTOR = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dkim:
    """Who signs: the domain, the selector under which its DNS holds the public key, and the private one."""

    domain: str
    selector: str
    key: RSAPrivateKey = field(repr=False)


def read_dkim(*, domain: str, selector: str, pem: str) -> Dkim:
    """Read what signs. Raises ValueError with a French sentence that names the setting to mend."""
    if not _SELECTOR.fullmatch(selector):
        raise ValueError(
            f"Réglages du courrier : dkim_selector vaut « {selector[:60]} » ; indiquez des minuscules, des chiffres ou "
            "des tirets."
        )
    return Dkim(domain=domain, selector=selector, key=_read_key(pem))


@lru_cache(maxsize=64)  # each job opens its channel anew; proving two primes takes as long as dozens of messages
def _read_key(pem: str) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError):
        key = None
    if isinstance(key, RSAPrivateKey) and key.key_size >= SMALLEST_RSA:
        return key
    raise ValueError(
        "Réglages du courrier : dkim_key n’est pas une clé privée PEM utilisable (RSA de 2048 bits au moins)."
    )


def make_key() -> str:
    """Make an RSA-2048 key, which every receiver verifies, as PEM text."""
    key = generate_private_key(public_exponent=65537, key_size=SMALLEST_RSA)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def dns_record(dkim: Dkim) -> tuple[str, str]:
    """Give the name and the text of the TXT record that publishes the key."""
    public = dkim.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    text = f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"
    return f"{dkim.selector}._domainkey.{dkim.domain}", text


def sign(content: bytes, dkim: Dkim, *, at: datetime) -> bytes:
    """Give the message (CRLF lines) with its signature before it."""
    head, _, body = content.partition(b"\r\n\r\n")
    fields = _fields(head.decode("ascii"))
    names = [name for name in _SIGNED if name in fields]
    hashed = base64.b64encode(hashlib.sha256(body.rstrip(b"\r\n") + b"\r\n").digest()).decode()
    tags = (
        f"v=1; a=rsa-sha256; c=relaxed/simple; d={dkim.domain}; s={dkim.selector};\r\n"
        f" t={int(at.timestamp())}; h={':'.join([*names, *_ONCE_MORE])};\r\n"
        f" bh={hashed};\r\n b="
    )
    told = "".join(f"{name}:{fields[name]}\r\n" for name in names) + f"dkim-signature:{_relaxed(tags)}"
    signature = dkim.key.sign(told.encode("ascii"), PKCS1v15(), SHA256())
    text = base64.b64encode(signature).decode()
    folded = "\r\n ".join(text[start : start + 72] for start in range(0, len(text), 72))
    return f"DKIM-Signature: {tags}{folded}\r\n".encode("ascii") + content


def _fields(head: str) -> dict[str, str]:
    """The header fields of a message of ours, none of which comes twice, in the relaxed form."""
    unfolded = re.sub(r"\r\n(?=[ \t])", "", head).split("\r\n")
    return {name.lower(): _relaxed(value) for name, _, value in (line.partition(":") for line in unfolded)}


def _relaxed(value: str) -> str:
    return _SPACES.sub(" ", value.replace("\r\n", "")).strip(" ")
