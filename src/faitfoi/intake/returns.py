"""Listen for what comes back: one loopback port that speaks SMTP and LMTP, for the mail server in front of us."""

import asyncio
import ipaddress
import logging
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from faitfoi.intake.caps import MAX_BOUNCE_BYTES

MAX_RECIPIENTS = 100
LONGEST_COMMAND = 2048
LONGEST_LINE = 1024 * 1024
"""Some servers give an original back with lines far over the norm's 998 octets: a bounce refused for that is lost."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settings:
    on_message: Callable[[bytes, tuple[str, ...]], object]
    accepts: Callable[[str], bool]
    size_limit: int
    executor: ThreadPoolExecutor


class ReturnListener:
    """Takes messages between start() and stop(), and hands each to `on_message(raw, recipients)`.

    The sender hears 250 only once `on_message` has returned, so that nothing accepted is ever lost; when it raises,
    451: the sender keeps the message and comes back. It is called in one thread, always the same, one message at a
    time. A recipient that `accepts` turns down is refused at once. EHLO speaks SMTP, LHLO speaks LMTP, on the same
    port; port 0 is chosen by the system. Loopback only. Raises ValueError for any other host.
    """

    def __init__(
        self,
        host: str,
        port: int,
        on_message: Callable[[bytes, tuple[str, ...]], object],
        *,
        accepts: Callable[[str], bool] = lambda _: True,
        size_limit: int = MAX_BOUNCE_BYTES,
    ) -> None:
        if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"The return listener stays on loopback, not on {host}")
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="returns")
        settings = _Settings(on_message=on_message, accepts=accepts, size_limit=size_limit, executor=self._executor)
        self._server = _Server(settings, host=host, port=port)

    @property
    def port(self) -> int:
        """The port, known once started."""
        return self._server.port

    def start(self) -> None:
        """Begin to listen. Raises OSError when the port is taken."""
        self._server.start()

    def stop(self) -> None:
        """Give the port back; a message being handled is handled to its end. Not to be started again."""
        self._server.stop()
        self._executor.shutdown(wait=True)


class _Server(Controller):
    def __init__(self, settings: _Settings, *, host: str, port: int) -> None:
        self._settings = settings
        super().__init__(handler=None, hostname=host, port=port)

    def factory(self) -> "_Session":
        return _Session(self._settings)

    def _trigger_server(self) -> None:
        if isinstance(self.server, asyncio.Server):
            self.port = self.server.sockets[0].getsockname()[1]  # port 0 has become a real one
        super()._trigger_server()  # type: ignore[no-untyped-call]


class _Session(SMTP):
    line_length_limit = LONGEST_LINE

    def __init__(self, settings: _Settings) -> None:
        super().__init__(
            _Hooks(settings),
            hostname="localhost",
            ident="Faitfoi returns",
            data_size_limit=settings.size_limit,
            enable_SMTPUTF8=True,
        )
        self.command_size_limits = defaultdict(lambda: LONGEST_COMMAND)
        self.speaks_lmtp = False

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802 -- named by aiosmtpd
        self.speaks_lmtp = False
        await super().smtp_EHLO(hostname)

    async def smtp_LHLO(self, hostname: str) -> None:  # noqa: N802 -- named by aiosmtpd
        """The greeting of LMTP (RFC 2033)."""
        await super().smtp_EHLO(hostname)
        self.speaks_lmtp = True


class _Hooks:
    """What we answer, called by aiosmtpd in its event loop, with its names and arguments."""

    def __init__(self, settings: _Settings) -> None:
        self._settings = settings

    async def handle_RCPT(  # noqa: N802
        self,
        server: _Session,  # noqa: ARG002
        session: Session,  # noqa: ARG002
        envelope: Envelope,
        address: str,
        options: list[str],  # noqa: ARG002
    ) -> str:
        if not self._settings.accepts(address):
            return "550 5.1.1 No such return address"
        if len(envelope.rcpt_tos) == MAX_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: _Session, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        raw, recipients = envelope.original_content or b"", tuple(envelope.rcpt_tos)
        handled = asyncio.get_running_loop().run_in_executor(
            self._settings.executor, self._settings.on_message, raw, recipients
        )
        (outcome,) = await asyncio.gather(handled, return_exceptions=True)
        reply = "250 2.0.0 Ok: kept"
        if isinstance(outcome, BaseException):
            _log.error("A returned message could not be kept", exc_info=outcome)
            reply = "451 4.3.0 Not kept, try again later"
        # RFC 2033 §4.2: LMTP answers once for each recipient.
        return "\r\n".join([reply] * (len(recipients) if server.speaks_lmtp else 1))
