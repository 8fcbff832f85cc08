"""DER as bytes (ITU-T X.690): just enough to write one CMS and to read it back, without building trees of objects."""

from collections.abc import Iterator

INTEGER = 0x02
OCTET_STRING = 0x04
OBJECT_IDENTIFIER = 0x06
SEQUENCE = 0x30
SET = 0x31
NULL = b"\x05\x00"


class NotDer(ValueError):
    """The bytes are not the DER they should be."""


def encode(tag: int, *contents: bytes) -> bytes:
    """One element: tag, length in its shortest form, contents."""
    content = b"".join(contents)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def integer(value: int) -> bytes:
    """A non-negative INTEGER."""
    return encode(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER from its dotted writing."""
    first, second, *others = (int(part) for part in dotted.split("."))
    encoded = bytearray([40 * first + second])
    for number in others:
        groups = [number & 0x7F]
        while number := number >> 7:
            groups.append(0x80 | number & 0x7F)
        encoded.extend(reversed(groups))
    return encode(OBJECT_IDENTIFIER, bytes(encoded))


def set_of(*elements: bytes) -> bytes:
    """The contents of a SET OF in DER order (X.690 §11.6), without its tag."""
    return b"".join(sorted(elements))


def element(data: bytes, at: int = 0) -> tuple[int, int, int]:
    """Tag, start and end of the contents of the element at `at`; `NotDer` when it does not fit in the data."""
    if at + 2 > len(data):
        raise NotDer("The data end within an element.")
    tag, size, start = data[at], data[at + 1], at + 2
    if size & 0x80:
        count = size & 0x7F
        if not 1 <= count <= 4 or start + count > len(data):
            raise NotDer("The length of an element cannot be read.")
        size = int.from_bytes(data[start : start + count], "big")
        start += count
    if start + size > len(data):
        raise NotDer("An element is longer than the data.")
    return tag, start, start + size


def contents(data: bytes, tag: int, at: int = 0) -> bytes:
    """What is inside the element at `at`, which must have that tag."""
    found, start, end = element(data, at)
    if found != tag:
        raise NotDer(f"Expected an element {tag:#04x}, found {found:#04x}.")
    return data[start:end]


def children(data: bytes) -> Iterator[bytes]:
    """The elements written one after the other in `data`, each whole."""
    at = 0
    while at < len(data):
        _, _, end = element(data, at)
        yield data[at:end]
        at = end
