"""Words of the outside made fit for a table: PostgreSQL holds neither NUL nor half a UTF-16 pair."""

UNFIT = {0: "\ufffd"} | dict.fromkeys(range(0xD800, 0xE000), "\ufffd")


def storable(text: str) -> str:
    """Return `text` with what no table can hold replaced by U+FFFD; everything else stays verbatim."""
    return text.translate(UNFIT)
