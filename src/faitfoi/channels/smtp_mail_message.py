"""Write the message that carries one parcel: RFC 5322 and MIME bytes, values in, values out.

`mixed{alternative{plain, html}, artefact, annexes}`, all of it 7-bit, lines ended by CRLF. Names that come from
outside can neither break a header nor add one (`one_line`), and an address is one address or is refused.
"""

import re
import unicodedata
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.charset import QP, Charset
from email.generator import BytesGenerator
from email.header import Header
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.utils import format_datetime, formataddr
from io import BytesIO

import idna

from faitfoi.channels.contract import NOTHING, Attachment, Parcel, Refused
from faitfoi.channels.texts.wording import Facts, word

LONGEST_ADDRESS = 254  # RFC 5321 §4.5.3.1.3: a path has 256 octets, its angle brackets included
LONGEST_NAME = 120  # of a file or a person: RFC 2231 triples it, and a line has 998 octets (RFC 5322 §2.1.1)

# RFC 5322 §3.2.3 dot-atom; quoted local parts are lawful and, in customer records, always a typing error.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_OCTETS_OF_A_WORD = 42  # 56 characters, and the name of the header fits on the first line
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,60}")
_REFERENCE = re.compile(r"[a-z0-9]{8,64}")
_LINE = 78


class _Wire(policy.Compat32):
    """The standard's policy, but for headers that need no folding: looking for it costs a quarter of a message."""

    def fold_binary(self, name: str, value: str) -> bytes:
        if value.isascii() and "\n" not in value and len(name) + len(value) + 2 <= _LINE:
            return f"{name}: {value}\r\n".encode("ascii")
        return super().fold_binary(name, value)


_WIRE_POLICY = _Wire(linesep="\r\n", cte_type="7bit", max_line_length=_LINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who signs the messages: an address already checked by `plain_address`, a name, and where answers go."""

    address: str
    name: str
    reply_to: str = ""
    provider: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One message ready for the wire: its bytes and its envelope."""

    message_id: str
    mail_from: str
    recipient: str
    content: bytes
    language: str = "fr"


def compose(parcel: Parcel, *, sender: Sender, at: datetime) -> Letter:
    """Write the message of a parcel, the same for every attempt but for its Date (`at`, aware).

    Raises Refused when the recipient's address cannot be one, ValueError when `message_ref`, `return_path` or `others`,
    which are ours, are not what the contract says.
    """
    if not _REFERENCE.fullmatch(parcel.message_ref):
        raise ValueError(f"message_ref is not a token of [a-z0-9]: {parcel.message_ref!r}")
    recipient = _recipient(parcel.address)
    domain = sender.address.rpartition("@")[2]
    message = MIMEMultipart("mixed", boundary=f"=_{parcel.message_ref}_mixed", policy=_WIRE_POLICY)
    _check_company(parcel)
    can_answer = bool(sender.reply_to)
    words = word(_facts(parcel, can_answer=can_answer), [_facts(each, can_answer=can_answer) for each in parcel.others])
    message["From"] = named_address(sender.name, sender.address)
    message["To"] = named_address(parcel.buyer_name, recipient)
    if sender.reply_to:
        message["Reply-To"] = sender.reply_to
    message["Subject"] = _text_header("Subject", words.subject)
    message["Date"] = format_datetime(at)
    message["Message-ID"] = message_id = f"<{parcel.message_ref}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation notice is wanted in return
    message["Content-Language"] = words.language
    for name, value in _for_the_provider(sender.provider, parcel.message_ref):
        message[name] = value
    body = MIMEMultipart("alternative", boundary=f"=_{parcel.message_ref}_text", policy=_WIRE_POLICY)
    body.attach(_text(words.plain, subtype="plain"))
    body.attach(_text(words.html, subtype="html"))
    message.attach(body)
    return Letter(
        message_id=message_id,
        mail_from=plain_address(parcel.return_path) if parcel.return_path else sender.address,
        recipient=recipient,
        language=words.language,
        content=_with_files(_bytes_of(message), parcel, boundary=f"=_{parcel.message_ref}_mixed"),
    )


def goes_with(leader: Parcel, other: Parcel) -> bool:
    """Whether a parcel may share the leader's message: the same organisation, customer, address and purpose."""
    return (
        bool(leader.customer)
        and leader.customer == other.customer
        and leader.address.lower() == other.address.lower()
        and leader.purpose == other.purpose
        and leader.key.partition(":")[0] == other.key.partition(":")[0]
    )


def plain_address(address: str) -> str:
    """Give the address as SMTP writes it, its domain in A-labels. Raises ValueError when it is not one address."""
    local, at, domain = address.strip().rpartition("@")
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True, std3_rules=True).decode("ascii")
        except UnicodeError:  # IDNAError among them
            domain = ""
    domain = domain.lower()
    if not at or not _LOCAL.fullmatch(local) or len(local) > 64 or not _DOMAIN.fullmatch(domain):
        raise ValueError(f"not an address: {address!r}")
    if len(local) + 1 + len(domain) > LONGEST_ADDRESS:
        raise ValueError(f"an address longer than {LONGEST_ADDRESS} characters: {address!r}")
    return f"{local}@{domain}"


def named_address(name: str, address: str) -> str:
    """Write `name <address>` so that any reader finds exactly this one address in it."""
    name = one_line(name)[:LONGEST_NAME]
    if not name:
        return address
    if name.isascii() and "=?" not in name:
        return formataddr((name, address))
    return f"{_encoded(name)} <{address}>"


def one_line(text: str) -> str:
    """Turn line breaks, controls, invisible and broken characters into spaces, so that the text stays in its header."""
    visible = (" " if unicodedata.category(each)[0] == "C" or each in "\u2028\u2029" else each for each in text)
    return " ".join("".join(visible).split())


def file_name(name: str, *, fallback: str = "document.pdf") -> str:
    """Make a name that is only a name: one line, no folder, no leading dot, `LONGEST_NAME` characters, ending kept."""
    name = re.sub(r'[\\/:*?"<>|]', "-", one_line(name)).strip(". ") or fallback
    if len(name) <= LONGEST_NAME:
        return name
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending) > 10:
        return name[:LONGEST_NAME]
    return f"{stem[: LONGEST_NAME - len(ending) - 1]}.{ending}"


def _recipient(address: str) -> str:
    try:
        return plain_address(address)
    except ValueError:
        shown = one_line(address)[:LONGEST_ADDRESS] or "(vide)"
        raise Refused(
            f"L’adresse électronique du client, « {shown} », n’est pas une adresse utilisable : il en faut une seule, "
            "sans espace ni lettre accentuée avant l’arobase. Corrigez-la dans la fiche du client, puis renvoyez.",
            code="5.1.3",
        ) from None


def _facts(parcel: Parcel, *, can_answer: bool) -> Facts:
    return Facts(
        document_kind=parcel.document_kind,
        purpose=parcel.purpose,
        place=parcel.place,
        number=one_line(parcel.number),
        issue_date=parcel.issue_date,
        seller_name=one_line(parcel.seller_name),
        seller_siret=one_line(parcel.seller_siret),
        payable=one_line(parcel.payable),
        annexes=tuple(file_name(annex.filename) for annex in parcel.annexes),
        can_answer=can_answer,
        buyer_name=one_line(parcel.buyer_name),
        language=parcel.language,
        texts=parcel.texts,
    )


def _text_header(name: str, text: str) -> str:
    text = one_line(text)
    if text.isascii() and "=?" not in text:
        return Header(text, "us-ascii", header_name=name, maxlinelen=76).encode()
    return _encoded(text)


def _encoded(text: str) -> str:
    """RFC 2047 words of at most 75 characters, none cut in two; the standard's writer costs five times that."""
    words, piece = [], b""
    for each in text:
        octets = each.encode("utf-8")
        if len(piece) + len(octets) > _OCTETS_OF_A_WORD:
            words.append(piece)
            piece = b""
        piece += octets
    return "\n ".join(f"=?utf-8?b?{b64encode(word).decode('ascii')}?=" for word in [*words, piece])


def _text(text: str, *, subtype: str) -> Message:
    # Quoted-printable: readable on the wire, and no relay has a reason to convert it and break a DKIM signature.
    charset = Charset("utf-8")
    charset.body_encoding = QP
    part = Message(policy=_WIRE_POLICY)
    part["Content-Type"] = f"text/{subtype}"
    part.set_payload(text, charset)
    return part


def _for_the_provider(provider: str, reference: str) -> list[tuple[str, str]]:
    """What a provider gives back in its calls, and that it neither counts opens nor rewrites anything."""
    return {
        "postmark": [("X-PM-Metadata-ref", reference), ("X-PM-TrackOpens", "false"), ("X-PM-TrackLinks", "None")],
        "mailgun": [("X-Mailgun-Variables", f'{{"ref": "{reference}"}}'), ("X-Mailgun-Track", "no")],
        "brevo": [("X-Mailin-custom", reference)],
        "mailjet": [("X-MJ-CustomID", reference), ("X-Mailjet-TrackOpen", "0"), ("X-Mailjet-TrackClick", "0")],
    }.get(provider, [])


def _with_files(content: bytes, parcel: Parcel, *, boundary: str) -> bytes:
    """Put the files before the last boundary; by hand, since a generator that looks at every line costs it thrice."""
    mark = f"--{boundary}".encode("ascii")
    pieces = [content.removesuffix(mark + b"--\r\n")]
    for attachment in _files(parcel):
        pieces += [mark, b"\r\n", _bytes_of(_file(attachment)).rstrip(b"\r\n"), b"\r\n\r\n"]
        encoded = b64encode(attachment.content)
        pieces.append(b"\r\n".join(encoded[start : start + 76] for start in range(0, len(encoded), 76)))
        pieces.append(b"\r\n" if encoded else b"")
    return b"".join([*pieces, mark, b"--\r\n"])


def _files(parcel: Parcel) -> tuple[Attachment, ...]:
    """Each file once: the terms of sale that every one of several invoices brings are the same."""
    files = [parcel.artefact, *parcel.annexes]
    for other in parcel.others:
        files += [other.artefact, *(annex for annex in other.annexes if annex not in files)]
    return tuple(each for each in files if each != NOTHING)


def _check_company(parcel: Parcel) -> None:
    """Raise ValueError for a bug that must never be sent: documents of several customers or addresses in one message.

    Or a notice that carries anything.
    """
    if parcel.purpose == "notice" and any(
        each.artefact != NOTHING or each.annexes for each in (parcel, *parcel.others)
    ):
        raise ValueError(f"the notice of {parcel.number} was to carry a file")
    for other in parcel.others:
        if other.others or not goes_with(parcel, other):
            raise ValueError(f"{other.number} does not go with {parcel.number}: another customer, address or purpose")


def _file(attachment: Attachment) -> Message:
    """The headers of a file's part."""
    media_type = attachment.media_type.lower()
    # A message or a multipart may not be base64 (RFC 2046 §5): sent as plain bytes, and nobody opens it unasked.
    if not _MEDIA_TYPE.fullmatch(media_type) or media_type.startswith(("message/", "multipart/")):
        media_type = "application/octet-stream"
    name = file_name(attachment.filename)
    part = Message(policy=_WIRE_POLICY)
    part["Content-Type"] = media_type
    part.add_header("Content-Disposition", "attachment", filename=name if name.isascii() else ("utf-8", "", name))
    part["Content-Transfer-Encoding"] = "base64"
    return part


def _bytes_of(message: Message) -> bytes:
    out = BytesIO()
    BytesGenerator(out, mangle_from_=False, policy=_WIRE_POLICY).flatten(message)
    content = out.getvalue()
    return content if content.endswith(b"\r\n") else content + b"\r\n"
