"""The settings of a plateforme agréée, read and checked; `afnor_pa` documents them."""

from dataclasses import dataclass, field

from faitfoi.channels.afnor_http import Account

REQUIRED = ("api_url", "token_url", "client_id", "client_secret")
VERSIONS = ("1.0", "1.1", "1.2", "1.3")
DIGESTS = ("raw", "hex")
FACTURX, CII, UBL = "Factur-X", "CII", "UBL"
FLOW_SYNTAXES = (FACTURX, CII, UBL)
"""What an invoice may be handed over as, in the contract's words (flowSyntax)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaSettings:
    """What the channel needs to know of one platform."""

    account: Account
    version: str = "1.3"
    flows_path: str = "v1/flows"
    search_path: str = "v1/flows/search"
    webhooks_path: str = "v1/webhooks"
    directory_path: str = "v1/directory-line"
    siret_path: str = "v1/siret"
    routing_path: str = "v1/routing-code"
    signing_key: str = field(default="", repr=False)
    webhook_digest: str = "raw"
    flow_syntax: str = FACTURX
    b2g: bool = False

    @property
    def has_cursor(self) -> bool:
        """Whether a search answers with a cursor (1.3); before, pages are told apart by their instants."""
        return self.version == "1.3"


def read_settings(settings: dict[str, str]) -> PaSettings:
    """Read the settings. Raises ValueError (French) naming the one that is missing or impossible."""
    missing = [name for name in REQUIRED if not settings.get(name, "").strip()]
    if missing:
        raise ValueError(f"Il manque aux réglages de la plateforme agréée : {', '.join(missing)}. Complétez-les.")
    account = Account(
        api_url=settings["api_url"].strip(),
        token_url=settings["token_url"].strip(),
        directory_url=settings.get("directory_url", "").strip(),
        client_id=settings["client_id"].strip(),
        client_secret=settings["client_secret"].strip(),
        scope=settings.get("scope", "").strip(),
        organization_id=settings.get("organization_id", "").strip(),
        environment=settings.get("environment", ""),
        timeout=_read_timeout(settings.get("timeout", "")),
    )
    paths = {
        name: settings[name].strip().strip("/")
        for name in ("flows_path", "search_path", "webhooks_path", "directory_path", "siret_path", "routing_path")
        if settings.get(name, "").strip()
    }
    return PaSettings(
        account=account,
        version=_choice(settings, "api_version", VERSIONS, default="1.3"),
        webhook_digest=_choice(settings, "webhook_digest", DIGESTS, default="raw"),
        flow_syntax=read_flow_syntax(settings),
        b2g=carries_b2g(settings),
        signing_key=settings.get("signing_key", "").strip(),
        **paths,
    )


def read_flow_syntax(settings: dict[str, str]) -> str:
    """Read as what invoices are handed over. Raises ValueError (French)."""
    return _choice(settings, "flow_syntax", FLOW_SYNTAXES, default=FACTURX)


def carries_b2g(settings: dict[str, str]) -> bool:
    """Read whether the platform carries invoices to public customers too. Raises ValueError (French)."""
    return _choice(settings, "b2g", ("true", "false"), default="false") == "true"


def _choice(settings: dict[str, str], name: str, choices: tuple[str, ...], *, default: str) -> str:
    value = settings.get(name, "").strip() or default
    for choice in choices:
        if value.lower() == choice.lower() or value.startswith(f"{choice}."):
            return choice
    raise ValueError(
        f"Le réglage « {name} » de la plateforme agréée vaut « {value} » ; choisissez parmi {', '.join(choices)}."
    )


def _read_timeout(value: str) -> float:
    if not value.strip():
        return 30.0
    try:
        seconds = float(value.replace(",", "."))
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 600:
        raise ValueError(
            f"Le réglage « timeout » de la plateforme agréée vaut « {value} » ; il faut des secondes, 600 au plus."
        )
    return seconds
