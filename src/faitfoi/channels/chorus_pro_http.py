"""One HTTP exchange with Chorus Pro, classified by what it leaves certain. PISTE: OAuth2 and JSON over HTTP.

French contracts §1.1. Two kinds of exchange: a *deposit* can change the world, so it gets a connection of its own (a
kept-alive one that the other side has just closed would look like a lost answer) and its silence is `OutcomeUnknown`;
a *question* changes nothing, so its silence is `NotSent`. No exception here carries the request: it holds the secrets.
"""

import base64
import json
import ssl
import time
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import cast
from urllib.parse import urlsplit

import httpx

from faitfoi.channels.contract import NotSent, OutcomeUnknown

CONNECT_SECONDS = 10.0
MAX_ANSWER = 32 * 1024 * 1024
PIECE = 64 * 1024

PISTE_HOSTS = {
    "oauth.piste.gouv.fr": "production",
    "api.piste.gouv.fr": "production",
    "sandbox-oauth.piste.gouv.fr": "qualification",
    "sandbox-api.piste.gouv.fr": "qualification",
}
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


class Environment(StrEnum):
    """Where a pair of addresses leads. Told from the addresses, never from a switch."""

    PRODUCTION = "production"
    QUALIFICATION = "qualification"
    SIMULATOR = "simulator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What it takes to speak to Chorus Pro: the PISTE application and the Chorus technical account."""

    api_url: str
    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    technical_login: str
    technical_password: str = field(repr=False)
    timeout: float  # seconds for one question and its answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer that came whole."""

    status: int
    content: bytes = field(repr=False)


class BusinessError(Exception):
    """Chorus Pro answered 200 with codeRetour ≠ 0."""

    def __init__(self, code: str, label: str, raw: bytes) -> None:
        super().__init__(f"codeRetour {code}")
        self.code = code
        self.label = label
        self.raw = raw


def read_environment(api_url: str, token_url: str) -> Environment:
    """Tell which environment two addresses lead to. Raises ValueError (French) for a mixed pair or an unknown host."""
    api, token = _environment_of(api_url), _environment_of(token_url)
    if api is not token:
        raise ValueError(
            f"Les deux adresses de Chorus Pro ne vont pas ensemble : l’API est en {api}, le jeton en {token}. "
            "Prenez les deux du même environnement."
        )
    return api


def _environment_of(url: str) -> Environment:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme in {"http", "https"} and host in LOOPBACK_HOSTS:
        return Environment.SIMULATOR
    if parts.scheme == "https" and host in PISTE_HOSTS:
        return Environment(PISTE_HOSTS[host])
    raise ValueError(f"L’adresse « {url} » n’est pas une adresse de Chorus Pro connue. Prenez celles que PISTE donne.")


@cache
def _trust() -> ssl.SSLContext:
    """Read the certification authorities once per process: it takes longer than a question."""
    return httpx.create_ssl_context()


class Connection:
    """Speaks to one Chorus Pro environment with one account; keeps its token between calls. One thread."""

    def __init__(self, account: Account) -> None:
        self.environment = read_environment(account.api_url, account.token_url)
        self._account = account
        self._api = account.api_url.rstrip("/")
        self._token = ""
        self._token_ends = 0.0
        # A local simulator is never behind the company's proxy.
        proxied = self.environment is not Environment.SIMULATOR
        self._questions = httpx.Client(verify=_trust(), follow_redirects=False, trust_env=proxied)
        self._deposits = httpx.Client(
            verify=_trust(),
            follow_redirects=False,
            trust_env=proxied,
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    def close(self) -> None:
        """Give back connections, forget the token."""
        self._token = ""
        self._questions.close()
        self._deposits.close()

    def ask(
        self, operation: str, body: dict[str, object], *, until: float | None = None, enveloped: bool = True
    ) -> tuple[dict[str, object], bytes]:
        """Ask a question, at the latest until that monotonic instant; the answer, read and as received.

        An answer that is not `enveloped` may lack codeRetour. Raises NotSent, or BusinessError.
        """
        until = time.monotonic() + 4 * self._account.timeout if until is None else until
        try:
            reply = self._authorised(self._questions, operation, body, until=until)
        except OutcomeUnknown as error:
            problem = NotSent(error.reason)
        else:
            if reply.status == 200:
                return self._read_answer(reply, enveloped=enveloped)
            problem = not_sent_by_status(reply.status) or NotSent(
                f"Chorus Pro a répondu par une erreur HTTP {reply.status} à une question. Nous redemanderons."
            )
        raise problem

    def deposit(self, operation: str, body: dict[str, object], *, until: float) -> Reply:
        """Hand one document over, at the latest until that monotonic instant. Raises NotSent, OutcomeUnknown.

        Answers that say certainly nothing was taken (401, 403, 404, 429, 503) are NotSent; any other is given back.
        """
        reply = self._authorised(self._deposits, operation, body, until=until)
        problem = not_sent_by_status(reply.status)
        if problem is not None:
            raise problem
        return reply

    def _read_answer(self, reply: Reply, *, enveloped: bool) -> tuple[dict[str, object], bytes]:
        answer = read_object(reply.content)
        if answer is not None and not enveloped:
            answer.setdefault("codeRetour", 0)
        if answer is None or not isinstance(answer.get("codeRetour"), int):
            raise NotSent("La réponse de Chorus Pro est illisible. Nous redemanderons.")
        if answer["codeRetour"] != 0:
            raise BusinessError(str(answer["codeRetour"]), str(answer.get("libelle") or ""), reply.content)
        return answer, reply.content

    def _authorised(self, client: httpx.Client, operation: str, body: dict[str, object], *, until: float) -> Reply:
        """Post with a token; renew it once when it is refused: a 401 is answered before the document is looked at."""
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        account = f"{self._account.technical_login}:{self._account.technical_password}".encode()
        for attempt in (1, 2):
            headers = {
                "Authorization": f"Bearer {self._current_token(until=until)}",
                "cpro-account": base64.b64encode(account).decode("ascii"),
                "Content-Type": "application/json;charset=utf-8",
                "Accept": "application/json",
            }
            reply = self._exchange(client, f"{self._api}/{operation}", headers=headers, content=content, until=until)
            if reply.status != 401 or attempt == 2:
                return reply
            self._token = ""
        raise AssertionError("unreachable")

    def _current_token(self, *, until: float) -> str:
        if self._token and time.monotonic() < self._token_ends:
            return self._token
        form = httpx.QueryParams(
            {
                "grant_type": "client_credentials",
                "client_id": self._account.client_id,
                "client_secret": self._account.client_secret,
                "scope": "openid",
            }
        )
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        content = str(form).encode("ascii")
        asked = time.monotonic()
        try:
            reply = self._exchange(
                self._questions, self._account.token_url, headers=headers, content=content, until=until
            )
        except OutcomeUnknown:
            problem = NotSent("Le service de jetons de PISTE ne répond pas. Rien n’a été envoyé ; nous réessaierons.")
        else:
            token = _read_token(reply)
            if not isinstance(token, NotSent):
                self._token, seconds = token
                # Renewed early, so that no token dies on the way; a very short-lived one serves for half its life.
                self._token_ends = asked + max(seconds - 120, seconds / 2)
                return self._token
            problem = token
        raise problem

    def _exchange(
        self, client: httpx.Client, url: str, *, headers: dict[str, str], content: bytes, until: float
    ) -> Reply:
        """Post once and read the whole answer within the time left. Raises NotSent, OutcomeUnknown."""
        left = min(until - time.monotonic(), self._account.timeout)
        if left <= 0:
            raise NotSent("Le temps accordé était écoulé avant l’envoi. Rien n’a été envoyé ; nous réessaierons.")
        ends = time.monotonic() + left
        headers = headers | {"Content-Length": str(len(content)), "Accept-Encoding": "identity"}
        problem: NotSent | OutcomeUnknown
        try:
            with client.stream(
                "POST",
                url,
                headers=headers,
                content=(content[start : start + PIECE] for start in range(0, len(content), PIECE)),
                timeout=httpx.Timeout(left, connect=min(CONNECT_SECONDS, left)),
            ) as response:
                received = bytearray()
                for chunk in response.iter_raw():
                    received += chunk
                    if len(received) > MAX_ANSWER or time.monotonic() > ends:
                        raise OutcomeUnknown("La réponse de Chorus Pro n’en finit pas ; nous l’avons coupée.")
                return Reply(status=response.status_code, content=bytes(received))
        except NOT_CONNECTED as error:
            problem = NotSent(f"Chorus Pro est injoignable ({_name(error)}). Rien n’a été envoyé ; nous réessaierons.")
        except httpx.HTTPError as error:
            problem = OutcomeUnknown(f"Chorus Pro n’a pas donné de réponse lisible ({_name(error)}).")
        raise problem


def not_sent_by_status(status: int) -> NotSent | None:
    """Tell the answers by which nothing was taken, from HTTP status alone; None for the others."""
    match status:
        case 401:
            return NotSent(
                "Chorus Pro refuse la connexion (401) : le mot de passe du compte technique est faux ou expiré, "
                "ou l’application PISTE a été changée. Vérifiez les réglages de Chorus Pro.",
                precondition=True,
            )
        case 403:
            return NotSent(
                "PISTE refuse l’accès (403) : l’application n’est pas abonnée à cette API, ou ses conditions "
                "d’utilisation ne sont pas acceptées. Faites-le sur PISTE, puis réessayez.",
                precondition=True,
            )
        case 404:
            return NotSent(
                "Chorus Pro ne connaît pas l’adresse demandée (404). Vérifiez l’adresse de l’API dans les réglages.",
                precondition=True,
            )
        case 429:
            return NotSent("PISTE demande d’attendre (429) : trop d’appels. Nous réessaierons plus tard.")
        case 503:
            return NotSent("Chorus Pro est momentanément fermé (503). Nous réessaierons plus tard.")
    return None


def read_object(content: bytes) -> dict[str, object] | None:
    """Read a JSON object; None for anything else."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, object]", value) if isinstance(value, dict) else None


def _read_token(reply: Reply) -> tuple[str, float] | NotSent:
    answer = read_object(reply.content) or {}
    if reply.status in {400, 401, 403}:
        return NotSent(
            "PISTE refuse les identifiants de l’application (client_id et client_secret). "
            "Vérifiez-les dans les réglages de Chorus Pro.",
            precondition=True,
        )
    token, seconds = answer.get("access_token"), answer.get("expires_in", 60)
    if reply.status != 200 or not isinstance(token, str) or not token or not (token.isascii() and token.isprintable()):
        return NotSent("PISTE n’a pas donné de jeton utilisable. Rien n’a été envoyé ; nous réessaierons.")
    usable = isinstance(seconds, int | float) and not isinstance(seconds, bool) and seconds > 0
    return token, float(seconds) if usable else 60.0  # type: ignore[arg-type]  # narrowed by `usable`


def _name(error: Exception) -> str:
    """Name what failed without its text, which may quote what was sent."""
    return type(error).__name__
