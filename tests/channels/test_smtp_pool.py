"""Connections are shared by jobs, and a dead one is known before a message begins."""

import socket
import time

import pytest

from faitfoi.channels.contract import NotSent, OutcomeUnknown, Receipt
from faitfoi.channels.smtp_mail import _parameters
from faitfoi.channels.smtp_mail_message import Sender, compose
from faitfoi.channels.smtp_mail_pool import MOST_CARRIED, POOL
from faitfoi.channels.smtp_mail_wire import MakesNoSense, RelayClient
from faitfoi.simulators.control import Fault, FaultKind
from faitfoi.simulators.smtp import SmtpSimulator
from tests.channels.mail_rig import NOW, opened, parcel, running, settings_for
from tests.waiting import PATIENCE


def test_the_next_job_goes_on_with_the_connection_of_the_last() -> None:
    with running(SmtpSimulator()) as relay:
        with opened(settings_for(relay.port)) as channel:
            channel.send(parcel())
            first = channel._client
        with opened(settings_for(relay.port)) as channel:
            channel.send(parcel("nextnextnextnextnextnextab"))
            assert channel._client is first
        POOL.empty()


def test_another_account_never_gets_it() -> None:
    with running(SmtpSimulator()) as relay:
        with opened(settings_for(relay.port)) as channel:
            channel.send(parcel())
            first = channel._client
        with opened(settings_for(relay.port, helo_domain="autre.example")) as channel:
            channel.send(parcel("nextnextnextnextnextnextab"))
            assert channel._client is not first
        POOL.empty()


def test_a_connection_that_died_at_rest_costs_nothing() -> None:
    relay = SmtpSimulator()
    relay.start()
    port = relay.port
    with opened(settings_for(port)) as channel:
        channel.send(parcel())
    relay.stop()
    with running(SmtpSimulator(port=port)) as risen, opened(settings_for(port)) as channel:
        assert isinstance(channel.send(parcel("nextnextnextnextnextnextab")), Receipt)
        assert len(risen.received) == 1
        channel._drop()


def test_silence_after_the_final_dot_stays_unknown_and_its_connection_is_never_used_again() -> None:
    with running(SmtpSimulator()) as relay:
        with opened(settings_for(relay.port)) as channel:
            channel.send(parcel())
            first = channel._client
            relay.faults.add(Fault(kind=FaultKind.LOSE_ANSWER))
            with pytest.raises(OutcomeUnknown):
                channel.send(parcel("nextnextnextnextnextnextab"))
            assert channel._client is None
        with opened(settings_for(relay.port)) as channel:
            channel.send(parcel("thirdthirdthirdthirdthirda"))
            assert channel._client is not first
        POOL.empty()


def test_a_relay_that_speaks_before_the_final_dot_never_hears_it() -> None:
    """It has said no, or hung up, in the middle of the message: nothing can have arrived, and nothing is unknown."""
    ours, theirs = socket.socketpair()
    client = RelayClient(helo_domain="cooperative.example", tls=None, tls_at_once=False)
    client.sock, client.until = ours, time.monotonic() + PATIENCE
    with ours, theirs:
        theirs.sendall(b"421 4.3.2 closing\r\n")
        with pytest.raises(MakesNoSense):
            client.submit(b"Subject: x\r\n\r\nbonjour\r\n")
        assert not client.dot_sent
        assert theirs.recv(1000) == b"Subject: x\r\n\r\nbonjour\r\n"


def test_the_size_is_told_to_a_relay_that_wants_to_know_it() -> None:
    client = RelayClient(helo_domain="cooperative.example", tls=None, tls_at_once=False)
    letter = compose(parcel(), sender=Sender(address="factures@cooperative.example", name=""), at=NOW)
    assert _parameters(client, letter, reference="r") == ("", "")
    client.esmtp_features = {"size": "35882577"}
    assert _parameters(client, letter, reference="r") == (f" SIZE={len(letter.content)}", "")


def test_a_connection_carries_a_bounded_number_of_messages() -> None:
    with running(SmtpSimulator()) as relay, opened(settings_for(relay.port)) as channel:
        channel.send(parcel())
        first = channel._client
        assert first is not None
        first.carried = MOST_CARRIED
        channel.send(parcel("nextnextnextnextnextnextab"))
        assert channel._client is not first
        channel._drop()


@pytest.mark.parametrize(("kind", "precondition"), [(FaultKind.RATE_LIMITED, False), (FaultKind.EXPIRED_TOKEN, True)])
def test_a_relay_that_turns_us_away_has_taken_nothing(kind: FaultKind, precondition: bool) -> None:
    with running(SmtpSimulator()) as relay, opened(settings_for(relay.port)) as channel:
        relay.faults.add(Fault(kind=kind, seconds=60))
        with pytest.raises(NotSent) as told:
            channel.send(parcel())
        assert told.value.precondition is precondition
        assert not relay.received
        assert isinstance(channel.send(parcel()), Receipt)
        assert len(relay.received) == 1
        channel._drop()
