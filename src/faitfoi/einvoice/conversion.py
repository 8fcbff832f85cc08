"""From a model to any syntax, with the list of what that syntax could not hold."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from faitfoi.einvoice.cii import write_cii
from faitfoi.einvoice.findings import Finding, Severity
from faitfoi.einvoice.fitting import fit
from faitfoi.einvoice.jsonform import to_json
from faitfoi.einvoice.model import Invoice, term_of
from faitfoi.einvoice.profiles import EN16931, Profile, profile_of
from faitfoi.einvoice.reading import read
from faitfoi.einvoice.ubl import write_ubl

LOST = "FF-LOST"

SPECIFICATIONS = {
    Profile.MINIMUM: "urn:factur-x.eu:1p0:minimum",
    Profile.BASIC_WL: "urn:factur-x.eu:1p0:basicwl",
    Profile.BASIC: f"{EN16931}#compliant#urn:factur-x.eu:1p0:basic",
    Profile.EN16931: EN16931,
    Profile.EXTENDED: f"{EN16931}#conformant#urn:factur-x.eu:1p0:extended",
    Profile.EXTENDED_CTC_FR: f"{EN16931}#conformant#urn.cpro.gouv.fr:1p0:extended-ctc-fr",
    Profile.XRECHNUNG: f"{EN16931}#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0",
    Profile.PEPPOL: f"{EN16931}#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0",
}
"""BT-24 of each profile, as its authors write it today."""


class Target(StrEnum):
    """What an invoice can be written as."""

    CII = "cii"
    UBL = "ubl"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """A document, and what of the model it does not hold (`FF-LOST`, one finding for each term; empty: nothing)."""

    content: bytes = field(repr=False)
    lost: tuple[Finding, ...]


def convert(invoice: Invoice, to: Target, *, profile: Profile | None = None) -> Conversion:
    """Write an invoice as CII, UBL (Invoice or CreditNote, by its BT-3) or our JSON, and read it again to compare.

    `profile` replaces the specification identifier (BT-24). What the profile, named or given, has no place for is left
    out and told: what is written never goes beyond its own schema. Raises ValueError for what no XML can hold: a number
    that is not finite, a control character.
    """
    if profile is not None:
        process = replace(invoice.process, specification=SPECIFICATIONS[profile])
        invoice = replace(invoice, process=process)
    fitted = invoice
    if to is not Target.JSON:
        follows = profile_of(invoice.process.specification)
        fitted, _ = fit(invoice, profile=follows, ubl=to is Target.UBL)
    content = _write(fitted, to)
    return Conversion(content=content, lost=tuple(_lost(invoice, read(content).invoice)))


def _write(invoice: Invoice, to: Target) -> bytes:
    if to is Target.CII:
        return write_cii(invoice)
    if to is Target.UBL:
        return write_ubl(invoice)
    return (json.dumps(to_json(invoice), ensure_ascii=False, indent=2) + "\n").encode()


def _lost(before: Invoice, after: Invoice) -> Iterator[Finding]:
    if before == after:
        return
    kept = dict(_values(to_json(after), ""))
    for path, value in _values(to_json(before), ""):
        if kept.get(path) != value:
            yield Finding(
                rule=LOST,
                severity=Severity.WARNING,
                message="This is not kept: the syntax or profile asked for has no room for it.",
                message_fr="Ceci n’est pas repris : la syntaxe ou le profil demandé n’a pas de place pour le dire.",
                term=_term(path),
                path=path,
                value=value,
            )


def _values(value: object, path: str) -> Iterator[tuple[str, str]]:
    """Every text of a JSON value, with its path in the model."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _values(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _values(inner, f"{path}[{place}]")
    elif value is not None:
        yield path, str(value)


def _term(path: str) -> str:
    """The term of a path, or of the nearest group around it."""
    general = re.sub(r"\[\d+\]", "[]", path)
    while general:
        if known := term_of(general) or term_of(general + "[]"):
            return known.code
        general = general.rpartition(".")[0]
    return ""
