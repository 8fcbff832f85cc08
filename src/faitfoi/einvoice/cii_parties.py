"""Parties, addresses and delivery in CII (BG-4 to BG-15): each reader beside its writer."""

from faitfoi.einvoice.cii_values import (
    one_identifier,
    read_date,
    read_identifiers,
    write_date,
    write_identifiers,
)
from faitfoi.einvoice.model import (
    Address,
    Buyer,
    Contact,
    Delivery,
    Identifier,
    Payee,
    Seller,
    TaxRepresentative,
    TradeParty,
)
from faitfoi.einvoice.xml_groups import Group
from faitfoi.einvoice.xml_out import Out

_VAT = "VA"  # UNTDID 1153: VAT registration number
_FISCAL = "FC"  # UNTDID 1153: fiscal number


def read_address(party: Group) -> Address | None:
    """PostalTradeAddress of `party`, None when absent."""
    group = party.group("PostalTradeAddress")
    if not group:
        return None
    return Address(
        postcode=group.text("PostcodeCode"),
        line_one=group.text("LineOne"),
        line_two=group.text("LineTwo"),
        line_three=group.text("LineThree"),
        city=group.text("CityName"),
        country=group.text("CountryID"),
        subdivision=group.text("CountrySubDivisionName"),
    )


def write_address(party: Out, address: Address | None) -> None:
    """Write PostalTradeAddress in the schema's order."""
    if address is None:
        return
    with party.group("PostalTradeAddress", keep=True) as out:
        out.text("PostcodeCode", address.postcode)
        out.text("LineOne", address.line_one)
        out.text("LineTwo", address.line_two)
        out.text("LineThree", address.line_three)
        out.text("CityName", address.city)
        out.text("CountryID", address.country)
        out.text("CountrySubDivisionName", address.subdivision)


def read_contact(party: Group, term: str) -> Contact | None:
    """DefinedTradeContact: the person, else the department, is the contact point."""
    group = party.group("DefinedTradeContact")
    if not group:
        return None
    person, department = group.text("PersonName"), group.text("DepartmentName", term)
    return Contact(
        point=person or department,
        department=department if person else "",
        telephone=group.group("TelephoneUniversalCommunication").text("CompleteNumber"),
        email=group.group("EmailURIUniversalCommunication").text("URIID"),
    )


def write_contact(party: Out, contact: Contact | None) -> None:
    """Write DefinedTradeContact, the contact point as a person's name."""
    if contact is None:
        return
    with party.group("DefinedTradeContact", keep=True) as out:
        out.text("PersonName", contact.point)
        out.text("DepartmentName", contact.department)
        with out.group("TelephoneUniversalCommunication") as telephone:
            telephone.text("CompleteNumber", contact.telephone)
        with out.group("EmailURIUniversalCommunication") as email:
            email.text("URIID", contact.email)


def read_registrations(party: Group) -> dict[str, str]:
    """SpecifiedTaxRegistration by scheme (`VA`, `FC`); an unknown or repeated scheme is reported."""
    found: dict[str, str] = {}
    for group in party.groups("SpecifiedTaxRegistration"):
        registration = group.identifier("ID")
        if registration is None:
            continue
        if registration.scheme in found or registration.scheme not in {_VAT, _FISCAL}:
            group.drop(f"L’immatriculation fiscale {registration.value} n’a pas été reprise.", "BT-31")
        else:
            found[registration.scheme] = registration.value
    return found


def write_registration(party: Out, scheme: str, value: str) -> None:
    """Write one SpecifiedTaxRegistration when there is a value."""
    with party.group("SpecifiedTaxRegistration") as out:
        out.text("ID", value, schemeID=scheme)


def _write_legal_organization(party: Out, registration: Identifier | None, trading_name: str) -> None:
    with party.group("SpecifiedLegalOrganization") as out:
        out.identifier("ID", registration)
        out.text("TradingBusinessName", trading_name)


def _read_electronic_address(party: Group, term: str) -> Identifier | None:
    return party.group("URIUniversalCommunication").identifier("URIID", term)


def _write_electronic_address(party: Out, address: Identifier | None) -> None:
    with party.group("URIUniversalCommunication") as out:
        out.identifier("URIID", address)


def read_seller(group: Group) -> Seller:
    """SellerTradeParty (BG-4)."""
    organization = group.group("SpecifiedLegalOrganization", "BT-30")
    registrations = read_registrations(group)
    return Seller(
        identifiers=read_identifiers(group),
        name=group.text("Name", "BT-27"),
        additional_legal_information=group.text("Description", "BT-33"),
        legal_registration=organization.identifier("ID", "BT-30"),
        trading_name=organization.text("TradingBusinessName", "BT-28"),
        contact=read_contact(group, "BT-41"),
        address=read_address(group),
        electronic_address=_read_electronic_address(group, "BT-34"),
        vat_identifier=registrations.get(_VAT, ""),
        tax_registration=registrations.get(_FISCAL, ""),
    )


def write_seller(agreement: Out, seller: Seller) -> None:
    """Write SellerTradeParty (BG-4)."""
    with agreement.group("SellerTradeParty", keep=True) as out:
        write_identifiers(out, seller.identifiers)
        out.text("Name", seller.name)
        out.text("Description", seller.additional_legal_information)
        _write_legal_organization(out, seller.legal_registration, seller.trading_name)
        write_contact(out, seller.contact)
        write_address(out, seller.address)
        _write_electronic_address(out, seller.electronic_address)
        write_registration(out, _VAT, seller.vat_identifier)
        write_registration(out, _FISCAL, seller.tax_registration)


def read_buyer(group: Group) -> Buyer:
    """BuyerTradeParty (BG-7)."""
    organization = group.group("SpecifiedLegalOrganization", "BT-47")
    return Buyer(
        identifiers=read_identifiers(group),
        name=group.text("Name", "BT-44"),
        legal_registration=organization.identifier("ID", "BT-47"),
        trading_name=organization.text("TradingBusinessName", "BT-45"),
        contact=read_contact(group, "BT-56"),
        address=read_address(group),
        electronic_address=_read_electronic_address(group, "BT-49"),
        vat_identifier=read_registrations(group).get(_VAT, ""),
    )


def write_buyer(agreement: Out, buyer: Buyer) -> None:
    """Write BuyerTradeParty (BG-7)."""
    with agreement.group("BuyerTradeParty", keep=True) as out:
        write_identifiers(out, buyer.identifiers)
        out.text("Name", buyer.name)
        _write_legal_organization(out, buyer.legal_registration, buyer.trading_name)
        write_contact(out, buyer.contact)
        write_address(out, buyer.address)
        _write_electronic_address(out, buyer.electronic_address)
        write_registration(out, _VAT, buyer.vat_identifier)


def read_payee(group: Group) -> Payee | None:
    """PayeeTradeParty (BG-10), None when absent."""
    if not group:
        return None
    return Payee(
        identifier=one_identifier(group, "BT-60"),
        name=group.text("Name", "BT-59"),
        legal_registration=(organization := group.group("SpecifiedLegalOrganization")).identifier("ID", "BT-61"),
        role_code=group.text("RoleCode"),
        trading_name=organization.text("TradingBusinessName"),
        address=read_address(group),
        contact=read_contact(group, "BT-X-244"),
        electronic_address=_read_electronic_address(group, "BT-X-256"),
        vat_identifier=read_registrations(group).get(_VAT, ""),
    )


def write_payee(settlement: Out, payee: Payee | None) -> None:
    """Write PayeeTradeParty (BG-10)."""
    if payee is None:
        return
    with settlement.group("PayeeTradeParty") as out:
        write_identifiers(out, (payee.identifier,) if payee.identifier else ())
        out.text("Name", payee.name)
        out.text("RoleCode", payee.role_code)
        _write_legal_organization(out, payee.legal_registration, payee.trading_name)
        write_contact(out, payee.contact)
        write_address(out, payee.address)
        _write_electronic_address(out, payee.electronic_address)
        write_registration(out, _VAT, payee.vat_identifier)


def read_tax_representative(group: Group) -> TaxRepresentative | None:
    """SellerTaxRepresentativeTradeParty (BG-11), None when absent."""
    if not group:
        return None
    return TaxRepresentative(
        name=group.text("Name", "BT-62"),
        address=read_address(group),
        vat_identifier=read_registrations(group).get(_VAT, ""),
    )


def write_tax_representative(agreement: Out, representative: TaxRepresentative | None) -> None:
    """Write SellerTaxRepresentativeTradeParty (BG-11)."""
    if representative is None:
        return
    with agreement.group("SellerTaxRepresentativeTradeParty") as out:
        out.text("Name", representative.name)
        write_address(out, representative.address)
        write_registration(out, _VAT, representative.vat_identifier)


def read_delivery(group: Group) -> Delivery | None:
    """ShipToTradeParty and ActualDeliverySupplyChainEvent (BG-13), None when they hold nothing."""
    place, event = group.group("ShipToTradeParty"), group.group("ActualDeliverySupplyChainEvent")
    found = Delivery(
        location=one_identifier(place, "BT-71"),
        name=place.text("Name", "BT-70"),
        address=read_address(place),
        contact=read_contact(place, "BT-X-155"),
        electronic_address=_read_electronic_address(place, "BT-X-160"),
        actual_date=read_date(event, "OccurrenceDateTime", "BT-72"),
    )
    return None if found == Delivery() else found


def write_ship_to(out: Out, delivery: Delivery | None) -> None:
    """Write ShipToTradeParty (BG-13)."""
    if delivery is None:
        return
    with out.group("ShipToTradeParty") as place:
        write_identifiers(place, (delivery.location,) if delivery.location else ())
        place.text("Name", delivery.name)
        write_contact(place, delivery.contact)
        write_address(place, delivery.address)
        _write_electronic_address(place, delivery.electronic_address)


def write_delivery_date(out: Out, delivery: Delivery | None) -> None:
    """Write ActualDeliverySupplyChainEvent (BT-72)."""
    if delivery is not None and delivery.actual_date is not None:
        with out.group("ActualDeliverySupplyChainEvent") as event:
            write_date(event, "OccurrenceDateTime", delivery.actual_date)


def read_trade_party(group: Group) -> TradeParty | None:
    """A party of the extended profiles, None when absent."""
    if not group:
        return None
    organization = group.group("SpecifiedLegalOrganization")
    return TradeParty(
        identifiers=read_identifiers(group),
        name=group.text("Name"),
        role_code=group.text("RoleCode"),
        legal_registration=organization.identifier("ID"),
        trading_name=organization.text("TradingBusinessName"),
        contact=read_contact(group, ""),
        address=read_address(group),
        electronic_address=_read_electronic_address(group, ""),
        vat_identifier=read_registrations(group).get(_VAT, ""),
    )


def write_trade_party(out: Out, name: str, party: TradeParty | None) -> None:
    """Write a party of the extended profiles as `name`."""
    if party is None:
        return
    with out.group(name, keep=True) as group:
        write_identifiers(group, party.identifiers)
        group.text("Name", party.name)
        group.text("RoleCode", party.role_code)
        _write_legal_organization(group, party.legal_registration, party.trading_name)
        write_contact(group, party.contact)
        write_address(group, party.address)
        _write_electronic_address(group, party.electronic_address)
        write_registration(group, _VAT, party.vat_identifier)
