"""Invoices made at random, within what both XML syntaxes can say: where they have less room, so have these."""

import re
from datetime import date
from decimal import Decimal
from typing import TypeVar

from hypothesis import strategies as st

from faitfoi.einvoice import model as m

T = TypeVar("T")


def some(strategy: st.SearchStrategy[T], *, least: int = 0, most: int = 2) -> st.SearchStrategy[tuple[T, ...]]:
    return st.lists(strategy, min_size=least, max_size=most).map(tuple)


_CHARACTERS = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff")
words = st.text(_CHARACTERS, min_size=1, max_size=6).map(str.strip).filter(bool)
maybe = st.just("") | words
prose = st.lists(words, min_size=1, max_size=2).map("\n".join)
days = st.dates(min_value=date(1970, 1, 1), max_value=date(2999, 12, 31))
maybe_day = st.none() | days
amounts = st.decimals(min_value=-(10**9), max_value=10**9, places=2)
maybe_amount = st.none() | amounts
prices = st.decimals(min_value=0, max_value=10**6, places=6)
categories = st.sampled_from(["S", "Z", "E", "AE", "K", "G", "O"])
rates = st.none() | st.sampled_from([Decimal(0), Decimal("2.1"), Decimal("5.5"), Decimal(20)])
identifiers = st.builds(m.Identifier, value=words, scheme=st.sampled_from(["", "0002", "0009", "0225"]))
# CII writes those without a scheme first.
identifier_lists = some(identifiers).map(lambda found: tuple(sorted(found, key=lambda each: each.scheme != "")))
maybe_identifier = st.none() | identifiers

addresses = st.builds(
    m.Address, line_one=maybe, line_two=maybe, line_three=maybe, city=maybe, postcode=maybe, country=st.just("FR")
)
contacts = st.builds(m.Contact, point=maybe, telephone=maybe, email=maybe)
maybe_address = st.none() | addresses
maybe_contact = st.none() | contacts
sellers = st.builds(
    m.Seller,
    name=words,
    trading_name=maybe,
    identifiers=identifier_lists,
    legal_registration=maybe_identifier,
    vat_identifier=maybe,
    tax_registration=maybe,
    additional_legal_information=maybe,
    electronic_address=maybe_identifier,
    address=maybe_address,
    contact=maybe_contact,
)
buyers = st.builds(
    m.Buyer,
    name=words,
    trading_name=maybe,
    identifiers=identifier_lists,
    legal_registration=maybe_identifier,
    vat_identifier=maybe,
    electronic_address=maybe_identifier,
    address=maybe_address,
    contact=maybe_contact,
)
payees = st.builds(m.Payee, name=words, identifier=maybe_identifier, legal_registration=maybe_identifier)
representatives = st.builds(m.TaxRepresentative, name=words, vat_identifier=words, address=maybe_address)
deliveries = st.builds(
    m.Delivery, name=maybe, location=maybe_identifier, actual_date=maybe_day, address=maybe_address
).filter(lambda delivery: delivery != m.Delivery())
periods = st.builds(m.Period, start=maybe_day, end=maybe_day).filter(lambda period: period != m.Period())
accounts = words | st.just("FR7630006000011234567890189")
payments = st.builds(
    m.PaymentInstructions,
    means_code=st.sampled_from(["30", "48", "58", "59"]),
    means_text=maybe,
    remittance_information=maybe,
    credit_transfers=some(st.builds(m.CreditTransfer, account=accounts, account_name=maybe, service_provider=maybe)),
    card=st.none() | st.builds(m.PaymentCard, account_number=words, holder_name=maybe),
    direct_debit=st.none()
    | st.builds(m.DirectDebit, mandate_reference=words, creditor_identifier=maybe, debited_account=maybe),
)
document_allowances = st.builds(
    m.DocumentAllowanceCharge,
    amount=amounts,
    base_amount=maybe_amount,
    percentage=rates,
    vat_category=categories,
    vat_rate=rates,
    reason=maybe,
    reason_code=maybe,
)
line_allowances = st.builds(
    m.LineAllowanceCharge,
    amount=amounts,
    base_amount=maybe_amount,
    percentage=rates,
    reason=maybe,
    reason_code=maybe,
)
vat_parts = st.builds(
    m.VatBreakdown,
    taxable_amount=amounts,
    tax_amount=amounts,
    category=categories,
    rate=rates,
    exemption_reason=maybe,
    exemption_reason_code=maybe,
)


@st.composite
def unit_prices(draw: st.DrawFn) -> m.Price:
    """Neither syntax has room for a gross price without its discount, and the other way round."""
    discounted = draw(st.booleans())
    counted = draw(st.booleans())
    return m.Price(
        net=draw(prices),
        gross=draw(prices) if discounted else None,
        discount=draw(prices) if discounted else None,
        base_quantity=draw(st.just(Decimal(1)) | prices) if counted else None,
        base_quantity_unit=draw(maybe) if counted else "",
    )


items = st.builds(
    m.Item,
    name=words,
    description=st.just("") | prose,
    seller_identifier=maybe,
    buyer_identifier=maybe,
    standard_identifier=maybe_identifier,
    classifications=some(st.builds(m.Classification, code=words, scheme=maybe, version=maybe), most=1),
    origin_country=st.sampled_from(["", "FR", "BE"]),
    attributes=some(st.builds(m.ItemAttribute, name=words, value=words), most=1),
)
lines = st.builds(
    m.InvoiceLine,
    identifier=words,
    note=st.just("") | prose,
    invoiced_object=maybe_identifier,
    quantity=amounts,
    unit=st.sampled_from(["C62", "KGM", ""]),
    net_amount=amounts,
    purchase_order_line_reference=maybe,
    buyer_accounting_reference=maybe,
    period=st.none() | periods,
    allowances=some(line_allowances, most=1),
    charges=some(line_allowances, most=1),
    price=unit_prices(),
    vat=st.builds(m.LineVat, category=categories, rate=rates),
    item=items,
)
_LOOKS_LIKE_A_SUBJECT = re.compile(r"#[A-Z]{3}#")
notes = st.builds(
    m.Note,
    text=prose.filter(lambda text: not _LOOKS_LIKE_A_SUBJECT.match(text)),
    subject_code=st.sampled_from(["", "PMT", "PMD", "AAB"]),
)
attachments = st.builds(
    m.Attachment, content=st.binary(min_size=1, max_size=20), media_type=st.just("text/csv"), filename=words
)
supporting = st.builds(
    m.SupportingDocument,
    reference=words,
    description=maybe,
    external_location=maybe,
    attachment=st.none() | attachments,
)
totals = st.builds(
    m.Totals,
    line_net=amounts,
    allowances=maybe_amount,
    charges=maybe_amount,
    without_vat=amounts,
    vat=amounts,
    vat_in_accounting_currency=maybe_amount,
    with_vat=amounts,
    paid=maybe_amount,
    rounding=maybe_amount,
    due=amounts,
)


@st.composite
def invoices(draw: st.DrawFn) -> m.Invoice:
    sums = draw(totals)
    return m.Invoice(
        number=draw(words),
        issue_date=draw(days),
        type_code=draw(st.sampled_from(["380", "381", "384", "386", "389"])),
        currency="EUR",
        vat_currency="" if sums.vat_in_accounting_currency is None else "CHF",
        vat_point_date=draw(maybe_day),
        vat_point_date_code=draw(st.sampled_from(["", "3", "35", "432"])),
        due_date=draw(maybe_day),
        buyer_reference=draw(maybe),
        project_reference=draw(maybe),
        contract_reference=draw(maybe),
        purchase_order_reference=draw(maybe),
        sales_order_reference=draw(maybe),
        receiving_advice_reference=draw(maybe),
        despatch_advice_reference=draw(maybe),
        tender_or_lot_reference=draw(maybe),
        invoiced_object=draw(maybe_identifier),
        buyer_accounting_reference=draw(maybe),
        payment_terms=draw(st.just("") | prose),
        notes=draw(some(notes)),
        process=m.ProcessControl(business_process=draw(maybe), specification=draw(words)),
        preceding_invoices=draw(some(st.builds(m.PrecedingInvoice, number=words, issue_date=maybe_day))),
        seller=draw(sellers),
        buyer=draw(buyers),
        payee=draw(st.none() | payees),
        tax_representative=draw(st.none() | representatives),
        delivery=draw(st.none() | deliveries),
        period=draw(st.none() | periods),
        payment=draw(st.none() | payments),
        allowances=draw(some(document_allowances, most=1)),
        charges=draw(some(document_allowances, most=1)),
        totals=sums,
        vat_breakdown=draw(some(vat_parts, least=1)),
        supporting_documents=draw(some(supporting, most=1)),
        lines=draw(some(lines, least=1)),
    )
