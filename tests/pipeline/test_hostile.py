"""Hostile files in the limited child: seconds, memory, and the next file is read."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from faitfoi.einvoice.reading import Unreadable
from faitfoi.pipeline.sandbox import Sandbox
from tests.einvoice.hostile import CII, HEAVY, LARGE, MEBIBYTE, SMALL
from tests.pipeline.test_sandbox import end_when_asked
from tests.waiting import PATIENCE
from tests.work import reference

FAITFOI = str(Path(sys.executable).with_name("faitfoi"))
SECONDS = 2.0
MEMORY = 300 * MEBIBYTE
# Those are judged, and have eighty thousand faults to be told.
HEAVY_SECONDS, HEAVY_MEMORY = 12.0, 400 * MEBIBYTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one file took of the child: its refusal (None when it was judged), processor time, highest memory.

    `seconds` are those of the machine on which the bounds were found (`tests.work`).
    """

    refusal: str | None
    seconds: float
    memory: int


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as made:
        made.read(CII)
        yield made


def asked(sandbox: Sandbox, data: bytes) -> Cost:
    """Have a file read and judged by the living child, and weigh it. The child must survive."""
    assert sandbox._child is not None
    place = Path(f"/proc/{sandbox._child.pid}")
    (place / "clear_refs").write_text("5")  # forget the highest memory so far
    before = spent(place)
    refusal = None
    try:
        sandbox.check(data)
    except Unreadable as error:
        refusal = error.reason
    assert sandbox._child is not None, refusal
    assert sandbox._child.poll() is None, refusal
    peak = next(line for line in (place / "status").read_text().splitlines() if line.startswith("VmHWM"))
    return Cost(refusal=refusal, seconds=reference(spent(place) - before), memory=int(peak.split()[1]) * 1024)


def spent(place: Path) -> float:
    fields = (place / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_no_small_hostile_file_costs_the_child_much(sandbox: Sandbox) -> None:
    for name, make in SMALL.items():
        cost = asked(sandbox, make())
        assert cost.refusal is not None, name
        assert cost.seconds < SECONDS, name
        assert cost.memory < MEMORY, name
    assert sandbox.read(CII).invoice.number


@pytest.mark.slow
@pytest.mark.parametrize("case", LARGE)
def test_no_large_hostile_file_costs_the_child_much(sandbox: Sandbox, case: str) -> None:
    cost = asked(sandbox, LARGE[case]())
    assert cost.refusal is not None
    assert cost.refusal.endswith(".")
    assert "épuisé" not in cost.refusal, "the library refuses, before the child's limits do"
    assert cost.seconds < SECONDS
    assert cost.memory < MEMORY


@pytest.mark.slow
@pytest.mark.parametrize("case", HEAVY)
def test_an_invoice_wrong_in_every_way_is_judged_at_a_bounded_cost(sandbox: Sandbox, case: str) -> None:
    cost = asked(sandbox, HEAVY[case]())
    assert cost.refusal is None
    assert cost.seconds < HEAVY_SECONDS
    assert cost.memory < HEAVY_MEMORY


@pytest.mark.parametrize("how", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS])
def test_a_crash_of_a_c_library_costs_one_file_and_is_said(sandbox: Sandbox, how: signal.Signals) -> None:
    assert sandbox._child is not None
    child = sandbox._child.pid
    os.kill(child, signal.SIGSTOP)  # it is in the middle of the file when it crashes
    crashing = threading.Thread(target=end_when_asked, args=(sandbox, how))
    crashing.start()
    with pytest.raises(Unreadable, match="l’a fait échouer"):
        sandbox.read(CII)
    crashing.join()
    assert sandbox.read(CII).invoice.number


def test_the_command_refuses_a_folder_of_them_file_by_file(tmp_path: Path) -> None:
    for number, make in enumerate(SMALL.values()):
        (tmp_path / f"{number:03}.bin").write_bytes(make())
    (tmp_path / "good.xml").write_bytes(CII)
    done = run("check", "--json", tmp_path)
    rows = {Path(row["file"]).name: row for row in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == 2
    assert len(rows) == len(SMALL) + 1
    assert rows["good.xml"]["format"] == "cii"
    assert {row["valid"] for name, row in rows.items() if name != "good.xml"} == {False}
    assert "Traceback" not in done.stderr
    assert "WARNING" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("case", ["200 MB of text", "200 MB of JSON", "a PDF of 200 MB", "objects of 400 MB in 400 KB"])
def test_the_command_refuses_a_large_one_without_holding_it(tmp_path: Path, case: str) -> None:
    path = tmp_path / "large.bin"
    path.write_bytes(LARGE[case]())
    # Weighed from a small process: a process counts the memory of the one it was forked from as its own.
    done = subprocess.run([sys.executable, "-c", _WEIGH, FAITFOI, "check", str(path)], capture_output=True, check=True)
    code, kilobytes = map(int, done.stdout.split())
    assert code == 2
    assert kilobytes * 1024 < MEMORY
    assert b"Traceback" not in done.stderr


_WEIGH = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=sys.stderr, check=False).returncode
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([FAITFOI, *map(str, words)], capture_output=True, text=True, timeout=PATIENCE, check=False)
