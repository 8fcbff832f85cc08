"""One HTTP exchange with a plateforme agréée, classified by what it leaves certain: OAuth2, JSON and multipart.

French contracts §2.1. As with Chorus Pro, a *deposit* can change the world, so it gets a connection of its own and its
silence is `OutcomeUnknown`; a *question* changes nothing, so its silence is `NotSent`. No exception carries a request.
"""

import json
import ssl
import time
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from faitfoi.channels.chorus_pro_http import LOOPBACK_HOSTS, NOT_CONNECTED, Environment, Reply, read_object
from faitfoi.channels.contract import NotSent, OutcomeUnknown

CONNECT_SECONDS = 10.0
MAX_ANSWER = 32 * 1024 * 1024
MAX_DOWNLOAD = 110 * 1024 * 1024  # a flow is 100 MB at most
PIECE = 64 * 1024
PA = "La plateforme agréée"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What it takes to speak to one plateforme agréée."""

    api_url: str
    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    timeout: float  # seconds for one question and its answer
    directory_url: str = ""
    scope: str = ""
    organization_id: str = ""
    environment: str = ""


def read_environment(account: Account) -> Environment:
    """Tell where the addresses lead. Raises ValueError (French) for a mixed set, or an address without encryption.

    The contract has no list of hosts: beyond this machine, the environment is that of the credentials, and is stated.
    """
    urls = [url for url in (account.api_url, account.token_url, account.directory_url) if url]
    local = [_is_local(url) for url in urls]
    if all(local):
        return Environment.SIMULATOR
    if any(local):
        raise ValueError(
            "Les adresses de la plateforme agréée ne vont pas ensemble : les unes sont sur cette machine, les autres "
            "non. Prenez-les toutes du même environnement."
        )
    named = account.environment.strip().lower() or Environment.PRODUCTION
    if named not in {Environment.PRODUCTION, Environment.QUALIFICATION}:
        raise ValueError(
            f"Le réglage « environment » de la plateforme agréée vaut « {account.environment} » ; il faut production "
            "ou qualification, selon les identifiants."
        )
    return Environment(named)


def _is_local(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in LOOPBACK_HOSTS and parts.scheme in {"http", "https"}:
        return True
    if parts.scheme != "https" or "." not in host:
        raise ValueError(f"L’adresse « {url} » de la plateforme agréée n’est pas une adresse https:// complète.")
    return False


@cache
def _trust() -> ssl.SSLContext:
    """Read the certification authorities once per process: it takes longer than a question."""
    return httpx.create_ssl_context()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request to make: path or address, body and its media type."""

    method: str
    url: str
    content: bytes = field(default=b"", repr=False)
    media_type: str = ""


class Connection:
    """Speaks to one plateforme agréée with one account; keeps its token between calls. One thread."""

    def __init__(self, account: Account) -> None:
        self.environment = read_environment(account)
        self._account = account
        self._token = ""
        self._token_ends = 0.0
        proxied = self.environment is not Environment.SIMULATOR
        self._questions = httpx.Client(verify=_trust(), follow_redirects=False, trust_env=proxied)
        self._deposits = httpx.Client(
            verify=_trust(), follow_redirects=False, trust_env=proxied, limits=httpx.Limits(max_keepalive_connections=0)
        )

    def close(self) -> None:
        """Give back connections, forget the token."""
        self._token = ""
        self._questions.close()
        self._deposits.close()

    def flow_url(self, path: str) -> str:
        """Give the address of a path of the Flow Service."""
        return f"{self._account.api_url.rstrip('/')}/{path.strip('/')}"

    def directory_url(self, path: str) -> str:
        """Give the address of a path of the Directory Service."""
        return f"{self._account.directory_url.rstrip('/')}/{path.strip('/')}"

    def ask(self, request: Request) -> Reply:
        """Ask a question and give a 2xx or 404 answer whole. Raises NotSent for all others."""
        until = time.monotonic() + 4 * self._account.timeout
        problem: NotSent
        try:
            reply = self._authorised(self._questions, request, until=until)
        except OutcomeUnknown as error:
            problem = NotSent(error.reason)
        else:
            if reply.status in {200, 201, 204, 404}:
                return reply
            problem = not_sent_by_status(reply) or NotSent(
                f"{PA} a répondu par une erreur HTTP {reply.status} à une question. Nous redemanderons."
            )
        raise problem

    def ask_object(self, request: Request) -> tuple[dict[str, object], bytes]:
        """Ask a question whose answer is a JSON object. Raises NotSent."""
        reply = self.ask(request)
        answer = read_object(reply.content)
        if reply.status == 404 or answer is None:
            raise NotSent(f"{PA} n’a pas donné de réponse lisible à une question. Nous redemanderons.")
        return answer, reply.content

    def deposit(self, request: Request, *, until: float) -> Reply:
        """Hand something over, at the latest until that monotonic instant. Raises NotSent, OutcomeUnknown.

        Answers that say certainly nothing was taken (401, 403, 404, 429, 503) are NotSent; any other is given back.
        """
        reply = self._authorised(self._deposits, request, until=until)
        problem = not_sent_by_status(reply)
        if problem is not None:
            raise problem
        return reply

    def _authorised(self, client: httpx.Client, request: Request, *, until: float) -> Reply:
        """Send with a token; renew it once when it is refused: a 401 is answered before the document is looked at."""
        for attempt in (1, 2):
            headers = {
                "Authorization": f"Bearer {self._current_token(until=until)}",
                "Accept": "application/json, application/octet-stream, */*",
                "Request-Id": str(uuid4()),
            }
            if request.media_type:
                headers["Content-Type"] = request.media_type
            if self._account.organization_id:
                headers["Organization-Id"] = self._account.organization_id
            reply = self._exchange(client, request, headers=headers, until=until)
            if reply.status != 401 or attempt == 2:
                return reply
            self._token = ""
        raise AssertionError("unreachable")

    def _current_token(self, *, until: float) -> str:
        if self._token and time.monotonic() < self._token_ends:
            return self._token
        fields = {
            "grant_type": "client_credentials",
            "client_id": self._account.client_id,
            "client_secret": self._account.client_secret,
        }
        if self._account.scope:
            fields["scope"] = self._account.scope
        request = Request(
            method="POST",
            url=self._account.token_url,
            content=str(httpx.QueryParams(fields)).encode("ascii"),
            media_type="application/x-www-form-urlencoded",
        )
        headers = {"Content-Type": request.media_type, "Accept": "application/json"}
        asked = time.monotonic()
        try:
            reply = self._exchange(self._questions, request, headers=headers, until=until)
        except OutcomeUnknown:
            problem = NotSent(
                "Le service de jetons de la plateforme agréée ne répond pas. Rien n’a été envoyé ; nous réessaierons."
            )
        else:
            token = _read_token(reply)
            if not isinstance(token, NotSent):
                self._token, seconds = token
                # Renewed early, so that no token dies on the way; a very short-lived one serves for half its life.
                self._token_ends = asked + max(seconds - 120, seconds / 2)
                return self._token
            problem = token
        raise problem

    def _exchange(self, client: httpx.Client, request: Request, *, headers: dict[str, str], until: float) -> Reply:
        """Send once and read the whole answer within the time left. Raises NotSent, OutcomeUnknown."""
        left = min(until - time.monotonic(), self._account.timeout)
        if left <= 0:
            raise NotSent("Le temps accordé était écoulé avant l’envoi. Rien n’a été envoyé ; nous réessaierons.")
        ends = time.monotonic() + left
        headers = {**headers, "Accept-Encoding": "identity"}
        content = request.content
        if request.method != "GET":
            headers["Content-Length"] = str(len(content))
        most = MAX_DOWNLOAD if request.method == "GET" else MAX_ANSWER
        problem: NotSent | OutcomeUnknown
        try:
            with client.stream(
                request.method,
                request.url,
                headers=headers,
                content=(content[start : start + PIECE] for start in range(0, len(content), PIECE))
                if content
                else None,
                timeout=httpx.Timeout(left, connect=min(CONNECT_SECONDS, left)),
            ) as response:
                received = bytearray()
                for chunk in response.iter_raw():
                    received += chunk
                    if len(received) > most or time.monotonic() > ends:
                        raise OutcomeUnknown("La réponse de la plateforme agréée n’en finit pas ; nous l’avons coupée.")
                return Reply(status=response.status_code, content=bytes(received))
        except NOT_CONNECTED as error:
            problem = NotSent(f"{PA} est injoignable ({_name(error)}). Rien n’a été envoyé ; nous réessaierons.")
        except httpx.HTTPError as error:
            problem = OutcomeUnknown(f"{PA} n’a pas donné de réponse lisible ({_name(error)}).")
        raise problem


def not_sent_by_status(reply: Reply) -> NotSent | None:
    """Tell the answers by which nothing was taken, from HTTP status alone; None for the others."""
    match reply.status:
        case 401:
            return NotSent(
                f"{PA} refuse la connexion (401) : les identifiants sont faux, expirés ou d’un autre environnement. "
                "Vérifiez les réglages de la plateforme agréée.",
                precondition=True,
            )
        case 403:
            return NotSent(
                f"{PA} refuse l’accès (403) : ce compte n’a pas le droit d’envoyer pour cette organisation. "
                "Demandez-le à votre plateforme, puis réessayez.",
                precondition=True,
            )
        case 404:
            return NotSent(
                f"{PA} ne connaît pas l’adresse demandée (404). Vérifiez l’adresse et la version de l’API dans les "
                "réglages.",
                precondition=True,
            )
        case 429:
            return NotSent(f"{PA} demande d’attendre (429) : trop d’appels. Nous réessaierons plus tard.")
        case 503:
            return NotSent(f"{PA} est momentanément fermée (503). Nous réessaierons plus tard.")
    return None


def multipart(info: dict[str, object], *, filename: str, media_type: str, content: bytes) -> tuple[bytes, str]:
    """Put `flowInfo` and `file` in one body; the second value is its media type. The boundary is in neither part."""
    head = json.dumps(info, ensure_ascii=False, separators=(",", ":")).encode()
    boundary = f"faitfoi-{uuid4().hex}"
    safe = filename.replace("\\", "_").replace('"', "_").replace("\r", "_").replace("\n", "_")
    body = b"".join(
        (
            f'--{boundary}\r\nContent-Disposition: form-data; name="flowInfo"\r\n'.encode(),
            b"Content-Type: application/json\r\n\r\n",
            head,
            f'\r\n--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{safe}"\r\n'.encode(),
            f"Content-Type: {media_type}\r\n\r\n".encode(),
            content,
            f"\r\n--{boundary}--\r\n".encode(),
        )
    )
    return body, f"multipart/form-data; boundary={boundary}"


def _read_token(reply: Reply) -> tuple[str, float] | NotSent:
    answer = read_object(reply.content) or {}
    if reply.status in {400, 401, 403}:
        return NotSent(
            f"{PA} refuse les identifiants (client_id et client_secret). Vérifiez-les dans les réglages.",
            precondition=True,
        )
    token, seconds = answer.get("access_token"), answer.get("expires_in", 60)
    if reply.status != 200 or not isinstance(token, str) or not token or not (token.isascii() and token.isprintable()):
        return NotSent(f"{PA} n’a pas donné de jeton utilisable. Rien n’a été envoyé ; nous réessaierons.")
    usable = isinstance(seconds, int | float) and not isinstance(seconds, bool) and seconds > 0
    return token, float(seconds) if usable else 60.0  # type: ignore[arg-type]  # narrowed by `usable`


def _name(error: Exception) -> str:
    """Name what failed without its text, which may quote what was sent."""
    return type(error).__name__
