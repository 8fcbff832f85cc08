"""How wide a line of text is at most: rows of one line are then given their height instead of being measured."""

# Thousandths of the type size that the characters of Source Sans Pro take, rounded up; digits are of one width.
_AT_MOST = {
    0: "\u200b",
    125: "\u202f",
    200: " ",
    225: "\u00a0",
    250: "ij',.:;|îï’·",
    275: "lIÎ",
    300: "f!",
    325: "()-[]{}•",
    350: "rt/\\°",
    375: "²³",
    425: "sz*?",
    450: 'x"«»',
    475: "cvyç",
    500: "0123456789ekFJLY#$+<=>^_~éèêë€–−",
    525: "agVXàâä",
    550: "hnouAESTZ`ôöùûüÉÈÊÀÂ",
    575: "bdpqCPRÇ",
    600: "BK",
    625: "DG&",
    650: "NU",
    675: "HOQÔ",
    725: "w",
    750: "M",
    800: "Wæ—",
    825: "%Æ½",
    850: "m@œŒ",
    950: "…",
}
_THOUSANDTHS = {character: most for most, characters in _AT_MOST.items() for character in characters}
_WIDEST = 1100
_SEMIBOLD = 1.15  # the most by which a character is wider in the heavier weight
_POINT = 25.4 / 72  # millimetres

_INSETS = 3.55
"""What the two insets of a table's cell take, in millimetres."""


def breadth(text: str, *, points: float, semibold: bool = False) -> float:
    """The most that a line of text of this size can take, in millimetres."""
    thousandths = sum(_THOUSANDTHS.get(character, _WIDEST) for character in text)
    return thousandths * points * _POINT / 1000 * (_SEMIBOLD if semibold else 1)


def fits_in_cell(text: str, *, width: float, semibold: bool = False) -> bool:
    """Whether a text certainly takes one line of a cell `width` millimetres wide."""
    return "\n" not in text and breadth(text, points=9, semibold=semibold) + _INSETS <= width
