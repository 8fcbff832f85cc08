"""The simulated directory of public structures: who may be invoiced, and what each asks for.

Loaded by the control address (POST /control/structures) with a list of

    {"siret": "00000071100010", "designation": "Commune de …", "code_service": false, "engagement": false,
     "code_service_or_engagement": false, "payment_not_reported": false,
     "active": true, "works_only": false,
     "services": [{"code": "SERV01", "name": "…", "active": true, "engagement": false, "ends": "2026-10-25 17:42"}]}

where the booleans are the obligations of French contracts §1.2. All may be left out but `siret`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from faitfoi.simulators.chorus_shapes import PUBLIC_ONLY_SERVICE
from faitfoi.simulators.control import ControlError

LONG_OPEN = "2016-10-25 17:42"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service of a structure; `engagement` tells that it asks for a commitment number."""

    id: int
    code: str
    name: str
    active: bool = True
    engagement: bool = False
    begins: str = LONG_OPEN  # when it opens, as the API writes it
    ends: str = ""  # when it closes


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """One public structure and what it asks of an invoice."""

    id: int
    siret: str
    designation: str
    code_service: bool = False
    engagement: bool = False
    code_service_or_engagement: bool = False
    payment_not_reported: bool = False
    active: bool = True
    works_only: bool = False
    services: tuple[Service, ...] = ()

    def service(self, code: str) -> Service | None:
        """Find a service by its code."""
        return next((service for service in self.services if service.code == code), None)

    def missing(self, *, code_service: str, engagement: str) -> str:
        """Tell in French which routing datum is missing or wrong; "" when the invoice can be routed."""
        if code_service == PUBLIC_ONLY_SERVICE:
            return f"Le code service {PUBLIC_ONLY_SERVICE} est réservé aux factures entre entités publiques."
        if self.code_service_or_engagement and not (code_service or engagement):
            return "Le code service ou le numéro d'engagement est obligatoire pour cette structure."
        if self.code_service and not code_service:
            return "Le code service est obligatoire pour cette structure."
        if self.engagement and not engagement:
            return "Le numéro d'engagement est obligatoire pour cette structure."
        if not code_service:
            return ""
        service = self.service(code_service)
        if service is None:
            return f"Le code service {code_service} n'existe pas pour cette structure."
        if service.engagement and not engagement:
            return f"Le numéro d'engagement est obligatoire pour le service {code_service}."
        return ""


DEMONSTRATION: tuple[Mapping[str, object], ...] = (
    {"siret": "00000071100010", "designation": "Commune de Valombreuse"},
    {
        "siret": "00000072900012",
        "designation": "Centre hospitalier du Val Clair",
        "code_service": True,
        "services": [
            {"code": "RESTAURATION", "name": "Service de restauration"},
            {"code": "TRAVAUX", "name": "Service des travaux", "engagement": True},
            {"code": "ANCIEN", "name": "Service fermé", "active": False},
        ],
    },
    {
        "siret": "00000073700015",
        "designation": "Lycée agricole de Montfleury",
        "code_service_or_engagement": True,
        "payment_not_reported": True,
        "services": [{"code": "INTENDANCE", "name": "Intendance"}],
    },
)
"""Fictitious structures, known until others are loaded."""


def read_structures(lines: Iterable[object], *, first_id: int = 26300001) -> dict[str, Structure]:
    """Read structures from control data, by SIRET. Raises ControlError naming the line that cannot be read."""
    structures: dict[str, Structure] = {}
    for number, line in enumerate(lines):
        if not isinstance(line, dict) or not _is_siret(line.get("siret")):
            raise ControlError(f"structure {number}: siret is a text of 14 digits")
        services = line.get("services", [])
        if not isinstance(services, list) or not all(isinstance(one, dict) and one.get("code") for one in services):
            raise ControlError(f"structure {number}: services is a list of objects with a code")
        identifier = first_id + number
        siret = str(line["siret"])
        structures[siret] = Structure(
            id=identifier,
            siret=siret,
            designation=str(line.get("designation") or f"Structure {siret}"),
            code_service=_flag(line, "code_service", number),
            engagement=_flag(line, "engagement", number),
            code_service_or_engagement=_flag(line, "code_service_or_engagement", number),
            payment_not_reported=_flag(line, "payment_not_reported", number),
            active=_flag(line, "active", number, default=True),
            works_only=_flag(line, "works_only", number),
            services=tuple(
                Service(
                    id=identifier * 100 + rank,
                    code=str(one["code"]),
                    name=str(one.get("name") or one["code"]),
                    active=_flag(one, "active", number, default=True),
                    engagement=_flag(one, "engagement", number),
                    begins=str(one.get("begins") or LONG_OPEN),
                    ends=str(one.get("ends") or ""),
                )
                for rank, one in enumerate(services, start=1)
            ),
        )
    return structures


def _is_siret(value: object) -> bool:
    return isinstance(value, str) and len(value) == 14 and value.isascii() and value.isdigit()


def _flag(line: Mapping[str, object], name: str, number: int, *, default: bool = False) -> bool:
    value = line.get(name, default)
    if not isinstance(value, bool):
        raise ControlError(f"structure {number}: {name} is true or false")
    return value
