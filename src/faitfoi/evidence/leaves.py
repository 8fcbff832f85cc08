"""Journal entries as bytes that have one form only, and their leaf hashes (RFC 6962 §2.1)."""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

# The largest integer that every JSON reader keeps exactly (RFC 8259 §6): a proof must read the same everywhere.
LARGEST_INTEGER = 2**53 - 1
DEEPEST = 16
SHORTEST_SALT = 16


def _writer() -> Callable[[object], str]:
    """Make what writes entries, once: the standard's encoder makes its own for each, which is half of its time."""
    encoder = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    make: Any = getattr(json.encoder, "c_make_encoder", None)  # what JSONEncoder.iterencode itself calls
    if make is None:
        return encoder.encode
    escape: Any = getattr(json.encoder, "encode_basestring")  # noqa: B009  # not in the stubs
    parts = make(None, encoder.default, escape, None, ":", ",", True, False, False)  # noqa: FBT003  # takes no names
    return lambda entry: "".join(parts(entry, 0))


_write = _writer()
_PLAIN = frozenset({str, bool, type(None)})


class NotCanonical(ValueError):
    """The value has no canonical form, or the bytes are not the canonical form of what they say."""


def canonical(entry: Mapping[str, object]) -> bytes:
    """The one UTF-8 JSON writing of an entry: keys sorted by code point, no spaces, no escapes but the required ones.

    Values are str, int within ±(2⁵³ - 1), bool, None, list and dict with str keys; anything else (floats, dates,
    Decimal, tuples, lone surrogates, more than 16 levels) raises `NotCanonical`, since two writers could differ on it.
    """
    plain = dict(entry)
    _refuse_ambiguous(plain, path="", depth=0)
    try:
        return _write(plain).encode()
    except UnicodeEncodeError as error:
        raise NotCanonical("The entry has a lone surrogate: it cannot be written as UTF-8.") from error


def read_canonical(data: bytes) -> dict[str, object]:
    """The entry written in `data`, only if writing it again gives the same bytes; else `NotCanonical`."""
    try:
        entry = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise NotCanonical("The entry is not JSON.") from error
    if not isinstance(entry, dict):
        raise NotCanonical("The entry is not a JSON object.")
    if canonical(entry) != data:
        raise NotCanonical("The entry is JSON, but not in its canonical form.")
    return entry


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 ‖ entry), 32 bytes: the leaf of RFC 6962 §2.1."""
    return hashlib.sha256(b"\x00" + entry).digest()


def named_by_salted_hash(content: bytes, salt: bytes) -> str:
    """HMAC-SHA-256 of a content under its own salt, in hex: a name nobody can guess the content from.

    The journal never forgets, so what is personal or guessable enters it only under such a name. The salt (at least
    16 random bytes, else `ValueError`) is kept beside the content and dies with it.
    """
    if len(salt) < SHORTEST_SALT:
        raise ValueError(f"A salt of {len(salt)} bytes can be guessed: at least {SHORTEST_SALT} are needed.")
    return hmac.new(salt, content, hashlib.sha256).hexdigest()


def _refuse_ambiguous(value: object, *, path: str, depth: int) -> None:
    if depth > DEEPEST:
        raise NotCanonical(f"{path}: more than {DEEPEST} levels.")
    if value is None or isinstance(value, str | bool):
        return
    if isinstance(value, int):
        if abs(value) > LARGEST_INTEGER:
            raise NotCanonical(f"{path}: {value} is too large for every JSON reader to keep exactly; write it as text.")
        return
    if isinstance(value, list):
        for position, item in enumerate(value):
            _refuse_ambiguous(item, path=f"{path}[{position}]", depth=depth + 1)
        return
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise NotCanonical(f"{path}: the key {key!r} is not text.")
            if type(item) in _PLAIN:
                continue  # most of what entries hold: nothing to look into
            _refuse_ambiguous(item, path=f"{path}.{key}" if path else key, depth=depth + 1)
        return
    raise NotCanonical(f"{path}: a {type(value).__name__} has no canonical form; write it as text.")
