"""Time-stamps (RFC 3161): an authority is asked, and its answer is kept only when it says what was asked.

A checkpoint is stamped, never an invoice: one token vouches for the time of all that stands under it.
"""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    Verifier,
    VerifierBuilder,
    decode_timestamp_response,
)

from faitfoi.evidence import der
from faitfoi.evidence.asking import NoAnswer, ask
from faitfoi.evidence.der import NotDer

_CONTENT = 0xA0  # [0], constructed
_TRUE = bytes((0x01, 0x01, 0xFF))
_NONCE_BITS = 64
# A certificate of another version, or with an extension twice, is no ValueError for its reader.
_UNREADABLE = (ValueError, x509.InvalidVersion, x509.DuplicateExtension)
IMPRINTS = {
    "sha256": "2.16.840.1.101.3.4.2.1",
    "sha384": "2.16.840.1.101.3.4.2.2",
    "sha512": "2.16.840.1.101.3.4.2.3",
    "sha3_512": "2.16.840.1.101.3.4.2.10",
}
LARGEST_ANSWER = 256 * 1024
PATIENCE = 10.0  # seconds
WIDEST_DRIFT = timedelta(minutes=5)
"""Beyond this, their clock or ours is wrong, and somebody must look: RFC 3161 asks for a trustworthy time."""


Verify = Callable[[Verifier, TimeStampResponse], bool]
"""Raises VerificationError unless a token stamps what was asked."""


class AuthoritySilent(Exception):
    """The authority did not answer; the message is a French sentence."""


class StampRefused(Exception):
    """The answer is no stamp of what was asked; the message is a French sentence."""


class ClockDiffers(StampRefused):
    """A good stamp of another hour than ours, by more than `WIDEST_DRIFT`: `at` is theirs."""

    def __init__(self, at: datetime, sentence: str) -> None:
        super().__init__(sentence)
        self.at = at


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

    Raises AuthoritySilent when it does not answer, StampRefused when it answers anything else than that stamp, and
    ClockDiffers for one of another hour than ours.
    """
    asked = TimestampRequestBuilder().data(message).hash_algorithm(HashAlgorithm.SHA512).build()
    content = _asked(asked.as_bytes(), url=url, timeout=timeout)
    stamp = _judged(content, _of_message(message), roots=roots, nonce=asked.nonce, who=url)
    return _in_time(stamp, now=now, url=url)


def ask_imprint(
    digest: bytes,
    *,
    algorithm: str,
    url: str,
    roots: Sequence[x509.Certificate],
    now: datetime,
    timeout: float = PATIENCE,
) -> Stamp:
    """The same as `ask_stamp` about a digest made with `algorithm` (a key of IMPRINTS): the root of a hash tree."""
    nonce = secrets.randbits(_NONCE_BITS)
    kind = der.encode(der.SEQUENCE, der.oid(IMPRINTS[algorithm]))
    imprint = der.encode(der.SEQUENCE, kind, der.encode(der.OCTET_STRING, digest))
    asked = der.encode(der.SEQUENCE, der.integer(1), imprint, der.integer(nonce), _TRUE)
    content = _asked(asked, url=url, timeout=timeout)
    stamp = _judged(content, _of_digest(digest, algorithm), roots=roots, nonce=nonce, who=url)
    return _in_time(stamp, now=now, url=url)


def check_imprint(token: bytes, digest: bytes, *, algorithm: str, roots: Sequence[x509.Certificate]) -> Stamp:
    """The stamp in a token, if it is one of this digest and algorithm that leads to a root; else StampRefused."""
    return _judged(_granted(token), _of_digest(digest, algorithm), roots=roots, nonce=None, who="")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSigner:
    """What a token says before anything is verified: the digest it stamps, and when its signer's certificate ends."""

    imprint: bytes
    until: datetime


def signer_of(token: bytes) -> TokenSigner:
    """Read a token, verifying nothing. Raises StampRefused when it cannot be read."""
    try:
        read = decode_timestamp_response(_granted(_in_order(token)))
        certificates = [x509.load_der_x509_certificate(each) for each in read.signed_data.certificates]
        stamping = [each for each in certificates if _may_stamp(each)]
        until = min(each.not_valid_after_utc for each in stamping)
        return TokenSigner(imprint=read.tst_info.message_imprint.message, until=until)
    except _UNREADABLE as error:
        raise StampRefused(f"L’horodatage est illisible ({error}).") from error


def _may_stamp(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return ExtendedKeyUsageOID.TIME_STAMPING in usage


def _asked(query: bytes, *, url: str, timeout: float) -> bytes:
    try:
        answer = ask(url, query, content_type="application/timestamp-query", timeout=timeout, largest=LARGEST_ANSWER)
    except NoAnswer as error:
        raise AuthoritySilent(f"L’autorité d’horodatage {url} ne répond pas ({error}).") from error
    if answer.status != 200:
        raise AuthoritySilent(f"L’autorité d’horodatage {url} est en panne (HTTP {answer.status}).")
    return answer.content


def _in_time(stamp: Stamp, *, now: datetime, url: str) -> Stamp:
    if abs(stamp.at - now) > WIDEST_DRIFT:
        raise ClockDiffers(
            stamp.at,
            f"L’autorité d’horodatage {url} donne {stamp.at:%d/%m/%Y %H:%M:%S} UTC alors qu’il est ici "
            f"{now.astimezone(UTC):%d/%m/%Y %H:%M:%S} UTC. Vérifiez l’horloge de cette machine.",
        )
    return stamp


def check_stamp(token: bytes, message: bytes, *, roots: Sequence[x509.Certificate]) -> Stamp:
    """The stamp in a token, if it is one of `message` that leads to a root; else StampRefused."""
    return _judged(_granted(token), _of_message(message), roots=roots, nonce=None, who="")


def is_about(token: bytes, message: bytes) -> bool:
    """Whether a token speaks of that message; who signed it, and whether it did, is not judged here."""
    try:
        imprint = decode_timestamp_response(_granted(_in_order(token))).tst_info.message_imprint
    except ValueError:
        return False
    digests = (hashlib.sha256(message).digest(), hashlib.sha384(message).digest(), hashlib.sha512(message).digest())
    return imprint.message in digests


def _judged(
    response: bytes, verify: Verify, *, roots: Sequence[x509.Certificate], nonce: int | None, who: str
) -> Stamp:
    told = f"L’autorité d’horodatage {who}" if who else "L’horodatage"
    if len(response) > LARGEST_ANSWER:
        raise StampRefused(f"{told} : {len(response)} octets, ce n’est pas un horodatage.")
    try:
        token = _token_of(response)
        read = decode_timestamp_response(_granted(_in_order(token)))
        verify(VerifierBuilder(roots=list(roots), nonce=nonce).build(), read)
        return Stamp(token=token, at=read.tst_info.gen_time.astimezone(UTC))
    except (VerificationError, *_UNREADABLE) as error:
        raise StampRefused(f"{told} n’a pas signé ce qui lui était demandé ({error}).") from error


def _of_message(message: bytes) -> Verify:
    return lambda verifier, read: verifier.verify_message(read, message)


def _of_digest(digest: bytes, algorithm: str) -> Verify:
    def verify(verifier: Verifier, read: TimeStampResponse) -> bool:
        if read.tst_info.message_imprint.hash_algorithm.dotted_string != IMPRINTS[algorithm]:
            raise VerificationError("another hash algorithm")
        return verifier.verify(read, digest)

    return verify


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
