"""Which terms each profile and each syntax has a place for, and how an invoice is made to fit.

The writers write whatever their syntax has a place for: what a profile does not take is left out here, before, and
named. Source: the schemas and sheets of Factur-X 1.09, EN 16931-3-2 and -3-3; held to them by the tests.
"""

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import TypeAlias, TypeVar

from faitfoi.einvoice.model import Invoice, term_of, terms
from faitfoi.einvoice.profiles import Profile

T = TypeVar("T")

NOT_IN_UBL = frozenset(
    {
        "notes[].content_code",
        "seller.contact.department",
        "buyer.contact.department",
        "payee.trading_name",
        "payee.contact.department",
        "delivery.contact.department",
        "vat_breakdown[].lines_amount",
        "vat_breakdown[].allowances_and_charges",
        *(
            f"extended.{party}.contact.department"
            for party in ("seller_agent", "buyer_agent", "invoicer", "invoicee", "payer")
        ),
        "extended.test",
        "extended.document_name",
        "extended.language",
        "extended.buyer_tax_representative",
        "extended.product_end_user",
        "extended.delivery_terms.country",
        "extended.sales_order_date",
        "extended.quotation",
        "extended.ultimate_customer_orders[]",
        "extended.transport_modes[]",
        "extended.ultimate_ship_to",
        "extended.ship_from",
        "extended.contracts[].line",
        "extended.despatch_advices[].line",
        "extended.receiving_advices[].line",
        "extended.delivery_note",
        "extended.issuer_reference",
        "extended.partial_amount",
        "extended.discount",
        "extended.penalty",
        "extended.more_terms[]",
        "extended.accounting_type",
        "lines[].extended.status",
        "lines[].extended.notes[].content_code",
        "lines[].extended.item.identifier",
        "lines[].extended.item.industry_identifier",
        "lines[].extended.item.model_identifier",
        "lines[].extended.item.batches[]",
        "lines[].extended.item.included_items[]",
        "lines[].extended.delivery_terms.country",
        "lines[].extended.sales_order.issue_date",
        "lines[].extended.sales_order.type_code",
        "lines[].extended.despatch_advice.type_code",
        "lines[].extended.receiving_advice.type_code",
        "lines[].extended.quotation",
        "lines[].extended.contract",
        "lines[].extended.documents[].line",
        "lines[].extended.price_discount_base",
        "lines[].extended.seller.contact.department",
        "lines[].extended.ultimate_customer_orders[]",
        "lines[].extended.charge_free_quantity",
        "lines[].extended.package_quantity",
        "lines[].extended.quantity_per_package",
        "lines[].extended.delivery.contact.department",
        "lines[].extended.delivery_note",
        "lines[].extended.with_vat",
        "lines[].extended.accounting_type",
    }
)
"""Field paths of what UBL has no place for, however extended."""

NOT_IN_CII = frozenset(
    {
        "extended.contracts[]",
        "extended.despatch_advices[]",
        "extended.receiving_advices[]",
        "lines[].sub_lines[]",
    }
)
"""Field paths of what CII has no place for."""


_IN_MINIMUM = frozenset(
    (
        *("BT-1", "BT-2", "BT-3", "BT-5", "BT-10", "BT-13", "BG-2", "BT-23", "BT-24"),
        *("BG-4", "BT-27", "BT-30", "BT-31", "BT-32", "BG-5", "BT-40", "BG-7", "BT-44", "BT-47"),
        *("BG-22", "BT-109", "BT-110", "BT-112", "BT-115"),
    )
)
_NOT_IN_BASIC_WL = frozenset(
    (
        *("BT-7", "BT-11", "BT-14", "BT-15", "BT-17", "BT-18", "BT-33", "BT-45", "BT-82", "BT-85", "BT-86", "BT-114"),
        *("BG-6", "BG-9", "BG-18", "BG-24", "BG-25"),
    )
)
_NOT_IN_BASIC = _NOT_IN_BASIC_WL - {"BG-25"} | {
    *("BT-128", "BT-132", "BT-133", "BT-137", "BT-138", "BT-142", "BT-143"),
    *("BT-154", "BT-155", "BT-156", "BT-158", "BT-159", "BG-32"),
}
_EXTENDED = frozenset({Profile.EXTENDED, Profile.EXTENDED_CTC_FR, Profile.UNKNOWN})


def fit(invoice: Invoice, *, profile: Profile, ubl: bool) -> tuple[Invoice, tuple[str, ...]]:
    """What of `invoice` a profile has a place for in UBL or in CII, and the field paths of what it has none for.

    A path says which one it was: `lines[2].extended.subtype`. An unknown profile takes all that the syntax can say.
    """
    return without(invoice, refused_by(profile, ubl=ubl))


@cache
def refused_by(profile: Profile, *, ubl: bool) -> frozenset[str]:
    """The field paths that a profile has no place for in UBL or in CII; what is inside them goes without saying."""
    refused = set(NOT_IN_UBL if ubl else NOT_IN_CII)
    if profile in _EXTENDED:
        return frozenset(refused)
    known = [each for each in terms() if not (each.is_extension or each.path.startswith(_BEYOND))]
    refused |= {"extended", "lines[].extended", *(each.path for each in terms() if each.is_extension)}
    if profile is Profile.XRECHNUNG and ubl:
        refused.discard("lines[].sub_lines[]")  # its own extension has them
    if profile is Profile.MINIMUM:
        refused |= {each.path for each in known if each.code not in _IN_MINIMUM}
    elif profile is Profile.BASIC_WL:
        refused |= {each.path for each in known if each.code in _NOT_IN_BASIC_WL}
    elif profile is Profile.BASIC:
        refused |= {each.path for each in known if each.code in _NOT_IN_BASIC}
    return frozenset(refused)


_BEYOND = ("extended.", "lines[].extended.")


def without(invoice: Invoice, refused: Collection[str]) -> tuple[Invoice, tuple[str, ...]]:
    """`invoice` without what stands at the field paths `refused`, and the paths (with places) of what was left out.

    A group that holds nothing any more is left out with its last field; one of EN 16931's required groups never is.
    """
    lost: list[str] = []
    return _prune(invoice, "", "", _plan(frozenset(refused)), lost), tuple(lost)


def codes_at(paths: Iterable[str]) -> tuple[str, ...]:
    """The codes of the terms at field paths, each once, in their order; the path itself where there is no term."""
    return tuple(dict.fromkeys(known.code if (known := term_of(path)) is not None else path for path in paths))


_Plan: TypeAlias = Mapping[str, tuple[tuple[str, str, bool], ...]]


@cache
def _plan(refused: frozenset[str]) -> _Plan:
    """By the path of a group, the fields to look at in it: name, path, and whether it is refused or only holds some."""
    steps: dict[str, dict[str, bool]] = {}
    for path in sorted(refused):
        above = ""
        names = path.split(".")
        for name in names[:-1]:
            steps.setdefault(above, {}).setdefault(name, False)
            above += name + "."
        steps.setdefault(above, {})[names[-1]] = True
    if "lines[].sub_lines[]" not in refused and "lines[]." in steps:
        steps["lines[]."]["sub_lines[]"] = False
    return {
        above: tuple((name.removesuffix("[]"), above + name, gone) for name, gone in inside.items())
        for above, inside in steps.items()
    }


def _prune(value: T, place: str, path: str, plan: _Plan, lost: list[str]) -> T:
    """`value` at `place` (with positions) and `path` (without), without what is refused."""
    changes: dict[str, object] = {}
    for name, here, is_refused in plan.get(path, ()):
        given = getattr(value, name)
        if given is None or given is False or given in ("", b"", ()):
            continue
        there = place + name
        if is_refused:
            lost.append(there)
            changes[name] = type(given)() if isinstance(given, str | bytes | bool | tuple) else None
            continue
        inside = path if name == "sub_lines" else f"{here}."  # lines inside lines are lines
        if isinstance(given, tuple):
            kept = tuple(
                _prune(each, f"{there}[{position}].", inside, plan, lost) for position, each in enumerate(given)
            )
            if kept != given:
                changes[name] = tuple(each for each in kept if not _is_empty(each))
        else:
            pruned = _prune(given, f"{there}.", inside, plan, lost)
            if pruned is not given:
                changes[name] = None if _is_empty(pruned) and _may_lack(type(value), name) else pruned
    return dataclasses.replace(value, **changes) if changes else value  # type: ignore[type-var]  # always a group


def _may_lack(group: type, name: str) -> bool:
    """Whether a group may be without this field."""
    return any(field.name == name and field.default is None for field in dataclasses.fields(group))


def _is_empty(value: object) -> bool:
    """Whether a group says nothing any more."""
    if not dataclasses.is_dataclass(value):
        return not value
    return all(_is_empty(getattr(value, field.name)) for field in dataclasses.fields(value))
