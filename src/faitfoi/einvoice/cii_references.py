"""References to other documents in CII, and the few values that only the extended profiles have."""

from faitfoi.einvoice.cii_values import read_date, write_date
from faitfoi.einvoice.model import DeliveryTerms, DocumentReference, Measure
from faitfoi.einvoice.xml_groups import Group, clean
from faitfoi.einvoice.xml_out import Out

_ISSUED = "qdt:DateTimeString"


def read_reference(group: Group) -> DocumentReference | None:
    """A referenced document, None when it says nothing."""
    if not group:
        return None
    found = DocumentReference(
        number=group.text("IssuerAssignedID"),
        line=group.text("LineID"),
        type_code=group.text("TypeCode"),
        issue_date=read_date(group, "FormattedIssueDateTime", ""),
    )
    return None if found == _NOTHING else found


_NOTHING = DocumentReference()


def read_references(parent: Group, name: str) -> tuple[DocumentReference, ...]:
    """All referenced documents called `name` that say something."""
    return tuple(found for group in parent.groups(name) if (found := read_reference(group)) is not None)


def write_reference(parent: Out, name: str, value: DocumentReference | None) -> None:
    """Write a referenced document as `name`, or nothing when it is None or says nothing."""
    if value is None:
        return
    with parent.group(name) as out:
        out.text("IssuerAssignedID", value.number)
        out.text("LineID", value.line)
        out.text("TypeCode", value.type_code)
        write_date(out, "FormattedIssueDateTime", value.issue_date, string=_ISSUED)


def read_measure(parent: Group, name: str) -> Measure | None:
    """A quantity with its unit, None when absent or when it says nothing."""
    element = parent.element(name)
    if element is None:
        return None
    found = Measure(value=parent.number(element, ""), unit=clean(element.get("unitCode")))
    return None if found.value is None and not found.unit else found


def write_measure(parent: Out, name: str, value: Measure | None) -> None:
    """Write a quantity with its unit, or nothing when it is None."""
    if value is not None:
        parent.number(name, value.value, unitCode=value.unit)


def read_delivery_terms(parent: Group) -> DeliveryTerms | None:
    """ApplicableTradeDeliveryTerms (Incoterms), None when absent."""
    group = parent.group("ApplicableTradeDeliveryTerms")
    if not group:
        return None
    place = group.group("RelevantTradeLocation")
    return DeliveryTerms(
        code=group.text("DeliveryTypeCode"), country=place.text("CountryID"), location=place.text("Name")
    )


def write_delivery_terms(parent: Out, terms: DeliveryTerms | None) -> None:
    """Write ApplicableTradeDeliveryTerms."""
    if terms is None:
        return
    with parent.group("ApplicableTradeDeliveryTerms") as out:
        out.text("DeliveryTypeCode", terms.code)
        with out.group("RelevantTradeLocation") as place:
            place.text("CountryID", terms.country)
            place.text("Name", terms.location)
