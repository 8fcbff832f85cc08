"""French rules on invoices for several sellers or on behalf of one (BR-FR-MV, BR-FR-BD).

Such an invoice (BT-23: S8, B8, M8, or S9, B9, M9) groups its lines under lines of status GROUP, which only the
profile EXTENDED-CTC-FR can write. The model does not hold that: the rules judge what `french_document` finds.
"""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Final

from faitfoi.einvoice.rules.case import Case
from faitfoi.einvoice.rules.engine import Offence
from faitfoi.einvoice.rules.french_beyond import DETAIL, GROUP, INFORMATION, SELF_BILLED, GroupedLine
from faitfoi.einvoice.rules.french_rule import french
from faitfoi.einvoice.rules.french_writing import ON_BEHALF, SEVERAL_SELLERS, normal
from faitfoi.einvoice.rules.marks import worded

CORRECTING_SEVERAL: Final = frozenset({"384", "472", "381", "396", "503"})
CORRECTING_ON_BEHALF: Final = frozenset({"261", "471", "473", "502"})
_TOLERANCE = 0.01


def framework(case: Case) -> str:
    """The cadre de facturation (BT-23)."""
    return case.invoice.process.business_process


def _has_several_sellers(case: Case) -> bool:
    return framework(case) in SEVERAL_SELLERS


def _is_on_behalf(case: Case) -> bool:
    return framework(case) in ON_BEHALF


def _is_grouped(case: Case) -> bool:
    return _has_several_sellers(case) or _is_on_behalf(case)


def _heads(case: Case) -> list[tuple[int, GroupedLine]]:
    return [(index, line) for index, line in enumerate(case.grouped.lines) if line.heads_a_group]


def _each(members: Iterable[tuple[int, GroupedLine]], holds: Callable[[GroupedLine], bool]) -> Iterator[Offence]:
    for index, line in members:
        if not holds(line):
            yield Offence(path=f"lines[{index}]", line=line.identifier)


def _all(case: Case) -> Iterable[tuple[int, GroupedLine]]:
    return enumerate(case.grouped.lines)


@french("EXT-FR-FE-163", both="BR-FR-MV-01_EXT-FR-FE-163")
def every_line_says_its_status(case: Case) -> Iterator[Offence]:
    """In a grouped invoice (BT-23: S8, B8, M8, S9, B9, M9) every line says its status (EXT-FR-FE-163)."""
    if _is_grouped(case):
        # The CII sheet only looks at a status that is there.
        members = [(index, line) for index, line in _all(case) if case.ubl or line.status is not None]
        yield from _each(members, lambda line: bool(normal(line.status or "")))


@french("EXT-FR-FE-163", both="BR-FR-MV-02_EXT-FR-FE-163")
def several_sellers_have_a_group_of_lines(case: Case) -> bool:
    """An invoice for several sellers (BT-23: S8, B8, M8) has at least one line of status GROUP without a parent."""
    return not _has_several_sellers(case) or bool(_heads(case))


@french("EXT-FR-FE-163", both="BR-FR-BD-02_EXT-FR-FE-163")
def invoice_on_behalf_has_two_groups_of_lines(case: Case) -> bool:
    """An invoice on behalf of a third party (BT-23: S9, B9, M9) has two lines of status GROUP without a parent."""
    return not _is_on_behalf(case) or len(_heads(case)) == 2


@french("EXT-FR-FE-167", cii="BR-FR-BD-02_BT-31", ubl="BR-FR-BD-02_BT-30")
def invoice_on_behalf_has_a_group_of_the_seller(case: Case) -> bool:
    """An invoice on behalf of a third party (BT-23: S9, B9, M9) has one group of lines sold by the seller (BT-30)."""
    return not _is_on_behalf(case) or _groups_of(case, case.grouped.seller) == 1


@french("EXT-FR-FE-167", both="BR-FR-BD-02_BT-47")
def invoice_on_behalf_has_a_group_of_the_buyer(case: Case) -> bool:
    """An invoice on behalf of a third party (BT-23: S9, B9, M9) has one group of lines sold by the buyer (BT-47)."""
    return not _is_on_behalf(case) or _groups_of(case, case.grouped.buyer) == 1


def _groups_of(case: Case, party: str) -> int:
    return sum(bool(party) and line.seller_identifier == party for _, line in _heads(case))


@french("EXT-FR-FE-164", both="BR-FR-MV-03_EXT-FR-FE-164")
def group_names_its_seller(case: Case) -> Iterator[Offence]:
    """In a grouped invoice a line that heads a group names its seller (EXT-FR-FE-164)."""
    return _each(_heads(case) if _is_grouped(case) else (), lambda line: bool(line.seller_name))


@french("EXT-FR-FE-167", both="BR-FR-MV-03_EXT-FR-FE-167")
def group_identifies_its_seller(case: Case) -> Iterator[Offence]:
    """In a grouped invoice a line that heads a group gives its seller's legal identifier (EXT-FR-FE-167)."""
    return _each(_heads(case) if _is_grouped(case) else (), lambda line: bool(line.seller_identifier))


@french("EXT-FR-FE-177", both="BR-FR-MV-03_EXT-FR-FE-177")
def group_says_its_sellers_country(case: Case) -> Iterator[Offence]:
    """In a grouped invoice a line that heads a group gives its seller's country (EXT-FR-FE-177)."""
    return _each(_heads(case) if _is_grouped(case) else (), lambda line: bool(line.seller_country))


@french("EXT-FR-FE-181", both="BR-FR-MV-03_EXT-FR-FE-181")
def group_gives_its_vat(case: Case) -> Iterator[Offence]:
    """In a grouped invoice a line that heads a group gives its VAT (EXT-FR-FE-181) in the invoice's currency."""
    currency = case.invoice.currency
    return _each(_heads(case) if _is_grouped(case) else (), lambda line: line.vat_in(currency) is not None)


@french("EXT-FR-FE-182", both="BR-FR-MV-03_EXT-FR-FE-182")
def group_gives_its_vat_in_the_accounting_currency(case: Case) -> Iterator[Offence]:
    """In a grouped invoice with a currency for VAT (BT-6), a line that heads a group gives its VAT in it."""
    currency = case.invoice.vat_currency
    members = _heads(case) if _is_grouped(case) and currency else ()
    return _each(members, lambda line: line.vat_in(currency) is not None)


@french("BT-128", both="BR-FR-MV-03_BT-128_AFL")
def group_names_its_invoice_of_origin(case: Case) -> Iterator[Offence]:
    """In a grouped invoice a line that heads a group gives the number of its invoice of origin (BT-128, AFL)."""
    members = _heads(case) if _is_grouped(case) else []
    # The CII sheet only looks at a reference that is there.
    members = [(index, line) for index, line in members if case.ubl or line.origin is not None]
    return _each(members, lambda line: bool(line.typed_origin))


@french("BT-128", both="BR-FR-MV-03_BT-128_AVV")
def group_says_the_framework_of_origin(case: Case) -> Iterator[Offence]:
    """In a grouped invoice a line that heads a group gives its own framework (BT-128, AVV), not M8, S8 or B8."""
    members = _heads(case) if _is_grouped(case) else []
    members = [(index, line) for index, line in members if case.ubl or line.framework is not None]
    return _each(
        members,
        lambda line: (
            line.framework is not None
            and line.framework.is_typed
            and bool(line.framework.text)
            and line.framework.text not in SEVERAL_SELLERS
        ),
    )


@french("BT-131", both="BR-FR-MV-05_EXT-FR-FE-BG-12")
def group_adds_up(case: Case) -> Iterator[Offence]:
    """In a grouped invoice the lines of a group add up to the net amount (BT-131) of the line that heads it."""

    children = _by_parent(case) if _is_grouped(case) else {}

    def holds(line: GroupedLine) -> bool:
        inside = [
            each.net
            for each in children.get(line.identifier, ())
            if each.status not in {None, "", INFORMATION} and each.net is not None
        ]
        return line.net is not None and abs(float(line.net) - sum(map(float, inside))) <= _TOLERANCE * len(inside)

    return _each(_heads(case) if _is_grouped(case) else (), holds)


def _first_by_identifier(case: Case) -> dict[str, GroupedLine]:
    found: dict[str, GroupedLine] = {}
    for line in case.grouped.lines:
        found.setdefault(line.identifier, line)
    return found


def _by_parent(case: Case) -> dict[str, list[GroupedLine]]:
    found: dict[str, list[GroupedLine]] = {}
    for line in case.grouped.lines:
        if line.parent is not None:
            found.setdefault(line.parent, []).append(line)
    return found


@french("EXT-FR-FE-167", both="BR-FR-MV-06_EXT-FR-FE-167")
def every_line_has_its_groups_seller(case: Case) -> Iterator[Offence]:
    """In a grouped invoice every line gives its seller's legal identifier (EXT-FR-FE-167), that of its group."""

    parents = _first_by_identifier(case) if _is_grouped(case) else {}

    def holds(line: GroupedLine) -> bool:
        parent = None if line.parent is None else parents.get(line.parent)
        wanted = "" if parent is None else parent.seller_identifier
        return bool(line.seller_identifier) and (line.parent is None or line.seller_identifier == wanted)

    return _each(_all(case) if _is_grouped(case) else (), holds)


@french("BT-128", both="BR-FR-MV-07_BT-128")
def every_line_has_its_groups_invoice_of_origin(case: Case) -> Iterator[Offence]:
    """In a grouped invoice every line gives the number of its invoice of origin (BT-128, AFL), that of its group."""

    parents = _first_by_identifier(case) if _is_grouped(case) else {}

    def holds(line: GroupedLine) -> bool:
        parent = None if line.parent is None else parents.get(line.parent)
        wanted = "" if parent is None else parent.typed_origin
        return bool(line.typed_origin) and (line.parent is None or line.typed_origin == wanted)

    return _each(_all(case) if _is_grouped(case) else (), holds)


@french("BT-128", both="BR-FR-MV-08_BT-128")
def exemption_starts_with_the_invoice_of_origin(case: Case) -> Iterator[Offence]:
    """In a grouped invoice the exemption reason of a line of status DETAIL starts with #, its origin's number and #."""
    members = [(index, line) for index, line in _all(case) if line.status == DETAIL] if _is_grouped(case) else []
    return _each(members, lambda line: bool(line.typed_origin) and line.exemption.startswith(f"#{line.typed_origin}#"))


@french("EXT-FR-FE-181", both="BR-FR-MV-09_EXT-FR-FE-181")
def vat_of_the_group_is_that_of_the_breakdown(case: Case) -> Iterator[Offence]:
    """In a grouped invoice the VAT of a group (EXT-FR-FE-181) is that of the parts of the breakdown with its number."""

    def holds(line: GroupedLine) -> bool:
        start = f"#{line.typed_origin}#"
        parts = [float(amount) for reason, amount in case.grouped.exempted_vat if reason.startswith(start)]
        vat = line.vat_in(case.invoice.currency)
        return vat is not None and abs(float(vat) - sum(parts)) <= _TOLERANCE

    return _each(_heads(case) if _is_grouped(case) else (), holds)


@french("EXT-FR-FE-184", both="BR-FR-MV-10_EXT-FR-FE-184")
def total_of_the_group_adds_up(case: Case) -> Iterator[Offence]:
    """In a grouped invoice the total with VAT of a group (EXT-FR-FE-184) is its net amount and its VAT."""

    children = _by_parent(case) if _is_grouped(case) else {}

    def holds(line: GroupedLine) -> bool:
        inside = sum(each.status in {DETAIL, GROUP} for each in children.get(line.identifier, ()))
        vat = line.vat_in(case.invoice.currency)
        if not line.has_gross:
            return True
        if line.gross is None or line.net is None or vat is None:
            return False
        return abs(line.gross - line.net - vat) <= Decimal("0.01") * inside

    return _each(_heads(case) if _is_grouped(case) else (), holds)


@french("BT-128", both="BR-FR-MV-11_BT-128")
def sellers_own_group_is_numbered_apart(case: Case) -> Iterator[Offence]:
    """In a grouped invoice exactly one group of the seller itself has the number of the invoice (BT-1) as its own."""
    if not _is_grouped(case):
        return
    number, seller = case.invoice.number, case.grouped.seller
    own = [(index, line) for index, line in _heads(case) if seller and line.seller_identifier == seller]
    numbered = sum(line.typed_origin == number for _, line in own)
    yield from _each(own, lambda line: numbered == 1 or (line.typed_origin == number) == (numbered == 0))


@french("BT-128", both="BR-FR-MV-12_BT-128")
def invoices_of_origin_are_all_different(case: Case) -> bool:
    """In a grouped invoice each group has another number of its invoice of origin (BT-128, AFL)."""
    heads = [line for _, line in _heads(case)] if _is_grouped(case) else []
    return not any(line.repeats_a_number for line in heads)


@french("BT-3", both="BR-FR-MV-13_BT-3")
def invoice_for_several_sellers_is_not_self_billed(case: Case) -> bool:
    """An invoice for several sellers (BT-23: S8, B8, M8) is not issued by the buyer (BT-3: 389, 261, 501…)."""
    code = case.invoice.type_code
    return not (_has_several_sellers(case) and code and (code in SELF_BILLED or not worded(code)))


@french("BT-3", cii="BR-FR-BD-13_BT-3", ubl="BR-FR-MV-BD_BT-3")
def invoice_on_behalf_is_self_billed(case: Case) -> bool:
    """An invoice on behalf of a third party (BT-23: S9, B9, M9) is issued by the buyer (BT-3: 389, 261, 501…)."""
    code = case.invoice.type_code
    return not (_is_on_behalf(case) and code and code not in SELF_BILLED)


def _correcting_rules(start: str, frameworks: frozenset[str], types: frozenset[str]) -> None:
    def heads(case: Case) -> list[tuple[int, GroupedLine]]:
        return _heads(case) if framework(case) in frameworks and case.invoice.type_code in types else []

    french(
        "EXT-FR-FE-136",
        both=f"{start}-EXT-FR-FE-136",
        sentence="In a grouped corrective invoice or credit note, a line that heads a group names an earlier invoice "
        "(EXT-FR-FE-136).",
    )(lambda case: _each(heads(case), lambda line: line.has_earlier_number))
    french(
        "EXT-FR-FE-138",
        both=f"{start}-EXT-FR-FE-138",
        sentence="In a grouped corrective invoice or credit note, a line that heads a group gives the date of an "
        "earlier invoice (EXT-FR-FE-138).",
    )(lambda case: _each(heads(case), lambda line: line.has_earlier_date))


_correcting_rules("BR-FR-MV-14", SEVERAL_SELLERS, CORRECTING_SEVERAL)
_correcting_rules("BR-FR-BD-14", ON_BEHALF, CORRECTING_ON_BEHALF)
