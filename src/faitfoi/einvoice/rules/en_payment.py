"""EN 16931: how to pay (BG-16 to BG-18)."""

from collections.abc import Iterator

from faitfoi.einvoice.findings import Severity
from faitfoi.einvoice.rules.case import Case
from faitfoi.einvoice.rules.engine import Offence, rule
from faitfoi.einvoice.rules.marks import shown, worded

_TRANSFERS = frozenset({"30", "58"})  # UNTDID 4461: credit transfer, SEPA credit transfer


@rule("BR-49", "BT-81")
def payment_says_how(case: Case) -> bool:
    """The payment instructions (BG-16) say by which means to pay (BT-81)."""
    return all(means.code for means in case.source.means)


@rule("BR-50", "BT-84")
def account_to_pay_to_is_given(case: Case) -> bool:
    """For a credit transfer, the account to pay to (BG-17) is identified (BT-84)."""
    accounts = (means.account for means in case.source.means if means.code in _TRANSFERS)
    return all(account is None or worded(account) for account in accounts)


@rule("BR-51", "BT-87")
def card_number_is_cut(case: Case) -> Iterator[Offence]:
    """A payment card is only named by its last digits (BT-87): its full number has no place on an invoice."""
    card = case.invoice.payment.card if case.invoice.payment else None
    if card is not None and len(" ".join(card.account_number.split())) > 10:
        # The value is not repeated: it may be a card's real number.
        lighter = Severity.WARNING if case.ubl else None
        yield Offence(path="payment.card.account_number", severity=lighter)


@rule("BR-CO-27", "BT-84", source="Factur-X BASIC")
def transfer_names_one_account(case: Case) -> Iterator[Offence]:
    """A credit transfer (BT-81: 30, 58) names its account (BT-84) as an IBAN or otherwise, not both ways."""
    for place, means in enumerate(case.source.means):
        if means.code in _TRANSFERS and (not means.account or means.two_accounts):
            yield Offence(path=f"payment.credit_transfers[{place}].account", value=shown(means.code))


@rule("BR-61", "BT-84")
def transfer_names_an_account(case: Case) -> Iterator[Offence]:
    """Payment by credit transfer, SEPA or not (BT-81: 30, 58), comes with an account to pay to (BT-84)."""
    for place, means in enumerate(case.source.means):
        if means.code not in _TRANSFERS:
            continue
        # The CII sheet only looks inside an account that is there.
        missing = not means.account if case.ubl else means.account == ""
        if missing:
            yield Offence(path=f"payment.credit_transfers[{place}].account", value=shown(means.code))
