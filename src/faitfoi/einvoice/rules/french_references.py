"""French rules on documents referred to, on items, and on what types and frameworks demand.

BR-FR-17, BR-FR-18, BR-FR-27, BR-FR-28, BR-FR-CO-03 to BR-FR-CO-08.
"""

from collections.abc import Iterator
from typing import Final

from faitfoi.einvoice.rules.case import Case
from faitfoi.einvoice.rules.engine import Offence
from faitfoi.einvoice.rules.french_amounts import seen_due_date
from faitfoi.einvoice.rules.french_beyond import DETAIL
from faitfoi.einvoice.rules.french_rule import french
from faitfoi.einvoice.rules.french_writing import DOCUMENT_CODES, PAID, PREPAYMENT
from faitfoi.einvoice.rules.marks import worded
from faitfoi.einvoice.rules.sheets import Syntax

READABLE: Final = "LISIBLE"
CORRECTIVE: Final = frozenset({"384", "471", "472", "473"})
CREDIT_NOTES: Final = frozenset({"261", "381", "396", "502", "503"})
GLOBAL_REBATE: Final = "262"
AFTER_PREPAYMENT: Final = frozenset({"B4", "S4", "M4"})


@french("BT-123", both="BR-FR-17_BT-123")
def description_of_a_document_is_known(case: Case) -> Iterator[Offence]:
    """The description of a supporting document (BT-123), when given, is one of the twelve codes used in France."""
    for index, document in enumerate(case.invoice.supporting_documents):
        # The CII sheet takes an empty description for none.
        given = document.description if case.ubl or worded(document.description) else ""
        if given and given not in DOCUMENT_CODES:
            yield Offence(path=f"supporting_documents[{index}].description", value=document.description)


@french("BT-123", both="BR-FR-18_BT-123")
def one_document_is_readable(case: Case) -> bool:
    """At most one supporting document (BT-123) is the readable copy, LISIBLE."""
    return sum(document.description == READABLE for document in case.invoice.supporting_documents) <= 1


@french("BT-160", cii="BR-FR-27_BG-32")
def attribute_has_a_name(case: Case) -> Iterator[Offence]:
    """An attribute of an item (BG-32) has a name (BT-160)."""
    # The UBL sheet looks for items where there are none: its three rules BR-FR-27 never speak.
    for at, line in case.particular_lines:
        for index, attribute in enumerate(line.item.attributes):
            if not attribute.name:
                yield Offence(path=f"lines[{at}].item.attributes[{index}].name", line=line.identifier)


@french("BT-160", cii="BR-FR-27_BT-160")
def name_of_an_attribute_is_not_empty(case: Case) -> Iterator[Offence]:
    """The name of an attribute of an item (BT-160) is not empty."""
    for at, line in case.particular_lines:
        for index, attribute in enumerate(line.item.attributes):
            if attribute.name and not worded(attribute.name):
                yield Offence(path=f"lines[{at}].item.attributes[{index}].name", line=line.identifier)


@french("BT-161", both="BR-FR-28-Value")
def attribute_has_a_value(case: Case) -> Iterator[Offence]:
    """An attribute of an item (BG-32) has a value (BT-161)."""
    for at, line in case.particular_lines:
        for index, attribute in enumerate(line.item.attributes):
            if not attribute.value:
                yield Offence(path=f"lines[{at}].item.attributes[{index}].value", line=line.identifier)


@french("BT-12", "BT-73", "BT-74", both="BR-FR-CO-03_BT-3")
def global_rebate_has_contract_and_period(case: Case) -> bool:
    """A global rebate (BT-3: 262) names its contract (BT-12) and both days of its period (BG-14)."""
    invoice = case.invoice
    if invoice.type_code != GLOBAL_REBATE or case.syntax is Syntax.UBL_INVOICE:
        return True
    period = invoice.period
    return bool(worded(invoice.contract_reference) and period is not None and period.start and period.end)


@french("BT-25", cii="BR-FR-CO-04_BT-4", ubl="BR-FR-CO-04_BT-3")
def corrective_invoice_names_one_earlier_invoice(case: Case) -> bool:
    """A corrective invoice (BT-3: 384, 471, 472, 473) names one earlier invoice (BT-25), and one only."""
    if case.invoice.type_code not in CORRECTIVE or case.syntax is Syntax.UBL_CREDIT_NOTE:
        return True
    return len(case.invoice.preceding_invoices) == 1


@french("BT-25", "BT-26", both="BR-FR-CO-05_BT-3")
def credit_note_names_an_earlier_invoice(case: Case) -> bool:
    """A credit note (BT-3: 261, 381…), or else each of its lines, names an earlier invoice (BT-25) and its date."""
    invoice = case.invoice
    if invoice.type_code not in CREDIT_NOTES or case.syntax is Syntax.UBL_INVOICE:
        return True
    if any(earlier.number and case.stated(earlier.issue_date, "BT-26") for earlier in invoice.preceding_invoices):
        return True
    return all(line.has_dated_earlier for line in case.grouped.lines if line.status in {None, DETAIL})


@french("BT-9", both="BR-FR-CO-07_BT-9")
def due_date_is_not_before_the_issue_date(case: Case) -> Iterator[Offence]:
    """The due date (BT-9) is not before the issue date (BT-2), unless the invoice is a prepayment or already paid."""
    invoice = case.invoice
    due, issued = invoice.due_date, invoice.issue_date
    if due is None or not seen_due_date(case):
        return
    if invoice.type_code in PREPAYMENT or invoice.process.business_process in PAID:
        return
    # Without an issue date the CII sheet finds the rule broken, the UBL sheet does not.
    if (issued is None and not case.ubl) or (issued is not None and due < issued):
        yield Offence(path="due_date", value=due.isoformat())


@french("BT-23", both="BR-FR-CO-08_BT-23")
def invoice_after_prepayment_is_none_itself(case: Case) -> bool:
    """A final invoice after a prepayment (BT-23: B4, S4, M4) is not itself a prepayment (BT-3: 386, 500, 503)."""
    invoice = case.invoice
    return invoice.process.business_process not in AFTER_PREPAYMENT or invoice.type_code not in PREPAYMENT
