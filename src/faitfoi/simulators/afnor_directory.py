"""The directory of the simulated plateforme agréée: addresses, whether they are active, and who they belong to.

Until lines are loaded, every address that begins with a SIREN is active, so that a first trial needs no set-up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from faitfoi.simulators.control import ControlError
from faitfoi.simulators.loopback import Body

B2G = frozenset(
    {
        "pm",
        "pmOnly",
        "managesPaymentStatus",
        "managesLegalCommitmentCode",
        "managesLegalCommitmentOrServiceCode",
        "serviceCodeStatus",
    }
)
STATUSES = frozenset({"Enabled", "Disabled", "Upcoming"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line. `unroutable`: it looks well, and the buyer's platform does not know it."""

    address: str
    siren: str
    siret: str = ""
    suffix: str = ""
    routing: str = ""
    platform: str = "WK"
    status: str = "Enabled"
    unroutable: bool = False
    name: str = ""

    def told(self) -> Body:
        """The directory line of an answer."""
        optional = {"siret": self.siret, "routingIdentifier": self.routing, "addressingSuffix": self.suffix}
        return {
            "addressingIdentifier": self.address,
            "platformType": self.platform,
            "directoryLineStatus": self.status,
            "siren": self.siren,
            **{name: value for name, value in optional.items() if value},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Public:
    """One establishment of the public sector: what it asks of an invoice (`b2gAdditionalData`), and its services."""

    siret: str
    wants: Mapping[str, bool]
    services: Mapping[str, Mapping[str, object]]  # by code: managesLegalCommitmentCode…; none: every code is one
    status: str = "A"

    def told(self) -> Body:
        """The establishment of an answer."""
        return {
            "siret": self.siret,
            "siren": self.siret[:9],
            "name": f"Établissement {self.siret} de l’Exemple",
            "facilityType": "P",
            "administrativeStatus": self.status,
            "b2gAdditionalData": dict(self.wants),
        }

    def service(self, code: str) -> Body | None:
        """The routing code of an answer."""
        told = self.services.get(code) if self.services else {}
        if told is None:
            return None
        return {
            "routingIdentifier": code,
            "routingIdentifierType": "0224",
            "siret": self.siret,
            "routingCodeName": f"Service {code}",
            "managesLegalCommitmentCode": False,
            "administrativeStatus": "A",
            **told,
        }


@dataclass(slots=True)
class Directory:
    """The lines by address, and the public establishments by SIRET."""

    lines: dict[str, Line] = field(default_factory=dict)
    loaded: bool = False
    public: dict[str, Public] = field(default_factory=dict)
    public_loaded: bool = False

    def load_public(self, told: object) -> None:
        """Take these establishments in the place of all others. Raises ControlError."""
        if not isinstance(told, list) or not all(isinstance(each, dict) for each in told):
            raise ControlError("public is a list of objects")
        read = [_public(each) for each in told]
        self.public = {each.siret: each for each in read}
        self.public_loaded = True

    def establishment(self, siret: str) -> Public | None:
        """Find an establishment; until some are loaded, every SIRET is one that asks for nothing."""
        if not self.public_loaded and len(siret) == 14:
            return Public(siret=siret, wants={}, services={})
        return self.public.get(siret)

    def load(self, lines: object) -> None:
        """Take these lines in the place of all others. Raises ControlError."""
        if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
            raise ControlError("lines is a list of objects")
        read = [_line(line) for line in lines]
        self.lines = {line.address: line for line in read}
        self.loaded = True

    def line(self, address: str) -> Line | None:
        """Find the line of this very address."""
        if not self.loaded and address[:9].isdigit() and len(address) >= 9:
            return Line(address=address, siren=address[:9])
        return self.lines.get(address)

    def search(self, filters: Mapping[str, object]) -> list[Line]:
        """Find lines by `addressingIdentifier`, `siren` or `siret`, strictly or by a part."""
        found = list(self.lines.values())
        if not self.loaded:
            wanted = [_value(filters.get(name)) for name in ("addressingIdentifier", "siren")]
            found = [line for value in wanted if value and (line := self.line(value))]
        for name in ("addressingIdentifier", "siren", "siret", "addressingSuffix"):
            value = _value(filters.get(name))
            if value:
                part = _operator(filters.get(name)) == "contains"
                told = [(line, str(line.told().get(name, ""))) for line in found]
                found = [line for line, own in told if (value in own if part else value == own)]
        return found


def _line(told: Mapping[str, object]) -> Line:
    address, status = str(told.get("addressingIdentifier", "")), str(told.get("directoryLineStatus", "Enabled"))
    if not address or len(address) > 125 or status not in STATUSES:
        raise ControlError("a line has an addressingIdentifier, and a known directoryLineStatus")
    return Line(
        address=address,
        siren=str(told.get("siren", "")) or address[:9],
        siret=str(told.get("siret", "")),
        suffix=str(told.get("addressingSuffix", "")),
        routing=str(told.get("routingIdentifier", "")),
        platform=str(told.get("platformType", "WK")),
        status=status,
        unroutable=bool(told.get("unroutable", False)),
        name=str(told.get("name", "")),
    )


def _public(told: Mapping[str, object]) -> Public:
    wants, services = told.get("wants", {}), told.get("services", {})
    if not isinstance(wants, dict) or not set(wants) <= B2G or not isinstance(services, dict):
        raise ControlError("an establishment has a siret, the wants of b2gAdditionalData, and services by their code")
    return Public(
        siret=str(told.get("siret", "")),
        wants={str(name): value is True for name, value in wants.items()},
        services={str(code): dict(each) for code, each in services.items()},
        status=str(told.get("administrativeStatus", "A")),
    )


def _value(criterion: object) -> str:
    return str(criterion.get("value", "")) if isinstance(criterion, dict) else ""


def _operator(criterion: object) -> str:
    return str(criterion.get("op", "strict")) if isinstance(criterion, dict) else "strict"
