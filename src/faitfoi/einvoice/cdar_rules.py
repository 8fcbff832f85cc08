"""The catalogue's rules of a CDAR (BR-FR-CDV 1.4.0), one function each, on the model: French contracts §3.3 and §3.4.

The official sheet is bundled nowhere that we may use, so that these are the only judge here. Sentences are ours.
"""

from collections.abc import Callable, Iterator

from faitfoi.einvoice.cdar import PROCESSING, TRANSMISSION, Cdar, CdarParty, CdarReference
from faitfoi.einvoice.cdar_codes import ACTIONS, AMOUNT_TYPES, FROM_CHORUS, REASONS, ROLES, STATUSES
from faitfoi.einvoice.findings import Finding, Severity

PARTIES = frozenset(ROLES) - {"WK", "DFH"}
PROCESSES = frozenset({"REGULATED", "NON_REGULATED", "B2C", "B2CINT", "B2BINT", "OUTOFSCOPE"})
INVOICE_GUIDELINE = "urn.cpro.gouv.fr:1p0:CDV:invoice"
PPF_GUIDELINE = "urn.cpro.gouv.fr:1p0:CDV:einvoicingF2"
UNCL1373 = {
    TRANSMISSION: frozenset({"10", "51", "43", "8", "48"}),
    PROCESSING: frozenset({"45", "39", "37", "50", "49", "47", "46", "1", "5"}),
}
OTHER_STATUSES = frozenset({"250", "251", "300", "301", "400", "401", "500", "601"})
"""Of other objects of the PPF: admitted by the catalogue, never about an invoice of ours."""
TYPES = frozenset(
    ["380", "389", "393", "501", "386", "500", "384", "471", "472", "473", "261", "262", "381", "396", "502", "503"]
)
"""BT-3 of an invoice in France."""
CHORUS = "9999"
PPF = ("0238", "0000")

Rule = Callable[[Cdar], Iterator[tuple[str, str, str]]]


def check_cdar(cdar: Cdar) -> tuple[Finding, ...]:
    """Return what the catalogue has to say of a message: nothing when it is right."""
    return tuple(
        Finding(
            rule=rule,
            severity=Severity.WARNING if rule.startswith("BR-FR-CDV-CL-06") else Severity.FATAL,
            message=sentence,
            message_fr=sentence,
            term=rule.rpartition("_")[2],
            value=value[:200],
        )
        for judge in RULES
        for rule, value, sentence in judge(cdar)
    )


def _context(cdar: Cdar) -> Iterator[tuple[str, str, str]]:
    if not cdar.guideline:
        yield "BR-FR-CDV-01_MDG-3", "", "Le message ne dit pas selon quel guide il est fait (MDT-3)."
    elif cdar.guideline not in {INVOICE_GUIDELINE, PPF_GUIDELINE}:
        yield "BR-FR-CDV-02_MDT-3", cdar.guideline, "Le guide (MDT-3) n’est pas celui du cycle de vie des factures."
    elif cdar.guideline == PPF_GUIDELINE and not _only_to_the_ppf(cdar):
        yield "BR-FR-CDV-02_MDT-3", cdar.guideline, "Ce guide (MDT-3) ne sert qu’aux messages pour le PPF."
    if cdar.process not in PROCESSES and not (_only_to_the_ppf(cdar) and len(cdar.process) < 3):
        yield "BR-FR-CDV-CL-01_MDT-2", cdar.process, "Le processus (MDT-2) n’est pas de la liste."


def _document(cdar: Cdar) -> Iterator[tuple[str, str, str]]:
    if not cdar.identifier:
        yield "BR-FR-CDV-03_MDT-4", "", "Le message n’a pas d’identifiant (MDT-4)."
    if cdar.issued_at is None:
        yield "BR-FR-CDV-04_MDG-4", "", "Le message n’a pas de date d’émission (MDT-8)."
    if cdar.sender is None:
        yield "BR-FR-CDV-05_MDG-9", "", "Le message ne dit pas qui l’envoie."
    elif not cdar.sender.role:
        yield "BR-FR-CDV-06_MDT-21", "", "L’expéditeur n’a pas de rôle (MDT-21)."
    if cdar.phase not in {TRANSMISSION, PROCESSING}:
        yield "BR-FR-CDV-09_MDT-77", cdar.phase, "La phase (MDT-77) est 305 (transmission) ou 23 (traitement)."


def _issuer(cdar: Cdar) -> Iterator[tuple[str, str, str]]:
    sender, issuer = cdar.sender or CdarParty(), cdar.issuer or CdarParty()
    named = issuer.identifier is not None
    if cdar.phase == PROCESSING:
        if not named:
            yield "BR-FR-CDV-07_MDT-38_yes", "", "Qui déclare le statut doit être nommé (MDT-38)."
        if sender.role not in PARTIES | {"WK"}:
            yield "BR-FR-CDV-CL-02_MDT-21_23", sender.role, "Le rôle de l’expéditeur (MDT-21) n’est pas permis ici."
        if issuer.role not in PARTIES:
            yield "BR-FR-CDV-CL-03_MDT-40_23", issuer.role, "Le rôle de qui déclare (MDT-40) n’est pas permis ici."
    if cdar.phase == TRANSMISSION:
        if named:
            yield "BR-FR-CDV-07_MDT-38_no", "", "Une plateforme ne se nomme pas en MDT-38."
        if sender.role != "WK":
            yield "BR-FR-CDV-CL-02_MDT-21_305", sender.role, "En transmission, une plateforme envoie (MDT-21 = WK)."
        if issuer.role != "WK":
            yield "BR-FR-CDV-CL-03_MDT-40_305", issuer.role, "En transmission, une plateforme déclare (MDT-40 = WK)."


def _recipients(cdar: Cdar) -> Iterator[tuple[str, str, str]]:
    for party in cdar.recipients:
        if party.role not in ROLES:
            yield "BR-FR-CDV-CL-04_MDT-59", party.role, "Le rôle du destinataire (MDT-59) n’est pas de la liste."
        elif party.role not in {"WK", "DFH"} and party.address is None:
            yield "BR-FR-CDV-08_MDT-73", party.role, "Le destinataire n’a pas d’adresse électronique (MDT-73)."


def _references(cdar: Cdar) -> Iterator[tuple[str, str, str]]:
    for one in cdar.references:
        unreadable = one.code == "501"
        if not one.number:
            yield "BR-FR-CDV-10_MDT-87", "", "La facture n’est pas nommée (MDT-87)."
        if one.issue_date is None and not unreadable:
            yield "BR-FR-CDV-11_MDG-35", one.number, "La date de la facture manque (MDT-100)."
        if one.type_code and one.type_code not in TYPES:
            yield "BR-FR-04_MDT-91", one.type_code, "Le type de la facture (MDT-91) n’est pas de la liste."
        if not one.code:
            yield "BR-FR-CDV-12_MDT-105", one.number, "Le statut manque (MDT-105)."
        elif one.code not in STATUSES and one.code not in OTHER_STATUSES:
            yield "BR-FR-CDV-CL-06_MDT-105", one.code, "Le statut (MDT-105) n’est pas de la liste."
        if (one.seller is None or one.seller.identifier is None) and not unreadable:
            yield "BR-FR-CDV-13_MDT-129", one.number, "Le vendeur n’est pas nommé (MDT-129)."
        if one.seller is not None and one.seller.role != "SE":
            yield "BR-FR-CDV-CL-07_MDT-132", one.seller.role, "Le rôle du vendeur (MDT-132) est SE."
        for party in one.recipients:
            if party.role not in ROLES:
                yield "BR-FR-CDV-CL-08_MDT-158", party.role, "Le rôle du destinataire (MDT-158) n’est pas de la liste."
        if one.status_code and one.status_code not in UNCL1373.get(cdar.phase, frozenset({one.status_code})):
            phase = f"BR-FR-CDV-CL-05_MDT-88_{cdar.phase}"
            yield phase, one.status_code, "Le code de statut UNCL 1373 (MDT-88) n’est pas permis dans cette phase."


def _details(cdar: Cdar) -> Iterator[tuple[str, str, str]]:
    chorus = cdar.issuer is not None and cdar.issuer.identifier is not None and cdar.issuer.identifier.value == CHORUS
    for one in cdar.references:
        known = STATUSES.get(one.code)
        if known and known.reason_required and not any(detail.reason_code for detail in one.details):
            yield "BR-FR-CDV-15_MDT-113", one.code, f"Le statut {one.code} demande un motif (MDT-113)."
        for detail in one.details:
            told = STATUSES.get(detail.code)
            if told and told.reason_required and not detail.reason_code:
                yield "BR-FR-CDV-15_MDT-113", detail.code, f"Le statut {detail.code} demande un motif (MDT-113)."
            if detail.sequence is None:
                yield "BR-FR-CDV-16_MDT-124-2", "", "Un détail de statut n’a pas de numéro d’ordre (MDT-124-2)."
            if detail.code and detail.code not in STATUSES and detail.code not in OTHER_STATUSES:
                yield "BR-FR-CDV-CL-06_MDT-115", detail.code, "Le statut du détail (MDT-115) n’est pas de la liste."
            if detail.action_code and detail.action_code not in ACTIONS:
                yield (
                    "BR-FR-CDV-CL-10_MDT-121",
                    detail.action_code,
                    "L’action (MDT-121) n’est pas de la liste.",
                )
            yield from _reason(one, detail.reason_code, chorus=chorus)


def _reason(one: CdarReference, code: str, *, chorus: bool) -> Iterator[tuple[str, str, str]]:
    if not code:
        return
    if code not in REASONS:
        yield "BR-FR-CDV-CL-09_MDT-113", code, "Le motif (MDT-113) n’est pas de la liste."
        return
    listed = {status for _, allowed in REASONS.values() for status in allowed}
    if one.code in listed:
        allowed = code in FROM_CHORUS if chorus and one.code == "210" else one.code in REASONS[code][1]
        if not allowed:
            rule = f"BR-FR-CDV-CL-09_MDT-113_{one.code}{'B2G' if chorus and one.code == '210' else ''}"
            yield rule, code, f"Le motif {code} (MDT-113) ne va pas avec le statut {one.code}."


def _amounts(cdar: Cdar) -> Iterator[tuple[str, str, str]]:
    for one in cdar.references:
        amounts = [amount for detail in one.details for amount in detail.amounts]
        for amount in amounts:
            if amount.type_code not in AMOUNT_TYPES:
                yield "BR-FR-CDV-CL-11_MDT-207", amount.type_code, "Le type de montant (MDT-207) n’est pas de la liste."
        received = [amount for amount in amounts if amount.type_code == "MEN"]
        whole = all(amount.amount is not None and amount.rate is not None for amount in received)
        if one.code == "212" and not (received and whole):
            yield (
                "BR-FR-CDV-14_MDT-207",
                one.number,
                "Un encaissement (212) donne un montant (MDT-215) et un taux (MDT-224) par taux de TVA.",
            )


def _only_to_the_ppf(cdar: Cdar) -> bool:
    if len(cdar.recipients) != 1 or cdar.recipients[0].role != "DFH":
        return False
    named = cdar.recipients[0].identifier
    return named is not None and (named.scheme, named.value) == PPF


RULES: tuple[Rule, ...] = (_context, _document, _issuer, _recipients, _references, _details, _amounts)
