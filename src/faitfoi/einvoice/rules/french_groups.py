"""French rules on invoices for several sellers or on behalf of one (BR-FR-MV, BR-FR-BD), as far as the model goes.

Such an invoice groups its lines under a line of status GROUP (EXT-FR-FE-163), which only EXTENDED-CTC-FR can write.
The model holds no such lines, so an invoice that claims these frameworks always lacks them.
"""

from collections.abc import Iterator
from typing import Final

from faitfoi.einvoice.rules.case import Case
from faitfoi.einvoice.rules.engine import Offence
from faitfoi.einvoice.rules.french_rule import SELF_BILLED, french, lines

SEVERAL_SELLERS: Final = frozenset({"S8", "B8", "M8"})
ON_BEHALF: Final = frozenset({"S9", "B9", "M9"})
INVOICE_OF_ORIGIN: Final = "AFL"


def _has_several_sellers(case: Case) -> bool:
    return case.invoice.process.business_process in SEVERAL_SELLERS


def _is_on_behalf(case: Case) -> bool:
    return case.invoice.process.business_process in ON_BEHALF


def _is_grouped(case: Case) -> bool:
    return _has_several_sellers(case) or _is_on_behalf(case)


@french("EXT-FR-FE-163", ubl="BR-FR-MV-01_EXT-FR-FE-163")
def every_line_says_its_status(case: Case) -> Iterator[Offence]:
    """In a grouped invoice (BT-23: S8, B8, M8, S9, B9, M9) every line says its status (EXT-FR-FE-163)."""
    if _is_grouped(case):
        for path, line in lines(case):
            yield Offence(path=path, line=line.identifier)


@french("EXT-FR-FE-163", both="BR-FR-MV-02_EXT-FR-FE-163")
def several_sellers_have_a_group_of_lines(case: Case) -> bool:
    """An invoice for several sellers (BT-23: S8, B8, M8) has at least one line of status GROUP without a parent."""
    return not _has_several_sellers(case)


@french("EXT-FR-FE-163", both="BR-FR-BD-02_EXT-FR-FE-163")
def invoice_on_behalf_has_two_groups_of_lines(case: Case) -> bool:
    """An invoice on behalf of a third party (BT-23: S9, B9, M9) has two lines of status GROUP without a parent."""
    return not _is_on_behalf(case)


@french("EXT-FR-FE-167", cii="BR-FR-BD-02_BT-31", ubl="BR-FR-BD-02_BT-30")
def invoice_on_behalf_has_a_group_of_the_seller(case: Case) -> bool:
    """An invoice on behalf of a third party (BT-23: S9, B9, M9) has one group of lines sold by the seller (BT-30)."""
    return not _is_on_behalf(case)


@french("EXT-FR-FE-167", both="BR-FR-BD-02_BT-47")
def invoice_on_behalf_has_a_group_of_the_buyer(case: Case) -> bool:
    """An invoice on behalf of a third party (BT-23: S9, B9, M9) has one group of lines sold by the buyer (BT-47)."""
    return not _is_on_behalf(case)


@french("EXT-FR-FE-167", both="BR-FR-MV-06_EXT-FR-FE-167")
def every_line_names_its_seller(case: Case) -> Iterator[Offence]:
    """In a grouped invoice every line gives the legal identifier of its seller (EXT-FR-FE-167)."""
    if _is_grouped(case):
        for path, line in lines(case):
            yield Offence(path=path, line=line.identifier)


@french("BT-128", both="BR-FR-MV-07_BT-128")
def every_line_names_its_invoice_of_origin(case: Case) -> Iterator[Offence]:
    """In a grouped invoice every line gives the number of its invoice of origin (BT-128, scheme AFL)."""
    if _is_grouped(case):
        for path, line in lines(case):
            if line.invoiced_object is None or line.invoiced_object.scheme != INVOICE_OF_ORIGIN:
                yield Offence(path=f"{path}.invoiced_object", line=line.identifier)


@french("BT-3", both="BR-FR-MV-13_BT-3")
def invoice_for_several_sellers_is_not_self_billed(case: Case) -> bool:
    """An invoice for several sellers (BT-23: S8, B8, M8) is not issued by the buyer (BT-3: 389, 261, 501…)."""
    return not (_has_several_sellers(case) and case.invoice.type_code in SELF_BILLED)


@french("BT-3", cii="BR-FR-BD-13_BT-3", ubl="BR-FR-MV-BD_BT-3")
def invoice_on_behalf_is_self_billed(case: Case) -> bool:
    """An invoice on behalf of a third party (BT-23: S9, B9, M9) is issued by the buyer (BT-3: 389, 261, 501…)."""
    code = case.invoice.type_code
    return not (_is_on_behalf(case) and code and code not in SELF_BILLED)
