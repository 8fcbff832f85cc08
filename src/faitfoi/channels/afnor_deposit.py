"""What is handed to a plateforme agréée, and what its answer leaves certain. Pure: no wire here.

French contracts §2.1.
"""

import hashlib
import re

from faitfoi.channels.afnor_codes import ack_reasons
from faitfoi.channels.chorus_pro_codes import text
from faitfoi.channels.contract import NotSent, OutcomeUnknown, Parcel, Receipt, Refused
from faitfoi.channels.http_wire import Reply, read_object
from faitfoi.einvoice.xml import UnreadableXml, parse_xml

MAX_FILE = 100 * 1000 * 1000
MAX_NAME = 255
FLOW_ID = re.compile(r"[\x21-\x7e]{1,64}")
ALREADY = "AlreadyExistingFlow"
BUSY = "TOO_MANY_REQUESTS"
OF_THE_MOMENT = frozenset({BUSY, "RESOURCE_ERROR"})
OF_THE_ACCOUNT = frozenset({"MISSING_TOKEN", "FORBIDDEN_ACCESS"})
"""The errorCodes that say nothing of the document (contract §2.1)."""

CII_ROOT = "{urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100}CrossIndustryInvoice"
SYNTAXES = {
    CII_ROOT: "CII",
    "{urn:oasis:names:specification:ubl:schema:xsd:Invoice-2}Invoice": "UBL",
    "{urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2}CreditNote": "UBL",
}


def check_size(parcel: Parcel) -> None:
    """Let through what a flow may hold. Raises Refused, before the wire is touched."""
    size = len(parcel.artefact.content)
    if not size:
        raise Refused(f"Le fichier de la facture {parcel.number} est vide.")
    if size > MAX_FILE:
        told = f"{size / 1_000_000:.1f}".replace(".", ",")
        raise Refused(
            f"Le fichier de la facture {parcel.number} fait {told} Mo ; une plateforme agréée en admet 100. "
            "Allégez ses pièces jointes, puis renvoyez."
        )


def choose_syntax(parcel: Parcel) -> str:
    """Choose the flowSyntax from the artefact's media type and, for XML, from its root element. Raises Refused."""
    media_type = media_type_of(parcel)
    if media_type == "application/pdf":
        return "Factur-X"
    if media_type.endswith("xml"):
        try:
            root = str(parse_xml(parcel.artefact.content).tag)
        except UnreadableXml:
            root = ""
        if root in SYNTAXES:
            return SYNTAXES[root]
    raise Refused(
        f"Une plateforme agréée ne prend pas le fichier « {parcel.artefact.filename} » ({media_type or 'type inconnu'})"
        " : il lui faut un PDF Factur-X, ou une facture XML CII ou UBL."
    )


def media_type_of(parcel: Parcel) -> str:
    """Return the artefact's media type without parameters."""
    return parcel.artefact.media_type.partition(";")[0].strip().lower()


def flow_info(parcel: Parcel, *, syntax: str) -> dict[str, object]:
    """Say what the flow is. The tracking identifier is the delivery's own token: the same for all its attempts.

    Without a processing rule the platform works it out itself.
    """
    info: dict[str, object] = {
        "trackingId": parcel.message_ref,
        "name": parcel.artefact.filename[-MAX_NAME:],
        "flowSyntax": syntax,
        "sha256": hashlib.sha256(parcel.artefact.content).hexdigest(),
    }
    if parcel.processing_rule:
        info["processingRule"] = parcel.processing_rule
    return info


def judge(reply: Reply, *, about: str, references: dict[str, str]) -> Receipt:
    """Tell what the answer to a deposit leaves certain. Raises NotSent, Refused or OutcomeUnknown.

    NotSent where it says that the account or the moment is at fault. `about` names what was handed over, for the
    sentences: "la facture F-1", "le statut 212 de la facture F-1".
    """
    answer = read_object(reply.content) or {}
    said, code = _said(answer), text(answer.get("errorCode"))
    if ALREADY in f"{code} {said}" or reply.status == 409:
        raise OutcomeUnknown(f"La plateforme agréée dit avoir déjà {about}. Nous lui demandons où elle en est.")
    if reply.status in {400, 415, 422} and code in OF_THE_MOMENT | OF_THE_ACCOUNT:
        # Whatever the status, no document is at fault: it must not freeze one (complaint G62).
        ours = code in OF_THE_ACCOUNT
        remedy = "Demandez à votre plateforme d’y remédier, puis réessayez." if ours else "Nous réessaierons plus tard."
        reason = f"La plateforme agréée n’a pas pris {about} ({code}).{said} {remedy}"
        raise NotSent(reason, precondition=ours, busy=code == BUSY)
    match reply.status:
        case 200 | 201 | 202:
            pass
        case 413:
            raise Refused(
                f"La plateforme agréée trouve {about} trop lourde (413).{said} Allégez le fichier.", code="413"
            )
        case 400 | 415 | 422:
            raise Refused(
                f"La plateforme agréée n’admet pas {about} ({code or reply.status}).{said} "
                "Corrigez ce qu’elle nomme, puis renvoyez.",
                code=code or str(reply.status),
            )
        case status:
            raise OutcomeUnknown(
                f"La plateforme agréée a répondu par une erreur HTTP {status} : {about} est peut-être arrivée. "
                "Nous le demandons avant toute autre chose."
            )
    flow = text(answer.get("flowId"))
    if not FLOW_ID.fullmatch(flow):
        raise OutcomeUnknown(
            f"La plateforme agréée a pris {about} sans donner d’identifiant de flux lisible. Nous la cherchons par le "
            "nôtre."
        )
    told = {**references, "flowId": flow}
    if at := text(answer.get("submittedAt")):
        told["submittedAt"] = at
    return Receipt(references=told, raw=reply.content, detail=f"Confiée à la plateforme agréée sous le flux {flow}.")


def _said(answer: dict[str, object]) -> str:
    told = " — ".join(filter(None, (text(answer.get("errorMessage")), text(answer.get("details")))))[:500]
    ours = ack_reasons().get(text(answer.get("errorCode")))
    return (f" {ours.sentence}" if ours else "") + (f" Elle écrit : « {told} »" if told else "")
