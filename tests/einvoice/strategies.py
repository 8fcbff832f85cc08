"""Invoices made at random, within what both XML syntaxes can say: where they have less room, so have these.

`invoices()` makes whole invoices of EN 16931, `extended_invoices()` those of the extended profiles. They need nothing
but Hypothesis and the library: other projects may copy this file.
"""

import dataclasses
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from faitfoi.einvoice import model as m
from faitfoi.einvoice.conversion import SPECIFICATIONS
from faitfoi.einvoice.profiles import Profile

T = TypeVar("T")
EXTENDED_CTC_FR = SPECIFICATIONS[Profile.EXTENDED_CTC_FR]


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


# --- what the extended profiles add


def grown(kind: Any, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Groups of the class `kind` that say something: `fields`, and for the others what their types allow."""
    hints = get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    parts = {name: fields[name] if name in fields else _of(hints[name]) for name in names}
    return st.builds(kind, **parts).filter(lambda made: not _says_nothing(made))


def _of(hint: Any) -> st.SearchStrategy[Any]:
    if get_origin(hint) is tuple:
        return some(_said(get_args(hint)[0]), most=2)
    if get_origin(hint) is not None or isinstance(hint, UnionType):
        (inner,) = (arg for arg in get_args(hint) if arg is not type(None))
        return st.none() | _said(inner)
    return maybe if hint is str else _said(hint)


def _said(kind: Any) -> st.SearchStrategy[Any]:
    plain: dict[Any, st.SearchStrategy[Any]] = {
        str: words,
        bool: st.booleans(),
        Decimal: amounts,
        date: days,
        m.Identifier: identifiers,
        m.Address: addresses,
        m.Contact: contacts,
        m.Delivery: deliveries,
        m.TradeParty: trade_parties,
        m.DeliveryTerms: st.builds(m.DeliveryTerms, code=words, location=maybe),
        m.Measure: st.builds(m.Measure, value=amounts, unit=maybe),
        m.LineNote: st.builds(m.LineNote, text=words, subject_code=st.sampled_from(["AAI", "SUR"])),
    }
    return plain[kind] if kind in plain else grown(kind)


def _says_nothing(value: object) -> bool:
    if not dataclasses.is_dataclass(value):
        return not value
    return all(_says_nothing(getattr(value, field.name)) for field in dataclasses.fields(value))


trade_parties = st.builds(
    m.TradeParty,
    name=words,
    role_code=maybe,
    trading_name=maybe,
    identifiers=identifier_lists,
    legal_registration=maybe_identifier,
    vat_identifier=maybe,
    electronic_address=maybe_identifier,
    address=maybe_address,
    contact=maybe_contact,
)
references = st.builds(m.DocumentReference, number=words, line=maybe, issue_date=maybe_day)
line_extensions = grown(
    m.LineExtension,
    sales_order=st.none() | references,
    quotation=st.none() | references,
    contract=st.none() | references,
    ultimate_customer_orders=some(references),
    despatch_advice=st.none() | references,
    receiving_advice=st.none() | references,
    delivery_note=st.none() | references,
    preceding_invoice=st.none() | references,
    documents=some(st.builds(m.LineDocument, reference=words, type_code=st.just("50"), description=maybe)),
)


_exchanges = st.builds(m.CurrencyExchange, source=words, target=words, rate=amounts, day=maybe_day)
extensions = grown(
    m.InvoiceExtension,
    quotation=st.none() | references,
    delivery_note=st.none() | references,
    contracts=some(references),
    despatch_advices=some(references),
    receiving_advices=some(references),
    currency_exchange=st.none() | _exchanges,
)


@st.composite
def extended_lines(draw: st.DrawFn, line: m.InvoiceLine, *, two_currencies: bool) -> m.InvoiceLine:
    """`line` with more to say, as far as what it already says leaves room for it."""
    more: m.LineExtension = draw(line_extensions)
    if line.price.discount is None:
        more = replace(more, price_discount_percentage=None, price_discount_base=None)
        more = replace(more, price_discount_reason="", price_discount_reason_code="")
    if line.invoiced_object is None:
        more = replace(more, objects=())
    if not line.buyer_accounting_reference:
        more = replace(more, accounting_type="")
    if not two_currencies:
        more = replace(more, vat_in_accounting_currency=None)
    return replace(line, extended=None if _says_nothing(more) else more)


@st.composite
def extended_invoices(draw: st.DrawFn) -> m.Invoice:
    """Invoices of EXTENDED-CTC-FR that say whatever this profile has a place for; not all of it has one in UBL."""
    invoice = draw(invoices())
    more: m.InvoiceExtension = draw(extensions)
    if not invoice.tender_or_lot_reference:
        more = replace(more, tenders=())
    if invoice.invoiced_object is None:
        more = replace(more, objects=())
    if not invoice.buyer_accounting_reference:
        more = replace(more, accounting_type="")
    if invoice.payment is None:
        more = replace(more, payer=None)
    if not (invoice.payment_terms or invoice.due_date):
        more = replace(more, partial_amount=None, discount=None, penalty=None, more_terms=())
    if not invoice.contract_reference:
        more = replace(more, contracts=(), contract_date=None, contract_type="")
    if not invoice.despatch_advice_reference:
        more = replace(more, despatch_advices=(), despatch_advice_date=None)
    if not invoice.receiving_advice_reference:
        more = replace(more, receiving_advices=(), receiving_advice_date=None)
    two = bool(invoice.vat_currency)
    process = replace(invoice.process, specification=EXTENDED_CTC_FR)
    return replace(
        invoice,
        process=process,
        extended=None if _says_nothing(more) else more,
        lines=tuple(draw(extended_lines(line, two_currencies=two)) for line in invoice.lines),
    )
