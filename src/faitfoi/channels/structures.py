"""Public structures as a channel's directory describes them: what each asks of an invoice, and its services."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceTold:
    """One service of a structure; `engagement` is None when nobody has asked whether it wants an engagement number.

    `known` is False for a code that was asked about and that the structure does not have.
    """

    id: int
    code: str
    name: str
    active: bool
    engagement: bool | None = None
    begins_on: date | None = None
    ends_on: date | None = None
    known: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StructureTold:
    """One structure as the other side describes it; `raw` is all that it answered, as one JSON text."""

    siret: str
    id: int
    name: str
    active: bool
    code_service: bool
    engagement: bool
    code_service_or_engagement: bool
    works_only: bool
    payment_not_reported: bool
    password_expires_on: date | None = None
    services: tuple[ServiceTold, ...] = ()
    raw: bytes = field(default=b"", repr=False)


@runtime_checkable
class Describing(Protocol):
    """A channel whose other side tells what a public structure wants of an invoice."""

    def structure(self, siret: str, *, services: Iterable[str] = ()) -> StructureTold | None:
        """Ask about a SIRET, and about services of it by their codes; None when it is not there. Raises NotSent."""
        ...
