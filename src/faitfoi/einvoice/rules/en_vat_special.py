"""EN 16931: what only some VAT categories demand: delivery in the Union, nothing beside O, split payment in Italy."""

from faitfoi.einvoice.model import Period
from faitfoi.einvoice.rules.case import Case
from faitfoi.einvoice.rules.engine import rule
from faitfoi.einvoice.rules.marks import NOT_VAT, filled


@rule("BR-IC-11", "BT-72")
def intra_community_supply_is_dated(case: Case) -> bool:
    """An intra-community supply (K) says when it was delivered (BT-72) or which period it is for (BG-14)."""
    if "K" not in case.parts_by_code:
        return True
    invoice = case.invoice
    # UBL wants a date that is written, CII one that is there.
    delivered = invoice.delivery is not None and invoice.delivery.actual_date is not None
    delivered = delivered or "BT-72" in (case.source.unread if case.ubl else case.source.stated)
    period = invoice.period is not None and invoice.period != Period()
    if case.ubl and invoice.vat_point_date_code:
        return True
    return delivered or period or bool(case.source.stated & {"BT-73", "BT-74"})


@rule("BR-IC-12", "BT-80")
def intra_community_supply_says_where(case: Case) -> bool:
    """An intra-community supply (K) says to which country it was delivered (BT-80)."""
    if "K" not in case.parts_by_code:
        return True
    address = case.invoice.delivery.address if case.invoice.delivery else None
    country = address.country if address else ""
    return len(country) > 1 if case.ubl else bool(country)


@rule("BR-O-11", "BT-118")
def nothing_else_in_the_breakdown(case: Case) -> bool:
    """Beside a part outside the scope of VAT (O), the VAT breakdown has no other part."""
    return _only_o(case, lines=not case.ubl, parts=True)


@rule("BR-O-12", "BT-151")
def no_line_of_another_category(case: Case) -> bool:
    """When the breakdown is outside the scope of VAT (O), so is every line."""
    return _only_o(case, lines=True, parts=not case.ubl)


@rule("BR-O-13", "BT-95")
def no_allowance_of_another_category(case: Case) -> bool:
    """When the breakdown is outside the scope of VAT (O), so is every allowance on the document."""
    return _only_o(case, allowances=True, charges=not case.ubl)


@rule("BR-O-14", "BT-102")
def no_charge_of_another_category(case: Case) -> bool:
    """When the breakdown is outside the scope of VAT (O), so is every charge on the document."""
    return _only_o(case, allowances=not case.ubl, charges=True)


@rule("BR-B-01", "BT-151")
def split_payment_is_italian(case: Case) -> bool:
    """Split payment (B) is only used on an invoice where every country is Italy."""
    if "B" not in _codes(case):
        return True
    return all(country == "IT" for country in _countries(case))


@rule("BR-B-02", "BT-151")
def split_payment_stands_without_standard_rate(case: Case) -> bool:
    """Split payment (B) and standard rate (S) are not used on one invoice."""
    return not {"B", "S"} <= _codes(case)


def _only_o(
    case: Case, *, lines: bool = False, parts: bool = False, allowances: bool = False, charges: bool = False
) -> bool:
    # The CII sheet asks BR-O-11 and BR-O-12 of lines and parts alike, and so BR-O-13 and BR-O-14.
    if "O" not in case.parts_by_code:
        return True
    groups = (
        ("lines", lines, case.lines_by_code),
        ("parts", parts, case.parts_by_code),
        ("allowances", allowances, case.allowances_by_code),
        ("charges", charges, case.charges_by_code),
    )
    if lines and case.source.inner_codes - {"O"}:
        return False
    if any(asked and name in case.source.uncoded for name, asked, _ in groups):
        return False
    return all(code in {"O", ""} for _, asked, group in groups if asked for code in group)


def _codes(case: Case) -> set[str]:
    invoice = case.invoice
    found = [line.vat.category for line in invoice.lines]
    found += [part.category for part in invoice.vat_breakdown]
    found += [value.vat_category for value in (*invoice.allowances, *invoice.charges)]
    return {category.lstrip(NOT_VAT) for category in found} | case.source.inner_codes


def _countries(case: Case) -> list[str]:
    """The country codes the sheets look at: those of addresses, in UBL also where an item comes from."""
    invoice = case.invoice
    addresses = [
        invoice.seller.address,
        invoice.buyer.address,
        invoice.tax_representative.address if invoice.tax_representative else None,
        invoice.delivery.address if invoice.delivery else None,
    ]
    found = [address.country for address in addresses if address is not None and address.country]
    if case.ubl:
        found += [line.item.origin_country for line in invoice.lines if line.item.origin_country]
    return [country if filled(country) else "" for country in found]
