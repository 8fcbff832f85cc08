"""PAdES B-B and B-T seals: the original bytes, untouched, then one update that seals them (ETSI EN 319 142-1).

Invisible; PDF version, XMP, Factur-X attachment and PDF/A-3 or PDF/UA claim stay as they are. A PDF that carries a
signature is never written to again. One seal costs about a millisecond.
"""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from faitfoi.evidence import cms
from faitfoi.evidence.keys import (
    Algorithm,
    KeyRefused,
    SealKey,
    SignerRefused,
    SignerSilent,
    create_key,
    load_key,
)
from faitfoi.evidence.pdf_update import SealRefused, is_signed, lay_out

__all__ = [
    "Algorithm",
    "KeyRefused",
    "SealKey",
    "SealRefused",
    "SignerRefused",
    "SignerSilent",
    "create_key",
    "is_signed",
    "load_key",
    "seal",
]

LayOut = Callable[[bytes, int, datetime], tuple[bytes, bytes]]
"""From a PDF, the room for the seal in bytes and an instant: all that comes before and after the seal's hex string."""


Stamp = Callable[[bytes], bytes]
"""From the value of a signature, the RFC 3161 token (DER) of an authority over it."""
LARGEST_TOKEN = 12 * 1024
"""Room for a token: those met have 1.5 to 7 kB, with the certificates of their authority inside."""


def seal(pdf: bytes, key: SealKey, *, at: datetime, lay_out: LayOut = lay_out, stamp: Stamp | None = None) -> bytes:
    """The PDF sealed with `key`, dated `at` (aware) in the signature dictionary's /M; with `stamp`, B-T.

    A PDF from outside is read by another process, given as `lay_out`, which never sees the key: what it gives back
    must begin with the very PDF, or ValueError. Raises `SealRefused` for what is signed already, encrypted, damaged,
    an XFA form or not a PDF, and `KeyRefused` when the key's certificate is not valid at that instant; what `key.sign`
    and `stamp` raise goes through, and so does ValueError for a token larger than LARGEST_TOKEN.
    """
    if not key.not_before <= at <= key.not_after:
        raise KeyRefused(
            f"Le certificat de cachet vaut du {key.not_before:%d/%m/%Y} au {key.not_after:%d/%m/%Y}, "
            f"pas le {at:%d/%m/%Y}. Créez une nouvelle clé."
        )
    room = len(_sealed_digest(bytes(32), _mute(key), stamp=(lambda _: bytes(LARGEST_TOKEN)) if stamp else None))
    before, after = lay_out(pdf, room, at)
    if not before.startswith(pdf):
        raise ValueError("what is to be sealed does not begin with the PDF itself")
    digest = hashlib.sha256(before)
    digest.update(after)
    value = _sealed_digest(digest.digest(), key, stamp=stamp)
    if len(value) > room:
        raise ValueError(f"the seal takes {len(value)} bytes, and {room} were kept for it")
    return b"".join((before, b"<", value.ljust(room, b"\x00").hex().encode(), b">", after))


def _mute(key: SealKey) -> SealKey:
    """The same key whose signature is only as large as the largest: to know what room a seal takes."""
    return replace(key, sign=lambda _: bytes(key.largest_signature))


def _sealed_digest(digest: bytes, key: SealKey, *, stamp: Stamp | None) -> bytes:
    return cms.write(
        digest,
        certificate=key.certificate,
        issuer=key.issuer,
        serial=key.serial,
        algorithm=key.algorithm,
        sign=key.sign,
        chain=key.chain,
        stamp=stamp,
    )
