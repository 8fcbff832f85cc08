"""What the simulated relay tells senders afterwards: delivery status notifications (RFC 3464), by SMTP or LMTP.

A recipient's local part decides its fate: `absent…` does not exist (5.1.1), `pleine…` is full (delayed 4.2.2, then
failed 5.2.2), `filtre…` turns the message away for what it is (5.7.1), of `sans-reponse…` nothing is ever heard,
anybody else receives, and says so when NOTIFY=SUCCESS was asked (RFC 3461).
"""

import heapq
import re
import smtplib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from itertools import count

HOSTNAME = "relais.example"
SILENT = "sans-reponse"
FULL_WARNING_AFTER = timedelta(hours=4)
FULL_GIVE_UP_AFTER = timedelta(days=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What came with MAIL and RCPT: addresses, and the DSN parameters as sent (empty when absent)."""

    mail_from: str
    recipient: str
    envid: str = ""
    ret: str = ""
    notify: str = ""
    orcpt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """One thing that becomes of a message: the fields of its notification, and how long it takes."""

    action: str
    status: str
    diagnostic: str
    sentence: str
    after: timedelta = timedelta(0)


@dataclass(order=True, frozen=True, slots=True, kw_only=True)
class Notice:
    """One notification waiting for its time; `raw` is the whole message."""

    due: datetime
    rank: int
    to: str = field(compare=False)
    action: str = field(compare=False)
    status: str = field(compare=False)
    message_id: str = field(compare=False)
    raw: bytes = field(compare=False, repr=False)


def fates(envelope: Envelope) -> Iterator[Fate]:
    """Give what becomes of a message for this recipient, of what its sender has asked to hear of."""
    wanted = {word.upper() for word in envelope.notify.split(",") if word} or {"FAILURE", "DELAY"}
    for fate in _fates_of(envelope.recipient):
        word = {"delivered": "SUCCESS", "delayed": "DELAY", "failed": "FAILURE"}[fate.action]
        if word in wanted:
            yield fate


def write_notice(envelope: Envelope, fate: Fate, *, original_headers: bytes, taken: datetime, at: datetime) -> bytes:
    """Write one notification, CRLF-ended, giving back the headers of the original (RET=HDRS)."""
    reference = re.sub(r"[^A-Za-z0-9]", "", envelope.envid)[:40]
    stamp = f"{int(at.timestamp())}.{reference or 'notice'}.{fate.status}"
    boundary = f"=_{stamp}"
    subject = {
        "delivered": "Successful Mail Delivery Report",
        "delayed": "Warning: delivery delayed",
        "failed": "Undelivered Mail Returned to Sender",
    }[fate.action]
    report = [f"Reporting-MTA: dns; {HOSTNAME}"]
    if envelope.envid:
        report.append(f"Original-Envelope-Id: {read_xtext(envelope.envid)}")
    report += [f"Arrival-Date: {format_datetime(taken)}", ""]
    if envelope.orcpt:
        kind, _, address = envelope.orcpt.partition(";")
        report.append(f"Original-Recipient: {kind}; {read_xtext(address)}")
    report += [
        f"Final-Recipient: rfc822; {envelope.recipient}",
        f"Action: {fate.action}",
        f"Status: {fate.status}",
        f"Diagnostic-Code: smtp; {fate.diagnostic}",
        f"Last-Attempt-Date: {format_datetime(at)}",
        "",
    ]
    lines = [
        f"From: Mail Delivery System <MAILER-DAEMON@{HOSTNAME}>",
        f"To: {envelope.mail_from}",
        f"Subject: {subject}",
        f"Date: {format_datetime(at)}",
        f"Message-ID: <{stamp}@{HOSTNAME}>",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{boundary}"',
        "",
        f"--{boundary}",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        fate.sentence,
        f"--{boundary}",
        "Content-Type: message/delivery-status",
        "",
        *report,
        f"--{boundary}",
        "Content-Type: text/rfc822-headers",
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + original_headers.rstrip() + f"\r\n\r\n--{boundary}--\r\n".encode()


def read_xtext(text: str) -> str:
    """Undo the `+XX` of a DSN parameter (RFC 3461 §4)."""
    return re.sub(r"\+([0-9A-F]{2})", lambda found: chr(int(found.group(1), 16)), text)


class Outbox:
    """Notifications that wait, and the sender that takes them to the return address. Thread-safe.

    A notification that is not taken stays, and is offered again at the next `send_due`.
    """

    def __init__(self, *, host: str, port: int, protocol: str, now: Callable[[], datetime]) -> None:
        self.host = host
        self.port = port
        self.protocol = protocol
        self._now = now
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._waiting: list[Notice] = []
        self._rank = count()
        self._sent: list[dict[str, object]] = []
        self._forgotten = 0

    def put(self, envelope: Envelope, *, message_id: str, original_headers: bytes, times: int = 1) -> None:
        """Plan the notifications about one message, each of them so many times."""
        taken = self._now()
        if not envelope.mail_from.strip("<>"):
            return  # RFC 3461 §6: nothing is ever told to the empty sender
        for fate in fates(envelope):
            due = taken + fate.after
            raw = write_notice(envelope, fate, original_headers=original_headers, taken=taken, at=due)
            with self._lock:
                for _ in range(times):
                    notice = Notice(
                        due=due,
                        rank=next(self._rank),
                        to=envelope.mail_from,
                        action=fate.action,
                        status=fate.status,
                        message_id=message_id,
                        raw=raw,
                    )
                    heapq.heappush(self._waiting, notice)

    def send_due(self, *, all_of_them: bool = False, last_first: bool = False) -> bool:
        """Send what is due by now, in order or from the last to the first. True when nothing due was left behind."""
        with self._sending:
            if last_first:
                return self._send_backwards()
            while True:
                with self._lock:
                    forgotten = self._forgotten
                    if not self._waiting or not (all_of_them or self._waiting[0].due <= self._now()):
                        return True
                    notice = heapq.heappop(self._waiting)
                if not self._deliver(notice):
                    with self._lock:
                        if forgotten == self._forgotten:
                            heapq.heappush(self._waiting, notice)
                    return False

    def _send_backwards(self) -> bool:
        with self._lock:
            due = sorted(each for each in self._waiting if each.due <= self._now())
            self._waiting = [each for each in self._waiting if each.due > self._now()]
            heapq.heapify(self._waiting)
        left = [notice for notice in reversed(due) if not self._deliver(notice)]
        with self._lock:
            for notice in left:
                heapq.heappush(self._waiting, notice)
        return not left

    def waiting(self) -> int:
        """How many are still to be sent."""
        with self._lock:
            return len(self._waiting)

    def sent(self) -> list[dict[str, object]]:
        """List what the return address has taken, oldest first."""
        with self._lock:
            return list(self._sent)

    def clear(self) -> None:
        """Forget what waits and what was sent."""
        with self._lock:
            self._waiting.clear()
            self._sent.clear()
            self._forgotten += 1

    def _deliver(self, notice: Notice) -> bool:
        if not self.port:
            return False
        connect = smtplib.LMTP if self.protocol == "lmtp" else smtplib.SMTP
        try:
            with connect(self.host, self.port, local_hostname=HOSTNAME, timeout=10) as client:
                client.sendmail("", [notice.to], notice.raw)
        except (smtplib.SMTPException, OSError):
            return False
        with self._lock:
            self._sent.append(
                {
                    "to": notice.to,
                    "action": notice.action,
                    "status": notice.status,
                    "message_id": notice.message_id,
                    "at": notice.due.isoformat(),
                }
            )
        return True


def _fates_of(recipient: str) -> Iterator[Fate]:
    if recipient.startswith("absent"):
        yield Fate(
            action="failed",
            status="5.1.1",
            diagnostic=f"550 5.1.1 <{recipient}>: Recipient address rejected: User unknown",
            sentence="This mailbox does not exist. The message was not delivered.",
        )
    elif recipient.startswith("pleine"):
        yield Fate(
            action="delayed",
            status="4.2.2",
            diagnostic=f"452 4.2.2 <{recipient}>: Mailbox full",
            sentence="This mailbox is full. Delivery will be attempted again for five days.",
            after=FULL_WARNING_AFTER,
        )
        yield Fate(
            action="failed",
            status="5.2.2",
            diagnostic=f"552 5.2.2 <{recipient}>: Mailbox full",
            sentence="This mailbox has been full for five days. The message was not delivered.",
            after=FULL_GIVE_UP_AFTER,
        )
    elif recipient.startswith("filtre"):
        yield Fate(
            action="failed",
            status="5.7.1",
            diagnostic=f"550 5.7.1 <{recipient}>: Message rejected by policy",
            sentence="The recipient's server does not accept this message. It was not delivered.",
        )
    elif not recipient.startswith(SILENT):
        yield Fate(
            action="delivered",
            status="2.0.0",
            diagnostic="250 2.0.0 Ok: delivered to mailbox",
            sentence="The message was delivered to the mailbox.",
        )
