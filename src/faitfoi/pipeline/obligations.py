"""What a public structure wants of an invoice, held against what the invoice has. Pure: values in, sentences out.

French contracts §1.2: service *or* engagement; else service, engagement, each by its own flag; the service may want the
engagement besides; FACTURES_PUBLIQUES is for invoices between public bodies. Blocked when a batch is prepared, not when
it is deposited (complaint A8).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from faitfoi.accounts.models import ChannelKey
from faitfoi.records.models import Structure

BETWEEN_PUBLIC_BODIES = "FACTURES_PUBLIQUES"
OLD = 2
"""Days after which an answer is told with its age."""
SAID_BY = {
    ChannelKey.CHORUS_PRO: ("Chorus Pro", "sur Chorus Pro"),
    ChannelKey.PLATEFORME_AGREEE: ("l’annuaire", "dans l’annuaire"),
}
"""Who describes public structures, and where, by channel."""
AT_RECORD = "Ajoutez-le à la fiche du client, puis relancez."


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRule:
    """One service; `engagement` is None when nobody knows whether it wants an engagement number."""

    name: str
    active: bool
    engagement: bool | None
    begins_on: date | None = None
    ends_on: date | None = None
    known: bool = True

    def open_on(self, day: date) -> bool:
        """Whether it takes invoices that day."""
        return self.active and not self.is_to_come(day) and (self.ends_on is None or day <= self.ends_on)

    def is_to_come(self, day: date) -> bool:
        """Whether it opens later only."""
        return self.begins_on is not None and day < self.begins_on


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a directory has said of one SIRET; `known` is None when it has never answered.

    `by` is who said it, `on` where, in French: Chorus Pro, or the directory of the plateforme agréée. `lists_all` is
    whether it has listed every service, so that one which is not among them does not exist.
    """

    siret: str
    known: bool | None
    by: str = "Chorus Pro"
    on: str = "sur Chorus Pro"
    lists_all: bool = True
    active: bool = True
    works_only: bool = False
    code_service: bool = False
    engagement: bool = False
    code_service_or_engagement: bool = False
    services: Mapping[str, ServiceRule] = field(default_factory=dict)
    told_at: datetime | None = None
    failure: str = ""


def known_of(row: Structure) -> Known:
    """Read what is kept of a structure. A failure is told only while no later answer has come."""
    failed = row.failed_at is not None and (row.told_at is None or row.failed_at > row.told_at)
    by, on = SAID_BY[ChannelKey(row.channel)]
    return Known(
        siret=row.siret,
        known=row.known,
        by=by,
        on=on,
        lists_all=row.channel == ChannelKey.CHORUS_PRO,
        active=row.active,
        works_only=row.works_only,
        code_service=row.code_service,
        engagement=row.engagement,
        code_service_or_engagement=row.code_service_or_engagement,
        services={
            str(each["code"]): ServiceRule(
                name=str(each["name"]),
                active=bool(each["active"]),
                engagement=each["engagement"],
                begins_on=date.fromisoformat(each["begins_on"]) if each.get("begins_on") else None,
                ends_on=date.fromisoformat(each["ends_on"]) if each.get("ends_on") else None,
                known=each.get("known", True),
            )
            for each in row.services
        },
        told_at=row.told_at,
        failure=row.failure if failed else "",
    )


def lacks(structure: Known, *, name: str, code_service: str, engagement: str, day: date) -> str:
    """Say what keeps the recipient from taking the invoice, with the remedy; empty when nothing does.

    The sentence continues « La facture … ne peut pas partir : ».
    """
    if code_service.upper() == BETWEEN_PUBLIC_BODIES:
        return (
            f"le service {BETWEEN_PUBLIC_BODIES} est réservé aux factures entre administrations. Demandez à {name} le "
            "code du service qui vous paie, mettez-le à sa fiche, puis relancez."
        )
    if structure.known is None:
        return ""  # nobody could be asked: prepared all the same, and `caveat` says so
    if not structure.known:
        return (
            f"{structure.by} ne connaît pas le SIRET {structure.siret} de {name}. Vérifiez-le avec le client, "
            "corrigez sa fiche, puis relancez."
        )
    if not structure.active or structure.works_only:
        why = "n’y est plus active" if not structure.active else "n’y reçoit que des factures de travaux"
        return (
            f"la structure {structure.siret} ({name}) est connue de {structure.by} mais {why}. Demandez au client le "
            "SIRET à facturer, corrigez sa fiche, puis relancez."
        )
    return _lacks_reference(structure, name, code_service, engagement) or _lacks_of_service(
        structure, name, code_service, engagement, day
    )


def _lacks_reference(structure: Known, name: str, code_service: str, engagement: str) -> str:
    if structure.code_service_or_engagement:
        if code_service or engagement:
            return ""
        return (
            f"{structure.by} demande pour {name} un code service ou un numéro d’engagement, et la facture n’a ni l’un "
            "ni l’autre. Ajoutez le code service à la fiche du client, ou le numéro d’engagement sur la page de la "
            "facture, puis relancez."
        )
    if structure.code_service and not code_service:
        offered = [f"{code} ({each.name})" for code, each in structure.services.items() if each.active][:5]
        choice = f" Ses services : {', '.join(offered)}." if offered else ""
        return f"{structure.by} demande le code service de {name}.{choice} {AT_RECORD}"
    if structure.engagement and not engagement:
        return _wants_engagement(structure, name)
    return ""


def _lacks_of_service(structure: Known, name: str, code_service: str, engagement: str, day: date) -> str:
    if not code_service:
        return ""
    service = structure.services.get(code_service)
    if service is None and not structure.lists_all:
        return ""  # nobody has asked about it
    if service is None or not service.known:
        return (
            f"{structure.by} ne connaît pas de service « {code_service} » chez {name} (fiche du client, BT-46 ou "
            "BT-10 de la facture). Corrigez le code service, puis relancez."
        )
    if service.begins_on and service.is_to_come(day):
        return (
            f"le service « {code_service} » ({service.name}) de {name} n’ouvre {structure.on} que le "
            f"{service.begins_on:%d/%m/%Y}. Demandez au client quel service reçoit jusque-là, mettez-le à sa "
            "fiche, puis relancez."
        )
    if not service.open_on(day):
        return (
            f"le service « {code_service} » ({service.name}) de {name} est fermé {structure.on}. Demandez au client "
            "quel service l’a remplacé, mettez-le à sa fiche, puis relancez."
        )
    if service.engagement and not engagement:
        return _wants_engagement(structure, f"{name}, service {code_service}")
    return ""


def _wants_engagement(structure: Known, name: str) -> str:
    return (
        f"elle attend le numéro d’engagement de {name} (numéro de bon de commande, BT-13) : {structure.by} le demande. "
        "Ajoutez-le sur sa page, puis relancez."
    )


def caveat(structure: Known, *, today: date) -> str:
    """Say what a reader must know of how far the answer can be relied on; empty when it is fresh."""
    if structure.told_at is None:
        return (
            f" Non vérifié : {structure.by} n’a pas répondu quand nous lui avons demandé ce que veut le destinataire "
            "(SIRET, service, engagement). S’il manque quelque chose, il le dira au dépôt."
        )
    age = (today - structure.told_at.date()).days
    if age < OLD:
        return ""
    return f" Vérifié d’après la réponse de {structure.by} du {structure.told_at:%d/%m/%Y} (il y a {age} jours)."
