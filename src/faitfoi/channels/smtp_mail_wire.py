"""An SMTP client that keeps a hard deadline and knows whether the final dot has left.

The standard client counts its time-out afresh at every read, so that a server giving one byte a minute holds it for
ever; here every wait is what is left of one deadline. Verdicts come only from replies that are well formed.
"""

import base64
import re
import selectors
import smtplib
import socket
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from faitfoi.channels.closing import close_abruptly, close_politely

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

LONGEST_REPLY = 64 * 1024
_PIECE = 64 * 1024
_FIRST_LINE = re.compile(rb"([2-5][0-9]{2})(?:[ -]|\r?\n)")
_ENHANCED = re.compile(r"\s*([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:\s|$)")  # RFC 2034, RFC 3463


class MakesNoSense(smtplib.SMTPException):
    """The other side spoke, and it was not an SMTP reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One well-formed reply: `code` 200 to 599, `text` on one line, `raw` as received."""

    code: int
    text: str
    raw: bytes

    @property
    def enhanced(self) -> str:
        """The enhanced status code, `5.1.1`, or empty when the server gives none."""
        found = _ENHANCED.match(self.text)
        return found.group(1) if found else ""

    @property
    def quoted(self) -> str:
        """The reply in short, safe to show."""
        printable = "".join(each if each.isprintable() else " " for each in self.text)
        return f"{self.code} {printable}"[:300].strip()


class RelayClient(smtplib.SMTP):
    """One connection to a relay. Set `until` (monotonic seconds) before each use; past it, everything fails."""

    def __init__(self, *, helo_domain: str, tls: ssl.SSLContext | None, tls_at_once: bool) -> None:
        super().__init__(local_hostname=helo_domain)
        self._tls = tls
        self._tls_at_once = tls_at_once
        self._host = ""
        self.until = 0.0
        self.dot_sent = False
        self.carried = 0
        self._last = (-1, b"")

    def open(self, host: str, port: int) -> Reply:
        """Connect and read the greeting. Raises SMTPException or OSError (`ssl.SSLError` among them)."""
        self._host = host  # the name that `starttls` finds in the certificate
        self.connect(host, port)
        return self._reply_of(self._last)

    def say(self, command: str) -> Reply:
        """Send one command and read its reply. Raises SMTPException or OSError when there is none that makes sense."""
        self._expect_silence()
        self.putcmd(command)
        return self._reply_of(self.getreply())

    def log_in(self, user: str, password: str) -> None:
        """Authenticate, by an account with accents too: PLAIN is in UTF-8 (RFC 4616), the standard’s client in ASCII.

        Raises SMTPException, OSError, or ValueError for what no method can carry.
        """
        if f"{user}{password}".isascii():
            self.login(user, password)
            return
        if "PLAIN" not in self.esmtp_features.get("auth", "").upper().split():
            raise smtplib.SMTPNotSupportedError("AUTH PLAIN")
        secret = base64.b64encode(f"\0{user}\0{password}".encode()).decode("ascii")
        reply = self.say(f"AUTH PLAIN {secret}")
        if reply.code != 235:
            raise smtplib.SMTPAuthenticationError(reply.code, reply.text)

    def submit(self, content: bytes) -> Reply:
        """Send the message after a 354 and read the verdict. `dot_sent`: whether the final dot may have left."""
        self._expect_silence()
        self.dot_sent = False
        if self.sock is not None:
            close_abruptly(self.sock)
        self.send(re.sub(rb"(?m)^\.", b"..", content))
        if self._has_spoken():
            raise MakesNoSense("spoke or hung up before the final dot")
        self._arm()
        # From here on, whether those three bytes left is not ours to say, even when the system call fails.
        self.dot_sent = True
        self.send(b".\r\n")
        reply = self._reply_of(self.getreply())
        if self.sock is not None:
            close_politely(self.sock)
        return reply

    def left(self) -> float:
        """Seconds until the deadline. Raises TimeoutError when there are none."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError("deadline")
        return left

    def getreply(self) -> tuple[int, bytes]:
        """Read one reply within the deadline and within `LONGEST_REPLY` bytes."""
        if self.sock is not None and not isinstance(self.file, _Lines):
            self.file = _Lines(self, self.sock)
        if isinstance(self.file, _Lines):
            self.file.raw = b""
        self._last = super().getreply()
        return self._last

    def send(self, s: "ReadableBuffer | str") -> None:
        """Send within the deadline, in pieces, since a TLS socket counts its time-out afresh for each record."""
        data = s.encode(self.command_encoding) if isinstance(s, str) else bytes(s)
        for start in range(0, len(data), _PIECE):
            self._arm()
            super().send(data[start : start + _PIECE])

    def _expect_silence(self) -> None:
        if isinstance(self.file, _Lines) and self.file.unread:
            raise MakesNoSense("an answer came before the question")

    def _has_spoken(self) -> bool:
        """Whether there is something to read, the end of the connection included: cheap, and narrows the unknown."""
        if self.sock is None:
            return True
        with selectors.DefaultSelector() as selector:
            selector.register(self.sock, selectors.EVENT_READ)
            return bool(selector.select(timeout=0))

    def _reply_of(self, answer: tuple[int, bytes]) -> Reply:
        code, text = answer
        raw = self.file.raw if isinstance(self.file, _Lines) else b""
        if not _FIRST_LINE.match(raw) or not 200 <= code <= 599:
            raise MakesNoSense("not an SMTP reply")
        return Reply(code=code, text=" ".join(text.decode("utf-8", "replace").split()), raw=raw)

    def _arm(self) -> None:
        if self.sock is not None:
            self.sock.settimeout(self.left())

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # noqa: ARG002 -- called by connect
        failure: OSError | None = None
        for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            sock = socket.socket(family, kind, protocol)
            try:
                sock.settimeout(self.left())
                sock.connect(address)
                # The final dot is a packet of its own: delayed, it would cost each message 40 ms.
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._tls is not None and self._tls_at_once:
                    return self._tls.wrap_socket(sock, server_hostname=host)
            except OSError as error:
                sock.close()
                failure = error
            else:
                return sock
        raise failure or OSError("no address")


class _Lines:
    """Reads reply lines: what `smtplib` asks of a file, with the client's deadline before every read."""

    def __init__(self, client: RelayClient, sock: socket.socket) -> None:
        self._client = client
        self._sock = sock
        self._buffer = bytearray()
        self.raw = b""

    @property
    def unread(self) -> int:
        return len(self._buffer)

    def readline(self, limit: int) -> bytes:
        while b"\n" not in self._buffer and len(self._buffer) < limit:
            self._sock.settimeout(self._client.left())
            got = self._sock.recv(4096)
            if not got:
                break
            self._buffer += got
        end = self._buffer.find(b"\n") + 1 or len(self._buffer)
        line = bytes(self._buffer[: min(end, limit)])
        del self._buffer[: len(line)]
        self.raw += line
        if len(self.raw) > LONGEST_REPLY:
            raise OSError("reply without end")
        return line

    def close(self) -> None:
        self._buffer.clear()
