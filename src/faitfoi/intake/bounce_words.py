"""Bounces in words only, by servers that write no report (RFC 3464): ours first, then what others have collected.

Read after the report, never instead of it. The wordings of old servers come from flufl.bounce, which is given a
message made anew from the leaves that were counted: its parser would nest as deep as a hostile message does.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from email.message import Message

from flufl.bounce import all_failures

from faitfoi.intake.bounce_codes import precise_status
from faitfoi.intake.bounce_recipients import ADDRESS, MAX_RECIPIENTS, BouncedRecipient, bare_address, make_recipient
from faitfoi.intake.mail_parts import Part, is_automatic_answer

LONGEST_TEXT = 64_000
_STATUS_IN_TEXT = re.compile(r"\b(?:5[0-9]{2}|[45]\.[0-9]{1,3}\.[0-9]{1,3})\b")
_DAEMON = re.compile(r"mailer-daemon|postmaster|mail delivery|maildelivery", re.IGNORECASE)
_FAILED = re.compile(
    r"undeliver|delivery|deliver(able|ed)\b|fail(ed|ure)|returned|non[ -]remi|non[ -]distribu|[ée]chec|warning|delayed",
    re.IGNORECASE,
)
_STILL_TRYING = re.compile(r"\b(warning|delayed)\b", re.IGNORECASE)
_FILE = re.compile(r"application/|image/|audio/|video/")


def read_recipients_in_words(headers: Mapping[str, str], parts: Sequence[Part]) -> list[BouncedRecipient]:
    """Whom a message in words says was not reached; empty when no mail server speaks, or none that says so."""
    failed = [bare_address(address) for address in headers.get("x-failed-recipients", "").split(",")]
    if not any(failed) and not _DAEMON.search(headers.get("from", "")) and not _says_that_it_failed(headers):
        return []
    words = next((part for part in parts if part.media_type == "text/plain"), None)
    text = "" if words is None else words.content()[:LONGEST_TEXT].decode("utf-8", "replace")
    told = dict(_addresses_with_codes(text))
    addresses = [address for address in failed if address] or list(told)
    recipients = []
    for address in addresses[:MAX_RECIPIENTS]:
        diagnostic = told.get(address, "")
        status = precise_status("", diagnostic)
        action = "delayed" if _STILL_TRYING.search(headers.get("subject", "")) else "failed"
        recipients.append(
            make_recipient(address=address, original="", action=action, status=status, diagnostic=diagnostic)
        )
    return recipients or _in_the_words_of_others(headers, parts)


def _says_that_it_failed(headers: Mapping[str, str]) -> bool:
    """Whether a message without a return path is a bounce: automatic answers have none either (RFC 3834 §3.3)."""
    generated = headers.get("auto-submitted", "").lower().startswith("auto-generated")
    if headers.get("return-path") != "<>" or (is_automatic_answer(headers) and not generated):
        return False
    return bool(_FAILED.search(headers.get("subject", "")))


def _addresses_with_codes(text: str) -> Iterator[tuple[str, str]]:
    """Each address with the first line bearing an error code, on its own line or the three that follow."""
    lines = [line[:1000] for line in text.splitlines()[:500]]
    for rank, line in enumerate(lines):
        address = ADDRESS.search(line)
        if address is None:
            continue
        coded = next((near for near in lines[rank : rank + 4] if _STATUS_IN_TEXT.search(near)), None)
        if coded is not None:
            yield address.group(), " ".join(coded.split())


def _in_the_words_of_others(headers: Mapping[str, str], parts: Sequence[Part]) -> list[BouncedRecipient]:
    for_now, for_good = all_failures(_shallow(headers, parts))
    found = [(each, "delayed") for each in for_now] + [(each, "failed") for each in for_good]
    told = [(each.decode("ascii", "replace"), action) for each, action in found]
    return [
        make_recipient(address=address, original="", action=action, status="", diagnostic="")
        for address, action in sorted(told)[:MAX_RECIPIENTS]
        if ADDRESS.fullmatch(address)
    ]


def _shallow(headers: Mapping[str, str], parts: Sequence[Part]) -> Message:
    """The same message one level deep: its headers, and each leaf that is text as text."""
    made = Message()
    for name in ("from", "subject", "to", "x-failed-recipients"):
        if name in headers:
            made[name] = headers[name]
    leaves = []
    for part in parts:
        if _FILE.match(part.media_type):
            continue
        leaf = Message()
        leaf["Content-Type"] = part.media_type
        leaf.set_payload(part.content()[:LONGEST_TEXT].decode("ascii", "replace"))
        leaves.append(leaf)
    if len(leaves) == 1:
        made["Content-Type"] = "text/plain"
        made.set_payload(leaves[0].get_payload())
        return made
    made["Content-Type"] = headers.get("content-type", "multipart/mixed").partition(";")[0]
    made.set_payload(leaves)  # type: ignore[arg-type]  # a list of messages is a multipart's payload
    return made
