"""The CMS of a PAdES B-B or B-T seal (ETSI EN 319 142-1 §6, RFC 5652), written and read as DER bytes.

SHA-256; signed attributes content-type, message-digest and signing-certificate-v2, no signing-time (PAdES keeps the
claimed time in the signature dictionary's /M); one signer, its certificate and those above it inside. B-T adds an RFC
3161 token over the signature's value, unsigned.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from faitfoi.evidence import der

DATA = der.oid("1.2.840.113549.1.7.1")
SIGNED_DATA = der.oid("1.2.840.113549.1.7.2")
CONTENT_TYPE = der.oid("1.2.840.113549.1.9.3")
MESSAGE_DIGEST = der.oid("1.2.840.113549.1.9.4")
SIGNING_CERTIFICATE_V2 = der.oid("1.2.840.113549.1.9.16.2.47")
SHA256 = der.encode(der.SEQUENCE, der.oid("2.16.840.1.101.3.4.2.1"))
SHA256_WITH_RSA = der.encode(der.SEQUENCE, der.oid("1.2.840.113549.1.1.11"), der.NULL)
ECDSA_WITH_SHA256 = der.encode(der.SEQUENCE, der.oid("1.2.840.10045.4.3.2"))
SIGNATURE_TIME_STAMP = der.oid("1.2.840.113549.1.9.16.2.14")
CONTEXT_0 = 0xA0
CONTEXT_1 = 0xA1
VERSION_1 = der.integer(1)
CONTENT_TYPE_IS_DATA = der.encode(der.SEQUENCE, CONTENT_TYPE, der.encode(der.SET, DATA))


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """What a CMS says: the digest that was sealed, the bytes that were signed, the signature, the certificate named.

    `certificate_sha256` is the fingerprint that signing-certificate-v2 binds; `certificates` are those inside (DER), in
    the order of DER; `token` is the time-stamp over `signature`, empty when there is none; all values are bytes.
    """

    digest: bytes
    signed: bytes
    signature: bytes
    algorithm: bytes
    certificate_sha256: bytes
    certificates: tuple[bytes, ...]
    token: bytes = b""


def write(
    digest: bytes,
    *,
    certificate: bytes,
    issuer: bytes,
    serial: int,
    algorithm: bytes,
    sign: Callable[[bytes], bytes],
    chain: Sequence[bytes] = (),
    stamp: Callable[[bytes], bytes] | None = None,
) -> bytes:
    """A ContentInfo that seals a SHA-256 digest; `certificate` and `issuer` are DER, `sign` signs the attributes.

    `chain` are the certificates above, DER too. `stamp` gives a time-stamp token (DER) for the signature's value.
    """
    attributes = der.set_of(CONTENT_TYPE_IS_DATA, _message_digest(digest), _signing_certificate(certificate))
    signature = sign(der.encode(der.SET, attributes))
    signer = der.encode(
        der.SEQUENCE,
        VERSION_1,
        der.encode(der.SEQUENCE, issuer, der.integer(serial)),
        SHA256,
        der.encode(CONTEXT_0, attributes),
        algorithm,
        der.encode(der.OCTET_STRING, signature),
        _unsigned(stamp(signature)) if stamp else b"",
    )
    signed_data = der.encode(
        der.SEQUENCE,
        VERSION_1,
        der.encode(der.SET, SHA256),
        der.encode(der.SEQUENCE, DATA),
        der.encode(CONTEXT_0, der.set_of(certificate, *chain)),
        der.encode(der.SET, signer),
    )
    return der.encode(der.SEQUENCE, SIGNED_DATA, der.encode(CONTEXT_0, signed_data))


def read(data: bytes) -> Seal:
    """The seal written in a ContentInfo, padding after it ignored; `der.NotDer` when it is not one of ours."""
    kind, wrapped = _exactly(2, der.contents(data, der.SEQUENCE))
    _expect(kind, SIGNED_DATA)
    signed_data = der.contents(der.contents(wrapped, CONTEXT_0), der.SEQUENCE)
    _, _, content, certificates, signers = _exactly(5, signed_data)
    _expect(content, der.encode(der.SEQUENCE, DATA))
    (signer,) = _exactly(1, der.contents(signers, der.SET))
    parts = tuple(der.children(der.contents(signer, der.SEQUENCE)))
    if len(parts) not in (6, 7):
        raise der.NotDer(f"Expected 6 or 7 elements, found {len(parts)}.")
    _, _, digest_algorithm, wrapped_attributes, algorithm, signature, *unsigned = parts
    _expect(digest_algorithm, SHA256)
    attributes = der.contents(wrapped_attributes, CONTEXT_0)
    values = {}
    for attribute in der.children(attributes):
        kind, value = _exactly(2, der.contents(attribute, der.SEQUENCE))
        values[kind] = value
    if set(values) != {CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_CERTIFICATE_V2}:
        raise der.NotDer("The signed attributes are not those of a seal.")
    _expect(values[CONTENT_TYPE], der.encode(der.SET, DATA))
    return Seal(
        digest=der.contents(der.contents(values[MESSAGE_DIGEST], der.SET), der.OCTET_STRING),
        signed=der.encode(der.SET, attributes),
        signature=der.contents(signature, der.OCTET_STRING),
        algorithm=algorithm,
        certificate_sha256=_bound_certificate(values[SIGNING_CERTIFICATE_V2]),
        certificates=tuple(der.children(der.contents(certificates, CONTEXT_0))),
        token=_token_in(unsigned[0]) if unsigned else b"",
    )


def _unsigned(token: bytes) -> bytes:
    return der.encode(CONTEXT_1, der.encode(der.SEQUENCE, SIGNATURE_TIME_STAMP, der.encode(der.SET, token)))


def _token_in(unsigned: bytes) -> bytes:
    (attribute,) = _exactly(1, der.contents(unsigned, CONTEXT_1))
    kind, values = _exactly(2, der.contents(attribute, der.SEQUENCE))
    _expect(kind, SIGNATURE_TIME_STAMP)
    (token,) = _exactly(1, der.contents(values, der.SET))
    return token


def _message_digest(digest: bytes) -> bytes:
    return der.encode(der.SEQUENCE, MESSAGE_DIGEST, der.encode(der.SET, der.encode(der.OCTET_STRING, digest)))


def _signing_certificate(certificate: bytes) -> bytes:
    # ESSCertIDv2 (RFC 5035): SHA-256 is the DEFAULT hash algorithm, so DER leaves it out.
    identifier = der.encode(der.SEQUENCE, der.encode(der.OCTET_STRING, hashlib.sha256(certificate).digest()))
    value = der.encode(der.SEQUENCE, der.encode(der.SEQUENCE, identifier))
    return der.encode(der.SEQUENCE, SIGNING_CERTIFICATE_V2, der.encode(der.SET, value))


def _bound_certificate(values: bytes) -> bytes:
    value = der.contents(der.contents(values, der.SET), der.SEQUENCE)
    identifier = der.contents(der.contents(value, der.SEQUENCE), der.SEQUENCE)
    return der.contents(identifier, der.OCTET_STRING)


def _exactly(count: int, data: bytes) -> tuple[bytes, ...]:
    found = tuple(der.children(data))
    if len(found) != count:
        raise der.NotDer(f"Expected {count} elements, found {len(found)}.")
    return found


def _expect(found: bytes, wanted: bytes) -> None:
    if found != wanted:
        raise der.NotDer("An element does not have the value a seal gives it.")
