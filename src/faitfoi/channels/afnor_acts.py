"""What a seller declares about an invoice that is there: 209, 212, 220 and 224 to 228, as CDAR messages.

French contracts §3.3. Kinds of `Act` are the statuses; their values (all text) are

    type_code      of the invoice (BT-3)
    seller_siren, buyer_siren
    buyer_address  its electronic address (BT-49), and `buyer_scheme`, 0225 by default
    note           a sentence that goes with it, if any
    to_platform    set where the buyer must not read it: a 228 that ends a 226
    amounts        for 212: a JSON list of [amount with VAT, rate], negative to take an earlier one back
    currency, paid_on    for 212: the currency, and the day (ISO) on which the payment came

226 (undisclosed factoring) must never reach the buyer: it is addressed to the platform alone.
"""

import hashlib
import json
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation

from faitfoi.channels.contract import Act, Parcel, Refused
from faitfoi.einvoice.cdar import PROCESSING, Cdar, CdarAmount, CdarDetail, CdarParty, CdarReference
from faitfoi.einvoice.cdar_codes import SELLER_STATUSES, STATUSES
from faitfoi.einvoice.cdar_rules import check_cdar
from faitfoi.einvoice.cdar_write import write_cdar
from faitfoi.einvoice.model import Identifier

NOT_FOR_THE_BUYER = frozenset({"226"})
TO_PLATFORM = "to_platform"
PROCESSES = {"B2BInt": "B2BINT", "B2C": "B2C", "OutOfScope": "OUTOFSCOPE", "B2GOutOfScope": "OUTOFSCOPE"}
"""The process of the message (MDT-2) by the processing rule of its invoice; REGULATED for the others."""


def tracking_of(act: Act) -> str:
    """Name an act by 64 characters, the same for all its attempts."""
    return hashlib.sha256(act.key.encode()).hexdigest()


def compose(parcel: Parcel, act: Act) -> bytes:
    """Write the message of an act. Raises Refused when it would break a rule of the catalogue."""
    if act.kind not in SELLER_STATUSES:
        raise Refused(f"Un vendeur ne peut pas déclarer le statut « {act.kind} » sur une facture.")
    values = act.values
    seller = CdarParty(role="SE", identifier=Identifier(value=values.get("seller_siren", ""), scheme="0002"))
    known = STATUSES[act.kind]
    reached = _reached(act)
    reference = CdarReference(
        number=parcel.number,
        status_code=known.uncl1373,
        type_code=values.get("type_code", ""),
        issue_date=parcel.issue_date,
        code=act.kind,
        label=known.label,
        seller=seller,
        details=_details(act),
    )
    cdar = Cdar(
        identifier=f"{parcel.number}_{values.get('type_code', '')}_{parcel.issue_date:%Y%m%d}#{act.kind}_"
        f"{act.at.astimezone(UTC):%Y%m%d%H%M%S}",
        process=PROCESSES.get(parcel.processing_rule, "REGULATED"),
        issued_at=act.at.replace(microsecond=0),
        phase=PROCESSING,
        status_at=reached,
        sender=CdarParty(role="SE"),
        issuer=seller,
        recipients=(_recipient(act),),
        references=(reference,),
    )
    if wrong := check_cdar(cdar):
        raise Refused(
            f"Le statut {act.kind} {known.label} de la facture {parcel.number} ne peut pas être déclaré : "
            f"{wrong[0].message} ({wrong[0].rule})",
            code=wrong[0].rule,
        )
    return write_cdar(cdar)


def _reached(act: Act) -> datetime:
    """When the status was reached: the day of the payment at noon, which is that day in Paris too, else now."""
    try:
        paid = datetime.combine(date.fromisoformat(act.values.get("paid_on", "")), time(12), UTC)
    except ValueError:
        return act.at.replace(microsecond=0)
    return min(paid, act.at.replace(microsecond=0))


def _recipient(act: Act) -> CdarParty:
    if act.kind in NOT_FOR_THE_BUYER or act.values.get(TO_PLATFORM):
        return CdarParty(role="WK")
    values = act.values
    address = values.get("buyer_address", "")
    return CdarParty(
        role="BY",
        identifier=Identifier(value=values.get("buyer_siren", ""), scheme="0002"),
        address=Identifier(value=address, scheme=values.get("buyer_scheme") or "0225") if address else None,
    )


def _details(act: Act) -> tuple[CdarDetail, ...]:
    note = act.values.get("note", "").strip()
    amounts = _amounts(act) if act.kind == "212" else ()
    if not note and not amounts:
        return ()
    return (CdarDetail(sequence=1, notes=(note,) if note else (), amounts=amounts),)


def _amounts(act: Act) -> tuple[CdarAmount, ...]:
    """Read the amounts of a payment, one per VAT rate. Raises Refused."""
    try:
        told = json.loads(act.values.get("amounts", "[]"))
        return tuple(
            CdarAmount(
                type_code="MEN",
                amount=Decimal(str(amount)).quantize(Decimal("0.01")),
                currency=act.values.get("currency") or "EUR",
                rate=Decimal(str(rate)),
            )
            for amount, rate in told
        )
    except (ValueError, TypeError, InvalidOperation):
        raise Refused("Les montants de cet encaissement ne se lisent pas.") from None
