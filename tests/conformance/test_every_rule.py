"""Every rule that a sheet holds is broken by some document, so that the comparison says something of each."""

import re
from collections.abc import Iterator

import pytest
from lxml import etree

from faitfoi.einvoice.reading import read
from faitfoi.einvoice.rules import RULES, Family
from faitfoi.einvoice.rules.judging import check_reading
from faitfoi.einvoice.rules.sheets import Sheet, held_by
from faitfoi.einvoice.xml import parse_xml
from tests.conformance.bases import documents
from tests.conformance.corpora import CORPORA, corpora
from tests.conformance.mutations import mutants
from tests.conformance.tree import parent_of, remove
from tests.einvoice.rules.cases import BREAKERS, NEVER_BROKEN, PREFIXES, SPECIAL_BREAKERS, family_breakers

# Lines inside lines, and codes of attributes and taxes, in the profile where no document of ours has them: the same
# functions are broken under the ids of the other extended profile, or by its grouped invoices.
ONLY_BY_HAND = {"BR-FREXT-04", "BR-FREXT-12", "BR-FREXT-CL-20-TAX", "BR-FXEXT-02", "BR-FXEXT-06", "BR-FXEXT-11"}
ONLY_BY_HAND |= {"BR-FXEXT-12"}
# test_each_rule breaks these, which only the profile BASIC has.
BROKEN_ELSEWHERE = {"BR-CO-27", "BR-FX-EN-04"}


def test_every_id_that_a_sheet_holds_is_a_rule_of_ours() -> None:
    held = {rule for sheet in Sheet for rule in held_by(sheet)}

    assert sorted(held - set(RULES)) == []


@pytest.mark.slow
@pytest.mark.skipif(not CORPORA.is_dir(), reason=f"the public test data is not at {CORPORA}")
def test_every_rule_is_broken_by_some_document() -> None:
    broken = set(BREAKERS) | set(SPECIAL_BREAKERS) | {rule for code in PREFIXES for rule in family_breakers(code)}
    wanted = {rule.id for rule in RULES.values() if rule.family is Family.EN16931}
    wanted -= NEVER_BROKEN | ONLY_BY_HAND | BROKEN_ELSEWHERE
    for xml in _told():
        broken |= _broken_in(xml)
    for _, _, xml in corpora():
        broken |= _broken_in(xml)
    for mutant in mutants(documents(), 6_000, seed=9):
        if wanted <= broken:
            break
        broken |= _broken_in(mutant.xml)

    assert sorted(wanted - broken) == []


def _told() -> Iterator[bytes]:
    """What mutants seldom meet: categories L and M with a wrong base, no breakdown, charges without a reason."""
    for name, xml in documents():
        if ".extended" not in name:
            continue
        yield _without(xml)
        for category in (b"L", b"M"):
            other = re.sub(rb"(CategoryCode|schemeID=\"UNCL5305\"|cbc:ID)>(S)<", rb"\1>" + category + rb"<", xml)
            yield re.sub(rb"(BasisAmount|TaxableAmount[^>]*)>(\d+)", rb"\1>9\2", other)
        yield re.sub(
            rb"<(ram|cbc):(AllowanceCharge)?Reason(Code)?>[^<]*</(ram|cbc):(AllowanceCharge)?Reason(Code)?>", b"", xml
        )


def _without(xml: bytes) -> bytes:
    """The document without its VAT breakdown and without any word of when to pay."""
    root = parse_xml(xml)
    for name in ("TaxSubtotal", "SpecifiedTradePaymentTerms", "PaymentTerms", "DueDate", "PaymentDueDate"):
        for each in list(root.iter("{*}" + name)):
            remove(each)
    for each in list(root.iter("{*}ApplicableTradeTax")):
        if parent_of(each) == "ApplicableHeaderTradeSettlement":
            remove(each)
    return etree.tostring(root)


def _broken_in(xml: bytes) -> set[str]:
    return {finding.rule for finding in check_reading(read(xml), families=(Family.EN16931,))}
