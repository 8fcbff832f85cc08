"""The mapping of each provider's events to news about a delivery; pure, and nothing verified here."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parseaddr
from typing import Any

from faitfoi.channels.contract import Grade, News, RemoteEvent


class NotRead(ValueError):
    """The body is not what the provider documents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """One event in the words of a provider."""

    event: str
    identity: str
    recipient: str
    reference: str
    at: object
    words: str = ""
    code: str = ""
    sender: str = ""


DELIVERED = (Grade.DELIVERED, "delivered")
HARD = (Grade.RETURNED, "hard")
POLICY = (Grade.RETURNED, "policy")
SOFT = (Grade.DELAYED, "")
COMPLAINT = (Grade.DELIVERED, "complaint")
FAILED = (Grade.RETURNED, "")
_MEANING: Mapping[str, Mapping[str, tuple[Grade, str]]] = {
    "postmark": {
        "Delivery": DELIVERED, "HardBounce": HARD, "BadEmailAddress": HARD, "SoftBounce": FAILED, "Transient": SOFT,
        "DnsError": SOFT, "Blocked": POLICY, "ManuallyDeactivated": POLICY, "DMARCPolicy": POLICY,
        "SpamNotification": POLICY, "SMTPApiError": FAILED, "SpamComplaint": COMPLAINT,
    },
    "mailgun": {
        "delivered": DELIVERED, "failed:permanent": HARD, "failed:temporary": SOFT, "rejected": POLICY,
        "complained": COMPLAINT,
    },
    "ses": {
        "Delivery": DELIVERED, "Bounce:Permanent": HARD, "Bounce:Transient": FAILED, "Bounce:Undetermined": FAILED,
        "Complaint": COMPLAINT, "Reject": POLICY, "Rendering Failure": FAILED, "DeliveryDelay": SOFT,
    },
    "brevo": {
        "delivered": DELIVERED, "hard_bounce": HARD, "invalid_email": HARD, "soft_bounce": FAILED, "deferred": SOFT,
        "blocked": POLICY, "spam": COMPLAINT, "complaint": COMPLAINT, "error": FAILED,
    },
    "mailjet": {
        "sent": DELIVERED, "bounce:hard": HARD, "bounce:soft": FAILED, "blocked": POLICY, "spam": COMPLAINT,
    },
}  # fmt: skip
_SILENT: Mapping[str, frozenset[str]] = {
    "postmark": frozenset({"Open", "Click", "SubscriptionChange", "AutoResponder"}),
    "mailgun": frozenset({"accepted", "opened", "clicked", "unsubscribed", "stored"}),
    "ses": frozenset({"Send", "Open", "Click", "Subscription"}),
    "brevo": frozenset(
        {"request", "opened", "unique_opened", "proxy_open", "unique_proxy_open", "click", "unsubscribed"}
    ),
    "mailjet": frozenset({"open", "click", "unsub"}),
}
_FULL = re.compile(
    r"(mail)?box (is )?(full|exceed)|over ?quota|quota exceeded|\b[45]\.2\.2\b|MailboxFull", re.IGNORECASE
)
_BIG = re.compile(r"too (large|big)|size limit|\b5\.(3\.4|2\.3)\b", re.IGNORECASE)
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_VERP = re.compile(r"bounce\+([a-z0-9]{26})-")  # SES replaces our Message-ID, and keeps the return address
_REFERENCE = re.compile(r"[a-z0-9]{26}")


def news_of(provider: str, told: Any, *, raw: bytes, now: datetime) -> Iterator[News]:
    """Give the news of a call; opens, clicks and what only says "taken" are none. Raises NotRead."""
    read = {"postmark": _postmark, "mailgun": _mailgun, "ses": _ses, "brevo": _brevo, "mailjet": _mailjet}[provider]
    events = told if isinstance(told, list) else [told]
    for event in events:  # as many as the length of a call holds
        if not isinstance(event, dict):
            raise NotRead("an event is not an object")
        for said in read(event) if event else ():
            if said.event not in _SILENT[provider]:
                yield _news(provider, said, raw=raw, now=now)


def _news(provider: str, said: _Said, *, raw: bytes, now: datetime) -> News:
    grade, verdict = _MEANING[provider].get(said.event, (Grade.UNKNOWN_CODE, ""))
    if grade is Grade.RETURNED and verdict in {"", "hard"} and _FULL.search(said.words):
        verdict = "full"
    elif grade is Grade.RETURNED and _BIG.search(said.words):
        verdict = ""
    status = _STATUS.search(f"{said.code} {said.words}")
    reference = said.reference.strip("<> ").partition("@")[0].lower()
    words = " ".join(said.words.split())[:500]
    event = RemoteEvent(
        identity=f"{provider}:{said.identity or f'{reference}:{said.event}:{said.recipient}'}"[:180],
        code=status.group(1) if status else said.event[:80],
        grade=grade,
        at=_instant(said.at, now),
        reason=f"{_SENTENCES[verdict or grade.value].format(address=said.recipient)} {words}".strip(),
        who=provider,
        final=grade is not Grade.DELAYED,
        verdict=verdict,
        raw=raw,
    )
    about = {
        "recipient": said.recipient,
        "message_ref": reference if _REFERENCE.fullmatch(reference) else "",
        **({"sender": sender} if (sender := parseaddr(said.sender)[1].lower()) else {}),
    }
    return News(about=about, event=event)


_SENTENCES = {
    "delivered": "Le message a été remis au serveur de {address}.",
    "hard": "Le message n’a pas été remis à {address} : l’adresse ne reçoit pas. Corrigez-la dans la fiche du client.",
    "full": "Le message n’a pas été remis à {address} : la boîte est pleine. Prévenez le client.",
    "policy": "Le message n’a pas été remis à {address} : il a été écarté (filtre, réputation ou authentification). "
    "L’adresse n’est pas en cause.",
    "complaint": "{address} a signalé ce message comme indésirable. Appelez le client.",
    "returned": "Le message n’a pas été remis à {address}.",
    "delayed": "Le message n’est pas encore remis à {address} : il est présenté de nouveau de lui-même.",
    "unknown_code": "Le prestataire a dit de {address} quelque chose que Faitfoi ne connaît pas.",
}


def _postmark(event: dict[str, Any]) -> Iterator[_Said]:
    kind = str(event.get("RecordType", ""))
    yield _Said(
        event=str(event.get("Type", "")) if kind == "Bounce" else kind,
        identity=_joined(kind, event.get("ID"), event.get("MessageID"), event.get("Recipient") or event.get("Email")),
        recipient=str(event.get("Recipient") or event.get("Email") or ""),
        reference=str(_within(event, "Metadata").get("ref", "")),
        at=event.get("DeliveredAt") or event.get("BouncedAt"),
        words=str(event.get("Details") or event.get("Description") or ""),
        sender=str(event.get("From") or ""),
    )


def _mailgun(event: dict[str, Any]) -> Iterator[_Said]:
    data, kind = _within(event, "event-data"), str(_within(event, "event-data").get("event", ""))
    status = _within(data, "delivery-status")
    headers = _within(_within(data, "message"), "headers")
    yield _Said(
        event=f"failed:{data.get('severity')}" if kind == "failed" else kind,
        identity=str(data.get("id") or ""),
        recipient=str(data.get("recipient", "")),
        reference=str(_within(data, "user-variables").get("ref") or headers.get("message-id") or ""),
        at=data.get("timestamp"),
        words=str(status.get("message") or status.get("description") or data.get("reason") or ""),
        code=str(status.get("enhanced-code") or ""),
        sender=str(headers.get("from") or ""),
    )


def _ses(event: dict[str, Any]) -> Iterator[_Said]:
    kind = str(event.get("eventType") or event.get("notificationType") or "")
    mail = _within(event, "mail")
    common, returned = _within(mail, "commonHeaders"), _VERP.match(str(mail.get("source", "")))
    senders = common.get("from")
    part = _within(event, {"DeliveryDelay": "deliveryDelay"}.get(kind, kind.lower()))
    people = part.get("bouncedRecipients") or part.get("complainedRecipients") or part.get("delayedRecipients")
    each = people if isinstance(people, list) else [{"emailAddress": to} for to in part.get("recipients") or []]
    for person in [one for one in each if isinstance(one, dict)] or [{}]:
        yield _Said(
            event=f"Bounce:{part.get('bounceType')}" if kind == "Bounce" else kind,
            identity=_joined(kind, part.get("feedbackId") or mail.get("messageId"), person.get("emailAddress")),
            recipient=str(person.get("emailAddress", "")),
            reference=returned.group(1) if returned else str(common.get("messageId", "")),
            at=part.get("timestamp") or mail.get("timestamp"),
            words=f"{part.get('bounceSubType') or ''} {person.get('diagnosticCode') or ''}".strip(),
            code=str(person.get("status") or ""),
            sender=str(senders[0] if isinstance(senders, list) and senders else mail.get("source") or ""),
        )


def _brevo(event: dict[str, Any]) -> Iterator[_Said]:
    kind = str(event.get("event", ""))
    yield _Said(
        event=kind,
        identity=_joined(kind, event.get("message-id"), event.get("email"), event.get("ts_event")),
        recipient=str(event.get("email", "")),
        reference=str(event.get("X-Mailin-custom") or event.get("message-id") or ""),
        at=event.get("ts_event") or event.get("ts"),
        words=str(event.get("reason") or ""),
        sender=str(event.get("sender_email") or ""),
    )


def _mailjet(event: dict[str, Any]) -> Iterator[_Said]:
    kind = str(event.get("event", ""))
    bounce = "bounce:hard" if str(event.get("hard_bounce")).lower() in {"1", "true"} else "bounce:soft"
    yield _Said(
        event=bounce if kind == "bounce" else kind,
        identity=_joined(kind, event.get("MessageID"), event.get("email"), event.get("time")),
        recipient=str(event.get("email", "")),
        reference=str(event.get("CustomID") or ""),
        at=event.get("time"),
        words=" ".join(str(event.get(name) or "") for name in ("error_related_to", "error", "comment")).strip(),
    )


def _within(told: dict[str, Any], name: str) -> dict[str, Any]:
    found = told.get(name)
    return found if isinstance(found, dict) else {}


def _joined(*parts: object) -> str:
    return ":".join(str(part) for part in parts if part is not None)


def _instant(told: object, now: datetime) -> datetime:
    """Their instant: seconds since 1970 or ISO 8601; when it does not read, or lies ahead, when it was heard."""
    try:
        at = datetime.fromtimestamp(told, UTC) if isinstance(told, int | float) else datetime.fromisoformat(str(told))
    except (ValueError, OverflowError, OSError):
        return now
    return min(at, now) if at.tzinfo else now
