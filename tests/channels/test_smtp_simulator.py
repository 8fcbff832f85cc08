"""The simulated relay as another program sees it: its control address, and its life as a process."""

import json
import signal
import smtplib
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import suppress

import pytest

from faitfoi.simulators.smtp import SmtpSimulator
from tests.waiting import PATIENCE

MESSAGE = b"From: a@x.example\r\nMessage-ID: <m1@x.example>\r\nSubject: S\r\n\r\nbonjour\r\n"


@pytest.fixture
def relay() -> Iterator[SmtpSimulator]:
    simulator = SmtpSimulator()
    simulator.start()
    yield simulator
    simulator.stop()


def ask(base: str, path: str, body: object = None) -> dict[str, object]:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(f"{base}/control/{path}", data=data, timeout=PATIENCE) as answer:
        told: dict[str, object] = json.load(answer)
    return told


def deliver(port: int, *recipients: str) -> None:
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.sendmail("bounce+x@rp.example", recipients, MESSAGE)


def test_records_show_what_was_taken_even_when_the_answer_was_lost(relay: SmtpSimulator) -> None:
    deliver(relay.port, "a@client.example")
    ask(relay.control_url, "fault", {"kind": "lose_answer"})
    with suppress(smtplib.SMTPServerDisconnected):
        deliver(relay.port, "b@client.example")
    ask(relay.control_url, "fault", {"kind": "refuse"})
    with pytest.raises(smtplib.SMTPDataError):
        deliver(relay.port, "c@client.example")
    records = ask(relay.control_url, "records")
    messages = records["messages"]
    assert isinstance(messages, list)
    assert [(each["message_id"], each["rcpt_to"], each["answer"]) for each in messages] == [
        ("<m1@x.example>", "a@client.example", "taken"),
        ("<m1@x.example>", "b@client.example", "lost"),
    ]
    refused = records["refused"]
    assert isinstance(refused, list)
    assert [(each["step"], each["rcpt_to"]) for each in refused] == [("data", "c@client.example")]
    assert records["waiting"] == 0  # nobody asked for success


def test_reset_forgets_messages_and_faults(relay: SmtpSimulator) -> None:
    deliver(relay.port, "a@client.example")
    ask(relay.control_url, "fault", {"kind": "down", "times": None})
    ask(relay.control_url, "reset", {})
    deliver(relay.port, "b@client.example")
    messages = ask(relay.control_url, "records")["messages"]
    assert isinstance(messages, list)
    assert [each["rcpt_to"] for each in messages] == ["b@client.example"]
    assert ask(relay.control_url, "health")["simulator"] == "smtp"


def test_one_message_to_two_recipients_is_two_records(relay: SmtpSimulator) -> None:
    deliver(relay.port, "a@client.example", "b@client.example")
    assert [received.rcpt_to for received in relay.received] == ["a@client.example", "b@client.example"]


def test_it_listens_on_loopback_only() -> None:
    with pytest.raises(ValueError, match="loopback"):
        SmtpSimulator("0.0.0.0")


def test_as_a_process_it_serves_until_it_is_told_to_end() -> None:
    program = (
        "from faitfoi.simulators.smtp import run\n"
        "run(port=0, control_port=0, started=lambda s: print(s.port, s.control_url, flush=True))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port, control = process.stdout.readline().split()
        deliver(int(port), "a@client.example")
        assert len(str(ask(control, "records")["messages"])) > 2
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE) == 0
    finally:
        process.kill()
        process.communicate()
