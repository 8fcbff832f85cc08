"""Whatever tells of somebody in the tables: none of it may stand in an entry, which is published and never forgets."""

from collections.abc import Iterable
from uuid import UUID

from faitfoi.accounts.models import Membership, Organisation, User
from faitfoi.accounts.tenancy import acting_for, directory
from faitfoi.records.models import Customer, Delivery, Document, JournalEntry

SHORTEST = 3
ALWAYS = frozenset({"@", ".example", "Fontvallon", "place de la Mairie", "IBAN", "FR76"})
TOLD = (
    (Customer, ("name", "billing_email", "siren", "siret", "electronic_address")),
    (Delivery, ("address",)),
    (Document, ("buyer_name",)),
)


def people(organisation: Organisation) -> set[str]:
    """Names, addresses and e-mails of an organisation's users, customers and deliveries."""
    with directory():
        told = {organisation.name}
    with acting_for(organisation.id):
        ids = list(Membership.objects.values_list("user_id", flat=True))
        for model, names in TOLD:
            for name in names:
                told |= {str(value) for value in model._default_manager.values_list(name, flat=True)}
    for pair in User.objects.filter(id__in=ids).values_list("email", "name"):
        told |= set(pair)
    return {each for each in told if len(each) >= SHORTEST} | ALWAYS


def named(entries: Iterable[bytes], told: set[str]) -> list[tuple[str, str]]:
    """Which entries hold any of it."""
    whole = [entry.decode() for entry in entries]
    return [(each, entry) for entry in whole for each in sorted(told) if each in entry]


def entries_of(organisation_id: UUID) -> list[bytes]:
    """The entries of an organisation, as they are published."""
    with acting_for(organisation_id):
        return [body.encode() for body in JournalEntry.objects.values_list("body", flat=True)]
