"""What the French rules look at in a document itself; see `french_table` and `french_groups`."""

from lxml import etree

from faitfoi.einvoice.cii import CII_ROOT
from faitfoi.einvoice.rules.french_beyond import Grouped, Judgement
from faitfoi.einvoice.rules.french_cii import CII_FRAMEWORK, CII_JUDGED, CII_TABLE, CII_TABLE_ON_BEHALF
from faitfoi.einvoice.rules.french_groups_cii import groups_in_cii
from faitfoi.einvoice.rules.french_groups_ubl import groups_in_ubl
from faitfoi.einvoice.rules.french_table import Plan
from faitfoi.einvoice.rules.french_ubl import UBL_FRAMEWORK, UBL_JUDGED, UBL_TABLE, UBL_TABLE_ON_BEHALF
from faitfoi.einvoice.rules.french_writing import ON_BEHALF, normal

_CII, _CII_ON_BEHALF = Plan(CII_TABLE), Plan(CII_TABLE_ON_BEHALF)
_UBL, _UBL_ON_BEHALF = Plan(UBL_TABLE), Plan(UBL_TABLE_ON_BEHALF)


def judge_document(root: etree._Element) -> Judgement:
    """What the tables have to say about a CII or UBL document."""
    if root.tag == CII_ROOT:
        on_behalf = normal(root.findtext(CII_FRAMEWORK, "")) in ON_BEHALF
        return Judgement(judged=CII_JUDGED, broken=(_CII_ON_BEHALF if on_behalf else _CII).broken_in(root))
    on_behalf = normal(root.findtext(UBL_FRAMEWORK, "")) in ON_BEHALF
    return Judgement(judged=UBL_JUDGED, broken=(_UBL_ON_BEHALF if on_behalf else _UBL).broken_in(root))


def groups_in(root: etree._Element) -> Grouped:
    """The lines of a document as the rules on grouped invoices see them."""
    return groups_in_cii(root) if root.tag == CII_ROOT else groups_in_ubl(root)
