"""What a supplier does on Chorus Pro to an invoice that is there, and how one knows afterwards that it was done.

French contracts §1.2. Kinds of `Act`, with their values (all text, empty when not given):

    recycler      siret, code_service, engagement, commentaire: where the invoice goes now, on the same number
    completer     commentaire, type (words of the kind of paper, such as « bon de livraison »); the attachments
    traiterRejet  acknowledges a rejection; the invoice stays rejected

An act is admitted at one status only (A_RECYCLER, SUSPENDUE, REJETEE). So after a lost answer the invoice's history
tells: what the act alone leads to, after that status, was done; what is still at that status was not. What another user
did, or what says nothing of the act, is for a person.
"""

import base64
from collections.abc import Iterable, Sequence
from datetime import timedelta

from faitfoi.channels.chorus_pro_codes import objects, text
from faitfoi.channels.chorus_pro_http import BusinessError, Connection
from faitfoi.channels.chorus_pro_limits import check_attachments, extension_of
from faitfoi.channels.contract import (
    Act,
    Answer,
    Attachment,
    CannotTell,
    Found,
    NotFound,
    NotSent,
    OutcomeUnknown,
    Parcel,
    Receipt,
    Refused,
    RemoteEvent,
)
from faitfoi.channels.http_wire import Reply, read_object

RECYCLE = "factures/v1/recycler"
COMPLETE = "factures/v1/completer"
ACKNOWLEDGE = "factures/v1/traiterRejet"
ADD_FILE = "transverses/v1/ajouter/fichier"
FILE_TYPES = "transverses/v1/recuperer/typespj"

NEEDED = {"recycler": "A_RECYCLER", "completer": "SUSPENDUE", "traiterRejet": "REJETEE"}
"""At which status each act is admitted."""
LEADS_TO = {
    "recycler": frozenset(
        {
            "EN_COURS_ACHEMINEMENT",
            "MISE_A_DISPOSITION",
            "MISE_A_DISPOSITION_MOE",
            "MISE_A_DISPOSITION_MOA",
            "TRANSMISE_MOA",
        }
    ),
    "completer": frozenset({"COMPLETEE"}),
}
"""The statuses that an act alone brings about: on its way again, completed."""
WORDS = {"recycler": "le recyclage", "completer": "le complément", "traiterRejet": "l’acquittement du rejet"}
ACKNOWLEDGED = frozenset({"TRAITEMENT_REJET", "ACQUITTEMENT_REJET"})
SLACK = timedelta(minutes=2)
"""How far their clock may be behind ours."""


def act_on(connection: Connection, parcel: Parcel, act: Act, *, invoice: str, until: float) -> Receipt:
    """Do one act to the invoice of that identifiantFactureCPP. Raises NotSent, Refused, OutcomeUnknown."""
    number = int(invoice) if invoice.isdigit() else 0
    body: dict[str, object]
    match act.kind:
        case "recycler":
            operation, body = RECYCLE, _recycling(parcel, act, number)
        case "completer":
            check_attachments(act.attachments)
            operation, body = COMPLETE, _completion(connection, act, number, until=until)
        case "traiterRejet":
            operation, body = ACKNOWLEDGE, {"listeDemandePaiement": [{"idDemandePaiement": number}]}
        case unknown:
            raise Refused(f"Chorus Pro ne connaît pas l’acte « {unknown} ».")
    reply = connection.deposit(operation, body, until=until)
    return _judge(reply, parcel, act, invoice=invoice)


def _recycling(parcel: Parcel, act: Act, number: int) -> dict[str, object]:
    given = act.values
    body: dict[str, object] = {
        "identifiantFactureCPP": number,
        "destinataire": {"codeDestinataire": given.get("siret") or parcel.address},
        "commentaire": given.get("commentaire", ""),
    }
    if given.get("code_service"):
        body["destinataire"] = {**_dict(body["destinataire"]), "codeServiceExecutant": given["code_service"]}
    if given.get("engagement"):
        body["reference"] = {"numeroBonCommande": given["engagement"]}
    return body


def _dict(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _completion(connection: Connection, act: Act, number: int, *, until: float) -> dict[str, object]:
    """Upload the files, which changes nothing for anybody yet, and give the request that joins them."""
    kind = _kind_of_file(connection, act.values.get("type", ""), until=until) if act.attachments else ""
    return {
        "identifiantFactureCPP": number,
        "commentaire": act.values.get("commentaire", ""),
        "pieceJointeComplementaire": [
            {
                "pieceJointeComplementaireId": upload(connection, each, until=until),
                "pieceJointeComplementaireType": kind,
                "pieceJointeComplementaireDesignation": each.filename,
            }
            for each in act.attachments
        ],
    }


def upload(connection: Connection, attachment: Attachment, *, until: float) -> int:
    """Lay one file down on Chorus Pro, joined to nothing yet, and give its number. Raises NotSent, Refused."""
    body: dict[str, object] = {
        "pieceJointeFichier": base64.b64encode(attachment.content).decode("ascii"),
        "pieceJointeNom": attachment.filename,
        "pieceJointeExtension": extension_of(attachment.filename).upper(),
        "pieceJointeTypeMime": attachment.media_type,
    }
    try:
        answer, _ = connection.ask(ADD_FILE, body, until=until)
    except BusinessError as error:
        problem = Refused(
            f"Chorus Pro ne prend pas la pièce jointe « {attachment.filename} » (code {error.code}). Il écrit : "
            f"« {error.label[:300]} »",
            code=error.code,
        )
    else:
        identifier = answer.get("pieceJointeId")
        if isinstance(identifier, int) and not isinstance(identifier, bool):
            return identifier
        raise NotSent(f"Chorus Pro n’a pas donné de numéro à la pièce « {attachment.filename} ». Rien n’a été envoyé.")
    raise problem


def _kind_of_file(connection: Connection, words: str, *, until: float) -> str:
    """Choose the code of their list whose name holds these words, else "autre", else the first. Raises NotSent."""
    try:
        answer, _ = connection.ask(FILE_TYPES, {"typeObjet": "FACTURE", "codeLangue": "FR"}, until=until)
    except BusinessError as error:
        problem = NotSent(f"Chorus Pro n’a pas donné ses types de pièces jointes (code {error.code}).")
    else:
        kinds = [
            (text(each.get("codeTypePieceJointe")), text(each.get("libelleTypePieceJointe")).casefold())
            for each in objects(answer.get("listeTypePieceJointe"))
        ]
        for wanted in filter(None, (words.casefold(), "autre")):
            for code, name in kinds:
                if wanted in name:
                    return code
        return kinds[0][0] if kinds else ""
    raise problem


def _judge(reply: Reply, parcel: Parcel, act: Act, *, invoice: str) -> Receipt:
    """Tell what the answer to an act leaves certain. Raises Refused or OutcomeUnknown."""
    what = WORDS[act.kind]
    answer = read_object(reply.content)
    label = text((answer or {}).get("libelle"))[:500]
    said = f" Chorus Pro écrit : « {label} »" if label else ""
    if reply.status in {400, 413, 415}:
        raise Refused(
            f"Chorus Pro refuse {what} de la facture {parcel.number} ({reply.status}).{said}", code=str(reply.status)
        )
    code = (answer or {}).get("codeRetour")
    if reply.status != 200 or isinstance(code, bool) or not isinstance(code, int):
        raise OutcomeUnknown(
            f"La réponse de Chorus Pro est illisible ({reply.status}) : {what} de la facture {parcel.number} est "
            "peut-être fait. Nous le demandons avant toute autre chose."
        )
    if code != 0:
        raise Refused(f"Chorus Pro refuse {what} de la facture {parcel.number} (code {code}).{said}", code=str(code))
    references = {"identifiantFactureCPP": invoice}
    if status := text((answer or {}).get("statutFacture")):
        references["statutFacture"] = status
    return Receipt(
        references=references, raw=reply.content, detail=f"Chorus Pro a pris {what} de la facture {parcel.number}."
    )


def tell_act(events: Iterable[RemoteEvent], act: Act, *, number: str, invoice: str, account: str) -> Answer:
    """Tell from an invoice's history whether an act whose answer was lost was done by `account`, our login. Pure."""
    known = sorted(events, key=lambda event: event.at)
    if act.kind == "traiterRejet":
        # Acknowledging twice changes nothing, so that its absence may be taken as it is.
        done = any(event.code in ACKNOWLEDGED and event.at >= act.at - SLACK for event in known)
    else:
        statuses = [event for event in known if event.identity.startswith("facture:")]
        present = statuses[-1].code if statuses else ""
        passed = _passed(statuses, act)
        done = any(not _is_another_s(event, account) for event in passed)
        if not done and (passed or present != NEEDED[act.kind]):
            by = f" ({passed[0].who} l’a fait avancer)" if passed else ""
            return CannotTell(
                ask_again=False,
                detail=f"La facture {number} est au statut {present or 'inconnu'}{by}, sans trace de "
                f"{WORDS[act.kind]} par nous. Regardez-la sur Chorus Pro.",
            )
    if not done:
        # A request that somebody else's machine holds may still come: what is done twice elsewhere is asked about on.
        absent = f"Chorus Pro n’a pas reçu {WORDS[act.kind]} de la facture {number}"
        if act.kind == "traiterRejet":
            return NotFound(conclusive=True, detail=f"{absent}.")
        doubt = "cette absence ne prouve rien. Si elle dure, regardez la facture sur le portail."
        return NotFound(conclusive=False, detail=f"{absent} : {doubt}")
    detail = f"Chorus Pro a bien pris {WORDS[act.kind]} de la facture {number}."
    return Found(receipt=Receipt(references={"identifiantFactureCPP": invoice}, detail=detail))


def _passed(statuses: Sequence[RemoteEvent], act: Act) -> list[RemoteEvent]:
    """Return the statuses to which the act alone leads, after the halt that it answers and since it was asked for."""
    halts = [
        place for place, event in enumerate(statuses) if event.code == NEEDED[act.kind] and event.at <= act.at + SLACK
    ]
    after = statuses[halts[-1] + 1 :] if halts else statuses
    return [event for event in after if event.code in LEADS_TO[act.kind] and event.at >= act.at - SLACK]


def _is_another_s(event: RemoteEvent, account: str) -> bool:
    """Whether a status bears the e-mail of a user that is not our technical account: a colleague on the portal."""
    user = text((read_object(event.raw) or {}).get("histoStatutUtilisateurEmail"))
    return bool(user) and user.casefold() != account.casefold()
