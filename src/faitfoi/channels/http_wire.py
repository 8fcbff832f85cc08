"""One HTTP exchange with the other side of a channel, classified by what it leaves certain; tokens by OAuth2.

Two kinds of exchange: a *deposit* can change the world, so it gets a connection of its own (a kept-alive one that the
other side has just closed would look like a lost answer) and its silence is `OutcomeUnknown`; a *question* changes
nothing, so its silence is `NotSent`. No exception here carries the request: it holds the secrets.
"""

import json
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, cast

import httpx

from faitfoi.channels.closing import close_abruptly, close_politely
from faitfoi.channels.contract import NotSent, OutcomeUnknown

if TYPE_CHECKING:
    import httpcore

CONNECT_SECONDS = 10.0
MAX_ANSWER = 32 * 1024 * 1024
PIECE = 64 * 1024
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})

NOT_CONNECTED = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
    httpx.LocalProtocolError,
    # The body was not handed over whole, so nobody can have read it.
    httpx.WriteError,
    httpx.WriteTimeout,
)

WhichNotSent = Callable[[int], NotSent | None]
"""Which HTTP statuses say that nothing was taken, and the sentence of each."""


class Environment(StrEnum):
    """Where a set of addresses leads."""

    PRODUCTION = "production"
    QUALIFICATION = "qualification"
    SIMULATOR = "simulator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer that came whole."""

    status: int
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request to make: where, body and its media type; `most` is the longest answer that is read, in octets."""

    method: str
    url: str
    content: bytes = field(default=b"", repr=False)
    media_type: str = ""
    most: int = MAX_ANSWER


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherSide:
    """Whom we speak to, as our sentences name them, and how they give tokens.

    `name` begins a sentence and `of` follows a noun; `issuer` and `of_issuer` are those of whoever gives tokens.
    """

    name: str
    of: str
    issuer: str
    of_issuer: str
    wrong_client: str
    token_url: str
    token_form: Mapping[str, str] = field(repr=False)
    not_sent: WhichNotSent


class Wire:
    """Speaks HTTP to one other side with one account; keeps its token between calls. One thread."""

    def __init__(self, other: OtherSide, *, timeout: float, environment: Environment) -> None:
        self._other = other
        self._timeout = timeout
        self._token = ""
        self._token_ends = 0.0
        # A local simulator is never behind the company's proxy.
        proxied = environment is not Environment.SIMULATOR
        self._questions = httpx.Client(verify=_trust(), follow_redirects=False, trust_env=proxied)
        alone = httpx.Limits(max_keepalive_connections=0)
        self._deposits = httpx.Client(verify=_trust(), follow_redirects=False, trust_env=proxied, limits=alone)

    def close(self) -> None:
        """Give back connections, forget the token."""
        self._token = ""
        self._questions.close()
        self._deposits.close()

    def ask(
        self, request: Request, *, headers: Mapping[str, str], expected: frozenset[int], until: float | None = None
    ) -> Reply:
        """Ask a question, at the latest until that monotonic instant. Raises NotSent for a status not expected."""
        until = time.monotonic() + 4 * self._timeout if until is None else until
        try:
            reply = self._authorised(self._questions, request, headers=headers, until=until)
        except OutcomeUnknown as error:
            problem = NotSent(error.reason)
        else:
            if reply.status in expected:
                return reply
            problem = self._other.not_sent(reply.status) or NotSent(
                f"{self._other.name} a répondu par une erreur HTTP {reply.status} à une question. Nous redemanderons."
            )
        raise problem

    def deposit(self, request: Request, *, headers: Mapping[str, str], until: float) -> Reply:
        """Hand something over, at the latest until that monotonic instant. Raises NotSent, OutcomeUnknown.

        Answers that say certainly nothing was taken (401, 403, 404, 429, 503) are NotSent; any other is given back.
        """
        reply = self._authorised(self._deposits, request, headers=headers, until=until)
        problem = self._other.not_sent(reply.status)
        if problem is not None:
            raise problem
        return reply

    def _authorised(self, client: httpx.Client, request: Request, *, headers: Mapping[str, str], until: float) -> Reply:
        """Send with a token; renew it once when it is refused: a 401 is answered before the document is looked at."""
        for attempt in (1, 2):
            bearer = {"Authorization": f"Bearer {self._current_token(until=until)}"}
            reply = self._exchange(client, request, headers={**headers, **bearer}, until=until)
            if reply.status != 401 or attempt == 2:
                return reply
            self._token = ""
        raise AssertionError("unreachable")

    def _current_token(self, *, until: float) -> str:
        if self._token and time.monotonic() < self._token_ends:
            return self._token
        request = Request(
            method="POST",
            url=self._other.token_url,
            content=str(httpx.QueryParams(dict(self._other.token_form))).encode("ascii"),
            media_type="application/x-www-form-urlencoded",
        )
        asked = time.monotonic()
        try:
            reply = self._exchange(self._questions, request, headers={"Accept": "application/json"}, until=until)
        except OutcomeUnknown:
            problem = NotSent(
                f"Le service de jetons {self._other.of_issuer} ne répond pas. Rien n’a été envoyé ; nous réessaierons."
            )
        else:
            token = self._read_token(reply)
            if not isinstance(token, NotSent):
                self._token, seconds = token
                # Renewed early, so that no token dies on the way; a very short-lived one serves for half its life.
                self._token_ends = asked + max(seconds - 120, seconds / 2)
                return self._token
            problem = token
        raise problem

    def _read_token(self, reply: Reply) -> tuple[str, float] | NotSent:
        answer = read_object(reply.content) or {}
        if reply.status in {400, 401, 403}:
            return NotSent(self._other.wrong_client, precondition=True)
        token, seconds = answer.get("access_token"), answer.get("expires_in", 60)
        sound = isinstance(token, str) and token and token.isascii() and token.isprintable()
        if reply.status != 200 or not sound:
            return NotSent(
                f"{self._other.issuer} n’a pas donné de jeton utilisable. Rien n’a été envoyé ; nous réessaierons."
            )
        usable = isinstance(seconds, int | float) and not isinstance(seconds, bool) and seconds > 0
        return cast("str", token), float(cast("float", seconds)) if usable else 60.0

    def _exchange(self, client: httpx.Client, request: Request, *, headers: Mapping[str, str], until: float) -> Reply:
        """Send once and read the whole answer within the time left. Raises NotSent, OutcomeUnknown."""
        left = min(until - time.monotonic(), self._timeout)
        if left <= 0:
            raise NotSent("Le temps accordé était écoulé avant l’envoi. Rien n’a été envoyé ; nous réessaierons.")
        ends = time.monotonic() + left
        content = request.content
        told = {**headers, "Accept-Encoding": "identity"}
        if request.media_type:
            told["Content-Type"] = request.media_type
        if request.method != "GET":
            told["Content-Length"] = str(len(content))
        problem: NotSent | OutcomeUnknown
        try:
            with client.stream(
                request.method,
                request.url,
                headers=told,
                content=(content[at : at + PIECE] for at in range(0, len(content), PIECE)) if content else None,
                timeout=httpx.Timeout(left, connect=min(CONNECT_SECONDS, left)),
                extensions={"trace": _trace} if client is self._deposits else None,
            ) as response:
                _answered(response)
                received = bytearray()
                for chunk in response.iter_raw():
                    received += chunk
                    if len(received) > request.most or time.monotonic() > ends:
                        raise OutcomeUnknown(f"La réponse {self._other.of} n’en finit pas ; nous l’avons coupée.")
                return Reply(status=response.status_code, content=bytes(received))
        except NOT_CONNECTED as error:
            problem = NotSent(
                f"{self._other.name} est injoignable ({_name(error)}). Rien n’a été envoyé ; nous réessaierons."
            )
        except httpx.HTTPError as error:
            problem = OutcomeUnknown(f"{self._other.name} n’a pas donné de réponse lisible ({_name(error)}).")
        raise problem


def _trace(event: str, told: Mapping[str, object]) -> None:
    """Have what was not handed over by the deadline never leave: called by the library as a connection is made."""
    if event == "connection.connect_tcp.complete":
        close_abruptly(_socket_of(told["return_value"]))


def _answered(response: httpx.Response) -> None:
    close_politely(_socket_of(response.extensions["network_stream"]))


def _socket_of(stream: object) -> socket.socket:
    return cast("socket.socket", cast("httpcore.NetworkStream", stream).get_extra_info("socket"))


def read_object(content: bytes) -> dict[str, object] | None:
    """Read a JSON object; None for anything else."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, object]", value) if isinstance(value, dict) else None


@cache
def _trust() -> ssl.SSLContext:
    """Read the certification authorities once per process: it takes longer than a question."""
    return httpx.create_ssl_context()


FAILURES: tuple[tuple[type[Exception], str], ...] = (
    (httpx.ConnectTimeout, "pas de réponse à l’appel"),
    (httpx.ConnectError, "connexion refusée ou adresse introuvable"),
    (httpx.TimeoutException, "délai dépassé"),
    (httpx.NetworkError, "connexion coupée"),
    (httpx.RemoteProtocolError, "connexion coupée"),
)


def _name(error: Exception) -> str:
    """Name what failed without its text, which may quote what was sent."""
    return next((words for kind, words in FAILURES if isinstance(error, kind)), type(error).__name__)
