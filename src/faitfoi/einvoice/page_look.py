"""How an organisation's pages look: its name, its logo, its colour, its footer."""

import base64
import re
import struct
from dataclasses import dataclass
from functools import lru_cache

from lxml import etree

from faitfoi.einvoice.xml import UnreadableXml, parse_xml

_PNG = b"\x89PNG\r\n\x1a\n"
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_NUMBER = re.compile(r"[+-]?\d*\.?\d+(?:[eE][+-]?\d+)?")
_SVG = "http://www.w3.org/2000/svg"

# The place of the logo, in millimetres.
_LOGO_WIDTH = 78.0
_LOGO_HEIGHT = 20.0
_MOST_LOGO_BYTES = 1024 * 1024

# WCAG 2.1, success criterion 1.4.3: small text on its background.
_READABLE = 4.5

Rgb = tuple[int, int, int]
_WHITE: Rgb = (255, 255, 255)
_BLACK: Rgb = (0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The organisation's own marks on its pages.

    `name` stands at the top when there is no `logo` (the seller's name when empty); `logo` is a PNG or an SVG;
    `accent` is `#rrggbb`; `footer` is the small text under every page (legal form, capital, RCS…).
    """

    name: str = ""
    logo: bytes | None = None
    accent: str = "#1f4e79"
    footer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Colours:
    """Colours of a page: the accent as chosen, and those derived from it that keep text readable."""

    accent: str
    ink: str
    on_accent: str
    tint: str


@lru_cache(maxsize=256)
def colours(accent: str) -> Colours:
    """The page's colours from `#rrggbb`. Raises ValueError for anything else.

    `ink` is the accent darkened until it can be read on white and on `tint`; `on_accent` is white, or black on a
    light accent.
    """
    if not _COLOUR.fullmatch(accent):
        raise ValueError(f"A colour is written #rrggbb, not {accent!r}.")
    chosen: Rgb = (int(accent[1:3], 16), int(accent[3:5], 16), int(accent[5:7], 16))
    tint = _mix(chosen, _WHITE, 0.92)
    ink = chosen
    while _contrast(ink, tint) < _READABLE:
        ink = _mix(ink, _BLACK, 0.1)
    on_accent = _WHITE if _contrast(chosen, _WHITE) >= _READABLE else _BLACK
    return Colours(accent=accent, ink=_hex(ink), on_accent=_hex(on_accent), tint=_hex(tint))


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A self-contained SVG and its size on the page, in millimetres."""

    svg: str
    width: float
    height: float


@lru_cache(maxsize=256)
def draw_logo(logo: bytes) -> Drawing:
    """The logo as large as its place allows. Raises ValueError for anything but a PNG or an SVG that needs no file.

    A PNG is wrapped unchanged: Typst takes text far faster than bytes from outside its project.
    """
    if len(logo) > _MOST_LOGO_BYTES:
        raise ValueError(f"The logo weighs {len(logo)} bytes, more than {_MOST_LOGO_BYTES}.")
    if logo.startswith(_PNG) and logo[12:16] == b"IHDR":
        width, height = struct.unpack(">II", logo[16:24])
        data = base64.b64encode(logo).decode()
        image = f'<image width="{width}" height="{height}" href="data:image/png;base64,{data}"/>'
        return _drawing(f'<svg xmlns="{_SVG}" viewBox="0 0 {width} {height}">{image}</svg>', width, height)
    try:
        root = parse_xml(logo)
    except UnreadableXml as error:
        raise ValueError("The logo is neither a PNG nor an SVG.") from error
    if root.tag != f"{{{_SVG}}}svg" or any(map(_refers_outside, root.iter(etree.Element))):
        raise ValueError("The logo is not an SVG, or it refers to another file.")
    return _drawing(etree.tostring(root, encoding="unicode"), *_svg_size(root))


def _drawing(svg: str, width: float, height: float) -> Drawing:
    if not (width > 0 and height > 0):
        raise ValueError("The logo has no size.")
    scale = min(_LOGO_WIDTH / width, _LOGO_HEIGHT / height)
    return Drawing(svg=svg, width=round(width * scale, 2), height=round(height * scale, 2))


def _svg_size(root: etree._Element) -> tuple[float, float]:
    """Width and height in any unit: of the view box, else of the attributes, else the shape of the place itself."""
    numbers = [float(each) for each in _NUMBER.findall(root.get("viewBox", ""))]
    if len(numbers) == 4:
        return numbers[2], numbers[3]
    sides = [_NUMBER.match(root.get(side, "")) for side in ("width", "height")]
    width, height = (float(side[0]) if side else 0.0 for side in sides)
    return (width, height) if width and height else (_LOGO_WIDTH, _LOGO_HEIGHT)


def _refers_outside(element: etree._Element) -> bool:
    for name, value in element.attrib.items():
        if str(name).rpartition("}")[2] == "href" and not str(value).startswith(("#", "data:")):
            return True
    sheet = (element.text or "") if str(element.tag).endswith("}style") else ""
    styles = f"{sheet} {element.get('style', '')}"
    return "@import" in styles or "url(" in styles.replace("url(#", "")


def _mix(colour: Rgb, other: Rgb, share: float) -> Rgb:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))
    return red, green, blue


def _hex(colour: Rgb) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _contrast(one: Rgb, other: Rgb) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Rgb) -> float:
    red, green, blue = (part / 3294.6 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
