"""Signed notes (C2SP signed-note): a text, an empty line, and one line for each signature, checkable for ever.

The log signs its checkpoints with plain Ed25519 (type 0x01), witnesses with time-stamped cosignatures (type 0x04,
C2SP tlog-cosignature). Nothing here opens a file or asks for the hour.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

MOST_SIGNATURES = 64
LARGEST = 64 * 1024
KEY_ID_SIZE = 4
TIME_SIZE = 8
SIGNATURE_SIZE = 64

_LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_NAME = re.compile(r"[^\s+]+")


class NoteRefused(ValueError):
    """The bytes are not a signed note, or no known key has signed it; the message says which."""


class KeyType(IntEnum):
    """What a key signs; the value is the byte of its identifier."""

    LOG = 0x01
    WITNESS = 0x04


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """A public key that is trusted under a name, 32 bytes of Ed25519 (RFC 8032)."""

    name: str
    public: bytes
    kind: KeyType

    @property
    def key_id(self) -> bytes:
        """The four bytes that signatures carry: SHA-256(name ‖ LF ‖ type ‖ key), cut."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:KEY_ID_SIZE]

    @property
    def vkey(self) -> str:
        """The one line by which people hand the key on: name, identifier, type and key, joined by `+`."""
        return f"{self.name}+{self.key_id.hex()}+{_encoded(bytes([self.kind]) + self.public)}"

    @classmethod
    def parse(cls, vkey: str) -> "Verifier":
        """The verifier that `vkey` wrote; NoteRefused when the line is not one, or its identifier is not its key's."""
        parts = vkey.strip().split("+", 2)
        if len(parts) != 3 or not _NAME.fullmatch(parts[0]):
            raise NoteRefused(f"« {vkey[:80]} » is not a verifier key: name+identifier+key is expected.")
        key = _decoded(parts[2])
        if len(key) != 33 or key[0] not in set(KeyType):
            raise NoteRefused(f"The verifier key of « {parts[0]} » is not Ed25519.")
        verifier = cls(name=parts[0], public=key[1:], kind=KeyType(key[0]))
        if verifier.key_id.hex() != parts[1]:
            raise NoteRefused(f"The identifier of the verifier key of « {parts[0]} » is not that of its key.")
        return verifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """A private key with the name it signs under."""

    name: str
    key: Ed25519PrivateKey
    kind: KeyType

    @property
    def verifier(self) -> Verifier:
        """What others need to check this signer."""
        return Verifier(name=self.name, public=self.key.public_key().public_bytes_raw(), kind=self.kind)

    def line(self, text: str, *, at: datetime) -> str:
        """The signature line for a note's text, line feed included; a witness also signs the second `at`."""
        blob = self.key.sign(text.encode())
        if self.kind is KeyType.WITNESS:
            seconds = int(at.timestamp())
            blob = seconds.to_bytes(TIME_SIZE, "big") + self.key.sign(cosigned(text, seconds))
        return f"— {self.name} {_encoded(self.verifier.key_id + blob)}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One signature line: who says it signed, the identifier of its key, and the bytes."""

    name: str
    key_id: bytes
    blob: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedNote:
    """A note as read: nothing in it is trusted until `verified_by` has spoken."""

    text: str
    signatures: tuple[Signature, ...]

    def verified_by(self, verifier: Verifier) -> int | None:
        """The seconds since 1970 of a witness's cosignature, 0 for the log's own; None when that key has not signed.

        Raises NoteRefused when a line says it is of this key and does not verify.
        """
        for signature in self.signatures:
            if (signature.name, signature.key_id) == (verifier.name, verifier.key_id):
                return _verified(self.text, signature, verifier)
        return None


def open_note(data: bytes) -> SignedNote:
    """Read a signed note. Raises NoteRefused for anything that is not one, to the byte."""
    if len(data) > LARGEST:
        raise NoteRefused(f"The note has {len(data)} bytes, more than the {LARGEST} accepted.")
    try:
        whole = data.decode()
    except UnicodeDecodeError as error:
        raise NoteRefused("The note is not UTF-8.") from error
    head, separator, tail = whole.rpartition("\n\n")
    if not separator or not tail.endswith("\n") or _CONTROL.search(whole):
        raise NoteRefused("The note does not end with an empty line and signatures.")
    lines = tail[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise NoteRefused(f"The note has {len(lines)} signatures, more than the {MOST_SIGNATURES} accepted.")
    return SignedNote(text=head + "\n", signatures=tuple(_signature(line) for line in lines))


def write_note(text: str, lines: Iterable[str]) -> bytes:
    """The note of a text (which ends with a line feed) and its signature lines."""
    return (text + "\n" + "".join(lines)).encode()


def cosigned(text: str, seconds: int) -> bytes:
    """The message that a witness signs about a checkpoint's text (C2SP tlog-cosignature, cosignature/v1)."""
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def _signature(line: str) -> Signature:
    found = _LINE.fullmatch(line)
    if found is None:
        raise NoteRefused(f"« {line[:80]} » is not a signature line.")
    blob = _decoded(found[2])
    if len(blob) <= KEY_ID_SIZE:
        raise NoteRefused(f"The signature of « {found[1]} » is empty.")
    return Signature(name=found[1], key_id=blob[:KEY_ID_SIZE], blob=blob[KEY_ID_SIZE:])


def _verified(text: str, signature: Signature, verifier: Verifier) -> int:
    seconds, message, blob = 0, text.encode(), signature.blob
    if verifier.kind is KeyType.WITNESS:
        seconds = int.from_bytes(blob[:TIME_SIZE], "big")
        message, blob = cosigned(text, seconds), blob[TIME_SIZE:]
    try:
        Ed25519PublicKey.from_public_bytes(verifier.public).verify(blob, message)
    except InvalidSignature as error:
        raise NoteRefused(f"The signature of « {verifier.name} » is not that of its key on this text.") from error
    return seconds


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decoded(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise NoteRefused(f"« {text[:80]} » is not base64.") from error
    if _encoded(data) != text:
        raise NoteRefused(f"« {text[:80]} » is not the one base64 writing of its bytes.")
    return data
