"""French rules on how numbers are written and on what has been paid (BR-FR-DEC-01 to 04, BR-FR-CO-09, CO-12)."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Final

from faitfoi.einvoice.rules.case import Case
from faitfoi.einvoice.rules.engine import Offence
from faitfoi.einvoice.rules.french_rule import Place, french, lines, offences
from faitfoi.einvoice.rules.french_writing import PAID, is_amount, is_price, is_quantity, is_rate, is_signed_price
from faitfoi.einvoice.rules.sheets import Syntax

Places = Callable[[Case], Iterator[Place]]

MANAGED_ON_BEHALF: Final = frozenset({"S9", "B9", "M9"})
"""Cadres de facturation (BT-23) in which prices may be negative."""


def document_parts(case: Case) -> Iterator[tuple[str, object]]:
    """Allowances then charges of the document, each with its path."""
    for name in ("allowances", "charges"):
        for index, part in enumerate(getattr(case.invoice, name)):
            yield f"{name}[{index}]", part


def _of_document_parts(field: str) -> Places:
    def places(case: Case) -> Iterator[Place]:
        for path, part in document_parts(case):
            yield f"{path}.{field}", getattr(part, field), ""

    return places


def _of_line_parts(field: str) -> Places:
    def places(case: Case) -> Iterator[Place]:
        for path, line in lines(case):
            for name, parts in (("allowances", line.allowances), ("charges", line.charges)):
                for index, part in enumerate(parts):
                    yield f"{path}.{name}[{index}].{field}", getattr(part, field), line.identifier

    return places


def _of_totals(*fields: str) -> Places:
    def places(case: Case) -> Iterator[Place]:
        for field in fields:
            yield f"totals.{field}", getattr(case.invoice.totals, field), ""

    return places


def _of_breakdown(field: str) -> Places:
    def places(case: Case) -> Iterator[Place]:
        for index, part in enumerate(case.invoice.vat_breakdown):
            yield f"vat_breakdown[{index}].{field}", getattr(part, field), ""

    return places


def _of_lines(field: str) -> Places:
    def places(case: Case) -> Iterator[Place]:
        for path, line in lines(case):
            yield f"{path}.{field}", getattr(line, field), line.identifier

    return places


def _of_prices(field: str) -> Places:
    def places(case: Case) -> Iterator[Place]:
        for path, line in lines(case):
            yield f"{path}.price.{field}", getattr(line.price, field), line.identifier

    return places


def _line_rates(case: Case) -> Iterator[Place]:
    for path, line in lines(case):
        yield f"{path}.vat.rate", line.vat.rate, line.identifier


def _amount_rule(terms: str, name: str, places: Places) -> None:
    french(
        *terms.split("_"),
        both=f"BR-FR-DEC-01_{terms}",
        sentence=f"{name} ({terms.replace('_', ', ')}) has at most 2 decimals and 19 digits.",
    )(lambda case: offences(case, places, is_amount))


_amount_rule("BT-92_BT-99", "The amount of an allowance or a charge", _of_document_parts("amount"))
_amount_rule("BT-93_BT-100", "The base of an allowance or a charge", _of_document_parts("base_amount"))
_amount_rule("BT-106", "The total of the lines", _of_totals("line_net"))
_amount_rule("BT-107", "The total of the allowances", _of_totals("allowances"))
_amount_rule("BT-108", "The total of the charges", _of_totals("charges"))
_amount_rule("BT-109", "The total without VAT", _of_totals("without_vat"))
# Both totals of VAT stand in elements of one name, which the first rule takes: BR-FR-DEC-01_BT-111 never speaks.
_amount_rule("BT-110", "The total of the VAT", _of_totals("vat", "vat_in_accounting_currency"))
_amount_rule("BT-112", "The total with VAT", _of_totals("with_vat"))
_amount_rule("BT-113", "The amount already paid", _of_totals("paid"))
_amount_rule("BT-114", "The rounding", _of_totals("rounding"))
_amount_rule("BT-115", "The amount due", _of_totals("due"))
_amount_rule("BT-116", "The base of a VAT rate", _of_breakdown("taxable_amount"))
_amount_rule("BT-117", "The VAT of a rate", _of_breakdown("tax_amount"))
_amount_rule("BT-131", "The net amount of a line", _of_lines("net_amount"))
_amount_rule("BT-136_BT-141", "The amount of a line's allowance or charge", _of_line_parts("amount"))
_amount_rule("BT-137_BT-142", "The base of a line's allowance or charge", _of_line_parts("base_amount"))


@french("BT-129", both="BR-FR-DEC-02_BT-129")
def quantity_has_four_decimals(case: Case) -> Iterator[Offence]:
    """The invoiced quantity (BT-129) has at most 4 decimals and 19 digits."""
    return offences(case, _of_lines("quantity"), is_quantity)


@french("BT-149", both="BR-FR-DEC-02_BT-149")
def base_quantity_has_four_decimals(case: Case) -> Iterator[Offence]:
    """The quantity a price is for (BT-149) has at most 4 decimals and 19 digits."""
    return offences(case, _of_prices("base_quantity"), is_quantity)


def _price_rule(term: str, name: str, field: str) -> None:
    places = _of_prices(field)

    def has_six_decimals(case: Case) -> Iterator[Offence]:
        signed = case.invoice.process.business_process in MANAGED_ON_BEHALF
        return offences(case, places, is_signed_price if signed else is_price)

    french(
        term,
        both=f"BR-FR-DEC-03_{term}",
        sentence=f"{name} ({term}) is not negative and has at most 6 decimals and 19 digits.",
    )(has_six_decimals)


_price_rule("BT-146", "The net price", "net")
_price_rule("BT-147", "The discount on the price", "discount")
_price_rule("BT-148", "The gross price", "gross")


def _rate_rule(terms: str, name: str, places: Places) -> None:
    french(
        *terms.split("_"),
        both=f"BR-FR-DEC-04_{terms}",
        sentence=f"{name} ({terms.replace('_', ', ')}) is not negative and has at most 2 decimals and 4 digits.",
    )(lambda case: offences(case, places, is_rate))


_rate_rule("BT-96_BT-103", "The VAT rate of an allowance or a charge", _of_document_parts("vat_rate"))
_rate_rule("BT-119", "The VAT rate of the breakdown", _of_breakdown("rate"))
_rate_rule("BT-152", "The VAT rate of a line", _line_rates)


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
    return case.invoice.due_date is not None


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
