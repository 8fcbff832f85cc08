"""The signature that the relay received is judged by another program, over the very bytes."""

import base64

import dkim
import pytest

from faitfoi.channels.smtp_mail_dkim import dns_record, make_key, read_dkim
from faitfoi.simulators.smtp import SmtpSimulator
from tests.channels.mail_rig import opened, parcel, read, running, settings_for

RSA = make_key()


def received(pem: str, **more: str) -> bytes:
    with running(SmtpSimulator(keep_bytes=True)) as relay:
        signing = {"dkim": "on", "dkim_selector": "cle-2026", "dkim_key": pem}
        with opened(settings_for(relay.port, **signing, **more)) as channel:
            channel.send(parcel())
        return relay.raw[0]


def judge(content: bytes, pem: str) -> bool:
    name, text = dns_record(read_dkim(domain="cooperative.example", selector="cle-2026", pem=pem))
    records = {f"{name}.".encode(): text.encode()}
    try:
        return bool(dkim.DKIM(content).verify(dnsfunc=lambda asked, timeout=5: records.get(asked)))
    except dkim.ValidationError:
        return False


def test_an_independent_verifier_accepts_what_the_relay_received() -> None:
    assert judge(received(RSA), RSA)


def test_the_verifier_refuses_a_changed_body_a_changed_header_and_an_added_one() -> None:
    content = received(RSA)
    assert judge(content, RSA)
    assert not judge(content.replace(b"Val Fleuri", b"Val Flouri", 1), RSA)
    middle = len(content) - 3000
    assert not judge(content[:middle] + b"AAAA" + content[middle + 4 :], RSA)
    for name in (b"Subject", b"Reply-To", b"Cc", b"Date", b"Content-Type", b"Sender"):
        added = content.replace(b"\r\nSubject:", b"\r\n" + name + b": autre@mal.example\r\nSubject:", 1)
        assert not judge(added, RSA), name


def test_nobody_can_add_where_answers_go_to_a_message_that_does_not_say() -> None:
    content = received(RSA, reply_to="")
    assert judge(content, RSA)
    assert not judge(content.replace(b"\r\nSubject:", b"\r\nReply-To: moi@mal.example\r\nSubject:", 1), RSA)


def test_the_sender_and_what_is_read_of_it_are_signed() -> None:
    signature = str(read(received(RSA))["DKIM-Signature"])
    signed = next(tag for tag in signature.split(";") if tag.strip().startswith("h="))
    for name in ("from", "to", "subject", "date", "message-id", "reply-to", "content-type", "auto-submitted"):
        assert name in signed
    assert "d=cooperative.example" in signature


def test_nothing_is_signed_before_the_record_is_published() -> None:
    with running(SmtpSimulator(keep_bytes=True)) as relay:
        with opened(settings_for(relay.port, dkim_selector="cle-2026", dkim_key=RSA)) as channel:
            channel.send(parcel())
        assert "DKIM-Signature" not in read(relay.raw[0])


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"dkim_key": "x"}, "dkim_key"),
        ({"dkim_selector": "Été !"}, "dkim_selector"),
        ({"dkim": "peut-être"}, "dkim vaut"),
    ],
)
def test_a_setting_that_cannot_sign_is_named(changes: dict[str, str], named: str) -> None:
    whole = {"dkim": "on", "dkim_selector": "cle", "dkim_key": RSA} | changes
    with pytest.raises(ValueError, match=named), opened(settings_for(1, **whole)):
        pass


def test_the_record_fits_what_dns_takes() -> None:
    name, text = dns_record(read_dkim(domain="cooperative.example", selector="cle", pem=RSA))
    assert name == "cle._domainkey.cooperative.example"
    assert text.startswith("v=DKIM1; k=rsa; p=")
    assert base64.b64decode(text.partition("p=")[2])
