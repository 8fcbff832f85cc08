"""The shapes that all answers of the Chorus Pro simulator share: what is not an answer, and pages."""

from collections.abc import Mapping
from typing import TypeVar

DEFAULT_PAGE = 10
Row = TypeVar("Row")


class Malformed(Exception):
    """A request to be answered 400."""


class Refusal(Exception):
    """A business error: answered 200 with codeRetour ≠ 0."""

    def __init__(self, code: int, label: str) -> None:
        super().__init__(label)
        self.code = code
        self.label = label


def page_of(rows: list[Row], page: object, size: object, *, largest: int) -> tuple[list[Row], dict[str, int]]:
    """Cut one page out of all rows, ten to a page unless asked otherwise; the second value is `parametresRetour`."""
    per_page = max(1, min(size if isinstance(size, int) else DEFAULT_PAGE, largest))
    number = max(1, page) if isinstance(page, int) else 1
    told = {
        "pageCourante": number,
        "pages": max(1, -(-len(rows) // per_page)),
        "nbResultatsParPage": per_page,
        "total": len(rows),
    }
    return rows[(number - 1) * per_page : number * per_page], told


def paging(body: Mapping[str, object], name: str) -> Mapping[str, object]:
    """Give the paging object of a request, empty when there is none."""
    value = body.get(name)
    return value if isinstance(value, dict) else {}
