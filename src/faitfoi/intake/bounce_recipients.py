"""One recipient of a report: whom it is about, and what became of the message for them."""

import re
from dataclasses import dataclass

from faitfoi.intake.bounce_codes import BounceClass, classify, explain

MAX_RECIPIENTS = 100
ADDRESS = re.compile(r"[A-Za-z0-9._%+=-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,8}")


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


def make_recipient(*, address: str, original: str, action: str, status: str, diagnostic: str) -> BouncedRecipient:
    """Judge what is told of one recipient, and say it in French."""
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


def after_type(value: str) -> str:
    """`rfc822; name` → name (RFC 3464 §2.1.2); a value without its type is taken as it is."""
    kind, semicolon, rest = value.partition(";")
    return rest.strip() if semicolon and re.fullmatch(r"[A-Za-z0-9-]{1,20}", kind.strip()) else value.strip()


def bare_address(value: str) -> str:
    """Give the address of a field, without its type, brackets and quotes; empty when it cannot be one."""
    address = after_type(value).strip("<> ")
    if len(address) > 1 and address[0] == address[-1] and address[0] in "\"'":  # not a quoted local part alone
        address = address[1:-1].strip("<> ")
    return address[:320] if "@" in address or address.isprintable() else ""
