"""What a status code of a delivery report means for the sender (RFC 3463), and how to say it in French."""

import re
from enum import StrEnum


class BounceClass(StrEnum):
    """What a report says, the worst first: a report about several recipients is of the first of their kinds."""

    HARD = "hard"  # not delivered for good: bad address, or a server that never answered
    FULL = "full"  # the mailbox is full
    TOO_BIG = "too_big"
    POLICY = "policy"  # filtered, or our own reputation and authentication: the address is not at fault
    COMPLAINT = "complaint"  # the recipient has called it unwanted
    UNKNOWN = "unknown"
    DELAYED = "delayed"  # news without an outcome: still trying, or handed on to a server that will say nothing
    DELIVERED = "delivered"
    AUTO_REPLY = "auto_reply"


_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_REPLY_CODE = re.compile(r"(?<![\d.])([245]\d{2})(?![\d.])")
_OF_REPLY_CODE = {"550": "5.1.1", "551": "5.1.6", "553": "5.1.3", "552": "5.2.2", "452": "4.2.2", "521": "5.1.10"}
_SENTENCES = {
    BounceClass.HARD: "Le message n’a pas été remis à {address} : l’adresse n’existe pas ou ne reçoit plus de "
    "courrier. Corrigez-la dans la fiche du client, ou choisissez un autre canal.",
    BounceClass.FULL: "Le message n’a pas été remis à {address} : la boîte est pleine. "
    "Prévenez le client, demandez une autre adresse, ou choisissez un autre canal.",
    BounceClass.TOO_BIG: "Le message n’a pas été remis à {address} : il est trop lourd pour ce serveur. "
    "Allégez les pièces jointes, ou choisissez un autre canal.",
    BounceClass.POLICY: "Le message n’a pas été remis à {address} : le serveur l’a écarté (filtre, réputation ou "
    "authentification de l’expéditeur). L’adresse n’est pas en cause : voyez avec la personne qui gère le courrier.",
    BounceClass.COMPLAINT: "{address} a signalé ce message comme indésirable. Appelez le client, et convenez d’un "
    "autre canal pour ses factures.",
    BounceClass.UNKNOWN: "Un serveur a répondu au sujet de {address}, sans dire clairement si le message est remis. "
    "Lisez sa réponse.",
    BounceClass.DELAYED: "Le message n’est pas encore remis à {address} : son serveur fait attendre. Rien à faire pour "
    "l’instant, il est présenté de nouveau de lui-même.",
    BounceClass.DELIVERED: "Le message a été remis dans la boîte de {address}.",
    BounceClass.AUTO_REPLY: "Réponse automatique : elle ne dit rien de la remise du message.",
}
_GAVE_UP = (
    "Le message n’a pas été remis à {address} : son serveur est resté injoignable ou a fait attendre trop longtemps. "
    "Vérifiez l’adresse, ou renvoyez plus tard."
)
_NO_REASON = (
    "Le message n’a pas été remis à {address} : un serveur l’a refusé sans dire clairement pourquoi. "
    "Vérifiez l’adresse avec le client, ou choisissez un autre canal."
)
_HANDED_ON = (
    "Le message pour {address} a été transmis à un autre serveur, qui ne dira pas s’il l’a remis. "
    "Ce n’est pas encore une remise."
)
_UNKNOWN_WORDS = re.compile(
    r"user unknown|unknown user|no such (user|mailbox|recipient|domain)|user not found|does ?n[o']t (exist|have a)"
    r"|invalid recipient|account has been disabled|nxdomain",
    re.IGNORECASE,
)
_FULL_WORDS = re.compile(
    r"(mail)?box (is )?(full|exceed)|over ?quota|quota exceeded|exceeded .{0,20}quota|insufficient .{0,10}storage", re.I
)
_BIG_WORDS = re.compile(r"too (large|big)|size (limit|exceed)|exceeds .{0,30}size|message (length|size) exceeds", re.I)
_POLICY_WORDS = re.compile(
    r"\bspam|\bspf\b|\bdkim\b|\bdmarc\b|black ?list|blocked|reputation|policy|denied|prohibited|unsolicited|"
    r"not (allowed|authorized)|rejected due to|virus|content|refused your",
    re.IGNORECASE,
)


def precise_status(field: str, diagnostic: str) -> str:
    """Give the most precise enhanced code among the Status field and the diagnostic's words, or empty.

    Many servers write `5.0.0` in the field and the truth in the diagnostic.
    """
    told = _STATUS.search(field)
    status = told.group(1) if told else ""
    if status and not status.endswith(".0.0"):
        return status
    better = _STATUS.search(diagnostic)
    if better and status[:1] in {"", better.group(1)[0]}:
        return better.group(1)
    if status:
        return status
    code = _REPLY_CODE.search(diagnostic)
    return _OF_REPLY_CODE.get(code.group(1), f"{code.group(1)[0]}.0.0") if code else ""


def classify(*, action: str, status: str, diagnostic: str) -> BounceClass:
    """Tell what became of a message from the report's action, status and diagnostic."""
    match action:
        case "delivered":
            return BounceClass.DELIVERED
        case "delayed" | "relayed" | "expanded":
            return BounceClass.DELAYED
        case "failed":
            return _classify_failure(status, diagnostic)
        case _:
            return BounceClass.UNKNOWN


def explain(kind: BounceClass, *, action: str, status: str, diagnostic: str, address: str) -> str:
    """Say it in French, naming the address and the remedy."""
    sentence = _SENTENCES[kind]
    if action in {"relayed", "expanded"}:
        sentence = _HANDED_ON
    elif kind is BounceClass.HARD and not _is_bad_address(status, diagnostic):
        sentence = _GAVE_UP if status.startswith("4") else _NO_REASON
    return sentence.format(address=_shown(address) or "ce destinataire")


def _classify_failure(status: str, diagnostic: str) -> BounceClass:
    subject = status[2:]
    if subject in {"3.4", "2.3"}:
        return BounceClass.TOO_BIG
    if subject == "2.2":
        return BounceClass.FULL
    if subject in {"1.7", "1.8"}:  # it is our own address that they refuse
        return BounceClass.POLICY
    if _is_bad_address(status, diagnostic) or subject.startswith("4."):
        return BounceClass.HARD
    if subject.startswith("7."):
        return BounceClass.POLICY
    if _FULL_WORDS.search(diagnostic):
        return BounceClass.FULL
    if _BIG_WORDS.search(diagnostic):
        return BounceClass.TOO_BIG
    if _POLICY_WORDS.search(diagnostic):
        return BounceClass.POLICY
    return BounceClass.HARD


def _is_bad_address(status: str, diagnostic: str) -> bool:
    return status[2:] in {"2.1"} or status[2:].startswith("1.") or bool(_UNKNOWN_WORDS.search(diagnostic))


def _shown(address: str) -> str:
    return "".join(each if each.isprintable() else " " for each in address)[:254].strip()
