"""French rules on who is named: SIREN, SIRET, addresses, identifiers.

BR-FR-09 to BR-FR-13, BR-FR-21 to BR-FR-26, BR-FR-32, BR-FR-CO-10, BR-FR-CO-14 and BR-FR-CO-15.
"""

from collections.abc import Callable, Iterator
from typing import Final

from faitfoi.einvoice.model import Identifier
from faitfoi.einvoice.rules.case import Case
from faitfoi.einvoice.rules.engine import Offence
from faitfoi.einvoice.rules.french_beyond import SELF_BILLED
from faitfoi.einvoice.rules.french_rule import (
    french,
    is_between_companies,
    joined_notes,
    siren_of,
)
from faitfoi.einvoice.rules.french_writing import (
    LONGEST_ADDRESS,
    LONGEST_ROUTING_CODE,
    first_after,
    has_allowed_signs,
    is_siren,
    is_siret,
)
from faitfoi.einvoice.rules.marks import filled, shown, worded

SIREN: Final = "0002"
SIRET: Final = "0009"
ROUTING_CODE: Final = "0224"
FRENCH_ADDRESS: Final = "0225"
SINGLE_TAXABLE_PERSON: Final = "0231"

Named = tuple[str, Identifier]
"""An identifier and its path in the model."""
Identifiers = Callable[[Case], Iterator[Named]]


def _seller_identifiers(case: Case) -> Iterator[Named]:
    for index, each in enumerate(case.invoice.seller.identifiers):
        yield f"seller.identifiers[{index}]", each


def _buyer_identifiers(case: Case) -> Iterator[Named]:
    for index, each in enumerate(case.invoice.buyer.identifiers):
        yield f"buyer.identifiers[{index}]", each


def _payee_identifiers(case: Case) -> Iterator[Named]:
    payee = case.invoice.payee
    if payee is not None and payee.identifier is not None:
        yield "payee.identifier", payee.identifier


def _place_identifiers(case: Case) -> Iterator[Named]:
    delivery = case.invoice.delivery
    if delivery is not None and delivery.location is not None:
        yield "delivery.location", delivery.location


def _item_identifiers(case: Case) -> Iterator[Named]:
    for index, line in case.particular_lines:
        if line.item.standard_identifier is not None:
            yield f"lines[{index}].item.standard_identifier", line.item.standard_identifier


def _siret_offence(identifiers: Iterator[Named], siren: str | None) -> Iterator[Offence]:
    """One offence when the first SIRET is malformed or, unless `siren` is None, of another company."""
    for path, each in identifiers:
        if each.scheme == SIRET:
            if not is_siret(each.value) or (siren is not None and each.value[:9] != siren):
                yield Offence(path=path, value=each.value)
            return


@french("BT-29", both="BR-FR-09_BT-29")
def siret_of_the_seller(case: Case) -> Iterator[Offence]:
    """The seller's SIRET (BT-29, scheme 0009) has 14 digits and starts with its SIREN (BT-30)."""
    return _siret_offence(_seller_identifiers(case), siren_of(case.invoice.seller.legal_registration))


@french("BT-46", both="BR-FR-09_BT-46")
def siret_of_the_buyer(case: Case) -> Iterator[Offence]:
    """The buyer's SIRET (BT-46, scheme 0009) has 14 digits and starts with its SIREN (BT-47)."""
    return _siret_offence(_buyer_identifiers(case), siren_of(case.invoice.buyer.legal_registration))


@french("BT-60", both="BR-FR-09_BT-60")
def siret_of_the_payee(case: Case) -> Iterator[Offence]:
    """The payee's SIRET (BT-60, scheme 0009) has 14 digits and, when its SIREN (BT-61) is given, starts with it."""
    payee = case.invoice.payee
    siren = siren_of(payee.legal_registration) if payee is not None else ""
    return _siret_offence(_payee_identifiers(case), shown(siren) or None)


@french("BT-71", both="BR-FR-09_BT-71")
def siret_of_the_place_of_delivery(case: Case) -> Iterator[Offence]:
    """The SIRET of the place of delivery (BT-71, scheme 0009) has 14 digits."""
    return _siret_offence(_place_identifiers(case), None)


@french("BT-30", both="BR-FR-10_BT-30")
def siren_of_the_seller(case: Case) -> Iterator[Offence]:
    """The seller has a SIREN (BT-30, scheme 0002) of 9 digits."""
    if case.ubl and not _has_legal_entity(case):
        return
    siren = siren_of(case.invoice.seller.legal_registration)
    if not is_siren(siren):
        yield Offence(path="seller.legal_registration", value=siren)


def _has_legal_entity(case: Case) -> bool:
    """Whether UBL has a legal entity for the seller at all: the French rule looks at nothing else."""
    seller = case.invoice.seller
    if case.source.root is not None:
        return "seller's legal entity" not in case.source.missing
    return bool(seller.name or seller.legal_registration or seller.additional_legal_information)


@french("BT-47", both="BR-FR-11_BT-47")
def siren_of_the_buyer(case: Case) -> Iterator[Offence]:
    """Between French companies (note BAR: B2B), the buyer has a SIREN (BT-47, scheme 0002) of 9 digits."""
    siren = siren_of(case.invoice.buyer.legal_registration)
    if is_between_companies(case) and not is_siren(siren):
        yield Offence(path="buyer.legal_registration", value=siren)


@french("BT-49", both="BR-FR-12_BT-49")
def electronic_address_of_the_buyer(case: Case) -> bool:
    """The buyer has an electronic address (BT-49)."""
    return _is_filled(case, case.invoice.buyer.electronic_address)


@french("BT-34", both="BR-FR-13_BT-34")
def electronic_address_of_the_seller(case: Case) -> bool:
    """The seller has an electronic address (BT-34)."""
    return _is_filled(case, case.invoice.seller.electronic_address)


def _is_filled(case: Case, address: Identifier | None) -> bool:
    # The CII sheet is content with white space.
    return address is not None and (worded if case.ubl else filled)(address.value)


@french("BT-49", both="BR-FR-21_BT-49")
def address_of_the_buyer_starts_with_its_siren(case: Case) -> Iterator[Offence]:
    """Between French companies, the buyer's electronic address (BT-49) is of scheme 0225 and starts with its SIREN."""
    if case.invoice.type_code not in SELF_BILLED and is_between_companies(case):
        buyer = case.invoice.buyer
        yield from _foreign_address(
            case, "buyer.electronic_address", buyer.electronic_address, buyer.legal_registration
        )


@french("BT-34", both="BR-FR-22_BT-34")
def address_of_a_self_billed_seller_starts_with_its_siren(case: Case) -> Iterator[Offence]:
    """When the buyer issues the invoice, the seller's address (BT-34) is of scheme 0225 and starts with its SIREN."""
    if case.invoice.type_code in SELF_BILLED and is_between_companies(case):
        seller = case.invoice.seller
        yield from _foreign_address(
            case, "seller.electronic_address", seller.electronic_address, seller.legal_registration
        )


def _foreign_address(
    case: Case, path: str, address: Identifier | None, registration: Identifier | None
) -> Iterator[Offence]:
    # The CII sheet takes the legal identifier of any scheme here, the UBL sheet the SIREN alone.
    any_scheme = shown(registration.value) if registration is not None else ""
    start = shown(siren_of(registration)) if case.ubl else any_scheme
    if address is None:
        yield Offence(path=path)
    elif address.scheme != FRENCH_ADDRESS or not shown(address.value).startswith(start):
        yield Offence(path=path, value=address.value)


def _address_rules(term: str, who: str, address: Callable[[Case], Identifier | None]) -> None:
    path = f"{who}.electronic_address"

    def allowed(case: Case) -> Iterator[Offence]:
        found = address(case)
        if found is not None and found.scheme == FRENCH_ADDRESS and not has_allowed_signs(found.value):
            yield Offence(path=path, value=found.value)

    def short(case: Case) -> Iterator[Offence]:
        found = address(case)
        if found is not None and len(found.value) > LONGEST_ADDRESS:
            yield Offence(path=path, value=found.value)

    french(
        term,
        both=f"BR-FR-23_{term}",
        sentence=f"The {who}'s electronic address ({term}) of scheme 0225 is made of letters without accents, "
        "digits and the signs + - _ . only.",
    )(allowed)
    french(
        term,
        both=f"BR-FR-25_{term}",
        sentence=f"The {who}'s electronic address ({term}) has at most 125 characters.",
    )(short)


_address_rules("BT-34", "seller", lambda case: case.invoice.seller.electronic_address)
_address_rules("BT-49", "buyer", lambda case: case.invoice.buyer.electronic_address)


def _routing_rules(term: str, who: str, identifiers: Identifiers) -> None:
    def allowed(case: Case) -> Iterator[Offence]:
        for path, each in identifiers(case):
            if each.scheme == ROUTING_CODE and not has_allowed_signs(each.value):
                yield Offence(path=path, value=each.value)

    def short(case: Case) -> Iterator[Offence]:
        for path, each in identifiers(case):
            if each.scheme == ROUTING_CODE and len(each.value) > LONGEST_ROUTING_CODE:
                yield Offence(path=path, value=each.value)

    french(
        term,
        both=f"BR-FR-24_{term}",
        sentence=f"The {who}'s routing code ({term}, scheme 0224) is made of letters without accents, digits and the "
        "signs + - _ . only.",
    )(allowed)
    french(
        term,
        both=f"BR-FR-26_{term}",
        sentence=f"The {who}'s routing code ({term}, scheme 0224) has at most 100 characters.",
    )(short)


_routing_rules("BT-29", "seller", _seller_identifiers)
_routing_rules("BT-46", "buyer", _buyer_identifiers)


@french("BT-30", both="BR-FR-32-LEGALID")
def legal_identifiers_of_scheme_0002_are_sirens(case: Case) -> Iterator[Offence]:
    """A party's legal identifier of scheme 0002 has 9 digits."""
    invoice = case.invoice
    named = (
        ("seller.legal_registration", "BT-30", invoice.seller.legal_registration),
        ("buyer.legal_registration", "BT-47", invoice.buyer.legal_registration),
        ("payee.legal_registration", "BT-61", invoice.payee.legal_registration if invoice.payee else None),
    )
    for path, term, registration in named:
        if registration is not None and registration.scheme == SIREN and not is_siren(registration.value):
            yield Offence(path=path, value=registration.value, term=term)


@french("BT-29", cii="BR-FR-32-GLOBALID", ubl="BR-FR-32-ID")
def other_identifiers_of_scheme_0002_or_0231_are_sirens(case: Case) -> Iterator[Offence]:
    """A party's other identifiers of scheme 0002 or 0231 have 9 digits."""
    for path, term, each in _every_identifier(case):
        if each.scheme in {SIREN, SINGLE_TAXABLE_PERSON} and not is_siren(each.value):
            yield Offence(path=path, value=each.value, term=term)


def _every_identifier(case: Case) -> Iterator[tuple[str, str, Identifier]]:
    """The identifiers that each sheet looks at: in CII also those of places and items."""
    groups = [(_seller_identifiers, "BT-29"), (_buyer_identifiers, "BT-46"), (_payee_identifiers, "BT-60")]
    if not case.ubl:
        groups += [(_place_identifiers, "BT-71"), (_item_identifiers, "BT-157")]
    for identifiers, term in groups:
        for path, each in identifiers(case):
            yield path, term, each


def _scheme_rule(term: str, who: str, identifiers: Identifiers) -> None:
    # An identifier without scheme is written as another element in CII, where the French sheet does not look.
    def has_a_scheme(case: Case) -> Iterator[Offence]:
        for path, each in identifiers(case):
            if case.ubl and not each.scheme:
                yield Offence(path=path, value=each.value)

    sentence = f"Each identifier of the {who} ({term}) says its scheme."
    french(term, both=f"BR-FR-CO-10_{term}-1", sentence=sentence)(has_a_scheme)


def _once_rule(term: str, who: str, identifiers: Identifiers) -> None:
    def is_given_once(case: Case) -> Iterator[Offence]:
        seen: set[str] = set()
        for path, each in identifiers(case):
            if each.scheme and each.scheme in seen:
                yield Offence(path=path, value=each.value)
            seen.add(each.scheme)

    sentence = f"The {who} has one identifier ({term}) of each scheme."
    french(term, both=f"BR-FR-CO-10_{term}-2", sentence=sentence)(is_given_once)


_scheme_rule("BT-29", "seller", _seller_identifiers)
_once_rule("BT-29", "seller", _seller_identifiers)
_scheme_rule("BT-46", "buyer", _buyer_identifiers)
_once_rule("BT-46", "buyer", _buyer_identifiers)
_scheme_rule("BT-60", "payee", _payee_identifiers)
_once_rule("BT-60", "payee", _payee_identifiers)
_scheme_rule("BT-71", "place of delivery", _place_identifiers)
_once_rule("BT-71", "place of delivery", _place_identifiers)


@french("BT-29", both="BR-FR-CO-14_BT-29-1")
def member_of_a_single_taxable_person_says_so(case: Case) -> bool:
    """A seller who is a member of an assujetti unique (BT-29, scheme 0231) has the note TXD that says so."""
    if not _is_member(case):
        return True
    if case.ubl:
        return first_after(joined_notes(case), "TXD") == _MEMBER
    return any(note.subject_code == "TXD" and note.text == _MEMBER for note in case.invoice.notes)


@french("BT-63", both="BR-FR-CO-15_BT-29-1")
def member_of_a_single_taxable_person_names_it(case: Case) -> bool:
    """A seller who is a member of an assujetti unique gives its VAT number as a tax representative's (BT-63)."""
    representative = case.invoice.tax_representative
    return not _is_member(case) or (representative is not None and worded(representative.vat_identifier))


_MEMBER = "MEMBRE_ASSUJETTI_UNIQUE"


def _is_member(case: Case) -> bool:
    return any(each.scheme == SINGLE_TAXABLE_PERSON for each in case.invoice.seller.identifiers)
