"""A key at a remote signing service, by the API of the Cloud Signature Consortium 1.0.4, through pyHanko's client.

Bearer token → `credentials/info` once → for each seal `credentials/authorize` (the activation data, bound to the hash)
and `signatures/signHash`. The service sees digests only. A signature whose answer is lost is worth nothing to anybody:
asking again costs one signature, and seals nothing twice.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

from cryptography import x509

from faitfoi.evidence.keys import KeyRefused, SealKey, SignerSilent
from faitfoi.evidence.signers.judged import judged_key

REQUIRED = ("url", "credential")
PATIENCE = 20.0  # seconds for one call
EARLY = 30.0
"""Seconds before its end when a bearer token is no longer used: it must outlive the call it is for."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

Value = TypeVar("Value")


def check_csc(values: Mapping[str, str]) -> None:
    """Raise KeyRefused when the settings cannot serve.

    `url` (the service's base, before /csc/v1) and `credential` (its identifier there), then either `token` (a bearer)
    or `client_id` and `client_secret` (OAuth 2.0 client credentials); `pin` when the credential has one; `timeout`.
    """
    if missing := [name for name in REQUIRED if not values.get(name)]:
        raise KeyRefused(f"Il manque des réglages du service de signature : {', '.join(missing)}.")
    if not values.get("token") and not (values.get("client_id") and values.get("client_secret")):
        raise KeyRefused("Il manque l’accès au service de signature : token, ou client_id et client_secret.")
    parts = urlsplit(values["url"])
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise KeyRefused(f"L’adresse du service de signature doit commencer par https:// : « {values['url']} ».")
    try:
        patience = float(values.get("timeout", PATIENCE))
    except ValueError:
        patience = 0.0
    if not 0 < patience <= 300:
        raise KeyRefused(f"timeout : « {values['timeout']} » n’est pas un nombre de secondes entre 0 et 300.")


def open_csc(values: Mapping[str, str]) -> SealKey:
    """The key of a credential. Raises KeyRefused for settings or a key that cannot serve, SignerSilent.

    Its `sign` raises SignerSilent when the service is down, slow, or says no, and SignerRefused when it signs something
    else.
    """
    check_csc(values)
    service = _Service(values=dict(values))
    certificate, *chain = service.certificates()
    return judged_key(certificate, chain, service.sign, where=f"Le service de signature {service.host}")


@dataclass(slots=True, kw_only=True)
class _Service:
    values: dict[str, str] = field(repr=False)
    turn: threading.Lock = field(default_factory=threading.Lock)
    bearer: str = field(default="", repr=False)
    bearer_until: float = 0.0
    credential: Any = None

    @property
    def host(self) -> str:
        return urlsplit(self.values["url"]).netloc.rpartition("@")[2]

    @property
    def patience(self) -> float:
        return float(self.values.get("timeout", PATIENCE))

    def certificates(self) -> list[x509.Certificate]:
        with self.turn:
            self.credential = self._asked(self._info)
        held = (self.credential.signing_cert, *self.credential.chain)
        try:
            return [x509.load_der_x509_certificate(each.dump()) for each in held]
        except ValueError as error:
            raise KeyRefused(f"Le service de signature {self.host} donne un certificat illisible.") from error

    def sign(self, data: bytes) -> bytes:
        with self.turn:
            return self._asked(lambda session: self._signed(session, data))

    def _asked(self, question: Callable[[Any], Awaitable[Value]]) -> Value:
        """Ask; once more with a new bearer token when the one we had may have ended before its time."""
        had_bearer = bool(self.bearer) and not self.values.get("token")
        try:
            return self._once(question)
        except SignerSilent:
            if not had_bearer:
                raise
        self.bearer = ""
        return self._once(question)

    def _once(self, question: Callable[[Any], Awaitable[Value]]) -> Value:
        aiohttp, signing_error = _client()

        async def whole() -> Value:
            # No proxy, no cookie, no redirect that another host could have set up for us.
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self.patience)) as session:
                await self._renew_bearer(session)
                return await question(session)

        try:
            return asyncio.run(whole())
        except TimeoutError as error:
            raise self._silent(f"pas de réponse en {self.patience:g} s") from error
        except (signing_error, aiohttp.ClientError, OSError) as error:
            raise self._silent(_said(error)) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._silent("réponse illisible") from error

    async def _renew_bearer(self, session: Any) -> None:
        if self.values.get("token"):
            self.bearer = self.values["token"]
            return
        if self.bearer and time.monotonic() < self.bearer_until:
            return
        form = {
            "grant_type": "client_credentials",
            "client_id": self.values["client_id"],
            "client_secret": self.values["client_secret"],
        }
        url = f"{self.values['url'].rstrip('/')}/csc/v1/oauth2/token"
        async with session.post(url, json=form, raise_for_status=True, allow_redirects=False) as answer:
            told = await answer.json()
        self.bearer = str(told["access_token"])
        self.bearer_until = time.monotonic() + float(told.get("expires_in", 3600)) - EARLY

    def _session_info(self) -> Any:
        from pyhanko.sign.signers.csc_signer import CSCServiceSessionInfo

        return CSCServiceSessionInfo(
            service_url=self.values["url"].rstrip("/"),
            credential_id=self.values["credential"],
            oauth_token=self.bearer,
        )

    async def _info(self, session: Any) -> Any:
        from pyhanko.sign.signers.csc_signer import fetch_certs_in_csc_credential

        return await fetch_certs_in_csc_credential(session, self._session_info(), timeout=int(self.patience) or 1)

    async def _signed(self, session: Any, data: bytes) -> bytes:
        from pyhanko.sign.signers.csc_signer import CSCSigner

        manager = _manager(session, self._session_info(), self.credential, pin=self.values.get("pin"))
        signer = CSCSigner(session, manager, sign_timeout=int(self.patience) or 1)
        return bytes(await signer.async_sign_raw(data, "sha256"))

    def _silent(self, why: str) -> SignerSilent:
        return SignerSilent(
            f"Le service de signature {self.host} n’a pas signé ({why}). Les factures attendent et seront scellées dès "
            "qu’il répondra ; si cela dure, vérifiez ses réglages (faitfoi seal use csc)."
        )


def _manager(session: Any, info: Any, credential: Any, *, pin: str | None) -> Any:
    """One that asks for activation data bound to the very hashes that will be signed (SCAL 2 wants it, SCAL 1 may)."""
    from pyhanko.sign.signers.csc_signer import CSCAuthorizationManager

    class Manager(CSCAuthorizationManager):
        async def authorize_signature(self, hash_b64s: list[str]) -> Any:
            asked = self.format_csc_auth_request(pin=pin, hash_b64s=hash_b64s)
            url: str = info.endpoint_url("credentials/authorize")
            async with session.post(
                url, headers=self.auth_headers, json=asked, raise_for_status=True, allow_redirects=False
            ) as answer:
                return self.parse_csc_auth_response(await answer.json())

    return Manager(csc_session_info=info, credential_info=credential)


def _client() -> tuple[Any, type[Exception]]:
    try:
        import logging

        import aiohttp
        from pyhanko.sign.general import SigningError
    except ImportError as error:
        raise KeyRefused("Il manque pyHanko pour signer à distance : installez « faitfoi[server,seal] ».") from error
    # It prints the trace of every failure, which is ours to tell in a sentence.
    logging.getLogger("pyhanko.sign.signers.csc_signer").setLevel(logging.CRITICAL)
    return aiohttp, SigningError


def _said(error: Exception) -> str:
    """The reason without what the other side wrote: an HTTP status or the kind of failure."""
    cause = error.__cause__ or error
    status = getattr(cause, "status", None)
    return f"HTTP {status}" if status else type(cause).__name__
