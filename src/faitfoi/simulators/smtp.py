"""A mail relay that is not one: takes messages over real SMTP, keeps what it saw, and sends real notifications.

Recipients' local parts: `inconnu-direct…` is refused at RCPT; `absent…`, `pleine…` and the others get the notifications
that `smtp_notices` tells. These go out when the control address says advance, or at once in `auto` mode.

Faults (see `control`): `down` hangs up (`on`: connect, mail, rcpt, or data = in the middle of the message; without
`on`, connect or mail, whichever comes first); `refuse` answers 5xx (`on`: mail, rcpt, or data = after the final dot,
which is meant without `on`); `rate_limited` answers 450 to MAIL, and `expired_token` 535, as a relay whose account was
closed meanwhile; `out_of_order` sends the notices due from the last to the first; `lose_answer`, `garbage`, `slow`
and `duplicate` concern the answer after the final dot.
`code` is a whole reply, `451 4.3.0 Try later`. A message taken is recorded before any of them strikes, so that records
also show what a sender cannot know.

    GET /control/records    {"messages": […], "refused": […], "notices": […], "waiting": number of notices}
    POST /control/advance   also sends the notices due by then: {"now", "sent", "waiting"}
"""

import ssl
import threading
from collections.abc import Callable, Mapping

from faitfoi.simulators.control import Clock, ControlServer, FaultKind, Faults, serve
from faitfoi.simulators.loopback import Body, check_loopback
from faitfoi.simulators.smtp_book import Book, Received
from faitfoi.simulators.smtp_notices import Outbox
from faitfoi.simulators.smtp_relay import Listener, RelaySettings

DEFAULT_SIZE_LIMIT = 20_000_000
_RETRY_SECONDS = 0.5


class SmtpSimulator:
    """The relay and its control address, between start() and stop(); ports 0 are chosen by the system.

    Notifications go to `return_host:return_port` by `return_protocol` (smtp or lmtp); with port 0 they wait.
    `users` maps accounts to passwords: AUTH is then required. `keep_bytes` keeps whole messages in `raw`.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        control_port: int = 0,
        return_host: str = "127.0.0.1",
        return_port: int = 0,
        return_protocol: str = "smtp",
        auto: bool = False,
        clock: Clock | None = None,
        size_limit: int = DEFAULT_SIZE_LIMIT,
        users: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        announce_dsn: bool = True,
        keep_bytes: bool = False,
        seed: int = 0,
    ) -> None:
        check_loopback(host)
        check_loopback(return_host)
        self.faults = Faults(seed=seed)
        self.clock = clock or Clock()
        self.outbox = Outbox(host=return_host, port=return_port, protocol=return_protocol, now=self.clock.now)
        self._auto = auto
        self._awake = threading.Event()
        self._stopping = False
        self._notifier: threading.Thread | None = None
        self._book = Book(
            faults=self.faults, clock=self.clock, outbox=self.outbox, planned=self._awake.set, keep=keep_bytes
        )
        settings = RelaySettings(size_limit=size_limit, users=users, tls=tls, announce_dsn=announce_dsn)
        self._listener = Listener(self._book, settings, host=host, port=port)
        self.control = ControlServer(
            name="smtp",
            faults=self.faults,
            clock=self.clock,
            handlers={
                "GET /control/records": lambda _: self._book.told(),
                "POST /control/advance": self._advance,
                "POST /control/reset": self._reset,
            },
            host=host,
            port=control_port,
        )

    @property
    def port(self) -> int:
        """The relay's port, known once started."""
        return self._listener.port

    @property
    def control_url(self) -> str:
        """Base address of the control: add /control/…"""
        return self.control.url

    @property
    def received(self) -> tuple[Received, ...]:
        """Every message taken, oldest first, those whose answer was lost too."""
        return self._book.received

    @property
    def raw(self) -> list[bytes]:
        """The whole messages, when `keep_bytes` was asked."""
        return self._book.raw

    def start(self) -> None:
        """Begin to listen. Raises OSError when the port is taken."""
        self._listener.start()
        self.control.start()
        if self._auto:
            self._stopping = False
            self._notifier = threading.Thread(target=self._notify, name="smtp-notices", daemon=True)
            self._notifier.start()

    def stop(self) -> None:
        """Give the ports back; what was received stays readable."""
        self._stopping = True
        self._awake.set()
        if self._notifier is not None:
            self._notifier.join()
            self._notifier = None
        self.control.stop()
        self._listener.stop()

    def _advance(self, _: Body) -> Body:
        before = len(self.outbox.sent())
        shuffled = self.faults.take(FaultKind.OUT_OF_ORDER, on="notices") is not None
        self.outbox.send_due(all_of_them=self._auto, last_first=shuffled)
        sent = len(self.outbox.sent()) - before
        return {"now": self.clock.now().isoformat(), "sent": sent, "waiting": self.outbox.waiting()}

    def _reset(self, _: Body) -> Body:
        self._book.clear()
        return {"now": self.clock.now().isoformat()}

    def _notify(self) -> None:
        while not self._stopping:
            self._awake.clear()
            done = self.outbox.send_due(all_of_them=True)
            self._awake.wait(None if done else _RETRY_SECONDS)


def run(
    host: str = "127.0.0.1",
    port: int = 2525,
    *,
    control_port: int = 2526,
    return_host: str = "127.0.0.1",
    return_port: int = 0,
    return_protocol: str = "smtp",
    auto: bool = False,
    started: Callable[[SmtpSimulator], None] | None = None,
) -> None:
    """Simulate a relay until SIGINT or SIGTERM; `started` is told the simulator once it listens. Main thread only."""
    simulator = SmtpSimulator(
        host,
        port,
        control_port=control_port,
        return_host=return_host,
        return_port=return_port,
        return_protocol=return_protocol,
        auto=auto,
    )
    serve(simulator, started)
