"""Invoices handed to the Chorus Pro simulator field by field (`soumettre`), with or without a PDF deposited before."""

import base64
import binascii
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, cast

from faitfoi.simulators.chorus_answers import Malformed, Refusal
from faitfoi.simulators.chorus_invoices import Facts
from faitfoi.simulators.chorus_search import instant
from faitfoi.simulators.loopback import Body

if TYPE_CHECKING:
    from faitfoi.simulators.chorus_state import ChorusState

LARGEST_PDF = 10 * 1024 * 1024
TOLERANCE = Decimal("0.01")
MEANS = {"VIREMENT": "30", "CHEQUE": "20", "PRELEVEMENT": "59", "ESPECE": "10", "AUTRE": "1", "REPORT": "97"}


def deposit_pdf(state: "ChorusState", body: Mapping[str, object]) -> Body:
    """Answer factures/v1/deposer/pdf: what the "OCR" reads is left empty; the file waits for `soumettre`. Raises."""
    try:
        content = base64.b64decode(str(body["fichierFacture"]), validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("Le champ fichierFacture n’est pas en base 64.") from None
    if len(content) > LARGEST_PDF:
        raise Refusal(20001, "GDP_MSG_11.022 : la taille du fichier dépasse 10 Mo.")
    if not content.startswith(b"%PDF-"):
        raise Refusal(20007, "Le fichier n'est pas un PDF.")
    identifier = 5_000_000 + len(state.files)
    state.files[identifier] = len(content)
    return {
        "numeroFacture": "",
        "dateFacture": instant(state.clock.now()),
        "codeDestinataire": "",
        "codeServiceExecutant": "",
        "codeFournisseur": "",
        "codeDeviseFacture": "EUR",
        "typeFacture": "FACTURE",
        "typeTva": "TVA_SUR_DEBIT",
        "numeroBonCommande": "",
        "montantTtcAvantRemiseGlobalTTC": 0,
        "montantAPayer": 0,
        "montantHtTotal": 0,
        "montantTVA": 0,
        "pieceJointeId": identifier,
    }


def submit(state: "ChorusState", body: Mapping[str, object]) -> Body:
    """Answer factures/v1/soumettre: what a flow would have rejected is refused at once. Raises Malformed, Refusal."""
    mode = str(body.get("modeDepot"))
    main = _part(body, "pieceJointePrincipale").get("pieceJointePrincipaleId")
    if main is not None and main not in state.files:
        raise Refusal(20022, "La pièce jointe principale est inconnue.")
    if mode != "SAISIE_API" and main is None:
        raise Refusal(20025, "Un dépôt PDF demande sa pièce jointe principale.")
    facts = _facts(state, body)
    _add_up(body)
    deposit = state.keep(
        facts, syntax=mode, sha256=f"soumettre:{facts.supplier}:{facts.number}", name=mode, direct=True
    )
    return {
        "identifiantFactureCPP": deposit.invoice_id,
        "numeroFacture": facts.number,
        "statutFacture": "DEPOSEE",
        "dateDepot": instant(deposit.at),
        "identifiantStructure": facts.supplier,
        "empreinteCertificatDepot": "",
    }


def _facts(state: "ChorusState", body: Mapping[str, object]) -> Facts:
    to, by = _part(body, "destinataire"), _part(body, "fournisseur")
    references, totals = _part(body, "references"), _part(body, "montantTotal")
    supplier = next((siret for siret, number in state.suppliers.items() if number == by.get("idFournisseur")), "")
    if not supplier:
        raise Refusal(20051, "Le fournisseur est inconnu.")
    try:
        issued = date.fromisoformat(str(body.get("dateFacture"))[:10])
    except ValueError:
        raise Malformed("Le champ dateFacture n’est pas une date.") from None
    return Facts(
        number=str(body.get("numeroFactureSaisi") or ""),
        supplier=supplier,
        recipient=str(to.get("codeDestinataire") or ""),
        service=str(to.get("codeServiceExecutant") or ""),
        engagement=str(references.get("numeroBonCommande") or ""),
        contract=str(references.get("numeroMarche") or ""),
        credit_note=references.get("typeFacture") == "AVOIR",
        issued=issued,
        currency=str(references.get("deviseFacture") or "EUR"),
        without_vat=_amount(totals, "montantHtTotal"),
        with_vat=_amount(totals, "montantTtcTotal"),
        due=_amount(totals, "montantAPayer"),
        means=MEANS.get(str(references.get("modePaiement")), ""),
    )


def _add_up(body: Mapping[str, object]) -> None:
    """Hold the totals against each other. Raises Refusal."""
    totals = _part(body, "montantTotal")
    lines = cast("list[dict[str, object]]", body.get("ligneTva") or [])
    whole = _amount(totals, "montantHtTotal") + _amount(totals, "montantTVA")
    if abs(whole - _amount(totals, "montantTtcTotal")) > TOLERANCE:
        raise Refusal(20052, "Le montant TTC n'est pas la somme du montant HT et de la TVA.")
    if (
        abs(
            sum((_amount(one, "ligneTvaMontantTvaParTaux") for one in lines), Decimal(0))
            - _amount(totals, "montantTVA")
        )
        > TOLERANCE
    ):
        raise Refusal(20053, "Le montant de TVA n'est pas la somme des lignes de TVA.")


def _amount(part: Mapping[str, object], name: str) -> Decimal:
    return Decimal(str(part.get(name) or 0))


def _part(body: Mapping[str, object], name: str) -> Mapping[str, object]:
    return cast("Mapping[str, object]", body.get(name) or {})
