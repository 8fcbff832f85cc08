"""The key and certificate an organisation seals with: one folder, `key.pem` and `certificate.pem`, made once.

`key.pem` is encrypted (PKCS#8, RFC 5958) under a secret of the installation that is kept elsewhere; `certificate.pem`
holds the certificate first, then those that lead to its authority's root.
"""

import os
import secrets
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from faitfoi.evidence import cms

Algorithm = Literal["P-256", "RSA-3072"]
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

KEY_FILE = "key.pem"
CERTIFICATE_FILE = "certificate.pem"
# As long as the books must be kept (C. com. L123-22): no seal of the period then names an expired certificate at issue.
VALID_YEARS = 10
# ub-common-name and ub-organization-name of X.520, which OpenSSL counts in bytes of UTF-8.
LONGEST_NAME = 64
DEMONSTRATION = " (démonstration)"
NOT_QUALIFIED = "Cachet de démonstration, non qualifié"
READABLE_BY_OTHERS = 0o077
SMALLEST_RSA = 3072


class KeyRefused(Exception):
    """The key cannot be made or used; the message is a French sentence saying what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealKey:
    """A key ready to seal thousands of documents, wherever it is kept: what every driver of `evidence.signers` gives.

    `certificate`, `issuer` and each of `chain` are DER, `algorithm` the AlgorithmIdentifier of its signatures, in DER.
    `sign` takes the bytes to sign (not their digest) and gives at most `largest_signature` bytes; a key kept elsewhere
    raises `SignerSilent` when it cannot be asked, and `SignerRefused` when it answers anything but a signature of it.
    """

    certificate: bytes = field(repr=False)
    chain: tuple[bytes, ...] = field(default=(), repr=False)
    issuer: bytes = field(repr=False)
    serial: int
    subject: str
    not_before: datetime
    not_after: datetime
    algorithm: bytes
    largest_signature: int
    sign: Callable[[bytes], bytes] = field(repr=False)


class SignerSilent(Exception):
    """A key kept elsewhere cannot be asked now; nothing was sealed. The message is a French sentence."""


class SignerRefused(Exception):
    """A key kept elsewhere answered something else than the signature; nothing was sealed. A French sentence too."""


def create_key(folder: Path, *, organisation: str, at: datetime, secret: bytes, algorithm: Algorithm = "P-256") -> None:
    """Make an organisation's seal key and its self-signed certificate in `folder`, whole or not at all.

    The certificate names the organisation and says « démonstration », so that nobody takes it for a qualified one
    (eIDAS art. 38). It is valid for 10 years from the UTC day of `at`. See `keep_key`. Raises KeyRefused.
    """
    private_key = _generate(algorithm)
    certificate = _certify(private_key, organisation=organisation, at=at)
    keep_key(folder, private_key, (certificate,), secret=secret)


def keep_key(folder: Path, private_key: PrivateKey, certificates: Sequence[x509.Certificate], *, secret: bytes) -> None:
    """Keep a key, encrypted under `secret`, and its certificates (its own first) in `folder`: whole or not at all.

    `key.pem` has mode 0600, in a folder of mode 0700. Nothing is ever overwritten: `KeyRefused` when the folder already
    holds anything.
    """
    draft = folder.with_name(f".{folder.name}.{secrets.token_hex(8)}")
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft.mkdir(mode=0o700)
    pem = b"".join(each.public_bytes(serialization.Encoding.PEM) for each in certificates)
    try:
        _write(draft / KEY_FILE, _as_pem(private_key, secret), mode=0o600)
        _write(draft / CERTIFICATE_FILE, pem, mode=0o644)
        _flush(draft)
        # The folder appears with both files or does not: renaming onto anything but an empty folder fails.
        draft.rename(folder)
    except OSError as error:
        with suppress(FileNotFoundError):
            shutil.rmtree(draft)
        if folder.exists():
            raise KeyRefused(
                f"Le dossier {folder} contient déjà une clé de cachet : elle n’est jamais remplacée. "
                "Gardez-la, ou indiquez un autre dossier."
            ) from error
        raise
    _flush(folder.parent)


def load_key(folder: Path, *, secret: bytes) -> SealKey:
    """The key that `keep_key` put in `folder`; `KeyRefused` when it is missing, readable by others or unfit."""
    key_file, certificate_file = folder / KEY_FILE, folder / CERTIFICATE_FILE
    try:
        mode = key_file.stat().st_mode
        key_pem, certificate_pem = key_file.read_bytes(), certificate_file.read_bytes()
    except FileNotFoundError as error:
        raise KeyRefused(
            f"La clé de cachet est introuvable : {error.filename} manque. Créez-la, ou restaurez le dossier {folder}."
        ) from error
    if mode & READABLE_BY_OTHERS:
        raise KeyRefused(
            f"La clé {key_file} est lisible par d’autres utilisateurs (droits {mode & 0o777:o}). "
            f"Faites « chmod 600 {key_file} », puis recommencez."
        )
    try:
        private_key = serialization.load_pem_private_key(key_pem, password=secret)
        certificate, *chain = x509.load_pem_x509_certificates(certificate_pem)
    except TypeError as error:
        raise KeyRefused(
            f"La clé {key_file} n’est pas chiffrée : n’importe qui peut la copier. Déclarez-la compromise, puis "
            "faites-en une autre (faitfoi seal compromised, faitfoi seal rotate)."
        ) from error
    except ValueError as error:
        raise KeyRefused(
            f"La clé ou le certificat du dossier {folder} est illisible, ou le secret de l’installation n’est pas "
            "celui qui l’a chiffrée. Restaurez les deux ensemble."
        ) from error
    return ready(private_key, certificate, chain, where=str(folder))


def ready(
    private_key: object, certificate: x509.Certificate, chain: Sequence[x509.Certificate] = (), *, where: str
) -> SealKey:
    """A private key of this process as one that seals. `KeyRefused` when it is weak, or not the certificate's."""
    if not isinstance(private_key, PrivateKey):
        raise KeyRefused(f"La clé de {where} n’est ni P-256, ni P-384, ni RSA : elle ne peut pas servir de cachet.")
    refuse_weak(private_key.public_key(), where=where)
    if private_key.public_key() != certificate.public_key():
        raise KeyRefused(f"Dans {where}, le certificat n’est pas celui de la clé. Restaurez les deux ensemble.")
    algorithm, size, sign = _signer(private_key)
    return of_certificate(certificate, chain, algorithm=algorithm, largest_signature=size, sign=sign)


def of_certificate(
    certificate: x509.Certificate,
    chain: Sequence[x509.Certificate],
    *,
    algorithm: bytes,
    largest_signature: int,
    sign: Callable[[bytes], bytes],
) -> SealKey:
    """What seals with that certificate, however `sign` does it."""
    return SealKey(
        certificate=certificate.public_bytes(serialization.Encoding.DER),
        chain=tuple(each.public_bytes(serialization.Encoding.DER) for each in chain),
        issuer=certificate.issuer.public_bytes(),
        serial=certificate.serial_number,
        subject=certificate.subject.rfc4514_string(),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        algorithm=algorithm,
        largest_signature=largest_signature,
        sign=sign,
    )


def refuse_weak(public_key: object, *, where: str) -> None:
    """Raise KeyRefused for what will not hold ten years: RSA below 3072 bits, any curve but P-256 and P-384."""
    if isinstance(public_key, rsa.RSAPublicKey):
        if public_key.key_size < SMALLEST_RSA:
            raise KeyRefused(
                f"La clé RSA de {where} a {public_key.key_size} bits : il en faut {SMALLEST_RSA} pour dix ans "
                "(recommandations ANSSI et SOG-IS). Demandez un certificat pour une clé plus longue."
            )
    elif not (
        isinstance(public_key, ec.EllipticCurvePublicKey) and isinstance(public_key.curve, ec.SECP256R1 | ec.SECP384R1)
    ):
        raise KeyRefused(f"La clé de {where} n’est ni P-256, ni P-384, ni RSA : elle ne peut pas servir de cachet.")


def shape_of(public_key: object) -> tuple[bytes, int]:
    """The signature's AlgorithmIdentifier (DER) and largest size in bytes for a public key that `refuse_weak` takes."""
    if isinstance(public_key, rsa.RSAPublicKey):
        return cms.SHA256_WITH_RSA, public_key.key_size // 8
    assert isinstance(public_key, ec.EllipticCurvePublicKey)  # noqa: S101  # what refuse_weak has left
    # ECDSA-Sig-Value: two integers of one byte more than the order, and their headers.
    return cms.ECDSA_WITH_SHA256, 2 * (public_key.key_size // 8 + 3) + 4


def _signer(private_key: PrivateKey) -> tuple[bytes, int, Callable[[bytes], bytes]]:
    algorithm, size = shape_of(private_key.public_key())
    if isinstance(private_key, rsa.RSAPrivateKey):
        rsa_key = private_key
        return algorithm, size, lambda data: rsa_key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    curve_key, ecdsa = private_key, ec.ECDSA(hashes.SHA256())
    return algorithm, size, lambda data: curve_key.sign(data, ecdsa)


def _generate(algorithm: Algorithm) -> PrivateKey:
    if algorithm == "P-256":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=3072)


def _certify(private_key: PrivateKey, *, organisation: str, at: datetime) -> x509.Certificate:
    common_name = _shortened(organisation, LONGEST_NAME - len(DEMONSTRATION.encode())) + DEMONSTRATION
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, _shortened(organisation, LONGEST_NAME)),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, NOT_QUALIFIED),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
    # From the start of the day: a clock some minutes behind must not make today's seals precede their certificate.
    start = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    public_key = private_key.public_key()
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(_years_later(start, VALID_YEARS) - timedelta(seconds=1))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .sign(private_key, hashes.SHA256())
    )


def _shortened(name: str, longest: int) -> str:
    encoded, ellipsis = name.encode(), "…"
    if len(encoded) <= longest:
        return name
    return encoded[: longest - len(ellipsis.encode())].decode(errors="ignore") + ellipsis


def _years_later(start: datetime, years: int) -> datetime:
    try:
        return start.replace(year=start.year + years)
    except ValueError:  # 29 February
        return start.replace(year=start.year + years, day=28)


def _as_pem(private_key: PrivateKey, secret: bytes) -> bytes:
    return private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(secret)
    )


def _write(path: Path, content: bytes, *, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
