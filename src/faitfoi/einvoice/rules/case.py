"""One invoice before the rules, with what several of them need computed once."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from decimal import ROUND_FLOOR, Decimal
from functools import cached_property

from faitfoi.einvoice.model import DocumentAllowanceCharge, Invoice, InvoiceLine, LineAllowanceCharge, VatBreakdown
from faitfoi.einvoice.rules.codelists import CodeList, code_lists
from faitfoi.einvoice.rules.document_codes import Unlisted, unlisted_in
from faitfoi.einvoice.rules.extended import Extended, presumed_extended
from faitfoi.einvoice.rules.extended_cii import extended_cii
from faitfoi.einvoice.rules.extended_ubl import extended_ubl
from faitfoi.einvoice.rules.french_beyond import Grouped, Judgement, presumed_groups
from faitfoi.einvoice.rules.french_document import groups_in, judge_document
from faitfoi.einvoice.rules.lines import Placed, particular
from faitfoi.einvoice.rules.marks import NOT_VAT, filled
from faitfoi.einvoice.rules.sheets import Sheet, Syntax, sheet_of
from faitfoi.einvoice.rules.source import Source, presumed
from faitfoi.einvoice.rules.source_paths import SourcePaths

ZERO = Decimal(0)
_HALF = Decimal("0.5")
_HUNDRED = Decimal(100)
_CENT = Decimal("0.01")
LineMember = tuple[str, LineAllowanceCharge, str]
_FAMILIES = frozenset({"S", "Z", "E", "AE", "K", "G", "O", "L", "M"})


class Case:
    """What a rule is given: the invoice, its syntax, the facts of its source, and shared sums.

    Everything is read-only and computed at first use; a case serves one check and is thrown away.
    """

    def __init__(self, invoice: Invoice, *, syntax: Syntax, source: Source | None = None) -> None:
        self.invoice = invoice
        self.syntax = syntax
        self.source = presumed(invoice, syntax) if source is None else source
        self.presumed = source is None
        self.ubl = syntax is not Syntax.CII

    @cached_property
    def sheet(self) -> Sheet:
        """The official sheet for this document."""
        return sheet_of(self.invoice.process.specification, self.syntax)

    @cached_property
    def source_paths(self) -> SourcePaths | None:
        """Where the fields stand in the document; None for a model that was never written. For findings only."""
        return None if self.source.root is None else SourcePaths(self.source.root, ubl=self.ubl)

    @cached_property
    def judgement(self) -> Judgement | None:
        """What the French rules judge on the document itself; None for a model that was never written."""
        return None if self.source.root is None else judge_document(self.source.root)

    @cached_property
    def settled(self) -> Collection[str]:
        """The French rules that were judged on the document itself, and that it does not break."""
        return () if self.judgement is None else self.judgement.judged - self.judgement.broken.keys()

    @cached_property
    def grouped(self) -> Grouped:
        """The lines as the French rules on grouped invoices see them."""
        return presumed_groups(self.invoice) if self.source.root is None else groups_in(self.source.root)

    @cached_property
    def codes(self) -> Mapping[str, CodeList]:
        """The code lists by name, as that sheet holds them."""
        return code_lists(self.sheet)

    @cached_property
    def particular_lines(self) -> list[Placed]:
        """The lines, with their positions, that have more or less than every line must have."""
        return particular(self.invoice.lines)

    @cached_property
    def line_allowances(self) -> list[LineMember]:
        """The allowances of all lines, each with its path in the model and the identifier of its line."""
        return [
            (f"lines[{place}].allowances[{index}]", value, line.identifier)
            for place, line in self.particular_lines
            for index, value in enumerate(line.allowances)
        ]

    @cached_property
    def line_charges(self) -> list[LineMember]:
        """The charges of all lines, each with its path in the model and the identifier of its line."""
        return [
            (f"lines[{place}].charges[{index}]", value, line.identifier)
            for place, line in self.particular_lines
            for index, value in enumerate(line.charges)
        ]

    @cached_property
    def unlisted(self) -> Unlisted:
        """By rule, a code of no list that the document has where the model has no room for it."""
        return {} if self.source.root is None else unlisted_in(self.source.root, self.sheet, self.codes)

    @cached_property
    def lines_by_code(self) -> dict[str, list[tuple[int, InvoiceLine]]]:
        """The lines, with their positions, by VAT category (BT-151)."""
        found: dict[str, list[tuple[int, InvoiceLine]]] = {}
        for place, line in enumerate(self.invoice.lines):
            found.setdefault(self.code(line.vat.category), []).append((place, line))
        return found

    @cached_property
    def allowances_by_code(self) -> dict[str, list[tuple[int, DocumentAllowanceCharge]]]:
        """The document's allowances, with their positions, by VAT category (BT-95)."""
        return self._by_code(self.invoice.allowances)

    @cached_property
    def charges_by_code(self) -> dict[str, list[tuple[int, DocumentAllowanceCharge]]]:
        """The document's charges, with their positions, by VAT category (BT-102)."""
        return self._by_code(self.charges_proper)

    @cached_property
    def parts_by_code(self) -> dict[str, list[tuple[int, VatBreakdown]]]:
        """The parts of the VAT breakdown, with their positions, by category (BT-118)."""
        found: dict[str, list[tuple[int, VatBreakdown]]] = {}
        for place, part in enumerate(self.invoice.vat_breakdown):
            found.setdefault(self.code(part.category), []).append((place, part))
        return found

    @cached_property
    def raw_codes(self) -> Counter[str]:
        """How often each VAT category is used outside the breakdown, whatever the tax says it is."""
        invoice = self.invoice
        used = [line.vat.category for line in invoice.lines]
        used += [value.vat_category for value in (*invoice.allowances, *invoice.charges)]
        return Counter(
            category.lstrip(NOT_VAT) for category in (*used, *self.source.inner_codes, *self.source.loose_codes)
        )

    def on_lines(self, code: str) -> bool:
        """Whether a line, or a line inside a line, is of this VAT category."""
        return code in self.lines_by_code or code in self.source.inner_codes

    @cached_property
    def bases(self) -> "Bases":
        """What each VAT category and rate adds up to."""
        return Bases(self.invoice)

    @cached_property
    def line_net_sum(self) -> Decimal:
        """Sum of the lines' net amounts (BT-131), not rounded."""
        return total(line.net_amount for line in self.invoice.lines)

    @cached_property
    def vat_currencies(self) -> Counter[str]:
        """How many totals of VAT are given in each currency."""
        return Counter(each.currency for each in self.source.vat_totals)

    @cached_property
    def strict(self) -> bool:
        """Whether the sheet wants a tax to say it is VAT, and a code from its list even where there is none.

        Those for UBL do, and the French one for CII.
        """
        return self.ubl or self.sheet is Sheet.CII_CTC_FR

    def code(self, category: str) -> str:
        """A VAT category as the rules of its family see it: strict sheets ignore a tax that does not say it is VAT."""
        if category.startswith(NOT_VAT):
            return "" if self.strict else category[1:]
        return category

    @cached_property
    def extended(self) -> Extended:
        """What the document says beyond EN 16931, for the rules of the extended profiles."""
        if self.source.root is None:
            return presumed_extended(self.invoice)
        return extended_ubl(self.source.root) if self.ubl else extended_cii(self.source.root)

    @cached_property
    def charges_proper(self) -> tuple[DocumentAllowanceCharge, ...]:
        """The document's charges but its logistics services, which the reader puts after them."""
        return self.invoice.charges[: len(self.invoice.charges) - self.source.services]

    @cached_property
    def judged_parts(self) -> list[tuple[int, VatBreakdown]]:
        """The parts of the VAT breakdown that the general rules judge: all of them.

        But the French sheet for CII, which lets one set of rules judge each part, leaves the rest to the categories'.
        """
        parts = enumerate(self.invoice.vat_breakdown)
        if self.sheet is not Sheet.CII_CTC_FR:
            return list(parts)
        return [(place, part) for place, part in parts if part.category not in _FAMILIES]

    def stated(self, value: object, term: str) -> bool:
        """Whether a date or number is there, even unreadable or empty."""
        return value is not None or term in self.source.stated

    @cached_property
    def seller_is_registered(self) -> bool:
        """A tax registration of the seller (BT-31, BT-32) or a VAT identifier of its representative (BT-63)."""
        return bool(self.invoice.seller.tax_registration) or self.seller_has_vat

    @cached_property
    def seller_has_vat(self) -> bool:
        """A VAT identifier of the seller (BT-31) or of its tax representative (BT-63)."""
        representative = self.invoice.tax_representative
        return bool(self.invoice.seller.vat_identifier or (representative and representative.vat_identifier))

    def _by_code(
        self, values: Iterable[DocumentAllowanceCharge]
    ) -> dict[str, list[tuple[int, DocumentAllowanceCharge]]]:
        found: dict[str, list[tuple[int, DocumentAllowanceCharge]]] = {}
        for place, value in enumerate(values):
            found.setdefault(self.code(value.vat_category), []).append((place, value))
        return found


class Bases:
    """Sums of lines, charges and allowances by VAT category, and by category and rate, whatever the tax says it is."""

    def __init__(self, invoice: Invoice) -> None:
        self.lines: dict[str, Decimal] = {}
        self.charges: dict[str, Decimal] = {}
        self.allowances: dict[str, Decimal] = {}
        self.lines_at: dict[tuple[str, Decimal | None], Decimal] = {}
        self.charges_at: dict[tuple[str, Decimal | None], Decimal] = {}
        self.allowances_at: dict[tuple[str, Decimal | None], Decimal] = {}
        for line in invoice.lines:
            _add(self.lines, self.lines_at, line.vat.category, line.vat.rate, line.net_amount)
        for charge in invoice.charges:
            _add(self.charges, self.charges_at, charge.vat_category, charge.vat_rate, charge.amount)
        for allowance in invoice.allowances:
            _add(self.allowances, self.allowances_at, allowance.vat_category, allowance.vat_rate, allowance.amount)

    def of(self, code: str) -> Decimal:
        """Lines and charges less allowances of one category."""
        return self.lines.get(code, ZERO) + self.charges.get(code, ZERO) - self.allowances.get(code, ZERO)

    def at(self, code: str, rate: Decimal) -> Decimal:
        """Lines and charges less allowances of one category at one rate."""
        key = (code, rate)
        return self.lines_at.get(key, ZERO) + self.charges_at.get(key, ZERO) - self.allowances_at.get(key, ZERO)

    def without_lines_at(self, code: str, rate: Decimal) -> Decimal:
        """Charges less allowances of one category at one rate."""
        key = (code, rate)
        return self.charges_at.get(key, ZERO) - self.allowances_at.get(key, ZERO)

    def lines_are(self, code: str, rate: Decimal) -> bool:
        """Whether a line is of this category at this rate."""
        return (code, rate) in self.lines_at

    def others_are(self, code: str, rate: Decimal) -> bool:
        """Whether an allowance or a charge is of this category at this rate."""
        return (code, rate) in self.charges_at or (code, rate) in self.allowances_at


def _add(
    sums: dict[str, Decimal],
    sums_at: dict[tuple[str, Decimal | None], Decimal],
    category: str,
    rate: Decimal | None,
    amount: Decimal | None,
) -> None:
    code = category.lstrip(NOT_VAT)
    if not filled(code):
        return
    value = amount or ZERO
    sums[code] = sums.get(code, ZERO) + value
    sums_at[code, rate] = sums_at.get((code, rate), ZERO) + value


def total(amounts: Iterable[Decimal | None]) -> Decimal:
    """The sum of those that are there."""
    return sum((amount for amount in amounts if amount is not None), ZERO)


def cents(amount: Decimal) -> Decimal:
    """Rounded to two decimals as XPath does: halves go up, also below zero."""
    return (amount * _HUNDRED + _HALF).to_integral_value(rounding=ROUND_FLOOR) / _HUNDRED


def whole(amount: Decimal) -> Decimal:
    """Rounded to a whole number as XPath does."""
    return (amount + _HALF).to_integral_value(rounding=ROUND_FLOOR)


def in_cents(amount: Decimal | None) -> bool:
    """Whether the amount was written with at most two decimals, or is not there."""
    if amount is None or amount.same_quantum(_CENT):
        return True
    exponent = amount.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -2
