"""Judge what a relay answers: taken, certainly not sent, refused, or impossible to know.

Pure: a step of the dialogue and a reply in, nothing or one of the contract's three exceptions out. A quota, a sender
that is not registered or a relay that asks for a password say nothing about the document: they are never `Refused`
(RFC 5321 §4.2, RFC 3463, RFC 4954 §6).
"""

import re
from enum import StrEnum

from faitfoi.channels.contract import NotSent, OutcomeUnknown, Refused
from faitfoi.channels.smtp_mail_wire import Reply


class Step(StrEnum):
    """Where in the dialogue a reply came."""

    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    END = "END"  # after the final dot


SLOWER_CODES = frozenset({421, 450})
SLOWER_STATUS = "4.7."
"""By what servers say that too much comes at once: limits of rate, greylisting, a closed connection."""
TOO_BIG = {"5.3.4", "5.2.3"}
_ABOUT_US_CODES = {502, 503, 504, 530, 534, 535, 538, 555}
_ABOUT_US_STATUSES = ("5.5.", "5.7.", "5.4.5", "5.1.7", "5.1.8", "5.3.0", "5.3.5")
_ABOUT_US_WORDS = re.compile(
    r"relay(ing)?\b.{0,40}\b(denied|not permitted|prohibited|not allowed)|unable to relay|authenticat|not logged in"
    r"|quota exceeded|sending limit|sender (address )?(rejected|not allowed|not verified)"
    r"|address is not verified|permissions? to send|\b(?:dns|r)bl\b|(?:black|block) ?list|\breputation\b",
    re.IGNORECASE,
)
_ABOUT_US_AT_END = re.compile(r"5\.4\.5|5\.1\.[78]|5\.7\.(?:2[0-6]|60)")
"""After the message too: quotas, who may send, SPF and DKIM (RFC 7372). 5.7.1 alone is most often about its content."""
_SENTENCES = {
    "5.1.1": "L’adresse {address} est inconnue du serveur qui devrait la recevoir.",
    "5.1.2": "Le domaine de l’adresse {address} n’existe pas ou ne reçoit pas de courrier.",
    "5.1.3": "Le serveur juge l’adresse {address} mal écrite.",
    "5.1.6": "La boîte {address} a déménagé sans laisser de nouvelle adresse.",
    "5.1.10": "Le domaine de l’adresse {address} déclare ne recevoir aucun courrier.",
    "5.2.1": "La boîte {address} est fermée ou désactivée.",
    "5.2.2": "La boîte {address} est pleine.",
    "5.4.4": "Le domaine de l’adresse {address} n’a pas de serveur de courrier.",
}
_FIX_ADDRESS = "Corrigez l’adresse de facturation dans la fiche du client, ou choisissez un autre canal, puis renvoyez."


def judge(reply: Reply, *, step: Step, address: str, several: bool = False) -> None:
    """Return when the relay says yes at this step; otherwise raise what its answer means.

    Raises NotSent, Refused or, at the final dot only, OutcomeUnknown. `several` documents are in the message: what is
    said of its weight or content is said of none of them for certain; the address is that of each.
    """
    wanted = 3 if step is Step.DATA else 2
    kind = reply.code // 100
    if kind == wanted:
        return
    if kind == 4:
        busy = reply.code in SLOWER_CODES or reply.enhanced.startswith(SLOWER_STATUS)
        raise NotSent(f"Le serveur d’envoi remet à plus tard. Il répond : « {reply.quoted} ».", busy=busy)
    if kind == 5:
        _judge_refusal(reply, step=step, address=address, several=several)
    if step is Step.END:
        raise OutcomeUnknown(
            f"Après le message entier, le serveur d’envoi a répondu « {reply.quoted} », qui ne dit ni oui ni non. "
            "Le message est peut-être parti."
        )
    raise NotSent(f"Le serveur d’envoi a répondu hors de propos : « {reply.quoted} ». Rien n’est parti.")


def too_big(*, size: int, limit: int, several: bool = False) -> Refused:
    """The refusal of a message that outweighs what the relay announces (RFC 1870), before it is sent."""
    return Refused(
        f"Le message pèse {write_size(size)} et le serveur d’envoi n’accepte que {write_size(limit)}. "
        "Allégez les pièces jointes (les conditions de vente, par exemple) ou choisissez un autre canal, puis "
        "renvoyez.",
        code="5.3.4",
        together=several,
    )


def write_size(size: int) -> str:
    """Write a number of bytes for a reader: « 1,4 Mo »."""
    if size < 1_000_000:
        return f"{max(1, round(size / 1000))} ko"
    return f"{size / 1_000_000:.1f} Mo".replace(".", ",")


def _judge_refusal(reply: Reply, *, step: Step, address: str, several: bool) -> None:
    status = reply.enhanced
    said = f"Il répond : « {reply.quoted} »."
    if status in TOO_BIG or (reply.code == 552 and status not in _SENTENCES):
        raise Refused(
            "Le message est trop lourd pour le serveur. Allégez les pièces jointes (les conditions de vente, par "
            f"exemple) ou choisissez un autre canal, puis renvoyez. {said}",
            code=status or "552",
            together=several,
        )
    if _is_about_us(reply, step=step):
        raise NotSent(
            "Le serveur d’envoi refuse notre compte, notre expéditeur ou notre façon de lui parler ; le document n’est "
            f"pas en cause. Vérifiez les réglages du courrier (compte, expéditeur, quota). {said}",
            precondition=True,
        )
    if step is Step.END:
        raise Refused(
            "Le serveur d’envoi a lu le message et ne le prend pas. Voyez sa réponse avec la personne qui gère le "
            f"courrier, ou choisissez un autre canal. {said}",
            code=status or str(reply.code),
            together=several,
        )
    sentence = _SENTENCES.get(status, "Le serveur refuse l’adresse {address}.").format(address=address)
    raise Refused(f"{sentence} {_FIX_ADDRESS} {said}", code=status or str(reply.code))


def _is_about_us(reply: Reply, *, step: Step) -> bool:
    status = reply.enhanced
    if step is Step.END:
        told = bool(_ABOUT_US_AT_END.fullmatch(status) or _ABOUT_US_WORDS.search(reply.text))
        return told and status not in _SENTENCES
    if reply.code in _ABOUT_US_CODES or status.startswith(_ABOUT_US_STATUSES):
        return True
    if step is Step.MAIL:
        # The envelope sender is ours: only a status about the destination says anything about the customer's address.
        return status not in _SENTENCES
    return bool(_ABOUT_US_WORDS.search(reply.text))
