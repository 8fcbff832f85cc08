"""Mutations of what is said: numbers, rates, codes, dates, schemes, currencies."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation

from tests.conformance.mutation import mutation, register
from tests.conformance.structure import breakdown
from tests.conformance.tree import (
    AMOUNTS,
    COUNTRIES,
    CURRENCIES,
    DATES,
    LINES,
    PERCENTAGES,
    PRICES,
    QUANTITIES,
    RATES,
    REASON_CODES,
    TOTALS,
    Element,
    Tree,
    is_category,
    name_of,
    parent_of,
    text_of,
)

CENT = Decimal("0.01")


def number_of(element: Element) -> Decimal | None:
    """The number in a leaf, None when it holds none."""
    try:
        return Decimal(text_of(element))
    except InvalidOperation:
        return None


def _numbers(name: str, names: frozenset[str], change: Callable[[Decimal], Decimal | str]) -> None:
    def apply(tree: Tree) -> bool:
        element = tree.leaf(names)
        number = None if element is None else number_of(element)
        if element is None or number is None:
            return False
        changed = change(number)
        element.text = changed if isinstance(changed, str) else format(changed, "f")
        return element.text != format(number, "f")

    register(name, apply)


_numbers("an amount with the other sign", AMOUNTS, lambda number: -number)
_numbers("an amount of nought", AMOUNTS, lambda number: Decimal("0.00"))
_numbers("an amount ten times as big", AMOUNTS, lambda number: number * 10)
_numbers("an amount a cent too big", AMOUNTS, lambda number: number + CENT)
_numbers("an amount a cent too small", AMOUNTS, lambda number: number - CENT)
_numbers("an amount one euro too big", AMOUNTS, lambda number: number + 1)
_numbers("a total a cent too big", TOTALS, lambda number: number + CENT)
_numbers("a total a cent too small", TOTALS, lambda number: number - CENT)
_numbers("a total two cents too big", TOTALS, lambda number: number + 2 * CENT)
_numbers("an amount with three decimals", AMOUNTS, lambda number: number + Decimal("0.001"))
_numbers("an amount with a third decimal of nought", AMOUNTS, lambda number: f"{number:f}0")
_numbers("an amount without decimals", AMOUNTS, lambda number: f"{number:.0f}")
_numbers("an amount of twenty digits", AMOUNTS, lambda number: "12345678901234567.89")
_numbers("an amount of nineteen digits", AMOUNTS, lambda number: "-1234567890123456.78")
_numbers("a leading nought", AMOUNTS | RATES, lambda number: f"0{number:f}" if number >= 0 else f"-0{-number:f}")
_numbers("a leading plus", AMOUNTS | RATES, lambda number: f"+{number:f}")
_numbers("a price with the other sign", PRICES, lambda number: -number)
_numbers("a price of nought", PRICES, lambda number: Decimal(0))
_numbers("a price with seven decimals", PRICES, lambda number: f"{number:.7f}")
_numbers("a price with six decimals", PRICES, lambda number: f"{number:.6f}")
_numbers("a quantity with the other sign", QUANTITIES, lambda number: -number)
_numbers("a quantity of nought", QUANTITIES, lambda number: Decimal(0))
_numbers("a quantity with five decimals", QUANTITIES, lambda number: f"{number:.5f}")
_numbers("a quantity one too many", QUANTITIES, lambda number: number + 1)
_numbers("a rate of nought", RATES, lambda number: Decimal(0))
_numbers("a rate below nought", RATES, lambda number: -number)
_numbers("a rate with three decimals", RATES, lambda number: f"{number:.3f}")
_numbers("a rate with two decimals", RATES, lambda number: f"{number:.2f}")
_numbers("a rate with one decimal", RATES, lambda number: f"{number:.1f}")
_numbers("a percentage one too many", PERCENTAGES, lambda number: number + 1)


@mutation
def another_rate(tree: Tree) -> bool:
    """A French rate, a foreign one, or none that exists."""
    return _one_of(tree, tree.leaf(RATES), ["20", "10", "5.5", "2.1", "8.5", "1.05", "19", "21", "25.5", "0", "7.7"])


@mutation
def another_rate_everywhere(tree: Tree) -> bool:
    """Lines, allowances and breakdown agree on another rate, not on its tax."""
    rates = tree.all(lambda element: name_of(element) in RATES)
    changed = tree.dice.choice(["0", "19", "5.5", "21", "20.00"])
    for element in rates:
        element.text = changed
    return bool(rates)


_CATEGORIES = ["S", "Z", "E", "AE", "K", "G", "O", "L", "M"]


@mutation
def another_category(tree: Tree) -> bool:
    """One category of VAT changed: lines and breakdown no longer agree."""
    return _one_of(tree, tree.category(), _CATEGORIES)


@mutation
def another_category_everywhere(tree: Tree) -> bool:
    """Every category changed at once: the rules of the new family apply."""
    found = tree.all(is_category)
    changed = tree.dice.choice(_CATEGORIES)
    for element in found:
        element.text = changed
    return bool(found)


@mutation
def an_untaxed_category_everywhere(tree: Tree) -> bool:
    """Every category and rate changed at once to one without tax, and the tax amounts to nought."""
    found = tree.all(is_category)
    changed = tree.dice.choice([category for category in _CATEGORIES if category != "S"])
    for element in found:
        element.text = changed
    for element in tree.all(lambda element: name_of(element) in RATES):
        element.text = "0"
    for part in breakdown(tree):
        for element in part:
            if name_of(element) in {"CalculatedAmount", "TaxAmount"}:
                element.text = "0.00"
    return bool(found)


@mutation
def a_category_that_does_not_exist(tree: Tree) -> bool:
    """Neither EN 16931 nor UNTDID 5305 know it in this form."""
    return _one_of(tree, tree.category(), ["X", "s", "SS", "B", "AA", "VAT"])


@mutation
def another_type_of_document(tree: Tree) -> bool:
    """A code of UNTDID 1001 that France knows, that EN 16931 knows, or that nobody knows."""
    element = tree.at("ExchangedDocument/TypeCode", "InvoiceTypeCode")
    if element is None:
        element = tree.at("ExchangedDocument/TypeCode", "CreditNoteTypeCode")
    codes = "380 381 384 386 389 393 396 261 262 471 472 473 500 501 502 503 325 326 130 751 9999 38"
    return _one_of(tree, element, codes.split())


@mutation
def another_country(tree: Tree) -> bool:
    """A country elsewhere, in small letters, or that does not exist."""
    return _one_of(tree, tree.leaf(COUNTRIES), ["DE", "CH", "GB", "XI", "EL", "GR", "fr", "FRA", "ZZ", "1A"])


@mutation
def another_currency_of_the_document(tree: Tree) -> bool:
    """The amounts keep the old one."""
    return _one_of(tree, tree.leaf(CURRENCIES), ["EUR", "USD", "CHF", "eur", "XXQ", "EURO"])


@mutation
def another_currency_of_an_amount(tree: Tree) -> bool:
    """One amount says another currency than the document."""
    element = tree.pick(lambda element: "currencyID" in element.attrib)
    if element is None:
        return False
    element.set("currencyID", tree.dice.choice(["USD", "CHF", "XXQ", "eur"]))
    return True


@mutation
def another_currency_everywhere(tree: Tree) -> bool:
    """The whole invoice in dollars, with nothing in euros."""
    found = tree.all(lambda element: name_of(element) in CURRENCIES or "currencyID" in element.attrib)
    for element in found:
        if name_of(element) in CURRENCIES:
            element.text = "USD"
        else:
            element.set("currencyID", "USD")
    return bool(found)


@mutation
def another_unit(tree: Tree) -> bool:
    """Recommendation 20 or 21, or neither."""
    element = tree.pick(lambda element: "unitCode" in element.attrib)
    if element is None:
        return False
    element.set("unitCode", tree.dice.choice(["KGM", "XPP", "HUR", "PCE", "c62", "ZZZZ", "EA", "1"]))
    return True


@mutation
def another_scheme(tree: Tree) -> bool:
    """An identifier of another scheme: of France, of elsewhere, of nowhere."""
    element = tree.pick(lambda element: "schemeID" in element.attrib)
    if element is None:
        return False
    schemes = "0002 0009 0060 0088 0160 0224 0225 0231 0238 9957 EM VA FC 9999 SIREN IBAN SEPA 2"
    element.set("schemeID", tree.dice.choice(schemes.split()))
    return True


@mutation
def a_scheme_where_there_was_none(tree: Tree) -> bool:
    """An identifier that now says a scheme."""
    element = tree.pick(
        lambda element: len(element) == 0 and name_of(element) in {"ID", "GlobalID"} and not element.attrib
    )
    if element is None:
        return False
    element.set("schemeID", tree.dice.choice(["0002", "0009", "0088", "9999"]))
    return True


@mutation
def another_payment_means(tree: Tree) -> bool:
    """A code of UNTDID 4461, with or without the account it needs."""
    parents = {"SpecifiedTradeSettlementPaymentMeans", "PaymentMeans"}
    element = tree.pick(
        lambda element: name_of(element) in {"TypeCode", "PaymentMeansCode"} and parent_of(element) in parents
    )
    return _one_of(tree, element, ["1", "10", "20", "30", "42", "48", "49", "57", "58", "59", "97", "ZZZ", "999", "0"])


@mutation
def another_reason_code(tree: Tree) -> bool:
    """A code of the allowances, of the charges, of neither."""
    return _one_of(tree, tree.leaf(REASON_CODES), ["95", "41", "FC", "AAA", "ABL", "999", "ZZZ", "fc"])


@mutation
def another_exemption_code(tree: Tree) -> bool:
    """A VATEX code of another reason, in small letters, or unknown."""
    codes = ["VATEX-EU-O", "VATEX-EU-G", "VATEX-FR-FRANCHISE", "vatex-eu-ic", "VATEX-FR-XX", "EXO", "VATEX-EU-AE"]
    return _one_of(tree, tree.leaf(frozenset({"ExemptionReasonCode", "TaxExemptionReasonCode"})), codes)


@mutation
def another_list_of_classes(tree: Tree) -> bool:
    """A list of UNTDID 7143, or not."""
    element = tree.pick(lambda element: "listID" in element.attrib)
    if element is None:
        return False
    element.set("listID", tree.dice.choice(["STI", "HS", "CPV", "ZZZ", "XX9", ""]))
    return True


@mutation
def another_type_of_file(tree: Tree) -> bool:
    """A media type that EN 16931 takes, or not."""
    element = tree.pick(lambda element: "mimeCode" in element.attrib)
    if element is None:
        return False
    element.set("mimeCode", tree.dice.choice(["application/pdf", "image/png", "text/html", "application/zip", ""]))
    return True


@mutation
def another_vat_country(tree: Tree) -> bool:
    """A VAT number of another country, of none, or of Greece under both its codes."""
    groups = {"SpecifiedTaxRegistration": "ID", "PartyTaxScheme": "CompanyID"}
    element = tree.pick(lambda element: groups.get(parent_of(element)) == name_of(element))
    if element is None:
        return False
    prefix = tree.dice.choice(["DE", "EL", "GR", "XI", "fr", "", "ZZ", "00"])
    element.text = prefix + text_of(element)[2:]
    return True


@mutation
def an_unreasonable_text(tree: Tree) -> bool:
    """A value of 300 characters, with accents and signs."""
    element = tree.leaf(frozenset({"Name", "RegistrationName", "Content", "Note", "Description", "ID", "LineOne"}))
    if element is None:
        return False
    element.text = "Éléments & <signes> « ½ » 𝄞 " * 11
    return True


@mutation
def the_same_identifier_for_every_line(tree: Tree) -> bool:
    """BT-126 says nothing any more."""
    found = tree.all(lambda element: name_of(element) == "LineID") if tree.is_cii else []
    found += [line[0] for line in tree.lines() if len(line) and name_of(line) in LINES and name_of(line[0]) == "ID"]
    for element in found:
        element.text = "1"
    return len(found) > 1


def day_of(element: Element) -> date | None:
    """The day in a leaf, None when it holds none."""
    try:
        return date.fromisoformat(text_of(element))
    except ValueError:
        return None


def _days(name: str, change: Callable[[date], date | str]) -> None:
    def apply(tree: Tree) -> bool:
        element = tree.leaf(DATES)
        day = None if element is None else day_of(element)
        if element is None or day is None:
            return False
        changed = change(day)
        text = changed if isinstance(changed, str) else changed.isoformat()
        element.text = text.replace("-", "") if tree.is_cii else text
        return True

    register(name, apply)


_days("a day a year later", lambda day: day + timedelta(days=365))
_days("a day a year sooner", lambda day: day - timedelta(days=365))
_days("the day before", lambda day: day - timedelta(days=1))
_days("a day of the last century", lambda day: day.replace(year=1999))
_days("a day of the next century", lambda day: day.replace(year=2100))
_days("a day in a year before Christ", lambda day: "0000-01-01")
_days("the 29 February of a common year", lambda day: "2026-02-29")
_days("the 29 February of a leap year", lambda day: day.replace(year=2028, month=2, day=29))


@mutation
def a_date_that_is_none(tree: Tree) -> bool:
    """A word, another order, a time."""
    return _one_of(tree, tree.leaf(DATES), ["demain", "20/11/2026", "2026-11", "202611201200"])


@mutation
def another_format_of_a_date(tree: Tree) -> bool:
    """CII says how a date is written (UNTDID 2379)."""
    element = tree.pick(lambda element: "format" in element.attrib)
    if element is None:
        return False
    element.set("format", tree.dice.choice(["203", "610", "101", "", "718"]))
    return True


def _one_of(tree: Tree, element: Element | None, values: list[str]) -> bool:
    if element is None:
        return False
    others = [value for value in values if value != text_of(element)]
    element.text = tree.dice.choice(others)
    return True
