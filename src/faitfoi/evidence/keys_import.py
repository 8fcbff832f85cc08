"""An organisation's own key, as its certification authority handed it over: PKCS#12 (RFC 7292)."""

from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from faitfoi.evidence.keys import KeyRefused, PrivateKey, ready
from faitfoi.evidence.seal_check import chain_above

LARGEST = 1_000_000


def read_pkcs12(
    content: bytes, *, password: str, at: datetime, where: str
) -> tuple[PrivateKey, tuple[x509.Certificate, ...]]:
    """The key in a PKCS#12, its certificate, and those above it in their order.

    Raises KeyRefused, with a French sentence that names `where` it came from, for another password, a file that is
    none, a weak key (see `keys.refuse_weak`), a certificate that is not the key's, not valid at `at`, or made for
    something else than signing (RFC 5280 §4.2.1.3).
    """
    if len(content) > LARGEST:
        raise KeyRefused(f"{where} fait {len(content)} octets : ce n’est pas une clé. Donnez le fichier .p12 ou .pfx.")
    try:
        private_key, certificate, others = pkcs12.load_key_and_certificates(content, password.encode() or None)
    except ValueError as error:
        raise KeyRefused(
            f"{where} ne s’ouvre pas : le mot de passe n’est pas le bon, ou ce n’est pas un fichier PKCS#12 "
            "(.p12 ou .pfx)."
        ) from error
    if private_key is None or certificate is None:
        raise KeyRefused(f"{where} ne contient pas à la fois une clé et son certificat. Exportez-les ensemble.")
    ready(private_key, certificate, where=where)
    refuse_unfit(certificate, at=at, where=where)
    assert isinstance(private_key, PrivateKey)  # noqa: S101  # ready() has refused anything else
    above = chain_above(certificate, (other.public_bytes(serialization.Encoding.DER) for other in others))
    return private_key, (certificate, *(x509.load_der_x509_certificate(each) for each in above))


def refuse_unfit(certificate: x509.Certificate, *, at: datetime, where: str) -> None:
    """Raise KeyRefused for a certificate that is not valid at `at`, or that was not made to sign documents."""
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        raise KeyRefused(
            f"Le certificat de {where} vaut du {certificate.not_valid_before_utc:%d/%m/%Y} au "
            f"{certificate.not_valid_after_utc:%d/%m/%Y} : il ne peut pas sceller aujourd’hui. Faites-le renouveler."
        )
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return
    except ValueError as error:
        raise KeyRefused(f"Les extensions du certificat de {where} sont illisibles.") from error
    if not (usage.digital_signature or usage.content_commitment):
        raise KeyRefused(
            f"Le certificat de {where} n’est pas fait pour signer (usage de la clé). Demandez un certificat de cachet."
        )
