"""What the Chorus Pro simulator reads in a deposit, and the path that each one then takes in time.

Scenario rules of French contracts §1.5: the content of the invoice and the directory decide, nothing else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from faitfoi.einvoice.model import Identifier, Invoice
from faitfoi.einvoice.reading import Format, Reading, Unreadable, read
from faitfoi.simulators.chorus_directory import Structure

INTERFACES = {
    "IN_DP_E2_CII_FACTURX": "FSO1117A",
    "IN_DP_E1_UBL_INVOICE": "FSO1100A",
    "IN_DP_E1_CII_16B": "FSO1106A",
    "IN_DP_E2_UBL_INVOICE_MIN": "FSO1110A",
}
EXPECTED_FORMATS: Mapping[str, frozenset[Format]] = {
    "IN_DP_E2_CII_FACTURX": frozenset({Format.FACTURX}),
    "IN_DP_E1_UBL_INVOICE": frozenset({Format.UBL_INVOICE, Format.UBL_CREDIT_NOTE}),
    "IN_DP_E1_CII_16B": frozenset({Format.CII}),
}

INTEGRATED_AFTER = 120
FLOW_PATH = (
    (0, "IN_DEPOT_PORTAIL_EN_ATTENTE_TRAITEMENT_SE_CPP"),
    (20, "IN_RECU"),
    (40, "IN_TRAITE_SE_CPP"),
    (60, "IN_EN_ATTENTE_TRAITEMENT_CPP"),
    (90, "IN_EN_COURS_TRAITEMENT_CPP"),
)
HOUR, DAY = 3600, 86400
ROUTING_PATH = ((0, "DEPOSEE"), (60, "EN_COURS_ACHEMINEMENT"), (300, "MISE_A_DISPOSITION"))
NORMAL_PATH = (
    *ROUTING_PATH,
    (1 * DAY, "SERVICE_FAIT"),
    (5 * DAY, "MANDATEE"),
    (6 * DAY, "MISE_A_DISPOSITION_COMPTABLE"),
    (8 * DAY, "COMPTABILISEE"),
    (10 * DAY, "MISE_EN_PAIEMENT"),
)
RECYCLE_PATH = ((0, "DEPOSEE"), (60, "A_RECYCLER"))
SUSPEND_PATH = (*ROUTING_PATH, (1 * HOUR, "SUSPENDUE"))
REJECT_PATH = (*ROUTING_PATH, (1 * HOUR, "REJETEE"))
BY_AMOUNT = {".13": SUSPEND_PATH, ".44": RECYCLE_PATH, ".66": REJECT_PATH}
"""What becomes of an invoice by the cents of its amount due."""
SILENT = ".77"
"""Cents of an amount due whose deposit is taken, and its answer lost."""
DOWNLOADED_AFTER = 900

COMMENTS = {
    "A_RECYCLER": "Le service destinataire n'est plus actif.",
    "SUSPENDUE": "Merci de joindre le bon de livraison signé.",
    "REJETEE": "La quantité facturée ne correspond pas à la commande.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the simulator takes from an invoice."""

    number: str
    supplier: str  # SIRET
    supplier_name: str = ""
    recipient: str = ""  # SIRET
    recipient_name: str = ""
    service: str = ""
    engagement: str = ""
    contract: str = ""
    credit_note: bool = False
    issued: date | None = None
    currency: str = "EUR"
    without_vat: Decimal = Decimal(0)
    with_vat: Decimal = Decimal(0)
    due: Decimal = Decimal(0)
    means: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One state reached at one simulated instant."""

    state: str
    at: datetime
    comment: str = ""
    by: str = ""  # e-mail of the user who did it on the portal


@dataclass(slots=True, kw_only=True)
class Deposit:
    """One flow taken, whether or not its answer reached anybody; everything after is derived from time."""

    flow: str
    sha256: str
    size: int
    name: str
    syntax: str
    signed: bool
    at: datetime
    facts: Facts | None
    invoice_id: int
    errors: tuple[str, ...] = ()  # listeErreurDP
    technical: tuple[str, ...] = ()  # listeErreurTechnique
    path: tuple[tuple[int, str], ...] = NORMAL_PATH
    service_id: int | None = None
    recipient_id: int | None = None
    shown_flow: str = ""  # another flow that it shows under
    direct: bool = False  # submitted field by field: there at once, without a flow
    answered: bool = False
    forced_flow: list[Passage] = field(default_factory=list)
    forced_invoice: list[Passage] = field(default_factory=list)
    actions: list[tuple[str, datetime]] = field(default_factory=list)  # what users have done with it

    @property
    def rejected(self) -> bool:
        """Whether the checks at the entrance refuse it."""
        return bool(self.errors or self.technical)

    @property
    def silent(self) -> bool:
        """Whether it is taken and its answer lost, by its amount."""
        return self.facts is not None and f"{self.facts.due:.2f}".endswith(SILENT)

    def flow_passage(self, now: datetime) -> Passage:
        """Tell the state of the flow at an instant."""
        forced = [passage for passage in self.forced_flow if passage.at <= now]
        if forced:
            return forced[-1]
        end = "IN_REJETE" if self.rejected else "IN_INTEGRE"
        reached = [one for one in passages_from((*FLOW_PATH, (INTEGRATED_AFTER, end)), self.at) if one.at <= now]
        return reached[-1] if reached else Passage(state=FLOW_PATH[0][1], at=self.at)

    def integrated(self, now: datetime) -> bool:
        """Tell whether its invoice exists for whoever searches."""
        if self.facts is None or (self.rejected and not self.forced_flow):
            return False
        return self.direct or self.flow_passage(now).state.startswith("IN_INTEGRE")

    def invoice_passages(self, now: datetime) -> list[Passage]:
        """Tell the statuses passed through by the invoice, oldest first. Once forced, it goes on by force only."""
        begun = self.at if self.direct else self.at + timedelta(seconds=INTEGRATED_AFTER)
        until = min([now, *(passage.at for passage in self.forced_invoice)])
        natural = [passage for passage in passages_from(self.path, begun) if passage.at <= until]
        return natural + [passage for passage in self.forced_invoice if passage.at <= now]

    def downloaded(self, now: datetime) -> datetime | None:
        """Tell when the recipient has downloaded the invoice, if it has."""
        for passage in self.invoice_passages(now):
            if passage.state == "MISE_A_DISPOSITION":
                at = passage.at + timedelta(seconds=DOWNLOADED_AFTER)
                return at if at <= now else None
        return None


def passages_from(path: tuple[tuple[int, str], ...], begun: datetime) -> list[Passage]:
    """Tell when each step of a path is reached that begins at an instant."""
    return [
        Passage(state=state, at=begun + timedelta(seconds=after), comment=COMMENTS.get(state, ""))
        for after, state in path
    ]


def flow_end(deposits: Iterable[Deposit], now: datetime) -> Passage:
    """Tell where a flow of several invoices stands: integrated in part when some of them are rejected."""
    passages = [deposit.flow_passage(now) for deposit in deposits]
    reached = {passage.state for passage in passages}
    state = "IN_INTEGRE_PARTIEL" if reached == {"IN_INTEGRE", "IN_REJETE"} else passages[0].state
    return replace(passages[0], state=state)


def read_facts(content: bytes, syntax: str) -> tuple[Facts | None, tuple[str, ...]]:
    """Read a deposit's content; the second value lists technical errors when it is not what was announced."""
    try:
        reading: Reading = read(content)
    except Unreadable as error:
        return None, (f"Le fichier ne peut pas être lu : {error.reason}",)
    expected = EXPECTED_FORMATS.get(syntax)
    if expected is None:
        return None, (f"La syntaxe {syntax} n'est pas prise en charge.",)
    if reading.format not in expected:
        return None, (f"Le fichier n'est pas de la syntaxe {syntax} annoncée.",)
    return _facts_of(reading.invoice), ()


def _facts_of(invoice: Invoice) -> Facts:
    totals = invoice.totals
    return Facts(
        number=invoice.number,
        supplier=_siret(invoice.seller.legal_registration, invoice.seller.identifiers),
        supplier_name=invoice.seller.name,
        recipient=_siret(invoice.buyer.legal_registration, invoice.buyer.identifiers),
        recipient_name=invoice.buyer.name,
        service=next((one.value for one in invoice.buyer.identifiers if one.scheme == "0224"), invoice.buyer_reference),
        engagement=invoice.purchase_order_reference,
        contract=invoice.contract_reference,
        credit_note=invoice.is_credit_note,
        issued=invoice.issue_date,
        currency=invoice.currency,
        without_vat=totals.without_vat or Decimal(0),
        with_vat=totals.with_vat or Decimal(0),
        due=totals.due or Decimal(0),
        means=invoice.payment.means_code if invoice.payment else "",
    )


def _siret(legal: Identifier | None, others: tuple[Identifier, ...]) -> str:
    """Find the SIRET that legacy Chorus wants: the legal identifier itself, else one of scheme 0009."""
    found = [legal] if legal else []
    found += [one for one in others if one.scheme in {"0002", "0009"}]
    for one in found:
        value = one.value.replace(" ", "")
        if len(value) == 14 and value.isdigit():
            return value
    return ""


def judge(
    facts: Facts, structures: Mapping[str, Structure], *, known: bool
) -> tuple[tuple[str, ...], tuple[tuple[int, str], ...]]:
    """Tell why an invoice is rejected at the entrance, and the path it takes when it is not.

    `known`: an earlier deposit of the same supplier and number was not rejected.
    """
    structure = structures.get(facts.recipient)
    wrong = list(_faults_of_content(facts))
    if structure is None:
        wrong.append(f"La structure destinataire {facts.recipient or '(sans SIRET)'} est inconnue de Chorus Pro.")
    elif lack := structure.missing(code_service=facts.service, engagement=facts.engagement):
        wrong.append(lack)
    if known:
        wrong.append(f"La facture {facts.number} du fournisseur {facts.supplier} existe déjà (doublon).")
    if wrong or structure is None:
        return tuple(wrong), NORMAL_PATH
    service = structure.service(facts.service)
    if service is not None and not service.active:
        return (), RECYCLE_PATH
    if (path := BY_AMOUNT.get(f"{facts.due:.2f}"[-3:])) is not None:
        return (), path
    if structure.payment_not_reported:
        return (), tuple(step for step in NORMAL_PATH if step[1] != "MISE_EN_PAIEMENT")
    return (), NORMAL_PATH


def _faults_of_content(facts: Facts) -> list[str]:
    wrong = []
    if not facts.number or len(facts.number) > 20:
        wrong.append(f"Le numéro de facture « {facts.number} » doit avoir de 1 à 20 caractères.")
    if not facts.supplier:
        wrong.append("Le SIRET du fournisseur (14 chiffres) est absent de la facture.")
    if facts.issued is None:
        wrong.append("La date de la facture est obligatoire.")
    if not facts.means and not facts.credit_note:
        wrong.append("SpecifiedTradeSettlementPaymentMeans.TypeCode.value est obligatoire.")
    if len(facts.engagement) > 50 or len(facts.contract) > 50:
        wrong.append("Le numéro d'engagement ou de marché dépasse 50 caractères.")
    return wrong
