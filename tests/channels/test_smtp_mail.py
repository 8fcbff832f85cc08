"""E-mail over real sockets: what leaves, and what each way of failing means."""

import hashlib
import socket
from collections.abc import Iterator
from email.message import EmailMessage
from typing import cast

import pytest

from faitfoi.channels.contract import Attachment, CannotTell, NotSent, OutcomeUnknown, Refused
from faitfoi.channels.smtp_mail import SmtpMail
from faitfoi.simulators.control import Fault, FaultKind
from faitfoi.simulators.smtp import SmtpSimulator
from tests.channels.mail_rig import NOW, PDF, TERMS, files_of, opened, parcel, read, running, scripted, settings_for
from tests.waiting import PATIENCE


@pytest.fixture
def relay() -> Iterator[SmtpSimulator]:
    simulator = SmtpSimulator(keep_bytes=True)
    simulator.start()
    yield simulator
    simulator.stop()


@pytest.fixture
def channel(relay: SmtpSimulator) -> Iterator[SmtpMail]:
    mail = SmtpMail(settings_for(relay.port), clock=lambda: NOW)
    yield mail
    mail.close()


def test_the_message_says_who_what_when_and_how_much_and_carries_the_very_bytes(
    relay: SmtpSimulator, channel: SmtpMail
) -> None:
    terms = Attachment(filename="Conditions générales de vente.pdf", media_type="application/pdf", content=TERMS)
    receipt = channel.send(parcel(annexes=(terms,)))

    message = read(relay.raw[0])
    assert message["From"].addresses[0].addr_spec == "factures@cooperative.example"
    assert message["From"].addresses[0].display_name == "Coopérative du Val Fleuri"
    assert [each.addr_spec for each in message["To"].addresses] == ["compta@client.example"]
    assert message["To"].addresses[0].display_name == "Ferme de l’Étang, EARL"
    assert message["Reply-To"] == "compta@cooperative.example"
    assert message["Subject"] == "Facture F-2026-117 du 1er septembre 2026 – Coopérative du Val Fleuri"
    assert message["Date"].datetime == NOW
    assert message["Message-ID"] == receipt.references["message_id"]
    assert message["Message-ID"] == "<mfrggzdfmztwq2lknnwg23tpoa@cooperative.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert "List-Unsubscribe" not in message
    assert message.get_content_type() == "multipart/mixed"
    assert next(iter(message.iter_parts())).get_content_type() == "multipart/alternative"
    for form in ("plain", "html"):
        body = cast("EmailMessage", message.get_body((form,))).get_content()
        for fact in (
            "Coopérative du Val Fleuri",
            "00000001800017",
            "F-2026-117",
            "1er septembre 2026",
            "1 234,56 €",
            "générales",
        ):
            assert fact in body
        assert "http" not in body
        assert "<img" not in body
    assert files_of(message) == [
        ("F-2026-117.pdf", "application/pdf", PDF),
        ("Conditions générales de vente.pdf", "application/pdf", TERMS),
    ]
    assert b"filename*=utf-8''Conditions%20g%C3%A9n%C3%A9rales" in relay.raw[0]
    assert receipt.raw.startswith(b"250 ")


def test_the_wire_sees_only_seven_bit_lines_ended_by_crlf(relay: SmtpSimulator, channel: SmtpMail) -> None:
    channel.send(parcel())
    content = relay.raw[0]
    assert content.isascii()
    assert content.count(b"\n") == content.count(b"\r") == content.count(b"\r\n")
    assert max(map(len, content.split(b"\r\n"))) <= 998


def test_the_envelope_asks_for_notifications_to_the_return_path(relay: SmtpSimulator, channel: SmtpMail) -> None:
    channel.send(parcel(address="compta+factures@client.example", envelope_id="mfrggzdfmztwq2lknnwg23tpoa-0011aabb"))
    (received,) = relay.received
    assert received.mail_from == "bounce+mfrggzdfmztwq2lknnwg23tpoa-0011aabb@rp.cooperative.example"
    assert received.rcpt_to == "compta+factures@client.example"
    assert (received.envid, received.ret) == ("mfrggzdfmztwq2lknnwg23tpoa-0011aabb", "HDRS")
    assert received.notify == "SUCCESS,FAILURE,DELAY"
    assert received.orcpt == "rfc822;compta+2Bfactures@client.example"
    assert received.attachments[0].sha256 == hashlib.sha256(PDF).hexdigest()
    assert received.answer == "taken"


def test_a_line_that_is_a_dot_neither_ends_the_message_nor_is_lost() -> None:
    """RFC 5321 §4.5.2: otherwise what follows it would be commands (smuggling)."""
    said = "Bonjour\n.\n..\n.MAIL FROM:<moi@mal.example>\n.\nMAIL FROM:<moi@mal.example>"
    with running(SmtpSimulator(keep_bytes=True)) as relay, opened(settings_for(relay.port)) as channel:
        channel.send(parcel(texts={"invoice": ("Facture", said)}))
        assert len(relay.received) == 1
        plain = read(relay.raw[0]).get_body(("plain",))
    assert plain is not None
    assert plain.get_content().splitlines() == said.splitlines()


def test_a_relay_without_dsn_is_spoken_to_plainly() -> None:
    with running(SmtpSimulator(announce_dsn=False)) as relay, opened(settings_for(relay.port)) as channel:
        channel.send(parcel())
        assert relay.received[0].envid == ""


def test_a_second_attempt_has_the_same_message_id_and_the_same_body(relay: SmtpSimulator, channel: SmtpMail) -> None:
    """Complaint D40."""
    channel.send(parcel())
    channel.send(parcel())
    assert relay.received[0].message_id == relay.received[1].message_id
    assert relay.raw[0] == relay.raw[1]


def test_four_invoices_to_one_customer_are_four_messages_each_with_its_own_pdf(
    relay: SmtpSimulator, channel: SmtpMail
) -> None:
    """Complaint D43."""
    contents = [PDF + str(rank).encode() for rank in range(4)]
    for rank, content in enumerate(contents):
        artefact = Attachment(filename=f"F-{rank}.pdf", media_type="application/pdf", content=content)
        channel.send(parcel(ref=f"reference{rank}", number=f"F-{rank}", artefact=artefact))
    assert [files_of(read(raw)) for raw in relay.raw] == [
        [(f"F-{rank}.pdf", "application/pdf", content)] for rank, content in enumerate(contents)
    ]


def test_one_parcels_recipient_never_reaches_the_next_whatever_happened_to_it(
    relay: SmtpSimulator, channel: SmtpMail
) -> None:
    """Complaint D42."""
    fates = ["bon", "inconnu-direct", "absent", "refuse", "mal écrite", "bon2", "inconnu-direct2", "bon3"]
    for rank, local in enumerate(fates):
        if local == "refuse":
            relay.faults.add(Fault(kind=FaultKind.REFUSE))
        try:
            channel.send(
                parcel(ref=f"reference{rank}", address=f"{local}@c{rank}.example", buyer_name=f"Client {rank}")
            )
        except Refused:
            continue
    for received, raw in zip(relay.received, relay.raw, strict=True):
        rank = int(received.envid.removeprefix("reference"))
        assert received.rcpt_to == f"{fates[rank]}@c{rank}.example"
        assert str(read(raw)["To"]) == f"Client {rank} <{received.rcpt_to}>"
        others = [f"c{other}.example" for other in range(len(fates)) if other != rank]
        assert not any(other.encode() in raw for other in others)
    assert [received.envid for received in relay.received] == [f"reference{rank}" for rank in (0, 2, 5, 7)]


def test_a_chunk_goes_over_one_connection(relay: SmtpSimulator, channel: SmtpMail) -> None:
    channel.send(parcel(ref="premiere1"))
    relay.faults.add(Fault(kind=FaultKind.DOWN, times=None, on="connect"))
    channel.send(parcel(ref="deuxieme2"))
    assert len(relay.received) == 2


def test_a_connection_dropped_while_idle_is_made_anew(relay: SmtpSimulator, channel: SmtpMail) -> None:
    channel.send(parcel(ref="premiere1"))
    cast("socket.socket", channel._client and channel._client.sock).shutdown(socket.SHUT_RDWR)
    channel.send(parcel(ref="deuxieme2"))
    assert [received.envid for received in relay.received] == ["premiere1", "deuxieme2"]


@pytest.mark.parametrize("step", ["connect", "mail", "rcpt", "data"])
def test_lost_before_the_final_dot_is_certainly_not_sent(step: str, relay: SmtpSimulator, channel: SmtpMail) -> None:
    relay.faults.add(Fault(kind=FaultKind.DOWN, on=step))
    # More than the system's buffers hold: a smaller message has left, final dot and all, before the loss is felt.
    heavy = Attachment(filename="f.pdf", media_type="application/pdf", content=bytes(13_000_000))
    with pytest.raises(NotSent) as caught:
        channel.send(parcel(artefact=heavy) if step == "data" else parcel())
    assert not caught.value.precondition
    assert relay.received == ()
    channel.send(parcel())
    assert len(relay.received) == 1


@pytest.mark.parametrize("kind", [FaultKind.LOSE_ANSWER, FaultKind.GARBAGE])
def test_lost_after_the_final_dot_is_unknown_and_was_taken(
    kind: FaultKind, relay: SmtpSimulator, channel: SmtpMail
) -> None:
    """Complaint D45."""
    relay.faults.add(Fault(kind=kind))
    with pytest.raises(OutcomeUnknown, match="peut-être"):
        channel.send(parcel())
    assert [received.answer for received in relay.received] == [
        {FaultKind.LOSE_ANSWER: "lost", FaultKind.GARBAGE: "garbage"}[kind]
    ]
    channel.send(parcel(ref="suivante1"))
    assert len(relay.received) == 2


def test_an_answer_slower_than_the_deadline_is_unknown_and_within_it_is_a_receipt(relay: SmtpSimulator) -> None:
    with opened(settings_for(relay.port, deadline_seconds="2")) as channel:
        relay.faults.add(Fault(kind=FaultKind.SLOW, seconds=0.2))
        channel.send(parcel(ref="premiere1"))
        relay.faults.add(Fault(kind=FaultKind.SLOW, seconds=PATIENCE))
        with pytest.raises(OutcomeUnknown):  # waited for, it would be a receipt
            channel.send(parcel(ref="deuxieme2"))
    assert len(relay.received) == 2


def test_a_duplicate_was_taken(relay: SmtpSimulator, channel: SmtpMail) -> None:
    relay.faults.add(Fault(kind=FaultKind.DUPLICATE))
    assert b"already" in channel.send(parcel()).raw
    assert len(relay.received) == 1


def test_an_unknown_address_is_refused_with_its_code_and_a_remedy(relay: SmtpSimulator, channel: SmtpMail) -> None:
    with pytest.raises(Refused) as caught:
        channel.send(parcel(address="inconnu-direct@client.example"))
    assert caught.value.code == "5.1.1"
    assert "inconnu-direct@client.example est inconnue" in caught.value.reason
    assert "Corrigez l’adresse" in caught.value.reason


def test_a_mailbox_of_which_nothing_is_heard_leaves_the_outcome_unknown(
    relay: SmtpSimulator, channel: SmtpMail
) -> None:
    with pytest.raises(OutcomeUnknown):
        channel.send(parcel(address="sans-reponse.bureau@client.example"))
    assert [received.answer for received in relay.received] == ["lost"]
    assert channel.send(parcel()).raw  # the next one is answered


ANSWERS = [
    # step, reply, outcome, code or precondition
    ("mail", "451 4.3.0 Try later", NotSent, False),
    ("rcpt", "450 4.2.0 Greylisted", NotSent, False),
    ("data", "451 4.3.0 Try later", NotSent, False),
    ("mail", "530 5.7.0 Authentication required", NotSent, True),
    ("mail", "550 5.7.1 Sender address not registered", NotSent, True),
    ("mail", "550 5.4.5 Daily sending quota exceeded", NotSent, True),
    ("rcpt", "554 5.7.1 Relay access denied", NotSent, True),
    ("rcpt", "550 relay not permitted", NotSent, True),
    ("rcpt", "550 Your host is on a blocklist", NotSent, True),
    ("rcpt", "554 Blocked by the RBL of mal.example", NotSent, True),
    ("data", "554 Message rejected: Email address is not verified: factures@cooperative.example", NotSent, True),
    ("data", "554 5.7.60 Client does not have permissions to send as this sender", NotSent, True),
    ("data", "550 5.4.5 Daily user sending limit exceeded", NotSent, True),
    ("data", "550 5.7.26 Unauthenticated mail is not accepted", NotSent, True),
    ("data", "552 5.2.2 Mailbox quota exceeded", Refused, "5.2.2"),
    ("mail", "552 5.3.4 Message too big", Refused, "5.3.4"),
    ("mail", "553 5.1.3 Bad destination mailbox address syntax", Refused, "5.1.3"),
    ("rcpt", "550 No such user here", Refused, "550"),
    ("rcpt", "550 5.4.1 Recipient address rejected: Access denied", Refused, "5.4.1"),
    ("rcpt", "552 5.2.2 Mailbox full", Refused, "5.2.2"),
    ("data", "552 Too much mail data", Refused, "552"),
    ("data", "554 5.7.1 Content looks like spam", Refused, "5.7.1"),
    ("data", "354 Go on", OutcomeUnknown, None),
]


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: f"{answer[0]} {answer[1]}")
def test_each_answer_means_one_outcome(
    answer: tuple[str, str, type[Exception], object], relay: SmtpSimulator, channel: SmtpMail
) -> None:
    step, reply, outcome, detail = answer
    relay.faults.add(Fault(kind=FaultKind.REFUSE, on=step, code=reply))
    with pytest.raises(outcome) as caught:
        channel.send(parcel())
    if isinstance(caught.value, NotSent):
        assert caught.value.precondition is detail
    if isinstance(caught.value, Refused):
        assert caught.value.code == detail
    assert relay.received == ()
    channel.send(parcel())
    assert len(relay.received) == 1


def test_a_message_above_the_announced_size_is_refused_before_it_is_sent() -> None:
    with running(SmtpSimulator(size_limit=20_000)) as relay, opened(settings_for(relay.port)) as channel:
        heavy = Attachment(filename="f.pdf", media_type="application/pdf", content=b"x" * 30_000)
        with pytest.raises(Refused, match=r"4\d ko .* 20 ko") as caught:
            channel.send(parcel(artefact=heavy))
        assert caught.value.code == "5.3.4"
        assert "Allégez" in caught.value.reason
        light = Attachment(filename="f.pdf", media_type="application/pdf", content=b"x" * 3_000)
        channel.send(parcel(artefact=light))
        assert len(relay.received) == 1


@pytest.mark.parametrize("reply", ["552 5.3.4 Message too big", "554 5.7.1 Content looks like spam"])
def test_what_is_said_of_one_message_of_several_documents_is_said_of_none_of_them(
    reply: str, relay: SmtpSimulator, channel: SmtpMail
) -> None:
    both = parcel(customer="c", others=(parcel("ab2defghijklmnopqrstuvwxyz", customer="c", number="F-2"),))
    relay.faults.add(Fault(kind=FaultKind.REFUSE, on="data", code=reply))
    with pytest.raises(Refused) as caught:
        channel.send(both)
    assert caught.value.together
    relay.faults.add(Fault(kind=FaultKind.REFUSE, on="rcpt", code="550 5.1.1 No such user"))
    with pytest.raises(Refused) as caught:
        channel.send(both)
    assert not caught.value.together  # the address is that of each of them


def test_a_message_of_several_documents_above_the_announced_size_is_refused_of_none_of_them() -> None:
    with running(SmtpSimulator(size_limit=20_000)) as relay, opened(settings_for(relay.port)) as channel:
        half = Attachment(filename="f.pdf", media_type="application/pdf", content=b"x" * 9_000)
        other = parcel("ab2defghijklmnopqrstuvwxyz", customer="c", number="F-2", artefact=half)
        with pytest.raises(Refused) as caught:
            channel.send(parcel(customer="c", artefact=half, others=(other,)))
        assert caught.value.together
        assert channel.send(parcel(customer="c", artefact=half))


def test_nobody_listening_is_not_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        with opened(settings_for(taken.getsockname()[1])) as channel, pytest.raises(NotSent, match="injoignable"):
            channel.send(parcel())


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        ([b"220 hello\r\n", b"250 me\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n", b"2"], OutcomeUnknown),
        ([b"220 hello\r\n", b"250 me\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n250 early\r\n"], NotSent),
        ([b"220 hello\r\n", b"250 me\r\n", b"250 ok\r\n250 twice\r\n"], NotSent),
        ([b"220 hello\r\n", b"250 me\r\n", b"\xff\xfe\r\n"], NotSent),
        ([b"220 hello\r\n", b"250-" + b"x" * 200_000], NotSent),
        ([b"554 no service\r\n"], NotSent),
        ([b"HTTP/1.1 400 Bad Request\r\n\r\n"], NotSent),
        ([b""], NotSent),
    ],
)
def test_a_relay_that_talks_nonsense_is_judged_by_the_final_dot(script: list[bytes], outcome: type[Exception]) -> None:
    with (
        scripted(script) as port,
        opened(settings_for(port, deadline_seconds="2")) as channel,
        pytest.raises(outcome),
    ):
        channel.send(parcel())


def test_a_server_that_drips_bytes_does_not_hold_the_worker_beyond_the_deadline() -> None:
    drops = [b"220 hello\r\n", b"250 me\r\n", *[b"2"] * 1]
    with (
        scripted(drops, drip=0.1) as port,
        opened(settings_for(port, deadline_seconds="2")) as channel,
        pytest.raises(NotSent),  # the drops have no end: a channel that waited for it would never come back
    ):
        channel.send(parcel())


@pytest.mark.parametrize(
    "address",
    [
        "",
        "sans-arobase.example",
        "a@b@c.example",
        "deux@client.example, autre@client.example",
        "a b@client.example",
        "rené@client.example",
        "x@client.example\r\nRCPT TO:<espion@mal.example>",
        "x@client.example>\r\nBcc: espion@mal.example",
        "<x@client.example>",
        "x@-client.example",
        "x@" + "d" * 64 + ".example",
        "y" * 65 + "@client.example",
        ".x@client.example",
    ],
)
def test_what_is_not_one_address_is_refused_before_anything_is_sent(
    address: str, relay: SmtpSimulator, channel: SmtpMail
) -> None:
    with pytest.raises(Refused, match="Corrigez-la") as caught:
        channel.send(parcel(address=address))
    assert caught.value.code == "5.1.3"
    assert "\n" not in caught.value.reason
    assert relay.received == ()


def test_an_accented_domain_travels_in_its_ascii_form(relay: SmtpSimulator, channel: SmtpMail) -> None:
    channel.send(parcel(address="compta@forêt.example"))
    assert relay.received[0].rcpt_to == "compta@xn--fort-ipa.example"


def test_a_relay_cannot_be_asked_afterwards(channel: SmtpMail) -> None:
    answer = channel.find(parcel())
    assert isinstance(answer, CannotTell)
    assert not answer.ask_again
    assert "interrogé" in answer.detail
    assert channel.poll(parcel()) == ()
    assert channel.polls is False
