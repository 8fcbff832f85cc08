"""From a document's tree to the model and the facts that rules should judge."""

from collections.abc import Collection
from copy import deepcopy

from lxml import etree

from faitfoi.einvoice.cii import read_cii
from faitfoi.einvoice.findings import Finding
from faitfoi.einvoice.model import Invoice
from faitfoi.einvoice.profiles import Profile, profile_of
from faitfoi.einvoice.rules.facts import Facts, gather
from faitfoi.einvoice.rules.facts_cii import CII_GROUPS, CII_HANDLERS, CII_LOOKED_FOR
from faitfoi.einvoice.rules.facts_ubl import UBL_HANDLERS, UBL_LOOKED_FOR
from faitfoi.einvoice.rules.marks import BLANK, SPACE
from faitfoi.einvoice.rules.source import Source
from faitfoi.einvoice.ubl import CREDIT_NOTE_ROOT, INVOICE_ROOT, read_ubl


def look(root: etree._Element, invoice: Invoice, findings: Collection[Finding]) -> tuple[Invoice, Source]:
    """The model that rules should judge, and the facts of the document `root`.

    `invoice` and `findings` are what the reader made of `root`. When it has empty elements or taxes that are not VAT,
    the model is read once more from a copy in which they are marked, so that rules find them where they belong.
    """
    ubl = root.tag in {INVOICE_ROOT, CREDIT_NOTE_ROOT}
    if ubl:
        facts = gather(root, UBL_HANDLERS)
    else:
        # Of the sheets for CII, only the French one takes white space for nothing everywhere.
        french = profile_of(invoice.process.specification) is Profile.EXTENDED_CTC_FR
        facts = gather(root, CII_HANDLERS, spaces=BLANK if french else SPACE, groups=CII_GROUPS)
    unread = _terms_unread(findings)
    stated = frozenset(unread)
    if facts.edits:
        copy = _edited(root, facts)
        invoice, findings = read_ubl(copy) if ubl else read_cii(copy)
        stated = frozenset(_terms_unread(findings))
    return invoice, Source(
        vat_totals=tuple(facts.vat_totals),
        means=tuple(facts.means),
        currency_ids=frozenset(facts.currency_ids),
        unread=unread,
        stated=stated,
        missing=(UBL_LOOKED_FOR if ubl else CII_LOOKED_FOR) - facts.present,
        faults=facts.faults,
        root=root,
        inner_codes=frozenset(facts.inner_codes),
        loose_codes=frozenset(facts.loose_codes),
        units=frozenset(facts.units),
        uncoded=frozenset(facts.uncoded),
        services=facts.services,
        odd_indicators=facts.odd_indicators,
        vat_identifiers=frozenset(facts.vat_identifiers),
        currency=facts.currency,
        vat_currencies=tuple(facts.vat_currencies),
    )


def _terms_unread(findings: Collection[Finding]) -> dict[str, str]:
    """The terms whose value could not be read, each with the path of the last such value."""
    return {finding.term: finding.path for finding in findings if finding.rule == "FF-VALUE"}


def _edited(root: etree._Element, facts: Facts) -> etree._Element:
    """A copy of `root` with the edits made; its elements stand in the order of those of `root`."""
    copy = deepcopy(root)
    twins = [
        (twin, edits)
        for element, twin in zip(root.iter(), copy.iter(), strict=True)
        if (edits := facts.edits.get(element))
    ]
    for twin, edits in twins:
        for edit in edits:
            edit(twin)
    return copy
