"""A remote signing service on loopback: the part of the CSC API 1.0.4 that a seal needs, with its faults.

    POST /csc/v1/oauth2/token             client credentials → a bearer token that ends
    POST /csc/v1/credentials/info         certificate, chain, algorithms
    POST /csc/v1/credentials/authorize    PIN and hashes → activation data (SAD) for those hashes, once
    POST /csc/v1/signatures/signHash      SAD and hashes → signatures

Faults, `on` one of token, info, authorize, signHash: down, slow, refuse, lose_answer (signs, then drops the
connection), garbage (a signature of something else). `POST /control/advance` pushes its clock past the end of tokens.
"""

import base64
import json
import secrets
import threading
import time
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from faitfoi.simulators.control import Body, Clock, ControlServer, Fault, FaultKind, Faults, check_loopback

CREDENTIAL = "cachet-essai"
CLIENT = ("essai", "essai")
PIN = "1234"
SHA256 = "2.16.840.1.101.3.4.2.1"
ECDSA_SHA256 = "1.2.840.10045.4.3.2"
RSA_SHA256 = "1.2.840.113549.1.1.11"
TOKEN_SECONDS = 3600
SAD_SECONDS = 300
QC_STATEMENTS = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.3")
# QcCompliance, QcSSCD and QcType eseal (ETSI EN 319 412-5), as DER: what the certificate of a qualified seal says.
_QUALIFIED_SEAL = x509.UnrecognizedExtension(
    QC_STATEMENTS,
    bytes.fromhex("30293008060604008e4601013008060604008e4601043013060604008e4601063009060704008e46010602"),
)
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class _Refused(Exception):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


class CscSimulator:
    """One credential of a fictitious provider, whose certificate two fictitious authorities stand above."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        control_port: int = 0,
        algorithm: str = "P-256",
        qualified: bool = False,
        start: datetime | None = None,
    ) -> None:
        check_loopback(host)
        self.faults = Faults()
        self.clock = Clock(start=start)
        self.signed = 0
        self._lock = threading.Lock()
        self._tokens: dict[str, datetime] = {}
        self._sads: dict[str, tuple[frozenset[str], datetime]] = {}
        self._key: Key = (
            ec.generate_private_key(ec.SECP256R1())
            if algorithm == "P-256"
            else rsa.generate_private_key(public_exponent=65537, key_size=3072)
        )
        self.certificates = _certificates(self._key, at=self.clock.now(), qualified=qualified)
        self._server = _Server((host, port), _Request)
        self._server.simulator = self
        self._thread: threading.Thread | None = None
        self._control = ControlServer(
            name="csc",
            faults=self.faults,
            clock=self.clock,
            handlers={"GET /control/records": lambda _: {"signed": self.signed}, "POST /control/reset": self._reset},
            host=host,
            port=control_port,
        )

    @property
    def url(self) -> str:
        """The base address of the service, before /csc/v1."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    @property
    def settings(self) -> dict[str, str]:
        """What a client must be told to seal here."""
        identifier, secret = CLIENT
        return {
            "url": self.url,
            "credential": CREDENTIAL,
            "client_id": identifier,
            "client_secret": secret,
            "pin": PIN,
            "timeout": "3",
        }

    def start(self) -> None:
        """Begin to listen."""
        self._thread = threading.Thread(target=self._server.serve_forever, name="csc", daemon=True)
        self._thread.start()
        self._control.start()

    def stop(self) -> None:
        """Give the ports back."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._thread = None
        self._server.server_close()
        self._control.stop()

    def obey(self, command: str, body: Body) -> object:
        """Carry out a control command (see `simulators.control`)."""
        return self._control.obey(command, body)

    def answer(self, operation: str, body: Body, *, bearer: str) -> Body:
        """Answer one call. Raises _Refused."""
        with self._lock:
            if operation == "oauth2/token":
                return self._token(body)
            if self._tokens.get(bearer, self.clock.now()) <= self.clock.now():
                raise _Refused(401, "invalid_token")
            if body.get("credentialID") != CREDENTIAL:
                raise _Refused(400, "invalid_request")
            if operation == "credentials/info":
                return self._info()
            hashes_asked = body.get("hash")
            if not isinstance(hashes_asked, list) or not hashes_asked:
                raise _Refused(400, "invalid_request")
            asked = [str(each) for each in hashes_asked]
            if operation == "credentials/authorize":
                return self._authorize(body, asked)
            if operation == "signatures/signHash":
                return self._sign(body, asked)
        raise _Refused(404, "unknown")

    def _token(self, body: Body) -> Body:
        if (body.get("client_id"), body.get("client_secret")) != CLIENT:
            raise _Refused(400, "invalid_client")
        token = secrets.token_urlsafe(16)
        self._tokens[token] = self.clock.now() + timedelta(seconds=TOKEN_SECONDS)
        return {"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS}

    def _info(self) -> Body:
        algorithm = ECDSA_SHA256 if isinstance(self._key, ec.EllipticCurvePrivateKey) else RSA_SHA256
        encoded = [base64.b64encode(each.public_bytes(Encoding.DER)).decode() for each in self.certificates]
        return {
            "key": {"status": "enabled", "algo": [algorithm], "len": self._key.key_size},
            "cert": {"status": "valid", "certificates": encoded},
            "authMode": "explicit",
            "SCAL": "2",
            "multisign": 1,
        }

    def _authorize(self, body: Body, asked: list[str]) -> Body:
        if body.get("PIN") != PIN:
            raise _Refused(400, "invalid_pin")
        sad = secrets.token_urlsafe(16)
        self._sads[sad] = (frozenset(asked), self.clock.now() + timedelta(seconds=SAD_SECONDS))
        return {"SAD": sad, "expiresIn": SAD_SECONDS}

    def _sign(self, body: Body, asked: list[str]) -> Body:
        allowed, until = self._sads.pop(str(body.get("SAD")), (frozenset(), self.clock.now()))
        if not set(asked) <= allowed or until <= self.clock.now() or body.get("hashAlgo", SHA256) != SHA256:
            raise _Refused(400, "invalid_sad")
        self.signed += len(asked)
        wrong = self.faults.take(FaultKind.GARBAGE, on="signHash")
        return {"signatures": [self._signature(bytes(32) if wrong else base64.b64decode(each)) for each in asked]}

    def _signature(self, digest: bytes) -> str:
        prehashed = Prehashed(hashes.SHA256())
        if isinstance(self._key, rsa.RSAPrivateKey):
            value = self._key.sign(digest, padding.PKCS1v15(), prehashed)
        else:
            value = self._key.sign(digest, ec.ECDSA(prehashed))
        return base64.b64encode(value).decode()

    def _reset(self, _: Body) -> Body:
        with self._lock:
            self.signed = 0
            self._tokens.clear()
            self._sads.clear()
        return {"now": self.clock.now().isoformat()}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    simulator: CscSimulator


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_POST(self) -> None:
        simulator = cast("_Server", self.server).simulator
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        operation = self.path.removeprefix("/csc/v1/")
        name = operation.rpartition("/")[2]
        if self._take(FaultKind.DOWN, name):
            self._tell(503, {"error": "unavailable"})
            return
        if slow := self._take(FaultKind.SLOW, name):
            time.sleep(slow.seconds)
        if self._take(FaultKind.REFUSE, name):
            self._tell(400, {"error": "invalid_request"})
            return
        try:
            body = json.loads(content or b"{}")
            bearer = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
            answer = simulator.answer(operation, body, bearer=bearer)
        except ValueError:
            self._tell(400, {"error": "invalid_request"})
        except _Refused as refusal:
            self._tell(refusal.status, {"error": refusal.code})
        else:
            if self._take(FaultKind.LOSE_ANSWER, name):
                self.close_connection = True
                return
            self._tell(200, answer)

    def _take(self, kind: FaultKind, name: str) -> Fault | None:
        return cast("_Server", self.server).simulator.faults.take(kind, on=name, main=name == "signHash")

    def _tell(self, status: int, body: Body) -> None:
        content = json.dumps(body).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            self.wfile.flush()
        except (BrokenPipeError, ConnectionResetError):  # the client has given up waiting
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name given by http.server
        """Keep quiet: the records tell more than a log would."""


def _certificates(key: Key, *, at: datetime, qualified: bool) -> tuple[x509.Certificate, ...]:
    """The seal's certificate and the two above it, made at `at`."""
    root_key, authority_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name, authority_name = _name("Racine fictive de prestataire"), _name("Prestataire fictif de cachets")
    more = (_QUALIFIED_SEAL,) if qualified else ()
    return (
        _certificate(_name("Cachet à distance (essai)"), key, (authority_name, authority_key), at=at, more=more),
        _certificate(authority_name, authority_key, (root_name, root_key), at=at, ca=True),
        _certificate(root_name, root_key, (root_name, root_key), at=at, ca=True),
    )


def _certificate(
    subject: x509.Name,
    key: Key,
    issuer: tuple[x509.Name, ec.EllipticCurvePrivateKey],
    *,
    at: datetime,
    ca: bool = False,
    more: tuple[x509.ExtensionType, ...] = (),
) -> x509.Certificate:
    issuer_name, issuer_key = issuer
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=not ca,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(days=1))
        .not_valid_after(at + timedelta(days=3650 if ca else 1095))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    for extension in more:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Prestataire fictif"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
