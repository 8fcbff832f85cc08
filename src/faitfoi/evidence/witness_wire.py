"""The witness across a wire: the door by which a journal asks one, and the small server that answers for one."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from faitfoi.evidence.asking import NoAnswer, ask
from faitfoi.evidence.note import KeyType, NoteRefused, Signer, Verifier
from faitfoi.evidence.witness import TEXT, Answer, Witness

LARGEST_REQUEST = 128 * 1024
PATH = "/add-checkpoint"
_NAME = re.compile(r"[^\s+]+")


class WitnessSilent(Exception):
    """The witness did not answer, or answered what no witness says; the message is a French sentence."""


class Door(Protocol):
    """Who is asked to cosign a checkpoint, wherever it is."""

    def ask(self, body: bytes, *, at: datetime) -> Answer:
        """What the witness says of `add-checkpoint`. Raises WitnessSilent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NearWitness:
    """A witness in a folder of this machine: it sees a restored database, not a restored machine."""

    witness: Witness

    def ask(self, body: bytes, *, at: datetime) -> Answer:
        """See `Door`."""
        return self.witness.add_checkpoint(body, at=at)


@dataclass(frozen=True, slots=True, kw_only=True)
class FarWitness:
    """A witness at an address, given `timeout` seconds to answer."""

    url: str
    timeout: float = 5.0

    def ask(self, body: bytes, *, at: datetime) -> Answer:  # noqa: ARG002  # it has its own clock
        """See `Door`."""
        try:
            answer = ask(f"{self.url.rstrip('/')}{PATH}", body, timeout=self.timeout, largest=LARGEST_REQUEST)
        except NoAnswer as error:
            raise WitnessSilent(f"Le témoin {self.url} ne répond pas ({error}).") from error
        if answer.status >= 500:
            raise WitnessSilent(f"Le témoin {self.url} est en panne (HTTP {answer.status}).")
        return Answer(status=answer.status, body=answer.content, content_type=answer.content_type)


def open_witness(folder: Path, *, name: str, key: bytes, logs: tuple[str, ...]) -> Witness:
    """The witness `name` whose memory is in `folder`, with its Ed25519 key (32 bytes) and the journals it serves.

    `logs` are their verifier keys (`Verifier.vkey`). Raises NoteRefused for one that is not.
    """
    if not _NAME.fullmatch(name):
        raise NoteRefused(f"« {name} » ne peut pas être le nom d’un témoin : ni espace ni « + ».")
    signer = Signer(name=name, key=Ed25519PrivateKey.from_private_bytes(key), kind=KeyType.WITNESS)
    known = [Verifier.parse(vkey) for vkey in logs]
    return Witness(folder, signer=signer, logs={log.name: log for log in known})


def witness_server(
    witness: Witness,
    *,
    host: str,
    port: int,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),  # noqa: TID251
) -> ThreadingHTTPServer:
    """A server that answers `POST /add-checkpoint` for a witness; the caller runs and closes it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def do_POST(self) -> None:
            try:
                length = int(self.headers.get("Content-Length", ""))
            except ValueError:
                length = -1
            if self.path != PATH:
                self._say(Answer(status=404, body=b"POST /add-checkpoint\n"))
            elif not 0 <= length <= LARGEST_REQUEST:
                self._say(Answer(status=400, body=b"A Content-Length of at most 128 KiB is needed.\n"))
            else:
                self._say(witness.add_checkpoint(self.rfile.read(length), at=now()))

        def _say(self, answer: Answer) -> None:
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type or TEXT)
            self.send_header("Content-Length", str(len(answer.body)))
            if answer.status == 400:
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Stay silent: what matters is in the memory."""

    return ThreadingHTTPServer((host, port), Handler)
