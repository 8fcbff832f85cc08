"""What comes to a return address is read for what it says, and hostile mail for nothing."""

import os
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from faitfoi.intake.bounces import Bounce, BounceClass, read_bounce, read_verp, verp_address
from tests.work import cost

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("FAITFOI_SHARED", ROOT.parent / "shared"))
SECRET = b"secret of the installation"
REF = "mfrggzdfmztwq2lknnwg23tpoa"


def report(*recipients: str, head: str = "Reporting-MTA: dns; mx.client.example\n", envelope: str = "") -> bytes:
    blocks = "\n".join([head + envelope, *recipients])
    return f"""Return-Path: <>
From: MAILER-DAEMON@mx.client.example
Auto-Submitted: auto-replied
Content-Type: multipart/report; report-type=delivery-status; boundary="B1"

--B1
Content-Type: text/plain

It did not work.
--B1
Content-Type: message/delivery-status

{blocks}
--B1
Content-Type: text/rfc822-headers

Message-ID: <{REF}@cooperative.example>
To: compta@client.example
--B1--
""".encode()


def about(action: str, status: str, diagnostic: str = "", address: str = "compta@client.example") -> str:
    lines = f"Final-Recipient: rfc822; {address}\nAction: {action}\nStatus: {status}\n"
    return lines + (f"Diagnostic-Code: smtp; {diagnostic}\n" if diagnostic else "")


def test_the_contracts_sample_says_which_message_which_recipient_and_why() -> None:
    sample = SHARED / "contracts" / "samples" / "dsn-5.1.1.eml"
    if not sample.exists():
        pytest.skip(f"{sample} is not there")
    bounce = read_bounce(sample.read_bytes())
    assert bounce is not None
    assert bounce.kind is BounceClass.HARD
    assert bounce.reporter == "mx.example.net"
    assert bounce.envelope_id == "inv-0042-r1"
    assert bounce.original_message_id == "<inv-0042-r1@mail.exemple.fr>"
    (recipient,) = bounce.recipients
    assert (recipient.address, recipient.original) == ("compta@client.example", "compta@client.example")
    assert (recipient.action, recipient.status) == ("failed", "5.1.1")
    assert "User unknown" in recipient.diagnostic
    assert "compta@client.example : l’adresse n’existe pas" in recipient.sentence


@pytest.mark.parametrize(
    ("action", "status", "diagnostic", "kind"),
    [
        ("failed", "5.1.1", "550 5.1.1 User unknown", BounceClass.HARD),
        ("failed", "5.1.10", "", BounceClass.HARD),
        ("failed", "5.2.1", "", BounceClass.HARD),
        ("failed", "5.0.0", "550 Unknown user", BounceClass.HARD),
        ("failed", "5.7.1", "550 5.7.1 Recipient address rejected: User unknown", BounceClass.HARD),
        ("failed", "5.4.1", "550 5.4.1 Recipient address rejected: Access denied", BounceClass.HARD),
        ("failed", "4.4.7", "delivery time expired", BounceClass.HARD),
        ("failed", "5.2.2", "", BounceClass.FULL),
        ("failed", "5.0.0", "552 5.2.2 over quota", BounceClass.FULL),
        ("failed", "5.0.0", "550 mailbox is full", BounceClass.FULL),
        ("failed", "5.3.4", "", BounceClass.TOO_BIG),
        ("failed", "5.2.3", "", BounceClass.TOO_BIG),
        ("failed", "5.0.0", "552 message size exceeds fixed limit", BounceClass.TOO_BIG),
        ("failed", "5.7.26", "unauthenticated", BounceClass.POLICY),
        ("failed", "5.1.8", "Sender address rejected", BounceClass.POLICY),
        ("failed", "5.0.0", "554 looks like spam", BounceClass.POLICY),
        ("delayed", "4.2.2", "mailbox full", BounceClass.DELAYED),
        ("relayed", "2.0.0", "", BounceClass.DELAYED),
        ("expanded", "2.0.0", "", BounceClass.DELAYED),
        ("delivered", "2.0.0", "", BounceClass.DELIVERED),
        ("exploded", "9.9.9", "", BounceClass.UNKNOWN),
    ],
)
def test_each_code_is_of_one_class(action: str, status: str, diagnostic: str, kind: BounceClass) -> None:
    bounce = read_bounce(report(about(action, status, diagnostic)))
    assert bounce is not None
    assert bounce.kind is kind
    assert bounce.recipients[0].kind is kind
    assert "compta@client.example" in bounce.recipients[0].sentence


def test_a_message_handed_on_is_not_said_to_be_delivered() -> None:
    bounce = read_bounce(report(about("relayed", "2.0.0")))
    assert bounce is not None
    assert "Ce n’est pas encore une remise" in bounce.recipients[0].sentence


def test_a_report_about_several_recipients_keeps_each_and_is_as_bad_as_the_worst() -> None:
    """Complaint E52."""
    bounce = read_bounce(
        report(
            about("delivered", "2.0.0", address="a@client.example"),
            about("failed", "5.2.2", address="b@client.example"),
        )
    )
    assert bounce is not None
    assert [(each.address, each.kind) for each in bounce.recipients] == [
        ("a@client.example", BounceClass.DELIVERED),
        ("b@client.example", BounceClass.FULL),
    ]
    assert bounce.kind is BounceClass.FULL


def test_a_report_that_names_nobody_still_says_whom_it_is_about() -> None:
    bounce = read_bounce(report())
    assert bounce is not None
    assert [each.address for each in bounce.recipients] == ["compta@client.example"]
    assert bounce.kind is BounceClass.UNKNOWN


def test_an_old_servers_words_are_understood() -> None:
    bounce = read_bounce(
        b"From: Mail Delivery Subsystem <MAILER-DAEMON@vieux.example>\nSubject: Returned mail\n\n"
        b"The following address had errors:\n  <compta@client.example>\n    550 5.1.1 User unknown\n"
    )
    assert bounce is not None
    assert bounce.kind is BounceClass.HARD
    assert bounce.recipients[0].address == "compta@client.example"
    assert bounce.recipients[0].status == "5.1.1"


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Hi. This is the qmail-send program at vieux.example.\n"
         "I'm afraid I wasn't able to deliver your message to the following addresses.\n"
         "This is a permanent error; I've given up. Sorry it didn't work out.\n\n"
         "<compta@client.example>:\nSorry, no mailbox here by that name.\n", BounceClass.HARD),
        ("A message that you sent could not be delivered to one or more of its recipients.\n"
         "This is a permanent error. The following address(es) failed:\n\n"
         "  compta@client.example\n    unrouteable mail domain\n", BounceClass.HARD),
    ],
    ids=["qmail", "exim"],
)  # fmt: skip
def test_words_without_any_code_are_understood_too(words: str, kind: BounceClass) -> None:
    bounce = read_bounce(f"From: MAILER-DAEMON@vieux.example\nSubject: failure notice\n\n{words}".encode())
    assert bounce is not None
    assert [each.address for each in bounce.recipients] == ["compta@client.example"]
    assert bounce.kind is kind


@pytest.mark.parametrize(
    "header", ["Auto-Submitted: auto-replied (vacation)", "X-Autoreply: yes", "Precedence: auto_reply"]
)
def test_an_automatic_answer_is_not_a_bounce(header: str) -> None:
    answer = read_bounce(
        f"From: compta@client.example\nSubject: Absence\n{header}\n\nDe retour le 550 mars, x@y.example\n".encode()
    )
    assert answer is not None
    assert answer.kind is BounceClass.AUTO_REPLY
    assert answer.recipients == ()


@pytest.mark.parametrize(
    "headers",
    [
        "Subject: Absence\nAuto-Submitted: auto-replied",
        "Subject: Failure to answer before Monday\nX-Autoreply: yes",
        "Subject: Absence du bureau",
        "Subject: Lu : Facture\nContent-Type: multipart/report; report-type=disposition-notification; boundary=B",
    ],
)
def test_an_automatic_answer_without_a_return_path_is_no_bounce_either(headers: str) -> None:
    """RFC 3834 wants it without one; the numbers of a signature are no codes, and its addresses no failures."""
    words = "Urgences : paul@client.example, 01 53 550 12 12, poste 512"
    answer = read_bounce(
        f"Return-Path: <>\nFrom: compta@client.example\n{headers}\n\n"
        f"--B\nContent-Type: text/plain\n\n{words}\n--B--\n".encode()
    )
    assert answer is None or answer.kind is BounceClass.AUTO_REPLY


def test_an_old_bounce_without_a_return_path_is_believed_when_its_subject_says_so() -> None:
    bounce = read_bounce(
        b"Return-Path: <>\nFrom: noreply@vieux.example\nSubject: Undeliverable: Facture\n\n"
        b"<compta@client.example>: 550 5.1.1 unknown\n"
    )
    assert bounce is not None
    assert bounce.kind is BounceClass.HARD


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ("fraud", BounceClass.COMPLAINT),
        ("not-spam", BounceClass.DELIVERED),
        ("auth-failure", BounceClass.UNKNOWN),
        ("", BounceClass.COMPLAINT),
    ],
)
def test_a_feedback_report_is_a_complaint_only_when_somebody_complains(told: str, kind: BounceClass) -> None:
    """`not-spam` takes a complaint back (RFC 6430), `auth-failure` is a server's word about DKIM or SPF (RFC 6591)."""
    bounce = read_bounce(
        b'Content-Type: multipart/report; report-type=feedback-report; boundary="B"\nFrom: fbl@fai.example\n\n'
        b"--B\nContent-Type: message/feedback-report\n\nOriginal-Rcpt-To: compta@client.example\n"
        + f"Feedback-Type: {told}\n\n--B--".encode()
    )
    assert bounce is not None
    assert bounce.kind is kind
    assert [each.address for each in bounce.recipients] == ["compta@client.example"]


def test_a_complaint_is_recognised() -> None:
    bounce = read_bounce(
        b'Content-Type: multipart/report; report-type=feedback-report; boundary="B"\nFrom: fbl@fai.example\n\n'
        b"--B\nContent-Type: text/plain\n\nSpam.\n"
        b"--B\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n"
        b"Original-Rcpt-To: compta@client.example\n"
        b"Original-Envelope-Id: abc\n\n"
        b"--B\nContent-Type: message/rfc822\n\nMessage-ID: <m@cooperative.example>\n\n--B--"
    )
    assert bounce is not None
    assert bounce.kind is BounceClass.COMPLAINT
    assert bounce.recipients[0].address == "compta@client.example"
    assert bounce.original_message_id == "<m@cooperative.example>"
    assert bounce.envelope_id == "abc"


def test_ordinary_mail_is_nothing_of_all_that() -> None:
    assert (
        read_bounce(b"From: compta@client.example\nSubject: Votre facture\n\nMerci, 550 euros, a@b.example.\n") is None
    )
    assert read_bounce(b"") is None


def nested(depth: int) -> bytes:
    levels = (f'Content-Type: multipart/mixed; boundary="b{level}"\n\n--b{level}\n' for level in range(depth))
    return "".join(levels).encode() + b"Content-Type: message/delivery-status\n\nAction: failed\n"


HOSTILE = {
    "deep": nested(20_000),
    "wide": b'Content-Type: multipart/mixed; boundary="b"\n\n' + b"--b\n\nx\n" * 200_000,
    "headers": b"A: b\n" * 1_000_000,
    "folded": b"Subject: " + b"\n " * 500_000 + b"\n\n",
    "one line": b"Content-Type: multipart/report; boundary=" + b"x" * 20_000_000,
    "recipients": report(*[about("failed", "5.1.1", address=f"a{rank}@b.example") for rank in range(20_000)]),
    "diagnostic": report(about("failed", "5.0.0", "5." * 400_000)),
    "base64": b'Content-Type: multipart/report; boundary="b"\n\n--b\nContent-Type: message/delivery-status\n'
    b"Content-Transfer-Encoding: base64\n\n" + b"QQ=" * 300_000,
    "addresses": b"From: mailer-daemon@x\n\n" + b"a" * 500_000 + b"@" + b"a.-" * 100_000,
    "zeros": bytes(30_000_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_message_is_read_in_no_time(name: str) -> None:
    read = list[Bounce | None]()
    assert cost(lambda: read.append(read_bounce(HOSTILE[name]))) < 5
    assert all(bounce is None or len(bounce.recipients) <= 100 for bounce in read)


@settings(deadline=None)
@given(st.binary(max_size=400))
@example(b"Content-Type: multipart/report; boundary=\x00\n\n--\x00\n")
def test_no_bytes_whatever_make_it_fail(noise: bytes) -> None:
    read_bounce(noise)
    read_bounce(report(noise.decode("latin-1")))
    read_bounce(b'Content-Type: multipart/report; boundary="B"\n\n--B\nContent-Type: message/delivery-status\n' + noise)


def test_a_return_address_comes_back_whatever_a_server_did_to_its_case() -> None:
    address = verp_address(REF, domain="rp.cooperative.example", secret=SECRET)
    assert address.partition("@")[0] == address.partition("@")[0].lower()
    assert len(address.partition("@")[0]) <= 64
    for seen in (address, address.upper(), f"<{address}>", f" {address.title()} "):
        assert read_verp(seen, secret=SECRET) == REF


@settings(deadline=None)
@given(st.from_regex(r"[a-z0-9]{26}", fullmatch=True), st.integers(min_value=0, max_value=41), st.characters())
def test_no_other_address_is_taken_for_ours(ref: str, position: int, letter: str) -> None:
    address = verp_address(ref, domain="rp.cooperative.example", secret=SECRET)
    assert read_verp(address, secret=SECRET) == ref
    assert read_verp(address, secret=b"another") is None
    changed = address[:position] + letter + address[position + 1 :]
    if changed.strip().lower() != address:
        assert read_verp(changed, secret=SECRET) is None


def test_a_reference_that_an_address_cannot_carry_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="reference"):
        verp_address("Pas une référence", domain="rp.cooperative.example", secret=SECRET)
