"""The message itself: whatever names a customer record holds, the headers stay ours and the address stays one."""

import email
from dataclasses import replace
from datetime import UTC, date, datetime
from email import policy
from email.message import EmailMessage

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from faitfoi.channels.contract import Attachment, Parcel
from faitfoi.channels.smtp_mail_message import (
    LONGEST_NAME,
    Letter,
    Sender,
    compose,
    file_name,
    named_address,
    plain_address,
)
from faitfoi.channels.texts.wording import write_day

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
SENDER = Sender(address="factures@cooperative.example", name="Coopérative", reply_to="compta@cooperative.example")
PARCEL = Parcel(
    key="org:doc:legal:email:1",
    message_ref="mfrggzdfmztwq2lknnwg23tpoa",
    number="F-1",
    issue_date=date(2026, 11, 2),
    document_kind="invoice",
    seller_name="Coopérative",
    seller_siret="00000001800017",
    buyer_name="Client",
    address="compta@client.example",
    artefact=Attachment(filename="F-1.pdf", media_type="application/pdf", content=b"%PDF"),
    settings={},
    return_path="bounce+x-y@rp.cooperative.example",
)
HEADERS = [
    "Content-Type", "MIME-Version", "From", "To", "Reply-To", "Subject", "Date", "Message-ID", "Auto-Submitted",
    "Content-Language",
]  # fmt: skip
ATTACK = "Nom\r\nBcc: espion@mal.example\r\n\r\n<script>"


def read(letter: Letter) -> EmailMessage:
    return email.message_from_bytes(letter.content, policy=policy.default)


def body(letter: Letter, form: str) -> str:
    part = read(letter).get_body((form,))
    assert part is not None
    return str(part.get_content())


@settings(deadline=None)
@given(
    name=st.text(max_size=200),
    other=st.text(max_size=200),
    number=st.text(max_size=60),
    filename=st.text(max_size=300),
    content=st.binary(max_size=200),
)
@example(name=ATTACK, other=ATTACK, number=ATTACK, filename=ATTACK, content=b".\r\n.\r\n")
@example(name='Dupont, "Éric" <x@y.example>', other="=?utf-8?q?x?=", number="—", filename="é" * 300, content=b"\n.\n")
@example(name="\ud800\u2028\u202e", other="a" * 200, number="\x00", filename="../../etc/passwd", content=b"")
def test_no_name_breaks_a_header_or_adds_one(name: str, other: str, number: str, filename: str, content: bytes) -> None:
    attached = Attachment(filename=filename, media_type="application/pdf", content=content)
    letter = compose(
        replace(PARCEL, buyer_name=name, seller_name=other, number=number, artefact=attached, annexes=(attached,)),
        sender=replace(SENDER, name=other),
        at=NOW,
    )
    message = read(letter)
    assert message.keys() == HEADERS
    assert [each.addr_spec for each in message["To"].addresses] == ["compta@client.example"]
    assert [each.addr_spec for each in message["From"].addresses] == ["factures@cooperative.example"]
    assert message["Message-ID"] == "<mfrggzdfmztwq2lknnwg23tpoa@cooperative.example>"
    assert "\n" not in message["Subject"]
    attachments = list(message.iter_attachments())
    assert [part.get_payload(decode=True) for part in attachments] == [content, content]
    for part in attachments:
        joined = part.get_filename()
        assert joined
        assert not set(joined) & set("/\\\r\n")
        assert len(joined) <= LONGEST_NAME
    assert letter.content.isascii()
    assert letter.content.count(b"\n") == letter.content.count(b"\r") == letter.content.count(b"\r\n")
    assert max(map(len, letter.content.split(b"\r\n"))) <= 998


@settings(deadline=None)
@given(st.text(max_size=150))
@example("Dupont, Éric; Fils & Cie <faux@mal.example>")
def test_a_named_address_is_always_one_address(name: str) -> None:
    message = email.message_from_string(
        f"To: {named_address(name, 'compta@client.example')}\n\n", policy=policy.default
    )
    assert [each.addr_spec for each in message["To"].addresses] == ["compta@client.example"]


@pytest.mark.parametrize(
    ("written", "travels"),
    [
        ("a@straße.example", "a@xn--strae-oqa.example"),  # not a@strasse.example, which is somebody else's
        ("a@ÉTÉ.Example", "a@xn--t-9fab.example"),
        ("a@été。example", "a@xn--t-9fab.example"),
        ("a@XN--T-9FAB.example", "a@xn--t-9fab.example"),
        ("a@Client.Example", "a@client.example"),
    ],
)
def test_a_domain_travels_as_the_one_that_is_written_and_no_other(written: str, travels: str) -> None:
    assert plain_address(written) == travels


@pytest.mark.parametrize("address", ["a@exa\u200dmple.example", "a@cli ent.example", "a@❤.example", "a@été..example"])
def test_a_domain_that_no_registry_holds_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="not an address"):
        plain_address(address)


def test_html_is_escaped() -> None:
    letter = compose(replace(PARCEL, seller_name="<b>A & B</b>"), sender=SENDER, at=NOW)
    assert "&lt;b&gt;A &amp; B&lt;/b&gt;" in body(letter, "html")
    assert "<b>A & B</b>" in body(letter, "plain")
    own = {"invoice": ("Facture", "De <i>{seller}</i> :\n\n{facts}")}
    letter = compose(replace(PARCEL, seller_name="<b>A & B</b>", texts=own), sender=SENDER, at=NOW)
    assert "De &lt;i&gt;&lt;b&gt;A &amp; B&lt;/b&gt;&lt;/i&gt;" in body(letter, "html")
    assert "<b>" not in body(letter, "html")


@pytest.mark.parametrize(
    ("kind", "purpose", "subject", "opening"),
    [
        ("invoice", "legal", "Facture F-1 du 2 novembre 2026 – Coopérative", "votre facture F-1"),
        ("credit_note", "legal", "Avoir F-1 du 2 novembre 2026 – Coopérative", "votre avoir F-1"),
        ("invoice", "copy", "Copie de la facture F-1 – Coopérative", "une copie de la facture F-1"),
        ("credit_note", "copy", "Copie de l’avoir F-1 – Coopérative", "une copie de l’avoir F-1"),
    ],
)
def test_a_copy_says_that_it_is_one_and_an_invoice_does_not(
    kind: str, purpose: str, subject: str, opening: str
) -> None:
    letter = compose(replace(PARCEL, document_kind=kind, purpose=purpose), sender=SENDER, at=NOW)
    assert read(letter)["Subject"] == subject
    for form in ("plain", "html"):
        assert opening in body(letter, form)
        assert ("ne le remplace pas" in body(letter, form)) == (purpose != "legal")


def test_nothing_is_said_of_an_amount_that_is_not_known_nor_of_an_answer_nobody_reads() -> None:
    letter = compose(PARCEL, sender=replace(SENDER, reply_to=""), at=NOW)
    assert "Reply-To" not in read(letter)
    for form in ("plain", "html"):
        assert "Montant" not in body(letter, form)
        assert "répondre à ce message" not in body(letter, form)


def test_a_credit_note_does_not_ask_to_be_paid() -> None:
    letter = compose(replace(PARCEL, document_kind="credit_note", payable="12,00 €"), sender=SENDER, at=NOW)
    assert "Montant de l’avoir : 12,00 €" in body(letter, "plain")
    assert "payer" not in body(letter, "plain")


def test_an_attached_message_is_sent_as_plain_bytes() -> None:
    annex = Attachment(filename="x.eml", media_type="message/rfc822", content=b"Subject: x\n\ny")
    parts = list(read(compose(replace(PARCEL, annexes=(annex,)), sender=SENDER, at=NOW)).iter_attachments())
    assert parts[1].get_content_type() == "application/octet-stream"
    assert parts[1].get_payload(decode=True) == annex.content


@pytest.mark.parametrize(("field", "value"), [("message_ref", "Pas un jeton"), ("return_path", "pas une adresse")])
def test_what_is_ours_and_wrong_is_a_mistake_not_an_outcome(field: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"message_ref|address"):
        compose(replace(PARCEL, **{field: value}), sender=SENDER, at=NOW)  # type: ignore[arg-type]


def test_names_of_files_stay_names() -> None:
    assert file_name("C:\\factures\\F 1.pdf") == "C--factures-F 1.pdf"
    assert file_name("...") == "document.pdf"
    assert file_name("é" * 200 + ".pdf").endswith("é.pdf")


def test_days_are_written_as_french_does() -> None:
    assert write_day(date(2026, 9, 1)) == "1er septembre 2026"
    assert write_day(date(2026, 2, 11)) == "11 février 2026"
