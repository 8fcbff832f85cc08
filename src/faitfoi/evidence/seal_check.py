"""Our own quick check of our own seals, in under a millisecond; pyHanko, Acrobat and pdfsig check the same ones."""

import hashlib
import re
from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from faitfoi.evidence import cms
from faitfoi.evidence.seal_way import LegalWay, legal_way
from faitfoi.evidence.stamps import is_about

__all__ = ["LegalWay", "SealState", "chain_above", "check_seal", "legal_way", "sealed_by"]

_BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*0\s+(\d+)\s+(\d+)\s+(\d+)\s*\]")


class SealState(StrEnum):
    """What the check of a seal found; anything but `INTACT` means that the document proves nothing."""

    INTACT = "intact"
    ABSENT = "absent"
    UNREADABLE = "unreadable"
    INCOMPLETE = "incomplete"
    ALTERED = "altered"
    UNKNOWN_CERTIFICATE = "unknown_certificate"
    FORGED = "forged"


def check_seal(pdf: bytes, certificates: Iterable[bytes]) -> SealState:
    """The state of a PDF's seal, judged from its bytes and the organisation's certificates (DER).

    `INTACT`: the seal covers every byte but itself, the digest is theirs, and one of the certificates signed it.
    Validity dates and trust are for the validator of whoever receives the document.
    """
    last = _last_range(pdf)
    if last is None:
        return SealState.ABSENT
    gap_start, gap_end, length = last
    gap = pdf[gap_start:gap_end]
    if gap_end + length != len(pdf) or gap[:1] + gap[-1:] != b"<>":
        return SealState.INCOMPLETE
    try:
        found = cms.read(bytes.fromhex(gap[1:-1].decode("ascii")))
    except ValueError:
        return SealState.UNREADABLE
    view = memoryview(pdf)
    digest = hashlib.sha256(view[:gap_start])
    digest.update(view[gap_end:])
    if digest.digest() != found.digest:
        return SealState.ALTERED
    signer = next((one for one in certificates if hashlib.sha256(one).digest() == found.certificate_sha256), None)
    if signer is None:
        return SealState.UNKNOWN_CERTIFICATE
    certificate = _certificate(signer)
    try:
        written_as_ours = _is_written_as_ours(gap[1:-1], found, certificate)
    except ValueError:
        return SealState.UNREADABLE
    if written_as_ours and _is_signed_by(certificate, found):
        return SealState.INTACT
    return SealState.FORGED


def sealed_by(pdf: bytes) -> str:
    """The SHA-256 (hex) of the certificate that a PDF's last seal names; empty when it has none of ours. Not judged."""
    last = _last_range(pdf)
    if last is None:
        return ""
    gap_start, gap_end, _ = last
    try:
        return cms.read(bytes.fromhex(pdf[gap_start + 1 : gap_end - 1].decode("ascii"))).certificate_sha256.hex()
    except ValueError:
        return ""


def _last_range(pdf: bytes) -> tuple[int, int, int] | None:
    """The numbers of the last byte range that a PDF gives, None when there is none."""
    # From the end, where ours stands: reading the whole file takes as long as hashing it.
    end = len(pdf)
    while (at := pdf.rfind(b"/ByteRange", 0, end)) >= 0:
        if found := _BYTE_RANGE.match(pdf, at):
            start, stop, length = (int(number) for number in found.groups())
            return start, stop, length
        end = at
    return None


def _is_written_as_ours(digits: bytes, seal: cms.Seal, certificate: x509.Certificate) -> bool:
    """Writing the same seal again gives the same bytes: nothing is hidden in what the signature does not cover."""
    encoded, issuer = _encoded(certificate)
    again = cms.write(
        seal.digest,
        certificate=encoded,
        issuer=issuer,
        serial=certificate.serial_number,
        algorithm=seal.algorithm,
        sign=lambda _: seal.signature,
        chain=chain_above(certificate, seal.certificates),
        stamp=(lambda _: seal.token) if seal.token else None,
    )
    if seal.token and not is_about(seal.token, seal.signature):
        return False
    return digits == again.hex().encode().ljust(len(digits), b"0")


def chain_above(certificate: x509.Certificate, candidates: Iterable[bytes]) -> tuple[bytes, ...]:
    """Those of the candidates (DER) that issued the certificate, and its issuer, and so on up; the others left out."""
    known = [_certificate(each) for each in candidates]
    found: list[x509.Certificate] = []
    last = certificate
    while above := next((one for one in known if one not in (certificate, *found) and _issued(one, last)), None):
        found.append(above)
        last = above
    return tuple(each.public_bytes(serialization.Encoding.DER) for each in found)


@lru_cache(maxsize=256)
def _certificate(encoded: bytes) -> x509.Certificate:
    """Read a certificate once: thousands of seals name the same."""
    return x509.load_der_x509_certificate(encoded)


@lru_cache(maxsize=256)
def _encoded(certificate: x509.Certificate) -> tuple[bytes, bytes]:
    """A certificate and its issuer's name, in DER."""
    return certificate.public_bytes(serialization.Encoding.DER), certificate.issuer.public_bytes()


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, TypeError, ValueError):
        return False
    return True


def _is_signed_by(certificate: x509.Certificate, seal: cms.Seal) -> bool:
    key = certificate.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey) and seal.algorithm == cms.SHA256_WITH_RSA:
            key.verify(seal.signature, seal.signed, padding.PKCS1v15(), hashes.SHA256())
            return True
        if isinstance(key, ec.EllipticCurvePublicKey) and seal.algorithm == cms.ECDSA_WITH_SHA256:
            key.verify(seal.signature, seal.signed, ec.ECDSA(hashes.SHA256()))
            return True
    except InvalidSignature:
        return False
    return False
