"""The faults of `tests/channels/fault_matrix`, seen from both books: what ours say, what theirs hold, and the end."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from faitfoi.accounts.models import ChannelKey
from faitfoi.accounts.tenancy import acting_for
from faitfoi.channels.contract import NotSent, OutcomeUnknown, Receipt, Refused
from faitfoi.channels.registry import CHANNELS
from faitfoi.intake.returns import ReturnListener
from faitfoi.pipeline import deliver as delivering
from faitfoi.pipeline.retry import put_back
from faitfoi.records.journal import write_entry
from faitfoi.records.models import Attempt, Customer, Delivery, Event, MailPace, PaceSlot
from faitfoi.records.stages import Stage
from faitfoi.simulators.control import Fault, FaultKind, Faults
from tests.channels.fault_matrix import Strike, strikes
from tests.pipeline.cast import ACTOR, FARMER, LONG_AGO, SILENT, TOWN, VINEYARD, Buyer, Scene, file
from tests.pipeline.pa_scene import Platform, open_platform

pytestmark = pytest.mark.django_db(transaction=True)

WEEKS = 3 * 7 * 86400.0
SHORT, LONG = "2", "60"
"""Seconds that a channel waits for an answer: of one that is slow, and of all others."""
OUTCOMES = {
    Receipt: Attempt.Outcome.RECEIPT,
    NotSent: Attempt.Outcome.NOT_SENT,
    Refused: Attempt.Outcome.REFUSED,
    OutcomeUnknown: Attempt.Outcome.UNKNOWN,
}
Books = tuple[str, Stage, int]
"""How our last attempt ended, where our books have the delivery, and how many copies theirs have."""


@dataclass(slots=True)
class Stand:
    """One channel of the scene: who is reached by it, where it fails, what it has, and how its news is heard."""

    key: ChannelKey
    scene: Scene
    buyer: Buyer
    faults: Faults
    taken: Callable[[], Counter[str]]
    hear: Callable[[], None]

    def name(self, number: str) -> str:
        """The name under which the other side has a document: its number there, or our token."""
        return number if self.buyer is TOWN else self.scene.delivery(number).message_ref

    def wait_for_answers(self, seconds: str) -> None:
        """Have the channel wait so long for an answer."""
        name = "deadline_seconds" if self.key is ChannelKey.EMAIL else "timeout"
        self.scene.change(self.key, **{name: seconds})

    def books(self, number: str) -> Books:
        """What both books say of a document."""
        delivery = self.scene.delivery(number)
        with acting_for(self.scene.organisation.id):
            last = Attempt.objects.filter(delivery=delivery).order_by("number").values_list("outcome", flat=True).last()
        return str(last), Stage(delivery.stage), self.taken()[self.name(number)]

    def try_it(self, number: str) -> None:
        """Send one document, if it is to be sent, whatever its hour."""
        delivery = self.scene.delivery(number)
        with acting_for(self.scene.organisation.id):
            Delivery.objects.filter(id=delivery.id, stage=Stage.ROUTED).update(
                next_attempt_at=delivery.created_at - LONG_AGO
            )
            PaceSlot.objects.all().delete()
            MailPace.objects.all().delete()
        delivering.deliver(self.scene.organisation.id, [delivery.id])

    def mend(self, number: str) -> None:
        """Do what the stage of a document asks for, once its fault is over."""
        delivery = self.scene.delivery(number)
        if delivery.stage == Stage.TO_FIX:
            with acting_for(self.scene.organisation.id):
                assert put_back(delivery.id, actor=ACTOR)
        self.scene.ask()
        self.try_it(number)


@pytest.fixture
def platform(scene: Scene) -> Iterator[Platform]:
    """A plateforme agréée that reaches the customer without an e-mail address."""
    yield from open_platform(scene, SILENT)


@pytest.fixture
def stand(key: ChannelKey, scene: Scene, platform: Platform, listening: ReturnListener) -> Stand:
    """The channel of the test."""
    scene.channels[ChannelKey.PLATEFORME_AGREEE] = platform.simulator.settings()
    assert listening.port == scene.smtp.outbox.port

    def hear_notices() -> None:
        scene.smtp.control.obey("POST /control/advance", {"seconds": WEEKS})

    def hear_portal() -> None:
        scene.chorus.clock.advance(WEEKS)
        scene.poll()

    def hear_platform() -> None:
        platform.pass_time(seconds=WEEKS)
        scene.poll()
        platform.collect()

    def mails() -> Counter[str]:
        return Counter(message_id.strip("<>").partition("@")[0] for message_id in scene.mails())

    def flows() -> Counter[str]:
        return Counter(str(each["tracking"]) for each in platform.deposits())

    def deposits() -> Counter[str]:
        return Counter(number for _, number in scene.deposits())

    stands: dict[ChannelKey, tuple[Buyer, Any, Callable[[], Counter[str]], Callable[[], None]]] = {
        ChannelKey.EMAIL: (FARMER, scene.smtp, mails, hear_notices),
        ChannelKey.CHORUS_PRO: (TOWN, scene.chorus, deposits, hear_portal),
        ChannelKey.PLATEFORME_AGREEE: (SILENT, platform.simulator, flows, hear_platform),
    }
    buyer, simulator, taken, hear = stands[key]
    return Stand(key=key, scene=scene, buyer=buyer, faults=simulator.faults, taken=taken, hear=hear)


def prepare(stand: Stand, told: list[tuple[FaultKind, Strike]]) -> dict[str, tuple[FaultKind, Strike]]:
    """Have one document of each strike ready to leave; returns them by number."""
    rows = {f"{kind}-{n}": (kind, strike) for n, (kind, strike) in enumerate(told)}
    files = []
    for number, (_, strike) in rows.items():
        if strike.address:
            with acting_for(stand.scene.organisation.id):
                customer = Customer.objects.get(reference=VINEYARD.reference)
                customer.billing_email = strike.address
                customer.save()
                write_entry("scene_set", actor=ACTOR, rows=[customer])
        files.append(file(number, VINEYARD if strike.address else stand.buyer))
    stand.scene.prepare(stand.scene.hand_over(*files))
    return rows


@pytest.mark.parametrize("key", sorted(ChannelKey(key) for key in CHANNELS))
def test_every_fault_leaves_both_books_true_and_ends_with_one_copy(stand: Stand, key: ChannelKey) -> None:
    rows = prepare(stand, strikes(key))
    struck, mended = dict[str, Books](), dict[str, Books]()
    for number, (kind, strike) in rows.items():
        stand.wait_for_answers(SHORT if strike.seconds else LONG)
        stand.faults.add(Fault(kind=kind, times=strike.times, seconds=strike.seconds, on=strike.on))
        stand.try_it(number)
        struck[number] = stand.books(number)
        stand.faults.clear()
    stand.wait_for_answers(LONG)
    assert struck == {
        number: (OUTCOMES[strike.outcome], strike.stage, strike.has) for number, (_, strike) in rows.items()
    }

    stand.scene.advance(minutes=10)  # they have integrated what they took
    for number in rows:
        stand.mend(number)
        mended[number] = stand.books(number)
    assert {number: books[1:] for number, books in mended.items()} == {
        number: (strike.then, 1) for number, (_, strike) in rows.items()
    }

    for kind, strike in rows.values():
        if kind is FaultKind.OUT_OF_ORDER:
            stand.faults.add(Fault(kind=kind, times=strike.times, on=strike.on))
    stand.hear()
    ends = {number: (strike.ends, 1) for number, (_, strike) in rows.items()}
    assert {number: stand.books(number)[1:] for number in rows} == ends
    told = news(stand)
    stand.faults.clear()
    stand.hear()
    assert {number: stand.books(number)[1:] for number in rows} == ends
    assert news(stand) == told  # said again, in its order: nothing new
    assert stand.taken().total() == len(rows)


def news(stand: Stand) -> Counter[tuple[str, str]]:
    """Return what the other side has told of each document, each once."""
    with acting_for(stand.scene.organisation.id):
        theirs = Event.objects.filter(axis=Event.Axis.THEIRS).exclude(code="receipt")
        told = Counter(theirs.values_list("document__number", "identity"))
    assert set(told.values()) <= {1}
    return told
