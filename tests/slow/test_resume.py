"""`faitfoi send` interrupted, politely or not: `faitfoi send --resume` finishes it, and nothing is doubled."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from faitfoi.accounts.models import ChannelKey
from faitfoi.accounts.tenancy import acting_for
from faitfoi.pipeline.counts import Counts, count_batch
from faitfoi.pipeline.examination import examine_installation
from faitfoi.records.models import Attempt, Batch, Delivery, Document
from faitfoi.records.stages import Stage
from faitfoi.simulators.control import Fault, FaultKind
from tests.pipeline.cast import FARMER, TOWN, Scene, file
from tests.slow.fleet import children
from tests.slow.installation import SHORT
from tests.waiting import PATIENCE, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unhurried")]

FILES = 90
PACE = 0.5
"""Seconds that each answer takes while a sending is to be interrupted: the last is far away on the fastest machine."""


@pytest.fixture(autouse=True)
def impatient(scene: Scene) -> None:
    """What a killed worker held is asked about soon after."""
    scene.change(ChannelKey.EMAIL, deadline_seconds=f"{SHORT}")
    scene.change(ChannelKey.CHORUS_PRO, timeout=f"{SHORT}")


def begin(*words: str) -> subprocess.Popen[str]:
    """Start `faitfoi WORDS` as a person does at a terminal."""
    return subprocess.Popen(
        [sys.executable, "-m", "faitfoi.cli", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ},
        start_new_session=True,
    )


@pytest.fixture
def unhurried(scene: Scene) -> Iterator[None]:
    """Other sides that take their time, until what was interrupted is taken up again (`hurry`)."""
    for faults in (scene.smtp.faults, scene.chorus.faults):
        faults.add(Fault(kind=FaultKind.SLOW, times=None, seconds=PACE))
    yield
    hurry(scene)


def hurry(scene: Scene) -> None:
    scene.smtp.faults.clear()
    scene.chorus.faults.clear()


def arrived(scene: Scene) -> int:
    return len(scene.smtp.received) + len(scene.chorus.state.deposits)


def write_files(folder: Path) -> Path:
    folder.mkdir()
    for n in range(FILES):
        (folder / f"R-{n:03d}.json").write_bytes(file(f"R-{n:03d}", TOWN if n % 2 else FARMER))
    return folder


def resume() -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "faitfoi.cli", "send", "--resume", "--json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
        env={**os.environ},
    )


def reckon(scene: Scene) -> Counts:
    """Hold what is said against what arrived; returns the counts."""
    assert len(set(scene.mails())) == len(scene.mails())
    assert len(set(scene.deposits())) == len(scene.deposits())
    with acting_for(scene.organisation.id):
        counts = count_batch(Batch.objects.get())
        assert Document.objects.count() == FILES
        cut = Delivery.objects.filter(stage__in=[Stage.TO_FIND, Stage.UNKNOWN])
        assert all(Attempt.objects.filter(delivery=each, outcome="unknown").exists() for each in cut)
        gone = {(d.channel, d.message_ref, d.document.number) for d in Delivery.objects.exclude(id__in=cut)}
    there = {m.strip("<>").partition("@")[0] for m in scene.mails()} | {number for _, number in scene.deposits()}
    assert all((number if channel == "chorus_pro" else ref) in there for channel, ref, number in gone)
    assert counts.disagreements() == []
    assert (counts.waiting, counts.held, counts.refused) == (0, 0, 0)
    assert examine_installation().sound
    return counts


def test_an_interrupted_sending_is_finished_by_resume(scene: Scene, tmp_path: Path) -> None:
    sending = begin("send", str(write_files(tmp_path / "lot")))
    wait_for(lambda: arrived(scene) > 5, "something has left")
    inner = children(sending.pid)
    sending.send_signal(signal.SIGINT)
    out, err = sending.communicate(timeout=PATIENCE)
    assert sending.returncode == 130, err
    assert "faitfoi send --resume" in out + err
    assert "Traceback" not in out + err
    assert inner
    assert not any(_alive(pid) for pid in inner)  # the worker that was started for it has stopped too
    assert 5 < arrived(scene) < FILES, "the interruption came too late to show anything"

    hurry(scene)
    done = resume()
    assert done.returncode == 0, done.stderr
    counts = reckon(scene)
    assert counts.unknown == 0  # politely interrupted: every attempt in hand was finished
    assert counts.sent == FILES == json.loads(done.stdout)["sent"]
    assert "rien à reprendre" in (again := resume()).stderr
    assert again.returncode == 0
    assert arrived(scene) == FILES


def test_a_sending_killed_outright_is_finished_by_resume(scene: Scene, tmp_path: Path) -> None:
    """kill -9 of the command: its worker ends by itself, with what it has in hand."""
    sending = begin("send", str(write_files(tmp_path / "lot")))
    wait_for(lambda: arrived(scene) > 5, "something has left")
    inner = children(sending.pid)
    assert inner
    sending.kill()
    sending.communicate(timeout=PATIENCE)
    wait_for(lambda: not any(_alive(pid) for pid in inner), "the worker has gone with its command")

    hurry(scene)
    done = resume()
    assert done.returncode == 0, done.stderr
    assert reckon(scene).sent == FILES


def test_a_sending_killed_with_its_worker_is_finished_at_once(scene: Scene, tmp_path: Path) -> None:
    """The power was cut and came back: the dead worker's last heartbeat must not pass for life."""
    sending = begin("send", str(write_files(tmp_path / "lot")))
    wait_for(lambda: arrived(scene) > 5, "something has left")
    inner = [*children(sending.pid)]
    inner += [grandchild for child in inner for grandchild in children(child)]
    sending.kill()
    for pid in inner:
        os.kill(pid, signal.SIGKILL)
    sending.communicate(timeout=PATIENCE)

    hurry(scene)
    done = resume()
    assert done.returncode == 0, done.stderr
    counts = reckon(scene)
    assert counts.sent == FILES
    assert counts.unknown <= 1  # the one whose attempt was cut


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
