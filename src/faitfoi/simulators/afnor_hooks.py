"""The webhooks of the simulated plateforme agréée: kept, listed, removed, and called when a flow is published.

The signature is HMAC-SHA256(key, SHA-256(body + "@" + timestamp)); whether the digest enters it raw or as hex is a
switch (`digest`), since the contract leaves that open.
"""

import base64
import hashlib
import hmac
import json
import secrets
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

from faitfoi.simulators.afnor_request import Rejected, read_json
from faitfoi.simulators.afnor_state import stamp
from faitfoi.simulators.control import Clock
from faitfoi.simulators.loopback import Body

WAIT = 5.0


@dataclass(slots=True, kw_only=True)
class Hook:
    """One webhook. `refused` counts the calls that were not answered 200."""

    identifier: str
    key: bytes = field(repr=False)
    created: datetime
    params: Body
    called: int = 0
    refused: int = 0


class Hooks:
    """All webhooks. Thread-safe."""

    def __init__(self, clock: Clock, *, digest: str = "raw") -> None:
        self.clock = clock
        self.digest = digest
        self.lock = threading.Lock()
        self.hooks: dict[str, Hook] = {}

    def forget(self) -> None:
        """Remove all of them."""
        with self.lock:
            self.hooks.clear()

    def manage(self, method: str, path: str, content: bytes) -> tuple[int, Body | None]:
        """List, create or remove; gives status and body. Raises Rejected."""
        identifier = path.rpartition("/webhooks")[2].strip("/")
        with self.lock:
            if method == "GET" and not identifier:
                told = [self._told(hook) for hook in self.hooks.values()]
                return 200, {"count": len(told), "webhooks": told, "webhookIds": [one["webhookId"] for one in told]}
            if method == "DELETE" and identifier in self.hooks:
                del self.hooks[identifier]
                return 204, None
            if method == "POST" and not identifier:
                return 201, self._create(read_json(content))
        raise Rejected(404, "MISSING_RESOURCE", "no such webhook")

    def _create(self, params: Body) -> Body:
        address = params.get("callbackUrl")
        if not isinstance(address, str) or not address.startswith(("http://", "https://")):
            raise Rejected(400, "MISSING_REQUIRED_FIELD", "callbackUrl is required")
        hook = Hook(identifier=str(uuid4()), key=secrets.token_bytes(32), created=self.clock.now(), params=params)
        self.hooks[hook.identifier] = hook
        return {
            "webhookId": hook.identifier,
            "signingKey": base64.b64encode(hook.key).decode(),
            "createdAt": stamp(hook.created),
        }

    def _told(self, hook: Hook) -> Body:
        return {"webhookId": hook.identifier, "createdAt": stamp(hook.created), **hook.params}

    def tell(self, flow: Body) -> None:
        """Call every webhook that wants to hear of this flow."""
        with self.lock:
            wanted = [hook for hook in self.hooks.values() if _wants(hook.params, flow)]
        for hook in wanted:
            threading.Thread(target=self._call, args=(hook, flow), daemon=True).start()

    def _call(self, hook: Hook, flow: Body) -> None:
        body = json.dumps(flow, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", **self.signed(hook.key, body)}
        request = urllib.request.Request(str(hook.params["callbackUrl"]), data=body, headers=headers)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=WAIT) as answer:  # noqa: S310  # http or https, checked
                taken = answer.status == 200
        except (urllib.error.URLError, OSError):
            taken = False
        with self.lock:
            hook.called += 1
            hook.refused += not taken

    def signed(self, key: bytes, body: bytes) -> dict[str, str]:
        """Make the two headers that sign a call."""
        timestamp = str(int(self.clock.now().timestamp()))
        digest = hashlib.sha256(body + b"@" + timestamp.encode())
        message = digest.digest() if self.digest == "raw" else digest.hexdigest().encode()
        signature = base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()
        return {"Afnor-Signature": signature, "Afnor-Signature-Timestamp": timestamp}


def _wants(params: Body, flow: Body) -> bool:
    kinds = params.get("flowTypes")
    if isinstance(kinds, list) and kinds and flow.get("flowType") not in kinds:
        return False
    if params.get("flowDirection") and params["flowDirection"] != flow.get("flowDirection"):
        return False
    acknowledgement = flow.get("acknowledgement")
    status = acknowledgement.get("status") if isinstance(acknowledgement, dict) else ""
    return not params.get("ackStatus") or params["ackStatus"] == status
