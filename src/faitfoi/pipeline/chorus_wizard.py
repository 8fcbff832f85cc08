"""What a person gives, step by step, to speak to Chorus Pro: the two addresses always go together (complaint B25)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db.models import TextChoices

from faitfoi.accounts.models import ChannelKey, Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.chorus_pro_settings import MOST_TOGETHER, FlowFormat
from faitfoi.channels.chorus_pro_submission import Mode
from faitfoi.pipeline.setting_up import CannotSetUp, set_channel
from faitfoi.records.vault import VaultClosed, channel_settings

WORDS = {
    "client_id": "Identifiant de l’application PISTE (client_id)",
    "client_secret": "Secret de l’application PISTE (client_secret)",
    "technical_login": "Compte technique Chorus Pro (login)",
    "technical_password": "Mot de passe du compte technique",
}
DEPOSITS = {
    Mode.FLOW.value: "Par flux, fichier entier (habituel)",
    Mode.PDF.value: "Le PDF, puis ses données",
    Mode.SUBMIT.value: "Les données seules, sans fichier",
}
FORMATS = {
    FlowFormat.FACTURX.value: "Factur-X : le PDF scellé (habituel)",
    FlowFormat.CII.value: "CII : les données seules",
    FlowFormat.UBL.value: "UBL : les données seules",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A setting that has a usual value, so that nobody need understand it; a number from 1 to `most` or `options`."""

    name: str
    label: str
    help: str
    usual: str
    options: Mapping[str, str] = field(default_factory=dict)
    most: int = 0


CHOICES = (
    Choice(
        name="depot",
        label="Comment les factures sont déposées",
        help="La fiche d’un client peut dire autrement, pour la structure qui refuse ce que les autres prennent.",
        usual=Mode.FLOW.value,
        options=DEPOSITS,
    ),
    Choice(
        name="format_flux",
        label="Ce que contient un flux",
        help="Ne compte que pour le dépôt par flux. Des données seules, Chorus Pro dessine lui-même la page.",
        usual=FlowFormat.FACTURX.value,
        options=FORMATS,
    ),
    Choice(
        name="factures_par_flux",
        label="Factures par flux",
        help=f"De 1 (chacune dans son dépôt) à {MOST_TOGETHER} dans une archive. Chacune garde son propre sort.",
        usual="1",
        most=MOST_TOGETHER,
    ),
)
"""How invoices are deposited: what is not given stays as it is."""
SECRETS = frozenset({"client_secret", "technical_password"})
STEPS = (
    "Sur PISTE, le portail des API de l’État, créez une application, une pour chaque environnement.",
    "Sur PISTE, abonnez-la aux API Factures, Structures, Transverses et Utilisateurs, et acceptez leurs conditions.",
    "Sur Chorus Pro, créez le raccordement API de votre structure : il donne un compte technique.",
    "Reportez ci-dessous les identifiants des deux, du même environnement.",
)


class Place(TextChoices):
    """The environments of Chorus Pro, each a pair of addresses."""

    PRODUCTION = "production", "Production : les dépôts partent vraiment"
    QUALIFICATION = "qualification", "Qualification : rien n’atteint un vrai destinataire"
    OTHER = "other", "Celui d’aujourd’hui (simulateur)"


ADDRESSES = {
    Place.PRODUCTION: ("https://api.piste.gouv.fr/cpro", "https://oauth.piste.gouv.fr/api/oauth/token"),
    Place.QUALIFICATION: (
        "https://sandbox-api.piste.gouv.fr/cpro",
        "https://sandbox-oauth.piste.gouv.fr/api/oauth/token",
    ),
}


def present_values() -> dict[str, str]:
    """The settings kept today; none when there are none, or when the key does not open them. Inside `acting_for`."""
    try:
        return channel_settings(ChannelKey.CHORUS_PRO) or {}
    except VaultClosed:
        return {}


def place_of(values: Mapping[str, str]) -> Place:
    """Tell which environment settings lead to; production for those who have none yet."""
    pair = (values.get("api_url", ""), values.get("token_url", ""))
    if not any(pair):
        return Place.PRODUCTION
    return next((place for place, known in ADDRESSES.items() if known == pair), Place.OTHER)


def save(organisation: Organisation, given: Mapping[str, str], *, actor: str) -> None:
    """Keep what was given; a secret left empty stays what it was in the same environment. Raises CannotSetUp.

    Secrets of one environment never go to the other: changing it asks for them again.
    """
    with acting_for(organisation.id):
        present = present_values()
    if given.get("place") not in Place.values:
        raise CannotSetUp("Choisissez l’environnement : production ou qualification.")
    place = Place(given["place"])
    same = place is place_of(present) and bool(present)
    if place is Place.OTHER and not same:
        raise CannotSetUp("Choisissez l’environnement : production ou qualification.")
    values = dict(present)
    if place is not Place.OTHER:
        values["api_url"], values["token_url"] = ADDRESSES[place]
    for name, label in WORDS.items():
        typed = given.get(name, "") if name in SECRETS else given.get(name, "").strip()
        if not typed and not (name in SECRETS and same and present.get(name)):
            raise CannotSetUp(f"{label} : à remplir. Un secret d’un autre environnement ne sert pas ici.")
        values[name] = typed or present[name]
    values |= {choice.name: given[choice.name].strip() for choice in CHOICES if choice.name in given}
    set_channel(organisation, ChannelKey.CHORUS_PRO, values, actor=actor)
