"""What a person gives to send by their own mail server; `channels.smtp_mail` says what each setting does."""

from collections.abc import Mapping

from faitfoi.accounts.models import ChannelKey
from faitfoi.channels.smtp_mail import DEFAULT_PORTS
from faitfoi.pipeline.mail_trial import rehearse
from faitfoi.pipeline.outside import leads_to_this_machine
from faitfoi.pipeline.wizards import Field, Kind, Part, Wizard

STARTTLS, AT_ONCE, NONE = "starttls", "tls", "none"
ENCRYPTION = {
    STARTTLS: "Dès la connexion établie (STARTTLS, habituel)",
    AT_ONCE: "Dès le premier octet (TLS, parfois nommé SSL)",
    NONE: "Aucun : seulement sans compte ni mot de passe",
}

SERVER = Part(
    title="Serveur d’envoi",
    help="Votre fournisseur de messagerie les donne, sous le titre « SMTP » ou « courrier sortant ».",
    fields=(
        Field(
            name="host",
            label="Nom du serveur (SMTP)",
            help="Par exemple smtp.fournisseur.example.",
            kind=Kind.HOST,
            wanted=True,
        ),
        Field(name="tls", label="Chiffrement", kind=Kind.CHOICE, usual=STARTTLS, options=ENCRYPTION),
        Field(
            name="port",
            label="Port",
            help=f"Vide : {DEFAULT_PORTS[STARTTLS]} avec STARTTLS, {DEFAULT_PORTS[AT_ONCE]} avec TLS.",
            kind=Kind.NUMBER,
            most=65535,
        ),
    ),
)
ACCOUNT = Part(
    title="Compte",
    fields=(
        Field(name="user", label="Identifiant", help="Souvent l’adresse électronique en entier."),
        Field(
            name="password",
            label="Mot de passe",
            help="Certains fournisseurs veulent un mot de passe d’application, fait pour cet usage.",
            kind=Kind.SECRET,
            account=("host",),
        ),
    ),
)
SENDER = Part(
    title="Expéditeur",
    fields=(
        Field(
            name="sender_address",
            label="Adresse de l’expéditeur",
            help="Celle que vos clients voient ; le serveur d’envoi doit l’accepter.",
            kind=Kind.MAILBOX,
            wanted=True,
        ),
        Field(name="sender_name", label="Nom de l’expéditeur", help="Vide, c’est le nom qui figure sur la facture."),
        Field(
            name="reply_to",
            label="Adresse de réponse",
            help="Une boîte que quelqu’un lit, si ce n’est pas celle de l’expéditeur.",
            kind=Kind.MAILBOX,
        ),
    ),
)
RARE = Part(
    title="Rarement utile",
    rare=True,
    fields=(
        Field(
            name="helo_domain",
            label="Nom annoncé au serveur (EHLO)",
            help="Vide, c’est le domaine de l’expéditeur.",
            kind=Kind.DOMAIN,
        ),
        Field(
            name="deadline_seconds",
            label="Patience, en secondes",
            help="Combien de temps un envoi peut durer ; 120 si rien n’est dit.",
            kind=Kind.NUMBER,
            most=1800,
        ),
    ),
)


def _together(values: Mapping[str, str]) -> dict[str, str]:
    if values.get("tls") == NONE and values.get("user") and not leads_to_this_machine(values.get("host", "")):
        return {"tls": "Un mot de passe ne part pas en clair : choisissez un chiffrement, ou retirez l’identifiant."}
    if values.get("user") and not values.get("password"):
        return {"password": "Un identifiant va avec son mot de passe : saisissez-le, ou retirez l’identifiant."}
    return {}


WIZARD = Wizard(
    channel=ChannelKey.EMAIL,
    parts=(SERVER, ACCOUNT, SENDER, RARE),
    patience={"deadline_seconds": "20"},
    together=_together,
    rehearse=rehearse,
)
