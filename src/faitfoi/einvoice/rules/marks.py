"""Marks that only rules see, in characters no invoice uses (a private use area of Unicode)."""

BLANK = "\ue000"
"""The value of an element or attribute that is there but empty."""

SPACE = "\ue002"
"""The value of a CII element that only holds white space, which its sheets do not always take for empty."""

NOT_VAT = "\ue001"
"""Comes before the category code of a tax that does not say it is VAT."""


def filled(value: str) -> bool:
    """Whether there is a value, not merely an empty element."""
    return bool(value) and value != BLANK


def worded(value: str) -> bool:
    """Whether there is a value that is not only white space."""
    return filled(value) and value != SPACE


def shown(value: str) -> str:
    """The value as people should see it."""
    return value.strip(BLANK + NOT_VAT + SPACE)
