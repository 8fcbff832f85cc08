"""An invoice handed to Chorus Pro field by field (`soumettre`), alone or with its PDF deposited before (`deposer/pdf`).

French contracts §1.2. The fields are read from the very artefact that the delivery carries, never from anywhere else.
The PDF's deposit changes nothing for anybody until `soumettre`, so its silence is NotSent; the silence of `soumettre`
is an unknown outcome, and the invoice is then looked for by its number.
"""

import base64
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum

from faitfoi.channels.chorus_pro_codes import text
from faitfoi.channels.chorus_pro_deposit import name_flow
from faitfoi.channels.chorus_pro_http import BusinessError, Connection
from faitfoi.channels.chorus_pro_settings import read_word
from faitfoi.channels.contract import NotSent, OutcomeUnknown, Parcel, Receipt, Refused
from faitfoi.channels.http_wire import Reply, read_object
from faitfoi.einvoice.model import Invoice
from faitfoi.einvoice.reading import Unreadable, read

SUBMIT = "factures/v1/soumettre"
DEPOSIT_PDF = "factures/v1/deposer/pdf"
PDF = b"%PDF-"
MEANS: Mapping[str, str] = {
    "10": "ESPECE",
    "20": "CHEQUE",
    "30": "VIREMENT",
    "31": "VIREMENT",
    "42": "VIREMENT",
    "58": "VIREMENT",
    "49": "PRELEVEMENT",
    "59": "PRELEVEMENT",
    "97": "REPORT",
}
ON_PAYMENT = frozenset({"72", "432"})
"""BT-8: VAT becomes due when paid."""
FRAMEWORKS: Mapping[str, str] = {
    "S3": "A9_FACTURE_SOUSTRAITANT",
    "S5": "A9_FACTURE_SOUSTRAITANT",
    "S6": "A12_FACTURE_COTRAITANT",
}
"""By BT-23, the cadre de facturation. Each of these is validated by a structure, which `soumettre` wants to be told
(`codeStructureValideur`) and for which an invoice has no term."""
CENT = Decimal("0.01")


class Mode(StrEnum):
    """How an invoice is deposited."""

    FLOW = "flux"
    SUBMIT = "soumettre"
    PDF = "pdf"


def read_mode(value: str) -> Mode:
    """Read the setting `depot`. Raises ValueError (French)."""
    return read_word(value, setting="depot", usual=Mode.FLOW)


def submit(connection: Connection, parcel: Parcel, *, mode: Mode, supplier: int, signed: bool, until: float) -> Receipt:
    """Hand one invoice over; `supplier` is the seller's idStructureCPP. Raises NotSent, Refused, OutcomeUnknown."""
    try:
        invoice = read(parcel.artefact.content).invoice
    except Unreadable as error:
        problem = Refused(f"Le fichier de la facture {parcel.number} ne se lit pas : {error.reason}")
    else:
        body = fields_of(invoice, parcel, mode=mode, supplier=supplier)
        if mode is Mode.PDF:
            body["modeDepot"] = "DEPOT_PDF_SIGNE_API" if signed else "DEPOT_PDF_API"
            body["pieceJointePrincipale"] = {
                "pieceJointePrincipaleDesignation": name_flow(parcel),
                "pieceJointePrincipaleId": _deposit_pdf(connection, parcel, signed=signed, until=until),
            }
        return _judge(connection.deposit(SUBMIT, body, until=until), parcel)
    raise problem


def fields_of(invoice: Invoice, parcel: Parcel, *, mode: Mode, supplier: int) -> dict[str, object]:
    """Write an invoice in the fields of `soumettre`. Pure. Raises Refused for what they have no place for."""
    totals = invoice.totals
    amounts = {"BT-109": totals.without_vat, "BT-110": totals.vat, "BT-112": totals.with_vat, "BT-115": totals.due}
    if lacking := [name for name, amount in amounts.items() if amount is None]:
        raise Refused(f"La facture {invoice.number} ne dit pas {', '.join(lacking)} : Chorus Pro veut ces montants.")
    if mode is Mode.SUBMIT and (invoice.allowances or invoice.charges):
        raise Refused(
            f"La facture {invoice.number} a des remises ou des frais de pied (BG-20, BG-21) : la saisie de Chorus Pro "
            "n’a pas de place pour eux. Déposez-la en flux ou en PDF (réglage « depot »)."
        )
    recipient = {"codeDestinataire": parcel.address, "codeServiceExecutant": invoice.buyer_reference}
    body: dict[str, object] = {
        "modeDepot": "SAISIE_API",
        "numeroFactureSaisi": invoice.number,
        "dateFacture": parcel.issue_date.isoformat(),
        "destinataire": _filled(recipient),
        "fournisseur": {"idFournisseur": supplier},
        "cadreDeFacturation": {"codeCadreFacturation": _framework(invoice)},
        "references": _references(invoice),
        "ligneTva": [
            {
                "ligneTvaTauxManuel": _number(part.rate),
                "ligneTvaMontantBaseHtParTaux": _number(part.taxable_amount),
                "ligneTvaMontantTvaParTaux": _number(part.tax_amount),
            }
            for part in invoice.vat_breakdown
        ],
        "montantTotal": {
            "montantHtTotal": _number(totals.without_vat),
            "montantTVA": _number(totals.vat),
            "montantTtcTotal": _number(totals.with_vat),
            "montantAPayer": _number(totals.due),
        },
    }
    if mode is Mode.SUBMIT:
        body["lignePoste"] = _lines(invoice)
    return body


def _references(invoice: Invoice) -> dict[str, object]:
    categories = {part.category for part in invoice.vat_breakdown}
    reason = next((part.exemption_reason for part in invoice.vat_breakdown if part.exemption_reason), "")
    kind = "TVA_SUR_ENCAISSEMENT" if invoice.vat_point_date_code in ON_PAYMENT else "TVA_SUR_DEBIT"
    if categories <= {"O"}:
        kind = "SANS_TVA"
    elif not categories & {"S", "L", "M"}:
        kind = "EXONERATION"
    means = invoice.payment.means_code if invoice.payment else ""
    told: dict[str, object] = {
        "deviseFacture": invoice.currency,
        "typeFacture": "AVOIR" if invoice.is_credit_note else "FACTURE",
        "typeTva": kind,
        "motifExonerationTva": reason if kind == "EXONERATION" else "",
        "numeroMarche": invoice.contract_reference,
        "numeroBonCommande": invoice.purchase_order_reference,
        "numeroFactureOrigine": next((one.number for one in invoice.preceding_invoices), ""),
        # No means of payment on a credit note: Chorus Pro refuses it.
        "modePaiement": "" if invoice.is_credit_note else MEANS.get(means, "AUTRE"),
    }
    return _filled(told)


def _lines(invoice: Invoice) -> list[dict[str, object]]:
    made = []
    for place, line in enumerate(invoice.lines, start=1):
        quantity, net = line.quantity or Decimal(1), line.net_amount or Decimal(0)
        price = (line.price.net if line.price and line.price.net is not None else net) / (
            (line.price.base_quantity if line.price else None) or Decimal(1)
        )
        rebate = quantity * price - net
        if rebate < -CENT:  # a charge: their lines have a place for rebates only
            quantity, price, rebate = Decimal(1), net, Decimal(0)
        made.append(
            {
                "lignePosteNumero": place,
                "lignePosteReference": line.item.seller_identifier or line.identifier,
                "lignePosteDenomination": line.item.name,
                "lignePosteQuantite": _number(quantity),
                "lignePosteUnite": line.unit or "C62",
                "lignePosteMontantUnitaireHT": _number(price),
                "lignePosteMontantRemiseHT": _number(max(rebate, Decimal(0)).quantize(CENT)),
                "lignePosteTauxTvaManuel": _number(line.vat.rate if line.vat else None),
            }
        )
    return made


def _framework(invoice: Invoice) -> str:
    """The codeCadreFacturation: BT-23 tells a subcontractor's or a co-contractor's, the amounts what is paid."""
    if named := FRAMEWORKS.get(invoice.process.business_process):
        return named
    paid = invoice.totals.due == 0 and (invoice.totals.paid or 0) > 0
    return "A2_FACTURE_FOURNISSEUR_DEJA_PAYEE" if paid else "A1_FACTURE_FOURNISSEUR"


def _filled(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value != ""}


def _number(amount: Decimal | None) -> float:
    return float(amount or 0)


def _deposit_pdf(connection: Connection, parcel: Parcel, *, signed: bool, until: float) -> int:
    if not parcel.artefact.content.startswith(PDF):
        raise Refused(f"Le fichier « {parcel.artefact.filename} » n’est pas un PDF : déposez-le en flux.")
    body: dict[str, object] = {
        "fichierFacture": base64.b64encode(parcel.artefact.content).decode("ascii"),
        "nomFichier": name_flow(parcel),
        "formatDepot": "PDF_SIGNE_PADES" if signed else "PDF_NON_SIGNE",
    }
    try:
        answer, _ = connection.ask(DEPOSIT_PDF, body, until=until, enveloped=False)
    except BusinessError as error:
        said = f" Chorus Pro écrit : « {error.label[:300]} »" if error.label else ""
        problem = Refused(
            f"Chorus Pro ne prend pas le PDF de la facture {parcel.number} (code {error.code}).{said}", code=error.code
        )
    else:
        identifier = answer.get("pieceJointeId")
        if isinstance(identifier, int) and not isinstance(identifier, bool):
            return identifier
        raise NotSent("Chorus Pro n’a pas donné de numéro au PDF déposé. Rien n’est soumis ; nous réessaierons.")
    raise problem


def _judge(reply: Reply, parcel: Parcel) -> Receipt:
    """Tell what the answer to `soumettre` leaves certain. Raises Refused or OutcomeUnknown."""
    answer = read_object(reply.content) or {}
    label = text(answer.get("libelle"))[:500]
    said = f" Chorus Pro écrit : « {label} »" if label else ""
    if reply.status in {400, 413, 415}:
        raise Refused(
            f"Chorus Pro juge la facture {parcel.number} mal formée ({reply.status}).{said}", code=str(reply.status)
        )
    code, invoice = answer.get("codeRetour"), text(answer.get("identifiantFactureCPP"))
    if reply.status == 200 and isinstance(code, int) and not isinstance(code, bool) and code != 0:
        raise Refused(f"Chorus Pro refuse la facture {parcel.number} (code {code}).{said}", code=str(code))
    if reply.status != 200 or code != 0 or not invoice:
        raise OutcomeUnknown(
            f"La réponse de Chorus Pro est illisible ({reply.status}) : la facture {parcel.number} est peut-être "
            "arrivée. Nous la cherchons par son numéro."
        )
    references = {"identifiantFactureCPP": invoice}
    if status := text(answer.get("statutFacture")):
        references["statutFacture"] = status
    detail = f"Soumise à Chorus Pro sous l’identifiant {invoice}."
    if parcel.annexes:
        detail += " Les pièces jointes n’ont pas été transmises."
    return Receipt(references=references, raw=reply.content, detail=detail)
