"""The HTTP side that simulators share: a loopback server in a thread; requests that answer, dawdle or fail whole.

A simulator of an HTTP contract is its own state, and one subclass of `Request` whose `serve` answers each request:

    class _Request(Request["PostSimulator"]):
        largest = 20 * 1024 * 1024

        def serve(self, content: bytes) -> None:
            if (self.command, self.route) != ("POST", "/letters"):
                self.tell(404, {"error": "unknown"})
                return
            if slow := self.owner.faults.take(FaultKind.SLOW, on="letters"):
                self.dawdle(slow.seconds)
            taken = self.owner.take(content)
            if self.owner.faults.take(FaultKind.LOSE_ANSWER, on="letters"):
                self.drop()
                return
            self.tell(201, {"id": taken})

    self._server = Loopback(self, _Request, name="post", host=host, port=port)

`start()` and `stop()` of the simulator call the server's and the control's (`control.ControlServer`); its `url` is the
server's. Nothing here knows a contract: status codes and bodies belong to the simulator.
"""

import ipaddress
import json
import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar, Generic, TypeVar, cast
from urllib.parse import urlsplit

Body = dict[str, object]
Owner = TypeVar("Owner")


def check_loopback(host: str) -> None:
    """Let only a loopback address through: nobody else on the network may reach a simulator. Raises ValueError."""
    if host == "localhost":
        return
    if not ipaddress.ip_address(host).is_loopback:
        raise ValueError(f"A simulator listens on loopback only, not on {host}")


class Loopback(Generic[Owner]):
    """Serves `owner` by HTTP between start() and stop(), one thread a request; port 0 is chosen by the system.

    The port is taken at once, and given back by stop(). Raises ValueError for a host that is not loopback, OSError for
    a port that is taken.
    """

    def __init__(
        self, owner: Owner, request: "type[Request[Owner]]", *, name: str, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        check_loopback(host)
        self._name = name
        self._server = _Server((host, port), request)
        self._server.owner = owner
        self._server.stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The base address, without a final slash."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def start(self) -> None:
        """Begin to answer."""
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name=self._name, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Give the port back; connections that are open get no more answers."""
        self._server.stopping.set()
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._thread = None
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    owner: object
    stopping: threading.Event


class Request(BaseHTTPRequestHandler, ABC, Generic[Owner]):
    """One connection's requests: whole ones are handed to `serve`, which a simulator writes."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave together

    largest: ClassVar[int] = 8 * 1024 * 1024
    """Bytes of a body beyond which nothing is read of it."""
    too_long: ClassVar[Body] = {"error": "request too long"}
    """What is answered then, with 413."""
    content_type: ClassVar[str] = "application/json; charset=utf-8"
    """How answers present themselves unless they say otherwise."""

    @property
    def owner(self) -> Owner:
        """Whose server this is."""
        return cast("Owner", self._server.owner)

    @property
    def route(self) -> str:
        """The path asked for, without its query."""
        return urlsplit(self.path).path

    @abstractmethod
    def serve(self, content: bytes) -> None:
        """Answer one request whose body is `content`; `command` and `route` tell what is asked."""

    def tell(self, status: int, value: object) -> bool:
        """Answer JSON; False when whoever asked has gone."""
        return self.send(status, json.dumps(value, ensure_ascii=False).encode())

    def send(self, status: int, content: bytes, *, headers: Mapping[str, str] | None = None) -> bool:
        """Answer bytes; `headers` come beside the type and length, or instead. False when whoever asked has gone."""
        told = {"Content-Type": self.content_type, "Content-Length": str(len(content)), **(headers or {})}
        if self.close_connection:
            told["Connection"] = "close"
        self.send_response(status)
        for name, value in told.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(b"" if self.command == "HEAD" else content)
            self.wfile.flush()
        except OSError:  # whoever asked has gone
            self.close_connection = True
            return False
        return True

    def garble(self, content: bytes, *, truncated: bool = False) -> None:
        """Answer 200 with what nobody can read: the content cut in its middle, or a page of some proxy's."""
        self.close_connection = True
        if truncated:
            self.send(200, content[: len(content) // 2], headers={"Content-Length": str(len(content))})
        else:
            self.send(200, b"<html><body>Bad gateway")

    def drop(self) -> None:
        """Close without a word."""
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def dawdle(self, seconds: float) -> None:
        """Let time pass before answering, unless the server is stopped meanwhile."""
        self._server.stopping.wait(seconds)

    def handle(self) -> None:
        """Answer until either side hangs up, in whatever way: a killed sender is what simulators are for."""
        with suppress(ConnectionError):
            super().handle()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name given by http.server
        """Keep quiet: a simulator's records tell more than its log would."""

    @property
    def _server(self) -> _Server:
        return cast("_Server", self.server)

    def _receive(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > self.largest:
            self.close_connection = True
            self.tell(413, self.too_long)
            return
        content = self.rfile.read(length)
        if len(content) < length:  # the other side went away in the middle of its request
            self.close_connection = True
        elif self._server.stopping.is_set():
            self.drop()
        else:
            self.serve(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _receive  # noqa: N815 -- named by http.server
