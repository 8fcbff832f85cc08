"""The other side of a plateforme agréée: Flow Service, Directory Service and a scripted buyer's platform, on loopback.

    api_url        http://127.0.0.1:PORT/flow-service
    directory_url  http://127.0.0.1:PORT/directory-service
    token_url      http://127.0.0.1:PORT/auth/token

Any credentials are taken, unless `clients` (client_id → secret) is given. `version` is 1.3 or an earlier one: before
1.3 a search has no cursor, before 1.2 there are no webhooks. What is said of each invoice is told in `afnor_script`.

Faults (`POST /control/fault`, see `control`) strike the deposit unless `on` names another operation (`token`, `search`,
`flow`, `directory`, `webhooks`) or is `*`. `code` gives `down` another HTTP status than 503, `refuse` another than 422,
and `garbage` the form `truncated`. `rate_limited` is a 429, `expired_token` a 401, `out_of_order` (on `search`) the
newest first.

Records are {"deposits": [{"flow", "tracking", "number", "seller", "answered", "ack", "status"…}], "acts": […]}.
Besides the commands that `control` describes:

    POST /control/directory       {"lines": […]} or {"public": […]}, see `afnor_directory`
    POST /control/say             {"number", "code", "reason", "note", "action", "role", "name", "ago", "raw"}
    POST /control/expire-tokens   {}
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from faitfoi.simulators.afnor_hooks import Hooks
from faitfoi.simulators.afnor_lookup import look_up
from faitfoi.simulators.afnor_request import Rejected, read_json
from faitfoi.simulators.afnor_state import AfnorState
from faitfoi.simulators.control import Clock, ControlServer, Fault, FaultKind, Faults, serve
from faitfoi.simulators.loopback import Body, Loopback, Request
from faitfoi.simulators.served import Served, hide_answer
from faitfoi.simulators.tokens import Tokens

FLOWS, DIRECTORY, TOKEN = "/flow-service/v1", "/directory-service/v1", "/auth/token"
BOUNDARY = re.compile(r'boundary="?([^";]+)"?')


class AfnorSimulator(Served):
    """A whole simulated plateforme agréée, serving between start() and stop() in background threads."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        control_port: int = 0,
        clock: Clock | None = None,
        clients: Mapping[str, str] | None = None,
        token_seconds: int = 3600,
        version: str = "1.3",
        doublon_as_status: bool = False,
        largest_page: int = 100,
        deaf_to: frozenset[str] = frozenset(),
        seed: int = 0,
    ) -> None:
        self.clock = clock or Clock()
        self.faults = Faults(seed=seed)
        self.state = AfnorState(
            self.clock,
            version=version,
            doublon_as_status=doublon_as_status,
            largest_page=largest_page,
            deaf_to=deaf_to,
        )
        self.hooks = Hooks(self.clock)
        self.state.published = self.hooks.tell
        self.tokens = Tokens(clients=clients, seconds=token_seconds)
        self._server = Loopback(self, _AfnorRequest, name="afnor", host=host, port=port)
        self._control = ControlServer(
            name="afnor",
            faults=self.faults,
            clock=self.clock,
            host=host,
            port=control_port,
            handlers={
                "GET /control/health": lambda _: {"url": self.url},
                "GET /control/records": self.state.records,
                "POST /control/reset": self._reset,
                "POST /control/advance": self._advance,
                "POST /control/directory": self.state.load_directory,
                "POST /control/say": self.state.say,
                "POST /control/expire-tokens": self.tokens.expire,
            },
        )

    def settings(self) -> dict[str, str]:
        """Return what a channel needs to reach it."""
        return {
            "api_url": f"{self.url}/flow-service",
            "directory_url": f"{self.url}/directory-service",
            "token_url": f"{self.url}{TOKEN}",
            "client_id": "simulator",
            "client_secret": "simulator",
        }

    def _advance(self, _: Body) -> Body:
        self.state.publish()
        return {"now": self.clock.now().isoformat()}

    def _reset(self, body: Body) -> Body:
        self.hooks.forget()
        return self.state.reset(body)


class _AfnorRequest(Request[AfnorSimulator]):
    largest = 110 * 1024 * 1024
    too_long: ClassVar[Body] = {"errorCode": "FILE_SIZE_EXCEEDED", "errorMessage": "100 MB at most"}
    content_type = "application/json"

    def serve(self, content: bytes) -> None:
        path = self.route
        operation = _operation(self.command, path)
        if path == TOKEN:
            if not self._struck("token"):
                self._finish("token", *self.owner.tokens.give(content))
            return
        if path.endswith("/v1/healthcheck"):
            self.send(200, b"")
            return
        if not self.owner.tokens.knows(self.headers.get("Authorization", "")) or self._take(
            FaultKind.EXPIRED_TOKEN, operation
        ):
            self._refuse(401, "MISSING_TOKEN", "the token is missing or has expired")
            return
        if self._struck(operation):
            return
        try:
            self._operate(operation, path, content)
        except Rejected as error:
            self._refuse(error.status, error.code, error.message)

    def _operate(self, operation: str, path: str, content: bytes) -> None:
        """Carry out one operation and answer it. Raises Rejected."""
        state = self.owner.state
        if operation == "deposit":
            info, file = _parts(self.headers.get("Content-Type", ""), content)
            if refuse := self._take(FaultKind.REFUSE, operation):
                self._refuse(int(refuse.code or 422), "UNPROCESSABLE_ENTITY", "the document is not acceptable")
                return
            self._finish(operation, 202, state.take(info, file))
        elif operation == "search":
            backwards = self._take(FaultKind.OUT_OF_ORDER, operation) is not None
            self._finish(operation, 200, state.search(read_json(content), backwards=backwards))
        elif operation == "flow":
            self._flow(unquote(path.rsplit("/", 1)[1]))
        elif operation == "directory":
            self._finish(
                operation, 200, look_up(state.directory, self.command, path, content, largest=state.largest_page)
            )
        elif operation == "webhooks" and state.version in {"1.2", "1.3"}:
            status, answer = self.owner.hooks.manage(self.command, path, content)
            self.send(status, b"" if answer is None else json.dumps(answer).encode())
        else:
            raise Rejected(404, "MISSING_RESOURCE", "no such path")

    def _flow(self, identifier: str) -> None:
        wanted = parse_qs(urlsplit(self.path).query).get("docType", ["Metadata"])[0]
        flow = self.owner.state.flow(identifier)
        if wanted == "Metadata":
            self._finish("flow", 200, flow.told(self.owner.clock.now()))
        elif wanted == "Original":
            named = f'attachment; filename="{flow.info["name"]}"'
            headers = {"Content-Type": "application/octet-stream", "Content-Disposition": named}
            self.send(200, flow.content, headers=headers)
        else:
            raise Rejected(404, "MISSING_RESOURCE", f"no {wanted}")

    def _take(self, kind: FaultKind, operation: str) -> Fault | None:
        return self.owner.faults.take(kind, on=operation, main=operation == "deposit")

    def _struck(self, operation: str) -> bool:
        """Answer with the fault that keeps the operation from being looked at, if one strikes."""
        if down := self._take(FaultKind.DOWN, operation):
            self._refuse(int(down.code or 503), "RESOURCE_ERROR", "temporarily unavailable")
            return True
        if self._take(FaultKind.RATE_LIMITED, operation):
            self._refuse(429, "TOO_MANY_REQUESTS", "come back later")
            return True
        return False

    def _finish(self, operation: str, status: int, body: Body) -> None:
        """Answer what has been done, unless a fault comes between."""
        if hide_answer(self, body, lambda kind: self._take(kind, operation)):
            return
        if self._take(FaultKind.DUPLICATE, operation):
            self._refuse(422, "AlreadyExistingFlow", "The flow has already been sent and received")
            return
        flow = str(body.get("flowId", "")) if operation == "deposit" else ""
        # Noted before it leaves: whoever has the answer must find it noted.
        self.owner.state.mark_answered(flow, answered=True)
        if not self.tell(status, body):
            self.owner.state.mark_answered(flow, answered=False)

    def _refuse(self, status: int, code: str, message: str) -> None:
        self.tell(status, {"errorCode": code, "errorMessage": message})


def _operation(method: str, path: str) -> str:
    if path.startswith(DIRECTORY):
        return "directory"
    match method, path.removeprefix(FLOWS):
        case "POST", "/flows":
            return "deposit"
        case "POST", "/flows/search":
            return "search"
        case "GET", rest if rest.startswith("/flows/"):
            return "flow"
        case _, rest if rest == "/webhooks" or rest.startswith("/webhooks/"):
            return "webhooks"
    return ""


def _parts(media_type: str, content: bytes) -> tuple[Body, bytes]:
    """Read the two parts of a deposit. Raises Rejected."""
    boundary = BOUNDARY.search(media_type)
    if not media_type.startswith("multipart/form-data") or boundary is None:
        raise Rejected(400, "INVALID_FORMAT", "multipart/form-data is expected")
    found: dict[str, bytes] = {}
    for part in content.split(b"--" + boundary[1].encode())[1:-1]:
        head, _, body = part.partition(b"\r\n\r\n")
        named = re.search(rb'name="([^"]+)"', head)
        if named:
            found[named[1].decode("ascii", errors="replace")] = body.removesuffix(b"\r\n")
    if set(found) < {"flowInfo", "file"}:
        raise Rejected(400, "MISSING_REQUIRED_FIELD", "flowInfo and file are required")
    return read_json(found["flowInfo"]), found["file"]


def run(
    host: str = "127.0.0.1",
    port: int = 8803,
    *,
    control_port: int = 8804,
    factor: float = 1.0,
    version: str = "1.3",
    started: Callable[[AfnorSimulator], None] | None = None,
) -> None:
    """Simulate a plateforme agréée until SIGINT or SIGTERM, time running `factor` times as fast as ours.

    `started` is told the simulator once it listens. Main thread only.
    """
    serve(AfnorSimulator(host, port, control_port=control_port, clock=Clock(factor=factor), version=version), started)
