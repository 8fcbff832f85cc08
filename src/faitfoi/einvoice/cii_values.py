"""Small things of the CII syntax that many groups share: namespaces, dates, indicators."""

import re
from datetime import date
from typing import Final

from faitfoi.einvoice.model import Identifier
from faitfoi.einvoice.xml_groups import Group, Source, identifier, truth
from faitfoi.einvoice.xml_out import Out

RSM: Final = "{urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100}"
RAM: Final = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"
UDT: Final = "{urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100}"
QDT: Final = "{urn:un:unece:uncefact:data:standard:QualifiedDataType:100}"
NAMESPACES: Final = {
    "rsm": RSM[1:-1],
    "ram": RAM[1:-1],
    "udt": UDT[1:-1],
    "qdt": QDT[1:-1],
}

# UNTDID 2379: 102 is CCYYMMDD; 203, 204 and 205 add a time after it, which EN 16931 does not keep.
_WITH_DAY_FIRST = frozenset({"", "102", "203", "204", "205"})
_DIGITS = re.compile(r"[0-9]{8,18}(?:[+-][0-9]{4})?")


def source() -> Source:
    """A CII document to read: values and groups share one namespace."""
    return Source(leaf=RAM, branch=RAM)


def read_date(group: Group, name: str, term: str) -> date | None:
    """The day in `name` (a wrapper around one DateTimeString or DateString); None when absent or unreadable."""
    wrapper = group.element(name, term)
    if wrapper is None:
        return None
    holder = wrapper[0] if len(wrapper) else wrapper
    text = (holder.text or "").strip()
    if not text:
        return None
    if holder.get("format", "").strip() in _WITH_DAY_FIRST and _DIGITS.fullmatch(text):
        try:
            return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
        except ValueError:
            pass
    group.source.unreadable(holder, term=term, expected="une date AAAAMMJJ (format 102)")
    return None


def write_date(out: Out, name: str, value: date | None, *, string: str = "udt:DateTimeString") -> None:
    """Write `value` in format 102 inside `name`; `string` is the inner element, which three types name differently."""
    if value is not None:
        out.wrapped(name, string, value.isoformat().replace("-", ""), ' format="102"')


def read_true(group: Group, name: str, term: str) -> bool:
    """Whether the indicator called `name` says true; it is false when absent."""
    wrapper = group.element(name, term)
    return wrapper is not None and len(wrapper) > 0 and (wrapper[0].text or "").strip() in {"true", "1"}


def write_true(out: Out, name: str) -> None:
    """Write an indicator that says true."""
    out.wrapped(name, "udt:Indicator", "true")


def read_indicator(group: Group) -> bool | None:
    """ChargeIndicator: True for a charge, False for an allowance, None when absent or unreadable (reported)."""
    wrapper = group.element("ChargeIndicator")
    if wrapper is None or not len(wrapper):
        return None
    return truth(group, (wrapper[0].text or "").strip())


def write_indicator(out: Out, *, charge: bool) -> None:
    """Write ChargeIndicator."""
    out.wrapped("ChargeIndicator", "udt:Indicator", "true" if charge else "false")


def read_identifiers(group: Group) -> tuple[Identifier, ...]:
    """ID (no scheme) then GlobalID (with scheme) of a party or place."""
    elements = [*group.elements("ID"), *group.elements("GlobalID")]
    return tuple(found for element in elements if (found := identifier(element)) is not None)


def write_identifiers(out: Out, identifiers: tuple[Identifier, ...]) -> None:
    """Write those without a scheme as ID, then those with one as GlobalID, as the schema orders them."""
    for value in identifiers:
        if not value.scheme:
            out.text("ID", value.value)
    for value in identifiers:
        if value.scheme:
            out.identifier("GlobalID", value)


def one_identifier(group: Group, term: str) -> Identifier | None:
    """The only identifier that EN 16931 has room for; more are reported."""
    found = read_identifiers(group)
    if len(found) > 1:
        from_them = ", ".join(other.value for other in found[1:])
        group.remark_repeated(f"{term} est donné plusieurs fois, seul le premier est repris (sans {from_them}).", term)
    return found[0] if found else None
