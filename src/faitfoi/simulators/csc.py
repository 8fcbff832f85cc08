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
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding

from faitfoi.simulators.certificates import Key, certify, name_of
from faitfoi.simulators.control import Clock, ControlServer, Fault, FaultKind, Faults
from faitfoi.simulators.loopback import Body, Loopback, Request
from faitfoi.simulators.served import Served

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


class _Refused(Exception):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


class CscSimulator(Served):
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
        self._server = Loopback(self, _Request, name="csc", host=host, port=port)
        self._control = ControlServer(
            name="csc",
            faults=self.faults,
            clock=self.clock,
            handlers={"GET /control/records": lambda _: {"signed": self.signed}, "POST /control/reset": self._reset},
            host=host,
            port=control_port,
        )

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


class _Request(Request[CscSimulator]):
    def serve(self, content: bytes) -> None:
        operation = self.route.removeprefix("/csc/v1/")
        name = operation.rpartition("/")[2]
        if self._take(FaultKind.DOWN, name):
            self.tell(503, {"error": "unavailable"})
            return
        if slow := self._take(FaultKind.SLOW, name):
            self.dawdle(slow.seconds)
        if self._take(FaultKind.REFUSE, name):
            self.tell(400, {"error": "invalid_request"})
            return
        try:
            body = json.loads(content or b"{}")
            bearer = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
            answer = self.owner.answer(operation, body, bearer=bearer)
        except ValueError:
            self.tell(400, {"error": "invalid_request"})
        except _Refused as refusal:
            self.tell(refusal.status, {"error": refusal.code})
        else:
            if self._take(FaultKind.LOSE_ANSWER, name):
                self.drop()
                return
            self.tell(200, answer)

    def _take(self, kind: FaultKind, name: str) -> Fault | None:
        return self.owner.faults.take(kind, on=name, main=name == "signHash")


def _certificates(key: Key, *, at: datetime, qualified: bool) -> tuple[x509.Certificate, ...]:
    """The seal's certificate and the two above it, made at `at`."""
    root_key, authority_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    seal, authority, root = (
        name_of(each, organisation="Prestataire fictif")
        for each in ("Cachet à distance (essai)", "Prestataire fictif de cachets", "Racine fictive de prestataire")
    )
    start, soon, late = at - timedelta(days=1), at + timedelta(days=1095), at + timedelta(days=3650)
    more = (_QUALIFIED_SEAL,) if qualified else ()
    return (
        certify(seal, key, (authority, authority_key), start=start, end=soon, more=more),
        certify(authority, authority_key, (root, root_key), start=start, end=late, ca=True),
        certify(root, root_key, (root, root_key), start=start, end=late, ca=True),
    )
