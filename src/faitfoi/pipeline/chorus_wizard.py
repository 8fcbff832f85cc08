"""What a person gives, step by step, to speak to Chorus Pro: the two addresses always go together (complaint B25)."""

from collections.abc import Mapping

from django.db.models import TextChoices

from faitfoi.accounts.models import ChannelKey
from faitfoi.channels.chorus_pro_settings import MOST_TOGETHER, FlowFormat
from faitfoi.channels.chorus_pro_submission import Mode
from faitfoi.pipeline.wizards import Field, Kind, Part, Wizard

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
ACCOUNT_LEADS = ("api_url", "token_url")
"""The settings that say to whom the secrets go."""
ACCOUNT = Part(
    title="Identifiants",
    fields=(
        Field(
            name="place",
            label="Environnement",
            kind=Kind.CHOICE,
            usual=Place.PRODUCTION.value,
            options={place.value: str(place.label) for place in ADDRESSES},
            also={Place.OTHER.value: str(Place.OTHER.label)},
        ),
        Field(name="client_id", label="Identifiant de l’application PISTE (client_id)", wanted=True),
        Field(
            name="client_secret",
            label="Secret de l’application PISTE (client_secret)",
            kind=Kind.SECRET,
            wanted=True,
            account=ACCOUNT_LEADS,
        ),
        Field(name="technical_login", label="Compte technique Chorus Pro (login)", wanted=True),
        Field(
            name="technical_password",
            label="Mot de passe du compte technique",
            kind=Kind.SECRET,
            wanted=True,
            account=ACCOUNT_LEADS,
        ),
    ),
)
DEPOSIT = Part(
    title="Dépôts",
    help="Ceci convient à la plupart tel quel : n’y touchez que si vous savez pourquoi.",
    fields=(
        Field(
            name="depot",
            label="Comment les factures sont déposées",
            help="La fiche d’un client peut dire autrement, pour la structure qui refuse ce que les autres prennent.",
            kind=Kind.CHOICE,
            usual=Mode.FLOW.value,
            options=DEPOSITS,
        ),
        Field(
            name="format_flux",
            label="Ce que contient un flux",
            help="Ne compte que pour le dépôt par flux. Des données seules, Chorus Pro dessine lui-même la page.",
            kind=Kind.CHOICE,
            usual=FlowFormat.FACTURX.value,
            options=FORMATS,
        ),
        Field(
            name="factures_par_flux",
            label="Factures par flux",
            help=f"De 1 (chacune dans son dépôt) à {MOST_TOGETHER} dans une archive. Chacune garde son propre sort.",
            kind=Kind.NUMBER,
            usual="1",
            most=MOST_TOGETHER,
        ),
    ),
)


def place_of(values: Mapping[str, str]) -> Place:
    """Tell which environment settings lead to; production for those who have none yet."""
    pair = (values.get("api_url", ""), values.get("token_url", ""))
    if not any(pair):
        return Place.PRODUCTION
    return next((place for place, known in ADDRESSES.items() if known == pair), Place.OTHER)


def _to_fields(settings: dict[str, str]) -> dict[str, str]:
    return settings | {"place": place_of(settings).value}


def _to_settings(fields: dict[str, str]) -> dict[str, str]:
    place = Place(fields.pop("place"))
    if place is not Place.OTHER:
        fields["api_url"], fields["token_url"] = ADDRESSES[place]
    return fields


WIZARD = Wizard(
    channel=ChannelKey.CHORUS_PRO,
    steps=(
        "Sur PISTE, le portail des API de l’État, créez une application, une pour chaque environnement.",
        "Sur PISTE, abonnez-la aux API Factures, Structures, Transverses et Utilisateurs, et acceptez leurs "
        "conditions.",
        "Sur Chorus Pro, créez le raccordement API de votre structure : il donne un compte technique.",
        "Reportez ci-dessous les identifiants des deux, du même environnement.",
    ),
    parts=(ACCOUNT, DEPOSIT),
    patience={"timeout": "10"},
    to_fields=_to_fields,
    to_settings=_to_settings,
)
