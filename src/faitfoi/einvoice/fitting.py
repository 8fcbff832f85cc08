"""Which terms a syntax has a place for, and how an invoice is made to fit."""

import dataclasses
from collections.abc import Collection, Iterable
from typing import TypeVar

from faitfoi.einvoice.model import Invoice, term_of

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
        "extended.delivery_note",
        "extended.issuer_reference",
        "extended.terms",
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


def without(invoice: Invoice, refused: Collection[str]) -> tuple[Invoice, tuple[str, ...]]:
    """`invoice` without what stands at the field paths `refused`, and the paths (with places) of what was left out.

    A group that holds nothing any more is left out with its last field; one of EN 16931's required groups never is.
    """
    lost: list[str] = []
    return _prune(invoice, "", "", frozenset(refused), lost), tuple(lost)


def terms_at(paths: Iterable[str]) -> tuple[str, ...]:
    """The terms at field paths, each once, in their order; the path itself where there is no term."""
    return tuple(dict.fromkeys(known.code if (known := term_of(path)) is not None else path for path in paths))


def _prune(value: T, place: str, path: str, refused: frozenset[str], lost: list[str]) -> T:
    """`value` at `place` (with positions) and `path` (without), without what is refused."""
    changes: dict[str, object] = {}
    for field in dataclasses.fields(value):  # type: ignore[arg-type]  # always one of the model's groups
        given = getattr(value, field.name)
        if given in (field.default, None, "", ()):
            continue
        here, there = f"{path}{field.name}", f"{place}{field.name}"
        if isinstance(given, tuple):
            here += "[]"
        if here in refused:
            lost.append(there)
            changes[field.name] = () if isinstance(given, tuple) else field.default
        elif isinstance(given, tuple):
            kept = tuple(
                _prune(each, f"{there}[{place_in_list}].", f"{here}.", refused, lost)
                if dataclasses.is_dataclass(each)
                else each
                for place_in_list, each in enumerate(given)
            )
            if kept != given:
                changes[field.name] = tuple(each for each in kept if not _is_empty(each))
        elif dataclasses.is_dataclass(given):
            pruned = _prune(given, f"{there}.", f"{here}.", refused, lost)
            if pruned != given:
                changes[field.name] = field.default if field.default is None and _is_empty(pruned) else pruned
    return dataclasses.replace(value, **changes) if changes else value  # type: ignore[type-var]


def _is_empty(value: object) -> bool:
    """Whether a group says nothing any more."""
    if not dataclasses.is_dataclass(value):
        return not value
    return all(_is_empty(getattr(value, field.name)) for field in dataclasses.fields(value))
