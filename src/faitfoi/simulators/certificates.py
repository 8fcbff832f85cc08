"""Certificates of fictitious authorities, for simulators that sign and for whoever plays an authority."""

from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def name_of(common_name: str, *, organisation: str) -> x509.Name:
    """The French distinguished name of a fictitious holder."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def certify(
    subject: x509.Name,
    key: Key,
    issuer: tuple[x509.Name, Key],
    *,
    start: datetime,
    end: datetime,
    ca: bool = False,
    usages: frozenset[str] = frozenset({"content_commitment"}),
    more: tuple[x509.ExtensionType, ...] = (),
) -> x509.Certificate:
    """A certificate for `key` by an issuer's name and key, valid from `start` to `end`.

    `usages` are those of RFC 5280 §4.2.1.3 for a holder that is no authority; an authority (`ca`) signs certificates
    and lists of revoked ones.
    """
    issuer_name, issuer_key = issuer
    allowed = frozenset({"key_cert_sign", "crl_sign"}) if ca else usages
    usage = x509.KeyUsage(
        digital_signature="digital_signature" in allowed,
        content_commitment="content_commitment" in allowed,
        key_encipherment="key_encipherment" in allowed,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign="key_cert_sign" in allowed,
        crl_sign="crl_sign" in allowed,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    for extension in more:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())
