"""The buyer's side of the simulated plateforme agréée: what platforms and buyer say of an invoice, and when.

The directory and the content of the invoice decide, nothing else: an address that the directory does not have is
REJ_ADR; one whose line is Disabled is deposited and NON_TRANSMISE; an unroutable one is 221; a broken rule is
REJ_SEMAN, a number taken before is DOUBLON. Else the cents of the amount due: .07 disputed, .08 suspended (until it is
completed), .10 refused, .06 approved in part; any other is approved and paid.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from faitfoi.einvoice.cdar import TRANSMISSION, Cdar, CdarDetail, CdarParty, CdarReference
from faitfoi.einvoice.cdar_codes import REASONS, STATUSES
from faitfoi.einvoice.cdar_write import write_cdar
from faitfoi.einvoice.model import Identifier
from faitfoi.simulators.afnor_directory import Directory
from faitfoi.simulators.afnor_invoices import Bill

SELLERS, BUYERS = "Plateforme Émettrice de l’Exemple", "Plateforme Réceptrice de l’Exemple"
SAID_BY_BUYERS = frozenset({"202", "203", "221"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing to say, so long after the deposit. `raw` replaces the whole message; `late` is published when said."""

    after: timedelta
    code: str
    reason: str = ""
    note: str = ""
    action: str = ""
    role: str = ""
    name: str = ""
    raw: bytes = b""
    late: bool = False


def path_of(bill: Bill, directory: Directory, *, known: bool) -> list[Step]:
    """Tell what will be said of an invoice. `known`: an earlier one bears its number."""
    if known:
        return [_step(60, "213", reason="DOUBLON")]
    if bill.wrong:
        return [_step(60, "213", reason="REJ_SEMAN", note=" ".join(bill.wrong))]
    line = directory.line(bill.address)
    if line is None:
        note = f"L’adresse {bill.address} n’est pas dans l’annuaire."
        return [_step(60, "213", reason="REJ_ADR", note=note)]
    if line.status != "Enabled":
        return [_step(60, "200", reason="NON_TRANSMISE")]
    start = [_step(60, "200"), _step(120, "201"), _step(180, "202")]
    if line.unroutable:
        return [*start, _step(300, "221", reason="ROUTAGE_ERR", name=BUYERS)]
    start += [_step(240, "203"), _step(3600, "204")]
    match f"{bill.due:.2f}"[-2:]:
        case "06":
            return [*start, _day(1, "206", reason="PU_ERR", action="CNP")]
        case "07":
            return [
                *start,
                _day(1, "207", reason="QTE_ERR", note="Il manque deux sacs sur la livraison.", action="CNP"),
            ]
        case "08":
            return [
                *start,
                _day(1, "208", reason="JUSTIF_ABS", note="Merci d’envoyer le bon de livraison.", action="PIN"),
            ]
        case "10":
            return [*start, _day(1, "210", reason="CMD_ERR", note="Aucune commande de ce numéro chez nous.")]
    return [*start, _day(2, "205"), _day(8, "211")]


def _step(seconds: int, code: str, **more: str) -> Step:
    return Step(after=timedelta(seconds=seconds), code=code, **more)  # type: ignore[arg-type]  # texts only


def _day(days: int, code: str, **more: str) -> Step:
    return Step(after=timedelta(days=days), code=code, **more)  # type: ignore[arg-type]  # texts only


def compose(bill: Bill, step: Step, *, at: datetime) -> bytes:
    """Write the message of one step: a platform speaks in the transmission, the buyer in the processing."""
    known = STATUSES.get(step.code)
    phase = known.phase if known else "23"
    seller = Identifier(value=bill.seller, scheme="0002")
    buyer = CdarParty(role=step.role or "BY", identifier=Identifier(value=bill.buyer, scheme="0002"))
    platform = CdarParty(role="WK", name=step.name or (BUYERS if step.code in SAID_BY_BUYERS else SELLERS))
    speaks = platform if phase == TRANSMISSION else buyer
    answer_to = Identifier(value=bill.seller_address or bill.seller, scheme="0225")
    details: tuple[CdarDetail, ...] = ()
    if step.reason or step.note or step.action:
        label = REASONS[step.reason][0] if step.reason in REASONS else step.reason
        detail = CdarDetail(
            reason_code=step.reason,
            reason=label,
            action_code=step.action,
            sequence=1,
            notes=(step.note,) if step.note else (),
        )
        details = (detail,)
    reference = CdarReference(
        number=bill.number,
        status_code=known.uncl1373 if known else "",
        type_code=bill.type_code,
        received_at=at,
        issue_date=bill.issued,
        code=step.code,
        label=known.label if known else "",
        seller=CdarParty(role="SE", identifier=seller),
        details=details,
    )
    issued = f"{bill.issued:%Y%m%d}" if bill.issued else ""
    return write_cdar(
        Cdar(
            identifier=f"{bill.number}_{bill.type_code}_{issued}#{step.code}_{at:%Y%m%d%H%M%S}",
            issued_at=at,
            phase=phase,
            status_at=at,
            sender=CdarParty(role="WK", name=platform.name),
            issuer=speaks,
            recipients=(CdarParty(role="SE", identifier=seller, address=answer_to),),
            references=(reference,),
        )
    )
