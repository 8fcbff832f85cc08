"""Ours, where the official rules are silent and people suffer later. They warn and never block (`FF-…`)."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from typing import TypeAlias

from faitfoi.einvoice.findings import Severity
from faitfoi.einvoice.model import Identifier
from faitfoi.einvoice.rules.case import Case
from faitfoi.einvoice.rules.engine import Family, Offence, rule
from faitfoi.einvoice.rules.marks import filled

_SIREN = "0002"  # ICD of ISO/IEC 6523
_SIRET = "0009"
_DATES = frozenset({"BT-2", "BT-7", "BT-9", "BT-26", "BT-72", "BT-73", "BT-74", "BT-134", "BT-135"})

# UNTDID 4451, as French law wants them on an invoice: recovery costs, late payment, discount for early payment.
_LEGAL_MENTIONS = frozenset({"PMT", "PMD", "AAB"})

_ours = partial(rule, family=Family.OURS, severity=Severity.WARNING, source="Faitfoi")

_Told: TypeAlias = tuple[str, str, str]  # term, path, value


@_ours("FF-DATE", *sorted(_DATES))
def dates_are_in_the_calendar(case: Case) -> Iterator[Offence]:
    """Every date is a day of the calendar: there is no 31 February."""
    unread = case.source.unread
    return (Offence(term=term, at=case.source.element(unread[term])) for term in sorted(_DATES & unread.keys()))


@_ours("FF-DUE-DATE", "BT-9")
def is_not_due_before_it_is_issued(case: Case) -> bool:
    """An invoice is not due (BT-9) before the day it is issued (BT-2)."""
    issued, due = case.invoice.issue_date, case.invoice.due_date
    return issued is None or due is None or issued <= due


@_ours("FF-SIREN", "BT-30", "BT-47", "BT-61")
def sirens_have_their_key(case: Case) -> Iterator[Offence]:
    """A SIREN (scheme 0002 in BT-30, BT-47, BT-61) has nine digits, the last of which is the right key."""
    invoice = case.invoice
    registrations = [
        ("BT-30", "seller.legal_registration", invoice.seller.legal_registration),
        ("BT-47", "buyer.legal_registration", invoice.buyer.legal_registration),
        ("BT-61", "payee.legal_registration", invoice.payee.legal_registration if invoice.payee else None),
    ]
    return _wrong(_of_scheme(_SIREN, registrations), _is_siren)


@_ours("FF-SIRET", "BT-29", "BT-46", "BT-60", "BT-71")
def sirets_have_their_key(case: Case) -> Iterator[Offence]:
    """A SIRET (scheme 0009 in BT-29, BT-46, BT-60, BT-71) has fourteen digits, the last of which is the right key."""
    invoice = case.invoice
    identifiers: list[tuple[str, str, Identifier | None]] = [
        *(("BT-29", f"seller.identifiers[{place}]", each) for place, each in enumerate(invoice.seller.identifiers)),
        *(("BT-46", f"buyer.identifiers[{place}]", each) for place, each in enumerate(invoice.buyer.identifiers)),
        ("BT-60", "payee.identifier", invoice.payee.identifier if invoice.payee else None),
        ("BT-71", "delivery.location", invoice.delivery.location if invoice.delivery else None),
    ]
    return _wrong(_of_scheme(_SIRET, identifiers), _is_siret)


@_ours("FF-VAT", "BT-31", "BT-48", "BT-63")
def vat_identifiers_have_their_key(case: Case) -> Iterator[Offence]:
    """A VAT identifier of the European Union (BT-31, BT-48, BT-63) is formed as its country wants, key included."""
    return _wrong(_vat_identifiers(case), _is_vat)


@_ours("FF-VAT-SIREN", "BT-31", "BT-48", severity=Severity.INFORMATION)
def french_vat_identifiers_hold_the_siren(case: Case) -> Iterator[Offence]:
    """A French VAT identifier (BT-31, BT-48) ends with the SIREN of the party (BT-30, BT-47), or of its VAT group."""
    seller, buyer = case.invoice.seller, case.invoice.buyer
    for term, path, vat, registration in (
        ("BT-31", "seller.vat_identifier", seller.vat_identifier, seller.legal_registration),
        ("BT-48", "buyer.vat_identifier", buyer.vat_identifier, buyer.legal_registration),
    ):
        if not vat.startswith("FR") or registration is None or registration.scheme != _SIREN:
            continue
        if not _compact(vat).endswith(_compact(registration.value)):
            yield Offence(term=term, path=path, value=vat)


@_ours("FF-IBAN", "BT-84", "BT-91")
def ibans_have_their_key(case: Case) -> Iterator[Offence]:
    """What begins like an IBAN (BT-84, BT-91) has the length its country wants and the right key."""
    payment = case.invoice.payment
    if payment is None:
        return
    accounts = [
        ("BT-84", f"payment.credit_transfers[{place}].account", transfer.account)
        for place, transfer in enumerate(payment.credit_transfers)
    ]
    if payment.direct_debit is not None:
        accounts.append(("BT-91", "payment.direct_debit.debited_account", payment.direct_debit.debited_account))
    yield from _wrong(accounts, _is_iban)


@_ours("FF-EMPTY", "BT-1", "BT-22", "BT-27", "BT-44", "BT-153")
def mandatory_mentions_say_something(case: Case) -> Iterator[Offence]:
    """What must be said is said in letters or digits: a dash or a question mark is no number, name, item or mention."""
    invoice = case.invoice
    for term, path, value in (
        ("BT-1", "number", invoice.number),
        ("BT-27", "seller.name", invoice.seller.name),
        ("BT-44", "buyer.name", invoice.buyer.name),
    ):
        if filled(value) and not _says_something(value):
            yield Offence(term=term, path=path, value=value)
    for place, note in enumerate(invoice.notes):
        if note.subject_code in _LEGAL_MENTIONS and filled(note.text) and not _says_something(note.text):
            yield Offence(term="BT-22", path=f"notes[{place}].text", value=note.text)
    for place, line in enumerate(invoice.lines):
        name = line.item.name
        if filled(name) and not _says_something(name):
            yield Offence(term="BT-153", path=f"lines[{place}].item.name", value=name, line=line.identifier)


@_ours("FF-CREDIT-NOTE", "BT-112")
def credit_note_is_counted_upwards(case: Case) -> bool:
    """A credit note gives its total (BT-112) above zero: less than nothing credited is an invoice."""
    with_vat = case.invoice.totals.with_vat
    return not case.invoice.is_credit_note or with_vat is None or with_vat >= 0


@_ours("FF-LINE-TWICE", "BT-126")
def lines_are_told_apart(case: Case) -> Iterator[Offence]:
    """No two lines have the same identifier (BT-126)."""
    lines = case.invoice.lines
    counts = Counter(line.identifier for line in lines)
    if len(counts) == len(lines):
        return
    for place, line in enumerate(lines):
        if filled(line.identifier) and counts[line.identifier] > 1:
            yield Offence(path=f"lines[{place}].identifier", value=line.identifier, line=line.identifier)


def _vat_identifiers(case: Case) -> list[_Told]:
    invoice = case.invoice
    representative = invoice.tax_representative
    return [
        ("BT-31", "seller.vat_identifier", invoice.seller.vat_identifier),
        ("BT-48", "buyer.vat_identifier", invoice.buyer.vat_identifier),
        ("BT-63", "tax_representative.vat_identifier", representative.vat_identifier if representative else ""),
    ]


def _of_scheme(scheme: str, identifiers: Iterable[tuple[str, str, Identifier | None]]) -> Iterator[_Told]:
    return ((term, path, each.value) for term, path, each in identifiers if each is not None and each.scheme == scheme)


def _wrong(told: Iterable[_Told], is_right: Callable[[str], bool]) -> Iterator[Offence]:
    for term, path, value in told:
        if filled(value) and not is_right(value):
            yield Offence(term=term, path=path, value=value)


def _says_something(value: str) -> bool:
    return any(character.isalnum() for character in value)


def _compact(value: str) -> str:
    return "".join(value.split())


# The libraries of keys are only read when there is a key to check; a seller sends many invoices with the same ones.


@lru_cache(maxsize=4096)
def _is_siren(value: str) -> bool:
    from stdnum.fr import siren

    return bool(siren.is_valid(value))


@lru_cache(maxsize=4096)
def _is_siret(value: str) -> bool:
    from stdnum.fr import siret

    return bool(siret.is_valid(value))


@lru_cache(maxsize=4096)
def _is_vat(value: str) -> bool:
    from stdnum.eu import vat

    # Only member states publish how theirs are formed; BR-CO-09 looks at the prefix of the others.
    known = value[:2].lower() in vat.MEMBER_STATES or value[:2] == "EL"
    return not known or bool(vat.is_valid(value))


@lru_cache(maxsize=4096)
def _is_iban(value: str) -> bool:
    from stdnum import iban

    account = _compact(value).upper()
    looks_like_one = len(account) > 10 and account[:2].isalpha() and account[2:4].isdigit()
    return not looks_like_one or bool(iban.is_valid(account))
