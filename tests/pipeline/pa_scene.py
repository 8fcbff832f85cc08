"""The scene with a plateforme agréée beside it, and customers that are reached by it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from faitfoi.accounts.models import ChannelKey
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline import collecting
from faitfoi.records.journal import write_entry
from faitfoi.records.models import Customer, DeadLetter, Event
from faitfoi.records.vault import save_channel_settings
from faitfoi.simulators.afnor import AfnorSimulator
from faitfoi.simulators.control import Fault, FaultKind
from tests.pipeline.cast import ACTOR, FARMER, Buyer, Scene, file, invoice

DAY = 86400


@dataclass(slots=True)
class Platform:
    """A simulated plateforme agréée, and the organisation that sends by it."""

    simulator: AfnorSimulator
    scene: Scene

    def say(self, number: str, code: str, **more: Any) -> None:
        """Have the other side say something of an invoice."""
        self.simulator.state.say({"number": number, "code": code, **more})

    def pass_time(self, **span: float) -> None:
        """Push the platform's time."""
        units = {"seconds": 1, "hours": 3600, "days": DAY}
        self.simulator._control.obey(
            "POST /control/advance", {"seconds": float(sum(units[unit] * count for unit, count in span.items()))}
        )

    def collect(self) -> int:
        """Read the feed to its end."""
        return collecting.collect(self.scene.organisation.id, ChannelKey.PLATEFORME_AGREEE, actor=ACTOR)

    def news(self, number: str) -> list[tuple[str, str]]:
        """Return what was told of an invoice: code and grade, by the time of events."""
        with acting_for(self.scene.organisation.id):
            told = Event.objects.filter(document__number=number, axis=Event.Axis.THEIRS, code__regex=r"^\d{3}$")
            return list(told.order_by("at", "id").values_list("code", "grade"))

    def letters(self) -> list[DeadLetter]:
        """Return the news that fits nothing."""
        with acting_for(self.scene.organisation.id):
            return list(DeadLetter.objects.order_by("id"))

    def fault(self, kind: FaultKind, **more: Any) -> None:
        """Plan a failure."""
        self.simulator.faults.add(Fault(kind=kind, **more))

    def deposits(self) -> list[dict[str, Any]]:
        """Return the invoices that it was handed."""
        told: Any = self.simulator.state.records({})["deposits"]
        return list(told)

    def acts(self) -> list[dict[str, Any]]:
        """Return the statuses that it was told."""
        told: Any = self.simulator.state.records({})["acts"]
        return list(told)


def open_platform(scene: Scene, buyer: Buyer = FARMER) -> Iterator[Platform]:
    """Set the channel up and have the buyer reached by it."""
    simulator = AfnorSimulator()
    simulator.start()
    with acting_for(scene.organisation.id):
        save_channel_settings(ChannelKey.PLATEFORME_AGREEE, simulator.settings(), actor=ACTOR)
        customer = Customer.objects.get(reference=buyer.reference)
        customer.channel = ChannelKey.PLATEFORME_AGREEE
        customer.save()
        write_entry("scene_set", actor=ACTOR, rows=[customer])
    yield Platform(simulator=simulator, scene=scene)
    simulator.stop()


def due(number: str, cents: str, buyer: Buyer = FARMER) -> bytes:
    """Return an invoice whose amount due, VAT of 20 % included, ends with these cents."""
    net = {"06": "100.05", "07": "100.06", "08": "150.07", "10": "125.08"}[cents]
    line = {**invoice(number, buyer)["lines"][0], "quantity": "1", "price": {"net": net}}
    return file(number, buyer, lines=[line])
