"""PAdES B-B seals: the original bytes, untouched, then one update that seals them (ETSI EN 319 142-1).

Invisible; PDF version, XMP, Factur-X attachment and PDF/A-3 or PDF/UA claim stay as they are. A PDF that carries a
signature is never written to again. One seal costs about a millisecond.
"""

import hashlib
from datetime import datetime

from faitfoi.evidence import cms
from faitfoi.evidence.keys import Algorithm, KeyRefused, SealKey, create_key, load_key
from faitfoi.evidence.pdf_update import SealRefused, Update, cross_references, is_signed, pdf_date, prepare

__all__ = ["Algorithm", "KeyRefused", "SealKey", "SealRefused", "create_key", "is_signed", "load_key", "seal"]

# Room for /ByteRange's value, whose digits are known only once everything has its place.
BYTE_RANGE_WIDTH = 48


def seal(pdf: bytes, key: SealKey, *, at: datetime) -> bytes:
    """The PDF sealed with `key`, dated `at` (aware) in the signature dictionary's /M.

    Raises `SealRefused` for what is signed already, encrypted, damaged, an XFA form or not a PDF, and `KeyRefused`
    when the key's certificate is not valid at that instant.
    """
    if not key.not_before <= at <= key.not_after:
        raise KeyRefused(
            f"Le certificat de cachet vaut du {key.not_before:%d/%m/%Y} au {key.not_after:%d/%m/%Y}, "
            f"pas le {at:%d/%m/%Y}. Créez une nouvelle clé."
        )
    update = prepare(pdf, at=at)
    room = len(_sealed_digest(bytes(32), key, dry=True))
    before, after = _around_the_seal(pdf, update, room=room, at=at)
    digest = hashlib.sha256(before)
    digest.update(after)
    value = _sealed_digest(digest.digest(), key, dry=False)
    return b"".join((before, b"<", value.ljust(room, b"\x00").hex().encode(), b">", after))


def _sealed_digest(digest: bytes, key: SealKey, *, dry: bool) -> bytes:
    """The CMS over a digest; a dry one has no signature but the size of the largest."""
    return cms.write(
        digest,
        certificate=key.certificate,
        issuer=key.issuer,
        serial=key.serial,
        algorithm=key.algorithm,
        sign=(lambda _: bytes(key.largest_signature)) if dry else key.sign,
    )


def _around_the_seal(pdf: bytes, update: Update, *, room: int, at: datetime) -> tuple[bytes, bytes]:
    """Everything before and after the hex string that will hold the seal: together, exactly what is sealed."""
    parts = [pdf if pdf.endswith(b"\n") else pdf + b"\n"]
    position = len(parts[0])
    offsets = {}
    for place, content in update.objects.items():
        offsets[place] = position
        parts.append(b"%d %d obj\n%s\nendobj\n" % (*place, content))
        position += len(parts[-1])
    offsets[update.signature, 0] = position
    opening = b"%d 0 obj\n<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/M(%s)/ByteRange" % (
        update.signature,
        pdf_date(at),
    )
    closing = b">>\nendobj\n"
    gap_start = position + len(opening) + BYTE_RANGE_WIDTH + len(b"/Contents")
    gap_end = gap_start + 2 * room + len(b"<>")
    after = closing + cross_references(update, offsets, start=gap_end + len(closing))
    byte_range = b"[0 %d %d %d]" % (gap_start, gap_end, len(after))
    parts.extend((opening, byte_range.ljust(BYTE_RANGE_WIDTH), b"/Contents"))
    return b"".join(parts), after
