"""What mutations start from is valid for the official judge, in both syntaxes, French rules included."""

import pytest

from faitfoi.einvoice.official import check_official
from tests.conformance.bases import documents


@pytest.mark.parametrize(("name", "xml"), documents(), ids=[name for name, _ in documents()])
def test_a_base_is_valid_with_the_french_rules(name: str, xml: bytes) -> None:
    findings = check_official(xml, br_fr=".minimum." not in name)
    # BR-…-S-08ini is a warning that the extended sheets give to every grouped invoice, right or wrong.
    assert [finding for finding in findings if not finding.rule.endswith("EXT-S-08ini")] == []
