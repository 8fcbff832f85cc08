"""Two marks that only rules see, in characters no invoice uses (a private use area of Unicode)."""

BLANK = "\ue000"
"""The value of an element or attribute that is there but empty."""

NOT_VAT = "\ue001"
"""Comes before the category code of a tax that does not say it is VAT."""


def filled(value: str) -> bool:
    """Whether there is a value, not merely an empty element."""
    return bool(value) and value != BLANK


def shown(value: str) -> str:
    """The value as people should see it."""
    return value.strip(BLANK + NOT_VAT)
