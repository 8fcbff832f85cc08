"""Read what comes to a return address: delivery reports (RFC 3464), complaints (RFC 5965), and what is neither.

Also what brings a report back to its delivery, and to no other, since only we can make the mark: the return address
(VERP) `bounce+<message_ref>-<mark>@domain`, and `<message_ref>-<mark>` as envelope identifier (ENVID, RFC 3461).
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from faitfoi.intake.bounce_codes import BounceClass, explain, precise_status
from faitfoi.intake.bounce_recipients import (
    ADDRESS,
    MAX_RECIPIENTS,
    BouncedRecipient,
    after_type,
    bare_address,
    make_recipient,
)
from faitfoi.intake.bounce_words import read_recipients_in_words
from faitfoi.intake.mail_parts import Part, is_automatic_answer, read_fields, split_headers, split_message

__all__ = [
    "Bounce",
    "BounceClass",
    "BouncedRecipient",
    "read_bounce",
    "read_signed",
    "read_verp",
    "signed_reference",
    "verp_address",
]

LONGEST_DIAGNOSTIC = 2000
_REPORTS = {"message/delivery-status", "message/global-delivery-status"}
_ORIGINALS = {"text/rfc822-headers", "message/rfc822", "message/global", "message/global-headers"}
_SIGNED = re.compile(r"([a-z0-9]{8,64})-([a-z2-7]{8})")
_VERP = re.compile(r"<?bounce\+([a-z0-9]{8,64}-[a-z2-7]{8})@[^@<>\s]+>?")
_FEEDBACK = {"not-spam": BounceClass.DELIVERED, "auth-failure": BounceClass.UNKNOWN}
"""Feedback that is no complaint: one is taken back (RFC 6430), or a server speaks of DKIM or SPF (RFC 6591)."""
_ACTIONS = {"2": "delivered", "4": "delayed", "5": "failed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """One report. `recipients` is empty for an automatic answer, which says nothing about a delivery.

    `envelope_id` is our ENVID, `original_message_id` the Message-ID of what is reported, either empty when not given
    back; `reporter` the server that speaks.
    """

    kind: BounceClass
    recipients: tuple[BouncedRecipient, ...]
    reporter: str
    envelope_id: str
    original_message_id: str


def read_bounce(raw: bytes) -> Bounce | None:
    """Read one message as received; None when it is ordinary mail. Never raises, whatever the bytes are.

    Order: a delivery report, a complaint, an old-style bounce in plain words, an automatic answer.
    """
    headers, parts = split_message(raw)
    report = next((part for part in parts if part.media_type in _REPORTS), None)
    if report is not None:
        return _read_report(report, headers, parts)
    complaint = next((part for part in parts if part.media_type == "message/feedback-report"), None)
    if complaint is not None:
        return _read_complaint(complaint, headers, parts)
    return _read_words(headers, parts) or _read_automatic_answer(headers)


def verp_address(message_ref: str, *, domain: str, secret: bytes) -> str:
    """Make the return address of one delivery. Raises ValueError when `message_ref` is not of [a-z0-9]{8,64}.

    All lower-case and at most 64 characters before the @ for the contract's 26-character references, so that servers
    that fold case or keep to RFC 5321 §4.5.3.1.1 give it back whole.
    """
    return f"bounce+{signed_reference(message_ref, secret=secret)}@{domain}"


def read_verp(address: str, *, secret: bytes) -> str | None:
    """Give the message_ref of a return address that we made, in whatever case it comes back; None for any other."""
    found = _VERP.fullmatch(address.strip().lower())
    return read_signed(found.group(1), secret=secret) if found else None


def signed_reference(message_ref: str, *, secret: bytes) -> str:
    """Make the envelope identifier of one delivery. Raises ValueError when `message_ref` is not of [a-z0-9]{8,64}."""
    if not re.fullmatch(r"[a-z0-9]{8,64}", message_ref):
        raise ValueError(f"not a message reference: {message_ref!r}")
    return f"{message_ref}-{_mark(message_ref, secret)}"


def read_signed(text: str, *, secret: bytes) -> str | None:
    """Give the message_ref of an envelope identifier that we made, in whatever case it comes back; None otherwise."""
    found = _SIGNED.fullmatch(text.strip().lower())
    if found is None:
        return None
    message_ref, mark = found.groups()
    return message_ref if hmac.compare_digest(mark, _mark(message_ref, secret)) else None


def _mark(message_ref: str, secret: bytes) -> str:
    digest = hmac.new(secret, b"verp:" + message_ref.encode("ascii"), hashlib.sha256).digest()
    return base64.b32encode(digest[:5]).decode("ascii").lower()


def _read_report(report: Part, headers: Mapping[str, str], parts: Sequence[Part]) -> Bounce:
    blocks = [read_fields(block) for block in re.split(rb"\n[ \t]*\n", report.content().replace(b"\r", b"").strip())]
    about_all = next((block for block in blocks if "reporting-mta" in block or "original-envelope-id" in block), {})
    recipients: list[BouncedRecipient] = []
    for block in blocks:
        recipient = _read_recipient(block)
        if recipient is not None and recipient not in recipients:
            recipients.append(recipient)
        if len(recipients) == MAX_RECIPIENTS:
            break
    if not recipients:  # a report that reports nothing must not go unseen: its words, or at least whom it is about
        recipients = read_recipients_in_words(headers, parts) or [_recipient_of_original(parts)]
    return Bounce(
        kind=_most_telling(recipients),
        recipients=tuple(recipients),
        reporter=after_type(about_all.get("reporting-mta", "")) or headers.get("from", ""),
        envelope_id=about_all.get("original-envelope-id", ""),
        original_message_id=_original(parts).get("message-id", ""),
    )


def _read_recipient(block: Mapping[str, str]) -> BouncedRecipient | None:
    final = bare_address(block.get("final-recipient", ""))
    original = bare_address(block.get("original-recipient", ""))
    address = final or original or bare_address(block.get("x-actual-recipient", ""))
    if not address and not {"action", "status"} & block.keys():
        return None
    diagnostic = after_type(block.get("diagnostic-code", ""))[:LONGEST_DIAGNOSTIC]
    status = precise_status(block.get("status", ""), diagnostic)
    action = block.get("action", "").lower().partition(" ")[0].strip(";") or _ACTIONS.get(status[:1], "")
    return make_recipient(address=address, original=original, action=action, status=status, diagnostic=diagnostic)


def _read_complaint(complaint: Part, headers: Mapping[str, str], parts: Sequence[Part]) -> Bounce:
    fields = read_fields(complaint.content().replace(b"\r", b""))
    address = bare_address(fields.get("original-rcpt-to", "")) or bare_address(fields.get("removal-recipient", ""))
    kind = _FEEDBACK.get(fields.get("feedback-type", "").lower(), BounceClass.COMPLAINT)
    sentence = explain(kind, action="", status="", diagnostic="", address=address)
    recipient = BouncedRecipient(
        address=address,
        original=address,
        action="",
        status="",
        diagnostic=fields.get("feedback-type", ""),
        kind=kind,
        sentence=sentence,
    )
    return Bounce(
        kind=kind,
        recipients=(recipient,),
        reporter=after_type(fields.get("reporting-mta", "")) or headers.get("from", ""),
        envelope_id=fields.get("original-envelope-id", ""),
        original_message_id=_original(parts).get("message-id", ""),
    )


def _recipient_of_original(parts: Sequence[Part]) -> BouncedRecipient:
    address = ADDRESS.search(_original(parts).get("to", ""))
    found = "" if address is None else address.group()
    return make_recipient(address=found, original="", action="", status="", diagnostic="")


def _read_words(headers: Mapping[str, str], parts: Sequence[Part]) -> Bounce | None:
    """An old server's bounce, in words only: believed when it says that it is one and names an address and a code."""
    recipients = read_recipients_in_words(headers, parts)
    if not recipients:
        return None
    return Bounce(
        kind=_most_telling(recipients),
        recipients=tuple(recipients),
        reporter=headers.get("from", ""),
        envelope_id="",
        original_message_id=_original(parts).get("message-id", ""),
    )


def _read_automatic_answer(headers: Mapping[str, str]) -> Bounce | None:
    """Says nothing about a delivery: not a bounce."""
    if not is_automatic_answer(headers):
        return None
    return Bounce(
        kind=BounceClass.AUTO_REPLY,
        recipients=(),
        reporter=headers.get("from", ""),
        envelope_id="",
        original_message_id=headers.get("in-reply-to", ""),
    )


def _original(parts: Sequence[Part]) -> dict[str, str]:
    """The headers given back of the message that the report is about; empty when there are none."""
    for part in parts:
        if part.media_type in _ORIGINALS:
            return split_headers(part.content().replace(b"\r", b"").lstrip(b"\n"))[0]
    return {}


def _most_telling(recipients: Sequence[BouncedRecipient]) -> BounceClass:
    """The kind of the whole report: that of the recipient for whom it went worst."""
    return min((each.kind for each in recipients), key=list(BounceClass).index, default=BounceClass.UNKNOWN)
