"""What the simulated relay remembers: messages taken, messages refused, notifications, planned faults."""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import Message

from faitfoi.simulators.control import Clock, FaultKind, Faults
from faitfoi.simulators.loopback import Body
from faitfoi.simulators.smtp_notices import Envelope, Outbox, read_xtext


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """One attachment of a message received."""

    filename: str
    media_type: str
    sha256: str
    size: int


@dataclass(slots=True, kw_only=True)
class Received:
    """One message taken. `answer`: taken, garbage, duplicate, or lost, which it is until an answer is written."""

    message_id: str
    mail_from: str
    rcpt_to: str
    subject: str
    envid: str
    ret: str
    notify: str
    orcpt: str
    at: datetime
    size: int
    sha256: str
    attachments: tuple[Joined, ...]
    answer: str = "lost"


class Book:
    """The relay's memory, shared by its sessions and its control address. Thread-safe."""

    def __init__(
        self, *, faults: Faults, clock: Clock, outbox: Outbox, planned: Callable[[], None], keep: bool
    ) -> None:
        self.faults = faults
        self.raw: list[bytes] = []
        self._clock = clock
        self._outbox = outbox
        self._planned = planned
        self._keep = keep
        self._lock = threading.Lock()
        self._received: list[Received] = []
        self._refused: list[Body] = []

    @property
    def received(self) -> tuple[Received, ...]:
        """Every message taken, oldest first, those whose answer was lost too."""
        with self._lock:
            return tuple(self._received)

    def take(self, content: bytes, envelope: Envelope) -> Received:
        """Record a message."""
        message = message_from_bytes(content, policy=policy.compat32)  # a relay reads no more than it must
        received = Received(
            message_id=str(message.get("Message-ID", "")).strip(),
            mail_from=envelope.mail_from,
            rcpt_to=envelope.recipient,
            subject=str(make_header(decode_header(message.get("Subject", "")))),
            envid=read_xtext(envelope.envid),
            ret=envelope.ret,
            notify=envelope.notify,
            orcpt=envelope.orcpt,
            at=self._clock.now(),
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            attachments=_attachments(message),
        )
        with self._lock:
            self._received.append(received)
            if self._keep:
                self.raw.append(content)
        return received

    def plan(self, received: Received, envelope: Envelope, *, headers: bytes, times: int) -> None:
        """Queue the notifications about a message taken, each so many times."""
        self._outbox.put(envelope, message_id=received.message_id, original_headers=headers, times=times)
        self._planned()

    def refuse(self, step: str, reply: str, envelope: Envelope) -> None:
        """Record what was not taken, and with which reply."""
        refusal: Body = {
            "step": step,
            "reply": reply,
            "mail_from": envelope.mail_from,
            "rcpt_to": envelope.recipient,
            "envid": read_xtext(envelope.envid),
            "at": self._clock.now().isoformat(),
        }
        with self._lock:
            self._refused.append(refusal)

    def strikes_at(self, kind: FaultKind, step: str) -> str | None:
        """Give the `code` (perhaps empty) of a fault of this kind planned for this very step, when one strikes."""
        if not any(fault["kind"] == kind and fault["on"] == step for fault in self.faults.left()):
            return None
        fault = self.faults.take(kind, on=step)
        return None if fault is None else fault.code

    def told(self) -> Body:
        """Everything, as JSON values."""
        with self._lock:
            messages = [asdict(received) | {"at": received.at.isoformat()} for received in self._received]
            refused = list(self._refused)
        return {
            "messages": messages,
            "refused": refused,
            "notices": self._outbox.sent(),
            "waiting": self._outbox.waiting(),
        }

    def clear(self) -> None:
        """Forget everything but the faults."""
        self._outbox.clear()
        with self._lock:
            self._received.clear()
            self._refused.clear()
            self.raw.clear()


def _attachments(message: Message) -> tuple[Joined, ...]:
    joined = []
    for part in message.walk():
        content = part.get_payload(decode=True)
        if part.get_content_disposition() != "attachment" or not isinstance(content, bytes):
            continue
        joined.append(
            Joined(
                filename=part.get_filename() or "",
                media_type=part.get_content_type(),
                sha256=hashlib.sha256(content).hexdigest(),
                size=len(content),
            )
        )
    return tuple(joined)
