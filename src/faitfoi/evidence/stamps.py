"""Time-stamps (RFC 3161): an authority is asked, and its answer is kept only when it says what was asked.

A checkpoint is stamped, never an invoice: one token vouches for the time of all that stands under it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from faitfoi.evidence import der
from faitfoi.evidence.der import NotDer

_CONTENT = 0xA0  # [0], constructed
LARGEST_ANSWER = 256 * 1024
PATIENCE = 10.0  # seconds
WIDEST_DRIFT = timedelta(minutes=5)
"""Beyond this, their clock or ours is wrong, and somebody must look: RFC 3161 asks for a trustworthy time."""


class AuthoritySilent(Exception):
    """The authority did not answer; the message is a French sentence."""


class StampRefused(Exception):
    """The answer is no stamp of what was asked; the message is a French sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """A token (DER of its CMS) and the instant that it vouches for."""

    token: bytes = field(repr=False)
    at: datetime


def load_roots(pem: bytes) -> tuple[x509.Certificate, ...]:
    """The root certificates in a PEM file. Raises StampRefused when there is none."""
    try:
        return tuple(x509.load_pem_x509_certificates(pem))
    except ValueError as error:
        raise StampRefused("Le fichier des racines d’horodatage (FAITFOI_TSA_ROOTS) n’en contient aucune.") from error


def ask_stamp(
    message: bytes, *, url: str, roots: Sequence[x509.Certificate], now: datetime, timeout: float = PATIENCE
) -> Stamp:
    """Have the authority at `url` stamp a message, and verify what it answers: imprint, nonce, chain and clock.

    Raises AuthoritySilent when it does not answer, StampRefused when it answers anything else than that stamp.
    """
    asked = TimestampRequestBuilder().data(message).hash_algorithm(HashAlgorithm.SHA512).build()
    try:
        answer = httpx.post(
            url, content=asked.as_bytes(), timeout=timeout, headers={"Content-Type": "application/timestamp-query"}
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise AuthoritySilent(f"L’autorité d’horodatage {url} ne répond pas ({type(error).__name__}).") from error
    if answer.status_code != 200:
        raise AuthoritySilent(f"L’autorité d’horodatage {url} est en panne (HTTP {answer.status_code}).")
    stamp = _judged(answer.content, message, roots=roots, nonce=asked.nonce, who=url)
    if abs(stamp.at - now) > WIDEST_DRIFT:
        raise StampRefused(
            f"L’autorité d’horodatage {url} donne {stamp.at:%d/%m/%Y %H:%M:%S} UTC alors qu’il est ici "
            f"{now.astimezone(UTC):%d/%m/%Y %H:%M:%S} UTC. Vérifiez l’horloge de cette machine."
        )
    return stamp


def check_stamp(token: bytes, message: bytes, *, roots: Sequence[x509.Certificate]) -> Stamp:
    """The stamp in a token, if it is one of `message` that leads to a root; else StampRefused."""
    return _judged(_granted(token), message, roots=roots, nonce=None, who="")


def _judged(
    response: bytes, message: bytes, *, roots: Sequence[x509.Certificate], nonce: int | None, who: str
) -> Stamp:
    told = f"L’autorité d’horodatage {who}" if who else "L’horodatage"
    if len(response) > LARGEST_ANSWER:
        raise StampRefused(f"{told} : {len(response)} octets, ce n’est pas un horodatage.")
    try:
        token = _token_of(response)
        read = decode_timestamp_response(_granted(_in_order(token)))
        verifier = VerifierBuilder(roots=list(roots), nonce=nonce).build()
        verifier.verify_message(read, message)
        return Stamp(token=token, at=read.tst_info.gen_time.astimezone(UTC))
    except (VerificationError, ValueError) as error:
        raise StampRefused(f"{told} n’a pas signé ce qui lui était demandé ({error}).") from error


def _granted(token: bytes) -> bytes:
    """The answer that a token came in (TimeStampResp with the status granted)."""
    return der.encode(der.SEQUENCE, der.encode(der.SEQUENCE, der.integer(0)), token)


def _token_of(response: bytes) -> bytes:
    status, *token = der.children(der.contents(response, der.SEQUENCE))
    code, *_ = der.children(der.contents(status, der.SEQUENCE))
    if code != der.integer(0) or len(token) != 1:
        raise NotDer("no stamp was granted")
    return token[0]


def _in_order(token: bytes) -> bytes:
    """The token with its certificates in the order that DER wants, which OpenSSL's authorities do not keep.

    No signature covers that order, and the reader refuses another; what is stored is the token as it came.
    """
    kind, content = der.children(der.contents(token, der.SEQUENCE))
    fields = list(der.children(der.contents(der.contents(content, _CONTENT), der.SEQUENCE)))
    for place, each in enumerate(fields):
        if each[0] == _CONTENT:
            certificates = der.set_of(*der.children(der.contents(each, _CONTENT)))
            fields[place] = der.encode(_CONTENT, certificates)
    return der.encode(der.SEQUENCE, kind, der.encode(_CONTENT, der.encode(der.SEQUENCE, *fields)))
