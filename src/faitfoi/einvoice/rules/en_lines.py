"""EN 16931: the lines, their prices and items (BR-21 to BR-28, BR-30, BR-54, BR-64, BR-65, BR-CO-04, BR-CO-20)."""

from collections.abc import Callable, Iterator

from faitfoi.einvoice.model import InvoiceLine
from faitfoi.einvoice.rules.case import Case, in_cents
from faitfoi.einvoice.rules.doubles import at_least_zero
from faitfoi.einvoice.rules.engine import Offence, rule
from faitfoi.einvoice.rules.marks import NOT_VAT, filled


@rule("BR-21", "BT-126")
def lines_have_an_identifier(case: Case) -> Iterator[Offence]:
    """Each line has an identifier (BT-126)."""
    return _lines(case, "identifier", lambda line: filled(line.identifier))


@rule("BR-22", "BT-129")
def lines_have_a_quantity(case: Case) -> Iterator[Offence]:
    """Each line has a quantity (BT-129)."""
    return _lines(case, "quantity", lambda line: case.stated(line.quantity, "BT-129"))


@rule("BR-23", "BT-130")
def quantities_have_a_unit(case: Case) -> Iterator[Offence]:
    """Each line's quantity has a unit of measure (BT-130)."""
    return _lines(case, "unit", lambda line: bool(line.unit))


@rule("BR-24", "BT-131")
def lines_have_a_net_amount(case: Case) -> Iterator[Offence]:
    """Each line has a net amount (BT-131)."""
    return _lines(case, "net_amount", lambda line: case.stated(line.net_amount, "BT-131"))


@rule("BR-25", "BT-153")
def items_are_named(case: Case) -> Iterator[Offence]:
    """Each line names what is sold (BT-153)."""
    return _lines(case, "item.name", lambda line: filled(line.item.name))


@rule("BR-26", "BT-146")
def items_have_a_net_price(case: Case) -> Iterator[Offence]:
    """Each line has a net price for its item (BT-146)."""
    return _lines(case, "price.net", lambda line: case.stated(line.price.net, "BT-146"))


@rule("BR-27", "BT-146")
def net_prices_are_not_negative(case: Case) -> Iterator[Offence]:
    """The net price of an item (BT-146) is not below zero."""
    for place, line in case.particular_lines:
        net = line.price.net
        if net is None or not at_least_zero(net):
            yield Offence(path=f"lines[{place}].price.net", value="" if net is None else str(net), line=line.identifier)


@rule("BR-28", "BT-148")
def gross_prices_are_not_negative(case: Case) -> Iterator[Offence]:
    """The gross price of an item (BT-148) is not below zero."""
    for place, line in case.particular_lines:
        gross = line.price.gross
        if gross is not None and not at_least_zero(gross):
            yield Offence(path=f"lines[{place}].price.gross", value=str(gross), line=line.identifier)


@rule("BR-30", "BT-135")
def line_periods_run_forward(case: Case) -> bool | Iterator[Offence]:
    """A line's period does not end (BT-135) before it starts (BT-134)."""
    if "BR-30" in case.source.faults:
        return False
    return (
        Offence(path=f"lines[{place}].period.end", value=line.period.end.isoformat(), line=line.identifier)
        for place, line in case.particular_lines
        if line.period is not None
        and line.period.start is not None
        and line.period.end is not None
        and line.period.end < line.period.start
    )


@rule("BR-54", "BT-160")
def item_attributes_have_a_name_and_a_value(case: Case) -> Iterator[Offence]:
    """Each attribute of an item (BG-32) has a name (BT-160) and a value (BT-161)."""
    for place, line in case.particular_lines:
        for index, attribute in enumerate(line.item.attributes):
            if not (attribute.name and attribute.value):
                path = f"lines[{place}].item.attributes[{index}]"
                yield Offence(path=path, value=attribute.name or attribute.value, line=line.identifier)


@rule("BR-64", "BT-157")
def standard_item_identifiers_have_a_scheme(case: Case) -> Iterator[Offence]:
    """An item's standard identifier (BT-157) says to which scheme it belongs."""
    for place, line in case.particular_lines:
        found = line.item.standard_identifier
        if found is not None and not (found.scheme if case.ubl else filled(found.scheme)):
            yield Offence(path=f"lines[{place}].item.standard_identifier", value=found.value, line=line.identifier)


@rule("BR-65", "BT-158")
def item_classes_name_their_list(case: Case) -> Iterator[Offence]:
    """A class of an item (BT-158) says from which list it comes."""
    for place, line in case.particular_lines:
        classes = line.item.classifications
        if not classes:
            continue
        listed = [found.scheme if case.ubl else filled(found.scheme) for found in classes]
        # Factur-X's sheets are content when one class of the line names its list, the others ask it of each.
        if not (all(listed) if case.strict else any(listed)):
            wrong = listed.index(next(one for one in listed if not one))
            path = f"lines[{place}].item.classifications[{wrong}]"
            yield Offence(path=path, value=classes[wrong].code, line=line.identifier)


@rule("BR-CO-04", "BT-151")
def lines_have_a_vat_category(case: Case) -> Iterator[Offence]:
    """Each line has a VAT category (BT-151)."""
    return _lines(
        case, "vat.category", lambda line: bool(line.vat.category) and not line.vat.category.startswith(NOT_VAT)
    )


@rule("BR-CO-20", "BG-26")
def line_periods_have_a_day(case: Case) -> Iterator[Offence]:
    """A line's period (BG-26) has a first day (BT-134), a last day (BT-135), or both."""
    return _lines(
        case,
        "period",
        lambda line: (
            line.period is None
            or case.stated(line.period.start, "BT-73")
            or case.stated(line.period.end, "BT-74")
            or case.stated(line.period.start, "BT-134")
            or case.stated(line.period.end, "BT-135")
        ),
    )


@rule("BR-DEC-23", "BT-131")
def line_net_amounts_have_two_decimals(case: Case) -> Iterator[Offence]:
    """A line's net amount (BT-131) has at most two decimals."""
    for place, line in enumerate(case.invoice.lines):
        if not in_cents(line.net_amount):
            yield Offence(path=f"lines[{place}].net_amount", value=str(line.net_amount), line=line.identifier)


def _lines(case: Case, field: str, holds: Callable[[InvoiceLine], bool]) -> Iterator[Offence]:
    return (
        Offence(path=f"lines[{place}].{field}", line=line.identifier)
        for place, line in case.particular_lines
        if not holds(line)
    )
