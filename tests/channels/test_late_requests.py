"""A document whose bytes are still on the way at the deadline: what has not left by then never leaves."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from faitfoi.channels.closing import close_abruptly
from faitfoi.channels.contract import OutcomeUnknown
from tests.channels import chorus_rig, mail_rig
from tests.channels.chorus_documents import Bill, cii
from tests.waiting import PATIENCE

SMALL = 4096
"""Bytes that the other side takes at once before it stops reading."""
LONG = 200_000
"""Bytes of a document: more than the other side's buffer has room for, and less than ours."""


class Deaf:
    """An other side that stops reading after the first words, until it is told to read all that still comes."""

    def __init__(self, listener: socket.socket, replies: list[bytes]) -> None:
        self.port: int = listener.getsockname()[1]
        self._listener = listener
        self._replies = replies
        self._gone = threading.Event()
        self._ended = threading.Event()
        self.heard = b""
        self.reset = False
        threading.Thread(target=self._serve, daemon=True).start()

    def read_the_rest(self) -> None:
        """Read until the sender's end, which has given up."""
        self._gone.set()
        assert self._ended.wait(PATIENCE)

    def _serve(self) -> None:
        peer, _ = self._listener.accept()
        with peer:
            for reply in self._replies:
                peer.sendall(reply)
                if not reply.startswith(b"354"):
                    peer.recv(SMALL)
            self._gone.wait(PATIENCE)
            try:
                while piece := peer.recv(SMALL):
                    self.heard += piece
            except ConnectionResetError:
                self.reset = True
        self._ended.set()


@contextmanager
def deaf(*replies: bytes) -> Iterator[Deaf]:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield Deaf(listener, list(replies))


@pytest.fixture
def chorus() -> Iterator[chorus_rig.Chorus]:
    rig = chorus_rig.Chorus()
    yield rig
    rig.stop()


def test_a_deposit_that_waits_to_leave_dies_with_its_deadline(chorus: chorus_rig.Chorus) -> None:
    with deaf() as portal:
        channel = chorus.channel(api_url=f"http://127.0.0.1:{portal.port}/cpro", timeout="2")
        with pytest.raises(OutcomeUnknown):
            channel.send(chorus_rig.parcel(content=cii(Bill()) + b" " * LONG, media_type="application/xml"))
        portal.read_the_rest()
    assert portal.reset
    assert not portal.heard.endswith(b"}")


def test_a_message_that_waits_to_leave_dies_with_its_deadline() -> None:
    script = (b"220 ok\r\n", b"250 ok\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n")
    with deaf(*script) as relay, mail_rig.opened(mail_rig.settings_for(relay.port, deadline_seconds="2")) as channel:
        with pytest.raises(OutcomeUnknown):
            channel.send(mail_rig.parcel(artefact=replace(mail_rig.parcel().artefact, content=b"%PDF" * (LONG // 4))))
        relay.read_the_rest()
    assert relay.reset
    assert not relay.heard.endswith(b"\r\n.\r\n")


def test_a_sender_that_was_killed_is_not_worth_a_word(
    chorus: chorus_rig.Chorus, capfd: pytest.CaptureFixture[str]
) -> None:
    before = set(threading.enumerate())
    with socket.create_connection(("127.0.0.1", urlsplit(chorus.simulator.url).port or 0)) as sender:
        close_abruptly(sender)
        sender.sendall(b"POST /cpro/factures/v1/deposer/flux HTTP/1.1\r\nContent-Length: 9\r\n\r\n{")
    channel = chorus.channel()
    channel.send(chorus_rig.parcel())  # connections are taken in their order: the other one's has begun
    channel.close()
    for thread in set(threading.enumerate()) - before:
        if "process_request_thread" in thread.name:
            thread.join(timeout=PATIENCE)
    assert capfd.readouterr().err == ""
    assert len(chorus.deposits) == 1
