"""Which customer record an invoice's buyer is, and what the record says about the way there."""

import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from django.db import connection
from django.db.models import Q

from faitfoi.accounts.models import ChannelKey, Organisation, SizeClass
from faitfoi.channels.afnor_settings import FACTURX, carries_b2g, read_flow_syntax
from faitfoi.einvoice.jsonform import from_json
from faitfoi.einvoice.model import Buyer, Invoice
from faitfoi.pipeline.obligations import Known, known_of
from faitfoi.pipeline.routing import Borne, Directory, Facts
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
    return match_customers([buyer])[0]


def match_customers(buyers: Sequence[Buyer]) -> list[Customer | None]:
    """Find the records of buyers, in their order, by one statement. Runs inside `acting_for`."""
    attempts = [_attempts(buyer) for buyer in buyers]
    wanted: dict[str, set[str]] = {}
    for criteria in (each for some in attempts for each in some):
        (name, value), *_ = criteria.items()
        wanted.setdefault(name, set()).add(value)
    any_of = Q()
    for name, values in wanted.items():
        any_of |= Q(**{f"{name}__in": values})
    known = list(Customer.objects.filter(any_of)) if wanted else []
    return [_first_alone(known, some) for some in attempts]


def _attempts(buyer: Buyer) -> list[dict[str, str]]:
    """By which columns a buyer is looked for, one try after the other."""
    siret, siren = _siret(buyer), _siren(buyer)
    vat = "".join(buyer.vat_identifier.split()).upper()
    name = fold(buyer.name)
    tries = (
        {"siret": siret} if siret else {},
        {"siren": siren, "search_key": name} if siren else {},
        {"siren": siren} if siren else {},
        {"vat_number": vat} if vat else {},
        {"search_key": name} if name and not siren else {},
    )
    return [criteria for criteria in tries if criteria]


def _first_alone(known: Sequence[Customer], attempts: Iterable[Mapping[str, str]]) -> Customer | None:
    for criteria in attempts:
        fitting = [each for each in known if all(getattr(each, name) == value for name, value in criteria.items())]
        if len(fitting) == 1:
            return fitting[0]
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is set here, and what others have said of customers and their addresses: asked once for many invoices."""

    configured: frozenset[str]
    directory: Mapping[str, Directory] = field(default_factory=dict)
    structures: Mapping[str, Mapping[str, Known]] = field(default_factory=dict)
    """By SIRET, then by the channel whose other side describes it."""
    flow_syntax: str = ""
    public_by_platform: bool = False


def told_for(pairs: Iterable[tuple[Customer, Invoice]]) -> Told:
    """Read what is set here, and known of some invoices' customers. Runs inside `acting_for`."""
    given = list(pairs)
    addresses = {directory_address(customer, invoice) for customer, invoice in given} - {""}
    sirets = {customer.siret for customer, _ in given if customer.nature == Nature.PUBLIC} - {""}
    answers = DirectoryAnswer.objects.filter(address__in=addresses).exclude(reach="") if addresses else ()
    structures: dict[str, dict[str, Known]] = {}
    for row in Structure.objects.filter(siret__in=sirets) if sirets else ():
        structures.setdefault(row.siret, {})[row.channel] = known_of(row)
    configured = configured_channels()
    reachable = {Nature.TAXABLE, Nature.PUBLIC}
    by_platform = ChannelKey.PLATEFORME_AGREEE in configured and any(each.nature in reachable for each, _ in given)
    flow_syntax, public_by_platform = _platform_settings() if by_platform else ("", False)
    return Told(
        configured=configured,
        directory={row.address: _directory_of(row) for row in answers},
        structures=structures,
        flow_syntax=flow_syntax,
        public_by_platform=public_by_platform,
    )


def facts_for(
    organisation: Organisation,
    customer: Customer,
    invoice: Invoice,
    *,
    day: date,
    engagement: str = "",
    told: Told | None = None,
) -> Facts:
    """Gather what the routing decision depends on; `engagement` is one given after the invoice was made.

    `told` is what was read for several invoices, this one among them.
    """
    told = told or told_for([(customer, invoice)])
    return replace(
        _facts_of_record(organisation, customer, day=day, configured=told.configured),
        code_service=service_code(customer, invoice),
        engagement=engagement or invoice.purchase_order_reference,
        number=invoice.number,
        electronic_address=directory_address(customer, invoice),
        directory=told.directory.get(directory_address(customer, invoice)),
        structures=told.structures.get(customer.siret, {}) if customer.nature == Nature.PUBLIC else {},
        flow_syntax=told.flow_syntax if customer.nature in {Nature.TAXABLE, Nature.PUBLIC} else "",
        public_by_platform=told.public_by_platform and customer.nature == Nature.PUBLIC,
        borne=borne_by(invoice) if told.public_by_platform and customer.nature == Nature.PUBLIC else None,
    )


def standing_facts(organisation: Organisation, customer: Customer, *, day: date, configured: frozenset[str]) -> Facts:
    """Gather what depends on the customer and the settings alone, whatever the invoice. Runs inside `acting_for`."""
    facts = _facts_of_record(organisation, customer, day=day, configured=configured)
    told = customer.nature == Nature.PUBLIC and public_by_platform(configured)
    # An invoice yet to come bears what the record has.
    borne = Borne(siret=customer.siret, code_service=customer.code_service) if told else None
    directory = known_address(customer.electronic_address)
    return replace(facts, directory=directory, public_by_platform=told, borne=borne)


def _facts_of_record(organisation: Organisation, customer: Customer, *, day: date, configured: frozenset[str]) -> Facts:
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
    return None if row is None else _directory_of(row)


def _directory_of(row: DirectoryAnswer) -> Directory:
    active = tuple(line["address"] for line in row.lines if line["status"] == "Enabled")
    return Directory(reach=row.reach, listed=row.listed, active=active)


def _platform_settings() -> tuple[str, bool]:
    """Return the XML that the plateforme agréée is handed, and whether it carries invoices to public customers too.

    No XML: the sealed Factur-X. The directory says nothing of syntaxes (Directory Service 1.3.0): settings decide.
    """
    try:
        settings = channel_settings(ChannelKey.PLATEFORME_AGREEE) or {}
        syntax, b2g = read_flow_syntax(settings), carries_b2g(settings)
    except (VaultClosed, ValueError):
        return "", False  # the channel opens with neither: the sending is held, and says so
    return "" if syntax == FACTURX else syntax, b2g


def public_by_platform(configured: frozenset[str]) -> bool:
    """Whether the plateforme agréée is set to carry invoices to public customers too. Runs inside `acting_for`.

    `configured` are the channels that have settings here.
    """
    return ChannelKey.PLATEFORME_AGREEE in configured and _platform_settings()[1]


def borne_by(invoice: Invoice) -> Borne:
    """Return what an invoice itself says of its public buyer."""
    identifiers = invoice.buyer.identifiers
    return Borne(
        siret=next((each.value for each in identifiers if each.scheme == SIRET_SCHEME), ""),
        code_service=next((each.value for each in identifiers if each.scheme == ROUTING_SCHEME), "")
        or invoice.buyer_reference,
        engagement=invoice.purchase_order_reference,
    )


def configured_channels() -> frozenset[str]:
    """Return the channels that have settings here. Runs inside `acting_for`."""
    return frozenset(ChannelSettings.objects.values_list("channel", flat=True))


def service_code(customer: Customer, invoice: Invoice) -> str:
    """Return the code service: the invoice's (BT-46 scheme 0224), else the record's, else BT-10."""
    named = next((i.value for i in invoice.buyer.identifiers if i.scheme == ROUTING_SCHEME), "")
    return named or customer.code_service or invoice.buyer_reference


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
