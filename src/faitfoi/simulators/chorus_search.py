"""How the Chorus Pro simulator searches invoices and shows them in `listeFactures`."""

import math
from collections.abc import Mapping
from datetime import date, datetime
from typing import cast
from zoneinfo import ZoneInfo

from faitfoi.simulators.chorus_invoices import Deposit, Facts
from faitfoi.simulators.loopback import Body

PARIS = ZoneInfo("Europe/Paris")


def invoice_row(deposit: Deposit, now: datetime) -> Body:
    """Give one line of `listeFactures`."""
    facts = cast("Facts", deposit.facts)
    passage = deposit.invoice_passages(now)[-1]
    row: Body = {
        "identifiantFactureCPP": deposit.invoice_id,
        "typeDemandePaiement": "FACTURE",
        "codeFournisseur": facts.supplier,
        "typeIdentifiantFournisseur": "SIRET",
        "designationFournisseur": facts.supplier_name,
        "codeDestinataire": facts.recipient,
        "designationDestinataire": facts.recipient_name,
        "codeServiceExecutant": facts.service,
        "typeFacture": "AVOIR" if facts.credit_note else "FACTURE",
        "numeroFacture": facts.number,
        "dateFacture": facts.issued.isoformat() if facts.issued else None,
        "dateDepot": instant(deposit.at),
        "montantHT": float(facts.without_vat),
        "montantTTC": float(facts.with_vat),
        "montantAPayer": float(facts.due),
        "devise": facts.currency,
        "statut": passage.state,
        "numeroMarche": facts.contract,
        "numeroBonCommande": facts.engagement,
        "numeroFluxDepot": "" if deposit.direct else deposit.shown_flow or deposit.flow,
        "modeDepot": mode_of(deposit),
        "dateHeureEtatCourant": instant(passage.at),
        "commentaireEtatCourant": passage.comment,
        "idDestinataire": deposit.recipient_id,
        "idServiceExecutant": deposit.service_id,
    }
    return {name: value for name, value in row.items() if value not in (None, "")}


def mode_of(deposit: Deposit) -> str:
    """Tell by which way an invoice came in, as `modeDepot` says it."""
    if deposit.direct:
        return deposit.syntax
    return "EDI_XML_STRUCT" if "_E1_" in deposit.syntax else "EDI_MIXTE"


def instant(at: datetime) -> str:
    """Write an instant as the official samples do, in Paris."""
    return at.astimezone(PARIS).isoformat(timespec="milliseconds")


def meets(deposit: Deposit, body: Mapping[str, object], now: datetime) -> bool:
    """Apply the criteria of a search; those that are not here are not declared either, so they are refused."""
    facts = cast("Facts", deposit.facts)
    told = {
        "numeroFacture": facts.number,
        "numeroFluxDepot": deposit.shown_flow or deposit.flow,
        "typeFacture": "AVOIR" if facts.credit_note else "FACTURE",
        "numeroMarche": facts.contract,
        "numeroBonCommande": facts.engagement,
    }
    if any(body.get(name) and body[name] != value for name, value in told.items()):
        return False
    total = float(facts.with_vat)
    if not _number(body, "montantTTCMin", -math.inf) <= total <= _number(body, "montantTTCMax", math.inf):
        return False
    days = {"periodeDateFacture": facts.issued, "periodeDateDepot": deposit.at.astimezone(PARIS).date()}
    if statuses := cast("list[object]", body.get("statutCourant") or []):
        return _within(days, body) and deposit.invoice_passages(now)[-1].state in statuses
    return _within(days, body)


def _within(days: Mapping[str, date | None], body: Mapping[str, object]) -> bool:
    for name, day in days.items():
        begins, ends = str(body.get(f"{name}Du") or ""), str(body.get(f"{name}Au") or "")
        if (begins or ends) and (day is None or not begins[:10] <= day.isoformat() <= (ends or "9999")[:10]):
            return False
    return True


def _number(body: Mapping[str, object], name: str, default: float) -> float:
    value = body.get(name)
    return float(value) if isinstance(value, int | float) else default
