"""The invoice as EN 16931-1 describes it: every business term (BT) and group (BG), by its English name.

Conventions: a text that is absent is `""`, an amount, date or group that is absent is `None`, a repeated group
that is absent is `()`. A model may therefore hold an incomplete invoice: rules judge it, the model does not.
Texts have no outer white space and their lines end with a line feed. Amounts keep the decimals they were written with.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from faitfoi.einvoice import model_terms
from faitfoi.einvoice.model_extended import (
    CurrencyExchange,
    DeliveryTerms,
    DocumentReference,
    InvoiceExtension,
    Measure,
    PaymentCondition,
    PaymentTerms,
    TradeParty,
)
from faitfoi.einvoice.model_extended_lines import IncludedItem, ItemExtension, LineDocument, LineExtension, LineNote
from faitfoi.einvoice.model_lines import (
    Classification,
    InvoiceLine,
    Item,
    ItemAttribute,
    LineAllowanceCharge,
    LineVat,
    Period,
    Price,
)
from faitfoi.einvoice.model_parties import (
    Address,
    Buyer,
    Contact,
    Delivery,
    Identifier,
    Payee,
    Seller,
    TaxRepresentative,
)
from faitfoi.einvoice.model_payment import (
    CreditTransfer,
    DirectDebit,
    DocumentAllowanceCharge,
    PaymentCard,
    PaymentInstructions,
    Totals,
    VatBreakdown,
)
from faitfoi.einvoice.model_terms import Term, term

__all__ = [
    "CREDIT_NOTE_TYPE_CODES",
    "Address",
    "Attachment",
    "Buyer",
    "Classification",
    "Contact",
    "CreditTransfer",
    "CurrencyExchange",
    "Delivery",
    "DeliveryTerms",
    "DirectDebit",
    "DocumentAllowanceCharge",
    "DocumentReference",
    "Identifier",
    "IncludedItem",
    "Invoice",
    "InvoiceExtension",
    "InvoiceLine",
    "Item",
    "ItemAttribute",
    "ItemExtension",
    "LineAllowanceCharge",
    "LineDocument",
    "LineExtension",
    "LineNote",
    "LineVat",
    "Measure",
    "Note",
    "Payee",
    "PaymentCard",
    "PaymentCondition",
    "PaymentInstructions",
    "PaymentTerms",
    "Period",
    "PrecedingInvoice",
    "Price",
    "ProcessControl",
    "Seller",
    "SupportingDocument",
    "TaxRepresentative",
    "Term",
    "Totals",
    "TradeParty",
    "VatBreakdown",
    "path_of",
    "term_of",
    "term_paths",
    "terms",
]

CREDIT_NOTE_TYPE_CODES = frozenset(
    {"81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "502", "503", "532"}
)
"""Codes of BT-3 (UNTDID 1001) that EN 16931 binds to the UBL CreditNote: the amounts are in the buyer's favour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """BG-1. `subject_code` is a code of UNTDID 4451 (PMT, PMD, AAB, REG… in France), often absent."""

    text: str = field(metadata=term("BT-22"))
    subject_code: str = field(default="", metadata=term("BT-21"))
    content_code: str = field(default="", metadata=term("BT-X-5"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessControl:
    """BG-2. In France `business_process` is the cadre de facturation (B1, S1, M1…)."""

    business_process: str = field(default="", metadata=term("BT-23"))
    specification: str = field(default="", metadata=term("BT-24"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecedingInvoice:
    """BG-3: an earlier invoice that this one corrects or credits."""

    number: str = field(metadata=term("BT-25"))
    issue_date: date | None = field(default=None, metadata=term("BT-26"))
    type_code: str = field(default="", metadata=term("BT-X-555/EXT-FR-FE-02"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """BT-125: the very bytes of an attached file, with its media type and name."""

    content: bytes = field(repr=False)
    media_type: str
    filename: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportingDocument:
    """BG-24: a document that supports a claim of the invoice, by reference, by address or attached."""

    reference: str = field(metadata=term("BT-122"))
    description: str = field(default="", metadata=term("BT-123"))
    external_location: str = field(default="", metadata=term("BT-124"))
    attachment: Attachment | None = field(default=None, metadata=term("BT-125"))


_DOCUMENT_ALLOWANCE = term(
    "BG-20",
    amount="BT-92",
    base_amount="BT-93",
    percentage="BT-94",
    vat_category="BT-95",
    vat_rate="BT-96",
    reason="BT-97",
    reason_code="BT-98",
    exemption_reason="BT-173/EXT-FR-FE-187",
    exemption_reason_code="BT-174/EXT-FR-FE-188",
)
_DOCUMENT_CHARGE = term(
    "BG-21",
    amount="BT-99",
    base_amount="BT-100",
    percentage="BT-101",
    vat_category="BT-102",
    vat_rate="BT-103",
    reason="BT-104",
    reason_code="BT-105",
    exemption_reason="BT-175/EXT-FR-FE-189",
    exemption_reason_code="BT-176/EXT-FR-FE-190",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """One invoice or credit note, in the order of EN 16931-1.

    `type_code` is a code of UNTDID 1001 (380 invoice, 381 credit note, 384 corrective, 386 prepayment…).
    `vat_point_date_code` is a code of UNTDID 2005 (3 issue, 35 delivery, 432 payment) whatever the syntax.
    """

    number: str = field(metadata=term("BT-1"))
    issue_date: date | None = field(metadata=term("BT-2"))
    type_code: str = field(metadata=term("BT-3"))
    currency: str = field(metadata=term("BT-5"))
    vat_currency: str = field(default="", metadata=term("BT-6"))
    vat_point_date: date | None = field(default=None, metadata=term("BT-7"))
    vat_point_date_code: str = field(default="", metadata=term("BT-8"))
    due_date: date | None = field(default=None, metadata=term("BT-9"))
    buyer_reference: str = field(default="", metadata=term("BT-10"))
    project_reference: str = field(default="", metadata=term("BT-11"))
    contract_reference: str = field(default="", metadata=term("BT-12"))
    purchase_order_reference: str = field(default="", metadata=term("BT-13"))
    sales_order_reference: str = field(default="", metadata=term("BT-14"))
    receiving_advice_reference: str = field(default="", metadata=term("BT-15"))
    despatch_advice_reference: str = field(default="", metadata=term("BT-16"))
    tender_or_lot_reference: str = field(default="", metadata=term("BT-17"))
    invoiced_object: Identifier | None = field(default=None, metadata=term("BT-18"))
    buyer_accounting_reference: str = field(default="", metadata=term("BT-19"))
    payment_terms: str = field(default="", metadata=term("BT-20"))
    notes: tuple[Note, ...] = field(default=(), metadata=term("BG-1"))
    process: ProcessControl = field(default=ProcessControl(), metadata=term("BG-2"))
    preceding_invoices: tuple[PrecedingInvoice, ...] = field(default=(), metadata=term("BG-3"))
    seller: Seller = field(metadata=term("BG-4"))
    buyer: Buyer = field(metadata=term("BG-7"))
    payee: Payee | None = field(default=None, metadata=term("BG-10"))
    tax_representative: TaxRepresentative | None = field(default=None, metadata=term("BG-11"))
    delivery: Delivery | None = field(default=None, metadata=term("BG-13"))
    period: Period | None = field(default=None, metadata=term("BG-14", start="BT-73", end="BT-74"))
    payment: PaymentInstructions | None = field(default=None, metadata=term("BG-16"))
    allowances: tuple[DocumentAllowanceCharge, ...] = field(default=(), metadata=_DOCUMENT_ALLOWANCE)
    charges: tuple[DocumentAllowanceCharge, ...] = field(default=(), metadata=_DOCUMENT_CHARGE)
    totals: Totals = field(default=Totals(), metadata=term("BG-22"))
    vat_breakdown: tuple[VatBreakdown, ...] = field(default=(), metadata=term("BG-23"))
    supporting_documents: tuple[SupportingDocument, ...] = field(default=(), metadata=term("BG-24"))
    lines: tuple[InvoiceLine, ...] = field(default=(), metadata=term("BG-25"))
    extended: InvoiceExtension | None = None

    @property
    def is_credit_note(self) -> bool:
        """Whether BT-3 is one of the credit note codes (381 and its family)."""
        return self.type_code in CREDIT_NOTE_TYPE_CODES


def terms() -> tuple[Term, ...]:
    """Every term and group that an invoice can hold, in the order of its fields: EN 16931-1, then the extensions."""
    return model_terms.all_terms(Invoice)


def term_paths() -> Mapping[str, str]:
    """Map every term and group, by any of its codes, to its field path (`BT-131` → `lines[].net_amount`)."""
    return model_terms.paths(Invoice)


def path_of(code: str) -> str:
    """The field path of a term (`BT-131`, `BG-25`, `BT-X-8`, `EXT-FR-FE-163`); empty when the model has none."""
    return term_paths().get(code, "")


def term_of(path: str) -> Term | None:
    """The term that a field holds; `lines[2].net_amount` and `lines[].net_amount` alike. None when it holds none."""
    return model_terms.term_at(Invoice, path)
