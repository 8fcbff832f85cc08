"""An invoice given from its lines alone gets the sums the norm prescribes, and nothing it states is changed."""

import dataclasses
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faitfoi.einvoice.amounts import cents, complete
from faitfoi.einvoice.findings import Finding, Severity
from faitfoi.einvoice.model import (
    Buyer,
    CurrencyExchange,
    DocumentAllowanceCharge,
    Invoice,
    InvoiceExtension,
    InvoiceLine,
    Item,
    LineAllowanceCharge,
    LineExtension,
    LineVat,
    Price,
    Seller,
    Totals,
    VatBreakdown,
)
from faitfoi.einvoice.rules import Family, Syntax, check_rules
from tests.conformance.plain_bases import plain
from tests.einvoice.material import CORPORA, full_invoice, needs_corpora

D = Decimal


def line(quantity: str, net: str, rate: str | None = "20", category: str = "S", **more: object) -> InvoiceLine:
    vat = LineVat(category=category, rate=None if rate is None else D(rate))
    base = InvoiceLine(
        identifier="1", quantity=D(quantity), unit="C62", price=Price(net=D(net)), vat=vat, item=Item(name="Essai")
    )
    return dataclasses.replace(base, **more)  # type: ignore[arg-type]


def invoice(*lines: InvoiceLine, **more: object) -> Invoice:
    base = Invoice(
        number="F-1",
        issue_date=None,
        type_code="380",
        currency="EUR",
        seller=Seller(name="Aulnes"),
        buyer=Buyer(name="Essai"),
        totals=Totals(),
        lines=lines,
    )
    return dataclasses.replace(base, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [("1.005", "1.01"), ("1.0049", "1.00"), ("-1.005", "-1.01"), ("2.675", "2.68"), ("0", "0.00"), ("1e20", "1e20")],
)
def test_cents_round_half_away_from_zero(amount: str, rounded: str) -> None:
    assert cents(D(amount)) == D(rounded)


def test_lines_alone_make_a_whole_invoice() -> None:
    done = complete(invoice(line("3", "9.99"), line("2.5", "100"), line("4", "25", "5.5")))
    assert [each.net_amount for each in done.lines] == [D("29.97"), D("250.00"), D("100.00")]
    assert [(part.rate, part.taxable_amount, part.tax_amount) for part in done.vat_breakdown] == [
        (D(20), D("279.97"), D("55.99")),
        (D("5.5"), D("100.00"), D("5.50")),
    ]
    assert done.totals == Totals(
        line_net=D("379.97"), without_vat=D("379.97"), vat=D("61.49"), with_vat=D("441.46"), due=D("441.46")
    )


def test_vat_is_rounded_once_for_each_rate_not_for_each_line() -> None:
    done = complete(invoice(*[line("1", "0.02") for _ in range(5)]))  # 5 × 0.004 would be 0.00
    assert done.totals.vat == D("0.02")


def test_rates_written_differently_are_one_part() -> None:
    assert len(complete(invoice(line("1", "1", "20"), line("1", "1", "20.00"))).vat_breakdown) == 1


def test_allowances_and_charges_count_where_they_stand() -> None:
    of_line = LineAllowanceCharge(amount=None, percentage=D(10))
    of_document = DocumentAllowanceCharge(amount=D("5.00"), vat_category="S", vat_rate=D(20))
    freight = DocumentAllowanceCharge(amount=None, percentage=D("2.5"), vat_category="S", vat_rate=D(20))
    done = complete(invoice(line("10", "10", allowances=(of_line,)), allowances=(of_document,), charges=(freight,)))
    assert done.lines[0].allowances[0] == LineAllowanceCharge(
        amount=D("10.00"), base_amount=D("100.00"), percentage=D(10)
    )
    assert done.lines[0].net_amount == D("90.00")
    assert done.charges[0].amount == D("2.25")
    assert done.totals.allowances == D("5.00")
    assert done.totals.charges == D("2.25")
    assert done.totals.without_vat == D("87.25") == done.vat_breakdown[0].taxable_amount


def test_prepaid_and_rounding_lead_to_the_amount_due() -> None:
    done = complete(invoice(line("1", "100"), totals=Totals(paid=D("20.00"), rounding=D("-0.01"))))
    assert (done.totals.with_vat, done.totals.due) == (D("120.00"), D("99.99"))


def test_price_base_quantity_gross_and_discount_are_understood() -> None:
    by_the_hundred = line("250", "0", price=Price(gross=D("9"), discount=D("1"), base_quantity=D(100)))
    assert complete(invoice(by_the_hundred)).lines[0].net_amount == D("20.00")


def test_negative_lines_are_returned_goods() -> None:
    done = complete(invoice(line("2", "10"), line("-3", "10")))
    assert done.totals.with_vat == D("-12.00")


def test_an_exemption_keeps_its_reason_and_gets_its_sums() -> None:
    reason = VatBreakdown(
        taxable_amount=None, tax_amount=None, category="E", rate=D(0), exemption_reason="Art. 261 CGI"
    )
    done = complete(invoice(line("1", "50", "0", "E"), line("1", "10"), vat_breakdown=(reason,)))
    assert done.vat_breakdown[0] == dataclasses.replace(reason, taxable_amount=D("50.00"), tax_amount=D("0.00"))
    assert done.vat_breakdown[1].tax_amount == D("2.00")


def test_what_is_stated_is_never_changed() -> None:
    assert complete(full_invoice()) == full_invoice()
    wrong = invoice(line("1", "100", net_amount=D("99.00")), totals=Totals(vat=D("1.00")))
    assert complete(wrong).totals.with_vat == D("100.00")


def test_huge_numbers_stay_exact() -> None:
    done = complete(invoice(line("1", "12345678901234567890123456789.01")))
    assert done.totals.line_net == D("12345678901234567890123456789.01")


@needs_corpora
def test_the_official_examples_compute_to_what_they_state() -> None:
    from faitfoi.einvoice.reading import read

    checked = 0
    for path in sorted((CORPORA / "en16931-examples").rglob("*.xml")):
        if "edifact" in str(path) or "RoundingIssue" in path.name:
            continue
        stated = read(path.read_bytes()).invoice
        facts = Totals(
            paid=stated.totals.paid,
            rounding=stated.totals.rounding,
            vat_in_accounting_currency=stated.totals.vat_in_accounting_currency,
        )
        parts = tuple(dataclasses.replace(part, taxable_amount=None) for part in stated.vat_breakdown)
        done = complete(dataclasses.replace(stated, totals=facts, vat_breakdown=parts))
        assert done.totals.line_net == stated.totals.line_net, path.name
        assert done.totals.without_vat == stated.totals.without_vat, path.name
        assert done.totals.due == stated.totals.due, path.name
        checked += 1
    assert checked > 25


def test_vat_is_told_in_the_accounting_currency_at_the_rate_given() -> None:
    foreign = invoice(line("1", "100"), currency="CHF", vat_currency="EUR")
    assert complete(foreign).totals.vat_in_accounting_currency is None
    assert complete(foreign, exchange_rate=D("1.0731")).totals.vat_in_accounting_currency == D("21.46")
    stated = CurrencyExchange(source="CHF", target="EUR", rate=D("1.5"))
    told = dataclasses.replace(foreign, extended=InvoiceExtension(currency_exchange=stated))
    assert complete(told).totals.vat_in_accounting_currency == D("30.00")
    backwards = dataclasses.replace(stated, source="EUR", target="CHF")
    told = dataclasses.replace(foreign, extended=InvoiceExtension(currency_exchange=backwards))
    assert complete(told).totals.vat_in_accounting_currency is None


def test_groups_add_up_and_do_not_count_twice() -> None:
    def inside(parent: str, subtype: str) -> LineExtension:
        return LineExtension(parent_line=parent, subtype=subtype)

    group = line("1", "0", identifier="1", extended=inside("", "GROUP"))
    inner = line("1", "0", identifier="1.1", extended=inside("1", "GROUP"))
    first = line("2", "10", identifier="1.1.1", extended=inside("1.1", "DETAIL"))
    second = line("1", "5", identifier="1.2", extended=inside("1", "DETAIL"))
    told = line("9", "99", identifier="1.3", extended=inside("1", "INFORMATION"))
    done = complete(invoice(group, inner, first, second, told, line("1", "100", identifier="2")))
    assert [each.net_amount for each in done.lines][:2] == [D("25.00"), D("20.00")]
    assert done.totals.line_net == done.vat_breakdown[0].taxable_amount == D("125.00")


quantities = st.decimals(min_value=-1000, max_value=1000, places=3).filter(bool)
unit_prices = st.decimals(min_value=0, max_value=10_000, places=4)
shares = st.decimals(min_value=0, max_value=99, places=1)
rates = st.sampled_from([D(20), D(10), D("5.5"), D("2.1")])
line_allowances = st.builds(
    LineAllowanceCharge, amount=st.none(), percentage=shares, reason=st.just("Remise"), reason_code=st.just("95")
)


@st.composite
def priced_lines(draw: st.DrawFn, identifier: str) -> InvoiceLine:
    made = line(str(draw(quantities)), str(draw(unit_prices)), str(draw(rates)), identifier=identifier)
    return dataclasses.replace(made, allowances=tuple(draw(st.lists(line_allowances, max_size=2))))


@st.composite
def stated_by_lines(draw: st.DrawFn) -> Invoice:
    """A valid invoice of which only lines, allowances and what was paid are given."""
    count = draw(st.integers(min_value=1, max_value=5))
    lines = tuple(draw(priced_lines(str(number + 1))) for number in range(count))
    rate = lines[0].vat.rate
    charge = DocumentAllowanceCharge(
        amount=draw(st.decimals(min_value=0, max_value=100, places=2)),
        vat_category="S",
        vat_rate=rate,
        reason="Port",
        reason_code="FC",
    )
    paid = draw(st.none() | st.decimals(min_value=0, max_value=1000, places=2))
    return dataclasses.replace(
        plain(),
        lines=lines,
        charges=(charge,) if draw(st.booleans()) else (),
        totals=Totals(paid=paid),
        vat_breakdown=(),
        vat_currency="CHF" if draw(st.booleans()) else "",
    )


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(stated_by_lines())
def test_an_invoice_built_from_its_lines_breaks_no_rule(stated: Invoice) -> None:
    done = complete(stated, exchange_rate=D("0.9371"))
    for syntax in (Syntax.CII, Syntax.UBL_INVOICE):
        broken = [each for each in check_rules(done, syntax=syntax, families=(Family.EN16931,)) if _is_fatal(each)]
        assert broken == []
    assert complete(done) == done


def _is_fatal(finding: Finding) -> bool:
    return finding.severity is Severity.FATAL
