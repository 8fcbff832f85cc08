"""The exchanges with Chorus Pro by PISTE: JSON in an envelope, and two accounts in each request.

French contracts §1.1; what an exchange leaves certain is `channels.http_wire`'s.
"""

import base64
import json
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from faitfoi.channels.contract import NotSent
from faitfoi.channels.http_wire import LOOPBACK_HOSTS, Environment, OtherSide, Reply, Request, Wire, read_object

PISTE_HOSTS = {
    "oauth.piste.gouv.fr": "production",
    "api.piste.gouv.fr": "production",
    "sandbox-oauth.piste.gouv.fr": "qualification",
    "sandbox-api.piste.gouv.fr": "qualification",
}
ANSWERED = frozenset({200})


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


class BusinessError(Exception):
    """Chorus Pro answered 200 with codeRetour ≠ 0."""

    def __init__(self, code: str, label: str, raw: bytes) -> None:
        super().__init__(f"codeRetour {code}")
        self.code = code
        self.label = label
        self.raw = raw

    @property
    def quoted(self) -> str:
        """The code, and what they wrote beside it."""
        return f"{self.code} : « {self.label[:500]} »" if self.label else self.code


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


class Connection:
    """Speaks to one Chorus Pro environment with one account; keeps its token between calls. One thread."""

    def __init__(self, account: Account) -> None:
        self.environment = read_environment(account.api_url, account.token_url)
        self.login = account.technical_login
        self._api = account.api_url.rstrip("/")
        technical = f"{account.technical_login}:{account.technical_password}".encode()
        self._headers = {
            "cpro-account": base64.b64encode(technical).decode("ascii"),
            "Accept": "application/json",
        }
        self._wire = Wire(_other_side(account), timeout=account.timeout, environment=self.environment)

    def close(self) -> None:
        """Give back connections, forget the token."""
        self._wire.close()

    def ask(
        self, operation: str, body: dict[str, object], *, until: float | None = None, enveloped: bool = True
    ) -> tuple[dict[str, object], bytes]:
        """Ask a question, at the latest until that monotonic instant; the answer, read and as received.

        An answer that is not `enveloped` may lack codeRetour. Raises NotSent, or BusinessError.
        """
        request = self._request(operation, body)
        reply = self._wire.ask(request, headers=self._headers, expected=ANSWERED, until=until)
        return self._read_answer(reply, enveloped=enveloped)

    def deposit(self, operation: str, body: dict[str, object], *, until: float) -> Reply:
        """Hand one document over, at the latest until that monotonic instant. Raises NotSent, OutcomeUnknown.

        Answers that say certainly nothing was taken (401, 403, 404, 429, 503) are NotSent; any other is given back.
        """
        return self._wire.deposit(self._request(operation, body), headers=self._headers, until=until)

    def _request(self, operation: str, body: dict[str, object]) -> Request:
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        url = f"{self._api}/{operation}"
        return Request(method="POST", url=url, content=content, media_type="application/json;charset=utf-8")

    def _read_answer(self, reply: Reply, *, enveloped: bool) -> tuple[dict[str, object], bytes]:
        answer = read_object(reply.content)
        if answer is not None and not enveloped:
            answer.setdefault("codeRetour", 0)
        if answer is None or not isinstance(answer.get("codeRetour"), int):
            raise NotSent("La réponse de Chorus Pro est illisible. Nous redemanderons.")
        if answer["codeRetour"] != 0:
            raise BusinessError(str(answer["codeRetour"]), str(answer.get("libelle") or ""), reply.content)
        return answer, reply.content


def _other_side(account: Account) -> OtherSide:
    return OtherSide(
        name="Chorus Pro",
        of="de Chorus Pro",
        issuer="PISTE",
        of_issuer="de PISTE",
        wrong_client="PISTE refuse les identifiants de l’application (client_id et client_secret). "
        "Vérifiez-les dans les réglages de Chorus Pro.",
        token_url=account.token_url,
        token_form={
            "grant_type": "client_credentials",
            "client_id": account.client_id,
            "client_secret": account.client_secret,
            "scope": "openid",
        },
        not_sent=not_sent_by_status,
    )


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
