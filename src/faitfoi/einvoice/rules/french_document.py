"""What the French rules look at in a document itself; see `french_table` and `french_groups`."""

from lxml import etree

from faitfoi.einvoice.cii import CII_ROOT
from faitfoi.einvoice.rules.french_beyond import Grouped, Judgement
from faitfoi.einvoice.rules.french_cii import CII_JUDGED, CII_TABLE
from faitfoi.einvoice.rules.french_groups_cii import groups_in_cii
from faitfoi.einvoice.rules.french_groups_ubl import groups_in_ubl
from faitfoi.einvoice.rules.french_table import Plan
from faitfoi.einvoice.rules.french_ubl import UBL_JUDGED, UBL_TABLE

_CII = Plan(CII_TABLE)
_UBL = Plan(UBL_TABLE)


def judge_document(root: etree._Element) -> Judgement:
    """What the tables have to say about a CII or UBL document."""
    cii = root.tag == CII_ROOT
    return Judgement(judged=CII_JUDGED if cii else UBL_JUDGED, broken=(_CII if cii else _UBL).broken_in(root))


def groups_in(root: etree._Element) -> Grouped:
    """The lines of a document as the rules on grouped invoices see them."""
    return groups_in_cii(root) if root.tag == CII_ROOT else groups_in_ubl(root)
