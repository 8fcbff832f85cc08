"""A mailbox that is not one: enough of IMAP4rev1 (RFC 3501) for whoever reads returns, on loopback.

Faults, taken at the operations `connect`, `login` and `fetch`: `down` hangs up, `expired_token` refuses the account,
`garbage` answers what nobody can read, `out_of_order` answers about another message than the one asked for.
"""

import re
import socketserver
import threading
from dataclasses import dataclass

from faitfoi.simulators.control import FaultKind, Faults
from faitfoi.simulators.loopback import check_loopback

LONGEST_LINE = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One message of the mailbox."""

    uid: int
    raw: bytes


class ImapSimulator:
    """One account and its INBOX, between start() and stop(); port 0 is chosen by the system."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        user: str = "retours",
        password: str = "essai",  # noqa: S107
    ) -> None:
        check_loopback(host)
        self.user, self.password = user, password
        self.faults = Faults()
        self.validity = 1
        self.names_last = False  # a FETCH names the message after its bytes
        self.fetched: list[int] = []
        self._lock = threading.Lock()
        self._messages: list[Kept] = []
        self._next = 1
        self._server = _Server((host, port), _Session)
        self._server.mailbox = self
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port."""
        return int(self._server.server_address[1])

    @property
    def messages(self) -> tuple[Kept, ...]:
        """What lies in the mailbox, oldest first."""
        with self._lock:
            return tuple(self._messages)

    def put(self, raw: bytes) -> int:
        """Deliver a message; returns its UID."""
        with self._lock:
            self._messages.append(Kept(uid=self._next, raw=raw))
            self._next += 1
            return self._next - 1

    def renew(self) -> None:
        """Make the mailbox anew: the same messages under other UIDs, and another UIDVALIDITY."""
        with self._lock:
            self.validity += 1
            self._messages = [Kept(uid=rank, raw=each.raw) for rank, each in enumerate(self._messages, start=1)]
            self._next = len(self._messages) + 1

    def start(self) -> None:
        """Begin to listen."""
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="imap", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Give the port back."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._thread = None
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    mailbox: ImapSimulator


class _Session(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        box = self.server.mailbox
        if box.faults.take(FaultKind.DOWN, on="connect"):
            return
        self._say(b"* OK IMAP4rev1 simulated")
        inside = False
        while line := self.rfile.readline(LONGEST_LINE):
            tag, _, rest = line.strip().partition(b" ")
            command = rest.upper()
            if command.startswith(b"LOGIN"):
                inside = self._login(tag, rest)
            elif command.startswith(b"LOGOUT"):
                self._say(b"* BYE", tag + b" OK LOGOUT")
                return
            elif command.startswith(b"CAPABILITY"):
                self._say(b"* CAPABILITY IMAP4rev1", tag + b" OK CAPABILITY")
            elif not inside:
                self._say(tag + b" NO log in first")
            elif command.startswith((b"SELECT", b"EXAMINE")):
                told = f"* {len(box.messages)} EXISTS\r\n* OK [UIDVALIDITY {box.validity}] valid".encode()
                self._say(told, tag + b" OK [READ-ONLY] done")
            elif command.startswith(b"UID SEARCH UID"):
                self._search(tag, command)
            elif command.startswith(b"UID FETCH"):
                if not self._fetch(tag, command):
                    return
            else:
                self._say(tag + b" BAD unknown command")

    def _login(self, tag: bytes, rest: bytes) -> bool:
        box = self.server.mailbox
        given = [each.strip(b'"').decode() for each in rest.split(b" ")[1:]]
        right = given == [box.user, box.password] and not box.faults.take(FaultKind.EXPIRED_TOKEN, on="login")
        self._say(tag + (b" OK logged in" if right else b" NO [AUTHENTICATIONFAILED] wrong account"))
        return right

    def _search(self, tag: bytes, command: bytes) -> None:
        uids = [each.uid for each in self.server.mailbox.messages]
        first = int(re.findall(rb"(\d+):\*", command)[0])
        found = [uid for uid in uids if uid >= first] or uids[-1:]
        self._say(b" ".join([b"* SEARCH", *(str(uid).encode() for uid in found)]), tag + b" OK SEARCH")

    def _fetch(self, tag: bytes, command: bytes) -> bool:
        box = self.server.mailbox
        if box.faults.take(FaultKind.DOWN, on="fetch", main=False):
            return False
        uid = int(re.findall(rb"FETCH (\d+)", command)[0])
        if box.faults.take(FaultKind.GARBAGE, on="fetch"):
            self._say(b"* \xff\x00 ?", tag + b" OK FETCH")
            return True
        told = uid + 1 if box.faults.take(FaultKind.OUT_OF_ORDER, on="fetch") else uid
        raw = next((each.raw for each in box.messages if each.uid == uid), b"")
        box.fetched.append(uid)
        before, after = ("", f" UID {told}") if box.names_last else (f"UID {told} ", "")
        head = f"* {uid} FETCH ({before}BODY[]<0> {{{len(raw)}}}"
        self.wfile.write(head.encode() + b"\r\n" + raw + after.encode() + b")\r\n")
        self._say(tag + b" OK FETCH")
        return True

    def _say(self, *lines: bytes) -> None:
        self.wfile.write(b"".join(line + b"\r\n" for line in lines))
