"""What a supplier may do to an invoice that the Chorus Pro simulator has: recycle, complete, acknowledge."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from faitfoi.simulators.chorus_answers import Malformed, Refusal
from faitfoi.simulators.chorus_invoices import DAY, NORMAL_PATH, Deposit, Facts, Passage, passages_from
from faitfoi.simulators.chorus_search import instant
from faitfoi.simulators.loopback import Body

if TYPE_CHECKING:
    from faitfoi.simulators.chorus_state import ChorusState

LARGEST_FILE = 10 * 1024 * 1024
LONGEST_NAME = 50
EXTENSIONS = re.compile(
    r"bmp|bz2|csv|docx?|fax|gif|gz|gzip|html?|jpe?g|od[pst]|p7s|pdf|png|pp[st]|pptx|rtf|svg|tgz|tiff?|txt|xhtml"
    r"|xl[cms]|xlsx|xml|zip",
    re.IGNORECASE,
)
TYPES = (("01", "Bon de livraison"), ("02", "Bon de commande"), ("03", "Procès-verbal"), ("99", "Autre"))
AFTER_COMPLETION = (
    (0, "COMPLETEE"),
    (1 * DAY, "SERVICE_FAIT"),
    (5 * DAY, "MANDATEE"),
    (10 * DAY, "MISE_EN_PAIEMENT"),
)
AFTER_RECYCLING = ((0, "EN_COURS_ACHEMINEMENT"), *(step for step in NORMAL_PATH if step[0] > 60))


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One thing that a supplier has done to an invoice; the books keep each, repeats included."""

    kind: str
    number: str
    supplier: str
    at: str
    files: int = 0


def add_file(state: "ChorusState", body: Mapping[str, object]) -> Body:
    """Answer transverses/v1/ajouter/fichier. Raises Malformed, Refusal."""
    try:
        content = base64.b64decode(str(body["pieceJointeFichier"]), validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("Le champ pieceJointeFichier n’est pas en base 64.") from None
    if len(content) > LARGEST_FILE:
        raise Refusal(20020, "La taille de la pièce jointe dépasse 10 Mo.")
    extension = str(body["pieceJointeExtension"]).lstrip(".")
    if len(str(body["pieceJointeNom"])) > LONGEST_NAME or not EXTENSIONS.fullmatch(extension):
        raise Refusal(20021, "Le nom ou l'extension de la pièce jointe n'est pas admis.")
    identifier = 5_000_000 + len(state.files)
    state.files[identifier] = len(content)
    return {"pieceJointeId": identifier}


def list_types(state: "ChorusState", body: Mapping[str, object]) -> Body:  # noqa: ARG001 -- one signature for all
    """Answer transverses/v1/recuperer/typespj."""
    kind = str(body.get("typeObjet") or "FACTURE")
    return {
        "listeTypePieceJointe": [
            {"codeTypePieceJointe": code, "libelleTypePieceJointe": name, "idTypePieceJointe": rank, "typeObjet": kind}
            for rank, (code, name) in enumerate(TYPES, start=1)
        ]
    }


def complete(state: "ChorusState", body: Mapping[str, object]) -> Body:
    """Answer factures/v1/completer: only an invoice that is suspended can be. Raises Refusal."""
    deposit = _at(state, body.get("identifiantFactureCPP"), "SUSPENDUE")
    pieces = cast("list[dict[str, object]]", body.get("pieceJointeComplementaire") or [])
    for piece in pieces:
        if piece.get("pieceJointeComplementaireId") not in state.files:
            raise Refusal(20022, "La pièce jointe est inconnue.")
        if piece.get("pieceJointeComplementaireType") not in dict(TYPES):
            raise Refusal(20023, "Le type de la pièce jointe est inconnu.")
    if not pieces and not body.get("commentaire"):
        raise Refusal(20024, "Il faut une pièce jointe ou un commentaire.")
    _go_on(state, deposit, AFTER_COMPLETION, comment=str(body.get("commentaire") or ""))
    _note(state, deposit, "completer", files=len(pieces))
    facts = cast("Facts", deposit.facts)
    return {
        "identifiantFactureCPP": deposit.invoice_id,
        "numeroFacture": facts.number,
        "dateTraitement": instant(state.clock.now()),
    }


def recycle(state: "ChorusState", body: Mapping[str, object]) -> Body:
    """Answer factures/v1/recycler: a new recipient, service or engagement on the same number. Raises Refusal."""
    deposit = _at(state, body.get("identifiantFactureCPP"), "A_RECYCLER")
    to = cast("dict[str, object]", body.get("destinataire") or {})
    reference = cast("dict[str, object]", body.get("reference") or {})
    facts = cast("Facts", deposit.facts)
    changed = replace(
        facts,
        recipient=str(to.get("codeDestinataire") or facts.recipient),
        service=str(to.get("codeServiceExecutant") or ""),
        engagement=str(reference.get("numeroBonCommande") or facts.engagement),
    )
    structure = state.structures.get(changed.recipient)
    if structure is None:
        raise Refusal(20030, f"La structure destinataire {changed.recipient} est inconnue.")
    if lack := structure.missing(code_service=changed.service, engagement=changed.engagement):
        raise Refusal(20031, lack)
    service = structure.service(changed.service)
    if service is not None and not service.active:
        raise Refusal(20032, "Le service destinataire n'est plus actif.")
    deposit.facts = changed
    deposit.recipient_id, deposit.service_id = structure.id, service.id if service else None
    _go_on(state, deposit, AFTER_RECYCLING)
    _note(state, deposit, "recycler")
    return {
        "identifiantFactureCPP": deposit.invoice_id,
        "numeroFacture": facts.number,
        "statutFacture": deposit.invoice_passages(state.clock.now())[-1].state,
        "dateDepot": instant(deposit.at),
    }


def acknowledge(state: "ChorusState", body: Mapping[str, object]) -> Body:
    """Answer factures/v1/traiterRejet. Raises Refusal."""
    asked = cast("list[dict[str, object]]", body.get("listeDemandePaiement") or [])
    deposits = [_at(state, one.get("idDemandePaiement"), "REJETEE") for one in asked]
    for deposit in deposits:
        deposit.actions.append(("TRAITEMENT_REJET", state.clock.now()))
        _note(state, deposit, "traiterRejet")
    return {}


def _at(state: "ChorusState", identifier: object, status: str) -> Deposit:
    """Find an invoice that is at this status. Raises Refusal."""
    now = state.clock.now()
    deposit = state.invoice(identifier)
    if deposit is None or not deposit.integrated(now):
        raise Refusal(20002, "La facture est inconnue.")
    present = deposit.invoice_passages(now)[-1].state
    if present != status:
        raise Refusal(20040, f"L'opération n'est pas permise au statut {present}.")
    return deposit


def _go_on(state: "ChorusState", deposit: Deposit, path: tuple[tuple[int, str], ...], *, comment: str = "") -> None:
    first, *rest = passages_from(path, state.clock.now())
    deposit.forced_invoice = [one for one in deposit.forced_invoice if one.at <= first.at]
    deposit.forced_invoice += [Passage(state=first.state, at=first.at, comment=comment), *rest]


def _note(state: "ChorusState", deposit: Deposit, kind: str, *, files: int = 0) -> None:
    facts = cast("Facts", deposit.facts)
    state.told.append(
        Told(kind=kind, number=facts.number, supplier=facts.supplier, at=state.clock.now().isoformat(), files=files)
    )
