"""A certification authority of the tests: a root, one below it, and certificates for whom it may concern."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from faitfoi.evidence.keys import PrivateKey
from faitfoi.simulators import certificates
from faitfoi.simulators.certificates import name_of
from tests.evidence.conftest import AT

PASSWORD = "mot de passe du fichier"


def named(common_name: str) -> x509.Name:
    return name_of(common_name, organisation="CUMA des Trois Vallées")


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
    usages = frozenset({"digital_signature", "content_commitment"} if signs else {"key_encipherment"})
    end = start + timedelta(days=days)
    above = issuer or (named(subject), key)
    return certificates.certify(named(subject), key, above, start=start, end=end, ca=ca, usages=usages, more=more)


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
