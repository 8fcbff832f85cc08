"""What a visible seal shows: a static stamp, drawn beforehand as outlines, put on the first page with the seal.

Outlines in grey, without font, colour space of its own or transparency: PDF/A takes them on any page. It is an artifact
of the page (ISO 14289-1 §7.1), not the signature's field, which stays a point: so PDF/UA and PDF/A-3a are kept where
they were, and a reader that shows signatures shows the field's own.
"""

import re
from functools import lru_cache

from lxml import etree

from faitfoi.einvoice.page_typst import compile_svg
from faitfoi.einvoice.xml import parse_xml
from faitfoi.evidence.pdf_stamp import Place, Stamp

SMALLEST, LARGEST = (60.0, 20.0), (595.0, 300.0)  # points
_TEMPLATE = b"""#let render(stamp) = {
  set page(width: stamp.width * 1pt, height: stamp.height * 1pt, margin: 0pt)
  set text(font: "Source Sans Pro", size: stamp.size * 1pt)
  block(width: 100%, height: 100%, clip: false, stroke: 0.5pt, inset: (x: 4pt, y: 3pt), {
    set par(leading: 0.35em)
    align(horizon)[*#stamp.title* \\ #stamp.name \\ #stamp.hint]
  })
}
"""
_STEP = re.compile(r"([MmLlHhVvCcZz])|(-?[0-9]*\.?[0-9]+(?:e-?[0-9]+)?)")
_SVG = "{http://www.w3.org/2000/svg}"
_HREF = "{http://www.w3.org/1999/xlink}href"
_MATRIX = re.compile(r"matrix\(([^)]*)\)")
_TRANSLATE = re.compile(r"translate\(([^)]*)\)")


class PlaceRefused(ValueError):
    """The stamp cannot be put there; the message is a French sentence."""


def read_place(text: str) -> Place:
    """The place written « x y largeur hauteur » in points. Raises PlaceRefused."""
    try:
        x, y, width, height = (float(part) for part in text.replace(",", ".").split())
    except ValueError as error:
        raise PlaceRefused(f"« {text} » : écrivez « x y largeur hauteur », en points (1/72 de pouce).") from error
    if not (0 <= x <= 2000 and 0 <= y <= 2000):
        raise PlaceRefused(f"« {text} » : la position part du coin en bas à gauche, entre 0 et 2000 points.")
    if not (SMALLEST[0] <= width <= LARGEST[0] and SMALLEST[1] <= height <= LARGEST[1]):
        raise PlaceRefused(
            f"« {text} » : la largeur va de {SMALLEST[0]:g} à {LARGEST[0]:g} points, la hauteur de {SMALLEST[1]:g} à "
            f"{LARGEST[1]:g}."
        )
    return Place(x=x, y=y, width=width, height=height)


@lru_cache(maxsize=256)
def draw_stamp(name: str, place: Place) -> Stamp:
    """The stamp of an organisation at a place; drawn once per process."""
    given = {
        "width": place.width,
        "height": place.height,
        "size": round(min(place.height / 4.6, place.width / 24), 2),
        "title": "Cachet électronique",
        "name": name,
        "hint": "À vérifier dans les signatures du lecteur PDF",
    }
    root = parse_xml(compile_svg(_TEMPLATE, {"stamp": given}))
    shapes = {symbol.get("id", ""): symbol for symbol in root.iter(f"{_SVG}symbol")}
    # SVG counts downwards from the top, PDF upwards from the bottom.
    lines = [f"q 1 0 0 -1 0 {place.height:g} cm 0 g 0 G"]
    for child in root:
        _draw(child, shapes, lines)
    lines.append("Q")
    return Stamp(content="\n".join(lines), place=place)


def _draw(item: etree._Element, shapes: dict[str, etree._Element], lines: list[str]) -> None:
    if item.tag == f"{_SVG}g":
        lines.append("q" + _moved(item.get("transform", "")))
        for child in item:
            _draw(child, shapes, lines)
        lines.append("Q")
    elif item.tag == f"{_SVG}use":
        lines.append(f"q 1 0 0 1 {item.get('x', '0')} {item.get('y', '0')} cm")
        lines.extend(_path(child.get("d", "")) + " f" for child in shapes[item.get(_HREF, "").lstrip("#")])
        lines.append("Q")
    elif item.tag == f"{_SVG}path" and item.get("stroke"):
        lines.append(f"{item.get('stroke-width', '1')} w {_path(item.get('d', ''))} S")


def _moved(transform: str) -> str:
    if found := _MATRIX.search(transform):
        return f" {found[1].replace(',', ' ')} cm"
    if found := _TRANSLATE.search(transform):
        return f" 1 0 0 1 {found[1].replace(',', ' ')} cm"
    return ""


def _path(description: str) -> str:
    """A path of SVG in PDF's operators, which know absolute places only."""
    said: list[str] = []
    x = y = start_x = start_y = 0.0
    command = ""
    numbers: list[float] = []
    wanted = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "Z": 0}
    for letter, number in _STEP.findall(description):
        if letter:
            command, numbers = letter, []
        else:
            numbers.append(float(number))
        kind = command.upper()
        if len(numbers) < wanted[kind] or (not letter and kind == "Z"):
            continue
        at_x, at_y = (x, y) if command.islower() else (0.0, 0.0)
        match kind:
            case "M" | "L":
                x, y = at_x + numbers[0], at_y + numbers[1]
                said.append(f"{x:.3f} {y:.3f} {'m' if kind == 'M' else 'l'}")
                if kind == "M":
                    start_x, start_y = x, y
                    command = "l" if command == "m" else "L"
            case "H":
                x = at_x + numbers[0]
                said.append(f"{x:.3f} {y:.3f} l")
            case "V":
                y = at_y + numbers[0]
                said.append(f"{x:.3f} {y:.3f} l")
            case "C":
                points = [value + (at_x, at_y)[place % 2] for place, value in enumerate(numbers)]
                x, y = points[4], points[5]
                said.append(" ".join(f"{value:.3f}" for value in points) + " c")
            case _:
                x, y = start_x, start_y
                said.append("h")
        numbers = []
    return " ".join(said)
