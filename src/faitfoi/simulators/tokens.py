"""The tokens that a simulated service gives by OAuth2 client credentials, and knows again until they end."""

import secrets
import time
from collections.abc import Mapping
from urllib.parse import parse_qs

from faitfoi.simulators.loopback import Body

REVOKED = "revoque"
_BEARER = "Bearer "


class Tokens:
    """Gives tokens that live `seconds` of real time, to anybody, or only to `clients` (client_id → secret).

    A client_id that begins with `revoque` never gets one.
    """

    def __init__(self, *, clients: Mapping[str, str] | None = None, seconds: int = 3600) -> None:
        self._clients = clients
        self._seconds = seconds
        self._alive: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._alive)

    def give(self, form: bytes) -> tuple[int, Body]:
        """Answer a token request (RFC 6749 §4.4): HTTP status and body."""
        asked = parse_qs(form.decode("ascii", errors="replace"))
        client, secret = (asked.get(name, [""])[0] for name in ("client_id", "client_secret"))
        if asked.get("grant_type") != ["client_credentials"]:
            return 400, {"error": "unsupported_grant_type", "error_description": "grant_type"}
        known = self._clients is None or self._clients.get(client) == secret
        if not client or not secret or not known or client.startswith(REVOKED):
            return 400, {"error": "invalid_client", "error_description": "Invalid client identifier or secret"}
        token = secrets.token_urlsafe(24)
        self._alive[token] = time.monotonic() + self._seconds
        answer: Body = {"access_token": token, "token_type": "Bearer", "expires_in": self._seconds}
        if "scope" in asked:
            answer["scope"] = asked["scope"][0]
        return 200, answer

    def knows(self, header: str) -> bool:
        """Tell whether an Authorization header carries a token still alive."""
        return self._alive.get(header.removeprefix(_BEARER), 0.0) > time.monotonic()

    def forget(self, header: str) -> None:
        """Let the token of an Authorization header die before its time."""
        self._alive.pop(header.removeprefix(_BEARER), None)

    def expire(self, _: Body) -> Body:
        """Let all of them die: a control command."""
        count = len(self._alive)
        self._alive.clear()
        return {"expired": count}
