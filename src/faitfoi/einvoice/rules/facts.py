"""Gathers the facts of a document (see `source`) in one pass over its elements, by what each syntax says of them."""

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import TypeAlias

from lxml import etree

from faitfoi.einvoice.rules.marks import BLANK, NOT_VAT
from faitfoi.einvoice.rules.source import Means, VatTotal
from faitfoi.einvoice.xml_groups import NUMBER, clean

Edit: TypeAlias = Callable[[etree._Element], None]  # noqa: SLF001 - lxml has no public name for an element


class Facts:
    """What has been found so far; `edits` are made to a copy of the document before the model is read again."""

    def __init__(self, *, spaces: str = BLANK) -> None:
        self.spaces = spaces
        self.vat_totals: list[VatTotal] = []
        self.means: list[Means] = []
        self.currency_ids: set[str] = set()
        self.vat_identifiers: set[str] = set()
        self.present: set[str] = set()
        self.faults: dict[str, etree._Element] = {}
        self.inner_codes: set[str] = set()
        self.loose_codes: set[str] = set()
        self.units: set[str] = set()
        self.uncoded: set[str] = set()
        self.services = 0
        self.odd_indicators = False
        self.currency = ""
        self.vat_currencies: list[str] = []
        self.edits: dict[etree._Element, list[Edit]] = {}

    def edit(self, element: etree._Element, edit: Edit) -> None:
        """Ask for `edit` to be made to the twin of `element`, after those asked for before."""
        self.edits.setdefault(element, []).append(edit)


Handler: TypeAlias = Callable[[Facts, etree._Element], None]  # noqa: SLF001


def write(text: str) -> Edit:
    """The edit that replaces the text of an element, by a mark most of the time."""

    def edit(twin: etree._Element) -> None:
        twin.text = text

    return edit


def rename(tag: str) -> Edit:
    """The edit that gives an element another name."""

    def edit(twin: etree._Element) -> None:
        twin.tag = tag

    return edit


def not_vat(twin: etree._Element) -> None:
    """Mark a VAT category whose tax does not say it is VAT."""
    twin.text = NOT_VAT + (twin.text or "").strip()


def drop(twin: etree._Element) -> None:
    """Leave an element out: it says neither that it is an allowance nor that it is a charge."""
    parent = twin.getparent()
    if parent is not None:
        parent.remove(twin)


def gather(
    root: etree._Element,
    handlers: Mapping[str, Handler],
    *,
    spaces: str = BLANK,
    groups: Collection[object] = (),
) -> Facts:
    """All facts of one document; `handlers` by element name, `groups` the elements that hold others but may be empty.

    Those are not marked as blank: a schema may require them, and no rule looks at their text. `spaces` is the mark of
    an element that only holds white space.
    """
    facts = Facts(spaces=spaces)
    # Nearly every element says something or holds others: the loop over all of them must be the shortest there is.
    for element in [each for each in root.iter() if not (text := each.text) or text[-1].isspace()]:
        if not len(element):
            text = element.text
            if text and not text.isspace():
                _padded(facts, element, text)
            elif element.tag not in groups:
                facts.edit(element, write(spaces if text else BLANK))
    for element in root.iter(*handlers):
        handlers[element.tag](facts, element)
    return facts


def _padded(facts: Facts, element: etree._Element, text: str) -> None:
    """Give a number as many decimals as the sheets count: to them the white space behind it is decimals too."""
    number = clean(text)
    if "." in number and NUMBER.fullmatch(number):
        facts.edit(element, write(number + "0" * (len(text) - len(text.rstrip()))))


def number_in(element: etree._Element | None) -> Decimal | None:
    """The number that `element` holds, None when it is absent or holds none."""
    text = "" if element is None else clean(element.text)
    return Decimal(text) if NUMBER.fullmatch(text) else None


def currency(facts: Facts, element: etree._Element) -> None:
    """Keep the invoice's currency as written, white space included."""
    facts.currency = facts.currency or element.text or ""


def vat_currency(facts: Facts, element: etree._Element) -> None:
    """Keep the currency for VAT accounting as written, white space included."""
    facts.vat_currencies.append(element.text or "")


def quantity(facts: Facts, element: etree._Element) -> None:
    """Keep the unit of a quantity, and ask for it to be marked when it is there but empty."""
    unit = element.get("unitCode")
    if unit is not None:
        facts.units.add(clean(unit) or BLANK)
    if unit == "":
        facts.edit(element, lambda twin: twin.set("unitCode", BLANK))


def is_present(what: str) -> Handler:
    """A handler that notes that `what` is there."""

    def handle(facts: Facts, _element: etree._Element) -> None:
        facts.present.add(what)

    return handle


def empty_attribute(name: str) -> Handler:
    """A handler that asks for the attribute `name` to be marked when it is empty."""

    def handle(facts: Facts, element: etree._Element) -> None:
        if element.get(name) == "":
            facts.edit(element, lambda twin: twin.set(name, BLANK))

    return handle
