"""Payment, allowances, charges, VAT breakdown and totals in CII (BG-16 to BG-23): each reader beside its writer."""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from faitfoi.einvoice.cii_extended import read_terms_extension, write_more_terms, write_terms_extension
from faitfoi.einvoice.cii_values import read_date, read_indicator, write_date, write_indicator
from faitfoi.einvoice.model import (
    CreditTransfer,
    DirectDebit,
    DocumentAllowanceCharge,
    Invoice,
    LineAllowanceCharge,
    PaymentCard,
    PaymentInstructions,
    Totals,
    VatBreakdown,
)
from faitfoi.einvoice.model import PaymentTerms as ExtendedTerms
from faitfoi.einvoice.xml_groups import Group, clean
from faitfoi.einvoice.xml_out import Out

# BT-8 is UNTDID 2005 in the model and in UBL, UNTDID 2475 in CII.
_POINT_CODE_TO_MODEL = {"5": "3", "29": "35", "72": "432"}
_POINT_CODE_TO_CII = {code: cii for cii, code in _POINT_CODE_TO_MODEL.items()}
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentTerms:
    """What SpecifiedTradePaymentTerms says, spread over three places of the model (BT-20, BT-9, BT-89)."""

    description: str = ""
    due_date: date | None = None
    mandate_reference: str = ""
    extensions: tuple[ExtendedTerms, ...] = ()


def read_payment_terms(settlement: Group) -> PaymentTerms:
    """The first SpecifiedTradePaymentTerms for EN 16931, and what it and the others say in EXTENDED."""
    groups = settlement.groups("SpecifiedTradePaymentTerms")
    if not groups:
        return PaymentTerms()
    first = groups[0]
    return PaymentTerms(
        description=first.text("Description", "BT-20"),
        due_date=read_date(first, "DueDateDateTime", "BT-9"),
        mandate_reference=first.text("DirectDebitMandateID", "BT-89"),
        extensions=tuple(read_terms_extension(group, is_first=group is first) for group in groups)
        if len(groups) > 1 or first.has_more
        else (),
    )


def write_payment_terms(settlement: Out, invoice: Invoice) -> None:
    """Write SpecifiedTradePaymentTerms."""
    with settlement.group("SpecifiedTradePaymentTerms") as out:
        out.text("Description", invoice.payment_terms)
        write_date(out, "DueDateDateTime", invoice.due_date)
        if invoice.payment and invoice.payment.direct_debit:
            out.text("DirectDebitMandateID", invoice.payment.direct_debit.mandate_reference)
        if invoice.extended is not None:
            write_terms_extension(out, invoice.extended)
    if invoice.extended is not None:
        write_more_terms(settlement, invoice.extended)


def read_payment(settlement: Group, mandate_reference: str) -> PaymentInstructions | None:
    """All SpecifiedTradeSettlementPaymentMeans as one BG-16, with what lies beside them; None when there is nothing."""
    creditor = settlement.text("CreditorReferenceID", "BT-90")
    remittance = settlement.text("PaymentReference", "BT-83")
    means = settlement.groups("SpecifiedTradeSettlementPaymentMeans")
    code = text = debited = ""
    card: PaymentCard | None = None
    transfers: list[CreditTransfer] = []
    for position, group in enumerate(means):
        this_code = group.text("TypeCode", "BT-81")
        if position == 0:
            code = this_code
        elif this_code != code:
            group.remark_repeated(
                f"Le moyen de paiement {this_code} s’ajoute au moyen {code} : seul le premier code est repris.", "BT-81"
            )
        this_text = group.text("Information", "BT-82")
        if text and this_text not in {"", text}:
            group.remark_repeated(f"Le texte « {this_text} » du moyen de paiement n’a pas été repris.", "BT-82")
        text = text or this_text
        card = card or _read_card(group.group("ApplicableTradeSettlementFinancialCard"))
        debited = debited or group.group("PayerPartyDebtorFinancialAccount").text("IBANID", "BT-91")
        transfer = _read_transfer(group)
        if transfer is not None:
            transfers.append(transfer)
    debit = (
        DirectDebit(mandate_reference=mandate_reference, creditor_identifier=creditor, debited_account=debited)
        if mandate_reference or creditor or debited
        else None
    )
    if not means and not remittance and debit is None:
        return None
    return PaymentInstructions(
        means_code=code,
        means_text=text,
        remittance_information=remittance,
        credit_transfers=tuple(transfers),
        card=card,
        direct_debit=debit,
    )


def _read_card(group: Group) -> PaymentCard | None:
    if not group:
        return None
    return PaymentCard(account_number=group.text("ID", "BT-87"), holder_name=group.text("CardholderName", "BT-88"))


def _read_transfer(means: Group) -> CreditTransfer | None:
    account = means.group("PayeePartyCreditorFinancialAccount")
    bank = means.group("PayeeSpecifiedCreditorFinancialInstitution").text("BICID", "BT-86")
    if not account and not bank:
        return None
    return CreditTransfer(
        account=account.text("IBANID", "BT-84") or account.text("ProprietaryID", "BT-84"),
        account_name=account.text("AccountName", "BT-85"),
        service_provider=bank,
    )


def write_payment(settlement: Out, payment: PaymentInstructions | None) -> None:
    """Write one SpecifiedTradeSettlementPaymentMeans for each account, at least one."""
    if payment is None:
        return
    for position, transfer in enumerate(payment.credit_transfers or (None,)):
        with settlement.group("SpecifiedTradeSettlementPaymentMeans") as out:
            out.text("TypeCode", payment.means_code)
            out.text("Information", payment.means_text)
            if position == 0:
                _write_card_and_debit(out, payment)
            if transfer is not None:
                _write_transfer(out, transfer)


def _write_card_and_debit(out: Out, payment: PaymentInstructions) -> None:
    if payment.card is not None:
        with out.group("ApplicableTradeSettlementFinancialCard") as card:
            card.text("ID", payment.card.account_number)
            card.text("CardholderName", payment.card.holder_name)
    if payment.direct_debit is not None:
        with out.group("PayerPartyDebtorFinancialAccount") as account:
            account.text("IBANID", payment.direct_debit.debited_account)


def _write_transfer(out: Out, transfer: CreditTransfer) -> None:
    is_iban = _IBAN.fullmatch(transfer.account.replace(" ", "").upper()) is not None
    with out.group("PayeePartyCreditorFinancialAccount") as account:
        account.text("IBANID", transfer.account if is_iban else "")
        account.text("AccountName", transfer.account_name)
        account.text("ProprietaryID", "" if is_iban else transfer.account)
    with out.group("PayeeSpecifiedCreditorFinancialInstitution") as bank:
        bank.text("BICID", transfer.service_provider)


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeTaxes:
    """ApplicableTradeTax of the header: the breakdown, and BT-7 and BT-8, which CII repeats in each."""

    breakdown: tuple[VatBreakdown, ...] = ()
    point_date: date | None = None
    point_code: str = ""


def read_vat_code(tax: Group) -> None:
    """Take the code of a tax, which is always VAT: EN 16931 knows no other. Another one is reported."""
    code = tax.text("TypeCode")
    if code and code.upper() != "VAT":
        tax.not_kept(f"Cette taxe ({code}) n’est pas la TVA, que la norme connaît seule : elle est lue comme la TVA.")


def read_trade_taxes(settlement: Group) -> TradeTaxes:
    """Every ApplicableTradeTax of the header (BG-23); a second, different tax point date is reported."""
    breakdown: list[VatBreakdown] = []
    dates: list[date] = []
    codes: list[str] = []
    for group in settlement.groups("ApplicableTradeTax"):
        read_vat_code(group)
        breakdown.append(
            VatBreakdown(
                tax_amount=group.decimal("CalculatedAmount", "BT-117"),
                exemption_reason=group.text("ExemptionReason", "BT-120"),
                taxable_amount=group.decimal("BasisAmount", "BT-116"),
                category=group.text("CategoryCode", "BT-118"),
                exemption_reason_code=group.text("ExemptionReasonCode", "BT-121"),
                rate=group.decimal("RateApplicablePercent", "BT-119"),
                lines_amount=group.decimal("LineTotalBasisAmount", "BT-X-262"),
                allowances_and_charges=group.decimal("AllowanceChargeBasisAmount", "BT-X-263"),
            )
        )
        if (day := read_date(group, "TaxPointDate", "BT-7")) is not None:
            dates.append(day)
        if code := group.text("DueDateTypeCode", "BT-8"):
            codes.append(code)
        if len(set(dates)) > 1 or len(set(codes)) > 1:
            group.remark_repeated("La date d’exigibilité de la TVA varie selon le taux : la première vaut ici.", "BT-7")
    code = codes[0] if codes else ""
    return TradeTaxes(
        breakdown=tuple(breakdown),
        point_date=dates[0] if dates else None,
        point_code=_POINT_CODE_TO_MODEL.get(code, code),
    )


def write_trade_taxes(settlement: Out, invoice: Invoice) -> None:
    """Write ApplicableTradeTax for each part of the VAT breakdown."""
    code = _POINT_CODE_TO_CII.get(invoice.vat_point_date_code, invoice.vat_point_date_code)
    for vat in invoice.vat_breakdown:
        with settlement.group("ApplicableTradeTax") as out:
            out.number("CalculatedAmount", vat.tax_amount)
            out.text("TypeCode", "VAT")
            out.text("ExemptionReason", vat.exemption_reason)
            out.number("BasisAmount", vat.taxable_amount)
            out.number("LineTotalBasisAmount", vat.lines_amount)
            out.number("AllowanceChargeBasisAmount", vat.allowances_and_charges)
            out.text("CategoryCode", vat.category)
            out.text("ExemptionReasonCode", vat.exemption_reason_code)
            write_date(out, "TaxPointDate", invoice.vat_point_date, string="udt:DateString")
            out.text("DueDateTypeCode", code)
            out.number("RateApplicablePercent", vat.rate)


def read_document_allowances(
    settlement: Group,
) -> tuple[tuple[DocumentAllowanceCharge, ...], tuple[DocumentAllowanceCharge, ...]]:
    """Allowances (BG-20) and charges (BG-21) of the document; EXTENDED's logistics services count as charges."""
    allowances: list[DocumentAllowanceCharge] = []
    charges: list[DocumentAllowanceCharge] = []
    for group in settlement.groups("SpecifiedTradeAllowanceCharge"):
        tax = group.group("CategoryTradeTax")
        read_vat_code(tax)
        found = DocumentAllowanceCharge(
            percentage=group.decimal("CalculationPercent", "BT-94"),
            base_amount=group.decimal("BasisAmount", "BT-93"),
            amount=group.decimal("ActualAmount", "BT-92"),
            reason_code=group.text("ReasonCode", "BT-98"),
            reason=group.text("Reason", "BT-97"),
            vat_category=tax.text("CategoryCode", "BT-95"),
            vat_rate=tax.decimal("RateApplicablePercent", "BT-96"),
            exemption_reason=tax.text("ExemptionReason", "BT-173"),
            exemption_reason_code=tax.text("ExemptionReasonCode", "BT-174"),
        )
        (charges if read_indicator(group) else allowances).append(found)
    for group in settlement.groups("SpecifiedLogisticsServiceCharge"):
        tax = group.group("AppliedTradeTax")
        read_vat_code(tax)
        charges.append(
            DocumentAllowanceCharge(
                reason=group.text("Description", "BT-104"),
                amount=group.decimal("AppliedAmount", "BT-99"),
                vat_category=tax.text("CategoryCode", "BT-102"),
                vat_rate=tax.decimal("RateApplicablePercent", "BT-103"),
                exemption_reason=tax.text("ExemptionReason", "BT-175"),
                exemption_reason_code=tax.text("ExemptionReasonCode", "BT-176"),
            )
        )
    return tuple(allowances), tuple(charges)


def write_document_allowances(settlement: Out, invoice: Invoice) -> None:
    """Write SpecifiedTradeAllowanceCharge for the document, allowances first."""
    for charge, values in ((False, invoice.allowances), (True, invoice.charges)):
        for value in values:
            with settlement.group("SpecifiedTradeAllowanceCharge") as out:
                write_allowance(out, value, charge=charge)
                reason, code = value.exemption_reason, value.exemption_reason_code
                if value.vat_category or value.vat_rate is not None or reason or code:
                    with out.group("CategoryTradeTax") as tax:
                        tax.text("TypeCode", "VAT")
                        tax.text("ExemptionReason", reason)
                        tax.text("CategoryCode", value.vat_category)
                        tax.text("ExemptionReasonCode", code)
                        tax.number("RateApplicablePercent", value.vat_rate)


def read_line_allowances(
    settlement: Group,
) -> tuple[tuple[LineAllowanceCharge, ...], tuple[LineAllowanceCharge, ...]]:
    """Allowances (BG-27) and charges (BG-28) of one line."""
    allowances: list[LineAllowanceCharge] = []
    charges: list[LineAllowanceCharge] = []
    for group in settlement.groups("SpecifiedTradeAllowanceCharge"):
        found = LineAllowanceCharge(
            percentage=group.decimal("CalculationPercent", "BT-138"),
            base_amount=group.decimal("BasisAmount", "BT-137"),
            amount=group.decimal("ActualAmount", "BT-136"),
            reason_code=group.text("ReasonCode", "BT-140"),
            reason=group.text("Reason", "BT-139"),
        )
        (charges if read_indicator(group) else allowances).append(found)
    return tuple(allowances), tuple(charges)


def write_allowance(out: Out, value: DocumentAllowanceCharge | LineAllowanceCharge, *, charge: bool) -> None:
    """Write the part of SpecifiedTradeAllowanceCharge that lines and documents share."""
    write_indicator(out, charge=charge)
    out.number("CalculationPercent", value.percentage)
    out.number("BasisAmount", value.base_amount)
    out.number("ActualAmount", value.amount)
    out.text("ReasonCode", value.reason_code)
    out.text("Reason", value.reason)


def read_totals(settlement: Group, *, currency: str, vat_currency: str) -> Totals:
    """SpecifiedTradeSettlementHeaderMonetarySummation (BG-22); TaxTotalAmount is told apart by its currency."""
    group = settlement.group("SpecifiedTradeSettlementHeaderMonetarySummation")
    vat, vat_in_accounting_currency = _read_tax_totals(group, currency=currency, vat_currency=vat_currency)
    return Totals(
        line_net=group.decimal("LineTotalAmount", "BT-106"),
        charges=group.decimal("ChargeTotalAmount", "BT-108"),
        allowances=group.decimal("AllowanceTotalAmount", "BT-107"),
        without_vat=group.decimal("TaxBasisTotalAmount", "BT-109"),
        vat=vat,
        vat_in_accounting_currency=vat_in_accounting_currency,
        rounding=group.decimal("RoundingAmount", "BT-114"),
        with_vat=group.decimal("GrandTotalAmount", "BT-112"),
        paid=group.decimal("TotalPrepaidAmount", "BT-113"),
        due=group.decimal("DuePayableAmount", "BT-115"),
    )


def _read_tax_totals(group: Group, *, currency: str, vat_currency: str) -> tuple[Decimal | None, Decimal | None]:
    vat: Decimal | None = None
    accounting: Decimal | None = None
    surplus = []
    for element in group.elements("TaxTotalAmount"):
        given = clean(element.get("currencyID"))
        if vat is None and (given in {"", currency} or given != vat_currency):
            vat = group.number(element, "BT-110")
        elif accounting is None and given == vat_currency:
            accounting = group.number(element, "BT-111")
        else:
            surplus.append(element)
    group.source.repeated(surplus, term="BT-110")
    return vat, accounting


def write_totals(settlement: Out, invoice: Invoice) -> None:
    """Write SpecifiedTradeSettlementHeaderMonetarySummation (BG-22) in the schema's order."""
    totals = invoice.totals
    with settlement.group("SpecifiedTradeSettlementHeaderMonetarySummation", keep=True) as out:
        out.number("LineTotalAmount", totals.line_net)
        out.number("ChargeTotalAmount", totals.charges)
        out.number("AllowanceTotalAmount", totals.allowances)
        out.number("TaxBasisTotalAmount", totals.without_vat)
        out.number("TaxTotalAmount", totals.vat, currencyID=invoice.currency)
        out.number("TaxTotalAmount", totals.vat_in_accounting_currency, currencyID=invoice.vat_currency)
        out.number("RoundingAmount", totals.rounding)
        out.number("GrandTotalAmount", totals.with_vat)
        out.number("TotalPrepaidAmount", totals.paid)
        out.number("DuePayableAmount", totals.due)
