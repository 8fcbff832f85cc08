"""Workers killed at any moment and begun again: nothing lost, nothing doubled, and what nobody can know is said.

    CRASHES     how many kills (200)
    CRASH_SEED  the dice (printed; a new one each time)

What arrived is counted on the simulators' side only.
"""

import os
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.utils import timezone

from faitfoi.accounts.models import ChannelKey
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline import questions
from faitfoi.pipeline.counts import Counts, count_batch
from faitfoi.pipeline.examination import examine_installation
from faitfoi.pipeline.worker import jobs_left
from faitfoi.records.models import Attempt, Batch, BatchLine, Delivery, Document
from faitfoi.records.stages import LineOutcome, Stage
from faitfoi.simulators.control import Fault, FaultKind
from tests.pipeline.cast import FARMER, TOWN, Scene, file
from tests.slow.fleet import STEWARD, WORKER, Fleet

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

CRASHES = int(os.environ.get("CRASHES", "200"))
SEED = int(os.environ.get("CRASH_SEED", str(random.SystemRandom().randrange(10**6))))
BATCH = 200
ENOUGH_LEFT = 80  # waiting lines below which another batch is handed over
WORKERS = ("one", "other")
CUT = "Le programme s’est arrêté pendant l’envoi"
ARRIVED = frozenset({Stage.SENT, Stage.ACCEPTED, Stage.DELIVERED})
PATIENCE = 240.0  # seconds without any end of what is left to do


@dataclass(slots=True)
class Storm:
    """The kills, and what has been handed over meanwhile."""

    scene: Scene
    fleet: Fleet
    dice: random.Random
    batches: list[Batch] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    began: float = field(default_factory=time.monotonic)

    def hand_over(self) -> None:
        """Give one more batch: half of it goes by mail, half to Chorus Pro."""
        rank = len(self.batches) + 1
        files = (file(f"C{rank}-{n:03d}", TOWN if n % 2 else FARMER) for n in range(BATCH))
        self.batches.append(self.scene.hand_over(*files))

    def waiting(self) -> int:
        """Count the lines nobody has judged yet."""
        with acting_for(self.scene.organisation.id):
            return BatchLine.objects.filter(outcome=LineOutcome.WAITING).count()

    def received(self) -> int:
        """Count what the other sides have taken so far."""
        return len(self.scene.smtp.received) + len(self.scene.chorus.state.deposits)

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
        self.kills[how] += 1
        for name in victims:
            self.fleet.start(name, STEWARD if name == "steward" else WORKER)

    def _wait_for_the_wire(self) -> None:
        before, patience = self.received(), time.monotonic() + 30
        while self.received() == before and time.monotonic() < patience:
            time.sleep(0.001)

    def wait_until(self, done: Callable[[], bool], what: str) -> None:
        """Let the workers work."""
        patience = time.monotonic() + PATIENCE
        while not done():
            assert time.monotonic() < patience, f"seed {SEED}: still {what} after {PATIENCE:.0f} s"
            self.fleet.check()
            time.sleep(0.3)

    def at_rest(self) -> bool:
        """Whether every line is judged and every delivery has been tried."""
        with acting_for(self.scene.organisation.id):
            open_ = Delivery.objects.filter(stage__in=[Stage.ROUTED, Stage.SENDING]).count()
        return self.waiting() == 0 and open_ == 0 and jobs_left() == 0

    def nothing_to_find(self) -> bool:
        """Ask everything that can be asked, and tell whether nothing is left to ask."""
        questions.due_questions(self.scene.organisation.id, everything=True)
        with acting_for(self.scene.organisation.id):
            return not Delivery.objects.filter(stage=Stage.TO_FIND).exists()


def test_killed_workers_lose_nothing_and_double_nothing(
    scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.change(ChannelKey.EMAIL, deadline_seconds="10")
    scene.change(ChannelKey.CHORUS_PRO, timeout="4")
    for simulator in (scene.smtp, scene.chorus):  # so that some kills fall between their taking it and their answer
        simulator.faults.add(Fault(kind=FaultKind.SLOW, times=None, probability=0.1, seconds=0.3))
    with Fleet(tmp_path) as fleet:
        storm = Storm(scene=scene, fleet=fleet, dice=random.Random(SEED))
        storm.hand_over()
        for name in WORKERS:
            fleet.start(name, WORKER)
        fleet.start("steward", STEWARD)
        while storm.kills.total() < CRASHES:
            if storm.waiting() < ENOUGH_LEFT:
                storm.hand_over()
            storm.strike()
        lull = time.monotonic()
        storm.wait_until(storm.at_rest, "not at rest")
        scene.advance(hours=1)  # Chorus Pro has integrated all it took
        storm.wait_until(storm.nothing_to_find, "asking")
    figures = reckon(storm)
    with capsys.disabled():
        took, calm = time.monotonic() - storm.began, time.monotonic() - lull
        print(f"\ncrashes (seed {SEED}): {figures}, {took:.0f} s of which {calm:.0f} s after the last kill")


def reckon(storm: Storm) -> str:
    """Hold our books against the other sides' own, and return the figures."""
    scene, seed = storm.scene, f"CRASH_SEED={SEED}"
    mails, deposits = Counter(scene.mails()), Counter(scene.deposits())
    assert [name for name, times in mails.items() if times > 1] == [], seed
    assert [name for name, times in deposits.items() if times > 1] == [], seed
    arrived = {name.strip("<>").partition("@")[0] for name in mails} | {number for _, number in deposits}
    total, unknown = Counts(), Counter[str]()
    with acting_for(scene.organisation.id):
        for batch in storm.batches:
            counts = count_batch(batch)
            assert counts.disagreements() == [], seed
            total += counts
        assert Document.objects.count() == len(storm.batches) * BATCH, seed
        assert not BatchLine.objects.filter(already_done=True).exists(), seed
        for delivery in Delivery.objects.select_related("document"):
            name = delivery.document.number if delivery.channel == ChannelKey.CHORUS_PRO else delivery.message_ref
            last = Attempt.objects.filter(delivery=delivery).order_by("number").last()
            assert last is not None, seed
            stage = Stage(delivery.stage)
            if stage is Stage.UNKNOWN:
                unknown[delivery.channel] += 1
                assert last.detail.startswith(CUT), f"{seed}: {name} is unknown and was not cut: {last.detail}"
                assert name not in arrived or delivery.channel == ChannelKey.EMAIL, f"{seed}: {name} was not found"
            else:
                assert stage in ARRIVED, f"{seed}: {name} ended as {stage}"
                assert name in arrived, f"{seed}: {name} is called {stage} and has not arrived"
        assert not Attempt.objects.filter(outcome=Attempt.Outcome.CLAIMED).exists(), seed
    assert (total.waiting, total.refused, total.needs_someone, total.held, total.failed, total.skipped) == (0,) * 6, (
        seed
    )
    assert total.received == total.sent == len(storm.batches) * BATCH, seed
    assert total.unknown == unknown.total() <= 2 * storm.kills.total(), seed
    report = examine_installation()
    assert report.sound, (seed, report.problems)
    assert timezone.now()
    in_doubt = sum(1 for name in mails if name.strip("<>").partition("@")[0] in _unknown_refs(scene))
    return (
        f"{storm.kills.total()} kills {dict(storm.kills)}, {total.received} documents, {len(mails)} mails, "
        f"{len(deposits)} deposits, {total.unknown} unknown {dict(unknown)} of which {in_doubt} had arrived, "
        f"0 doubled, 0 lost, {report.entries} journal entries sound"
    )


def _unknown_refs(scene: Scene) -> set[str]:
    with acting_for(scene.organisation.id):
        return set(Delivery.objects.filter(stage=Stage.UNKNOWN).values_list("message_ref", flat=True))
