"""Read what comes to a return address: delivery reports (RFC 3464), complaints (RFC 5965), and what is neither.

Also the return addresses themselves (VERP): `bounce+<message_ref>-<mark>@domain`, whose mark only we can make, so that
a report concerns the delivery it names, and no other.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from faitfoi.intake.bounce_codes import BounceClass, classify, explain, precise_status
from faitfoi.intake.mail_parts import Part, read_fields, split_headers, split_message

__all__ = ["Bounce", "BounceClass", "BouncedRecipient", "read_bounce", "read_verp", "verp_address"]

MAX_RECIPIENTS = 100
LONGEST_DIAGNOSTIC = 2000
_REPORTS = {"message/delivery-status", "message/global-delivery-status"}
_ORIGINALS = {"text/rfc822-headers", "message/rfc822", "message/global", "message/global-headers"}
_VERP = re.compile(r"<?bounce\+([a-z0-9]{8,64})-([a-z2-7]{8})@[^@<>\s]+>?")
_ADDRESS = re.compile(r"[A-Za-z0-9._%+=-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,8}")
_STATUS_IN_TEXT = re.compile(r"\b(?:5[0-9]{2}|[45]\.[0-9]{1,3}\.[0-9]{1,3})\b")
_DAEMON = re.compile(r"mailer-daemon|postmaster|mail delivery|maildelivery", re.IGNORECASE)
_STILL_TRYING = re.compile(r"\b(warning|delayed)\b", re.IGNORECASE)
_ACTIONS = {"2": "delivered", "4": "delayed", "5": "failed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BouncedRecipient:
    """What a report says of one recipient; `sentence` is for a person, in French.

    `status` is the most precise enhanced code told (`5.1.1`), or empty; `original` is the address as the sender wrote
    it (ORCPT), when the report gives it; `diagnostic` the remote server's words.
    """

    address: str
    original: str
    action: str
    status: str
    diagnostic: str
    kind: BounceClass
    sentence: str


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
    if not re.fullmatch(r"[a-z0-9]{8,64}", message_ref):
        raise ValueError(f"not a message reference: {message_ref!r}")
    return f"bounce+{message_ref}-{_mark(message_ref, secret)}@{domain}"


def read_verp(address: str, *, secret: bytes) -> str | None:
    """Give the message_ref of a return address that we made, in whatever case it comes back; None for any other."""
    found = _VERP.fullmatch(address.strip().lower())
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
        recipients = _read_recipients_in_words(headers, parts) or [_recipient_of_original(parts)]
    return Bounce(
        kind=_most_telling(recipients),
        recipients=tuple(recipients),
        reporter=_after_type(about_all.get("reporting-mta", "")) or headers.get("from", ""),
        envelope_id=about_all.get("original-envelope-id", ""),
        original_message_id=_original(parts).get("message-id", ""),
    )


def _read_recipient(block: Mapping[str, str]) -> BouncedRecipient | None:
    final = _bare_address(block.get("final-recipient", ""))
    original = _bare_address(block.get("original-recipient", ""))
    address = final or original or _bare_address(block.get("x-actual-recipient", ""))
    if not address and not {"action", "status"} & block.keys():
        return None
    diagnostic = _after_type(block.get("diagnostic-code", ""))[:LONGEST_DIAGNOSTIC]
    status = precise_status(block.get("status", ""), diagnostic)
    action = block.get("action", "").lower().partition(" ")[0].strip(";") or _ACTIONS.get(status[:1], "")
    return _recipient(address=address, original=original, action=action, status=status, diagnostic=diagnostic)


def _recipient(*, address: str, original: str, action: str, status: str, diagnostic: str) -> BouncedRecipient:
    kind = classify(action=action, status=status, diagnostic=diagnostic)
    return BouncedRecipient(
        address=address,
        original=original,
        action=action,
        status=status,
        diagnostic=diagnostic,
        kind=kind,
        sentence=explain(kind, action=action, status=status, diagnostic=diagnostic, address=original or address),
    )


def _read_complaint(complaint: Part, headers: Mapping[str, str], parts: Sequence[Part]) -> Bounce:
    fields = read_fields(complaint.content().replace(b"\r", b""))
    address = _bare_address(fields.get("original-rcpt-to", "")) or _bare_address(fields.get("removal-recipient", ""))
    kind = BounceClass.COMPLAINT
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
        reporter=_after_type(fields.get("reporting-mta", "")) or headers.get("from", ""),
        envelope_id=fields.get("original-envelope-id", ""),
        original_message_id=_original(parts).get("message-id", ""),
    )


def _recipient_of_original(parts: Sequence[Part]) -> BouncedRecipient:
    address = _ADDRESS.search(_original(parts).get("to", ""))
    found = "" if address is None else address.group()
    return _recipient(address=found, original="", action="", status="", diagnostic="")


def _read_words(headers: Mapping[str, str], parts: Sequence[Part]) -> Bounce | None:
    """An old server's bounce, in words only: believed when it says that it is one and names an address and a code."""
    recipients = _read_recipients_in_words(headers, parts)
    if not recipients:
        return None
    return Bounce(
        kind=_most_telling(recipients),
        recipients=tuple(recipients),
        reporter=headers.get("from", ""),
        envelope_id="",
        original_message_id=_original(parts).get("message-id", ""),
    )


def _read_recipients_in_words(headers: Mapping[str, str], parts: Sequence[Part]) -> list[BouncedRecipient]:
    failed = [_bare_address(address) for address in headers.get("x-failed-recipients", "").split(",")]
    is_daemon = bool(_DAEMON.search(headers.get("from", ""))) or headers.get("return-path") == "<>"
    if not any(failed) and not is_daemon:
        return []
    words = next((part for part in parts if part.media_type == "text/plain"), None)
    text = "" if words is None else words.content()[:64_000].decode("utf-8", "replace")
    told = dict(_addresses_with_codes(text))
    addresses = [address for address in failed if address] or list(told)
    recipients = []
    for address in addresses[:MAX_RECIPIENTS]:
        diagnostic = told.get(address, "")
        status = precise_status("", diagnostic)
        action = "delayed" if _STILL_TRYING.search(headers.get("subject", "")) else "failed"
        recipients.append(_recipient(address=address, original="", action=action, status=status, diagnostic=diagnostic))
    return recipients


def _addresses_with_codes(text: str) -> Iterator[tuple[str, str]]:
    """Each address with the first line bearing an error code, on its own line or the three that follow."""
    lines = [line[:1000] for line in text.splitlines()[:500]]
    for rank, line in enumerate(lines):
        address = _ADDRESS.search(line)
        if address is None:
            continue
        coded = next((near for near in lines[rank : rank + 4] if _STATUS_IN_TEXT.search(near)), None)
        if coded is not None:
            yield address.group(), " ".join(coded.split())


def _read_automatic_answer(headers: Mapping[str, str]) -> Bounce | None:
    """RFC 3834, and what servers did before it. Says nothing about a delivery: not a bounce."""
    automatic = headers.get("auto-submitted", "no").partition(";")[0].strip().lower()
    is_older = {"x-autoreply", "x-autorespond", "x-auto-reply"} & headers.keys()
    if automatic == "no" and not is_older and headers.get("precedence", "").lower() != "auto_reply":
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


def _after_type(value: str) -> str:
    """`rfc822; name` → name (RFC 3464 §2.1.2); a value without its type is taken as it is."""
    kind, semicolon, rest = value.partition(";")
    return rest.strip() if semicolon and re.fullmatch(r"[A-Za-z0-9-]{1,20}", kind.strip()) else value.strip()


def _bare_address(value: str) -> str:
    address = _after_type(value).strip("<> \"'")
    return address[:320] if "@" in address or address.isprintable() else ""
