"""What a call announces of its weight is judged, whatever it writes there."""

import pytest
from django.test import RequestFactory

from faitfoi.web.weight import outweighs


@pytest.mark.parametrize(
    ("announced", "too_much"),
    [
        ("65536", False),
        ("65537", True),
        ("9" * 30, True),
        ("", False),
        ("beaucoup", False),
        ("-1", False),
        ("²", False),
    ],
)
def test_only_a_number_that_is_too_great_outweighs(announced: str, too_much: bool) -> None:
    request = RequestFactory().post("/", b"{}", content_type="application/json", CONTENT_LENGTH=announced)
    assert outweighs(request, 65536) is too_much
