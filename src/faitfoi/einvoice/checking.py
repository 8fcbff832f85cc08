"""One call to check an invoice, by our rules or by the official judge.

checked = check(Path("invoice.pdf").read_bytes())
checked.valid, checked.findings, checked.reading.invoice
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from faitfoi.einvoice.cii import write_cii
from faitfoi.einvoice.findings import Finding, Severity, is_valid
from faitfoi.einvoice.model import Invoice
from faitfoi.einvoice.official import check_schema
from faitfoi.einvoice.profiles import Profile, profile_of
from faitfoi.einvoice.reading import Format, Reading, read
from faitfoi.einvoice.rules import RULES, Family
from faitfoi.einvoice.rules.judging import check_reading
from faitfoi.einvoice.xml import parse_xml

_FRENCH = "BR-FR-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was read and what there is to say about it: the reader's findings, then the judge's, in their order."""

    reading: Reading
    findings: tuple[Finding, ...]

    @property
    def valid(self) -> bool:
        """True when no finding is fatal."""
        return is_valid(self.findings)

    @property
    def invoice(self) -> Invoice:
        """The invoice that was read, or given."""
        return self.reading.invoice


def check(
    subject: bytes | Reading | Invoice,
    *,
    official: bool = False,
    br_fr: bool | None = None,
    families: Collection[Family] | None = None,
    schema: bool = True,
) -> Checked:
    """Check an invoice: a file's bytes, what `read` made of them, or a model, judged as the CII it would become.

    Our rules judge, or, with `official`, the published schemas and Schematron (slower; their messages are the official
    ones, ours and the remedies come beside). `br_fr` says whether the French rules BR-FR judge too; None leaves it to
    the document, see `french_rules`. `families` are those of our rules that run, for who wants others than EN 16931,
    ours, and the French ones where they apply; ours (`FF-…`) never block. `schema` also holds the XML that was read
    against the schema of its syntax and profile, in a few tenths of a millisecond. Raises Unreadable for bytes that are
    no invoice, and ValueError for `families` together with `official`, which has no others than its own.
    """
    reading = _reading(subject)
    applied, blocking = french_rules(reading.invoice, br_fr=br_fr)
    if official:
        if families is not None:
            raise ValueError("The official judge has no families to choose: use br_fr.")
        found = judge_officially(reading, br_fr=applied)
    else:
        chosen = families
        if chosen is None:
            chosen = {Family.EN16931, Family.OURS} | ({Family.FRENCH} if applied else set())
        found = check_reading(reading, families=chosen)
        if schema and reading.xml:
            found = (*found, *check_schema(parse_xml(reading.xml)))
        blocking = blocking or families is not None
    judged = found if blocking else tuple(_advice(finding) for finding in found)
    return Checked(reading=reading, findings=(*reading.findings, *judged))


def check_received(reading: Reading) -> tuple[Finding, ...]:
    """Everything to hold against a file that was handed over to be sent: what its reader, its schema and our rules say.

    The French rules keep their own weight: who sends knows whether they block. Our JSON answers the schema of the CII
    that it becomes.
    """
    french, _ = french_rules(reading.invoice)
    found = check(reading, br_fr=french).findings
    return found if reading.xml else (*found, *check_schema(parse_xml(xml_of(reading))))


def french_rules(invoice: Invoice, *, br_fr: bool | None = None) -> tuple[bool, bool]:
    """Whether the French rules judge an invoice, and whether they may block it; `br_fr` decides unless it is None.

    Left to the document: they block when it says that it follows them (profile EXTENDED-CTC-FR), and only advise when
    the seller is in France, since an invoice to a consumer or by Chorus Pro does not have to follow them.
    """
    if br_fr is not None:
        return br_fr, br_fr
    follows = profile_of(invoice.process.specification) is Profile.EXTENDED_CTC_FR
    address = invoice.seller.address
    return follows or (address is not None and address.country == "FR"), follows


def judge_officially(reading: Reading, *, br_fr: bool) -> tuple[Finding, ...]:
    """The official verdict on what was read, with our sentences and remedies beside the official messages.

    The sheets are only loaded when this is called.
    """
    from faitfoi.einvoice.official import check_official
    from faitfoi.einvoice.rules.agreement import official_id

    return tuple(_explained(finding, official_id(finding)) for finding in check_official(xml_of(reading), br_fr=br_fr))


def xml_of(reading: Reading) -> bytes:
    """The XML that was read, or the CII that a model without XML becomes."""
    return reading.xml or write_cii(reading.invoice)


def _reading(subject: bytes | Reading | Invoice) -> Reading:
    if isinstance(subject, Reading):
        return subject
    if isinstance(subject, Invoice):
        profile = profile_of(subject.process.specification).value
        return Reading(invoice=subject, format=Format.JSON, profile=profile, xml=b"")
    return read(subject)


def _advice(finding: Finding) -> Finding:
    if finding.severity is Severity.FATAL and finding.rule.startswith(_FRENCH):
        return replace(finding, severity=Severity.WARNING)
    return finding


def _explained(finding: Finding, rule_id: str) -> Finding:
    rule = RULES.get(rule_id)
    if rule is None:
        return finding
    texts = rule.texts
    return replace(finding, message_fr=texts.fr, remedy=texts.remedy, remedy_fr=texts.remedy_fr)
