"""What is deposited on Chorus Pro, and what the answer to a deposit leaves certain. Pure: no wire here.

French contracts §1.2 to §1.4.
"""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from faitfoi.channels.chorus_pro_codes import return_codes, text
from faitfoi.channels.contract import OutcomeUnknown, Parcel, Receipt, Refused
from faitfoi.channels.http_wire import Reply, read_object
from faitfoi.einvoice.xml import UnreadableXml, parse_xml

OPERATION = "deposer/flux"
MAX_FILE = 10 * 1024 * 1024
MAX_NAME = 50
FACTURX = "IN_DP_E2_CII_FACTURX"
XML_SYNTAXES = {
    "{urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100}CrossIndustryInvoice": "IN_DP_E1_CII_16B",
    "{urn:oasis:names:specification:ubl:schema:xsd:Invoice-2}Invoice": "IN_DP_E1_UBL_INVOICE",
    "{urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2}CreditNote": "IN_DP_E1_UBL_INVOICE",
}
IN_FLOW = "facturesDuFlux"
"""The reference that says how many invoices share the flow, where there are several."""
ALONE = "1"
FLOW_NUMBER = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _What:
    """What was deposited, in the words that sentences need."""

    deposit: str
    maybe: str
    named: str


def _what(parcel: Parcel) -> _What:
    if not parcel.others:
        one = f"la facture {parcel.number}"
        return _What(deposit=f"le dépôt de {one}", maybe=f"{one} est peut-être arrivée", named=parcel.number)
    numbers = [each.number for each in (parcel, *parcel.others)]
    several = f"le dépôt de {len(numbers)} factures ({_some(numbers)})"
    return _What(deposit=several, maybe=f"{several} est peut-être arrivé", named=_some(numbers))


def _some(numbers: list[str]) -> str:
    """Name the first ones; a sentence is no list."""
    return ", ".join(numbers[:3]) + ("…" if len(numbers) > 3 else "")


def check_size(parcel: Parcel) -> None:
    """Let through what Chorus Pro admits in one flow. Raises Refused, before the wire is touched."""
    size = len(parcel.artefact.content)
    if not size:
        raise Refused(f"Le fichier de la facture {parcel.number} est vide.")
    if size > MAX_FILE:
        told = f"{size / 1024 / 1024:.1f}".replace(".", ",")
        raise Refused(
            f"Le fichier de la facture {parcel.number} fait {told} Mo ; Chorus Pro en admet 10. "
            "Allégez le PDF (images, logo), puis renvoyez."
        )


def choose_syntax(parcel: Parcel) -> str:
    """Choose the syntaxeFlux from the artefact's media type and, for XML, from its root element. Raises Refused."""
    media_type = parcel.artefact.media_type.partition(";")[0].strip().lower()
    if media_type == "application/pdf":
        return FACTURX
    if media_type in {"application/xml", "text/xml"} or media_type.endswith("+xml"):
        try:
            root = str(parse_xml(parcel.artefact.content).tag)
        except UnreadableXml:
            root = ""
        if root in XML_SYNTAXES:
            return XML_SYNTAXES[root]
    raise Refused(
        f"Chorus Pro ne prend pas le fichier « {parcel.artefact.filename} » ({media_type or 'type inconnu'}) : "
        "il lui faut un PDF Factur-X, ou une facture XML CII ou UBL."
    )


def name_flow(parcel: Parcel) -> str:
    """Name the deposited file: the artefact's name in plain characters, 50 at most with its extension."""
    extension = ".pdf" if choose_syntax(parcel) == FACTURX else ".xml"
    stem = PurePosixPath(parcel.artefact.filename.replace("\\", "/")).stem
    plain = (re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_") for name in (stem, parcel.number, "facture"))
    return next(filter(None, plain))[: MAX_NAME - len(extension)] + extension


def judge_deposit(reply: Reply, *, parcel: Parcel, syntax: str) -> Receipt:
    """Tell what the answer to a deposit leaves certain. Raises Refused or OutcomeUnknown."""
    answer, what = read_object(reply.content), _what(parcel)
    label = text((answer or {}).get("libelle"))[:500]
    said = f" Chorus Pro écrit : « {label} »" if label else ""
    match reply.status:
        case 200:
            pass
        case 413:
            sentence = return_codes()["deposer/flux", "20001"].sentence
            raise Refused(sentence + said, code="413")
        case 400:
            raise Refused(
                f"Chorus Pro juge {what.deposit} mal formé (400).{said} Vérifiez le fichier, puis renvoyez.",
                code="400",
            )
        case 415:
            raise Refused(
                f"Chorus Pro ne prend pas le format : {what.deposit} (415).{said} "
                "Déposez un PDF Factur-X, ou un XML CII ou UBL.",
                code="415",
            )
        case status:
            raise OutcomeUnknown(
                f"Chorus Pro a répondu par une erreur HTTP {status} : {what.maybe}. "
                "Nous le demandons avant toute autre chose."
            )
    if answer is None or isinstance(answer.get("codeRetour"), bool) or not isinstance(answer.get("codeRetour"), int):
        raise OutcomeUnknown(
            f"La réponse de Chorus Pro est illisible : {what.maybe}. Nous le demandons avant toute autre chose."
        )
    flow = text(answer.get("numeroFluxDepot"))
    code = text(answer.get("codeRetour"))
    if code != "0":
        known = return_codes().get((OPERATION, code))
        if flow or (known and known.meaning == "already_there"):
            raise OutcomeUnknown(
                f"Chorus Pro dit déjà connaître ce dépôt (code {code}). Nous lui demandons où en est chaque facture : "
                f"{what.named}."
            )
        sentence = known.sentence if known else f"Chorus Pro refuse {what.deposit}."
        raise Refused(f"{sentence} (Code {code}.){said}", code=code)
    if not FLOW_NUMBER.fullmatch(flow):
        raise OutcomeUnknown(
            f"Chorus Pro dit avoir pris {what.deposit} mais n’a pas donné de numéro de dépôt. "
            "Nous cherchons chaque facture par son numéro."
        )
    references = {"numeroFluxDepot": flow, "syntaxeFlux": syntax}
    if day := text(answer.get("dateDepot")):
        references["dateDepot"] = day
    detail = f"Déposée sur Chorus Pro sous le numéro {flow}."
    if parcel.others:
        references[IN_FLOW] = str(1 + len(parcel.others))
        detail = f"Déposée sur Chorus Pro sous le numéro {flow}, dans un dépôt de {references[IN_FLOW]} factures."
    if parcel.annexes:
        detail += " Les pièces jointes n’ont pas été transmises : un dépôt de flux n’en porte pas."
    return Receipt(references=references, raw=reply.content, detail=detail)
