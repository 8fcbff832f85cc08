"""Take a hostile message apart: headers and MIME parts, in time that grows with its size only.

The standard parser recurses as deep as the message nests and tries every enclosing boundary on every line; here depth,
parts and bytes are counted, and whatever is beyond the limits is left alone.
"""

import binascii
import quopri
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

MAX_READ = 1024 * 1024
"""A report stands before the original that it gives back: the first mebibyte of a message tells all."""
MAX_DEPTH = 6
MAX_PARTS = 64
MAX_HEADER_LINES = 1000

_NAME = re.compile(rb"([!-9;-~]+)[ \t]*:(.*)", re.DOTALL)
_BOUNDARY = re.compile(r"\bboundary\s*=\s*(?:\"([^\"]{1,200})\"|([^\s;\"]{1,200}))", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One leaf of a message: its headers by lower-case name (the first of each), and its undecoded body."""

    headers: dict[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        """Lower-case type/subtype; text/plain when none is given (RFC 2045 §5.2)."""
        return self.headers.get("content-type", "text/plain").partition(";")[0].strip().lower()

    def content(self) -> bytes:
        """The body, its transfer encoding undone as far as it can be."""
        encoding = self.headers.get("content-transfer-encoding", "").strip().lower()
        if encoding == "quoted-printable":
            return quopri.decodestring(self.body)
        if encoding == "base64":
            try:
                return binascii.a2b_base64(self.body)
            except binascii.Error:
                return b""
        return self.body


def split_message(raw: bytes) -> tuple[dict[str, str], tuple[Part, ...]]:
    """Give a message's own headers and its leaves in order, whatever the bytes are. Never raises."""
    text = raw[:MAX_READ].replace(b"\r\n", b"\n").replace(b"\r", b"\n").lstrip(b"\n")
    if text.startswith((b"From ", b">From ")):  # the separator of mbox files
        text = text.partition(b"\n")[2]
    headers, body = split_headers(text)
    leaves: list[Part] = []
    for leaf in _leaves(headers, body, depth=0):
        leaves.append(leaf)
        if len(leaves) == MAX_PARTS:
            break
    return headers, tuple(leaves)


def split_headers(text: bytes) -> tuple[dict[str, str], bytes]:
    """Give the header fields up to the first empty line, unfolded, and the rest. Lines end with LF."""
    head, _, body = text.partition(b"\n\n") if not text.startswith(b"\n") else (b"", b"", text[1:])
    return read_fields(head), body


def read_fields(block: bytes) -> dict[str, str]:
    """Read `Name: value` lines, folded or not; the first value of a name stays, other lines are skipped."""
    fields: list[tuple[str, list[bytes]]] = []
    for line in block.split(b"\n", MAX_HEADER_LINES)[:MAX_HEADER_LINES]:
        if line[:1] in {b" ", b"\t"} and fields:
            fields[-1][1].append(line)
            continue
        named = _NAME.match(line)
        if named:
            fields.append((named.group(1).decode("ascii").lower(), [named.group(2)]))
    read: dict[str, str] = {}
    for name, pieces in fields:
        read.setdefault(name, " ".join(b" ".join(pieces).decode("utf-8", "replace").split()))
    return read


def is_automatic_answer(headers: Mapping[str, str]) -> bool:
    """Whether a machine answers for a person (RFC 3834, what servers did before it, RFC 8098): never a bounce."""
    automatic = headers.get("auto-submitted", "no").partition(";")[0].strip().lower()
    is_older = {"x-autoreply", "x-autorespond", "x-auto-reply"} & headers.keys()
    is_read_notice = "disposition-notification" in headers.get("content-type", "").lower()
    return (
        automatic != "no" or bool(is_older) or is_read_notice or headers.get("precedence", "").lower() == "auto_reply"
    )


def _leaves(headers: dict[str, str], body: bytes, *, depth: int) -> Iterator[Part]:
    content_type = headers.get("content-type", "")
    boundary = _BOUNDARY.search(content_type)
    if not content_type.lower().startswith("multipart/") or boundary is None:
        yield Part(headers=headers, body=body)
        return
    if depth == MAX_DEPTH:
        return
    mark = b"--" + (boundary.group(1) or boundary.group(2)).encode("utf-8", "replace")
    for piece in _between(mark, body):
        inner, rest = split_headers(piece)
        yield from _leaves(inner, rest, depth=depth + 1)


def _between(mark: bytes, body: bytes) -> Iterator[bytes]:
    """The pieces between boundary lines; a missing last one ends with the message."""
    pieces = re.split(rb"(?m)^" + re.escape(mark) + rb"(--)?[ \t]*$\n?", body, maxsplit=MAX_PARTS)
    # re.split gives: preamble, closing mark or None, piece, closing mark or None, piece…
    for closing, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        if closing:
            return
        yield piece.removesuffix(b"\n")
