"""What the written audit trail states, read from the real configuration, by label."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from urllib.parse import urlsplit

from django.conf import settings

from faitfoi.accounts.duties import DUTIES, Duty
from faitfoi.accounts.models import ChannelKey, Mandate, Membership, Organisation, Role
from faitfoi.pipeline.controls import Standing, standings
from faitfoi.pipeline.linked_documents import REFERENCES
from faitfoi.pipeline.proof_view import Seal, seal_in_service
from faitfoi.pipeline.retention import CATEGORIES, rules
from faitfoi.pipeline.witnesses import log_signer, panel, protection
from faitfoi.records.models import AuditSettings, ChannelSettings, Series
from faitfoi.records.vault import VaultClosed, channel_settings

TO_COMPLETE = "À compléter par l’organisation (page « Piste d’audit »)."
MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
    "décembre",
)  # fmt: skip
DUTY_WORDS = {
    Duty.READ: "lire",
    Duty.SEND: "envoyer",
    Duty.ASK: "demander une restauration ou une élimination",
    Duty.APPROVE: "approuver ce qu’un autre a demandé",
    Duty.INVITE: "inviter un auditeur",
}
ADDRESSES = ("api_url", "url", "host")
"""Settings of a channel that say which environment it speaks to; none of them is a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The statement, group by group for the page, and what passes."""

    groups: dict[str, dict[str, str]]
    seal: Seal | None
    controls: tuple[Standing, ...]
    before_invoicing: str
    after_sending: str

    @property
    def statement(self) -> dict[str, str]:
        """All that is stated, by group and label: what two versions are compared by."""
        flat = {f"{group} — {label}": text for group, facts in self.groups.items() for label, text in facts.items()}
        return flat | {"Avant la facture": self.before_invoicing, "Après l’envoi": self.after_sending}


def facts_of(organisation: Organisation) -> Facts:
    """Read what the organisation's configuration says now. Runs inside `acting_for`."""
    told = AuditSettings.objects.first() or AuditSettings()
    seal = seal_in_service()
    controls = tuple(standings())
    return Facts(
        groups={
            "Organisation": dict(_organisation(organisation, told)),
            "Canaux": dict(_channels(organisation)),
            "Rôles": dict(_roles()),
            "Authenticité et intégrité": dict(_integrity(seal)),
            "Conservation": dict(_keeping(told)),
            "Contrôles": {
                each.control.title: f"{each.control.frequency.capitalize()}. {each.control.method}" for each in controls
            }
            | dict(_wanted(told)),
            "Logiciel": {"Version": f"Faitfoi {version('faitfoi')}"},
        },
        seal=seal,
        controls=controls,
        before_invoicing=told.before_invoicing.strip(),
        after_sending=told.after_sending.strip(),
    )


def _organisation(organisation: Organisation, told: AuditSettings) -> Iterator[tuple[str, str]]:
    yield "Raison sociale", organisation.name
    yield "SIREN", organisation.siren
    if organisation.siret:
        yield "SIRET", organisation.siret
    yield "Clôture de l’exercice", f"fin {MONTHS[organisation.financial_year_ends_in - 1]}"
    yield "Responsable des contrôles", told.responsible or TO_COMPLETE
    if organisation.sends_for_others:
        yield "Mandat de facturation", "envoie aussi les factures d’autres vendeurs, sous mandat"
    yield "Numéros", _numbering()
    yield (
        "Émission par une plateforme agréée",
        f"à partir du {organisation.issues_electronically_from:%d/%m/%Y}, pour les clients assujettis en France",
    )


def _numbering() -> str:
    """Where numbers come from; how far a series has gone passes, and is no part of it."""
    series = Series.objects.order_by("seller_siren", "name", "pattern")
    kept = [
        f"{name} ({pattern}, vendeur {seller})"
        for seller, name, pattern in series.values_list("seller_siren", "name", "pattern").distinct()
    ]
    if not kept:
        return "donnés par le logiciel de facturation"
    return f"donnés par le logiciel de facturation, ou par une série de Faitfoi : {', '.join(kept)}"


def _channels(organisation: Organisation) -> Iterator[tuple[str, str]]:
    yield "Par défaut", organisation.get_default_channel_display()
    yield "Copie", organisation.get_copy_channel_display()
    if organisation.notice_channel:
        yield "Avis d’un dépôt", organisation.get_notice_channel_display()
    for channel in ChannelSettings.objects.order_by("channel").values_list("channel", flat=True):
        label = ChannelKey(channel).label
        try:
            values = channel_settings(channel) or {}
        except VaultClosed:
            yield label, "réglé ; ses réglages ne se lisent pas avec la clé présente"
            continue
        hosts = [urlsplit(values[name]).hostname or values[name] for name in ADDRESSES if values.get(name)]
        yield label, f"environnement : {', '.join(hosts)}" if hosts else "réglé"


def _roles() -> Iterator[tuple[str, str]]:
    people = Counter(Membership.objects.filter(user__is_active=True).values_list("role", flat=True))
    for role in Role:
        entitled = ", ".join(DUTY_WORDS[duty] for duty in Duty if duty in DUTIES[role])
        yield role.label.capitalize(), f"{people[role]} compte(s) — peut : {entitled}"
    yield "Accès d’auditeurs en cours", str(Mandate.objects.filter(revoked_at=None).count())
    yield (
        "Séparation",
        "nul ne peut à la fois demander et approuver ; un auditeur ne fait que lire, et chaque lecture est au journal",
    )


def _integrity(seal: Seal | None) -> Iterator[tuple[str, str]]:
    if seal is None:
        yield "Voie", "piste d’audit fiable ; aucun cachet n’est en service pour le moment"
    else:
        yield "Voie", f"{seal.way.sentence} ({seal.way.source}.)"
        kind = "fait par cette installation" if seal.own else f"émis par {seal.issuer}"
        yield "Cachet", f"PAdES, {seal.algorithm} avec SHA-256 ; certificat {kind} ; clé : {seal.driver}"
        yield "Titulaire du certificat", seal.subject
        yield "Validité du certificat", f"du {seal.not_before:%d/%m/%Y} au {seal.not_after:%d/%m/%Y}"
        yield "Empreinte du certificat (SHA-256)", seal.fingerprint
    yield "Empreintes des fichiers", "SHA-256 et SHA-512, calculées à l’entrée et inscrites au journal"
    yield (
        "Journal",
        "écritures en ajout seul, arbre de Merkle (RFC 6962, SHA-256), points de contrôle signés Ed25519 (C2SP)",
    )
    yield "Clé du journal", log_signer().verifier.vkey
    for member in panel().members:
        yield f"Témoin {member.verifier.name}", member.verifier.vkey
    yield "Ce que voit le témoin", protection()
    authorities = ", ".join(urlsplit(url).hostname or url for url in settings.FAITFOI_TSA.split())
    yield (
        "Horodatage (RFC 3161)",
        authorities or "aucune autorité réglée : l’heure est celle de la machine et du témoin",
    )


def _keeping(told: AuditSettings) -> Iterator[tuple[str, str]]:
    for category, years in rules().items():
        name = CATEGORIES[category].name
        yield f"Durée : {name}", f"{years} ans à compter de la clôture de l’exercice"
    yield "Premier exemplaire", _place(settings.FAITFOI_SHELF)
    second = settings.FAITFOI_SECOND_SHELF
    yield "Second exemplaire", _place(second) if second else "aucun : un sinistre de la machine perdrait l’archive"
    yield "Lieu", told.storage_place or f"{TO_COMPLETE} Un lieu hors de France se déclare (LPF, art. L102 C)."


def _place(shelf: str) -> str:
    parts = urlsplit(shelf)
    if parts.scheme and parts.netloc:
        return f"{parts.scheme}, {parts.hostname}{parts.path.rstrip('/')}"
    return f"dossier {shelf} de la machine"


def _wanted(told: AuditSettings) -> Iterator[tuple[str, str]]:
    required = ", ".join(f"{REFERENCES[term].label} ({term})" for term in told.required if term in REFERENCES)
    unique = ", ".join(f"{REFERENCES[term].label} ({term})" for term in told.unique if term in REFERENCES)
    yield "Références exigées", required or "aucune"
    yield "Références facturées une seule fois", unique or "aucune"
