"""The exchanges with a plateforme agréée: JSON and multipart, several services behind one account.

French contracts §2.1; what an exchange leaves certain is `channels.http_wire`'s.
"""

import json
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit
from uuid import uuid4

from faitfoi.channels.contract import NotSent
from faitfoi.channels.http_wire import LOOPBACK_HOSTS, Environment, OtherSide, Reply, Request, Wire, read_object

MAX_DOWNLOAD = 110 * 1024 * 1024  # a flow is 100 MB at most
ANSWERED = frozenset({200, 201, 204, 404})
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


class Connection:
    """Speaks to one plateforme agréée with one account; keeps its token between calls. One thread."""

    def __init__(self, account: Account) -> None:
        self.environment = read_environment(account)
        self._account = account
        self._wire = Wire(_other_side(account), timeout=account.timeout, environment=self.environment)

    def close(self) -> None:
        """Give back connections, forget the token."""
        self._wire.close()

    def flow_url(self, path: str) -> str:
        """Give the address of a path of the Flow Service."""
        return f"{self._account.api_url.rstrip('/')}/{path.strip('/')}"

    def directory_url(self, path: str) -> str:
        """Give the address of a path of the Directory Service."""
        return f"{self._account.directory_url.rstrip('/')}/{path.strip('/')}"

    def ask(self, request: Request, *, also: frozenset[int] = frozenset()) -> Reply:
        """Ask a question and give a 2xx, a 404 or an `also` answer whole. Raises NotSent for all others."""
        if request.method == "GET":
            request = replace(request, most=MAX_DOWNLOAD)
        return self._wire.ask(request, headers=self._headers(), expected=ANSWERED | also)

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
        return self._wire.deposit(request, headers=self._headers(), until=until)

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": "application/json, application/octet-stream, */*", "Request-Id": str(uuid4())}
        if self._account.organization_id:
            headers["Organization-Id"] = self._account.organization_id
        return headers


def _other_side(account: Account) -> OtherSide:
    form = {
        "grant_type": "client_credentials",
        "client_id": account.client_id,
        "client_secret": account.client_secret,
    }
    return OtherSide(
        name=PA,
        of="de la plateforme agréée",
        issuer=PA,
        of_issuer="de la plateforme agréée",
        wrong_client=f"{PA} refuse les identifiants (client_id et client_secret). Vérifiez-les dans les réglages.",
        token_url=account.token_url,
        token_form={**form, "scope": account.scope} if account.scope else form,
        not_sent=not_sent_by_status,
    )


def not_sent_by_status(status: int) -> NotSent | None:
    """Tell the answers by which nothing was taken, from HTTP status alone; None for the others."""
    match status:
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
