"""What mutations start from is valid for the official judge, in both syntaxes, French rules included."""

import pytest

from faitfoi.einvoice.official import check_official
from tests.conformance.bases import documents


@pytest.mark.parametrize(("name", "xml"), documents(), ids=[name for name, _ in documents()])
def test_a_base_is_valid_with_the_french_rules(name: str, xml: bytes) -> None:
    findings = check_official(xml, br_fr=".minimum." not in name)
    # These are warnings that the extended sheets give to invoices of several reasons or none, right or wrong.
    assert [finding for finding in findings if not finding.rule.endswith(("-08ini", "-08rev"))] == []
