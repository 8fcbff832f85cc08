"""What the rules must know of a document beyond what the model keeps of it.

The official rules tell an element that is empty from one that is not there, count totals in each currency, look at
each way to pay: `look.look` reads these facts from a document, `presumed` from a model that was never written.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

from lxml import etree

from faitfoi.einvoice.model import Invoice
from faitfoi.einvoice.rules.sheets import Syntax


@dataclass(frozen=True, slots=True, kw_only=True)
class VatTotal:
    """One total of VAT: its currency as written, its amount, and in UBL the tax amounts of the parts under it.

    `parts` is None when no part of the breakdown stands under it.
    """

    amount: Decimal | None
    currency: str
    parts: tuple[Decimal, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """One way to pay: its code (BT-81) and the account to pay to (BT-84), None when no account is spoken of.

    `two_accounts` says that CII names it both as an IBAN and otherwise.
    """

    code: str
    account: str | None
    two_accounts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The facts.

    `currency` (BT-5) and `vat_currencies` (BT-6) are as written, white space included. `unread` are terms whose value
    could not be read, each with its path as the reader gives it, `stated` those that have a value or are empty.
    `currency_ids` are the currencies that UBL writes beside each amount. `missing` names what the official rules speak
    of only when it is there (`totals`, `seller`), `faults` what the model has no room to keep (`BR-55`…), each with the
    element at fault. Values that sheets see and the model has no room for: `inner_codes` (VAT categories of lines
    inside lines), `loose_codes` (those of what is neither allowance nor charge), `units` (of any quantity), `uncoded`
    (what has a VAT category without a code, in UBL: `lines`, `parts`, `allowances`, `charges`), `services`
    (how many logistics services the reader put after the charges), `vat_identifiers` (of anybody). `odd_indicators`
    says that CII writes 0 or 1 for what is an allowance or a charge. `root` is the document itself.
    """

    vat_totals: tuple[VatTotal, ...]
    means: tuple[Means, ...]
    currency: str
    vat_currencies: tuple[str, ...] = ()
    currency_ids: frozenset[str] = frozenset()
    unread: Mapping[str, str] = field(default_factory=dict)
    stated: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    faults: Mapping[str, etree._Element] = field(default_factory=dict)
    inner_codes: frozenset[str] = frozenset()
    loose_codes: frozenset[str] = frozenset()
    units: frozenset[str] = frozenset()
    uncoded: frozenset[str] = frozenset()
    services: int = 0
    odd_indicators: bool = False
    vat_identifiers: frozenset[str] = frozenset()
    root: etree._Element | None = None

    def element(self, path: str) -> etree._Element | None:
        """The element at a path that the reader gave; None when it cannot be found again."""
        if self.root is None:
            return None
        prefixes = {prefix: uri for prefix, uri in self.root.nsmap.items() if prefix}
        try:
            found = cast("list[Any]", self.root.getroottree().xpath(path, namespaces=prefixes))
        except etree.XPathError:
            return None  # a prefix that is declared further down
        return found[0] if found else None


def presumed(invoice: Invoice, syntax: Syntax) -> Source:
    """The facts of the document that our own writers would make of `invoice`."""
    totals, payment = invoice.totals, invoice.payment
    parts = tuple(part.tax_amount for part in invoice.vat_breakdown if part.tax_amount is not None)
    vat_totals = [
        VatTotal(amount=totals.vat, currency=invoice.currency, parts=parts if invoice.vat_breakdown else None)
    ]
    if totals.vat is None and not invoice.vat_breakdown:
        vat_totals = []
    if totals.vat_in_accounting_currency is not None:
        vat_totals.append(VatTotal(amount=totals.vat_in_accounting_currency, currency=invoice.vat_currency))
    means: Iterable[Means] = ()
    if payment is not None and (syntax is not Syntax.CII or payment.means_code or payment.credit_transfers):
        accounts: list[str | None] = [transfer.account for transfer in payment.credit_transfers]
        means = (Means(code=payment.means_code, account=account) for account in accounts or [None])
    return Source(
        vat_totals=tuple(vat_totals),
        means=tuple(means),
        currency=invoice.currency,
        vat_currencies=(invoice.vat_currency,) if invoice.vat_currency else (),
        # UBL writes the currency beside each amount, CII beside totals of VAT only.
        currency_ids=frozenset(
            {total.currency for total in vat_totals} | ({invoice.currency} if syntax is not Syntax.CII else set())
        ),
    )
