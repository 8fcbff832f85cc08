"""The same invoices in every profile: what mutations start from where each profile has a sheet of its own."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from faitfoi.einvoice.cii import write_cii
from faitfoi.einvoice.conversion import SPECIFICATIONS
from faitfoi.einvoice.fitting import fit
from faitfoi.einvoice.model import Invoice
from faitfoi.einvoice.profiles import Profile
from faitfoi.einvoice.ubl import write_ubl

PROFILES = (Profile.MINIMUM, Profile.BASIC_WL, Profile.BASIC, Profile.EXTENDED, Profile.EXTENDED_CTC_FR)
# A card with its number and a prepaid amount need a place that these profiles do not have.
_TOO_MUCH = {(Profile.BASIC_WL, "card"), (Profile.BASIC, "card")}


def profiled(invoices: Iterable[tuple[str, Invoice]]) -> Iterator[tuple[str, bytes]]:
    """Each invoice as (`name.profile.cii` or `.ubl`, XML), without what the profile has no place for."""
    for name, invoice in invoices:
        for profile in PROFILES:
            if (profile, name) in _TOO_MUCH:
                continue
            process = replace(invoice.process, specification=SPECIFICATIONS[profile])
            said = replace(invoice, process=process)
            word = profile.value.lower().replace(" ", "-")
            yield f"{name}.{word}.cii", write_cii(fit(said, profile=profile, ubl=False)[0])
            if profile is Profile.EXTENDED_CTC_FR:
                yield f"{name}.{word}.ubl", write_ubl(fit(said, profile=profile, ubl=True)[0])
