"""Puts a drawing on a page as an update writes it: three new streams, and the page that names them."""

import zlib
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

from pikepdf import Array, Dictionary, Name, Object

DRAWING = "/FaitfoiSeal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where on the first page: points from its bottom left corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """A drawing (PDF operators, ASCII) of a size, and its place."""

    content: str
    place: Place


def show_on(sheet: Dictionary, resources: Object | None, names: Sequence[Name]) -> None:
    """Have a page draw the first of `names` after all it draws; the two others go around what it draws already."""
    drawing, before, after = names
    held = copy(resources) if isinstance(resources, Dictionary) else Dictionary()
    given = held.get("/XObject")
    drawn = copy(given) if isinstance(given, Dictionary) else Dictionary()
    drawn[DRAWING] = drawing
    held.XObject = drawn
    sheet.Resources = held
    content = sheet.get("/Contents", Array())
    sheet.Contents = Array([before, *(content if isinstance(content, Array) else [content]), after])


def objects_of(stamp: Stamp) -> tuple[bytes, bytes, bytes]:
    """The three streams: the drawing, what saves the page's state before it draws, what restores it and draws ours.

    The drawing is an artifact: it says nothing that a reader aloud should say (PDF/UA-1 §7.1).
    """
    place = stamp.place
    drawing = b"/Type/XObject/Subtype/Form/BBox[-1 -1 %g %g]/Resources<<>>" % (place.width + 1, place.height + 1)
    shown = b"\nQ /Artifact BMC q 1 0 0 1 %g %g cm %s Do Q EMC\n" % (place.x, place.y, DRAWING.encode())
    return _stream(drawing, stamp.content.encode("ascii")), _stream(b"", b"q\n"), _stream(b"", shown)


def _stream(entries: bytes, content: bytes) -> bytes:
    packed = zlib.compress(content, 9)
    return b"<<%s/Filter/FlateDecode/Length %d>>\nstream\n%s\nendstream" % (entries, len(packed), packed)
