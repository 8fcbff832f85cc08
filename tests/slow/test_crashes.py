"""Workers killed at any moment and begun again, before other sides that fail: nothing lost, nothing doubled.

    CRASHES      how many kills (300)
    DOCUMENTS_F  how many documents, by e-mail, Chorus Pro and plateforme agréée in turn (1000)
    CRASH_SEED   the dice (printed; a new one each time)
    FAULTS_LINE  the file where the line of figures is written too

What arrived is counted on the simulators' side only. What nobody can know is asked about where one can ask, and
becomes a task where nobody can be asked.
"""

import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from faitfoi.accounts.models import ChannelKey
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline import questions, tasks_deliveries
from faitfoi.pipeline.counts import Counts, count_batch
from faitfoi.pipeline.examination import examine_installation
from faitfoi.pipeline.questions import STOPPED
from faitfoi.pipeline.worker import jobs_left
from faitfoi.records.models import Attempt, Batch, BatchLine, Delivery, Document, Event
from faitfoi.records.stages import LineOutcome, Stage
from faitfoi.simulators.control import Fault, FaultKind, Faults
from tests.pipeline.cast import FARMER, LONG_AGO, SILENT, TOWN, Scene, file
from tests.pipeline.pa_scene import Platform, open_platform
from tests.slow.fleet import STEWARD, WORKER, Fleet
from tests.waiting import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.faults, pytest.mark.django_db(transaction=True)]

CRASHES = int(os.environ.get("CRASHES", "300"))
DOCUMENTS = int(os.environ.get("DOCUMENTS_F", "1000"))
SEED = int(os.environ.get("CRASH_SEED", str(random.SystemRandom().randrange(10**6))))
LINE = os.environ.get("FAULTS_LINE", "")
MORE = min(200, DOCUMENTS)
"""How many documents are handed over when the first ones are done before the last kill."""
ENOUGH_LEFT = min(80, DOCUMENTS // 4)  # waiting lines below which another batch is handed over
WORKERS = ("one", "other")
BUYERS = (FARMER, TOWN, SILENT)
"""By e-mail, by Chorus Pro, by plateforme agréée."""
ASKABLE = frozenset({ChannelKey.CHORUS_PRO, ChannelKey.PLATEFORME_AGREEE})
ARRIVED = frozenset({Stage.SENT, Stage.ACCEPTED, Stage.DELIVERED})
TOGETHER = 10
"""Documents of one call to Chorus Pro: as many are in doubt when it is cut. The other channels carry one by one."""
QUIET = 0.3
LONG = 6.0  # seconds: more than the platforms are waited for
TROUBLES = (
    (FaultKind.LOSE_ANSWER, 0.0),
    (FaultKind.SLOW, QUIET),
    (FaultKind.SLOW, LONG),
    (FaultKind.DOWN, 0.0),
)


@pytest.fixture
def platform(scene: Scene) -> Iterator[Platform]:
    """The third channel: the customer without an e-mail address is reached by a plateforme agréée."""
    yield from open_platform(scene, SILENT)


@dataclass(slots=True)
class Storm:
    """The kills, how many workers died of them, and what has been handed over meanwhile."""

    scene: Scene
    platform: Platform
    fleet: Fleet
    dice: random.Random
    batches: list[Batch] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    victims: int = 0
    troubles: Counter[str] = field(default_factory=Counter)
    began: float = field(default_factory=time.monotonic)

    def hand_over(self, count: int) -> None:
        """Give one more batch: a third of it by each channel."""
        rank = len(self.batches) + 1
        numbers = [f"C{rank}-{n:04d}" for n in range(count)]
        files = (file(number, BUYERS[n % len(BUYERS)]) for n, number in enumerate(numbers))
        self.numbers += numbers
        self.batches.append(self.scene.hand_over(*files))

    def waiting(self) -> int:
        """Count the lines nobody has judged yet."""
        with acting_for(self.scene.organisation.id):
            return BatchLine.objects.filter(outcome=LineOutcome.WAITING).count()

    def received(self) -> int:
        """Count what the other sides have taken so far."""
        flows = list(self.platform.simulator.state.flows.values())
        taken = sum(flow.direction == "Out" for flow in flows)
        return len(self.scene.smtp.received) + len(self.scene.chorus.state.deposits) + taken

    def faults(self) -> tuple[Faults, ...]:
        """Return where failures of each other side are planned."""
        return self.scene.smtp.faults, self.scene.chorus.faults, self.platform.simulator.faults

    def disturb(self) -> None:
        """Have one of the other sides fail soon, in a way that the dice choose."""
        kind, seconds = self.dice.choice(TROUBLES)
        times = self.dice.randint(1, 3)
        self.dice.choice(self.faults()).add(Fault(kind=kind, times=times, seconds=seconds))
        self.troubles[f"{kind} {seconds:.1f} s" if seconds else str(kind)] += times

    def strike(self) -> None:
        """Kill at a moment the dice choose, and begin again what was killed."""
        how = self.dice.choice(("any", "start", "wire", "wire", "wire"))
        if how == "any":
            time.sleep(self.dice.uniform(0, 8))
        elif how == "start":
            time.sleep(self.dice.uniform(0, 2))
        else:
            self._wait_for_the_wire()
            time.sleep(self.dice.choice((0.0, self.dice.uniform(0, 0.02), self.dice.uniform(0, 0.4))))
        victims = list(WORKERS) if how == "wire" else [self.dice.choice(WORKERS)]
        if self.dice.random() < 0.1:
            victims.append("steward")
        for name in victims:
            self.fleet.kill(name)
            self.victims += name != "steward"
        self.kills[how] += 1
        for name in victims:
            self.fleet.start(name, STEWARD if name == "steward" else WORKER)

    def _wait_for_the_wire(self) -> None:
        before, patience = self.received(), time.monotonic() + 30
        while self.received() == before and time.monotonic() < patience:
            time.sleep(0.001)

    def calm_down(self) -> None:
        """Have the other sides answer again, and what waits for its next try due now."""
        for faults in self.faults():
            faults.clear()
        with acting_for(self.scene.organisation.id):
            Delivery.objects.filter(stage=Stage.ROUTED).update(next_attempt_at=timezone.now() - LONG_AGO)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = now() WHERE task_name = 'deliver'")

    def wait_until(self, done: Callable[[], bool], what: str) -> None:
        """Let the workers work, for as long as they move anything."""
        before = self.moved()
        while not done():
            goes_on = partial(self._goes_on, done, before)
            wait_for(goes_on, f"seed {SEED}: {what}", meanwhile=self.fleet.check, every=0.3)
            before = self.moved()

    def _goes_on(self, done: Callable[[], bool], before: tuple[int, ...]) -> bool:
        return done() or self.moved() != before

    def moved(self) -> tuple[int, ...]:
        """What changes as long as the work goes on: events written, jobs left, what the other sides have."""
        with acting_for(self.scene.organisation.id):
            return Event.objects.count(), self.waiting(), jobs_left(), self.received()

    def at_rest(self) -> bool:
        """Whether every line is judged and every delivery has been tried."""
        with acting_for(self.scene.organisation.id):
            open_ = Delivery.objects.filter(stage__in=[Stage.ROUTED, Stage.SENDING]).count()
        return self.waiting() == 0 and open_ == 0 and jobs_left() == 0

    def nothing_to_find(self) -> bool:
        """Ask everything that can be asked, and tell whether nothing is left to ask."""
        with acting_for(self.scene.organisation.id):
            if not Delivery.objects.filter(stage=Stage.TO_FIND).exists():
                return True
        if jobs_left() == 0:
            questions.due_questions(self.scene.organisation.id, everything=True)
        return False


def test_killed_workers_lose_nothing_and_double_nothing(
    scene: Scene, platform: Platform, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.channels[ChannelKey.PLATEFORME_AGREEE] = platform.simulator.settings()
    scene.change(ChannelKey.EMAIL, deadline_seconds="10")
    for key in ASKABLE:
        scene.change(key, timeout="4")
    scene.change(ChannelKey.CHORUS_PRO, factures_par_flux=f"{TOGETHER}")  # several invoices die with one worker
    with Fleet(tmp_path) as fleet:
        storm = Storm(scene=scene, platform=platform, fleet=fleet, dice=random.Random(SEED))
        for faults in storm.faults():  # so that some kills fall between their taking it and their answer
            faults.add(Fault(kind=FaultKind.SLOW, times=None, probability=0.1, seconds=QUIET))
        storm.hand_over(DOCUMENTS)
        for name in WORKERS:
            fleet.start(name, WORKER)
        fleet.start("steward", STEWARD)
        while storm.kills.total() < CRASHES:
            if storm.waiting() < ENOUGH_LEFT:
                storm.hand_over(MORE)
            if storm.dice.random() < 0.3:
                storm.disturb()
            storm.strike()
        lull = time.monotonic()
        storm.calm_down()
        storm.wait_until(storm.at_rest, "not at rest")
        for clock in (scene.chorus.clock, platform.simulator.clock):  # they have integrated all they took
            clock.advance(3600.0)
        storm.wait_until(lambda: storm.nothing_to_find() and storm.at_rest(), "asking")
    took, calm = time.monotonic() - storm.began, time.monotonic() - lull
    books = read_books(storm)
    line = json.dumps(figures(storm, books))
    with capsys.disabled():
        print(
            f"\nseed {SEED}: kills {dict(storm.kills)}, faults {dict(storm.troubles)}, taken "
            f"{ {key.value: names.total() for key, names in books.items()} }, "
            f"{took:.0f} s of which {calm:.0f} s after the last kill\n{line}"
        )
    if LINE:
        Path(LINE).write_text(f"{line}\n", encoding="utf-8")
    reckon(storm, books)


def read_books(storm: Storm) -> dict[ChannelKey, Counter[str]]:
    """Return what each other side has taken, how many times, by the name that it has there."""
    return {
        ChannelKey.EMAIL: Counter(name.strip("<>").partition("@")[0] for name in storm.scene.mails()),
        ChannelKey.CHORUS_PRO: Counter(number for _, number in storm.scene.deposits()),
        ChannelKey.PLATEFORME_AGREEE: Counter(str(each["tracking"]) for each in storm.platform.deposits()),
    }


def has(books: dict[ChannelKey, Counter[str]], delivery: Delivery) -> bool:
    """Tell whether the other side has a delivery in its books, by the name that it has there."""
    channel = ChannelKey(delivery.channel)
    name = delivery.document.number if channel is ChannelKey.CHORUS_PRO else delivery.message_ref
    return books[channel][name] > 0


def figures(storm: Storm, books: dict[ChannelKey, Counter[str]]) -> dict[str, int]:
    """Hold our books against the other sides' own, and count.

    Lost is a document that has no delivery, that went nowhere, or that we call arrived where the other side has it not.
    """
    with acting_for(storm.scene.organisation.id):
        deliveries = list(Delivery.objects.select_related("document"))
        asked = Event.objects.filter(axis=Event.Axis.OURS, code=Stage.TO_FIND, delivery__channel__in=ASKABLE)
        kept = sum(each.stage == Stage.UNKNOWN or (each.stage in ARRIVED and has(books, each)) for each in deliveries)
        return {
            "crashes": storm.kills.total(),
            "documents": len(storm.numbers),
            "lost": len(storm.numbers) - kept,
            "doubled": sum(times > 1 for names in books.values() for times in names.values()),
            "unknown_asked": asked.values("delivery").distinct().count(),
            "unknown_to_person": len(unknown_tasks(storm)),
        }


def unknown_tasks(storm: Storm) -> set[str]:
    """Return the numbers that a person is asked about, with a way out."""
    found = tasks_deliveries.tasks(storm.scene.organisation, 10 * len(storm.numbers))
    unknown = [task for task in found if task.kind == Stage.UNKNOWN and task.buttons]
    return {task.document.number for task in unknown if task.document is not None}


def reckon(storm: Storm, books: dict[ChannelKey, Counter[str]]) -> None:
    """See that every single document is where we say it is, and every doubt where it belongs."""
    scene, seed = storm.scene, f"CRASH_SEED={SEED}"
    doubled = [name for names in books.values() for name, times in names.items() if times > 1]
    assert doubled == [], seed
    total, unknown = Counts(), set[str]()
    with acting_for(scene.organisation.id):
        for batch in storm.batches:
            counts = count_batch(batch)
            assert counts.disagreements() == [], seed
            total += counts
        assert sorted(Document.objects.values_list("number", flat=True)) == sorted(storm.numbers), seed
        assert not BatchLine.objects.filter(already_done=True).exists(), seed
        for delivery in Delivery.objects.select_related("document"):
            name, arrived = delivery.document.number, has(books, delivery)
            if delivery.stage == Stage.UNKNOWN:
                unknown.add(name)
                assert not arrived or delivery.channel not in ASKABLE, f"{seed}: {name} was not found"
            else:
                assert delivery.stage in ARRIVED, f"{seed}: {name} ended as {delivery.stage}"
                assert arrived, f"{seed}: {name} is called {delivery.stage} and has not arrived"
        assert not Attempt.objects.filter(outcome=Attempt.Outcome.CLAIMED).exists(), seed
        # Whatever nobody can know began as a call that was cut: by a kill, which cuts one of each worker, or by a
        # deadline, which that worker has written down (a slow machine may have more of these than were planned).
        doubted = Attempt.objects.filter(outcome=Attempt.Outcome.UNKNOWN)
        assert unknown <= set(doubted.values_list("delivery__document__number", flat=True)), seed
        stopped = Counter(doubted.filter(detail=STOPPED).values_list("delivery__channel", flat=True))
        for channel, cut in stopped.items():
            assert cut <= storm.victims * (TOGETHER if channel == ChannelKey.CHORUS_PRO else 1), (seed, stopped)
        assert unknown_tasks(storm) == unknown, seed
    assert (total.waiting, total.refused, total.needs_someone, total.held, total.failed, total.skipped) == (0,) * 6, (
        seed
    )
    assert total.received == total.sent == len(storm.numbers), seed
    assert total.unknown == len(unknown), seed
    report = examine_installation()
    assert report.sound, (seed, report.problems)
