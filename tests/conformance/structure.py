"""Mutations of what is there: removed, repeated, emptied, moved."""

import copy

from tests.conformance.mutation import mutation, register
from tests.conformance.tree import (
    AMOUNTS,
    COUNTRIES,
    CURRENCIES,
    DATES,
    EXEMPTION,
    LINES,
    NUMBERS,
    PRICES,
    QUANTITIES,
    RATES,
    REASON_CODES,
    REASONS,
    TOTALS,
    Element,
    Tree,
    after,
    is_category,
    name_of,
    remove,
    text_of,
)


def _remove_one(name: str, names: frozenset[str]) -> None:
    def change(tree: Tree) -> bool:
        element = tree.leaf(names)
        if element is None:
            return False
        remove(element)
        return True

    register(f"remove {name}", change)


for _name, _names in {
    "an amount": AMOUNTS,
    "a total": TOTALS,
    "a price": PRICES,
    "a quantity": QUANTITIES,
    "a rate": RATES,
    "a date": DATES,
    "a country": COUNTRIES,
    "a currency": CURRENCIES,
    "an exemption": EXEMPTION,
    "a reason": REASONS,
    "a reason code": REASON_CODES,
}.items():
    _remove_one(_name, _names)


@mutation
def remove_any_leaf(tree: Tree) -> bool:
    """Any value at all."""
    element = tree.leaf()
    if element is None:
        return False
    remove(element)
    return True


@mutation
def remove_any_group(tree: Tree) -> bool:
    """A party, an address, a breakdown, a period…"""
    element = tree.group()
    if element is None:
        return False
    remove(element)
    return True


@mutation
def remove_a_category(tree: Tree) -> bool:
    """The VAT category of a line, of an allowance or of the breakdown."""
    element = tree.category()
    if element is None:
        return False
    remove(element)
    return True


@mutation
def remove_an_attribute(tree: Tree) -> bool:
    """A scheme, a currency, a unit."""
    element = tree.pick(lambda element: len(element.attrib) > 0)
    if element is None:
        return False
    del element.attrib[tree.dice.choice(sorted(element.attrib))]
    return True


@mutation
def remove_a_line(tree: Tree) -> bool:
    """The totals then say too much."""
    lines = tree.lines()
    if lines:
        remove(tree.dice.choice(lines))
    return bool(lines)


@mutation
def remove_every_line(tree: Tree) -> bool:
    """An invoice of nothing."""
    lines = tree.lines()
    for line in lines:
        remove(line)
    return bool(lines)


@mutation
def remove_the_breakdown(tree: Tree) -> bool:
    """No VAT breakdown (BG-23) at all."""
    parts = breakdown(tree)
    for part in parts:
        remove(part)
    return bool(parts)


@mutation
def remove_a_vat_identifier(tree: Tree) -> bool:
    """The VAT number of seller, buyer or tax representative."""
    groups = tree.all(lambda element: name_of(element) in {"SpecifiedTaxRegistration", "PartyTaxScheme"})
    if groups:
        remove(tree.dice.choice(groups))
    return bool(groups)


@mutation
def remove_every_vat_identifier(tree: Tree) -> bool:
    """Nobody has a VAT number."""
    groups = tree.all(lambda element: name_of(element) in {"SpecifiedTaxRegistration", "PartyTaxScheme"})
    for group in groups:
        remove(group)
    return bool(groups)


@mutation
def repeat_any_leaf(tree: Tree) -> bool:
    """The same value twice."""
    return _repeat(tree.leaf())


@mutation
def repeat_any_group(tree: Tree) -> bool:
    """The same group twice."""
    return _repeat(tree.group())


@mutation
def repeat_a_line(tree: Tree) -> bool:
    """The same line twice, with its identifier."""
    return _repeat(tree.group(LINES))


@mutation
def repeat_a_breakdown(tree: Tree) -> bool:
    """The same category and rate twice."""
    parts = breakdown(tree)
    return _repeat(tree.dice.choice(parts)) if parts else False


@mutation
def repeat_payment_means(tree: Tree) -> bool:
    """Two ways to pay."""
    return _repeat(tree.group(frozenset({"SpecifiedTradeSettlementPaymentMeans", "PaymentMeans"})))


@mutation
def empty_any_leaf(tree: Tree) -> bool:
    """An element with nothing in it."""
    element = tree.leaf()
    if element is None:
        return False
    element.text = None
    return True


@mutation
def blank_any_leaf(tree: Tree) -> bool:
    """An element with only spaces in it."""
    element = tree.leaf()
    if element is None:
        return False
    element.text = "  "
    return True


@mutation
def empty_any_group(tree: Tree) -> bool:
    """A group with nothing in it."""
    element = tree.group()
    if element is None:
        return False
    for child in list(element):
        element.remove(child)
    element.text = None
    return True


@mutation
def empty_an_attribute(tree: Tree) -> bool:
    """A scheme, a currency, a unit of nothing."""
    element = tree.pick(lambda element: len(element.attrib) > 0)
    if element is None:
        return False
    element.set(tree.dice.choice(sorted(element.attrib)), "")
    return True


@mutation
def pad_any_leaf(tree: Tree) -> bool:
    """Spaces around a value, as some programs leave."""
    element = tree.leaf()
    if element is None:
        return False
    element.text = tree.dice.choice([" {}", "{} ", "\n {}\n "]).format(element.text or "")
    return True


@mutation
def swap_two_amounts(tree: Tree) -> bool:
    """Two amounts each in the other's place."""
    return _swap(tree, tree.all(lambda element: name_of(element) in AMOUNTS))


@mutation
def swap_two_totals(tree: Tree) -> bool:
    """Two totals each in the other's place."""
    return _swap(tree, tree.all(lambda element: name_of(element) in TOTALS))


@mutation
def swap_two_categories(tree: Tree) -> bool:
    """Two VAT categories each in the other's place."""
    return _swap(tree, tree.all(is_category))


@mutation
def swap_two_texts(tree: Tree) -> bool:
    """Two values that are no numbers each in the other's place."""
    return _swap(tree, tree.all(lambda element: len(element) == 0 and name_of(element) not in NUMBERS | DATES))


@mutation
def swap_two_lines(tree: Tree) -> bool:
    """Lines in another order: nothing wrong."""
    lines = tree.lines()
    if len(lines) < 2:
        return False
    after(lines[1], lines[0])
    return True


@mutation
def swap_seller_and_buyer(tree: Tree) -> bool:
    """Each party in the other's place."""
    seller = tree.at(_AGREEMENT + "SellerTradeParty", "AccountingSupplierParty")
    buyer = tree.at(_AGREEMENT + "BuyerTradeParty", "AccountingCustomerParty")
    if seller is None or buyer is None:
        return False
    content = list(seller), list(buyer)
    seller[:], buyer[:] = content[1], content[0]
    return True


_AGREEMENT = "SupplyChainTradeTransaction/ApplicableHeaderTradeAgreement/"


def breakdown(tree: Tree) -> list[Element]:
    """The groups of the VAT breakdown (BG-23)."""
    if tree.is_cii:
        settlement = "SupplyChainTradeTransaction/ApplicableHeaderTradeSettlement"
        found = tree.within(settlement, "", "ApplicableTradeTax")
        return [part for part in found if part.getparent() is tree.at(settlement, "")]
    return tree.all(lambda element: name_of(element) == "TaxSubtotal")


def _repeat(element: Element | None) -> bool:
    if element is None:
        return False
    after(element, copy.deepcopy(element))
    return True


def _swap(tree: Tree, elements: list[Element]) -> bool:
    if len(elements) < 2:
        return False
    one, other = tree.dice.sample(elements, 2)
    if text_of(one) == text_of(other):
        return False
    one.text, other.text = other.text, one.text
    return True
