"""`kill -9` exactly between two steps of the archive or of a series: no gap, no orphan that stays, `fsck` clean.

A child process does the real work and stops itself at the step; it is then killed, and work is taken up here.
"""

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.utils import timezone

from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.examination import examine_installation
from faitfoi.pipeline.sweeping import ORPHANED_AFTER, sweep_orphans
from faitfoi.records.models import Batch, BurntNumber, Document, StoredObject
from faitfoi.records.stages import LineOutcome, Stage
from tests.pipeline.cast import Scene, file, shelf
from tests.pipeline.test_series import begin, last, numbers, unnumbered

pytestmark = pytest.mark.django_db(transaction=True)

SLOW = pytest.mark.slow  # each costs two processes and two examinations: the others show the same in `make test-slow`

CHILD = """
import importlib, signal, sys
import django; django.setup()
from uuid import UUID
from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for, directory
from faitfoi.pipeline.prepare import prepare
from faitfoi.pipeline.receive import receive
from faitfoi.records.models import Batch, BatchLine

act, when, place, organisation_id = sys.argv[1], sys.argv[2], sys.argv[3], UUID(sys.argv[4])
module, _, name = place.rpartition(".")
module = importlib.import_module(module)
real = getattr(module, name)

def stopped_there(*args, **more):
    told = real(*args, **more) if when == "after" else None
    print("there", flush=True)
    signal.pause()
    return told

setattr(module, name, stopped_there)
with directory():
    organisation = Organisation.objects.get(id=organisation_id)
if act == "receive":
    content = sys.stdin.buffer.read()
    receive(organisation, [("1.json", content)], origin=Batch.Origin.COMMAND, name="lot", actor="test")
else:
    with acting_for(organisation_id):
        lines = list(BatchLine.objects.filter(outcome="waiting").values_list("id", flat=True))
    prepare(organisation_id, lines, actor="test")
print("passed", flush=True)
"""


def killed(scene: Scene, act: str, when: str, place: str, *, content: bytes = b"") -> None:
    """Do `act` in another process, and kill it before or after the step at `place`."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "faitfoi.web.settings"}
    command = [sys.executable, "-c", CHILD, act, when, place, str(scene.organisation.id)]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(content)
        child.stdin.close()
        said = child.stdout.readline()
        child.kill()
    assert said == b"there\n", said


def orphans() -> int:
    """How many packs `fsck` sees that no entry names; it must find nothing else."""
    report = examine_installation()
    assert report.problems == ()
    return report.unclaimed


def a_day_later(scene: Scene) -> int:
    """Make what lies on the shelf older than a transaction can be, and sweep; returns how many packs went."""
    old = (timezone.now() - ORPHANED_AFTER - timedelta(minutes=1)).timestamp()
    for name in shelf().names(f"{scene.organisation.id}/"):
        os.utime(shelf().root / name, (old, old))
    return sweep_orphans(scene.organisation.id)


def outcomes(scene: Scene, batch: Batch) -> list[str]:
    return [line.outcome for line in scene.lines(batch)]


@pytest.mark.parametrize("when", ["before", pytest.param("after", marks=SLOW)])
def test_what_was_being_received_is_received_once(scene: Scene, when: str) -> None:
    content = file("F-1")
    killed(scene, "receive", when, "faitfoi.pipeline.archive.claim", content=content)
    with acting_for(scene.organisation.id):
        assert not Batch.objects.exists()
        assert not StoredObject.objects.exists()
    assert orphans() == 1
    batch = scene.send(content)
    assert outcomes(scene, batch) == [LineOutcome.READY]
    assert scene.stage("F-1") is Stage.ACCEPTED
    assert orphans() == 0  # the same bytes lie in the same pack, which is named now
    assert a_day_later(scene) == 0


@pytest.mark.parametrize(
    ("when", "place"),
    [
        ("before", "faitfoi.pipeline.archive.claim"),
        pytest.param("after", "faitfoi.pipeline.archive.claim", marks=SLOW),
        pytest.param("after", "faitfoi.pipeline.prepare.write_down", marks=SLOW),
        ("after", "faitfoi.pipeline.prepare.make_due"),
    ],
)
def test_what_was_being_sealed_is_sealed_once(scene: Scene, when: str, place: str) -> None:
    batch = scene.hand_over(file("F-1"))
    killed(scene, "prepare", when, place)
    with acting_for(scene.organisation.id):
        assert not Document.objects.exists()
        assert not BurntNumber.objects.exists()
    assert outcomes(scene, batch) == [LineOutcome.WAITING]
    assert orphans() == 1
    assert sweep_orphans(scene.organisation.id) == 0  # it might still be somebody's
    scene.prepare(batch)
    scene.deliver()
    assert numbers(scene) == ["F-1"]
    assert len(scene.mails()) == 1
    assert a_day_later(scene) == 1
    assert orphans() == 0


@pytest.mark.parametrize(
    ("when", "place", "left"),
    [
        pytest.param("after", "faitfoi.pipeline.issuing.take", 0, marks=SLOW),
        ("after", "faitfoi.pipeline.prepare.issue", 0),
        ("before", "faitfoi.pipeline.archive.claim", 1),
        pytest.param("after", "faitfoi.pipeline.prepare.write_down", 1, marks=SLOW),
        ("after", "faitfoi.pipeline.prepare.make_due", 1),
    ],
)
def test_a_number_that_was_being_given_is_given_to_the_next(scene: Scene, when: str, place: str, left: int) -> None:
    begin(scene)
    scene.send(unnumbered("A"))
    batch = scene.hand_over(unnumbered("B"))
    killed(scene, "prepare", when, place)
    assert (numbers(scene), last(scene)) == (["F-2026-00001"], [1])
    assert orphans() == left
    other = scene.hand_over(unnumbered("C"))
    scene.prepare(other)
    scene.prepare(batch)
    scene.deliver()
    assert (numbers(scene), last(scene)) == ([f"F-2026-{n:05d}" for n in (1, 2, 3)], [3])
    assert len(scene.mails()) == 3
    assert a_day_later(scene) == left
    assert orphans() == 0
