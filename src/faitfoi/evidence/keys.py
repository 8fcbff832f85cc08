"""The key and certificate an organisation seals with: one folder, `key.pem` and `certificate.pem`, made once."""

import os
import secrets
import shutil
from collections.abc import Callable
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


class KeyRefused(Exception):
    """The key cannot be made or used; the message is a French sentence saying what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealKey:
    """A key parsed once, ready to seal thousands of documents; `certificate` and `issuer` are DER."""

    certificate: bytes = field(repr=False)
    issuer: bytes = field(repr=False)
    serial: int
    subject: str
    not_before: datetime
    not_after: datetime
    algorithm: bytes
    largest_signature: int
    sign: Callable[[bytes], bytes] = field(repr=False)


def create_key(folder: Path, *, organisation: str, at: datetime, algorithm: Algorithm = "P-256") -> None:
    """Make an organisation's seal key and its self-signed certificate in `folder`, whole or not at all.

    `key.pem` is PKCS#8, mode 0600, in a folder of mode 0700; `certificate.pem` names the organisation and says
    « démonstration », so that nobody takes it for a qualified one (eIDAS art. 38). It is valid for 10 years from the
    UTC day of `at`. Nothing is ever overwritten: `KeyRefused` when the folder already holds anything.
    """
    private_key = _generate(algorithm)
    certificate = _certify(private_key, organisation=organisation, at=at)
    draft = folder.with_name(f".{folder.name}.{secrets.token_hex(8)}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft.mkdir(mode=0o700)
    try:
        _write(draft / KEY_FILE, _as_pem(private_key), mode=0o600)
        _write(draft / CERTIFICATE_FILE, certificate.public_bytes(serialization.Encoding.PEM), mode=0o644)
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


def load_key(folder: Path) -> SealKey:
    """The key that `create_key` made in `folder`; `KeyRefused` when it is missing, readable by others or unfit."""
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
        private_key = serialization.load_pem_private_key(key_pem, password=None)
        certificate = x509.load_pem_x509_certificate(certificate_pem)
    except (ValueError, TypeError) as error:
        raise KeyRefused(f"La clé ou le certificat du dossier {folder} est illisible. Restaurez-le.") from error
    if not isinstance(private_key, PrivateKey):
        raise KeyRefused(f"La clé {key_file} n’est ni P-256 ni RSA : elle ne peut pas servir de cachet.")
    if private_key.public_key() != certificate.public_key():
        raise KeyRefused(f"Dans {folder}, le certificat n’est pas celui de la clé. Restaurez les deux ensemble.")
    return _ready(private_key, certificate)


def _ready(private_key: PrivateKey, certificate: x509.Certificate) -> SealKey:
    algorithm, size, sign = _signer(private_key)
    return SealKey(
        certificate=certificate.public_bytes(serialization.Encoding.DER),
        issuer=certificate.issuer.public_bytes(),
        serial=certificate.serial_number,
        subject=certificate.subject.rfc4514_string(),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        algorithm=algorithm,
        largest_signature=size,
        sign=sign,
    )


def _signer(private_key: PrivateKey) -> tuple[bytes, int, Callable[[bytes], bytes]]:
    if isinstance(private_key, rsa.RSAPrivateKey):
        rsa_key = private_key
        return (
            cms.SHA256_WITH_RSA,
            rsa_key.key_size // 8,
            lambda data: rsa_key.sign(data, padding.PKCS1v15(), hashes.SHA256()),
        )
    curve_key, ecdsa = private_key, ec.ECDSA(hashes.SHA256())
    # ECDSA-Sig-Value: two integers of one byte more than the order, and their headers.
    return cms.ECDSA_WITH_SHA256, 2 * (curve_key.key_size // 8 + 3) + 4, lambda data: curve_key.sign(data, ecdsa)


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


def _as_pem(private_key: PrivateKey) -> bytes:
    return private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
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
