"""French rules on how numbers are written and on what has been paid (BR-FR-DEC-01 to 04, BR-FR-CO-09, CO-12)."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal

from faitfoi.einvoice.rules.case import Case
from faitfoi.einvoice.rules.engine import Check, Offence
from faitfoi.einvoice.rules.french_rule import Place, french, wrong_in_lines, wrong_numbers
from faitfoi.einvoice.rules.french_writing import (
    ON_BEHALF,
    PAID,
    Holds,
    is_amount,
    is_price,
    is_quantity,
    is_rate,
    is_signed_price,
)
from faitfoi.einvoice.rules.sheets import Syntax

Places = Callable[[Case], Iterator[Place]]


def _of_parts(field: str) -> Places:
    def places(case: Case) -> Iterator[Place]:
        for name, parts in (("allowances", case.invoice.allowances), ("charges", case.invoice.charges)):
            for index, part in enumerate(parts):
                yield f"{name}[{index}].{field}", getattr(part, field)

    return places


def _of_totals(*fields: str) -> Places:
    def places(case: Case) -> Iterator[Place]:
        for field in fields:
            yield f"totals.{field}", getattr(case.invoice.totals, field)

    return places


def _of_breakdown(field: str) -> Places:
    def places(case: Case) -> Iterator[Place]:
        for index, part in enumerate(case.invoice.vat_breakdown):
            yield f"vat_breakdown[{index}].{field}", getattr(part, field)

    return places


def _everywhere(places: Places, holds: Holds) -> Check:
    return lambda case: wrong_numbers(places(case), holds)


def _in_line_parts(field: str) -> Check:
    def check(case: Case) -> Iterator[Offence]:
        for path, part, line in (*case.line_allowances, *case.line_charges):
            for offence in wrong_numbers(((f"{path}.{field}", getattr(part, field)),), is_amount):
                yield replace(offence, line=line)

    return check


def _amount_rule(terms: str, name: str, check: Check) -> None:
    french(
        *terms.split("_"),
        both=f"BR-FR-DEC-01_{terms}",
        sentence=f"{name} ({terms.replace('_', ', ')}) has at most 2 decimals and 19 digits.",
    )(check)


_amount_rule("BT-92_BT-99", "The amount of an allowance or a charge", _everywhere(_of_parts("amount"), is_amount))
_amount_rule("BT-93_BT-100", "The base of an allowance or a charge", _everywhere(_of_parts("base_amount"), is_amount))
_amount_rule("BT-106", "The total of the lines", _everywhere(_of_totals("line_net"), is_amount))
_amount_rule("BT-107", "The total of the allowances", _everywhere(_of_totals("allowances"), is_amount))
_amount_rule("BT-108", "The total of the charges", _everywhere(_of_totals("charges"), is_amount))
_amount_rule("BT-109", "The total without VAT", _everywhere(_of_totals("without_vat"), is_amount))
# Both totals of VAT stand in elements of one name, which the first rule takes: BR-FR-DEC-01_BT-111 never speaks.
_amount_rule("BT-110", "The total of the VAT", _everywhere(_of_totals("vat", "vat_in_accounting_currency"), is_amount))
_amount_rule("BT-112", "The total with VAT", _everywhere(_of_totals("with_vat"), is_amount))
_amount_rule("BT-113", "The amount already paid", _everywhere(_of_totals("paid"), is_amount))
_amount_rule("BT-114", "The rounding", _everywhere(_of_totals("rounding"), is_amount))
_amount_rule("BT-115", "The amount due", _everywhere(_of_totals("due"), is_amount))
_amount_rule("BT-116", "The base of a VAT rate", _everywhere(_of_breakdown("taxable_amount"), is_amount))
_amount_rule("BT-117", "The VAT of a rate", _everywhere(_of_breakdown("tax_amount"), is_amount))
_amount_rule("BT-131", "The net amount of a line", wrong_in_lines("net_amount", is_amount))
_amount_rule("BT-136_BT-141", "The amount of a line's allowance or charge", _in_line_parts("amount"))
_amount_rule("BT-137_BT-142", "The base of a line's allowance or charge", _in_line_parts("base_amount"))


def _line_rule(rule: str, term: str, sentence: str, check: Check) -> None:
    french(term, both=f"BR-FR-DEC-{rule}_{term}", sentence=sentence)(check)


_line_rule(
    "02",
    "BT-129",
    "The invoiced quantity (BT-129) has at most 4 decimals and 19 digits.",
    wrong_in_lines("quantity", is_quantity),
)
_line_rule(
    "02",
    "BT-149",
    "The quantity a price is for (BT-149) has at most 4 decimals and 19 digits.",
    wrong_in_lines("price.base_quantity", is_quantity),
)


def _price_rule(term: str, name: str, field: str) -> None:
    positive, signed = wrong_in_lines(field, is_price), wrong_in_lines(field, is_signed_price)
    _line_rule(
        "03",
        term,
        f"{name} ({term}) is not negative and has at most 6 decimals and 19 digits.",
        lambda case: (signed if case.invoice.process.business_process in ON_BEHALF else positive)(case),
    )


_price_rule("BT-146", "The net price", "price.net")
_price_rule("BT-147", "The discount on the price", "price.discount")
_price_rule("BT-148", "The gross price", "price.gross")


def _rate_rule(terms: str, name: str, check: Check) -> None:
    french(
        *terms.split("_"),
        both=f"BR-FR-DEC-04_{terms}",
        sentence=f"{name} ({terms.replace('_', ', ')}) is not negative and has at most 2 decimals and 4 digits.",
    )(check)


_rate_rule("BT-96_BT-103", "The VAT rate of an allowance or a charge", _everywhere(_of_parts("vat_rate"), is_rate))
_rate_rule("BT-119", "The VAT rate of the breakdown", _everywhere(_of_breakdown("rate"), is_rate))
_rate_rule("BT-152", "The VAT rate of a line", wrong_in_lines("vat.rate", is_rate, fine_below=Decimal(100)))


@french("BT-113", both="BR-FR-CO-09_BT-23-1")
def invoice_already_paid_is_paid_in_full(case: Case) -> bool:
    """An invoice already paid (BT-23: B2, S2 or M2) says as paid (BT-113) its whole total with VAT (BT-112)."""
    totals = case.invoice.totals
    return not _is_paid(case) or (totals.paid is not None and totals.paid == totals.with_vat)


@french("BT-115", both="BR-FR-CO-09_BT-23-2")
def invoice_already_paid_has_nothing_due(case: Case) -> bool:
    """An invoice already paid (BT-23: B2, S2 or M2) has nothing due (BT-115)."""
    due = case.invoice.totals.due
    return not _is_paid(case) or (due is not None and due == Decimal(0))


@french("BT-9", both="BR-FR-CO-09_BT-23-3")
def invoice_already_paid_says_when(case: Case) -> bool:
    """An invoice already paid (BT-23: B2, S2 or M2) gives the day of payment as its due date (BT-9)."""
    return not _is_paid(case) or seen_due_date(case)


def seen_due_date(case: Case) -> bool:
    """Whether the French sheets see a due date (BT-9)."""
    if case.syntax is Syntax.UBL_CREDIT_NOTE and case.invoice.payment is None:
        return False  # it then stands among the payment terms, where they do not look
    return case.invoice.due_date is not None or "BT-9" in case.source.unread


def _is_paid(case: Case) -> bool:
    return case.invoice.process.business_process in PAID


@french("BT-6", both="BR-FR-CO-12_BT-5")
def foreign_currency_has_its_vat_in_euros(case: Case) -> bool:
    """An invoice in another currency than the euro (BT-5) gives its VAT in euros too (BT-6, BT-111)."""
    invoice = case.invoice
    if not invoice.currency or case.source.currency == "EUR":
        return True
    in_euros = any(total.currency == "EUR" and total.amount is not None for total in case.source.vat_totals)
    return "EUR" in case.source.vat_currencies and in_euros
