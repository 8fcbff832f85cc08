"""Requests to restore, and what people said of them: files, since the journal cannot grow while it is wrong.

Each is written once. An approval covers the SHA-256 of the request's bytes, so nobody approves one list and runs
another.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings

from faitfoi.evidence.leaves import canonical
from faitfoi.evidence.witness_held import write_whole

VALID_FOR = timedelta(hours=24)
_NAME = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}")


class CannotRestore(Exception):
    """What was asked cannot be done; the message is a French sentence with the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One person's approval or refusal of a request, with the SHA-256 of the bytes that they were shown."""

    who: str
    at: datetime
    request_sha256: str
    refused: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it was written, what was said of it, and when it was carried out."""

    name: str
    body: bytes
    facts: Mapping[str, Any]
    said: tuple[Said, ...]
    done_at: datetime | None

    @property
    def sha256(self) -> str:
        """What approvals cover."""
        return hashlib.sha256(self.body).hexdigest()

    @property
    def refused(self) -> bool:
        """Whether somebody has refused it: that ends it."""
        return any(each.refused for each in self.said)

    def approvals(self, at: datetime) -> list[Said]:
        """Those that hold at an instant: over these very bytes, by another person, not expired."""
        return [each for each in self.said if self._holds(each, at)]

    def _holds(self, said: Said, at: datetime) -> bool:
        fresh = timedelta(0) <= at - said.at < VALID_FOR
        return fresh and not said.refused and said.request_sha256 == self.sha256 and said.who != self.facts["by"]


def restores() -> Path:
    """The folder of the requests."""
    return Path(settings.FAITFOI_HOME) / "restore"


def write_request(name: str, facts: Mapping[str, object]) -> Request:
    """Write a request down; it is never changed afterwards."""
    folder = restores() / name
    folder.mkdir(mode=0o700, parents=True)
    write_whole(folder / "request.json", canonical(dict(facts)))
    return read_request(name)


def write_said(request: Request, said: Said) -> None:
    """Keep what somebody said of a request."""
    facts = {
        "at": said.at.isoformat(),
        "by": said.who,
        "reason": said.reason,
        "request_sha256": said.request_sha256,
        "verdict": "refused" if said.refused else "approved",
    }
    kind = "refusal" if said.refused else "approval"
    digest = hashlib.sha256(canonical(facts)).hexdigest()[:12]
    write_whole(restores() / request.name / f"{kind}-{digest}.json", canonical(facts))


def write_done(request: Request, at: datetime) -> None:
    """Keep that a request was carried out."""
    write_whole(restores() / request.name / "done.json", canonical({"at": at.isoformat()}))


def read_request(name: str) -> Request:
    """The request of that name. Raises CannotRestore when there is none, or it does not read."""
    folder = restores() / name
    if not _NAME.fullmatch(name) or not (folder / "request.json").exists():
        raise CannotRestore(
            f"Aucune demande de remise en état ne s’appelle « {name} » : voyez « faitfoi restore status »."
        )
    try:
        body = (folder / "request.json").read_bytes()
        said = sorted((_said(path) for path in folder.glob("*al-*.json")), key=lambda each: each.at)
        done = folder / "done.json"
        done_at = datetime.fromisoformat(json.loads(done.read_bytes())["at"]) if done.exists() else None
        return Request(name=name, body=body, facts=json.loads(body), said=tuple(said), done_at=done_at)
    except (ValueError, KeyError) as error:
        raise CannotRestore(
            f"La demande {name} a été abîmée ({folder}) : refusez-la, et faites-en une autre."
        ) from error


def all_requests() -> list[Request]:
    """Every request, oldest first."""
    names = sorted(path.parent.name for path in restores().glob("*/request.json"))
    return [read_request(name) for name in names]


def _said(path: Path) -> Said:
    told = json.loads(path.read_bytes())
    return Said(
        who=told["by"],
        at=datetime.fromisoformat(told["at"]),
        request_sha256=told["request_sha256"],
        refused=told["verdict"] != "approved",
        reason=told["reason"],
    )
