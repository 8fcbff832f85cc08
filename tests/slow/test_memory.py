"""One worker's memory stays flat, and its sandbox child's, over thousands of documents.

    DOCUMENTS   how many (5000)

The documents come in batches, and the worker is weighed after each: as many samples on any machine. Flat means: after
the warm-up (a tenth of the documents, 200 at least), a straight line through them rises by less than `TOLERANCE`. The
tolerance is not zero because allocators keep what they were once given: the rules' engine grows its heap at the
largest document so far, in steps of some megabytes, and then stops. A leak of one invoice (about 6 kB of JSON, 60 kB of
PDF) per document would show as 300 MB over 5,000, ten times the tolerance.
"""

import os
from pathlib import Path

import pytest

from faitfoi.accounts.tenancy import acting_for
from faitfoi.records.models import Batch, BatchLine, Delivery
from faitfoi.records.stages import LineOutcome, Stage
from tests.pipeline.cast import FARMER, TOWN, Scene, file
from tests.slow.fleet import WORKER, Fleet, children, resident
from tests.waiting import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

DOCUMENTS = int(os.environ.get("DOCUMENTS", "5000"))
WARM_UP = max(200, DOCUMENTS // 10)
MEBIBYTE = 1024 * 1024
TOLERANCE = 32 * MEBIBYTE
BATCH = max(20, DOCUMENTS // 50)
"""Documents between two samples: fifty of them over a long run, five after the warm-up of the shortest."""


def test_a_worker_s_memory_stays_flat(scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Complaint G61."""
    assert DOCUMENTS >= WARM_UP + 100, (
        f"DOCUMENTS={DOCUMENTS} leaves too few after a warm-up of {WARM_UP}: 300 at least"
    )
    samples: list[tuple[int, int, int]] = []  # documents done, bytes of the worker, bytes of its child
    with Fleet(tmp_path) as fleet:
        pid = fleet.start("worker", WORKER)
        for start in range(0, DOCUMENTS, BATCH):
            numbers = range(start, min(start + BATCH, DOCUMENTS))
            scene.hand_over(*(file(f"M-{n:05d}", TOWN if n % 2 else FARMER) for n in numbers), name=f"lot {start}")
            done = numbers.stop
            wait_for(lambda done=done: _sent(scene) == done, f"{done} documents sent", meanwhile=fleet.check)  # type: ignore[misc]
            samples.append((done, resident(pid), sum(resident(child) for child in children(pid))))
    warm = [sample for sample in samples if sample[0] >= WARM_UP]
    rises = {name: rise([(s[0], s[column]) for s in warm]) for column, name in ((1, "worker"), (2, "child"))}
    with capsys.disabled():
        shown = ", ".join(
            f"{name} {warm[0][column] / MEBIBYTE:.0f} → {warm[-1][column] / MEBIBYTE:.0f} MiB"
            f" (line rises {rises[name] / MEBIBYTE:+.1f})"
            for column, name in ((1, "worker"), (2, "child"))
        )
        print(f"\nmemory over {DOCUMENTS} documents, from {warm[0][0]}: {shown}")
    for name, risen in rises.items():
        assert risen < TOLERANCE, f"the {name} has grown by {risen / MEBIBYTE:.0f} MiB: {warm}"
    assert len(scene.mails()) + len(scene.deposits()) == DOCUMENTS
    with acting_for(scene.organisation.id):
        assert Batch.objects.count() == -(-DOCUMENTS // BATCH)
        assert not BatchLine.objects.exclude(outcome=LineOutcome.READY).exists()


def rise(points: list[tuple[int, int]]) -> float:
    """Return by how much the straight line through the points (least squares) rises from the first to the last."""
    n = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    return slope * (points[-1][0] - points[0][0])


def _sent(scene: Scene) -> int:
    with acting_for(scene.organisation.id):
        return Delivery.objects.filter(stage__in=[Stage.SENT, Stage.ACCEPTED]).count()
