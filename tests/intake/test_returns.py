"""The return address, over real sockets: nothing accepted is lost, nothing lost is accepted."""

import smtplib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from faitfoi.intake.bounces import BounceClass, read_bounce, read_verp, verp_address
from faitfoi.intake.returns import ReturnListener
from faitfoi.simulators.control import Clock
from faitfoi.simulators.smtp import SmtpSimulator
from tests.waiting import PATIENCE

SECRET = b"secret"
REF = "mfrggzdfmztwq2lknnwg23tpoa"
RETURN = verp_address(REF, domain="rp.cooperative.example", secret=SECRET)
MESSAGE = b"Subject: essai\r\nMessage-ID: <m@cooperative.example>\r\n\r\n.bonjour\r\n..\r\n"


class Kept:
    """Keeps what it is given; fails as long as `broken` says."""

    def __init__(self) -> None:
        self.messages: list[tuple[bytes, tuple[str, ...]]] = []
        self.broken = False
        self.arrived = threading.Event()

    def __call__(self, raw: bytes, recipients: tuple[str, ...]) -> None:
        if self.broken:
            raise ConnectionError("the database is away")
        self.messages.append((raw, recipients))
        self.arrived.set()


@contextmanager
def listening(
    kept: Kept, *, accepts: Callable[[str], bool] = lambda _: True, size_limit: int = 1_000_000
) -> Iterator[ReturnListener]:
    listener = ReturnListener("127.0.0.1", 0, kept, accepts=accepts, size_limit=size_limit)
    listener.start()
    try:
        yield listener
    finally:
        listener.stop()


@pytest.mark.parametrize("protocol", [smtplib.SMTP, smtplib.LMTP])
def test_a_message_arrives_byte_for_byte_with_its_recipient(protocol: type[smtplib.SMTP]) -> None:
    kept = Kept()
    with listening(kept) as listener, protocol("127.0.0.1", listener.port) as client:
        assert client.sendmail("", [RETURN], MESSAGE) == {}
    assert kept.messages == [(MESSAGE, (RETURN,))]


def test_lmtp_is_answered_once_for_each_recipient() -> None:
    kept = Kept()
    with listening(kept) as listener, smtplib.LMTP("127.0.0.1", listener.port) as client:
        client.ehlo()
        client.mail("")
        client.rcpt("un@rp.example")
        client.rcpt("deux@rp.example")
        assert client.data(MESSAGE)[0] == 250
        assert client.getreply()[0] == 250
        assert client.noop()[0] == 250


@pytest.mark.parametrize("protocol", [smtplib.SMTP, smtplib.LMTP])
def test_what_could_not_be_kept_stays_with_the_sender(protocol: type[smtplib.SMTP]) -> None:
    kept = Kept()
    kept.broken = True
    with listening(kept) as listener, protocol("127.0.0.1", listener.port) as client:
        with pytest.raises(smtplib.SMTPDataError) as caught:
            client.sendmail("", [RETURN], MESSAGE)
        assert caught.value.smtp_code == 451
        kept.broken = False
        client.sendmail("", [RETURN], MESSAGE)
    assert len(kept.messages) == 1


def test_the_sender_hears_250_only_after_the_message_is_kept() -> None:
    order: list[str] = []
    heard = threading.Event()

    def slow(_: bytes, __: tuple[str, ...]) -> None:
        heard.wait(0.2)  # in vain, unless 250 comes too early
        order.append("kept")

    listener = ReturnListener("127.0.0.1", 0, slow)
    listener.start()
    with smtplib.SMTP("127.0.0.1", listener.port) as client:
        client.sendmail("", [RETURN], MESSAGE)
        order.append("250")
        heard.set()
    listener.stop()
    assert order == ["kept", "250"]


def test_an_address_we_never_gave_out_is_refused_at_once() -> None:
    kept = Kept()
    with (
        listening(kept, accepts=lambda address: read_verp(address, secret=SECRET) is not None) as listener,
        smtplib.SMTP("127.0.0.1", listener.port) as client,
    ):
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            client.sendmail("", ["postmaster@rp.cooperative.example"], MESSAGE)
        client.sendmail("", [RETURN.upper()], MESSAGE)
    assert len(kept.messages) == 1


def test_too_long_a_message_is_refused_and_a_long_line_is_not() -> None:
    kept = Kept()
    with listening(kept) as listener, smtplib.SMTP("127.0.0.1", listener.port) as client:
        client.sendmail("", [RETURN], b"Subject: x\r\n\r\n" + b"y" * 500_000 + b"\r\n")
        with pytest.raises(smtplib.SMTPResponseException) as caught:
            client.sendmail("", [RETURN], b"Subject: x\r\n\r\n" + b"y\r\n" * 500_000)
        assert caught.value.smtp_code == 552
        client.ehlo_resp = None
    assert len(kept.messages) == 1


def test_it_stays_on_loopback() -> None:
    with pytest.raises(ValueError, match="loopback"):
        ReturnListener("0.0.0.0", 0, Kept())


def relay_message(relay: SmtpSimulator, address: str, *, notify: str = "SUCCESS,FAILURE,DELAY") -> None:
    with smtplib.SMTP("127.0.0.1", relay.port) as client:
        client.ehlo()
        assert client.has_extn("dsn")
        client.mail(RETURN, [f"ENVID={REF}", "RET=HDRS"])
        client.rcpt(address, [f"NOTIFY={notify}", f"ORCPT=rfc822;{address}"])
        assert client.data(MESSAGE)[0] == 250


@pytest.mark.parametrize("protocol", ["smtp", "lmtp"])
@pytest.mark.parametrize(
    ("address", "kinds", "statuses"),
    [
        ("absent.depuis@client.example", [BounceClass.HARD], ["5.1.1"]),
        ("pleine@client.example", [BounceClass.DELAYED, BounceClass.FULL], ["4.2.2", "5.2.2"]),
        ("filtre.compta@client.example", [BounceClass.POLICY], ["5.7.1"]),
        ("compta@client.example", [BounceClass.DELIVERED], ["2.0.0"]),
    ],
)
def test_the_relays_notifications_find_their_delivery(
    protocol: str, address: str, kinds: list[BounceClass], statuses: list[str]
) -> None:
    kept = Kept()
    with listening(kept) as listener:
        relay = SmtpSimulator(return_port=listener.port, return_protocol=protocol, clock=Clock(factor=0))
        relay.start()
        try:
            relay_message(relay, address)
            assert kept.messages == []  # nothing goes out before it is told to
            relay.control.obey("POST /control/advance", {"seconds": 0})
            assert len(kept.messages) == (0 if address.startswith("pleine") else 1)
            relay.control.obey("POST /control/advance", {"seconds": 6 * 86_400})
        finally:
            relay.stop()
    bounces = [read_bounce(raw) for raw, _ in kept.messages]
    assert [bounce and bounce.kind for bounce in bounces] == kinds
    assert [bounce and bounce.recipients[0].status for bounce in bounces] == statuses
    for (_, (recipient,)), bounce in zip(kept.messages, bounces, strict=True):
        assert read_verp(recipient, secret=SECRET) == REF
        assert bounce is not None
        assert bounce.envelope_id == REF
        assert bounce.original_message_id == "<m@cooperative.example>"
        assert bounce.recipients[0].original == address


def test_success_is_told_only_to_who_asked() -> None:
    kept = Kept()
    with listening(kept) as listener:
        relay = SmtpSimulator(return_port=listener.port)
        relay.start()
        relay_message(relay, "compta@client.example", notify="FAILURE")
        relay.control.obey("POST /control/advance", {"seconds": 9 * 86_400})
        relay.stop()
    assert kept.messages == []


def test_a_notification_that_is_not_taken_is_offered_again() -> None:
    kept = Kept()
    kept.broken = True
    with listening(kept) as listener:
        relay = SmtpSimulator(return_port=listener.port)
        relay.start()
        relay_message(relay, "absent@client.example")
        relay.control.obey("POST /control/advance", {"seconds": 1})
        assert (relay.outbox.waiting(), relay.outbox.sent()) == (1, [])
        kept.broken = False
        relay.control.obey("POST /control/advance", {"seconds": 1})
        relay.stop()
    assert len(kept.messages) == 1


def test_in_auto_mode_notifications_come_by_themselves() -> None:
    kept = Kept()
    with listening(kept) as listener:
        relay = SmtpSimulator(return_port=listener.port, auto=True)
        relay.start()
        relay_message(relay, "absent@client.example")
        assert kept.arrived.wait(PATIENCE)
        relay.stop()


def test_a_listener_gives_its_port_back() -> None:
    kept = Kept()
    with listening(kept) as listener:
        port = listener.port
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
