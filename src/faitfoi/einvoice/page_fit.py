"""How wide a line of text is at most: rows of one line are then given their height instead of being measured."""

# Thousandths of the type size, as wide as the widest of our three weights: each character of a row takes no more.
_AT_MOST = {
    350: " \u00a0\u202f|iîïjl',.:;·’I!f-()[]{}•°/\\",
    450: "t²³rs*z?",
    560: '«»ç–x"Jvy_YLeèéêëF#$+0123456789<=>^~€aàâägkVEÈÉÊZXST`oôöuùûüAhÀn',
    600: "bdpqCÇPRBK",
    660: "DG&UN",
    700: "HOQ",
    0: "\u200b",
}
_THOUSANDTHS = {character: most for most, characters in _AT_MOST.items() for character in characters}
_WIDEST = 1100
_POINT = 25.4 / 72  # millimetres

_INSETS = 3.6
"""What the two insets of a table's cell take, in millimetres."""


def breadth(text: str, *, points: float) -> float:
    """The most that a line of text of this size can take, in millimetres."""
    return sum(_THOUSANDTHS.get(character, _WIDEST) for character in text) * points * _POINT / 1000


def fits_in_cell(text: str, *, width: float, points: float = 9) -> bool:
    """Whether a text certainly takes one line of a cell `width` millimetres wide."""
    return "\n" not in text and breadth(text, points=points) + _INSETS <= width
