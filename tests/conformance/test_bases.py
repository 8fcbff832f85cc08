"""What mutations start from is valid for the official judge, in both syntaxes, French rules included."""

import pytest

from faitfoi.einvoice.official import check_official
from tests.conformance.bases import documents


@pytest.mark.parametrize(("name", "xml"), documents(), ids=[name for name, _ in documents()])
def test_a_base_is_valid_with_the_french_rules(name: str, xml: bytes) -> None:
    assert check_official(xml, br_fr=True) == ()
