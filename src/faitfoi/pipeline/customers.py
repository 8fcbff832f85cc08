"""Which customer record an invoice's buyer is, and what the record says about the way there."""

import json
import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from django.db import connection
from django.db.models import QuerySet

from faitfoi.accounts.models import ChannelKey, Organisation, SizeClass
from faitfoi.channels.afnor_settings import FACTURX, read_flow_syntax
from faitfoi.einvoice.jsonform import from_json
from faitfoi.einvoice.model import Buyer, Invoice
from faitfoi.pipeline.obligations import Known, known_of
from faitfoi.pipeline.routing import Directory, Facts
from faitfoi.records.models import ChannelSettings, Customer, DirectoryAnswer, Document, Structure
from faitfoi.records.stages import Nature
from faitfoi.records.vault import VaultClosed, channel_settings

SIREN_SCHEME = "0002"
SIRET_SCHEME = "0009"
ROUTING_SCHEME = "0224"
LONGEST_ADDRESS = 254  # RFC 5321 §4.5.3.1.3, without the angle brackets


def fold(text: str) -> str:
    """Return a name as it is compared: no accents, no case, single spaces."""
    plain = unicodedata.normalize("NFKD", text)
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).casefold().split())


def seller_identity(invoice: Invoice) -> str:
    """Return the seller's SIREN (BT-30, BT-29, else from the VAT number), or a foreign seller's own identifier."""
    seller = invoice.seller
    siret = seller_siret(invoice)
    registered = seller.legal_registration.value if seller.legal_registration else ""
    for candidate in (registered, siret):
        digits = "".join(candidate.split())
        if digits.isdigit() and len(digits) in {9, 14}:
            return digits[:9]
    vat = "".join(seller.vat_identifier.split()).upper()
    if vat.startswith("FR") and len(vat) == 13:
        return vat[4:]
    return vat or registered or fold(seller.name)


def seller_siret(invoice: Invoice) -> str:
    """Return the seller's SIRET (BT-29 of scheme 0009), or nothing when the invoice does not tell it."""
    return next((i.value for i in invoice.seller.identifiers if i.scheme == SIRET_SCHEME), "")


def match_customer(buyer: Buyer) -> Customer | None:
    """Find the buyer's record: by SIRET, SIREN, VAT number, then by the very same name. Two that fit equally: none."""
    siret, siren = _siret(buyer), _siren(buyer)
    vat = "".join(buyer.vat_identifier.split()).upper()
    name = fold(buyer.name)
    attempts = (
        {"siret": siret} if siret else None,
        {"siren": siren, "search_key": name} if siren else None,
        {"siren": siren} if siren else None,
        {"vat_number": vat} if vat else None,
        {"search_key": name} if name and not siren else None,
    )
    for criteria in attempts:
        if criteria is not None and (found := _only(Customer.objects.filter(**criteria))):
            return found
    return None


def buyer_of(document: Document) -> Buyer:
    """Return the buyer that a sealed document names."""
    return from_json(json.dumps(document.invoice).encode()).buyer


def draft_customer(organisation: Organisation, buyer: Buyer) -> Customer:
    """Make, unsaved, the record of a buyer nobody registered yet; its nature is only what the invoice itself tells."""
    country = (buyer.address.country if buyer.address else "") or "FR"
    siren = _siren(buyer)
    nature = Nature.FOREIGN if country != "FR" else Nature.TAXABLE if siren or buyer.vat_identifier else Nature.CONSUMER
    reference = (_siret(buyer) or siren or "".join(buyer.vat_identifier.split()) or fold(buyer.name))[:60]
    email = buyer.contact.email if buyer.contact else ""
    return Customer(
        organisation=organisation,
        reference=reference,
        name=" ".join(buyer.name.split())[:200] or reference,
        search_key=fold(buyer.name)[:200],
        nature=nature,
        siren=siren,
        siret=_siret(buyer),
        vat_number="".join(buyer.vat_identifier.split()).upper()[:20],
        country=country[:2],
        billing_email=email if "@" in email and len(email) <= LONGEST_ADDRESS else "",
        electronic_address=buyer.electronic_address.value[:125] if buyer.electronic_address else "",
    )


def take_turns(organisation: Organisation, customers: Iterable[Customer | None]) -> None:
    """Let nobody else register these new customers before the running transaction ends; known ones cost nothing.

    Always in one order: two workers that register the same customers in opposite orders would wait for each other.
    """
    new = {each.reference for each in customers if each is not None and each._state.adding}  # noqa: SLF001  # Django's own word for "not saved yet"
    if new:
        names = [f"customer {organisation.id} {reference}" for reference in sorted(new)]
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest(%s::text[]) AS name", [names]
            )


def facts_for(
    organisation: Organisation, customer: Customer, invoice: Invoice, *, day: date, engagement: str = ""
) -> Facts:
    """Gather what the routing decision depends on; `engagement` is one given after the invoice was made."""
    facts = standing_facts(organisation, customer, day=day, configured=configured_channels())
    return replace(
        facts,
        code_service=service_code(customer, invoice),
        engagement=engagement or invoice.purchase_order_reference,
        number=invoice.number,
        electronic_address=directory_address(customer, invoice),
        directory=known_address(directory_address(customer, invoice)),
        structure=known_structure(customer),
        flow_syntax=flow_syntax_for(customer) if ChannelKey.PLATEFORME_AGREEE in facts.configured else "",
    )


def standing_facts(organisation: Organisation, customer: Customer, *, day: date, configured: frozenset[str]) -> Facts:
    """Gather what depends on the customer and the settings alone, whatever the invoice."""
    return Facts(
        customer_name=customer.name,
        nature=Nature(customer.nature),
        customer_channel=customer.channel,
        customer_copy_channel=customer.copy_channel,
        billing_email=customer.billing_email,
        siret=customer.siret,
        code_service=customer.code_service,
        code_service_required=customer.code_service_required,
        engagement="",
        engagement_required=customer.engagement_required,
        electronic_address=customer.electronic_address,
        directory=known_address(customer.electronic_address),
        default_channel=organisation.default_channel,
        copy_channel=organisation.copy_channel,
        issues_electronically_from=organisation.issues_electronically_from,
        size=SizeClass(organisation.size),
        notice_channel=organisation.notice_channel,
        customer_notice=customer.notice,
        configured=configured,
        day=day,
        number="",
    )


def directory_address(customer: Customer, invoice: Invoice) -> str:
    """Return the address that the invoice bears (BT-49), which is where it goes; the record's when it bears none."""
    borne = invoice.buyer.electronic_address
    return (borne.value if borne and borne.scheme != "EM" else "") or customer.electronic_address


def known_address(address: str) -> Directory | None:
    """Return what the directory has said of an address; None before it was asked. Runs inside `acting_for`."""
    row = DirectoryAnswer.objects.filter(address=address).exclude(reach="").first() if address else None
    if row is None:
        return None
    active = tuple(line["address"] for line in row.lines if line["status"] == "Enabled")
    return Directory(reach=row.reach, listed=row.listed, active=active)


def flow_syntax_for(customer: Customer) -> str:
    """Return the XML that the plateforme agréée is handed for a customer; nothing where it gets the sealed Factur-X.

    The directory says nothing of syntaxes (Directory Service 1.3.0): the channel's settings decide.
    """
    if customer.nature != Nature.TAXABLE:
        return ""
    try:
        syntax = read_flow_syntax(channel_settings(ChannelKey.PLATEFORME_AGREEE) or {})
    except (VaultClosed, ValueError):
        return ""  # the channel opens with neither: the sending is held, and says so
    return "" if syntax == FACTURX else syntax


def known_structure(customer: Customer) -> Known | None:
    """Return what Chorus Pro has said of a public customer; None for others, and before it was asked."""
    if customer.nature != Nature.PUBLIC:
        return None
    row = Structure.objects.filter(siret=customer.siret).first() if customer.siret else None
    return known_of(row) if row else None


def configured_channels() -> frozenset[str]:
    """Return the channels that have settings here. Runs inside `acting_for`."""
    return frozenset(ChannelSettings.objects.values_list("channel", flat=True))


def service_code(customer: Customer, invoice: Invoice) -> str:
    """Return the code service: the invoice's (BT-46 scheme 0224), else the record's, else BT-10."""
    named = next((i.value for i in invoice.buyer.identifiers if i.scheme == ROUTING_SCHEME), "")
    return named or customer.code_service or invoice.buyer_reference


def _only(found: "QuerySet[Customer]") -> Customer | None:
    rows = list(found[:2])
    return rows[0] if len(rows) == 1 else None


def _siret(buyer: Buyer) -> str:
    named = [i.value for i in buyer.identifiers if i.scheme == SIRET_SCHEME]
    if buyer.legal_registration:
        named.append(buyer.legal_registration.value)
    return next((value for value in map(_digits, named) if len(value) == 14), "")


def _siren(buyer: Buyer) -> str:
    registered = _digits(buyer.legal_registration.value) if buyer.legal_registration else ""
    if len(registered) in {9, 14}:
        return registered[:9]
    vat = "".join(buyer.vat_identifier.split()).upper()
    if vat.startswith("FR") and len(vat) == 13:
        return vat[4:]
    return _siret(buyer)[:9]


def _digits(text: str) -> str:
    plain = "".join(text.split())
    return plain if plain.isdigit() else ""
