"""What the simulated plateforme agréée makes of a status that a seller declares (209, 212, 220, 224 to 228)."""

from collections.abc import Sequence
from decimal import Decimal

from faitfoi.einvoice.cdar import PROCESSING, Cdar

SELLERS = frozenset({"209", "212", "220", "224", "225", "226", "227", "228"})
ENDED = frozenset({"210", "213"})


def judge_act(cdar: Cdar, said: Sequence[str]) -> tuple[str, str] | None:
    """Return the reasonCode and message by which it is not taken, None when it is; `said` are the statuses so far."""
    if not cdar.references:
        return "InvoiceLCRuleError", "no invoice is named"
    reference = cdar.references[0]
    issuer = cdar.issuer
    if cdar.phase != PROCESSING or issuer is None or issuer.role != "SE" or issuer.identifier is None:
        return "InvoiceLCAccessDenied", "only the seller may say this"
    if reference.code not in SELLERS:
        return "InvoiceLCStatusError", f"a seller does not say {reference.code}"
    if not said:
        return "InvoiceLCInvalidStatus", "the invoice is not known, or not deposited yet"
    if ENDED & set(said):
        return "InvoiceLCInvalidStatus", "the invoice is refused or rejected"
    if reference.code == "212":
        received = [one for detail in reference.details for one in detail.amounts if one.type_code == "MEN"]
        if not received or any(one.amount is None or one.rate is None for one in received):
            return "InvoiceLCRuleError", "BR-FR-CDV-14: each MEN needs an amount and a rate"
        if any(one.amount == Decimal(0) for one in received):
            return "InvoiceLCAmountError", "an amount is zero"
    if reference.code == "226" and any(party.role != "WK" for party in cdar.recipients):
        return "InvoiceLCAccessDenied", "an undisclosed factoring is for the platform alone"
    if reference.code == "209" and "208" not in said:
        return "InvoiceLCInvalidStatus", "nothing is suspended"
    return None
