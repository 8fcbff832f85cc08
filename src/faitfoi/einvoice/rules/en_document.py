"""EN 16931: the document and its parties say what an invoice must say (BR-01 to BR-20, BR-52 to BR-63)."""

from collections.abc import Iterator

from faitfoi.einvoice.findings import Severity
from faitfoi.einvoice.model import Address, Identifier
from faitfoi.einvoice.rules.case import Case
from faitfoi.einvoice.rules.engine import Offence, rule
from faitfoi.einvoice.rules.marks import BLANK, filled, worded
from faitfoi.einvoice.rules.sheets import Sheet


@rule("BR-01", "BT-24")
def names_its_specification(case: Case) -> bool:
    """The invoice says which specification it follows (BT-24)."""
    return filled(case.invoice.process.specification)


@rule("BR-02", "BT-1")
def has_a_number(case: Case) -> bool:
    """The invoice has a number (BT-1)."""
    return filled(case.invoice.number)


@rule("BR-03", "BT-2")
def has_an_issue_date(case: Case) -> bool:
    """The invoice has an issue date (BT-2)."""
    return case.invoice.issue_date is not None if case.presumed else "issue date" not in case.source.missing


@rule("BR-04", "BT-3")
def has_a_type(case: Case) -> bool:
    """The invoice says what kind of document it is, by a type code (BT-3)."""
    return filled(case.invoice.type_code)


@rule("BR-05", "BT-5")
def has_a_currency(case: Case) -> bool:
    """The invoice says in which currency its amounts are (BT-5)."""
    return filled(case.invoice.currency)


@rule("BR-06", "BT-27")
def names_the_seller(case: Case) -> bool:
    """The seller is named (BT-27)."""
    return filled(case.invoice.seller.name)


@rule("BR-07", "BT-44")
def names_the_buyer(case: Case) -> bool:
    """The buyer is named (BT-44)."""
    return filled(case.invoice.buyer.name)


@rule("BR-08", "BG-5")
def seller_has_an_address(case: Case) -> bool:
    """The seller has a postal address (BG-5)."""
    return case.invoice.seller.address is not None


@rule("BR-09", "BT-40")
def seller_address_has_a_country(case: Case) -> bool:
    """The seller's postal address says in which country it is (BT-40)."""
    return _has_country(case.invoice.seller.address, when_absent=case.ubl)


@rule("BR-10", "BG-8")
def buyer_has_an_address(case: Case) -> bool:
    """The buyer has a postal address (BG-8)."""
    return case.invoice.buyer.address is not None


@rule("BR-11", "BT-55")
def buyer_address_has_a_country(case: Case) -> bool:
    """The buyer's postal address says in which country it is (BT-55)."""
    return _has_country(case.invoice.buyer.address, when_absent=case.ubl)


@rule("BR-16", "BG-25")
def has_a_line(case: Case) -> bool:
    """The invoice has at least one line (BG-25)."""
    return bool(case.invoice.lines)


@rule("BR-17", "BT-59")
def payee_is_named_and_is_not_the_seller(case: Case) -> bool:
    """A payee (BG-10) is named (BT-59), and is somebody else than the seller."""
    payee, seller = case.invoice.payee, case.invoice.seller
    if payee is None:
        return True
    if not payee.name:
        return False
    # Factur-X's sheets look for the seller where it never is, so that only the payee's name counts there.
    if not case.strict:
        return True
    same_name = payee.name == (seller.trading_name if case.ubl else seller.name)
    same_identifier = payee.identifier is not None and any(
        payee.identifier.value == identifier.value for identifier in seller.identifiers
    )
    if case.ubl:
        return not same_name and not same_identifier
    same_identifier = same_identifier and payee.identifier is not None and not payee.identifier.scheme
    registered, other = payee.legal_registration, seller.legal_registration
    same_registration = registered is not None and other is not None and registered.value == other.value
    return not same_name and not same_identifier and not same_registration


@rule("BR-18", "BT-62")
def tax_representative_is_named(case: Case) -> bool:
    """The seller's tax representative (BG-11) is named (BT-62)."""
    representative = case.invoice.tax_representative
    return representative is None or worded(representative.name)


@rule("BR-19", "BG-12")
def tax_representative_has_an_address(case: Case) -> bool:
    """The seller's tax representative (BG-11) has a postal address (BG-12)."""
    representative = case.invoice.tax_representative
    return representative is None or representative.address is not None


@rule("BR-20", "BT-69")
def tax_representative_address_has_a_country(case: Case) -> bool:
    """The tax representative's postal address says in which country it is (BT-69)."""
    representative = case.invoice.tax_representative
    if representative is None or representative.address is None:
        return representative is None or case.ubl
    return worded(representative.address.country)


@rule("BR-52", "BT-122")
def supporting_documents_are_referenced(case: Case) -> bool | Iterator[Offence]:
    """Each supporting document (BG-24) has a reference (BT-122)."""
    invoice = case.invoice
    # Only CII writes a tender (BT-17) as one of these documents.
    odd = "BR-52" in case.source.faults or (not case.ubl and invoice.tender_or_lot_reference == BLANK)
    if odd or (invoice.invoiced_object is not None and invoice.invoiced_object.value == BLANK):
        return False
    return (
        Offence(path=f"supporting_documents[{place}].reference", value=document.description)
        for place, document in enumerate(invoice.supporting_documents)
        if not filled(document.reference)
    )


@rule("BR-53", "BT-111")
def vat_is_also_given_in_the_accounting_currency(case: Case) -> bool:
    """When a currency for VAT accounting is named (BT-6), the total of VAT is given in it (BT-111)."""
    named = case.source.vat_currencies
    if case.ubl:
        return all(currency in case.vat_currencies for currency in named)
    return not named or (case.source.currency not in named and any(each in case.vat_currencies for each in named))


@rule("BR-55", "BT-25")
def preceding_invoices_are_numbered(case: Case) -> bool | Iterator[Offence]:
    """Each preceding invoice (BG-3) is named by its number (BT-25)."""
    faults = {"BR-55"} if case.sheet is Sheet.UBL_CTC_FR else {"BR-55", "BR-55 on a line"}
    if faults & case.source.faults.keys():
        return False
    return (
        Offence(path=f"preceding_invoices[{place}].number")
        for place, preceding in enumerate(case.invoice.preceding_invoices)
        if not (preceding.number if case.ubl else filled(preceding.number))
    )


@rule("BR-56", "BT-63")
def tax_representative_has_a_vat_identifier(case: Case) -> bool:
    """The seller's tax representative (BG-11) has a VAT identifier (BT-63)."""
    representative = case.invoice.tax_representative
    if representative is None:
        return True
    return bool(representative.vat_identifier) if case.ubl else filled(representative.vat_identifier)


@rule("BR-57", "BT-80")
def delivery_address_has_a_country(case: Case) -> bool:
    """The address delivered to (BG-15) says in which country it is (BT-80)."""
    delivery = case.invoice.delivery
    if delivery is None or delivery.address is None:
        return True
    return bool(delivery.address.country) if case.ubl else filled(delivery.address.country)


@rule("BR-62", "BT-34")
def seller_electronic_address_has_a_scheme(case: Case) -> bool:
    """The seller's electronic address (BT-34) says to which scheme it belongs."""
    return "BR-62" not in case.source.faults and _has_scheme(case, case.invoice.seller.electronic_address)


@rule("BR-63", "BT-49")
def buyer_electronic_address_has_a_scheme(case: Case) -> bool:
    """The buyer's electronic address (BT-49) says to which scheme it belongs."""
    return "BR-63" not in case.source.faults and _has_scheme(case, case.invoice.buyer.electronic_address)


@rule("BR-CO-09", "BT-31")
def vat_identifiers_begin_with_a_country(case: Case) -> Iterator[Offence]:
    """VAT identifiers (BT-31, BT-48, BT-63) begin with the two letters of a country, EL standing for Greece."""
    invoice = case.invoice
    representative = invoice.tax_representative
    known = [
        ("BT-31", "seller.vat_identifier", invoice.seller.vat_identifier),
        ("BT-63", "tax_representative.vat_identifier", representative.vat_identifier if representative else ""),
        ("BT-48", "buyer.vat_identifier", invoice.buyer.vat_identifier),
    ]
    if case.source.root is not None:
        # A party may give several: the sheets look at each, as it is written, the model keeps one.
        places = {value: (term, path) for term, path, value in reversed(known)}
        written = sorted(case.source.vat_identifiers)
        known = [(*places.get(value.strip(), ("BT-31", "")), value) for value in written]
    for term, path, value in known:
        if value and not _begins_with_a_country(case, value):
            yield Offence(term=term, path=path, value=value.strip())


@rule("BR-FX-EN-04", "BT-72", severity=Severity.WARNING, source="Factur-X BASIC")
def german_invoice_says_when_and_where(case: Case) -> bool:
    """Between Germans, unless paid in advance (BT-3: 386), an invoice says when (BT-72, BG-14, BG-26) and where to."""
    invoice = case.invoice
    countries = [party.address.country.upper() if party.address else "" for party in (invoice.seller, invoice.buyer)]
    if countries != ["DE", "DE"] or invoice.type_code in {"", "386"}:
        return True
    delivery = invoice.delivery
    if delivery is not None and case.stated(delivery.actual_date, "BT-72"):
        return True
    when = invoice.period is not None or all(line.period is not None for line in invoice.lines)
    return when and (delivery is not None or bool(invoice.despatch_advice_reference))


@rule("BR-CO-26", "BT-29")
def seller_can_be_identified(case: Case) -> bool:
    """The seller has an identifier (BT-29), a legal registration (BT-30) or a VAT identifier (BT-31)."""
    seller = case.invoice.seller
    if "seller" in case.source.missing:
        return True
    return bool(seller.vat_identifier or seller.identifiers or seller.legal_registration)


def _has_country(address: Address | None, *, when_absent: bool) -> bool:
    # The UBL sheet asks it of an address that is there, the CII sheet of the party.
    return when_absent if address is None else filled(address.country)


def _has_scheme(case: Case, address: Identifier | None) -> bool:
    if address is None:
        return True
    return bool(address.scheme) if case.ubl else worded(address.scheme)


def _begins_with_a_country(case: Case, value: str) -> bool:
    prefix = "" if value == BLANK else value[:2]
    countries = case.codes["vat_countries"]
    # The UBL sheet looks for the two letters anywhere in its list, even across two codes; so do we.
    return prefix in countries.text if case.ubl else prefix in countries
