"""An authority that stamps at any instant of the past or the future (pyHanko's), for what takes years."""

from datetime import UTC, datetime, timedelta
from functools import cache

from asn1crypto import algos, keys, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper


class PastAuthority:
    """Its certificate is valid for five years from `start`."""

    def __init__(self, start: datetime) -> None:
        self.start, self.end = start, start + timedelta(days=5 * 365)
        name = f"Horodatage fictif {start:%Y}"
        root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Racine fictive {start:%Y}")])
        self.root = _certificate(root_name, root_name, 0, start, self.end, authority=True)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = _certificate(subject, root_name, 1, start, self.end, authority=False)

    def stamp(self, digest: bytes, *, algorithm: str, at: datetime) -> bytes:
        """A token over a digest, dated `at`."""
        key = _keys()[1].private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        stamper = DummyTimeStamper(
            asn1_x509.Certificate.load(_der(self.certificate)), keys.PrivateKeyInfo.load(key), fixed_dt=at
        )
        imprint = {"hash_algorithm": algos.DigestAlgorithm({"algorithm": algorithm}), "hashed_message": digest}
        request = tsp.TimeStampReq({"version": "v1", "message_imprint": imprint, "cert_req": True})
        token: bytes = stamper.request_tsa_response(request)["time_stamp_token"].dump()
        return token


@cache
def _keys() -> tuple[rsa.RSAPrivateKey, rsa.RSAPrivateKey]:
    return tuple(rsa.generate_private_key(65537, 2048) for _ in range(2))  # type: ignore[return-value]


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: int, start: datetime, end: datetime, *, authority: bool
) -> x509.Certificate:
    public = _keys()[key].public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start.astimezone(UTC))
        .not_valid_after(end.astimezone(UTC))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(_keys()[0].public_key()), critical=False)
    )
    if not authority:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        builder = builder.add_extension(usage, critical=True)
    return builder.sign(_keys()[0], hashes.SHA256())
