"""A certification authority of the tests: a root, one below it, and certificates for whom it may concern."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from cryptography.x509.oid import NameOID

from faitfoi.evidence.keys import PrivateKey
from tests.evidence.conftest import AT

PASSWORD = "mot de passe du fichier"


def named(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "CUMA des Trois Vallées"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def certify(
    subject: str,
    key: PrivateKey,
    *,
    issuer: "tuple[x509.Name, PrivateKey] | None" = None,
    ca: bool = False,
    start: datetime = AT - timedelta(days=30),
    days: int = 730,
    more: tuple[x509.ExtensionType, ...] = (),
    signs: bool = True,
) -> x509.Certificate:
    """A certificate for `key`; self-signed unless an issuer (its name and key) is given."""
    name = named(subject)
    issuer_name, issuer_key = issuer or (name, key)
    usage = x509.KeyUsage(
        digital_signature=signs and not ca,
        content_commitment=signs and not ca,
        key_encipherment=not signs,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    for extension in more:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def new_key(kind: str) -> PrivateKey:
    """A key by its name: P-256, P-384, P-521, or RSA and its bits."""
    curves = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
    if kind in curves:
        return ec.generate_private_key(curves[kind])
    return rsa.generate_private_key(public_exponent=65537, key_size=int(kind.removeprefix("RSA-")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A root and one intermediate authority, both on P-256."""

    root_key: PrivateKey = field(default_factory=lambda: new_key("P-256"))
    key: PrivateKey = field(default_factory=lambda: new_key("P-256"))

    @property
    def root(self) -> x509.Certificate:
        """The root's own certificate."""
        return certify("Racine d’essai", self.root_key, ca=True, days=7300)

    @property
    def certificate(self) -> x509.Certificate:
        """The intermediate one."""
        issuer = (named("Racine d’essai"), self.root_key)
        return certify("Autorité d’essai", self.key, issuer=issuer, ca=True, days=3650)

    def issue(
        self,
        key: PrivateKey,
        *,
        start: datetime = AT - timedelta(days=30),
        days: int = 730,
        more: tuple[x509.ExtensionType, ...] = (),
        signs: bool = True,
    ) -> x509.Certificate:
        """A certificate of the intermediate authority for an organisation's key."""
        issuer = (named("Autorité d’essai"), self.key)
        return certify("Cachet d’essai", key, issuer=issuer, start=start, days=days, more=more, signs=signs)

    def pkcs12(self, key: PrivateKey, certificate: x509.Certificate) -> bytes:
        """The file as an authority hands it over: certificates above in no useful order."""
        return pkcs12.serialize_key_and_certificates(
            b"cachet", key, certificate, [self.root, self.certificate], BestAvailableEncryption(PASSWORD.encode())
        )
