"""Parties, addresses and delivery in UBL (BG-4 to BG-15): each reader beside its writer."""

from faitfoi.einvoice.model import (
    Address,
    Buyer,
    Contact,
    Delivery,
    DeliveryTerms,
    Identifier,
    InvoiceExtension,
    Payee,
    Seller,
    TaxRepresentative,
    TradeParty,
)
from faitfoi.einvoice.xml_groups import Group
from faitfoi.einvoice.xml_out import Out

_VAT = "VAT"
_OTHER_TAX = "TAX"  # any PartyTaxScheme but VAT is BT-32; the norm fixes no code for it
_SEPA = "SEPA"  # scheme that makes a party identification the creditor identifier (BT-90)


def read_address(parent: Group, name: str) -> Address | None:
    """An AddressType group called `name`, None when absent."""
    group = parent.group(name)
    if not group:
        return None
    return Address(
        line_one=group.text("StreetName"),
        line_two=group.text("AdditionalStreetName"),
        city=group.text("CityName"),
        postcode=group.text("PostalZone"),
        subdivision=group.text("CountrySubentity"),
        line_three=group.group("AddressLine").text("Line"),
        country=group.group("Country").text("IdentificationCode"),
    )


def write_address(parent: Out, name: str, address: Address | None) -> None:
    """Write an AddressType group called `name` in the schema's order."""
    if address is None:
        return
    with parent.group(name, keep=True) as out:
        out.text("StreetName", address.line_one)
        out.text("AdditionalStreetName", address.line_two)
        out.text("CityName", address.city)
        out.text("PostalZone", address.postcode)
        out.text("CountrySubentity", address.subdivision)
        with out.group("AddressLine") as line:
            line.text("Line", address.line_three)
        with out.group("Country") as country:
            country.text("IdentificationCode", address.country)


def read_contact(party: Group, term: str) -> Contact | None:
    """Contact, None when absent."""
    group = party.group("Contact")
    if not group:
        return None
    return Contact(
        point=group.text("Name", term), telephone=group.text("Telephone"), email=group.text("ElectronicMail")
    )


def write_contact(party: Out, contact: Contact | None) -> None:
    """Write Contact."""
    if contact is None:
        return
    with party.group("Contact", keep=True) as out:
        out.text("Name", contact.point)
        out.text("Telephone", contact.telephone)
        out.text("ElectronicMail", contact.email)


def read_identifications(party: Group) -> tuple[tuple[Identifier, ...], str]:
    """PartyIdentification: the party's identifiers, and beside them its SEPA creditor identifier (BT-90)."""
    identifiers: list[Identifier] = []
    creditor = ""
    for group in party.groups("PartyIdentification"):
        found = group.identifier("ID")
        if found is None:
            continue
        if found.scheme == _SEPA and not creditor:
            creditor = found.value
        else:
            identifiers.append(found)
    return tuple(identifiers), creditor


def write_identifications(party: Out, identifiers: tuple[Identifier, ...], creditor: str = "") -> None:
    """Write one PartyIdentification for each identifier, then one for the creditor identifier (BT-90)."""
    for value in (*identifiers, *((Identifier(value=creditor, scheme=_SEPA),) if creditor else ())):
        with party.group("PartyIdentification") as out:
            out.identifier("ID", value)


def read_tax_schemes(party: Group) -> tuple[str, str]:
    """PartyTaxScheme: the VAT identifier and the other tax registration."""
    vat = other = ""
    for group in party.groups("PartyTaxScheme"):
        scheme = group.group("TaxScheme").text("ID")
        value = group.text("CompanyID")
        if scheme == _VAT and not vat:
            vat = value
        elif scheme != _VAT and not other:
            other = value
        elif value:
            group.drop(f"L’immatriculation fiscale {value} n’a pas été reprise.", "BT-31")
    return vat, other


def write_tax_scheme(party: Out, value: str, *, scheme: str = _VAT) -> None:
    """Write one PartyTaxScheme when there is a value."""
    if not value:
        return
    with party.group("PartyTaxScheme") as out:
        out.text("CompanyID", value)
        with out.group("TaxScheme") as tax:
            tax.text("ID", scheme)


def _read_party_name(party: Group, term: str) -> str:
    return party.group("PartyName", term).text("Name", term)


def _write_party_name(party: Out, name: str) -> None:
    with party.group("PartyName") as out:
        out.text("Name", name)


def read_seller(party: Group) -> tuple[Seller, str]:
    """The Party of the supplier (BG-4), and the creditor identifier (BT-90) found among its identifications."""
    identifiers, creditor = read_identifications(party)
    vat, other = read_tax_schemes(party)
    legal = party.group("PartyLegalEntity", "BT-30")
    seller = Seller(
        electronic_address=party.identifier("EndpointID", "BT-34"),
        identifiers=identifiers,
        trading_name=_read_party_name(party, "BT-28"),
        address=read_address(party, "PostalAddress"),
        vat_identifier=vat,
        tax_registration=other,
        name=legal.text("RegistrationName", "BT-27"),
        legal_registration=legal.identifier("CompanyID", "BT-30"),
        additional_legal_information=legal.text("CompanyLegalForm", "BT-33"),
        contact=read_contact(party, "BT-41"),
    )
    return seller, creditor


def write_seller(document: Out, seller: Seller, creditor: str, more: InvoiceExtension | None) -> None:
    """Write AccountingSupplierParty (BG-4) with the creditor identifier (BT-90), if it belongs to the seller."""
    with document.group("AccountingSupplierParty", keep=True) as supplier, supplier.group("Party", keep=True) as out:
        out.identifier("EndpointID", seller.electronic_address)
        write_identifications(out, seller.identifiers, creditor)
        _write_party_name(out, seller.trading_name)
        write_address(out, "PostalAddress", seller.address)
        write_tax_scheme(out, seller.vat_identifier)
        write_tax_scheme(out, seller.tax_registration, scheme=_OTHER_TAX)
        with out.group("PartyLegalEntity") as legal:
            legal.text("RegistrationName", seller.name)
            legal.identifier("CompanyID", seller.legal_registration)
            legal.text("CompanyLegalForm", seller.additional_legal_information)
        write_contact(out, seller.contact)
        if more is not None:
            _write_agents(out, agent=more.seller_agent, provider=more.invoicer)


def read_buyer(party: Group) -> Buyer:
    """The Party of the customer (BG-7)."""
    identifiers = tuple(
        found for group in party.groups("PartyIdentification") if (found := group.identifier("ID")) is not None
    )
    legal = party.group("PartyLegalEntity", "BT-47")
    return Buyer(
        electronic_address=party.identifier("EndpointID", "BT-49"),
        identifiers=identifiers,
        trading_name=_read_party_name(party, "BT-45"),
        address=read_address(party, "PostalAddress"),
        vat_identifier=_read_vat_only(party),
        name=legal.text("RegistrationName", "BT-44"),
        legal_registration=legal.identifier("CompanyID", "BT-47"),
        contact=read_contact(party, "BT-56"),
    )


def _read_vat_only(party: Group) -> str:
    """The VAT identifier of a party that EN 16931 gives no other tax registration; another one is reported."""
    vat, other = read_tax_schemes(party)
    if other:
        party.remark_repeated(f"L’immatriculation fiscale {other}, qui n’est pas de TVA, n’a pas été reprise.", "BT-48")
    return vat


def write_buyer(document: Out, buyer: Buyer, more: InvoiceExtension | None) -> None:
    """Write AccountingCustomerParty (BG-7)."""
    with document.group("AccountingCustomerParty", keep=True) as customer, customer.group("Party", keep=True) as out:
        out.identifier("EndpointID", buyer.electronic_address)
        write_identifications(out, buyer.identifiers)
        _write_party_name(out, buyer.trading_name)
        write_address(out, "PostalAddress", buyer.address)
        write_tax_scheme(out, buyer.vat_identifier)
        with out.group("PartyLegalEntity") as legal:
            legal.text("RegistrationName", buyer.name)
            legal.identifier("CompanyID", buyer.legal_registration)
        write_contact(out, buyer.contact)
        if more is not None:
            _write_agents(out, agent=more.buyer_agent, provider=more.invoicee)


def read_agents(party: Group) -> tuple[TradeParty | None, TradeParty | None]:
    """Whom a party has act for it: its agent, and who invoices or is invoiced instead of it (ServiceProviderParty)."""
    if not party.has_more:
        return None, None
    agent = read_trade_party(party.group("AgentParty", "EXT-FR-FE-BG-03"))
    return agent, read_trade_party(party.group("ServiceProviderParty", "EXT-FR-FE-BG-05").group("Party"))


def _write_agents(party: Out, *, agent: TradeParty | None, provider: TradeParty | None) -> None:
    write_trade_party(party, "AgentParty", agent)
    if provider is not None:
        with party.group("ServiceProviderParty") as out:
            write_trade_party(out, "Party", provider)


def read_trade_party(group: Group) -> TradeParty | None:
    """A party of the extended profiles, None when absent."""
    if not group:
        return None
    legal = group.group("PartyLegalEntity")
    identifiers = (each.identifier("ID") for each in group.groups("PartyIdentification"))
    return TradeParty(
        electronic_address=group.identifier("EndpointID"),
        role_code=group.text("IndustryClassificationCode"),
        identifiers=tuple(found for found in identifiers if found is not None),
        trading_name=_read_party_name(group, ""),
        address=read_address(group, "PostalAddress"),
        vat_identifier=_read_vat_only(group),
        name=legal.text("RegistrationName"),
        legal_registration=legal.identifier("CompanyID"),
        contact=read_contact(group, ""),
    )


def write_trade_party(parent: Out, name: str, party: TradeParty | None) -> None:
    """Write a party of the extended profiles as `name`."""
    if party is None:
        return
    with parent.group(name, keep=True) as out:
        out.identifier("EndpointID", party.electronic_address)
        out.text("IndustryClassificationCode", party.role_code)
        write_identifications(out, party.identifiers)
        _write_party_name(out, party.trading_name)
        write_address(out, "PostalAddress", party.address)
        write_tax_scheme(out, party.vat_identifier)
        with out.group("PartyLegalEntity") as legal:
            legal.text("RegistrationName", party.name)
            legal.identifier("CompanyID", party.legal_registration)
        write_contact(out, party.contact)


def read_payee(group: Group) -> tuple[Payee | None, str]:
    """PayeeParty (BG-10, None when absent), and the creditor identifier (BT-90) found among its identifications."""
    if not group:
        return None, ""
    identifiers, creditor = read_identifications(group)
    if len(identifiers) > 1:
        group.remark_repeated("L’identifiant du bénéficiaire est donné plusieurs fois : seul le premier vaut.", "BT-60")
    payee = Payee(
        identifier=identifiers[0] if identifiers else None,
        name=_read_party_name(group, "BT-59"),
        legal_registration=group.group("PartyLegalEntity").identifier("CompanyID", "BT-61"),
        electronic_address=group.identifier("EndpointID", "BT-X-256"),
        role_code=group.text("IndustryClassificationCode", "BT-X-468"),
        address=read_address(group, "PostalAddress"),
        vat_identifier=_read_vat_only(group),
        contact=read_contact(group, "BT-X-244"),
    )
    return payee, creditor


def write_payee(document: Out, payee: Payee | None, creditor: str) -> None:
    """Write PayeeParty (BG-10) with the creditor identifier (BT-90): a payee, if there is one, is the creditor."""
    if payee is None:
        return
    with document.group("PayeeParty") as out:
        out.identifier("EndpointID", payee.electronic_address)
        out.text("IndustryClassificationCode", payee.role_code)
        write_identifications(out, (payee.identifier,) if payee.identifier else (), creditor)
        _write_party_name(out, payee.name)
        write_address(out, "PostalAddress", payee.address)
        write_tax_scheme(out, payee.vat_identifier)
        with out.group("PartyLegalEntity") as legal:
            legal.identifier("CompanyID", payee.legal_registration)
        write_contact(out, payee.contact)


def read_tax_representative(group: Group) -> TaxRepresentative | None:
    """TaxRepresentativeParty (BG-11), None when absent."""
    if not group:
        return None
    return TaxRepresentative(
        name=_read_party_name(group, "BT-62"),
        address=read_address(group, "PostalAddress"),
        vat_identifier=_read_vat_only(group),
    )


def write_tax_representative(document: Out, representative: TaxRepresentative | None) -> None:
    """Write TaxRepresentativeParty (BG-11)."""
    if representative is None:
        return
    with document.group("TaxRepresentativeParty") as out:
        _write_party_name(out, representative.name)
        write_address(out, "PostalAddress", representative.address)
        write_tax_scheme(out, representative.vat_identifier)


def read_delivery(group: Group) -> Delivery | None:
    """Delivery (BG-13), None when it holds nothing."""
    location, party = group.group("DeliveryLocation"), group.group("DeliveryParty")
    found = Delivery(
        actual_date=group.iso_date("ActualDeliveryDate", "BT-72"),
        location=location.identifier("ID", "BT-71"),
        address=read_address(location, "Address"),
        name=_read_party_name(party, "BT-70"),
        electronic_address=party.identifier("EndpointID", "BT-X-160"),
        contact=read_contact(party, "BT-X-155"),
    )
    return None if found == Delivery() else found


def write_delivery(document: Out, delivery: Delivery | None) -> None:
    """Write Delivery (BG-13)."""
    if delivery is None:
        return
    with document.group("Delivery") as out:
        out.iso_date("ActualDeliveryDate", delivery.actual_date)
        with out.group("DeliveryLocation") as location:
            location.identifier("ID", delivery.location)
            write_address(location, "Address", delivery.address)
        with out.group("DeliveryParty") as party:
            party.identifier("EndpointID", delivery.electronic_address)
            _write_party_name(party, delivery.name)
            write_contact(party, delivery.contact)


def read_delivery_terms(group: Group) -> DeliveryTerms | None:
    """DeliveryTerms (Incoterms), None when absent."""
    if not group:
        return None
    return DeliveryTerms(code=group.text("ID"), location=group.group("DeliveryLocation").text("Name"))


def write_delivery_terms(parent: Out, terms: DeliveryTerms | None) -> None:
    """Write DeliveryTerms."""
    if terms is None:
        return
    with parent.group("DeliveryTerms") as out:
        out.text("ID", terms.code)
        with out.group("DeliveryLocation") as location:
            location.text("Name", terms.location)
