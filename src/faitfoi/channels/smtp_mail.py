"""E-mail through a relay (SMTP submission, RFC 5321 and 6409): one message, one recipient, one artefact.

Settings, all of them text:

| name | what | if absent |
|---|---|---|
| `host` | the relay's name or address | required |
| `port` | its port | 465 for `tls`, 587 for `starttls`, 25 for `none` |
| `tls` | `tls` from the first byte, `starttls`, or `none` | `starttls` |
| `user`, `password` | account on the relay; never sent without TLS, except to loopback | no AUTH |
| `sender_address` | the `From:` address; its domain also ends our Message-IDs | required |
| `sender_name` | the `From:` name | the seller's name of each parcel |
| `reply_to` | where a customer's answer goes: a mailbox that someone reads | no `Reply-To:` |
| `return_domain` | domain of return addresses, whose mail reaches `faitfoi returns` | no bounce ever comes |
| `helo_domain` | what we call ourselves in EHLO | the sender's domain |
| `ca_file` | PEM file of a private certification authority | the system's authorities |
| `dkim` | `on` once the DNS record is published (`faitfoi mail dkim`) | no signature |
| `dkim_selector`, `dkim_key` | the selector, and the private key as PEM text | made by `faitfoi mail dkim` |
| `dkim_domain` | the domain that signs | the sender's domain |
| `pace`, `pace_domain`, `pace_domains` | messages a minute (`smtp_mail_pace`) | no limit of ours |
| `grouping`, `grouping_megabytes` | what travels in one message (`smtp_mail_pace`) | one mail per invoice |
| `provider`, `webhook_…` | who carries it and calls back (`mail_providers`) | nobody calls |
| `deadline_seconds` | longest time one sending may take, 1 to 1800 | 120 |

What an answer means: before the final dot, nothing can have arrived (`NotSent`, or `Refused` when the address or the
document is what is wrong); after it, only a well-formed reply decides, and silence is `OutcomeUnknown`. A relay cannot
be asked afterwards: `find` never can tell. News comes as delivery status notifications to the return path.
"""

import ipaddress
import re
import smtplib
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from faitfoi.channels.contract import CannotTell, Grade, NotSent, OutcomeUnknown, Parcel, Receipt, RemoteEvent
from faitfoi.channels.mail_providers import PROVIDERS, check_proofs
from faitfoi.channels.smtp_mail_codes import Step, judge, too_big
from faitfoi.channels.smtp_mail_dkim import Dkim, read_dkim, sign
from faitfoi.channels.smtp_mail_message import Letter, Sender, compose, goes_with, one_line, plain_address
from faitfoi.channels.smtp_mail_pace import read_pace, read_together
from faitfoi.channels.smtp_mail_pool import MOST_CARRIED, POOL, leave
from faitfoi.channels.smtp_mail_wire import MakesNoSense, RelayClient, Reply

DEFAULT_PORTS = {"tls": 465, "starttls": 587, "none": 25}
DEFAULT_DEADLINE = 120
_NOT_SENT = "Rien n’est parti."


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """The settings above, read and checked."""

    host: str
    port: int
    tls: str
    user: str
    password: str = field(repr=False)
    sender_address: str
    sender_name: str
    reply_to: str
    helo_domain: str
    ca_file: str
    deadline: timedelta
    dkim: Dkim | None = None
    provider: str = ""


def read_settings(settings: Mapping[str, str]) -> MailSettings:
    """Read an organisation's e-mail settings. Raises ValueError with a French sentence naming the setting to mend."""
    host = _host(settings)
    read_pace(settings)  # the pipeline holds to it; here it must only read
    check_proofs(settings)
    tls = settings.get("tls", "") or "starttls"
    if tls not in DEFAULT_PORTS:
        raise ValueError(f"Réglages du courrier : tls vaut « {tls} » ; choisissez tls, starttls ou none.")
    sender = _address(settings, "sender_address", wanted=True)
    user = settings.get("user", "")
    if user and tls == "none" and not _is_loopback(host):
        raise ValueError(
            "Réglages du courrier : un mot de passe ne part pas en clair ; choisissez tls ou starttls, ou retirez user."
        )
    return MailSettings(
        host=host,
        port=_number(settings, "port", default=DEFAULT_PORTS[tls], highest=65535),
        tls=tls,
        user=user,
        password=settings.get("password", ""),
        sender_address=sender,
        sender_name=one_line(settings.get("sender_name", "")),
        reply_to=_address(settings, "reply_to", wanted=False),
        helo_domain=_domain(settings, "helo_domain") or sender.rpartition("@")[2],
        ca_file=settings.get("ca_file", ""),
        deadline=timedelta(seconds=_number(settings, "deadline_seconds", default=DEFAULT_DEADLINE, highest=1800)),
        provider=_provider(settings),
        dkim=_dkim(settings, sender_domain=sender.rpartition("@")[2]),
    )


def wall_clock() -> datetime:
    """The instant for a message's Date header, which no caller decides: a relay rejects a wrong one."""
    return datetime.fromtimestamp(time.time(), UTC)


class SmtpMail:
    """The channel `email`: one connection from sending to sending, then left to the pool; used by one thread."""

    key = "email"
    settles_in = timedelta(0)
    asks = False
    polls = False
    goes_with = staticmethod(goes_with)

    def __init__(self, settings: Mapping[str, str], *, clock: Callable[[], datetime] = wall_clock) -> None:
        """Raises ValueError with a French sentence when a setting is missing or impossible."""
        self._settings = read_settings(settings)
        self.together = read_together(settings)
        told = self._settings
        self._account = (told.host, told.port, told.tls, told.user, told.password, told.helo_domain, told.ca_file)
        self.deadline = self._settings.deadline
        self._clock = clock
        self._client: RelayClient | None = None
        self._tls = self._tls_context()

    def send(self, parcel: Parcel) -> Receipt:
        """Hand one message to the relay. Raises NotSent, Refused or OutcomeUnknown."""
        until = time.monotonic() + self.deadline.total_seconds()
        name = self._settings.sender_name or parcel.seller_name
        sender = Sender(
            address=self._settings.sender_address,
            name=name,
            reply_to=self._settings.reply_to,
            provider=self._settings.provider,
        )
        now = self._clock()
        letter = compose(parcel, sender=sender, at=now)
        if self._settings.dkim is not None:
            letter = replace(letter, content=sign(letter.content, self._settings.dkim, at=now))
        client = self._ready(until)
        try:
            self._check_size(client, letter, several=bool(parcel.others))
            reply = self._converse(client, letter, parcel)
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            if client.dot_sent:
                raise _lost_after_the_dot(error) from error
            raise NotSent(
                f"La liaison avec le serveur d’envoi s’est rompue avant la fin du message. {_NOT_SENT}"
            ) from error
        except (NotSent, OutcomeUnknown):
            # Whatever made it say so may outlive a RSET; a new connection costs little.
            self._drop()
            raise
        client.carried += 1
        return Receipt(
            grade=Grade.ACCEPTED,  # the relay itself will say nothing more
            references={"message_id": letter.message_id, "relay": self._settings.host, "answer": reply.quoted},
            raw=reply.raw,
            detail=f"Le serveur d’envoi {self._settings.host} a pris le message : « {reply.quoted} »."
            + _other_language(parcel, letter),
        )

    def check(self, siret: str) -> None:  # noqa: ARG002 -- the contract's signature
        """Greet the relay, encrypt and log in as a message would; nothing is sent. Raises NotSent."""
        self._ready(time.monotonic() + self.deadline.total_seconds())

    def find(self, parcel: Parcel) -> CannotTell:  # noqa: ARG002 -- the contract's signature
        """Answer that nobody can be asked."""
        return CannotTell(
            ask_again=False,
            detail="Un serveur de courrier ne peut pas être interrogé après coup. Demandez au client s’il a reçu le "
            "message, ou attendez un avis de remise ou de retour, avant de décider d’un nouvel envoi.",
        )

    def poll(self, parcel: Parcel) -> tuple[RemoteEvent, ...]:  # noqa: ARG002 -- the contract's signature
        """Learn nothing: a relay speaks through the notifications that come to the return path."""
        return ()

    def close(self) -> None:
        """Leave the connection to whoever sends next with these very settings (`smtp_mail_pool`)."""
        if self._client is not None:
            POOL.give(self._account, self._client)
            self._client = None

    def _converse(self, client: RelayClient, letter: Letter, parcel: Parcel) -> Reply:
        mail, rcpt = _parameters(client, letter, reference=parcel.envelope_id or parcel.message_ref)
        address, several = letter.recipient, bool(parcel.others)
        judge(client.say(f"MAIL FROM:<{letter.mail_from}>{mail}"), step=Step.MAIL, address=address, several=several)
        judge(client.say(f"RCPT TO:<{address}>{rcpt}"), step=Step.RCPT, address=address, several=several)
        judge(client.say("DATA"), step=Step.DATA, address=address, several=several)
        reply = client.submit(letter.content)
        judge(reply, step=Step.END, address=address, several=several)
        return reply

    def _check_size(self, client: RelayClient, letter: Letter, *, several: bool) -> None:
        announced = client.esmtp_features.get("size", "")
        limit = int(announced) if re.fullmatch(r"[0-9]{1,15}", announced) else 0
        if 0 < limit < len(letter.content):  # RFC 1870: 0 means that no fixed limit is announced
            raise too_big(size=len(letter.content), limit=limit, several=several)

    def _ready(self, until: float) -> RelayClient:
        """A connection at rest, ready for MAIL FROM: the one we have if it still answers, otherwise a new one."""
        if self._client is not None and self._client.carried >= MOST_CARRIED:
            leave(self._client)
            self._client = None
        while (client := self._client or POOL.take(self._account)) is not None:
            self._client = client
            client.until = until
            client.dot_sent = False
            try:
                if client.say("RSET").code == 250:
                    return client
            except (smtplib.SMTPException, OSError):
                pass  # dropped while idle, before this message began: a new connection risks nothing
            self._drop()
        self._client = self._connect(until)
        return self._client

    def _connect(self, until: float) -> RelayClient:
        settings = self._settings
        client = RelayClient(helo_domain=settings.helo_domain, tls=self._tls, tls_at_once=settings.tls == "tls")
        client.until = until
        try:
            greeting = client.open(settings.host, settings.port)
            if greeting.code != 220:
                raise NotSent(f"Le serveur d’envoi ne prend pas de message : « {greeting.quoted} ». {_NOT_SENT}")
            client.ehlo_or_helo_if_needed()
            if settings.tls == "starttls":
                client.starttls(context=self._tls)
                client.ehlo_or_helo_if_needed()
            if settings.user:
                _log_in(client, settings)
        except NotSent:
            client.close()
            raise
        except ssl.SSLCertVerificationError as error:
            client.close()
            raise NotSent(
                f"Le certificat du serveur d’envoi {settings.host} n’est pas reconnu : vérifiez son nom (host), ou "
                "indiquez l’autorité qui l’a signé (ca_file). Rien n’est parti.",
                precondition=True,
            ) from error
        except smtplib.SMTPNotSupportedError as error:
            client.close()
            raise NotSent(
                f"Le serveur d’envoi {settings.host} n’offre pas le chiffrement demandé (tls = {settings.tls}). "
                "Rien n’est parti.",
                precondition=True,
            ) from error
        except (smtplib.SMTPException, OSError) as error:
            client.close()
            raise NotSent(
                f"Le serveur d’envoi {settings.host} est injoignable ou ne répond pas. {_NOT_SENT}"
            ) from error
        return client

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _tls_context(self) -> ssl.SSLContext | None:
        if self._settings.tls == "none":
            return None
        try:
            return ssl.create_default_context(cafile=self._settings.ca_file or None)
        except OSError as error:
            raise ValueError(
                f"Réglages du courrier : le fichier d’autorité {self._settings.ca_file} (ca_file) est illisible."
            ) from error


def _log_in(client: RelayClient, settings: MailSettings) -> None:
    """Authenticate. Raises NotSent, as a precondition unless the relay says that it will pass (RFC 4954, 454)."""
    refusal = (
        f"Le serveur d’envoi {settings.host} refuse le compte « {one_line(settings.user)} » : vérifiez l’identifiant "
        "et le mot de passe dans les réglages du courrier. Rien n’est parti."
    )
    try:
        client.log_in(settings.user, settings.password)
    except smtplib.SMTPAuthenticationError as error:
        if 400 <= error.smtp_code < 500:
            raise NotSent(f"Le serveur d’envoi ne peut pas vérifier le compte pour l’instant. {_NOT_SENT}") from error
        raise NotSent(refusal, precondition=True) from error
    except (smtplib.SMTPServerDisconnected, smtplib.SMTPResponseException):
        raise
    except (smtplib.SMTPException, ValueError) as error:
        # No method in common, or an account name or password that the method cannot carry.
        raise NotSent(refusal, precondition=True) from error


def _parameters(client: RelayClient, letter: Letter, *, reference: str) -> tuple[str, str]:
    """The ESMTP parameters of MAIL and RCPT that the relay announces it understands (RFC 1870, RFC 3461)."""
    mail = f" SIZE={len(letter.content)}" if client.has_extn("size") else ""
    if not client.has_extn("dsn"):
        return mail, ""
    wanted = f" NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;{write_xtext(letter.recipient)}"
    return f"{mail} RET=HDRS ENVID={write_xtext(reference)}", wanted


def write_xtext(text: str) -> str:
    """Write ASCII text as DSN parameters want it (RFC 3461 §4): `+`, `=` and what is not printable as `+XX`."""
    return "".join(each if "!" <= each <= "~" and each not in "+=" else f"+{ord(each):02X}" for each in text)


def _other_language(parcel: Parcel, letter: Letter) -> str:
    """Say that the customer's language has no words: what happens silently is found out by the customer."""
    if parcel.language == letter.language:
        return ""
    told = {"fr": "français", "en": "anglais"}[letter.language]
    return f" Il est en {told} : il n’y a pas de textes dans la langue « {one_line(parcel.language)} » de ce client."


def _lost_after_the_dot(error: Exception) -> OutcomeUnknown:
    if isinstance(error, MakesNoSense):
        what = "le serveur d’envoi a répondu quelque chose d’incompréhensible"
    else:
        what = "la réponse du serveur d’envoi n’est pas venue"
    return OutcomeUnknown(f"Le message entier a été remis, puis {what}. Il est peut-être parti, peut-être pas.")


def _address(settings: Mapping[str, str], name: str, *, wanted: bool) -> str:
    given = settings.get(name, "").strip()
    if not given and not wanted:
        return ""
    try:
        return plain_address(given)
    except ValueError:
        raise ValueError(
            f"Réglages du courrier : {name} vaut « {one_line(given)} » ; indiquez une adresse électronique."
        ) from None


def _provider(settings: Mapping[str, str]) -> str:
    given = settings.get("provider", "").strip()
    if given and given not in PROVIDERS:
        raise ValueError(
            f"Réglages du courrier : provider vaut « {one_line(given)} » ; choisissez parmi {', '.join(PROVIDERS)}."
        )
    return given


def _dkim(settings: Mapping[str, str], *, sender_domain: str) -> Dkim | None:
    asked = settings.get("dkim", "").strip() or "off"
    if asked not in {"on", "off"}:
        raise ValueError(f"Réglages du courrier : dkim vaut « {one_line(asked)} » ; choisissez on ou off.")
    if asked == "off":
        return None
    domain = _domain(settings, "dkim_domain") or sender_domain
    return read_dkim(domain=domain, selector=settings.get("dkim_selector", ""), pem=settings.get("dkim_key", ""))


def _number(settings: Mapping[str, str], name: str, *, default: int, highest: int) -> int:
    given = settings.get(name, "").strip() or str(default)
    if not re.fullmatch(r"[0-9]{1,6}", given) or not 1 <= int(given) <= highest:
        raise ValueError(f"Réglages du courrier : {name} vaut « {one_line(given)} » ; indiquez de 1 à {highest}.")
    return int(given)


def _domain(settings: Mapping[str, str], name: str) -> str:
    given = settings.get(name, "").strip()
    try:
        return plain_address(f"x@{given}").removeprefix("x@") if given else ""
    except ValueError:
        raise ValueError(
            f"Réglages du courrier : {name} vaut « {one_line(given)} » ; indiquez un nom de domaine."
        ) from None


def _host(settings: Mapping[str, str]) -> str:
    given = settings.get("host", "").strip()
    if not given:
        raise ValueError("Réglages du courrier : indiquez le serveur d’envoi (host).")
    try:
        return str(ipaddress.ip_address(given))
    except ValueError:
        return _domain(settings, "host")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
