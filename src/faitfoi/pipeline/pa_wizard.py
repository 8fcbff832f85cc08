"""What a person gives to speak to a plateforme agréée; `channels.afnor_pa` says what each setting does."""

from faitfoi.accounts.models import ChannelKey
from faitfoi.channels.afnor_settings import CII, DIGESTS, FACTURX, UBL, VERSIONS
from faitfoi.channels.http_wire import Environment
from faitfoi.pipeline.wizards import Field, Kind, Part, Wizard

ENVIRONMENTS = {
    Environment.PRODUCTION.value: "Production : les factures partent vraiment",
    Environment.QUALIFICATION.value: "Essai : rien n’atteint un vrai client",
}
CARRIED = {
    "false": "Non : elles vont à Chorus Pro (habituel)",
    "true": "Oui : elle les transporte aussi",
}
SYNTAXES = {
    FACTURX: "Factur-X : le PDF scellé et ses données (habituel)",
    CII: "CII : les données seules",
    UBL: "UBL : les données seules",
}
RAW, HEX = DIGESTS

ADDRESSES = Part(
    title="Adresses de la plateforme",
    help="Votre plateforme agréée les donne dans son espace client, avec les identifiants, sous le titre « API ».",
    fields=(
        Field(
            name="api_url",
            label="Adresse d’envoi (Flow Service)",
            help="Elle commence par https:// ; arrêtez-vous avant « /v1 ».",
            kind=Kind.ADDRESS,
            wanted=True,
        ),
        Field(
            name="token_url",
            label="Adresse des jetons (OAuth2)",
            help="Là où les identifiants sont échangés contre un droit d’accès, souvent terminée par « /token ».",
            kind=Kind.ADDRESS,
            wanted=True,
        ),
        Field(
            name="directory_url",
            label="Adresse de l’annuaire (Directory Service)",
            help="Sans elle, l’adresse d’un client n’est pas vérifiée avant l’envoi.",
            kind=Kind.ADDRESS,
        ),
    ),
)
ACCOUNT_LEADS = ("api_url", "token_url", "directory_url")
"""The settings that say to whom the secrets go."""
ACCOUNT = Part(
    title="Identifiants",
    fields=(
        Field(
            name="environment",
            label="Ces identifiants sont ceux de",
            help="Une plateforme donne un compte d’essai et un compte réel ; rien d’autre ne les distingue à coup sûr.",
            kind=Kind.CHOICE,
            usual=Environment.PRODUCTION.value,
            options=ENVIRONMENTS,
        ),
        Field(name="client_id", label="Identifiant de l’application (client_id)", wanted=True),
        Field(
            name="client_secret",
            label="Secret de l’application (client_secret)",
            kind=Kind.SECRET,
            wanted=True,
            account=ACCOUNT_LEADS,
        ),
        Field(
            name="organization_id",
            label="Numéro de votre organisation chez elle (Organization-Id)",
            help="Seulement si un même compte y sert plusieurs entreprises.",
            kind=Kind.ASCII,
        ),
    ),
)
CARRYING = Part(
    title="Ce qu’elle transporte",
    fields=(
        Field(
            name="flow_syntax",
            label="Ce qui lui est remis",
            help="Le PDF scellé est fait et gardé dans tous les cas.",
            kind=Kind.CHOICE,
            usual=FACTURX,
            options=SYNTAXES,
        ),
        Field(
            name="b2g",
            label="Les factures aux clients publics (b2g)",
            help="Si oui, choisissez ensuite « plateforme agréée » sur la fiche de chaque client public concerné.",
            kind=Kind.CHOICE,
            usual="false",
            options=CARRIED,
        ),
    ),
)
CALLS = Part(
    title="Quand elle nous appelle (webhooks)",
    help="Sans appels rien ne se perd : ses nouvelles sont lues chaque minute.",
    rare=True,
    fields=(
        Field(
            name="signing_key",
            label="Clé de signature de ses appels (HMAC)",
            help="« faitfoi webhook add » l’inscrit sans vous. Ne la donnez que si la plateforme vous l’a remise.",
            kind=Kind.SECRET,
        ),
        Field(
            name="webhook_digest",
            label="Empreinte signée (webhook_digest)",
            help="À changer seulement si ses appels, bien signés, sont refusés.",
            kind=Kind.CHOICE,
            usual=RAW,
            options={RAW: "Octets bruts (habituel)", HEX: "Écrite en hexadécimal"},
        ),
    ),
)
RARE = Part(
    title="Rarement utile",
    help="À remplir seulement si la documentation de votre plateforme le demande.",
    rare=True,
    fields=(
        Field(
            name="api_version",
            label="Version de l’API (XP Z12-013)",
            kind=Kind.CHOICE,
            usual=VERSIONS[-1],
            options={each: f"{each} (habituel)" if each == VERSIONS[-1] else each for each in reversed(VERSIONS)},
        ),
        Field(name="scope", label="Portée du jeton (scope)"),
        Field(
            name="timeout",
            label="Patience, en secondes",
            help="Combien de temps attendre une réponse ; 30 si rien n’est dit.",
            kind=Kind.NUMBER,
            most=600,
        ),
        Field(name="flows_path", label="Chemin des flux", help="v1/flows si rien n’est dit.", kind=Kind.PATH),
        Field(
            name="search_path",
            label="Chemin de la recherche",
            help="v1/flows/search si rien n’est dit.",
            kind=Kind.PATH,
        ),
        Field(name="webhooks_path", label="Chemin des webhooks", help="v1/webhooks si rien n’est dit.", kind=Kind.PATH),
        Field(
            name="directory_path",
            label="Chemin de l’annuaire",
            help="v1/directory-line si rien n’est dit.",
            kind=Kind.PATH,
        ),
        Field(
            name="siret_path",
            label="Chemin des établissements dans l’annuaire",
            help="v1/siret si rien n’est dit.",
            kind=Kind.PATH,
        ),
        Field(
            name="routing_path",
            label="Chemin des services dans l’annuaire",
            help="v1/routing-code si rien n’est dit.",
            kind=Kind.PATH,
        ),
    ),
)

WIZARD = Wizard(
    channel=ChannelKey.PLATEFORME_AGREEE,
    parts=(ADDRESSES, ACCOUNT, CARRYING, CALLS, RARE),
    patience={"timeout": "10"},
)
