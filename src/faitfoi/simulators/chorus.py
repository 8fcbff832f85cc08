"""The other side of Chorus Pro: PISTE's token service and the operations that an issuer uses, on loopback.

    api_url    http://127.0.0.1:PORT/cpro
    token_url  http://127.0.0.1:PORT/api/oauth/token

Any credentials are taken, unless `clients` (client_id → secret) or `accounts` (login → password) are given. Tokens live
`token_seconds` of real time; deposits age on the simulated clock (integrated after 120 s, paid after 10 days).

Faults (`POST /control/fault`, see `control`) strike the deposit unless `on` names another operation (`token`,
`consulterCRDetaille`, `rechercher/fournisseur`…) or is `*`. `code` gives `down` another HTTP status than 503, `refuse`
another codeRetour than 20005 (or the HTTP status 400, 413 or 415), and `garbage` the form `truncated`.

Records are {"deposits": [{"flow", "sha256", "number", "supplier", "at", "answered", "flow_state", "status"…}]}: all
that was taken, whether or not its answer reached anybody. Besides the commands that `control` describes:

    POST /control/structures       {"structures": […]}, see `chorus_directory`
    POST /control/account          {"suppliers": [SIRET…], "expires": date}: who submits, the password's last day
    POST /control/state            {"flow", "flow_state", "status", "comment"}: puts a flow or its invoice in a state
    POST /control/seed             {"count", "number", "issued", "flow"}: invoices of other suppliers, as decor
    POST /control/expire-tokens    {}
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping

from faitfoi.simulators.chorus_answers import Malformed, Refusal
from faitfoi.simulators.chorus_shapes import REQUESTS
from faitfoi.simulators.chorus_state import ChorusState
from faitfoi.simulators.control import Clock, ControlServer, Fault, FaultKind, Faults, serve
from faitfoi.simulators.loopback import Body, Loopback, Request
from faitfoi.simulators.served import Served, hide_answer
from faitfoi.simulators.tokens import Tokens

DEPOSIT = "factures/v1/deposer/flux"
SUBMISSION = "factures/v1/soumettre"
MAIN = frozenset({DEPOSIT, SUBMISSION})
"""The operations by which an invoice comes in."""
HEALTH = "transverses/v1/health-check"


def _envelope(code: int, label: str) -> Body:
    return {"codeRetour": code, "libelle": label}


def _backwards(answer: Body) -> Body:
    """The same answer, each of its lists told from the end."""
    told: Body = {}
    for name, value in answer.items():
        if isinstance(value, dict):
            told[name] = _backwards(value)
        else:
            told[name] = value[::-1] if isinstance(value, list) else value
    return told


class ChorusSimulator(Served):
    """A whole simulated Chorus Pro, serving between start() and stop() in background threads."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        control_port: int = 0,
        clock: Clock | None = None,
        clients: Mapping[str, str] | None = None,
        accounts: Mapping[str, str] | None = None,
        token_seconds: int = 3600,
        largest_page: int = 500,
        seed: int = 0,
    ) -> None:
        self.clock = clock or Clock()
        self.faults = Faults(seed=seed)
        self.state = ChorusState(self.clock, largest_page=largest_page)
        self._accounts = accounts
        self.tokens = Tokens(clients=clients, seconds=token_seconds)
        self._server = Loopback(self, _ChorusRequest, name="chorus", host=host, port=port)
        self._control = ControlServer(
            name="chorus",
            faults=self.faults,
            clock=self.clock,
            host=host,
            port=control_port,
            handlers={
                "GET /control/health": lambda _: {"url": self.url},
                "GET /control/records": self.state.records,
                "POST /control/reset": self.state.reset,
                "POST /control/structures": self.state.load_structures,
                "POST /control/account": self.state.load_account,
                "POST /control/state": self.state.force_state,
                "POST /control/seed": self.state.seed,
                "POST /control/expire-tokens": self.tokens.expire,
            },
        )

    def knows_account(self, header: str) -> bool:
        """Tell whether a cpro-account header names an account that is let in."""
        try:
            login, found, password = base64.b64decode(header, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        if not login or not found or not password:
            return False
        return self._accounts is None or self._accounts.get(login) == password


class _ChorusRequest(Request[ChorusSimulator]):
    largest = 44 * 1024 * 1024  # an archive of 30 MB in base 64
    too_long = _envelope(413, "La taille de la requête dépasse la limite.")
    content_type = "application/json;charset=utf-8"

    def serve(self, content: bytes) -> None:
        if self.command == "GET":
            self._look()
        elif self.route == "/api/oauth/token":
            self._token(content)
        else:
            self._operate(self.route.removeprefix("/cpro/"), content)

    def _look(self) -> None:
        if self.route != f"/cpro/{HEALTH}":
            self.tell(403, _envelope(403, "Accès refusé"))
        elif not self.owner.tokens.knows(self.headers.get("Authorization", "")):
            self.tell(401, _envelope(401, "Problème d'authentification"))
        else:
            self.tell(200, {"body": "OK", "statusCodeValue": 200, "statusCode": "OK"})

    def _take(self, kind: FaultKind, operation: str) -> Fault | None:
        return self.owner.faults.take(kind, on=operation.partition("/v1/")[2] or operation, main=operation in MAIN)

    def _token(self, content: bytes) -> None:
        if down := self._take(FaultKind.DOWN, "token"):
            self.tell(int(down.code or 503), {"error": "temporarily_unavailable"})
            return
        if self._take(FaultKind.LOSE_ANSWER, "token"):
            self.drop()
            return
        self._finish("token", *self.owner.tokens.give(content))

    def _operate(self, operation: str, content: bytes) -> None:
        if self._take(FaultKind.EXPIRED_TOKEN, operation):
            self.owner.tokens.forget(self.headers.get("Authorization", ""))
        refused = self._gate(operation)
        if refused is not None:
            self.tell(refused[0], _envelope(*refused))
            return
        if down := self._take(FaultKind.DOWN, operation):
            status = int(down.code or 503)
            self.tell(status, _envelope(status, "Service momentanément indisponible"))
            return
        if self._take(FaultKind.RATE_LIMITED, operation):
            self.tell(429, _envelope(429, "Trop d'appels"))
            return
        if refuse := self._take(FaultKind.REFUSE, operation):
            code = int(refuse.code or 20005)
            self.tell(code if code < 1000 else 200, _envelope(code, "Le document n'est pas accepté."))
            return
        try:
            body = json.loads(content)
            if not isinstance(body, dict):
                raise Malformed("Le corps de la requête n'est pas un objet.")
            answer = self.owner.state.answer(operation, body)
            if self._take(FaultKind.OUT_OF_ORDER, operation):
                answer = _backwards(answer)
        except ValueError:
            self.tell(400, _envelope(400, "Le corps de la requête n'est pas du JSON."))
        except Malformed as error:
            self.tell(400, _envelope(400, str(error)))
        except Refusal as error:
            self._finish(operation, 200, _envelope(error.code, error.label))
        else:
            self._finish(operation, 200, answer)

    def _gate(self, operation: str) -> tuple[int, str] | None:
        """Do what stands before every operation: token, route, account, media type."""
        if not self.owner.tokens.knows(self.headers.get("Authorization", "")):
            return 401, "Problème d'authentification"
        if operation not in REQUESTS:
            return 403, "Accès refusé"
        if not self.owner.knows_account(self.headers.get("cpro-account", "")):
            return 401, "Problème d'authentification"
        if self.headers.get_content_type() != "application/json":
            return 415, "Format de la requête non supporté"
        return None

    def _finish(self, operation: str, status: int, body: Body) -> None:
        """Answer what has been done, unless a fault comes between, or the amount of what was deposited."""
        deposit = self.owner.state.deposits.get(str(body.get("numeroFluxDepot"))) if operation == DEPOSIT else None
        if deposit is not None and deposit.silent:
            self.drop()
            return
        if hide_answer(self, body, lambda kind: self._take(kind, operation)):
            return
        if self._take(FaultKind.DUPLICATE, operation):
            body = _envelope(20006, "Ce fichier a déjà été déposé.")
            status = 200
        flow = str(body.get("numeroFluxDepot", ""))
        if operation == SUBMISSION and (submitted := self.owner.state.invoice(body.get("identifiantFactureCPP"))):
            flow = submitted.flow
        # Noted before it leaves: whoever has the answer must find it noted.
        self.owner.state.mark_answered(flow, answered=True)
        if not self.tell(status, body):
            self.owner.state.mark_answered(flow, answered=False)


def run(
    host: str = "127.0.0.1",
    port: int = 8801,
    *,
    control_port: int = 8802,
    factor: float = 1.0,
    started: Callable[[ChorusSimulator], None] | None = None,
) -> None:
    """Simulate Chorus Pro until SIGINT or SIGTERM, time running `factor` times as fast as ours. Main thread only.

    `started` is told the simulator once it listens.
    """
    simulator = ChorusSimulator(host, port, control_port=control_port, clock=Clock(factor=factor))
    serve(simulator, started)
