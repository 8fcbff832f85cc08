"""QR codes as payments need them: bytes, level M, one mask, versions 1 to 13 (ISO/IEC 18004:2015).

What does not depend on the content is laid out once per version: an encoder that does it all each time, and looks for
the best of eight masks, takes longer than the rest of the page's data (1.4 ms). Readers take any mask.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

# Level M (table 9): codewords of error correction in a block, blocks; (annex E) centres of alignment patterns.
_BLOCKS: tuple[tuple[int, int], ...] = (
    *((10, 1), (16, 1), (26, 1), (18, 2), (24, 2), (16, 4), (18, 4)),
    *((22, 4), (22, 5), (26, 5), (30, 5), (22, 8), (22, 9)),
)
_CODEWORDS = (26, 44, 70, 100, 134, 172, 196, 242, 292, 346, 404, 466, 532)
_CENTRES: tuple[tuple[int, ...], ...] = (
    *((), (6, 18), (6, 22), (6, 26), (6, 30), (6, 34), (6, 22, 38)),
    *((6, 24, 42), (6, 26, 46), (6, 28, 50), (6, 30, 54), (6, 32, 58), (6, 34, 62)),
)

_FORMAT = 0b101101101001011  # level M, mask 3, with its correction and its own mask (7.9)
_VERSION_GENERATOR = 0x1F25  # 7.10
_FIELD = 0x11D  # 7.5.2: the polynomial of GF(256)
_PADS = (0xEC, 0x11)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """One version: its side, the symbol of a content of zeros, and where each bit of the codewords goes, in order."""

    side: int
    blank: bytes
    places: tuple[int, ...]


def qr_code(content: bytes) -> list[bytes]:
    """The rows of a symbol, 1 for dark and 0 for light, without the quiet zone. Raises ValueError beyond 331 bytes."""
    version = next((each for each in range(1, 14) if _room(each) >= len(content)), 0)
    if not version:
        raise ValueError("This is too long for a QR code of version 13.")
    frame = _frame(version)
    modules = bytearray(frame.blank)
    codewords = _codewords(content, version)
    bits = f"{int.from_bytes(codewords, 'big'):0{8 * len(codewords)}b}"
    for place, bit in zip(frame.places, bits, strict=False):  # a few last places stay without a bit
        if bit == "1":
            modules[place] ^= 1
    return [bytes(modules[at : at + frame.side]) for at in range(0, len(modules), frame.side)]


def _room(version: int) -> int:
    """How many bytes of content a version holds: its data, less the mode and the count."""
    correction, blocks = _BLOCKS[version - 1]
    return _CODEWORDS[version - 1] - correction * blocks - (2 if version < 10 else 3)


def _codewords(content: bytes, version: int) -> bytes:
    """Data and error correction, interleaved block by block (7.4, 7.5, 7.6)."""
    correction, blocks = _BLOCKS[version - 1]
    size = _CODEWORDS[version - 1] - correction * blocks
    count = 8 if version < 10 else 16
    head = (0b0100 << count | len(content)) << 8 * len(content) | int.from_bytes(content, "big")
    data = (head << 4).to_bytes(len(content) + (count + 8) // 8, "big")  # the terminator fills the last byte
    data += bytes(_PADS[at % 2] for at in range(size - len(data)))
    short, long_ones = divmod(size, blocks)
    sizes = [short] * (blocks - long_ones) + [short + 1] * long_ones
    starts = [sum(sizes[:at]) for at in range(blocks)]
    parts = [data[start : start + length] for start, length in zip(starts, sizes, strict=True)]
    checks = [_correction(part, correction) for part in parts]
    interleaved = [part[at] for at in range(short + 1) for part in parts if at < len(part)]
    return bytes(interleaved) + bytes(check[at] for at in range(correction) for check in checks)


def _correction(data: bytes, size: int) -> bytes:
    """The remainder of the data by the generator of `size` codewords (annex A)."""
    multiples, shift, kept = _multiples(size), 8 * (size - 1), (1 << 8 * size) - 1
    remainder = 0
    for byte in data:
        remainder = (remainder << 8 & kept) ^ multiples[byte ^ remainder >> shift]
    return remainder.to_bytes(size, "big")


@cache
def _multiples(size: int) -> tuple[int, ...]:
    """The generator times each element of the field, as one number each, without its leading coefficient."""
    generator = [1]
    for power in range(size):
        root = _power(power)
        generator = [above ^ _times(root, below) for above, below in zip([*generator, 0], [0, *generator], strict=True)]
    return tuple(int.from_bytes(bytes(_times(each, part) for part in generator[1:]), "big") for each in range(256))


def _power(exponent: int) -> int:
    value = 1
    for _ in range(exponent):
        value = _times(2, value)
    return value


def _times(one: int, other: int) -> int:
    product = 0
    while other:
        if other & 1:
            product ^= one
        one = one << 1 ^ (_FIELD if one & 0x80 else 0)
        other >>= 1
    return product


@cache
def _frame(version: int) -> _Frame:
    side = 17 + 4 * version
    fixed = dict(_patterns(version, side))
    blank = bytearray(side * side)
    for (row, column), dark in fixed.items():
        blank[row * side + column] = dark
    places = [(row, column) for row, column in _path(side) if (row, column) not in fixed]
    for row, column in places:
        blank[row * side + column] = (row + column) % 3 == 0  # mask 3 (7.8.2)
    return _Frame(side=side, blank=bytes(blank), places=tuple(row * side + column for row, column in places))


def _path(side: int) -> Iterator[tuple[int, int]]:
    """Every module in the order codewords take: columns in pairs from the right, upwards then downwards (7.7.3)."""
    rights = (*range(side - 1, 6, -2), 5, 3, 1)
    for turn, right in enumerate(rights):
        for row in range(side) if turn % 2 else range(side - 1, -1, -1):
            yield row, right
            yield row, right - 1


def _patterns(version: int, side: int) -> Iterator[tuple[tuple[int, int], bool]]:
    """What is fixed: finders and what separates them, alignment, timing, the version, the format, the dark module."""
    for at in range(side):
        yield (6, at), at % 2 == 0
        yield (at, 6), at % 2 == 0
    centres = _CENTRES[version - 1]
    for row in centres:
        for column in centres:
            if (row < 9 and column < 9) or (row < 9 and column > side - 10) or (row > side - 10 and column < 9):
                continue
            yield from _square(row, column, reach=2, side=side)
    for row, column in ((3, 3), (3, side - 4), (side - 4, 3)):
        yield from _square(row, column, reach=4, side=side)
    for bit in range(15):
        dark = bool(_FORMAT >> bit & 1)
        yield (bit + (bit > 5) if bit < 8 else side - 15 + bit, 8), dark
        yield (8, side - 1 - bit if bit < 8 else 15 - bit - (bit > 8)), dark
    yield (side - 8, 8), True
    if version > 6:
        number = version << 12 | _remainder(version << 12)
        for bit in range(18):
            dark = bool(number >> bit & 1)
            yield (bit // 3, side - 11 + bit % 3), dark
            yield (side - 11 + bit % 3, bit // 3), dark


def _square(row: int, column: int, *, reach: int, side: int) -> Iterator[tuple[tuple[int, int], bool]]:
    """Rings around a centre: those of a finder, with the light one that separates it, or of an alignment pattern."""
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            ring = max(abs(down), abs(right))
            if 0 <= row + down < side and 0 <= column + right < side:
                yield (row + down, column + right), ring in ((0, 1, 3) if reach == 4 else (0, 2))


def _remainder(number: int) -> int:
    for bit in range(17, 11, -1):
        if number >> bit & 1:
            number ^= _VERSION_GENERATOR << (bit - 12)
    return number
