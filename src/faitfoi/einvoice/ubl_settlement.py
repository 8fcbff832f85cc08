"""Payment, allowances, charges, VAT and totals in UBL (BG-16 to BG-23): each reader beside its writer."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from faitfoi.einvoice.model import (
    CreditTransfer,
    DirectDebit,
    DocumentAllowanceCharge,
    Invoice,
    LineAllowanceCharge,
    PaymentCard,
    PaymentInstructions,
    Totals,
    TradeParty,
    VatBreakdown,
)
from faitfoi.einvoice.ubl_parties import read_trade_party, write_trade_party
from faitfoi.einvoice.xml_groups import Group, clean, truth
from faitfoi.einvoice.xml_out import Out

_VAT = "VAT"
_NO_NETWORK = "NA"  # the schema wants a card network, EN 16931 has no term for it
_NO_NETWORKS = frozenset({"", _NO_NETWORK, "mapped-from-cii"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """BG-16 as far as PaymentMeans tells it, the due date (BT-9) that a credit note keeps there, and the payer."""

    instructions: PaymentInstructions | None
    due_date: date | None
    payer: TradeParty | None = None


def read_payment(document: Group, creditor: str) -> Payment:
    """All PaymentMeans as one BG-16; `creditor` is the creditor identifier (BT-90) found among the parties."""
    means = document.groups("PaymentMeans")
    code = text = remittance = mandate = debited = ""
    due_date: date | None = None
    payer: TradeParty | None = None
    card: PaymentCard | None = None
    transfers: list[CreditTransfer] = []
    for position, group in enumerate(means):
        element = group.element("PaymentMeansCode", "BT-81")
        this_code = "" if element is None else clean(element.text)
        this_text = "" if element is None else clean(element.get("name"))
        if position and this_code != code:
            group.remark_repeated(
                f"Le moyen de paiement {this_code} s’ajoute au moyen {code} : seul le premier code est repris.", "BT-81"
            )
        code = code if position else this_code
        text = text or this_text
        due_date = group.iso_date("PaymentDueDate", "BT-9") or due_date
        remittance = _first_of(group, remittance, group.text("PaymentID", "BT-83"))
        card = _read_card(group.group("CardAccount")) or card
        transfer = _read_transfer(group.group("PayeeFinancialAccount"))
        if transfer is not None:
            transfers.append(transfer)
        mandate_group = group.group("PaymentMandate")
        mandate = mandate_group.text("ID", "BT-89") or mandate
        payer = read_trade_party(mandate_group.group("PayerParty", "BG-X-73")) or payer
        debited = mandate_group.group("PayerFinancialAccount").text("ID", "BT-91") or debited
    debit = (
        DirectDebit(mandate_reference=mandate, creditor_identifier=creditor, debited_account=debited)
        if mandate or debited or creditor
        else None
    )
    if not means and debit is None:
        return Payment(instructions=None, due_date=None)
    instructions = PaymentInstructions(
        means_code=code,
        means_text=text,
        remittance_information=remittance,
        credit_transfers=tuple(transfers),
        card=card,
        direct_debit=debit,
    )
    return Payment(instructions=instructions, due_date=due_date, payer=payer)


def _first_of(group: Group, first: str, other: str) -> str:
    if first and other not in {"", first}:
        group.remark_repeated(f"La référence de paiement {other} n’a pas été reprise : {first} vaut.", "BT-83")
    return first or other


def _read_card(group: Group) -> PaymentCard | None:
    if not group:
        return None
    if (network := group.text("NetworkID")) not in _NO_NETWORKS:
        group.not_kept(f"Le réseau de la carte ({network}) n’a pas de place dans la norme : pas repris.")
    return PaymentCard(
        account_number=group.text("PrimaryAccountNumberID", "BT-87"), holder_name=group.text("HolderName", "BT-88")
    )


def _read_transfer(account: Group) -> CreditTransfer | None:
    if not account:
        return None
    return CreditTransfer(
        account=account.text("ID", "BT-84"),
        account_name=account.text("Name", "BT-85"),
        service_provider=account.group("FinancialInstitutionBranch").text("ID", "BT-86"),
    )


def write_payment(
    document: Out, payment: PaymentInstructions | None, *, due_date: date | None, payer: TradeParty | None
) -> None:
    """Write one PaymentMeans for each account, at least one; `due_date` only for a credit note (BT-9)."""
    if payment is None:
        return
    for position, transfer in enumerate(payment.credit_transfers or (None,)):
        with document.group("PaymentMeans") as out:
            # Said once, as the official sheets want (UBL-SR-45 and 46).
            out.text("PaymentMeansCode", payment.means_code, name=payment.means_text if position == 0 else "")
            out.iso_date("PaymentDueDate", due_date if position == 0 else None)
            out.text("PaymentID", payment.remittance_information)
            if position == 0 and payment.card is not None:
                with out.group("CardAccount") as card:
                    card.text("PrimaryAccountNumberID", payment.card.account_number)
                    card.text("NetworkID", _NO_NETWORK)
                    card.text("HolderName", payment.card.holder_name)
            if transfer is not None:
                _write_transfer(out, transfer)
            if position == 0 and (payment.direct_debit is not None or payer is not None):
                debit = payment.direct_debit or DirectDebit()
                with out.group("PaymentMandate") as mandate:
                    mandate.text("ID", debit.mandate_reference)
                    write_trade_party(mandate, "PayerParty", payer)
                    with mandate.group("PayerFinancialAccount") as account:
                        account.text("ID", debit.debited_account)


def _write_transfer(out: Out, transfer: CreditTransfer) -> None:
    with out.group("PayeeFinancialAccount") as account:
        account.text("ID", transfer.account)
        account.text("Name", transfer.account_name)
        with account.group("FinancialInstitutionBranch") as branch:
            branch.text("ID", transfer.service_provider)


def read_document_allowances(
    document: Group,
) -> tuple[tuple[DocumentAllowanceCharge, ...], tuple[DocumentAllowanceCharge, ...]]:
    """Allowances (BG-20) and charges (BG-21) of the document."""
    allowances: list[DocumentAllowanceCharge] = []
    charges: list[DocumentAllowanceCharge] = []
    for group in document.groups("AllowanceCharge"):
        tax = group.group("TaxCategory", "BT-95")
        category, rate = read_tax_category(tax, "BT-95", "BT-96")
        found = DocumentAllowanceCharge(
            reason_code=group.text("AllowanceChargeReasonCode", "BT-98"),
            reason=group.text("AllowanceChargeReason", "BT-97"),
            percentage=group.decimal("MultiplierFactorNumeric", "BT-94"),
            amount=group.decimal("Amount", "BT-92"),
            base_amount=group.decimal("BaseAmount", "BT-93"),
            vat_category=category,
            vat_rate=rate,
            exemption_reason_code=tax.text("TaxExemptionReasonCode", "BT-174"),
            exemption_reason=tax.text("TaxExemptionReason", "BT-173"),
        )
        (charges if read_indicator(group) else allowances).append(found)
    return tuple(allowances), tuple(charges)


def write_document_allowances(document: Out, invoice: Invoice) -> None:
    """Write AllowanceCharge for the document, allowances first."""
    for charge, values in ((False, invoice.allowances), (True, invoice.charges)):
        for value in values:
            with document.group("AllowanceCharge") as out:
                write_allowance(out, value, charge=charge, currency=invoice.currency)
                reason, code = value.exemption_reason, value.exemption_reason_code
                if value.vat_category or value.vat_rate is not None or reason or code:
                    write_tax_category(
                        out,
                        "TaxCategory",
                        value.vat_category,
                        value.vat_rate,
                        exemption_reason=reason,
                        exemption_reason_code=code,
                    )


def read_line_allowances(line: Group) -> tuple[tuple[LineAllowanceCharge, ...], tuple[LineAllowanceCharge, ...]]:
    """Allowances (BG-27) and charges (BG-28) of one line."""
    allowances: list[LineAllowanceCharge] = []
    charges: list[LineAllowanceCharge] = []
    for group in line.groups("AllowanceCharge"):
        found = LineAllowanceCharge(
            reason_code=group.text("AllowanceChargeReasonCode", "BT-140"),
            reason=group.text("AllowanceChargeReason", "BT-139"),
            percentage=group.decimal("MultiplierFactorNumeric", "BT-138"),
            amount=group.decimal("Amount", "BT-136"),
            base_amount=group.decimal("BaseAmount", "BT-137"),
        )
        (charges if read_indicator(group) else allowances).append(found)
    return tuple(allowances), tuple(charges)


def write_allowance(
    out: Out, value: DocumentAllowanceCharge | LineAllowanceCharge, *, charge: bool, currency: str
) -> None:
    """Write the part of AllowanceCharge that lines and documents share."""
    out.text("ChargeIndicator", "true" if charge else "false")
    out.text("AllowanceChargeReasonCode", value.reason_code)
    out.text("AllowanceChargeReason", value.reason)
    out.number("MultiplierFactorNumeric", value.percentage)
    out.number("Amount", value.amount, currencyID=currency)
    out.number("BaseAmount", value.base_amount, currencyID=currency)


def read_indicator(group: Group) -> bool:
    """ChargeIndicator: True for a charge; what says neither is reported, and taken for an allowance."""
    return truth(group, group.text("ChargeIndicator")) is True


def read_tax_category(group: Group, category_term: str, rate_term: str) -> tuple[str, Decimal | None]:
    """Code and rate of a tax category."""
    read_vat_code(group)
    return group.text("ID", category_term), group.decimal("Percent", rate_term)


def read_vat_code(category: Group) -> None:
    """Take the code of a tax, which is always VAT: EN 16931 knows no other. Another one is reported."""
    code = category.group("TaxScheme").text("ID")
    if code and code.upper() != _VAT:
        category.not_kept(
            f"Cette taxe ({code}) n’est pas la TVA, seule connue de la norme : elle est lue comme la TVA."
        )


def write_tax_category(
    parent: Out,
    name: str,
    category: str,
    rate: Decimal | None,
    *,
    exemption_reason: str = "",
    exemption_reason_code: str = "",
) -> None:
    """Write the tax category called `name`."""
    with parent.group(name) as out:
        out.text("ID", category)
        out.number("Percent", rate)
        out.text("TaxExemptionReasonCode", exemption_reason_code)
        out.text("TaxExemptionReason", exemption_reason)
        with out.group("TaxScheme") as scheme:
            scheme.text("ID", _VAT)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxTotals:
    """What TaxTotal tells: BT-110, BT-111 and the VAT breakdown."""

    vat: Decimal | None
    vat_in_accounting_currency: Decimal | None
    breakdown: tuple[VatBreakdown, ...]


def read_tax_totals(document: Group, *, currency: str, vat_currency: str) -> TaxTotals:
    """TaxTotal, told apart by currency: the accounting currency's has no breakdown."""
    vat: Decimal | None = None
    accounting: Decimal | None = None
    breakdown: list[VatBreakdown] = []
    for group in document.groups("TaxTotal"):
        element = group.element("TaxAmount", "BT-110")
        given = "" if element is None else clean(element.get("currencyID"))
        amount = None if element is None else group.number(element, "BT-110")
        subtotals = group.groups("TaxSubtotal")
        if vat is None and (subtotals or given in {"", currency} or given != vat_currency):
            vat = amount
        elif accounting is None and given == vat_currency:
            accounting = amount
        else:
            group.remark_repeated("Ce total de TVA s’ajoute à ceux que prévoit la norme : pas repris.", "BT-110")
        breakdown.extend(_read_subtotal(subtotal) for subtotal in subtotals)
    return TaxTotals(vat=vat, vat_in_accounting_currency=accounting, breakdown=tuple(breakdown))


def _read_subtotal(group: Group) -> VatBreakdown:
    category = group.group("TaxCategory", "BT-118")
    read_vat_code(category)
    return VatBreakdown(
        taxable_amount=group.decimal("TaxableAmount", "BT-116"),
        tax_amount=group.decimal("TaxAmount", "BT-117"),
        category=category.text("ID", "BT-118"),
        rate=category.decimal("Percent", "BT-119"),
        exemption_reason_code=category.text("TaxExemptionReasonCode", "BT-121"),
        exemption_reason=category.text("TaxExemptionReason", "BT-120"),
    )


def write_tax_totals(document: Out, invoice: Invoice) -> None:
    """Write TaxTotal with the breakdown, then the one in the accounting currency."""
    with document.group("TaxTotal") as out:
        out.number("TaxAmount", invoice.totals.vat, currencyID=invoice.currency)
        for vat in invoice.vat_breakdown:
            with out.group("TaxSubtotal") as subtotal:
                subtotal.number("TaxableAmount", vat.taxable_amount, currencyID=invoice.currency)
                subtotal.number("TaxAmount", vat.tax_amount, currencyID=invoice.currency)
                write_tax_category(
                    subtotal,
                    "TaxCategory",
                    vat.category,
                    vat.rate,
                    exemption_reason=vat.exemption_reason,
                    exemption_reason_code=vat.exemption_reason_code,
                )
    with document.group("TaxTotal") as out:
        out.number("TaxAmount", invoice.totals.vat_in_accounting_currency, currencyID=invoice.vat_currency)


def read_totals(group: Group, taxes: TaxTotals) -> Totals:
    """LegalMonetaryTotal (BG-22) with the two VAT totals read before."""
    return Totals(
        line_net=group.decimal("LineExtensionAmount", "BT-106"),
        without_vat=group.decimal("TaxExclusiveAmount", "BT-109"),
        vat=taxes.vat,
        vat_in_accounting_currency=taxes.vat_in_accounting_currency,
        with_vat=group.decimal("TaxInclusiveAmount", "BT-112"),
        allowances=group.decimal("AllowanceTotalAmount", "BT-107"),
        charges=group.decimal("ChargeTotalAmount", "BT-108"),
        paid=group.decimal("PrepaidAmount", "BT-113"),
        rounding=group.decimal("PayableRoundingAmount", "BT-114"),
        due=group.decimal("PayableAmount", "BT-115"),
    )


def write_totals(document: Out, invoice: Invoice) -> None:
    """Write LegalMonetaryTotal (BG-22) in the schema's order."""
    totals, currency = invoice.totals, invoice.currency
    with document.group("LegalMonetaryTotal", keep=True) as out:
        out.number("LineExtensionAmount", totals.line_net, currencyID=currency)
        out.number("TaxExclusiveAmount", totals.without_vat, currencyID=currency)
        out.number("TaxInclusiveAmount", totals.with_vat, currencyID=currency)
        out.number("AllowanceTotalAmount", totals.allowances, currencyID=currency)
        out.number("ChargeTotalAmount", totals.charges, currencyID=currency)
        out.number("PrepaidAmount", totals.paid, currencyID=currency)
        out.number("PayableRoundingAmount", totals.rounding, currencyID=currency)
        out.number("PayableAmount", totals.due, currencyID=currency)
