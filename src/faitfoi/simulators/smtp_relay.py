"""The simulated relay's side of the dialogue: real SMTP by aiosmtpd, the DSN extension, and the planned faults."""

import asyncio
import ssl
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword, Session
from aiosmtpd.smtp import Envelope as Transaction

from faitfoi.simulators.control import FaultKind
from faitfoi.simulators.smtp_book import Book
from faitfoi.simulators.smtp_notices import HOSTNAME, SILENT, Envelope

LONGEST_COMMAND = 2048  # two addresses of 254 characters fit, with their DSN parameters
_DSN_PARAMETERS = {"RET", "ENVID", "NOTIFY", "ORCPT"}
_NONSENSE = b"\x00\x7f<html>\xff 2 5 0 ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaySettings:
    """How the relay presents itself. With `users` (account → password), AUTH is required."""

    size_limit: int
    users: Mapping[str, str] | None = None
    tls: ssl.SSLContext | None = None
    announce_dsn: bool = True


class Listener(Controller):
    """Serves the relay from a thread of its own; `port` 0 becomes a real one at start()."""

    def __init__(self, book: Book, settings: RelaySettings, *, host: str, port: int) -> None:
        self._book = book
        self._settings = settings
        super().__init__(handler=None, hostname=host, port=port)

    def factory(self) -> "_Relay":
        """Make one session's protocol."""
        return _Relay(self._book, self._settings)

    def _trigger_server(self) -> None:
        if isinstance(self.server, asyncio.Server):
            self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


class _Relay(SMTP):
    """One SMTP session. aiosmtpd answers 555 to DSN parameters, so they are taken off before it sees them."""

    def __init__(self, book: Book, settings: RelaySettings) -> None:
        super().__init__(
            _Hooks(book, settings),
            hostname=HOSTNAME,
            ident="ESMTP simulated",
            data_size_limit=settings.size_limit,
            tls_context=settings.tls,
            auth_required=settings.users is not None,
            auth_require_tls=settings.users is None or settings.tls is not None,
            authenticator=_Accounts(settings.users or {}),
        )
        self.command_size_limits = defaultdict(lambda: LONGEST_COMMAND)
        self._book = book
        self._settings = settings
        self._dsn: dict[str, str] = {}

    async def _handle_client(self) -> None:
        down = self._book.faults.take(FaultKind.DOWN, on="connect")
        if down is None:
            await super()._handle_client()
            return
        await self.push(down.code or "421 4.3.2 Service not available")
        if self.transport is not None:
            self.transport.close()

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802 -- named by aiosmtpd
        down = self._book.faults.take(FaultKind.DOWN, on="mail")
        if down is not None:
            await self._go_down(down.code)
            return
        self._dsn.clear()
        plain = self._without_dsn(arg)
        if said := self._turned_away():
            self._book.refuse("mail", said, self.seen(recipient=""))
            await self.push(said)
            return
        refusal = self._book.strikes_at(FaultKind.REFUSE, "mail")
        if refusal is not None:
            reply = refusal or "550 5.7.1 Sender refused"
            self._book.refuse("mail", reply, self.seen(recipient=""))
            await self.push(reply)
            return
        await super().smtp_MAIL(plain)

    def _turned_away(self) -> str:
        limited = self._book.faults.take(FaultKind.RATE_LIMITED, on="mail")
        if limited is not None:
            return limited.code or f"450 4.7.1 Too many messages, try again in {limited.seconds:.0f} seconds"
        expired = self._book.faults.take(FaultKind.EXPIRED_TOKEN, on="mail")
        if expired is not None:
            return expired.code or "535 5.7.8 Authentication credentials invalid"
        return ""

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802 -- named by aiosmtpd
        down = self._book.strikes_at(FaultKind.DOWN, "rcpt")
        if down is not None:
            await self._go_down(down)
            return
        await super().smtp_RCPT(self._without_dsn(arg))

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802 -- named by aiosmtpd
        down = self._book.strikes_at(FaultKind.DOWN, "data")
        if down is not None:
            await self.push("354 Go ahead")
            await self._reader.readuntil(b"\r\n")
            await self._go_down(down)
            return
        await super().smtp_DATA(arg)

    def seen(self, *, recipient: str) -> Envelope:
        """The envelope so far, DSN parameters included."""
        sender = "" if self.envelope is None else self.envelope.mail_from or ""
        parameters = {name.lower(): value for name, value in self._dsn.items()}
        return Envelope(mail_from=sender, recipient=recipient, **parameters)

    async def hang_up(self) -> None:
        """Drop the connection without a word; never returns, since aiosmtpd then cancels the session."""
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()
        await asyncio.Event().wait()

    async def _go_down(self, code: str) -> None:
        if code:
            await self.push(code)
            return
        await self.hang_up()

    def _without_dsn(self, arg: str | None) -> str | None:
        path, closing, rest = (arg or "").partition(">")
        if not closing or not self._settings.announce_dsn:
            return arg
        others = []
        for parameter in rest.split():
            name, _, value = parameter.partition("=")
            if name.upper() in _DSN_PARAMETERS:
                self._dsn[name.upper()] = value
            else:
                others.append(parameter)
        return " ".join([f"{path}>", *others])


class _Accounts:
    """Checks an account and its password, as aiosmtpd asks for it."""

    def __init__(self, users: Mapping[str, str]) -> None:
        self._users = {user.encode(): password.encode() for user, password in users.items()}

    def __call__(self, *asked: object) -> AuthResult:
        data = asked[-1]  # after the server, the session, the envelope and the mechanism
        known = isinstance(data, LoginPassword) and self._users.get(data.login) == data.password
        return AuthResult(success=known, handled=False)


class _Hooks:
    """What the relay decides, called by aiosmtpd in its event loop, with its names and arguments."""

    def __init__(self, book: Book, settings: RelaySettings) -> None:
        self._book = book
        self._settings = settings

    async def handle_EHLO(  # noqa: N802
        self,
        server: _Relay,  # noqa: ARG002
        session: Session,
        envelope: Transaction,  # noqa: ARG002
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        session.host_name = hostname  # aiosmtpd leaves this to the hook
        return [*responses[:-1], "250-DSN", responses[-1]] if self._settings.announce_dsn else responses

    async def handle_RCPT(  # noqa: N802
        self,
        server: _Relay,
        session: Session,  # noqa: ARG002
        envelope: Transaction,
        address: str,
        options: list[str],  # noqa: ARG002
    ) -> str:
        refusal = self._book.strikes_at(FaultKind.REFUSE, "rcpt")
        reply = refusal or ("550 5.2.1 Mailbox refused" if refusal is not None else "")
        if address.startswith("inconnu-direct"):
            reply = f"550 5.1.1 <{address}>: Recipient address rejected: User unknown"
        if reply:
            self._book.refuse("rcpt", reply, server.seen(recipient=address))
            return reply
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: _Relay, session: Session, envelope: Transaction) -> str | bytes:  # noqa: ARG002, N802
        faults = self._book.faults
        content = envelope.original_content or b""
        seen = [server.seen(recipient=address) for address in envelope.rcpt_tos]
        refusal = faults.take(FaultKind.REFUSE, on="data")
        if refusal is not None:
            reply = refusal.code or "554 5.6.0 Message content refused"
            self._book.refuse("data", reply, seen[0])
            return reply
        duplicate = faults.take(FaultKind.DUPLICATE, on="data") is not None
        taken = [self._book.take(content, each) for each in seen]
        slow = faults.take(FaultKind.SLOW, on="data")
        try:
            if slow is not None:
                await asyncio.sleep(slow.seconds)
            silent = any(address.startswith(SILENT) for address in envelope.rcpt_tos)
            answer, said = ("lost", "") if silent else self._answer(duplicate=duplicate)
            for received in taken:
                received.answer = answer
        finally:  # the sender may have gone meanwhile: what was taken is delivered all the same
            for received, each in zip(taken, seen, strict=True):
                headers = content.partition(b"\r\n\r\n")[0]
                self._book.plan(received, each, headers=headers, times=2 if duplicate else 1)
        if answer == "lost":
            await server.hang_up()
        return said

    def _answer(self, *, duplicate: bool) -> tuple[str, str | bytes]:
        if self._book.faults.take(FaultKind.LOSE_ANSWER, on="data"):
            return "lost", ""
        if self._book.faults.take(FaultKind.GARBAGE, on="data"):
            return "garbage", _NONSENSE
        if duplicate:
            return "duplicate", "250 2.0.0 Ok: already had this message"
        return "taken", f"250 2.0.0 Ok: queued as {len(self._book.received):08X}"
