"""Somebody else's machine on the way to the other side: it may hold a request, whole, and hand it on much later."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.waiting import PATIENCE

PIECE = 65536


class Gate:
    """Carries each connection on to `port` of loopback, and keeps the first request to `operation` until told."""

    def __init__(self, listener: socket.socket, *, port: int, operation: str) -> None:
        self.port: int = listener.getsockname()[1]
        self._listener = listener
        self._target = port
        self._wanted = re.compile(rb"^POST \S*/" + re.escape(operation.encode()) + rb" HTTP/")
        self._holds = threading.Lock()
        self._through = threading.Event()
        self._arrived = threading.Event()
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def let_through(self) -> None:
        """Hand the held request on, and wait until it has been answered."""
        self._through.set()
        assert self._arrived.wait(PATIENCE)

    def close(self) -> None:
        """Take no more connections, and let go of everything."""
        self._through.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _start(self, work: object, *words: object) -> None:
        threading.Thread(target=work, args=words, daemon=True).start()  # type: ignore[arg-type]

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self._start(self._carry, near, socket.create_connection(("127.0.0.1", self._target)))

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        self._start(self._back, near, far)
        with suppress(OSError), far:
            while request := _request(near):
                if self._wanted.match(request) and self._holds.acquire(blocking=False):
                    self._through.wait(PATIENCE)
                    far.sendall(request)
                    far.shutdown(socket.SHUT_WR)
                    while far.recv(PIECE):
                        pass
                    self._arrived.set()
                    return
                far.sendall(request)

    def _back(self, near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError), near:
            while not self._holds.locked() and (piece := far.recv(PIECE)):
                near.sendall(piece)


def _request(near: socket.socket) -> bytes:
    """Read one request whole; empty at the end of the connection."""
    told = b""
    while b"\r\n\r\n" not in told:
        if not (piece := near.recv(PIECE)):
            return b""
        told += piece
    head, _, body = told.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    left = int(length[1]) - len(body) if length else 0
    while left > 0 and (piece := near.recv(left)):
        told += piece
        left -= len(piece)
    return told


@contextmanager
def held_back(*, port: int, operation: str) -> Iterator[Gate]:
    """Open a gate to `port` that keeps the first request to `operation`."""
    listener = socket.create_server(("127.0.0.1", 0))
    gate = Gate(listener, port=port, operation=operation)
    try:
        yield gate
    finally:
        gate.close()
