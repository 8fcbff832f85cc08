"""Read a mailbox of returns by IMAP (RFC 3501): what is new since a place, one message after the other.

Nothing is moved, flagged or deleted there. The place is (UIDVALIDITY, UID); whoever reads moves it past a message once
that message is kept, so that none is lost and one read twice changes nothing. The standard library's client serves:
five commands, a time-out, and no dependency.
"""

import imaplib
import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from faitfoi.intake.mail_parts import MAX_READ, split_message

PORTS = {"tls": 993, "starttls": 143, "none": 143}
PATIENCE = 30.0
_RECIPIENTS = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "to", "x-failed-recipients")
_ADDRESS = re.compile(r"[^\s<>,;\"]{1,128}@[^\s<>,;\"]{1,254}")
_UID = re.compile(rb"\bUID (\d{1,10})\b")


class CannotRead(Exception):
    """The mailbox cannot be read now; a French sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """Where returns lie, and the account that reads them."""

    host: str
    port: int
    tls: str
    user: str
    password: str = field(repr=False)
    folder: str = "INBOX"
    ca_file: str = ""

    @property
    def name(self) -> str:
        """What tells it from another: its place is kept under this name."""
        return f"{self.user}@{self.host}:{self.port}/{self.folder}"[:300]


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """One message, whom its headers say it was for, and the place to go on from once it is kept."""

    raw: bytes
    recipients: tuple[str, ...]
    validity: int
    uid: int


def read_mailbox_settings(settings: Mapping[str, str]) -> Mailbox | None:
    """Read `imap_host`, `imap_port`, `imap_tls`, `imap_user`, `imap_password`, `imap_folder`; None without a host.

    Raises ValueError with a French sentence naming the setting to mend.
    """
    host = settings.get("imap_host", "").strip()
    if not host:
        return None
    tls = settings.get("imap_tls", "") or "tls"
    if tls not in PORTS:
        raise ValueError(f"Réglages du courrier : imap_tls vaut « {tls[:20]} » ; choisissez tls, starttls ou none.")
    if tls == "none" and host not in {"localhost", "127.0.0.1", "::1"}:
        raise ValueError("Réglages du courrier : un mot de passe ne part pas en clair ; imap_tls vaut tls ou starttls.")
    port = settings.get("imap_port", "").strip() or str(PORTS[tls])
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 1 <= int(port) <= 65535:
        raise ValueError(f"Réglages du courrier : imap_port vaut « {port[:20]} » ; indiquez de 1 à 65535.")
    return Mailbox(
        host=host,
        port=int(port),
        tls=tls,
        user=settings.get("imap_user", ""),
        password=settings.get("imap_password", ""),
        folder=settings.get("imap_folder", "") or "INBOX",
        ca_file=settings.get("ca_file", ""),
    )


def read_new(mailbox: Mailbox, *, validity: int, uid: int, most: int = 200) -> Iterator[Returned]:
    """Give what came after a place, oldest first, all of it when the mailbox was made anew. Raises CannotRead."""
    try:
        client = _connect(mailbox)
    except (imaplib.IMAP4.error, OSError) as error:
        raise CannotRead(
            f"La boîte des retours {mailbox.host} ne s’ouvre pas : vérifiez l’adresse, le compte et le mot de passe."
        ) from error
    try:
        client.select(f'"{mailbox.folder}"', readonly=True)
        told = client.response("UIDVALIDITY")[1]
        present = int(told[0]) if told and told[0] else 0
        after = uid if present == validity else 0
        found = client.uid("SEARCH", f"UID {after + 1}:*")[1]
        # "n:*" always names the last message, even when it is older.
        uids = sorted(int(each) for each in (found[0] or b"").split() if int(each) > after)
        for each in uids[:most]:
            yield _fetched(client, each, validity=present)
    except (imaplib.IMAP4.error, OSError, ValueError, IndexError, TypeError, AttributeError, StopIteration) as error:
        raise CannotRead(f"La boîte des retours {mailbox.host} a répondu quelque chose d’incompréhensible.") from error
    finally:
        _leave(client)


def _fetched(client: imaplib.IMAP4, uid: int, *, validity: int) -> Returned:
    answer = client.uid("FETCH", str(uid), f"(UID BODY.PEEK[]<0.{MAX_READ}>)")[1]
    rank = next(rank for rank, each in enumerate(answer) if isinstance(each, tuple))
    head, raw = answer[rank]
    after = answer[rank + 1 : rank + 2]  # servers name the message before its bytes or after them
    named = _UID.search(b" ".join([head, *(each for each in after if isinstance(each, bytes))]))
    if named is None or int(named.group(1)) != uid:
        raise ValueError("another message than the one asked for")
    return Returned(raw=raw, recipients=recipients_in(raw), validity=validity, uid=uid)


def recipients_in(raw: bytes) -> tuple[str, ...]:
    """Whom a message was for, as the headers that servers write say; only addresses that we made count in the end."""
    headers, _ = split_message(raw)
    told = " ".join(headers.get(name, "") for name in _RECIPIENTS)
    return tuple(dict.fromkeys(_ADDRESS.findall(told[:10_000])))


def _connect(mailbox: Mailbox) -> imaplib.IMAP4:
    context = ssl.create_default_context(cafile=mailbox.ca_file or None) if mailbox.tls != "none" else None
    if mailbox.tls == "tls":
        client: imaplib.IMAP4 = imaplib.IMAP4_SSL(mailbox.host, mailbox.port, ssl_context=context, timeout=PATIENCE)
    else:
        client = imaplib.IMAP4(mailbox.host, mailbox.port, timeout=PATIENCE)
    try:
        if mailbox.tls == "starttls":
            client.starttls(ssl_context=context)
        client.login(mailbox.user, mailbox.password)
    except (imaplib.IMAP4.error, OSError):
        _leave(client)
        raise
    return client


def _leave(client: imaplib.IMAP4) -> None:
    try:
        client.logout()
    except (imaplib.IMAP4.error, OSError):
        client.shutdown()
