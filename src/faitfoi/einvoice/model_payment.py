"""How much and how it is paid: payment instructions, allowances, charges, totals, VAT breakdown (BG-16 to BG-23)."""

from dataclasses import dataclass, field
from decimal import Decimal

from faitfoi.einvoice.model_terms import term


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditTransfer:
    """BG-17: one account to pay to (IBAN or other), its holder, its bank (BIC)."""

    account: str = field(metadata=term("BT-84"))
    account_name: str = field(default="", metadata=term("BT-85"))
    service_provider: str = field(default="", metadata=term("BT-86"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentCard:
    """BG-18: the card that paid; only the last digits of its number may be written."""

    account_number: str = field(metadata=term("BT-87"))
    holder_name: str = field(default="", metadata=term("BT-88"))


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectDebit:
    """BG-19: mandate, creditor identifier and debited account of a direct debit."""

    mandate_reference: str = field(default="", metadata=term("BT-89"))
    creditor_identifier: str = field(default="", metadata=term("BT-90"))
    debited_account: str = field(default="", metadata=term("BT-91"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentInstructions:
    """BG-16. `means_code` is a code of UNTDID 4461: 30 transfer, 58 SEPA transfer, 59 SEPA direct debit, 48 card."""

    means_code: str = field(metadata=term("BT-81"))
    means_text: str = field(default="", metadata=term("BT-82"))
    remittance_information: str = field(default="", metadata=term("BT-83"))
    credit_transfers: tuple[CreditTransfer, ...] = field(default=(), metadata=term("BG-17"))
    card: PaymentCard | None = field(default=None, metadata=term("BG-18"))
    direct_debit: DirectDebit | None = field(default=None, metadata=term("BG-19"))


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentAllowanceCharge:
    """One allowance (BG-20) or charge (BG-21) on the whole document; the amount is without VAT and positive.

    Only the extended profiles know why there is no VAT on it.
    """

    amount: Decimal | None
    base_amount: Decimal | None = None
    percentage: Decimal | None = None
    vat_category: str = ""
    vat_rate: Decimal | None = None
    reason: str = ""
    reason_code: str = ""
    exemption_reason: str = ""
    exemption_reason_code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """BG-22, in the invoice's currency except `vat_in_accounting_currency`. None = the document does not say."""

    line_net: Decimal | None = field(default=None, metadata=term("BT-106"))
    allowances: Decimal | None = field(default=None, metadata=term("BT-107"))
    charges: Decimal | None = field(default=None, metadata=term("BT-108"))
    without_vat: Decimal | None = field(default=None, metadata=term("BT-109"))
    vat: Decimal | None = field(default=None, metadata=term("BT-110"))
    vat_in_accounting_currency: Decimal | None = field(default=None, metadata=term("BT-111"))
    with_vat: Decimal | None = field(default=None, metadata=term("BT-112"))
    paid: Decimal | None = field(default=None, metadata=term("BT-113"))
    rounding: Decimal | None = field(default=None, metadata=term("BT-114"))
    due: Decimal | None = field(default=None, metadata=term("BT-115"))


@dataclass(frozen=True, slots=True, kw_only=True)
class VatBreakdown:
    """BG-23: one category and rate of VAT (categories of UNTDID 5305: S, Z, E, AE, K, G, O, L, M).

    Only the extended profiles say how much of the taxable amount comes from lines, and how much from the rest.
    """

    taxable_amount: Decimal | None = field(metadata=term("BT-116"))
    tax_amount: Decimal | None = field(metadata=term("BT-117"))
    category: str = field(metadata=term("BT-118"))
    rate: Decimal | None = field(default=None, metadata=term("BT-119"))
    exemption_reason: str = field(default="", metadata=term("BT-120"))
    exemption_reason_code: str = field(default="", metadata=term("BT-121"))
    lines_amount: Decimal | None = field(default=None, metadata=term("BT-X-262"))
    allowances_and_charges: Decimal | None = field(default=None, metadata=term("BT-X-263"))
