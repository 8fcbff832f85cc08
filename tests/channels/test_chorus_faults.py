"""Each answer Chorus Pro can give to a deposit, and the silence too: did it arrive: yes, no, or we cannot know?"""

import json
import socket
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest

from faitfoi.channels import http_wire
from faitfoi.channels.chorus_pro import ChorusPro
from faitfoi.channels.contract import NotSent, OutcomeUnknown, Refused
from tests.channels.chorus_rig import SECRETS, Chorus, parcel
from tests.waiting import PATIENCE


@pytest.fixture
def chorus() -> Iterator[Chorus]:
    rig = Chorus()
    yield rig
    rig.stop()


@contextmanager
def raw_server(*answers: bytes, keep: bool = False, drip: float = 0) -> Iterator[str]:
    """Give each connection the next of these bytes, after its request, then close (or `keep` it open in silence).

    `drip`: seconds before each byte of the last answer.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def serve() -> None:
        for answer in answers:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            request = b""
            while b"\r\n\r\n" not in request:
                request += peer.recv(65536)
            head, _, body = request.partition(b"\r\n\r\n")
            wanted = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            while len(body) < wanted:
                body += peer.recv(65536)
            if drip and answer is answers[-1]:
                trickle(peer, answer, drip)
            elif answer:
                peer.sendall(answer)
            if keep:
                held.append(peer)
            else:
                peer.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    host, port = listener.getsockname()
    yield f"http://{host}:{port}"
    listener.close()
    for peer in held:
        peer.close()
    thread.join(timeout=PATIENCE)


def trickle(peer: socket.socket, answer: bytes, drip: float) -> None:
    gone = threading.Event()
    for byte in answer:
        gone.wait(drip)
        try:
            peer.sendall(bytes([byte]))
        except OSError:
            return


def http(status: str, body: bytes, *, length: int | None = None, extra: str = "") -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\nConnection: close\r\n{extra}\r\n".encode() + body


TOKEN = http("200 OK", json.dumps({"access_token": "jeton", "expires_in": 3600}).encode())


@pytest.mark.parametrize(
    ("status", "precondition"), [("401", True), ("403", True), ("404", True), ("429", False), ("503", False)]
)
def test_a_closed_door_means_not_sent(chorus: Chorus, status: str, precondition: bool) -> None:
    chorus.fault("down", code=status, times=2)
    with pytest.raises(NotSent) as failure:
        chorus.channel().send(parcel())
    assert failure.value.precondition is precondition
    assert chorus.deposits == []


@pytest.mark.parametrize("status", ["500", "502", "504", "302", "408", "418"])
def test_an_error_that_says_nothing_of_the_deposit_is_an_unknown_outcome(chorus: Chorus, status: str) -> None:
    chorus.fault("down", code=status)
    with pytest.raises(OutcomeUnknown):
        chorus.channel().send(parcel())


@pytest.mark.parametrize(
    ("code", "words"),
    [("400", "mal formé"), ("413", "10 Mo"), ("415", "format"), ("20001", "10 Mo"), ("20042", "20042")],
)
def test_a_verdict_on_the_document_is_a_refusal(chorus: Chorus, code: str, words: str) -> None:
    chorus.fault("refuse", code=code)
    with pytest.raises(Refused, match=words) as failure:
        chorus.channel().send(parcel())
    assert failure.value.code == code
    assert "Le document n'est pas accepté." in failure.value.reason
    assert chorus.deposits == []


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "lose_answer"},
        {"kind": "garbage"},
        {"kind": "garbage", "code": "truncated"},
        {"kind": "duplicate"},
        {"kind": "slow", "seconds": PATIENCE},
    ],
)
def test_whatever_hides_the_answer_leaves_the_outcome_unknown(chorus: Chorus, fault: dict[str, object]) -> None:
    chorus.command("fault", **fault)
    with pytest.raises(OutcomeUnknown):
        chorus.channel(timeout="2").send(parcel())
    assert len(chorus.deposits) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        http("200 OK", b'{"codeRetour": 0, "libelle": "ok"}'),
        http("200 OK", b'{"codeRetour": 0, "libelle": "ok", "numeroFluxDepot": "../../etc"}'),
        http("200 OK", b'{"codeRetour": true, "numeroFluxDepot": "CPP0011117000000000425903"}'),
        http("200 OK", b'{"codeRetour": "0", "numeroFluxDepot": "CPP0011117000000000425903"}'),
        http("200 OK", b'{"codeRetour": 20042, "libelle": "", "numeroFluxDepot": "CPP0011117000000000425903"}'),
        http("200 OK", b"[]"),
        http("200 OK", b""),
        http("200 OK", b"[" * 100_000),
        http("200 OK", b'{"codeRetour": 0', length=4000),
        http("302 Found", b"", extra="Location: http://127.0.0.1:9/\r\n"),
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
)
def test_an_answer_that_makes_no_sense_is_never_a_receipt(chorus: Chorus, answer: bytes) -> None:
    with raw_server(TOKEN, answer) as url:
        channel = chorus.channel(api_url=f"{url}/cpro", token_url=f"{url}/token")
        with pytest.raises(OutcomeUnknown):
            channel.send(parcel())


def test_silence_after_the_deposit_is_an_unknown_outcome(chorus: Chorus) -> None:
    with raw_server(TOKEN, b"", keep=True) as url:
        channel = chorus.channel(api_url=f"{url}/cpro", token_url=f"{url}/token", timeout="2")
        with pytest.raises(OutcomeUnknown):
            channel.send(parcel())


def test_an_answer_that_drips_is_cut_at_the_deadline(chorus: Chorus) -> None:
    body = json.dumps({"codeRetour": 0, "libelle": " " * 4000, "numeroFluxDepot": "CPP0011117000000000425903"}).encode()
    with raw_server(TOKEN, http("200 OK", body), drip=0.02) as url:
        channel = chorus.channel(api_url=f"{url}/cpro", token_url=f"{url}/token", timeout="2")
        with pytest.raises(OutcomeUnknown):  # whole, it would be a receipt
            channel.send(parcel())


def test_nobody_there_means_not_sent(chorus: Chorus) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    for changes in (
        {"api_url": f"http://127.0.0.1:{port}/cpro"},
        {"token_url": f"http://127.0.0.1:{port}/token"},
        {"token_url": f"{chorus.simulator.url}/api/oauth/token".replace("http:", "https:")},
    ):
        with pytest.raises(NotSent) as failure:
            chorus.channel(**changes).send(parcel())
        assert failure.value.precondition is False


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        http("200 OK", b"{}"),
        http("200 OK", b'{"access_token": "a\\r\\nb", "expires_in": 3600}'),
        http("500 Internal Server Error", b"{}"),
        http("200 OK", b'{"access_token"'),
    ],
)
def test_without_a_token_nothing_is_sent(chorus: Chorus, answer: bytes) -> None:
    with raw_server(answer) as url, pytest.raises(NotSent, match="Rien n’a été envoyé"):
        chorus.channel(token_url=f"{url}/token").send(parcel())
    assert chorus.deposits == []


def test_wrong_credentials_are_a_precondition_and_say_which() -> None:
    chorus = Chorus(clients={"faitfoi": "autre"}, accounts={"TECH_1_00000001800017@cpro.example": "autre"})
    try:
        with pytest.raises(NotSent, match="client_id et client_secret") as failure:
            chorus.channel().send(parcel())
        assert failure.value.precondition
        with pytest.raises(NotSent, match="compte technique") as failure:
            chorus.channel(client_secret="autre").send(parcel())
        assert failure.value.precondition
        chorus.channel(client_secret="autre", technical_password="autre").send(parcel())
        assert len(chorus.deposits) == 1
    finally:
        chorus.stop()


def test_a_token_that_died_is_renewed_once_and_the_deposit_made_once(chorus: Chorus) -> None:
    channel = chorus.channel()
    channel.find(parcel())
    assert chorus.command("expire-tokens") == {"expired": 1}
    channel.send(parcel())
    assert len(chorus.deposits) == 1


def test_a_token_refused_twice_is_a_precondition() -> None:
    chorus = Chorus(token_seconds=0)
    try:
        with pytest.raises(NotSent) as failure:
            chorus.channel().send(parcel())
        assert failure.value.precondition
        assert chorus.deposits == []
    finally:
        chorus.stop()


def test_a_token_is_kept_and_renewed_before_it_dies(chorus: Chorus, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(http_wire, "time", SimpleNamespace(monotonic=lambda: now[0]))
    channel = chorus.channel()
    channel.find(parcel())
    now[0] += 3600 - 121
    channel.find(parcel())
    assert len(chorus.simulator.tokens) == 1
    now[0] += 2
    channel.find(parcel())
    assert len(chorus.simulator.tokens) == 2


def test_no_failure_tells_a_secret_or_the_invoice(chorus: Chorus) -> None:
    failures: list[BaseException] = []

    def note(channel: ChorusPro) -> None:
        with pytest.raises((NotSent, Refused, OutcomeUnknown)) as failure:
            channel.send(parcel())
        failures.append(failure.value)

    for fault in ("down", "refuse", "lose_answer", "garbage", "duplicate"):
        chorus.fault(fault)
        note(chorus.channel())
    note(chorus.channel(api_url="http://127.0.0.1:1/cpro"))
    note(chorus.channel(token_url="http://127.0.0.1:1/token"))
    for error in failures:
        told = "".join(traceback.format_exception(error)) + repr(error)
        assert not any(secret in told for secret in SECRETS.values())
        # An error of the HTTP library would bring the whole request along, headers and all.
        assert error.__context__ is None
        assert error.__cause__ is None


def test_the_account_never_shows_itself(chorus: Chorus) -> None:
    channel = chorus.channel()
    told = repr(channel) + repr(vars(channel)) + repr(vars(channel._connection))
    assert not any(secret in told for secret in SECRETS.values())


def test_a_token_that_dies_between_two_calls_costs_one_renewal_and_no_second_deposit(chorus: Chorus) -> None:
    channel = chorus.channel()
    chorus.fault("expired_token")
    channel.send(parcel())
    assert len(chorus.deposits) == 1


def test_a_limit_of_calls_means_not_sent_and_waiting_mends_it(chorus: Chorus) -> None:
    channel = chorus.channel()
    chorus.fault("rate_limited")
    with pytest.raises(NotSent) as caught:
        channel.send(parcel())
    assert not caught.value.precondition
    assert chorus.deposits == []
    channel.send(parcel())
    assert len(chorus.deposits) == 1


def test_a_history_told_backwards_is_put_in_order(chorus: Chorus) -> None:
    channel = chorus.channel()
    one = parcel()
    one = replace(one, references=channel.send(one).references)
    chorus.advance(days=20)
    straight = [event.identity for event in channel.poll(one)]
    chorus.fault("out_of_order", on="consulter/historique")
    assert [event.identity for event in channel.poll(one)] == straight
