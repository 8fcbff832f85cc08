"""The extended profiles: lines inside lines, what a line must say, attributes, notes and registrations."""

from collections.abc import Callable, Iterator

from faitfoi.einvoice.findings import Severity
from faitfoi.einvoice.rules.case import Case
from faitfoi.einvoice.rules.doubles import double_cents, double_sum, equal
from faitfoi.einvoice.rules.engine import Offence, Verdict, rule
from faitfoi.einvoice.rules.extended import ExtendedLine
from faitfoi.einvoice.rules.extended_rule import under_ids
from faitfoi.einvoice.rules.sheets import Sheet

_STATUSES = frozenset({"DETAIL", "GROUP", "INFORMATION"})
_IN_GROUP = frozenset({"DETAIL", "GROUP"})


@rule("BR-FREXT-05", "BT-126", source="EXTENDED-CTC-FR")
def line_statuses_are_known(case: Case) -> Iterator[Offence]:
    """The status of a line is DETAIL, GROUP or INFORMATION."""
    return _lines(case, lambda line: not line.status or " ".join(line.status.split()) in _STATUSES)


@under_ids(("BR-FXEXT-06", "BR-FREXT-06"), "BT-126")
def lines_inside_lines_have_a_status(case: Case) -> Iterator[Offence]:
    """A line inside another says what it is: DETAIL, GROUP or INFORMATION."""
    return _lines(case, lambda line: not line.parent or bool(line.status))


@rule("BR-FXEXT-08", "BT-131", source="Factur-X EXTENDED")
def groups_add_up(case: Case) -> Iterator[Offence]:
    """The amount of a group of lines (BT-131) is what the lines inside it add up to, all of them having one."""
    for place, line, children in _groups(case):
        given = [child.net for child in children]
        holds = None not in given and float(line.net or 0) == double_cents(double_sum(given))
        if not holds:
            yield Offence(path=f"lines[{place}]", value=str(line.net), line=line.identifier)


@rule("BR-FREXT-08", "BT-131", source="EXTENDED-CTC-FR")
def french_groups_add_up(case: Case) -> Iterator[Offence]:
    """The amount of a group of lines (BT-131) is what the amounts of the lines inside it add up to."""
    for place, line, children in _groups(case):
        if not equal(line.net, double_cents(double_sum(child.net for child in children))):
            yield Offence(path=f"lines[{place}]", value=str(line.net), line=line.identifier)


@under_ids(("BR-FXEXT-11", "BR-FREXT-11"), "BT-126")
def parents_exist(case: Case) -> Iterator[Offence]:
    """A line inside another names that other line by its identifier (BT-126)."""
    lines = case.extended.lines
    known = {" ".join(line.identifier.split()) for line in lines}
    for place, line in enumerate(lines):
        # Factur-X lets a line be its own parent.
        itself = line.parent == line.identifier and case.sheet is not Sheet.EXTENDED
        if line.parent and (itself or line.parent not in known):
            yield Offence(path=f"lines[{place}]", value=line.parent, line=line.identifier)


@under_ids(("BR-FXEXT-12", "BR-FREXT-12"), "BT-131")
def groups_inside_groups_have_an_amount(case: Case) -> Iterator[Offence]:
    """When a group of lines gives its amount (BT-131), so do the groups inside it."""
    for place, line, children in _groups(case):
        if any(child.status == "GROUP" and child.net is None for child in children):
            yield Offence(path=f"lines[{place}]", value=str(line.net), line=line.identifier)


def _write_demand(ids: tuple[str, ...], term: str, holds: Callable[[ExtendedLine], bool], sentence: str) -> None:
    @under_ids(ids, term, sentence=sentence)
    def check(case: Case) -> Iterator[Offence]:
        return _lines(case, lambda line: not line.counted or holds(line))


_write_demand(
    ("BR-FXEXT-BR-22", "BR-FREXT-BR-22", "BR-FREXT-22"),
    "BT-129",
    lambda line: line.has_quantity,
    "Each line in the totals has a quantity (BT-129).",
)
_write_demand(
    ("BR-FXEXT-BR-23", "BR-FREXT-BR-23", "BR-FREXT-23"),
    "BT-130",
    lambda line: line.has_unit,
    "The quantity of each line in the totals has a unit of measure (BT-130).",
)
_write_demand(
    ("BR-FXEXT-BR-24", "BR-FREXT-BR-24", "BR-FREXT-24"),
    "BT-131",
    lambda line: line.net is not None,
    "Each line in the totals has a net amount (BT-131).",
)
_write_demand(
    ("BR-FXEXT-BR-26", "BR-FREXT-BR-26", "BR-FREXT-26"),
    "BT-146",
    lambda line: line.has_price,
    "Each line in the totals has a net price for its item (BT-146).",
)
_CATEGORY = "Each line in the totals has a VAT category (BT-151)."
_write_demand(("BR-FXEXT-CO-04",), "BT-151", lambda line: line.has_vat and line.writes_vat, _CATEGORY)
_write_demand(("BR-FREXT-CO-04",), "BT-151", lambda line: line.has_vat, _CATEGORY)


@under_ids(("BR-FXEXT-BR-54-1", "BR-FREXT-54-1"), "BT-160")
def attributes_have_a_name(case: Case) -> bool:
    """Each attribute of an item (BG-32) has a name, in words (BT-160) or by a code."""
    return all(attribute.named for attribute in case.extended.attributes)


@under_ids(("BR-FXEXT-BR-54-2", "BR-FREXT-54-2"), "BT-161")
def attributes_have_one_value(case: Case) -> bool:
    """Each attribute of an item (BG-32) has a value (BT-161) or a measure with its unit, not both."""
    return all(attribute.valued for attribute in case.extended.attributes)


@rule("BR-FXEXT-04", "BT-160", source="Factur-X EXTENDED", severity=Severity.WARNING)
def attribute_codes_are_listed(case: Case) -> Verdict:
    """The code that names an attribute of an item (BG-32) is one of UNTDID 6313."""
    return _attribute_codes_are_listed(case)


@rule("BR-FREXT-04", "BT-160", source="EXTENDED-CTC-FR")
def french_attribute_codes_are_listed(case: Case) -> Verdict:
    """In UBL, the code that names an attribute of an item (BG-32) is one of UNTDID 6313."""
    return _attribute_codes_are_listed(case)


def _attribute_codes_are_listed(case: Case) -> bool:
    codes = case.codes["attribute_codes"]
    return all(not attribute.code or attribute.code in codes for attribute in case.extended.attributes)


@rule("BR-FXEXT-01", "BT-22", source="Factur-X EXTENDED")
def notes_say_something(case: Case) -> bool:
    """A note on the document with a subject (BT-21) has a text (BT-22), in words or by a code."""
    return "BR-FXEXT-01" not in case.extended.faults


@rule("BR-FXEXT-02", "BT-127", source="Factur-X EXTENDED")
def line_notes_say_something(case: Case) -> bool:
    """A note on a line with a subject has a text (BT-127), in words or by a code."""
    return "BR-FXEXT-02" not in case.extended.faults


@rule("BR-FXEXT-03", "BT-48", source="Factur-X EXTENDED")
def only_the_seller_has_other_registrations(case: Case) -> bool:
    """Of all parties, only the seller may give a tax registration that is not its VAT identifier."""
    return "BR-FXEXT-03" not in case.extended.faults


@rule("BR-FXEXT-CII-DT-097a", "BT-72", source="Factur-X EXTENDED")
def days_with_a_time_are_formed(case: Case) -> bool:
    """A day with its time (format 205) is written with year, month, day, hour and minute."""
    return "BR-FXEXT-CII-DT-097a" not in case.extended.faults


@under_ids(("BR-FXEXT-BR-38", "BR-FREXT-BR-38"), "BT-104")
def charges_have_a_reason(case: Case) -> bool:
    """Each charge on the document (BG-21) has a reason in words (BT-104) or by a code (BT-105)."""
    # A logistics service has a description instead, which the reader takes for its reason.
    return all(charge.reason or charge.reason_code for charge in case.charges_proper)


@under_ids(("BR-FXEXT-BR-44", "BR-FREXT-BR-44"), "BT-144")
def line_charges_have_a_reason(case: Case) -> Iterator[Offence]:
    """Each charge on a line (BG-28) has a reason in words (BT-144) or by a code (BT-145)."""
    return (
        Offence(path=f"lines[{place}].charges[{index}].reason", line=line.identifier)
        for place, line in case.particular_lines
        for index, charge in enumerate(line.charges)
        if not (charge.reason or charge.reason_code)
    )


def _lines(case: Case, holds: Callable[[ExtendedLine], bool]) -> Iterator[Offence]:
    return (
        Offence(path=f"lines[{place}]", line=line.identifier)
        for place, line in enumerate(case.extended.lines)
        if not holds(line)
    )


def _groups(case: Case) -> Iterator[tuple[int, ExtendedLine, list[ExtendedLine]]]:
    """Each group that gives an amount, with the lines right inside it that count."""
    inside: dict[str, list[ExtendedLine]] = {}
    for line in case.extended.lines:
        if line.status in _IN_GROUP:
            inside.setdefault(line.parent, []).append(line)
    for place, line in enumerate(case.extended.lines):
        if line.status == "GROUP" and line.net is not None:
            yield place, line, inside.get(" ".join(line.identifier.split()), [])
