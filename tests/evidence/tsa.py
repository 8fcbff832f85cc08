"""A time-stamp authority on loopback: OpenSSL behind an HTTP server, honest or lying on demand."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from faitfoi.simulators.loopback import Loopback, Request

CONFIGURATION = """
[tsa]
default_tsa = here
[here]
serial = serial
signer_cert = tsa.pem
certs = root.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512, sha3-512
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""

Lie = Callable[["Authority", bytes], bytes]


class Authority:
    """Its keys in a folder; `lie` changes what it answers to a query, `down` makes it fail.

    It waits `delay` seconds before it answers, then `drip` seconds before each byte.
    """

    def __init__(self, folder: Path, *, valid_until: datetime | None = None) -> None:
        self.folder = folder
        self.lie: Lie | None = None
        self.down = False
        self.delay = self.drip = 0.0
        self.url = ""
        folder.mkdir(parents=True)
        (folder / "tsa.cnf").write_text(CONFIGURATION)
        (folder / "serial").write_text("01\n")
        root_key, root = _certificate(f"Racine fictive {folder.name}", until=valid_until)
        tsa_key, tsa = _certificate(f"Horodatage fictif {folder.name}", issuer=(root_key, root), until=valid_until)
        (folder / "root.pem").write_bytes(root.public_bytes(serialization.Encoding.PEM))
        (folder / "tsa.pem").write_bytes(tsa.public_bytes(serialization.Encoding.PEM))
        (folder / "tsa.key").write_bytes(
            tsa_key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )

    @property
    def roots(self) -> Path:
        return self.folder / "root.pem"

    def reply(self, query: bytes) -> bytes:
        """What OpenSSL answers to a query."""
        (self.folder / "query").write_bytes(query)
        command = "openssl ts -reply -config tsa.cnf -section here -queryfile query -out reply"
        subprocess.run(command.split(), cwd=self.folder, check=True, capture_output=True)
        return (self.folder / "reply").read_bytes()

    def answer(self, query: bytes) -> bytes:
        return self.lie(self, query) if self.lie else self.reply(query)


def about_something_else(authority: Authority, _query: bytes) -> bytes:
    """A good stamp of other data."""
    return authority.reply(_query_for(b"something else"))


def with_another_nonce(authority: Authority, query: bytes) -> bytes:
    """A good stamp of the same data, made for somebody else's request."""
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    request = TimestampRequestBuilder().data(MESSAGE).hash_algorithm(HashAlgorithm.SHA512).build()
    assert request.as_bytes() != query
    return authority.reply(request.as_bytes())


def garbage(_authority: Authority, _query: bytes) -> bytes:
    return b"\x30\x03\x02\x01\x07 not a stamp"


MESSAGE = b"faitfoi.invalid/journal\n1\nAAAA\n"


class _Query(Request[Authority]):
    content_type = "application/timestamp-reply"

    def serve(self, content: bytes) -> None:
        down = self.owner.down
        self.dawdle(self.owner.delay)
        answer = b"" if down else self.owner.answer(content)
        if not self.owner.drip:
            self.send(503 if down else 200, answer)
            return
        self.send(200, b"", headers={"Content-Length": str(len(answer))})
        self.close_connection = True
        with suppress(OSError):  # whoever asked has gone
            for byte in answer:
                self.dawdle(self.owner.drip)
                self.wfile.write(bytes((byte,)))
                self.wfile.flush()


@contextmanager
def serving(authority: Authority) -> Iterator[Authority]:
    """Answer on loopback meanwhile."""
    server = Loopback(authority, _Query, name="tsa")
    server.start()
    authority.url = f"{server.url}/tsa"
    try:
        yield authority
    finally:
        server.stop()


def _query_for(data: bytes) -> bytes:
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    return TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA512).build().as_bytes()


def _certificate(
    name: str,
    *,
    issuer: tuple[ec.EllipticCurvePrivateKey, x509.Certificate] | None = None,
    until: datetime | None,
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    end = until or datetime(2040, 1, 1, tzinfo=UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[1].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - timedelta(days=20 * 365))
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if issuer is not None:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        builder = builder.add_extension(usage, critical=True)
    return key, builder.sign(issuer[0] if issuer else key, hashes.SHA256())
