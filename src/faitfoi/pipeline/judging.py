"""Reads and checks one received file, judges it, and decides its way. Touches no wire and writes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.accounts.tenancy import require_organisation
from faitfoi.einvoice.findings import Finding, Severity, is_valid
from faitfoi.einvoice.model import Invoice
from faitfoi.einvoice.reading import Reading, Unreadable
from faitfoi.pipeline.customers import (
    Told,
    draft_customer,
    facts_for,
    match_customers,
    seller_identity,
    told_for,
)
from faitfoi.pipeline.epochs import lost_number
from faitfoi.pipeline.installation import sandbox, today
from faitfoi.pipeline.kept import why_kept
from faitfoi.pipeline.routing import Decision, Kept, NoRoute, decide, nobody_known
from faitfoi.records.models import BurntNumber, Customer

LONGEST_NUMBER = 60
"""The column's size; the French rules stop at 35 (BR-FR-01) and Chorus Pro at 20."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A file that may be sealed: what it says, who it is for (None: nobody we know), and its way."""

    reading: Reading
    seller_siren: str
    customer: Customer | None
    way: Decision | NoRoute | Kept
    findings: tuple[Finding, ...]
    engagement: str = ""

    @property
    def invoice(self) -> Invoice:
        """The invoice that was read."""
        return self.reading.invoice


class Refusal(Exception):
    """The file is refused: `reason` in one French sentence, `findings` when rules were broken."""

    def __init__(self, reason: str, *, findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.findings = findings


def examine(content: bytes) -> Reading:
    """Read one file and check it by our rules, both in the limited child: `findings` hold what they say.

    Long work that needs no table: call it outside any transaction. Raises Refusal when the file cannot be read.
    """
    try:
        return sandbox().check(content)
    except Unreadable as error:
        raise Refusal(error.reason) from error


def judge(organisation: Organisation, reading: Reading) -> Verdict:
    """Identify, route and judge what was examined. Runs inside `acting_for`. Raises Refusal."""
    (judged,) = judge_all(organisation, [reading])
    if isinstance(judged, Refusal):
        raise judged
    return judged


def judge_all(organisation: Organisation, readings: Sequence[Reading]) -> list[Verdict | Refusal]:
    """Identify, route and judge what was examined, in order; each table is asked once. Runs inside `acting_for`."""
    invoices = [reading.invoice for reading in readings]
    customers = match_customers([invoice.buyer for invoice in invoices])
    if organisation.registers_customers:
        found = zip(customers, invoices, strict=True)
        customers = [known or draft_customer(organisation, invoice.buyer) for known, invoice in found]
    pairs = list(zip(customers, invoices, strict=True))
    told = told_for((customer, invoice) for customer, invoice in pairs if customer is not None)
    used = _used_numbers(invoices)
    judged: list[Verdict | Refusal] = []
    for reading, customer in zip(readings, customers, strict=True):
        try:
            judged.append(_judge_one(organisation, reading, customer, told=told, used=used))
        except Refusal as refusal:
            judged.append(refusal)
    return judged


def _judge_one(
    organisation: Organisation,
    reading: Reading,
    customer: Customer | None,
    *,
    told: Told,
    used: frozenset[tuple[str, int, str]],
) -> Verdict:
    invoice = reading.invoice
    seller = seller_identity(invoice)
    _identify(organisation, invoice, seller, used)
    way = _route(organisation, customer, invoice, told)
    return Verdict(
        reading=reading,
        seller_siren=seller,
        customer=customer,
        way=way,
        findings=_weigh(reading, channel=_channel_of(way)),
    )


def _identify(organisation: Organisation, invoice: Invoice, seller: str, used: frozenset[tuple[str, int, str]]) -> None:
    """Hold the invoice against the organisation and the numbers already used. Raises Refusal."""
    if not invoice.number:
        raise Refusal("La facture n’a pas de numéro (BT-1). Donnez-lui son numéro, puis envoyez-la de nouveau.")
    if len(invoice.number) > LONGEST_NUMBER:
        raise Refusal(
            f"Le numéro {invoice.number[:LONGEST_NUMBER]}… a {len(invoice.number)} caractères, plus que les "
            f"{LONGEST_NUMBER} acceptés (BT-1). Raccourcissez-le, puis envoyez la facture de nouveau."
        )
    if invoice.issue_date is None:
        raise Refusal(
            f"La facture {invoice.number} n’a pas de date d’émission lisible (BT-2). "
            "Corrigez la date, puis envoyez-la de nouveau."
        )
    if seller != organisation.siren and not organisation.sends_for_others:
        raise Refusal(
            f"La facture {invoice.number} est celle d’un autre vendeur ({invoice.seller.name}, {seller}) : "
            f"{organisation.name} ({organisation.siren}) n’a pas mandat d’envoyer pour d’autres."
        )
    year = invoice.issue_date.year
    if (seller[:60], year, invoice.number) in used or lost_number(
        require_organisation(), seller_siren=seller[:60], year=year, number=invoice.number
    ):
        raise Refusal(number_taken(invoice))


def _used_numbers(invoices: Sequence[Invoice]) -> frozenset[tuple[str, int, str]]:
    """Which of these invoices' numbers are used up, as (seller, year, number)."""
    numbers = {invoice.number for invoice in invoices if 0 < len(invoice.number) <= LONGEST_NUMBER}
    sellers = {seller_identity(invoice)[:60] for invoice in invoices}
    burnt = BurntNumber.objects.order_by().filter(seller_siren__in=sellers, number__in=numbers)
    return frozenset(burnt.values_list("seller_siren", "year", "number"))


def number_taken(invoice: Invoice) -> str:
    """Return the sentence for a number that other bytes already carry."""
    return (
        f"Le numéro {invoice.number} a déjà servi à une autre facture, déjà scellée. Un numéro ne sert qu’une fois : "
        "pour corriger une facture, émettez un avoir, puis une nouvelle facture."
    )


def _route(
    organisation: Organisation, customer: Customer | None, invoice: Invoice, told: Told
) -> Decision | NoRoute | Kept:
    if kept := why_kept(invoice, seller_siren=seller_identity(invoice)):
        return Kept(reason=kept)
    if customer is None:
        return nobody_known(invoice.number, invoice.buyer.name)
    return decide(facts_for(organisation, customer, invoice, day=today(organisation), told=told))


def _channel_of(way: Decision | NoRoute | Kept) -> ChannelKey:
    match way:
        case Decision(legal=legal):
            return legal.channel
        case NoRoute(channel=channel):
            return channel
    return ChannelKey.NONE


def _weigh(reading: Reading, *, channel: ChannelKey) -> tuple[Finding, ...]:
    """Let BR-FR rules block only on the way through a plateforme agréée. Raises Refusal when something blocks."""
    findings = reading.findings
    if channel is not ChannelKey.PLATEFORME_AGREEE:
        findings = tuple(_soften(finding) if finding.rule.startswith("BR-FR") else finding for finding in findings)
    if not is_valid(findings):
        fatal = [finding for finding in findings if finding.severity is Severity.FATAL]
        rules = ", ".join(dict.fromkeys(finding.rule for finding in fatal))
        raise Refusal(
            f"La facture {reading.invoice.number} n’est pas conforme ({rules}). Corrigez-la dans votre logiciel, "
            "puis envoyez-la de nouveau.",
            findings=findings,
        )
    return findings


def _soften(finding: Finding) -> Finding:
    return replace(finding, severity=Severity.WARNING) if finding.severity is Severity.FATAL else finding
