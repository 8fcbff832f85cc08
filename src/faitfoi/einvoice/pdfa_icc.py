"""The sRGB profile that an output intent names, computed from the definition of sRGB.

Source: IEC 61966-2-1 (primaries, white, curve); ICC.1:2010, an ISO 15076-1 display profile of version 4.2.
"""

import struct
from functools import cache

# The primaries and the white of sRGB, adapted to the D50 that profiles are written for (Bradford).
_PRIMARIES = {
    b"rXYZ": (0.43607, 0.22249, 0.01392),
    b"gXYZ": (0.38515, 0.71687, 0.09708),
    b"bXYZ": (0.14307, 0.06061, 0.71410),
}
_D50 = (0.9642, 1.0, 0.8249)
_ADAPTATION = (1.04788, 0.02292, -0.05022, 0.02959, 0.99048, -0.01707, -0.00925, 0.01508, 0.75168)
_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_HEADER_BYTES = 128


@cache
def srgb_profile() -> bytes:
    """An ICC profile of sRGB, the same bytes every time."""
    curve = b"para" + bytes(4) + struct.pack(">HH", 3, 0) + _numbers(_CURVE)
    tags = {
        b"desc": _text("sRGB"),
        b"cprt": _text("No copyright, use freely"),
        b"wtpt": _xyz(_D50),
        b"chad": b"sf32" + bytes(4) + _numbers(_ADAPTATION),
        **{name: _xyz(value) for name, value in _PRIMARIES.items()},
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    table, body = struct.pack(">I", len(tags)), b""
    begin = _HEADER_BYTES + 4 + 12 * len(tags)
    written: dict[bytes, int] = {}
    for name, content in tags.items():
        if content not in written:
            written[content] = begin + len(body)
            body += content + bytes(-len(content) % 4)
        table += name + struct.pack(">II", written[content], len(content))
    return _header(begin + len(body)) + table + body


def _header(size: int) -> bytes:
    day = struct.pack(">6H", 2026, 1, 1, 0, 0, 0)
    head = struct.pack(">I4sI4s4s4s", size, bytes(4), 0x04200000, b"mntr", b"RGB ", b"XYZ ")
    head += day + b"acsp" + bytes(4) + bytes(4) + bytes(8) + bytes(8) + bytes(4) + _numbers(_D50)
    return head.ljust(_HEADER_BYTES, b"\0")


def _text(words: str) -> bytes:
    content = words.encode("utf-16-be")
    return b"mluc" + bytes(4) + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(content), 28) + content


def _xyz(value: tuple[float, ...]) -> bytes:
    return b"XYZ " + bytes(4) + _numbers(value)


def _numbers(values: tuple[float, ...]) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)
