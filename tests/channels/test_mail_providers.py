"""Providers' calls: verified over raw bytes, then read into the one normal form; opens and clicks are nothing."""

import base64
import contextlib
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from faitfoi.channels.contract import Grade, News
from faitfoi.channels.mail_provider_news import NotRead
from faitfoi.channels.mail_providers import PROVIDERS, Forged, allowed_by_sns, read_call

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
REF = "mfrggzdfmztwq2lknnwg23tpoa"
WHO = "compta@client.example"
TOPIC = "arn:aws:sns:eu-west-3:000000000000:courrier"
CERTIFICATE = "https://sns.eu-west-3.amazonaws.com/SimpleNotificationService-0.pem"
ASKED = "https://sns.eu-west-3.amazonaws.com/?Action=ConfirmSubscription&Token=jeton"
KEY = generate_private_key(public_exponent=65537, key_size=2048)


def certificate() -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.example")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(KEY.public_key())
    made = made.serial_number(1).not_valid_before(NOW - timedelta(days=1)).not_valid_after(NOW + timedelta(days=1))
    return made.sign(KEY, SHA256()).public_bytes(Encoding.PEM)


PEM = certificate()


def fetch(address: str) -> bytes:
    assert allowed_by_sns(address)
    return PEM


def sns(message: dict[str, Any], **changes: str) -> bytes:
    told = {
        "Type": "Notification",
        "MessageId": "m-1",
        "TopicArn": TOPIC,
        "Message": json.dumps(message),
        "Timestamp": "2026-11-21T09:29:00.000Z",
        "SignatureVersion": "2",
        "SigningCertURL": CERTIFICATE,
    } | {name: value for name, value in changes.items() if name != "after"}
    signed = "".join(f"{name}\n{told[name]}\n" for name in ("Message", "MessageId", "Timestamp", "TopicArn", "Type"))
    told["Signature"] = base64.b64encode(KEY.sign(signed.encode(), PKCS1v15(), SHA256())).decode()
    return json.dumps(told).encode()


def mailgun(event: dict[str, Any], *, key: str = "cle", at: datetime = NOW) -> bytes:
    stamp, token = str(int(at.timestamp())), "jeton"
    mark = hmac.new(key.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
    signature = {"timestamp": stamp, "token": token, "signature": mark}
    return json.dumps({"signature": signature, "event-data": event}).encode()


def read(provider: str, body: bytes, headers: dict[str, str] | None = None, **settings: str) -> tuple[News, ...]:
    known = {"webhook_mailgun_key": "cle", "webhook_ses_topic": TOPIC} | settings
    return read_call(provider, headers=headers or {}, body=body, settings=known, now=NOW, fetch=fetch)


def said(provider: str, kind: str, words: str = "550 5.1.1 User unknown") -> bytes:
    """One event of each provider in its own words."""
    match provider:
        case "postmark":
            types = {"hard": "HardBounce", "soft": "Transient", "policy": "Blocked", "full": "SoftBounce"}
            told: Any = {"RecordType": "Bounce", "Type": types.get(kind, ""), "ID": 7, "Email": WHO, "Details": words}
            if kind in {"delivered", "complaint", "open"}:
                names = {"delivered": "Delivery", "complaint": "SpamComplaint", "open": "Open"}
                told = {"RecordType": names[kind], "Recipient": WHO, "MessageID": "x"}
            return json.dumps(told | {"Metadata": {"ref": REF}, "BouncedAt": "2026-11-21T09:00:00Z"}).encode()
        case "mailgun":
            event = {"delivered": "delivered", "complaint": "complained", "open": "opened", "policy": "rejected"}
            severity = {"hard": "permanent", "full": "permanent", "soft": "temporary"}.get(kind)
            data = {"event": event.get(kind, "failed"), "severity": severity, "id": "e1", "recipient": WHO}
            more = {"timestamp": NOW.timestamp() - 60, "delivery-status": {"message": words}}
            return mailgun(data | more | {"message": {"headers": {"message-id": f"{REF}@cooperative.example"}}})
        case "ses":
            names = {"delivered": "Delivery", "complaint": "Complaint", "open": "Open", "policy": "Reject"}
            name = names.get(kind, "DeliveryDelay" if kind == "soft" else "Bounce")
            part: dict[str, Any] = {"recipients": [WHO]}
            if name == "Bounce":
                part = {
                    "bounceType": "Permanent",
                    "bouncedRecipients": [{"emailAddress": WHO, "diagnosticCode": words}],
                }
            if name == "Complaint":
                part = {"complainedRecipients": [{"emailAddress": WHO}]}
            if name == "DeliveryDelay":
                part = {"delayedRecipients": [{"emailAddress": WHO}]}
            place = "deliveryDelay" if name == "DeliveryDelay" else name.lower()
            mail = {"messageId": "ses-1", "source": f"bounce+{REF}-aaaaaaaa@rp.cooperative.example"}
            return sns({"eventType": name, place: part, "mail": mail})
        case "brevo":
            names = {
                "hard": "hard_bounce",
                "soft": "deferred",
                "policy": "blocked",
                "full": "soft_bounce",
                "open": "opened",
            }
            told = {
                "event": names.get(kind, kind),
                "email": WHO,
                "X-Mailin-custom": REF,
                "ts_event": NOW.timestamp() - 9,
            }
            return json.dumps(told | {"reason": words}).encode()
        case _:
            names = {"delivered": "sent", "policy": "blocked", "complaint": "spam", "hard": "bounce", "full": "bounce"}
            told = {
                "event": names.get(kind, kind),
                "hard_bounce": kind == "hard",
                "email": WHO,
                "CustomID": REF,
                "time": 1,
            }
            return json.dumps([told | {"error": words}]).encode()


MEANT = {
    "delivered": (Grade.DELIVERED, "delivered"),
    "hard": (Grade.RETURNED, "hard"),
    "full": (Grade.RETURNED, "full"),
    "policy": (Grade.RETURNED, "policy"),
    "complaint": (Grade.DELIVERED, "complaint"),
    "soft": (Grade.DELAYED, ""),
}


@pytest.mark.parametrize("kind", MEANT)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_each_provider_says_the_same_things_in_the_end(provider: str, kind: str) -> None:
    if (provider, kind) == ("mailjet", "soft"):
        pytest.skip("Mailjet tells no delay")
    words = "552 5.2.2 mailbox full" if kind == "full" else "550 5.1.1 User unknown" if kind == "hard" else ""
    (news,) = read(provider, said(provider, kind, words))
    assert (news.event.grade, news.event.verdict) == MEANT[kind]
    assert news.about | {"sender": ""} == {"recipient": WHO, "message_ref": REF, "sender": ""}
    assert news.event.at <= NOW
    assert WHO in news.event.reason


@pytest.mark.parametrize("provider", PROVIDERS)
def test_opens_are_nothing_and_the_same_thing_said_twice_has_one_identity(provider: str) -> None:
    """Complaint E53."""
    assert read(provider, said(provider, "open")) == ()
    once, again = (read(provider, said(provider, "hard"))[0].event.identity for _ in range(2))
    assert once == again


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_unknown_word_is_kept_and_graded_so(provider: str) -> None:
    unknown = {
        "postmark": b'{"RecordType": "Nouveau"}',
        "mailgun": mailgun({"event": "nouveau"}),
        "ses": sns({"eventType": "Nouveau", "mail": {}}),
        "brevo": b'{"event": "nouveau"}',
        "mailjet": b'[{"event": "nouveau"}]',
    }
    (news,) = read(provider, unknown[provider])
    assert news.event.grade is Grade.UNKNOWN_CODE


def test_a_forged_mailgun_call_is_refused() -> None:
    with pytest.raises(Forged):
        read("mailgun", mailgun({"event": "delivered"}, key="autre"))
    with pytest.raises(Forged):
        read("mailgun", mailgun({"event": "delivered"}, at=NOW - timedelta(days=2)))
    with pytest.raises(Forged):
        read("mailgun", b'{"event-data": {"event": "delivered"}}')
    with pytest.raises(Forged):
        read("mailgun", mailgun({"event": "delivered"}, key=""), webhook_mailgun_key="")


@pytest.mark.parametrize(
    "changes",
    [
        {"SigningCertURL": "https://sns.eu-west-3.amazonaws.com.mal.example/x.pem"},
        {"SigningCertURL": "http://sns.eu-west-3.amazonaws.com/x.pem"},
        {"SigningCertURL": "https://sns.eu-west-3.amazonaws.com:8443/x.pem"},
        {"SigningCertURL": "https://moi@sns.eu-west-3.amazonaws.com/x.pem"},
        {"SigningCertURL": "https://127.0.0.1/x.pem"},
        {"SigningCertURL": "https://sns.eu-west-3.amazonaws.com/x.pem?Action=Unsubscribe"},
        {"SigningCertURL": "https://sns.eu-west-3.amazonaws.com/ailleurs/x.pem"},
        {"TopicArn": "arn:aws:sns:eu-west-3:111111111111:autre"},
        {"Type": "Autre"},
    ],
)
def test_an_sns_call_from_elsewhere_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(Forged):
        read("ses", sns({"eventType": "Delivery"}, **changes))


def confirmation(address: str, kind: str = "SubscriptionConfirmation") -> bytes:
    told = {
        "Type": kind,
        "MessageId": "m-1",
        "TopicArn": TOPIC,
        "Message": "Confirm",
        "Timestamp": "2026-11-21T09:29:00.000Z",
        "Token": "jeton",
        "SubscribeURL": address,
    }
    signed = "".join(f"{name}\n{told[name]}\n" for name in sorted(told, key=lambda name: (name != "Message", name)))
    mark = base64.b64encode(KEY.sign(signed.encode(), PKCS1v15(), SHA1())).decode()
    return json.dumps(told | {"SignatureVersion": "1", "SigningCertURL": CERTIFICATE, "Signature": mark}).encode()


def take_sns(body: bytes, fetched: list[str]) -> tuple[News, ...]:
    """Read a call of SES, noting the addresses it has us fetch."""

    def note(address: str) -> bytes:
        fetched.append(address)
        return PEM

    settings = {"webhook_ses_topic": TOPIC}
    return read_call("ses", headers={}, body=body, settings=settings, now=NOW, fetch=note)


def test_a_subscription_is_confirmed_at_an_address_of_sns_only_and_once_it_is_proved() -> None:
    fetched: list[str] = []
    (begun,) = take_sns(confirmation(ASKED), fetched)
    assert begun.about == {"subscription": "SubscriptionConfirmation"}
    assert fetched == [CERTIFICATE, ASKED]
    for forged in (
        confirmation("https://ailleurs.example/?Action=ConfirmSubscription"),
        confirmation("https://sns.eu-west-3.amazonaws.com/?Action=Publish&Token=jeton"),
        confirmation(ASKED).replace(b"Token=jeton", b"Token=autre"),
    ):
        fetched.clear()
        with pytest.raises(Forged):
            take_sns(forged, fetched)
        assert fetched == [CERTIFICATE]


def test_a_subscription_that_was_ended_is_news_and_is_never_taken_up_again_by_ourselves() -> None:
    fetched: list[str] = []
    body = confirmation(ASKED, "UnsubscribeConfirmation")
    (ended,) = take_sns(body, fetched)
    assert (ended.about, ended.event.grade) == ({"subscription": "UnsubscribeConfirmation"}, Grade.ACTION_NEEDED)
    assert fetched == [CERTIFICATE]
    with pytest.raises(Forged):
        take_sns(body.replace(b"jeton", b"autre"), fetched)


def test_every_event_of_a_long_call_is_read() -> None:
    (one,) = json.loads(said("mailjet", "delivered"))
    told = [one | {"MessageID": rank} for rank in range(2500)]
    assert len(read("mailjet", json.dumps(told).encode())) == 2500


def test_a_changed_sns_message_is_refused() -> None:
    body = said("ses", "delivered")
    with pytest.raises(Forged):
        read("ses", body.replace(b"Delivery", b"Complaint"))


def test_basic_is_asked_where_it_is_set_and_never_kept() -> None:
    body = said("postmark", "hard")
    with pytest.raises(Forged):
        read("postmark", body, webhook_password="secret")
    right = {"authorization": "Basic " + base64.b64encode(b"moi:secret").decode(), "user-agent": "Postmark"}
    (news,) = read("postmark", body, right, webhook_user="moi", webhook_password="secret")
    assert b"user-agent: Postmark" in news.event.raw
    assert body in news.event.raw
    assert b"Basic" not in news.event.raw


@given(st.sampled_from(["postmark", "brevo", "mailjet", "mailgun", "ses"]), st.binary(max_size=300))
def test_no_bytes_whatever_do_more_than_be_refused(provider: str, noise: bytes) -> None:
    with contextlib.suppress(Forged, NotRead):
        read(provider, noise)


@given(
    st.sampled_from(["postmark", "brevo", "mailjet"]),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["event", "RecordType", "Type", "Metadata", "hard_bounce", "time", "ts"]), inner
            )
        ),
        max_leaves=12,
    ),
)
def test_no_json_whatever_does_either(provider: str, told: Any) -> None:
    with contextlib.suppress(NotRead):
        read(provider, json.dumps(told).encode())
